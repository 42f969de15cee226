"""Runs all checks and puts what they found together."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from models.loader import MODELS_DIR
from server import clock
from server.config import Config, ConfigError
from server.ops.doctor import addresses, certificate, database, media, models, ports, relay, storage, stun, wallclock
from server.ops.doctor.findings import Finding, State, failed, ok
from server.ops.doctor.network import within

CHECK_TIMEOUT_S = 14.0
"""No check takes longer, however silent the servers that it asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Everything that was found."""

    findings: tuple[Finding, ...]
    took_s: float

    def count(self, state: State) -> int:
        """Return how many findings are of this state."""
        return sum(finding.state is state for finding in self.findings)

    @property
    def is_well(self) -> bool:
        """True when nothing failed; warnings are let pass."""
        return self.count(State.FAILED) == 0


def config_failure(error: ConfigError) -> Diagnosis:
    """Return the diagnosis of settings that cannot be used: nothing else can be looked at."""
    fix = "Correct the setting that is named; `python -m server serve --help` and docs/install.md list them all."
    return Diagnosis(findings=(failed("configuration", str(error), fix),), took_s=0.0)


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
    found = [ok("configuration", "every setting can be used"), *(finding for group in groups for finding in group)]
    return Diagnosis(findings=(*found, *call), took_s=clock.monotonic_s() - start_s)


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
