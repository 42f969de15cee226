import pytest

from tests.fakes.priority import ahead_of_others


@pytest.fixture(autouse=True)
def _in_real_time():
    """Most of these tests are real connections, some with bounds of a second or less."""
    with ahead_of_others():
        yield
