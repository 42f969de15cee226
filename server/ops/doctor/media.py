"""The media plane: is the right aiortc installed, and does a call with ourselves carry sound and video."""

from collections.abc import Sequence
from dataclasses import replace

from server import clock
from server.config import Config
from server.ops.doctor.findings import Finding, failed, ok, warning
from server.ops.loopback import loopback_call
from server.rtc.addresses import local_addresses
from server.rtc.aiortc_private import AiortcMismatch, check_aiortc
from server.rtc.plane import MediaPlane

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
    # ICE servers have checks of their own; here a silent one would only cost time.
    plane_config = replace(config, ice_servers=(), server_uses_turn=False)
    plane = MediaPlane(plane_config, clock=clock.monotonic_s, on_publisher=lambda event: None)
    try:
        result = await loopback_call(plane, address=_caller(config), timeout_s=TIMEOUT_S)
    finally:
        await plane.close()
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


def _caller(config: Config) -> str:
    """Return the address from which to call: of the family of those that are offered, loopback if that is one."""
    offered = local_addresses(config)
    if all(":" in address for address in offered) and offered:
        return offered[0]
    return "127.0.0.1"
