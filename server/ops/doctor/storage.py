"""The data folder: can it be written, is there room, is the key its owner's alone."""

import asyncio
import os
import shutil
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path

from server.config import Config
from server.ops.doctor.findings import Finding, failed, ok, warning

FOLDER, DISK, KEY = "data folder", "disk space", "secret key"
KEY_BYTES = 32

MIN_FREE_BYTES = 200 * 2**20
"""With less the database soon cannot be written."""
LOW_FREE_BYTES = 2**30


async def check(config: Config) -> Sequence[Finding]:
    """Look at the data folder; a file is made in it and removed."""
    return await asyncio.to_thread(_check, config.data_dir)


def _check(folder: Path) -> list[Finding]:
    if folder.exists() and not folder.is_dir():
        return [failed(FOLDER, f"{folder} is no folder", "Name another one with data_dir, or remove the file.")]
    existing = folder if folder.exists() else _nearest(folder)
    reason = _why_not_writable(existing)
    if reason is not None:
        fix = f"Let the user who runs the server write to {folder}, or name another one with data_dir."
        return [failed(FOLDER, f"{existing} cannot be written: {reason}", fix)]
    said = f"{folder} can be written" if existing == folder else f"{folder} will be made in {existing}"
    return [ok(FOLDER, said), _space(existing), *_key(folder / "secret.key")]


def _nearest(folder: Path) -> Path:
    return next(parent for parent in folder.absolute().parents if parent.exists())


def _why_not_writable(folder: Path) -> str | None:
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as file:
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
    except OSError as exc:
        return exc.strerror or type(exc).__name__
    return None


def _space(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    said = f"{free / 2**30:.1f} GiB free" if free >= 2**30 else f"{free / 2**20:.0f} MiB free"
    fix = f"Make room on the disk of {folder}, or move data_dir to a larger one; an interview's figures take a few MB."
    if free < MIN_FREE_BYTES:
        return failed(DISK, said, fix)
    return warning(DISK, said, fix) if free < LOW_FREE_BYTES else ok(DISK, said)


def _key(path: Path) -> list[Finding]:
    try:
        status = path.stat()
    except FileNotFoundError:
        return []  # made at the first start
    except OSError as exc:
        return [failed(KEY, f"{path} cannot be read: {exc.strerror}", "Give it to the user who runs the server.")]
    if status.st_size != KEY_BYTES:
        fix = "Put the backup back; without one remove the file: all links and logins made with it end."
        return [failed(KEY, f"{path} holds {status.st_size} bytes instead of {KEY_BYTES}", fix)]
    if stat.S_IMODE(status.st_mode) & 0o077:
        fix = f"Run: chmod 600 {path}. Whoever can read it can make links into interviews."
        return [warning(KEY, f"{path} can be read by other users", fix)]
    return [ok(KEY, "readable by its owner alone")]
