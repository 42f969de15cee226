"""Settings of all tests."""

from hypothesis import settings

# How long an example takes on a busy machine says nothing about the code.
settings.register_profile("composure", deadline=None)
settings.load_profile("composure")
