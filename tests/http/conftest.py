import pytest

from tests.http.world import a_world


@pytest.fixture
async def world(tmp_path):
    async with a_world(tmp_path) as running:
        yield running
