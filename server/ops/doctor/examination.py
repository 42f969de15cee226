"""Runs all checks and puts what they found together."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path

from models.loader import MODELS_DIR
from server import clock
from server.config import Config
from server.ops.doctor import (
    addresses,
    certificate,
    database,
    media,
    models,
    ports,
    relay,
    settings,
    storage,
    stun,
    wallclock,
)
from server.ops.doctor.findings import CONFIGURATION, Diagnosis, Finding, failed
from server.ops.doctor.network import within

CHECK_TIMEOUT_S = 14.0
"""No check takes longer, however silent the servers that it asks."""


async def examine(
    config: Config,
    *,
    now: Callable[[], datetime] = clock.utc_now,
    models_dir: Path = MODELS_DIR,
) -> Diagnosis:
    """Run every check; a server that runs on these settings may go on meanwhile.

    Args:
        config: the settings to look at.
        now: wall clock, UTC.
        models_dir: folder of the networks.
    """
    start_s = clock.monotonic_s()
    first: tuple[tuple[str, Awaitable[Sequence[Finding]]], ...] = (
        (CONFIGURATION, settings.check(config)),
        ("data folder", storage.check(config)),
        ("database", database.check(config)),
        ("clock", wallclock.check(config, now)),
        ("TLS certificate", certificate.check(config, now())),
        ("TCP port", ports.check_tcp(config)),
        ("UDP ports", ports.check_udp(config)),
        ("media addresses", addresses.check(config)),
        ("STUN", stun.check(config)),
        ("TURN", relay.check(config, now)),
        ("models", models.check(models_dir)),
    )
    groups = await asyncio.gather(*(_limited(name, work) for name, work in first))
    # Last and alone: it needs the ports that another check looks at, and an idle processor to be timed on.
    call = await _limited("loopback call", media.check(config))
    found = (finding for group in (*groups, call) for finding in group)
    return Diagnosis(findings=tuple(found), took_s=clock.monotonic_s() - start_s)


async def _limited(name: str, work: Awaitable[Sequence[Finding]]) -> Sequence[Finding]:
    try:
        return await within(CHECK_TIMEOUT_S, work)
    except TimeoutError:
        fix = "Something that it asks does not answer; look at the network and at the disk of this machine."
        return [failed(name, f"the check did not end within {CHECK_TIMEOUT_S:g} s", fix)]
    except Exception as exc:
        # A doctor who faints helps nobody: the other checks are still worth reading.
        fix = "This is a fault of the program: please report it with the version."
        return [failed(name, f"the check itself broke ({type(exc).__name__})", fix)]
