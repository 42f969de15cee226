"""``python -m tests.faults serve ...``: the command line of the server, with the switches beside it."""

import sys
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

from server import serving
from server.__main__ import main
from tests.faults.switches import Switches, serve_control

_make_app = serving.make_app


def make_faulty_app(*args: Any, **options: Any) -> web.Application:
    """Return the real application, its switches served beside it."""
    app = _make_app(*args, **options)
    switches = Switches(app)

    async def control(_: web.Application) -> AsyncIterator[None]:
        runner = await serve_control(switches)
        sys.stdout.write(f"Fault switches on http://127.0.0.1:{runner.addresses[0][1]}\n")
        sys.stdout.flush()
        yield
        await runner.cleanup()

    app.cleanup_ctx.append(control)
    return app


if __name__ == "__main__":
    serving.make_app = make_faulty_app
    sys.exit(main())
