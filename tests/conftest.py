"""Settings of all tests."""

import os

from hypothesis import settings

# Some oracles (librosa) compile themselves when first called, which takes longer than what they are asked here.
os.environ.setdefault("NUMBA_DISABLE_JIT", "1")

# How long an example takes on a busy machine says nothing about the code.
settings.register_profile("composure", deadline=None)
settings.load_profile("composure")
