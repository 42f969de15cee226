"""The media plane: is the right aiortc installed, and does a call with ourselves carry sound and video."""

from collections.abc import Sequence

from server.config import Config
from server.ops.doctor.findings import Finding, failed, ok, warning
from server.ops.loopback import call_ourselves
from server.rtc.aiortc_private import AiortcMismatch, check_aiortc

VERSION, CALL = "aiortc", "loopback call"
TIMEOUT_S = 6.0
SLOW_S = 1.5
"""A first packet takes a tenth of this on an idle machine."""


async def check(config: Config) -> Sequence[Finding]:
    """Check the versions; then publish and watch through a plane of our own, on the configured addresses and ports."""
    try:
        check_aiortc()
    except AiortcMismatch as exc:
        fix = "Install the packages again: remove .venv and run scripts/setup."
        return [failed(VERSION, str(exc), fix)]
    result = await call_ourselves(config, timeout_s=TIMEOUT_S)
    findings = [ok(VERSION, "the version and names that the program needs")]
    if not result.ok or result.connected_s is None or result.first_packet_s is None:
        fix = "See media addresses and UDP ports above; a firewall may drop UDP of the machine to itself."
        return [*findings, failed(CALL, result.reason, fix)]
    connected_ms, first_ms = result.connected_s * 1000, result.first_packet_s * 1000
    said = f"connected in {connected_ms:.0f} ms, sound and video after {first_ms:.0f} ms"
    if result.first_packet_s > SLOW_S:
        fix = "The machine is busy: look at its load before people come."
        return [*findings, warning(CALL, said, fix)]
    return [*findings, ok(CALL, said)]
