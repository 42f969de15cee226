"""The wall clock: links, access tokens, certificates and TURN credentials all end by it."""

import asyncio
import ctypes
import os
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from server import clock
from server.config import Config
from server.ops.doctor.findings import Finding, failed, ok, warning

CHECK = "clock"
WATCH_S = 1.0
MAX_STEP_S = 0.1
"""A second of the wall clock may differ from one of the monotonic clock by this much."""
TOLERANCE = timedelta(minutes=2)

_FIX = "Set the clock and keep it right: install chrony or turn on systemd-timesyncd (timedatectl set-ntp true)."
_STA_UNSYNC = 0x0040
"""adjtimex(2)."""


async def check(config: Config, now: Callable[[], datetime]) -> Sequence[Finding]:
    """Compare the clock with the files that were written by it, with the monotonic clock, and ask the kernel."""
    latest = _latest_file(config.data_dir, now)
    if latest is not None and latest[1] > now() + TOLERANCE:
        path, written_at = latest
        behind = written_at - now()
        return [failed(CHECK, f"it is at least {_spoken(behind)} behind: {path} was written after now", _FIX)]
    wall_before, mono_before_s = now(), clock.monotonic_s()
    await asyncio.sleep(WATCH_S)
    step_s = (now() - wall_before).total_seconds() - (clock.monotonic_s() - mono_before_s)
    said = f"{now():%Y-%m-%d %H:%M:%S} UTC"
    if abs(step_s) > MAX_STEP_S:
        return [failed(CHECK, f"{said}; it jumped by {step_s:+.2f} s within a second", _FIX)]
    synchronised = is_synchronised()
    if synchronised is False:
        return [warning(CHECK, f"{said}; the kernel does not know it to be synchronised", _FIX)]
    return [ok(CHECK, said + ("; synchronised" if synchronised else ""))]


def is_synchronised() -> bool | None:
    """Return whether the kernel holds the clock for synchronised (adjtimex(2)), None if it does not tell."""
    timex = _Timex()
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError):
        return None
    return None if state == -1 else not timex.status & _STA_UNSYNC


class _Timex(ctypes.Structure):
    """The head of ``struct timex``; modes 0 changes nothing."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def _latest_file(data_dir: Path, now: Callable[[], datetime]) -> tuple[Path, datetime] | None:
    """Return the file of ours that was written last: of the data folder, or of the program itself."""
    own = Path(clock.__file__)
    found = []
    for path in (own, *(data_dir / name for name in ("composure.db", "composure.db-wal", "secret.key"))):
        try:
            found.append((path, datetime.fromtimestamp(os.stat(path).st_mtime, now().tzinfo)))
        except (OSError, OverflowError, ValueError):
            continue
    return max(found, key=lambda item: item[1], default=None)


def _spoken(span: timedelta) -> str:
    hours = span.total_seconds() / 3600
    if hours >= 48:
        return f"{hours / 24:.0f} days"
    return f"{hours:.0f} hours" if hours >= 2 else f"{span.total_seconds() / 60:.0f} minutes"
