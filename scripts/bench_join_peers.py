"""The processes of the join storm, one role each: a publisher, and viewers who join when they are told."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from aiortc.rtp import RtpPacket

from scripts.bench_network_faults import Link
from scripts.bench_network_media import FULL_BPS, Clip, Log
from scripts.bench_network_peers import ADDRESS, Client
from scripts.bench_processes import orders, say
from server.clock import monotonic_s
from server.media import Codec
from server.rtc.aiortc_private import ConnectTasks, ReceiverTap, bind_candidates
from server.rtc.packets import starts_keyframe


async def publisher(clip_path: str) -> None:
    """Publish until told to end; tell when key frames were asked for."""
    client = Client(Clip.load(Path(clip_path)), Log(), Link(0, 0.0), honours_remb=False)
    asked_s: list[float] = []
    answer_request = client.sender._send_keyframe

    def on_request() -> None:
        asked_s.append(monotonic_s())
        answer_request()

    client.sender._send_keyframe = on_request
    say(offer=await client.offer())
    async for order in orders():
        if "answer" in order:
            await client.accept(order["answer"])
            say(connected=True)
        else:
            say(asked_s=asked_s)
    await client.close()


class Viewer:
    """Watches until its first whole key frame is there.

    Args:
        on_picture: called once with the seconds from the beginning to that picture.
    """

    def __init__(self, on_picture: Callable[[float], None]) -> None:
        self._on_picture = on_picture
        self._from_s = monotonic_s()
        self._packets: dict[int, RtpPacket] = {}
        self._has_picture = False
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._connecting = ConnectTasks(self.peer)
        audio = self.peer.addTransceiver("audio", direction="recvonly")
        video = self.peer.addTransceiver("video", direction="recvonly")
        capabilities = RTCRtpReceiver.getCapabilities("video")
        assert capabilities is not None
        video.setCodecPreferences([codec for codec in capabilities.codecs if codec.name in ("VP8", "rtx")])
        ReceiverTap(audio.receiver, _Ignore(), wanted_bps=FULL_BPS)
        ReceiverTap(video.receiver, self, wanted_bps=FULL_BPS)

    async def offer(self) -> str:
        """Return an offer to watch."""
        bind_candidates(self.peer, [ADDRESS], None)
        await self.peer.setLocalDescription(await self.peer.createOffer())
        return self.peer.localDescription.sdp

    async def accept(self, answer: str) -> None:
        """Take the answer."""
        await self.peer.setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))

    def on_rtp(self, packet: RtpPacket, *, is_retransmission: bool) -> None:
        """Take a packet; report the first whole key frame."""
        self._packets[packet.sequence_number] = packet
        if not self._has_picture and any(map(self._is_whole_from, self._packets.values())):
            self._has_picture = True
            self._on_picture(monotonic_s() - self._from_s)
        if self._has_picture:
            self._packets.clear()

    def _is_whole_from(self, first: RtpPacket) -> bool:
        """Tell whether a key frame starts with this packet and all of it is there."""
        if not starts_keyframe(Codec.VP8, first.payload):
            return False
        packet: RtpPacket | None = first
        while packet is not None and packet.timestamp == first.timestamp:
            if packet.marker:
                return True
            packet = self._packets.get((packet.sequence_number + 1) & 0xFFFF)
        return False

    def on_sender_report(self, ssrc: int, ntp_timestamp: int, rtp_timestamp: int) -> None:
        """Take no notice."""

    async def close(self) -> None:
        """Close the connection."""
        await self._connecting.cancel()
        await self.peer.close()


class _Ignore:
    """Takes the sound, which does not count."""

    def on_rtp(self, packet: RtpPacket, *, is_retransmission: bool) -> None:
        """Take no notice."""

    def on_sender_report(self, ssrc: int, ntp_timestamp: int, rtp_timestamp: int) -> None:
        """Take no notice."""


async def viewers(clip_path: str) -> None:
    """Let viewers join at the times ordered."""
    joined: dict[int, Viewer] = {}
    tasks: set[asyncio.Task[Any]] = set()

    async def join(number: int, at_s: float) -> None:
        await asyncio.sleep(max(0.0, at_s - monotonic_s()))
        joined[number] = viewer = Viewer(lambda s: say(number=number, first_picture_s=s))
        say(number=number, offer=await viewer.offer())

    async for order in orders():
        if "join" in order:
            tasks |= {asyncio.create_task(join(number, at_s)) for number, at_s in order["join"]}
        else:
            tasks.add(asyncio.create_task(joined[order["number"]].accept(order["answer"])))
    await asyncio.gather(*tasks)
    await asyncio.gather(*(viewer.close() for viewer in joined.values()))


if __name__ == "__main__":
    asyncio.run({"publisher": publisher, "viewers": viewers}[sys.argv[1]](sys.argv[2]))
