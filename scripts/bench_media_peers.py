"""The processes of the media bench, one role each; they talk to the bench in JSON lines on stdin and stdout.

publisher  sends the clip;  viewer  receives it;  relay, forward  the server between them: aiortc's MediaRelay, or ours
"""

import asyncio
import hashlib
import sys
from pathlib import Path
from typing import Any, cast

import aiortc.rtcrtpreceiver
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.codecs.base import Decoder
from aiortc.contrib.media import MediaRelay
from aiortc.jitterbuffer import JitterFrame
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtp import RtpPacket, is_rtcp

from scripts.bench_media_clip import FPS, VIDEO_BITS, Clip, ClipTrack
from scripts.bench_processes import orders, say
from server.clock import monotonic_s
from server.config import Config
from server.rtc.aiortc_private import ReceiverTap, bind_candidates
from server.rtc.plane import MediaPlane

ADDRESS = "127.0.0.1"
Packets = dict[str, list[float]]
"""Times at which each media payload passed, by its hash; a payload that repeats passes in order."""


def _hash(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=12).hexdigest()


def _new_peer() -> RTCPeerConnection:
    return RTCPeerConnection(RTCConfiguration(iceServers=[]))


def _prefer_vp8(transceiver: RTCRtpTransceiver) -> None:
    capabilities = RTCRtpReceiver.getCapabilities("video")
    assert capabilities is not None
    transceiver.setCodecPreferences([codec for codec in capabilities.codecs if codec.name in ("VP8", "rtx")])


async def _offer(peer: RTCPeerConnection) -> str:
    bind_candidates(peer, [ADDRESS], None)
    await peer.setLocalDescription(await peer.createOffer())
    return peer.localDescription.sdp


async def _answer(peer: RTCPeerConnection, offer: str) -> str:
    await peer.setRemoteDescription(RTCSessionDescription(sdp=offer, type="offer"))
    bind_candidates(peer, [ADDRESS], None)
    await peer.setLocalDescription(await peer.createAnswer())
    return peer.localDescription.sdp


class _Stopwatch:
    """Notes when each media packet of some connections leaves or comes into this process."""

    def __init__(self) -> None:
        self.times: dict[str, Packets] = {}
        self._labels: dict[RTCDtlsTransport, str] = {}
        send, handle, label_and_note = RTCDtlsTransport._send_rtp, RTCDtlsTransport._handle_rtp_data, self._note

        async def noting_send(transport: RTCDtlsTransport, data: bytes) -> None:
            if not is_rtcp(data):
                label_and_note(transport, data)
            await send(transport, data)

        async def noting_handle(transport: RTCDtlsTransport, data: bytes, arrival_time_ms: int) -> None:
            label_and_note(transport, data)
            await handle(transport, data, arrival_time_ms)

        cast("Any", RTCDtlsTransport)._send_rtp = noting_send
        cast("Any", RTCDtlsTransport)._handle_rtp_data = noting_handle

    def watch(self, peer: RTCPeerConnection, label: str) -> None:
        """Note the packets of this connection under a label."""
        for transceiver in peer.getTransceivers():
            self._labels[transceiver.receiver.transport] = label

    def _note(self, transport: RTCDtlsTransport, data: bytes) -> None:
        label = self._labels.get(transport)
        if label is not None:
            name = _hash(RtpPacket.parse(data).payload)
            self.times.setdefault(label, {}).setdefault(name, []).append(monotonic_s())


class _Sending:
    """A connection that sends the clip."""

    def __init__(self, clip: Clip, start_s: float) -> None:
        self.peer = _new_peer()
        self.video = ClipTrack("video", clip.video, 1 / FPS, start_s)
        self.audio = ClipTrack("audio", clip.audio, 0.02, start_s)
        transceiver = self.peer.addTransceiver(self.video, direction="sendonly")
        _prefer_vp8(transceiver)
        cast("Any", transceiver.sender)._send_keyframe = self.video.restart
        self.peer.addTransceiver(self.audio, direction="sendonly")

    async def accept(self, answer: str) -> None:
        """Take the answer to the offer."""
        await self.peer.setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))


async def publisher(clip: Clip) -> None:
    """Send the clip to the server and, beside it, directly to the viewer; in the end tell what was sent and when."""
    stopwatch, start_s = _Stopwatch(), monotonic_s()
    served, direct = _Sending(clip, start_s), _Sending(clip, start_s)
    say(offer=await _offer(served.peer), direct=await _offer(direct.peer))
    async for order in orders():
        if "answer" in order:
            await served.accept(order["answer"])
            stopwatch.watch(served.peer, "served")
        elif "direct" in order:
            await direct.accept(order["direct"])
            stopwatch.watch(direct.peer, "direct")
        else:
            sent = {track.kind: [_hash(data) for data in track.sent] for track in (served.video, served.audio)}
            say(frames=sent, times=stopwatch.times)
    await asyncio.gather(served.peer.close(), direct.peer.close())


class _Collector(Decoder):
    """Stands where aiortc would decode; keeps the hash of each encoded frame that its own buffer put together."""

    def __init__(self, hashes: list[str]) -> None:
        self._hashes = hashes

    def decode(self, encoded_frame: JitterFrame) -> list[Any]:
        self._hashes.append(_hash(encoded_frame.data))
        return []


class _Ignore:
    """Takes the packets of the direct connection, of which only the times count."""

    def on_rtp(self, packet: RtpPacket, *, is_retransmission: bool) -> None:
        """Take no notice."""

    def on_sender_report(self, ssrc: int, ntp_timestamp: int, rtp_timestamp: int) -> None:
        """Take no notice."""


async def viewer(clip: Clip) -> None:
    """Receive from the server and directly; in the end tell what came and when."""
    stopwatch = _Stopwatch()
    frames: dict[str, list[str]] = {"video": [], "audio": []}
    cast("Any", aiortc.rtcrtpreceiver).get_decoder = lambda codec: _Collector(frames[codec.mimeType.split("/")[0]])
    served, direct = _new_peer(), _new_peer()
    _prefer_vp8(served.addTransceiver("video", direction="recvonly"))
    served.addTransceiver("audio", direction="recvonly")
    say(offer=await _offer(served))
    async for order in orders():
        if "answer" in order:
            await served.setRemoteDescription(RTCSessionDescription(sdp=order["answer"], type="answer"))
            stopwatch.watch(served, "served")
        elif "direct" in order:
            for kind in ("video", "audio"):
                receiver = direct.addTransceiver(kind, direction="recvonly").receiver
                ReceiverTap(receiver, _Ignore(), wanted_bps=VIDEO_BITS)
            say(answer=await _answer(direct, order["direct"]))
            stopwatch.watch(direct, "direct")
        else:
            say(frames=frames, times=stopwatch.times)
    await asyncio.gather(served.close(), direct.close())


async def relay(clip: Clip) -> None:
    """Serve as aiortc's examples do: decode once, encode for every viewer."""
    incoming, outgoing, relay_ = _new_peer(), _new_peer(), MediaRelay()
    tracks: list[MediaStreamTrack] = []
    incoming.on("track", lambda track: tracks.append(relay_.subscribe(track)))
    async for order in orders():
        if "publish" in order:
            say(answer=await _answer(incoming, order["publish"]))
        elif "watch" in order:
            for track in tracks:
                outgoing.addTrack(track)
            say(answer=await _answer(outgoing, order["watch"]))
    await asyncio.gather(incoming.close(), outgoing.close())


async def forward(clip: Clip) -> None:
    """Serve as this program does."""
    config = Config.from_env({}, {"ice_addresses": ADDRESS})
    plane = MediaPlane(config, clock=monotonic_s, on_publisher=lambda event: None)
    async for order in orders():
        if "publish" in order:
            say(answer=(await plane.publish("room", "candidate", order["publish"])).answer_sdp)
        elif "watch" in order:
            say(answer=(await plane.watch("room", "candidate", "viewer", order["watch"])).answer_sdp)
    await plane.close()


def main(role: str, clip_path: str) -> None:
    """Play one role until stdin closes."""
    roles = {"publisher": publisher, "viewer": viewer, "relay": relay, "forward": forward}
    clip = Clip.load(Path(clip_path))
    asyncio.run(roles[role](clip))


if __name__ == "__main__":
    main(*sys.argv[1:])
