from contextlib import asynccontextmanager

import pytest
from aiohttp.test_utils import TestServer

from server.app import make_app
from server.config import Config
from tests.pages.site import Site


@asynccontextmanager
async def a_site(data_dir, **settings):
    """Run the whole server on a fresh database: nobody has an account yet."""
    config = Config.from_env({}, {"data_dir": str(data_dir), "ice_addresses": "127.0.0.1", **settings})
    async with TestServer(make_app(config)) as server:
        running = Site(app=server.app, url=str(server.make_url("/")).rstrip("/"))
        try:
            yield running
        finally:
            await running.close()


@pytest.fixture
async def site(tmp_path):
    async with a_site(tmp_path) as running:
        yield running
