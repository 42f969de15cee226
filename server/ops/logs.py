"""Log lines: time, level, module, message; nothing that names a person, an address or a secret."""

import logging
import sys


def configure(level: str) -> None:
    """Send every logger's lines to standard error.

    Args:
        level: debug, info, warning or error.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # These speak about every packet, query or candidate address at info.
    for chatty in ("aioice", "aiortc", "sqlalchemy", "aiosqlite", "alembic", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.getLogger("aiohttp.server").addFilter(without_details)


def without_details(record: logging.LogRecord) -> bool:
    """Reduce what aiohttp says about a broken request to its kind: it would quote the client's address and bytes."""
    kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else "error"
    record.msg, record.args, record.exc_info = "a request could not be handled: %s", (kind,), None
    return True
