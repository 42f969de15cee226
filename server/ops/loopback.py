"""A call with ourselves: publish and watch through a media plane by real WebRTC, and see packets arrive.

Used to tell whether this process can carry media at all (``/readyz``, ``python -m server doctor``).
"""

import asyncio
import secrets
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import av
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from server import clock
from server.config import Config
from server.errors import ComposureError
from server.rtc.addresses import local_addresses
from server.rtc.aiortc_private import ConnectTasks, bind_candidates, force_close
from server.rtc.plane import MediaPlane

_KINDS = ("audio", "video")
_POLL_S = 0.005
_CLOSE_TIMEOUT_S = 1.0

_OPUS_SILENCE = bytes.fromhex("f8fffe")
"""20 ms of silence, full band (RFC 6716)."""
_VP8_KEY_FRAME = bytes.fromhex("b002009d012a40003000004708858588998488020200068e4fccc79bf15800fef9e480")
"""A grey picture of 64x48, made by libvpx; every one of the call is this key frame, so none is ever waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopbackResult:
    """How the call went; times count from its start, None when it did not get that far."""

    ok: bool
    connected_s: float | None
    """Both connections were up."""
    first_packet_s: float | None
    """The watching side had a packet of sound and one of video."""
    reason: str
    """Why it failed, empty when it did not."""


async def call_ourselves(config: Config, *, timeout_s: float) -> LoopbackResult:
    """Make a loopback call on a media plane of its own: no room, counter or histogram of people sees it.

    Args:
        config: addresses and ports are the configured ones; STUN and TURN servers are left out, what they do is not
            the question here and each call would wait for them.
        timeout_s: limit for the call.
    """
    own = replace(config, ice_servers=(), turn_urls=(), turn_secret="", server_uses_turn=False)
    plane = MediaPlane(own, clock=clock.monotonic_s, on_publisher=lambda event: None)
    try:
        address = next(iter(local_addresses(own)), "127.0.0.1")
        return await loopback_call(plane, address=address, timeout_s=timeout_s)
    finally:
        await plane.close()


async def loopback_call(plane: MediaPlane, *, address: str = "127.0.0.1", timeout_s: float = 5.0) -> LoopbackResult:
    """Publish synthetic sound and video and watch them; leaves nothing open and never raises for a failed call.

    Args:
        plane: used as any client would, in a room of its own.
        address: local address of the calling side.
        timeout_s: limit for the whole call; closing takes up to a second more.
    """
    room_id = secrets.token_urlsafe(16)
    call = _Call(plane, room_id, address)
    try:
        async with asyncio.timeout(timeout_s):
            await call.run()
        return call.result("")
    except TimeoutError:
        return call.result(f"{call.step} took longer than {timeout_s:g} s")
    except ComposureError as exc:
        return call.result(f"{call.step} failed: {exc.message}")
    except (OSError, ValueError) as exc:  # such as an address that is not ours, which leaves no candidate
        return call.result(f"{call.step} failed: {exc}")
    finally:
        await plane.close_room(room_id)
        await call.close()


class _Call:
    """The two clients of one call and how far they got."""

    def __init__(self, plane: MediaPlane, room_id: str, address: str) -> None:
        self._plane = plane
        self._room_id = room_id
        self._address = address
        self._start_s = clock.monotonic_s()
        self._publisher = _Client()
        self._watcher = _Client()
        self._connected_s: float | None = None
        self._first_packet_s: float | None = None
        self.step = "publishing"

    async def run(self) -> None:
        plane, room_id = self._plane, self._room_id
        for kind in _KINDS:
            self._publisher.peer.addTransceiver(_SyntheticTrack(kind), direction="sendonly")
            self._watcher.peer.addTransceiver(kind, direction="recvonly")
        offer_sdp = await self._publisher.offer(self._address)
        await self._publisher.accept((await plane.publish(room_id, "publisher", offer_sdp)).answer_sdp)
        self.step = "watching"
        offer_sdp = await self._watcher.offer(self._address)
        await self._watcher.accept((await plane.watch(room_id, "publisher", "watcher", offer_sdp)).answer_sdp)
        self.step = "connecting"
        while not (self._publisher.is_connected and self._watcher.is_connected):  # noqa: ASYNC110 - two events at once
            await asyncio.sleep(_POLL_S)
        self._connected_s = clock.monotonic_s() - self._start_s
        self.step = "waiting for media"
        while not await self._watcher.has_received_all():  # noqa: ASYNC110 - aiortc has only counters
            await asyncio.sleep(_POLL_S)
        self._first_packet_s = clock.monotonic_s() - self._start_s

    def result(self, reason: str) -> LoopbackResult:
        return LoopbackResult(
            ok=not reason, connected_s=self._connected_s, first_packet_s=self._first_packet_s, reason=reason
        )

    async def close(self) -> None:
        await asyncio.gather(self._publisher.close(), self._watcher.close())


class _Client:
    """One aiortc peer that offers."""

    def __init__(self) -> None:
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._connecting = ConnectTasks(self.peer)

    @property
    def is_connected(self) -> bool:
        return bool(self.peer.connectionState == "connected")

    async def offer(self, address: str) -> str:
        bind_candidates(self.peer, [address], None)
        await self.peer.setLocalDescription(await self.peer.createOffer())
        sdp = str(self.peer.localDescription.sdp)
        if "a=candidate:" not in sdp:
            raise ValueError(f"no UDP socket could be opened on {address}")
        return sdp

    async def accept(self, answer_sdp: str) -> None:
        await self.peer.setRemoteDescription(RTCSessionDescription(sdp=answer_sdp, type="answer"))

    async def has_received_all(self) -> bool:
        received = set()
        for transceiver in self.peer.getTransceivers():
            for report in (await transceiver.receiver.getStats()).values():
                if report.type == "inbound-rtp" and report.packetsReceived:
                    received.add(report.kind)
        return received == set(_KINDS)

    async def close(self) -> None:
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await self._connecting.cancel()
                await self.peer.close()
        except TimeoutError:
            pass  # the call itself was judged already
        finally:
            await force_close(self.peer)


class _SyntheticTrack(MediaStreamTrack):
    """The same encoded frame again and again, in real time."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        is_audio = kind == "audio"
        self._data = _OPUS_SILENCE if is_audio else _VP8_KEY_FRAME
        self._rate_hz = 48_000 if is_audio else 90_000
        self._frame_s = 0.02 if is_audio else 1 / 30
        self._n = 0
        self._start_s = clock.monotonic_s()

    async def recv(self) -> "av.Packet[Any]":
        """Return the next frame when it is due."""
        t_s = self._n * self._frame_s
        self._n += 1
        await asyncio.sleep(max(0.0, self._start_s + t_s - clock.monotonic_s()))
        packet = av.Packet(self._data)
        packet.pts = round(t_s * self._rate_hz)
        packet.time_base = Fraction(1, self._rate_hz)
        return packet
