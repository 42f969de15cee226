"""Is the installed aiortc the one that the hooks were written for?"""

import importlib.metadata
import inspect

import aioice.ice

from server.rtc.aiortc_private import closing, connecting, consent, datagrams, feedback, ice, receiver, sender

VERSION = "1.16."
AIOICE_VERSION = "0.13."

_NAMES = (
    *(*closing.NAMES, *connecting.NAMES, *consent.NAMES, *datagrams.NAMES),
    *(*feedback.NAMES, *receiver.NAMES, *sender.NAMES, *ice.NAMES),
)


class AiortcMismatch(RuntimeError):
    """The installed aiortc or aioice is not the one this program was written for."""


def check_aiortc() -> None:
    """Verify the versions of aiortc and aioice and every private name used here.

    Raises:
        AiortcMismatch: another version, or a name is gone; the message says which.
    """
    for package, expected in (("aiortc", VERSION), ("aioice", AIOICE_VERSION)):
        found = importlib.metadata.version(package)
        if not found.startswith(expected):
            raise AiortcMismatch(f"{package} {expected}x is needed, found {package} {found}")
    for cls, names in _NAMES:
        known = set(dir(cls))
        for member in vars(cls).values():
            if inspect.isfunction(member):
                known.update(member.__code__.co_names)
        missing = [name for name in names if name not in known]
        if missing:
            version = importlib.metadata.version("aiortc")
            raise AiortcMismatch(f"aiortc {version}: {cls.__name__} lacks {', '.join(missing)}")
    for name in ice.FUNCTIONS:
        if not hasattr(aioice.ice, name):
            raise AiortcMismatch(f"aioice {importlib.metadata.version('aioice')}: aioice.ice lacks {name}")
