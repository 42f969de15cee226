"""The server's life: listen, say where, serve until interrupted."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from aiohttp import web
from alembic.util import CommandError

from server import clock
from server.app import make_app
from server.config import Config
from server.db.engine import StorageError
from server.errors import CannotStart
from server.http.keys import ACCOUNTS, ROOMS, TEMPLATES
from server.http.templates import compile_all
from server.network import url_host
from server.ops.certificate import self_signed
from server.ops.limits import allow_many_sockets, set_apart_what_stays, share_heaps
from server.ops.renewal import ServedCertificate
from server.ops.shutdown import Shutdown

SHUTDOWN_TIMEOUT_S = 5.0
"""So long running requests may take to end."""


async def serve(config: Config, *, is_demo: bool, demo_video: Path | None, announce: Callable[[str], None]) -> None:
    """Serve until interrupted.

    Args:
        config: the settings.
        is_demo: open an interview with a synthetic candidate.
        demo_video: what that candidate plays instead of the synthetic face.
        announce: takes the lines that tell the operator where to go.

    Raises:
        ConfigError: a setting cannot be used.
        CannotStart: the database does not answer, is another server's, or was made by a newer version.
        OSError: the port is taken, the data folder cannot be written.
    """
    allow_many_sockets()
    share_heaps()
    app = make_app(config)
    compile_all(app[TEMPLATES])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_TIMEOUT_S)
    shutdown = Shutdown()
    shutdown.listen()
    renewals: asyncio.Task[None] | None = None
    try:
        await runner.setup()
        served = _served_certificate(config)
        tls = None if served is None else served.context
        await web.TCPSite(runner, config.host, config.port, ssl_context=tls).start()
        if served is not None:
            renewals = asyncio.create_task(served.follow(), name="certificate renewal")
        set_apart_what_stays()
        url = _base_url(config, runner)
        announce(f"Composure serves on {url}")
        if is_demo:
            # Imported here: a server without the demo needs none of its packages.
            from server.demo.opening import open_demo

            async with open_demo(app, url, demo_video) as link:
                announce(f"The demo interview is running. Open (works once): {link}")
                await shutdown.wait(app[ROOMS], drain_s=0, now=clock.utc_now)  # nobody loses a real interview
            return
        if (token := await app[ACCOUNTS].new_setup_token()) is not None:
            announce(f"Make the first account here (works once): {url}/setup/{token}")
        await shutdown.wait(app[ROOMS], drain_s=config.drain_s, now=clock.utc_now)
    except (StorageError, CommandError) as exc:
        raise CannotStart(str(exc)) from exc
    finally:
        if renewals is not None:
            renewals.cancel()
        await runner.cleanup()


def _served_certificate(config: Config) -> ServedCertificate | None:
    if config.self_signed:
        names = (config.host, os.uname().nodename)
        return ServedCertificate(*self_signed(config.data_dir, names, now=clock.utc_now()))
    if config.tls_cert is not None and config.tls_key is not None:
        return ServedCertificate(config.tls_cert, config.tls_key)
    return None


def _base_url(config: Config, runner: web.AppRunner) -> str:
    """Return the address to tell people: the configured public one, else the one that is listened on."""
    if config.public_url:
        return config.public_url
    port = runner.addresses[0][1]
    return f"{'https' if config.uses_tls else 'http'}://{url_host(config.host)}:{port}"
