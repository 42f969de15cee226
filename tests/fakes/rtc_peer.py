"""Real aiortc clients on loopback: one publishes frames it encodes itself, one watches and keeps what it receives."""

import asyncio
import functools
import time
from fractions import Fraction

import av
import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from aiortc.rtp import RtpPacket

from server.rtc.aiortc_private import ConnectTasks, ReceiverTap, bind_candidates

LOOPBACK = ["127.0.0.1"]


@functools.cache
def video_clip(codec="VP8", n_frames=90, size=(320, 240), bit_rate=900_000):
    """Encoded frames of a moving pattern; the first is a key frame, the others are not."""
    encoder = av.CodecContext.create("libvpx" if codec == "VP8" else "libx264", "w")
    encoder.width, encoder.height = size
    encoder.pix_fmt = "yuv420p"
    encoder.bit_rate = bit_rate
    encoder.time_base = Fraction(1, 30)
    encoder.framerate = Fraction(30, 1)
    encoder.gop_size = 100_000
    if codec == "VP8":
        # Not "realtime", which makes the result depend on how busy the machine is.
        encoder.options = {"deadline": "good", "cpu-used": "5", "lag-in-frames": "0"}
    else:
        encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "sc_threshold": "0"}
    rows, columns = np.mgrid[0 : size[1], 0 : size[0]]
    clip = []
    for n in range(n_frames):
        image = np.stack([(columns + 3 * n) % 256, (rows + n) % 256, (rows * columns >> 6) % 256], axis=-1)
        frame = av.VideoFrame.from_ndarray(image.astype(np.uint8), format="rgb24").reformat(format="yuv420p")
        frame.pts = n
        frame.time_base = Fraction(1, 30)
        (packet,) = encoder.encode(frame)
        assert packet.is_keyframe == (n == 0)
        clip.append(bytes(packet))
    return tuple(clip)


@functools.cache
def audio_clip(n_packets=100):
    """Opus packets of 20 ms each, a rising tone."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate = 48_000
    encoder.layout = "stereo"
    encoder.format = "s16"
    encoder.bit_rate = 48_000
    encoder.options = {"application": "voip"}
    clip = []
    for n in range(n_packets):
        t = (np.arange(960) + 960 * n) / 48_000
        wave = (8000 * np.sin(2 * np.pi * (200 + 4 * n) * t)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(np.repeat(wave, 2)[None, :], format="s16", layout="stereo")
        frame.pts = n * 960
        frame.sample_rate = 48_000
        frame.time_base = Fraction(1, 48_000)
        clip += [bytes(packet) for packet in encoder.encode(frame)]
    return tuple(clip)


class ClipTrack(MediaStreamTrack):
    """Plays encoded frames round and round in real time; a key-frame request starts the clip anew."""

    def __init__(self, kind, clip, frame_s):
        super().__init__()
        self.kind = kind
        self.sent: list[bytes] = []
        self.n_keyframe_requests = 0
        self.is_paused = False
        self._clip = clip
        self._frame_s = frame_s
        self._n = 0
        self._position = 0
        self._start_s = None

    def force_keyframe(self):
        self.n_keyframe_requests += 1
        self._position = 0

    async def recv(self):
        if self._start_s is None:
            self._start_s = time.monotonic()
        while True:
            await asyncio.sleep(max(0.0, self._start_s + self._n * self._frame_s - time.monotonic()))
            self._n += 1
            if not self.is_paused:
                break
        data = self._clip[self._position % len(self._clip)]
        self._position += 1
        self.sent.append(data)
        packet = av.Packet(data)
        packet.pts = round((self._n - 1) * self._frame_s * 48_000)
        packet.time_base = Fraction(1, 48_000)
        return packet


class PublishingClient:
    """Publishes by WHIP's offer and answer."""

    def __init__(self, *, video=True, audio=True, codec="VP8"):
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._connecting = ConnectTasks(self.peer)
        self.video = ClipTrack("video", video_clip(codec), 1 / 30) if video else None
        self.audio = ClipTrack("audio", audio_clip(), 0.02) if audio else None
        if self.audio:
            self.peer.addTransceiver(self.audio, direction="sendonly")
        if self.video:
            transceiver = self.peer.addTransceiver(self.video, direction="sendonly")
            capabilities = RTCRtpReceiver.getCapabilities("video").codecs
            wanted = [c for c in capabilities if c.name == codec][-1:]
            transceiver.setCodecPreferences([*wanted, *[c for c in capabilities if c.name == "rtx"]])
            transceiver.sender._send_keyframe = self.video.force_keyframe

    async def offer(self):
        bind_candidates(self.peer, LOOPBACK, None)
        await self.peer.setLocalDescription(await self.peer.createOffer())
        return self.peer.localDescription.sdp

    async def accept(self, answer_sdp):
        await self.peer.setRemoteDescription(RTCSessionDescription(sdp=answer_sdp, type="answer"))

    async def publish(self, plane, room_id="room", participant_id="candidate"):
        resource = await plane.publish(room_id, participant_id, await self.offer())
        await self.accept(resource.answer_sdp)
        return resource

    async def close(self):
        await self._connecting.cancel()
        await self.peer.close()


class _Track:
    """Packets of one kind, as they come from the network."""

    def __init__(self):
        self.packets: list[RtpPacket] = []
        self.repaired: list[RtpPacket] = []
        self.reports: list[tuple[int, int, int]] = []
        self.changed = asyncio.Event()

    def on_rtp(self, packet, *, is_retransmission):
        self.packets.append(packet)
        if is_retransmission:
            self.repaired.append(packet)
        self.changed.set()

    def on_sender_report(self, ssrc, ntp_timestamp, rtp_timestamp):
        self.reports.append((ssrc, ntp_timestamp, rtp_timestamp))


class WatchingClient:
    """Watches by WHEP's offer and answer; keeps packets instead of decoding them."""

    def __init__(self, *, kinds=("audio", "video"), codecs=("VP8", "H264")):
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._connecting = ConnectTasks(self.peer)
        self.tracks = {kind: _Track() for kind in kinds}
        self.taps = {}
        for kind in kinds:
            transceiver = self.peer.addTransceiver(kind, direction="recvonly")
            if kind == "video":
                capabilities = RTCRtpReceiver.getCapabilities("video").codecs
                transceiver.setCodecPreferences([c for c in capabilities if c.name in codecs or c.name == "rtx"])
            self.taps[kind] = ReceiverTap(transceiver.receiver, self.tracks[kind], wanted_bps=1_500_000)

    @property
    def video(self):
        return self.tracks["video"]

    @property
    def audio(self):
        return self.tracks["audio"]

    async def offer(self):
        bind_candidates(self.peer, LOOPBACK, None)
        await self.peer.setLocalDescription(await self.peer.createOffer())
        return self.peer.localDescription.sdp

    async def accept(self, answer_sdp):
        await self.peer.setRemoteDescription(RTCSessionDescription(sdp=answer_sdp, type="answer"))

    async def watch(self, plane, room_id="room", source_id="candidate", viewer_id="interviewer"):
        resource = await plane.watch(room_id, source_id, viewer_id, await self.offer())
        await self.accept(resource.answer_sdp)
        return resource

    async def close(self):
        await self._connecting.cancel()
        await self.peer.close()


def unplug(peer):
    """Pull the network cable of a client; the function returned puts it back."""
    transports = {id(ice): ice for ice in (t.receiver.transport.transport for t in peer.getTransceivers())}
    protocols = [protocol for ice in transports.values() for protocol in ice._connection._protocols]
    for protocol in protocols:
        protocol.transport.sendto = lambda data, addr=None: None
        protocol.datagram_received = lambda data, addr: None

    def plug():
        for protocol in protocols:
            del protocol.transport.sendto, protocol.datagram_received

    return plug


async def until(condition, timeout_s=10.0):
    """Wait for something real to become true; fails the test if it does not."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - the conditions are of many kinds, few with an event
            await asyncio.sleep(0.01)
