"""Who takes part in the network bench: a client that publishes, our media plane, and a stock aiortc peer."""

import asyncio
import queue
from collections import deque
from typing import Any, Protocol, cast

from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from aiortc.rtp import RTCP_PSFB_APP, RTP_HISTORY_SIZE, AnyRtcpPacket, RtcpPsfbPacket, unpack_remb_fci

from scripts.bench_network_faults import Link
from scripts.bench_network_figures import Handed
from scripts.bench_network_media import FULL_BPS, Camera, Clip, Log, Microphone
from server.clock import monotonic_s
from server.config import Config
from server.media import EncodedFrame, Kind
from server.rtc.aiortc_private import ConnectTasks, bind_candidates
from server.rtc.plane import MediaPlane

ADDRESS = "127.0.0.1"
CONNECT_TIMEOUT_S = 15.0


class Client:
    """One connection of the participant who publishes, behind a bad network.

    Args:
        honours_remb: keep to the bit rate the receiver asks for, as browsers do; else always send the best.
        address: local IP address to use.
    """

    def __init__(self, clip: Clip, log: Log, link: Link, *, honours_remb: bool, address: str = ADDRESS) -> None:
        self.link = link
        self._address = address
        self._allowed_bps = FULL_BPS
        self._sent_again: deque[tuple[float, int]] = deque()
        """Time and size of what was sent again within the last second."""
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._connecting = ConnectTasks(self.peer)
        self._camera = Camera(clip, log)
        self.peer.addTransceiver(Microphone(clip, log), direction="sendonly")
        transceiver = self.peer.addTransceiver(self._camera, direction="sendonly")
        capabilities = RTCRtpReceiver.getCapabilities("video")
        assert capabilities is not None
        transceiver.setCodecPreferences([codec for codec in capabilities.codecs if codec.name in ("VP8", "rtx")])
        self.sender = cast("Any", transceiver.sender)
        self.sender._send_keyframe = self._camera.request_keyframe
        if honours_remb:
            self._original_rtcp = self.sender._handle_rtcp_packet
            self.sender._handle_rtcp_packet = self._on_rtcp
            self._original_retransmit = self.sender._retransmit
            self.sender._retransmit = self._retransmit

    async def _on_rtcp(self, packet: AnyRtcpPacket) -> None:
        if isinstance(packet, RtcpPsfbPacket) and packet.fmt == RTCP_PSFB_APP:
            bits_per_s, ssrcs = unpack_remb_fci(packet.fci)
            if self.sender._ssrc in ssrcs:
                self._allowed_bps = bits_per_s
                self._camera.limit(bits_per_s)
        await self._original_rtcp(packet)

    async def _retransmit(self, sequence_number: int) -> None:
        """Send again no more in a second than the rate allowed, as browsers do (libwebrtc, RateLimiter)."""
        now_s = monotonic_s()
        while self._sent_again and now_s - self._sent_again[0][0] > 1.0:
            self._sent_again.popleft()
        packet = self.sender._RTCRtpSender__rtp_history.get(sequence_number % RTP_HISTORY_SIZE)
        size = 0 if packet is None else len(packet.payload)
        if 8 * (sum(n_bytes for _, n_bytes in self._sent_again) + size) <= self._allowed_bps:
            self._sent_again.append((now_s, size))
            await self._original_retransmit(sequence_number)

    async def connect(self, receiver: "Receiver", rtt_s: float) -> None:
        """Offer, take the answer, wait until connected; the network delays all of it."""
        offer = await self.offer()
        await asyncio.sleep(2 * rtt_s)  # a request on a new TCP connection
        await self.accept(await receiver.answer(offer))

    async def offer(self) -> str:
        """Return an offer to publish."""
        bind_candidates(self.peer, [self._address], None)
        await self.peer.setLocalDescription(await self.peer.createOffer())
        self.link.install(self.peer)
        return self.peer.localDescription.sdp

    async def accept(self, answer: str) -> None:
        """Take the answer and wait until connected.

        Raises:
            TimeoutError: no connection came about.
        """
        connected = asyncio.Event()

        def on_state() -> None:
            if self.peer.connectionState == "connected":
                connected.set()

        self.peer.on("connectionstatechange", on_state)
        await self.peer.setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await connected.wait()

    async def close(self) -> None:
        """Close the connection."""
        await self._connecting.cancel()
        await self.peer.close()


class Receiver(Protocol):
    """The side that is measured."""

    handed: Handed

    async def answer(self, offer: str) -> str:
        """Answer an offer of the participant; a second one replaces the first connection."""

    async def close(self) -> None:
        """Close all connections."""


class OurReceiver:
    """Our media plane with a consumer attached, as analysis is."""

    def __init__(self, address: str = ADDRESS) -> None:
        self.handed = Handed()
        config = Config.from_env({}, {"ice_addresses": address})
        self.plane = MediaPlane(config, clock=monotonic_s, on_publisher=lambda event: None)
        self.plane.attach("room", "candidate", self)

    def push(self, frame: EncodedFrame) -> None:
        """Take a frame."""
        frames = self.handed.video if frame.kind is Kind.VIDEO else self.handed.audio
        frames.append((monotonic_s(), frame.data))

    def ended(self, reason: str) -> None:
        """Take no notice."""

    async def answer(self, offer: str) -> str:
        """Answer a WHIP offer."""
        return (await self.plane.publish("room", "candidate", offer)).answer_sdp

    async def close(self) -> None:
        """Close the plane."""
        await self.plane.close()


class StockReceiver:
    """aiortc as it is: its own jitter buffers, NACKs, key-frame requests and REMB. Frames are taken before decoding."""

    def __init__(self, address: str = ADDRESS) -> None:
        self.handed = Handed()
        self._address = address
        self._peers: list[tuple[RTCPeerConnection, ConnectTasks]] = []

    async def answer(self, offer: str) -> str:
        """Answer with a new connection; the one before is closed."""
        replaced = tuple(self._peers)
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._peers.append((peer, ConnectTasks(peer)))
        await peer.setRemoteDescription(RTCSessionDescription(sdp=offer, type="offer"))
        for transceiver in peer.getTransceivers():
            frames = self.handed.video if transceiver.kind == "video" else self.handed.audio
            cast("Any", transceiver.receiver)._RTCRtpReceiver__decoder_queue = _DecoderDoor(frames)
        bind_candidates(peer, [self._address], None)
        await peer.setLocalDescription(await peer.createAnswer())
        for entry in replaced:
            await self._close(entry)
        return peer.localDescription.sdp

    async def _close(self, entry: tuple[RTCPeerConnection, ConnectTasks]) -> None:
        self._peers.remove(entry)
        peer, connecting = entry
        await connecting.cancel()
        await peer.close()

    async def close(self) -> None:
        """Close what is open."""
        for entry in tuple(self._peers):
            await self._close(entry)


class _DecoderDoor(queue.Queue[Any]):
    """Stands before aiortc's decoder thread, which it ends; notes the frames that would be decoded."""

    def __init__(self, frames: list[tuple[float, bytes]]) -> None:
        super().__init__()
        self._frames = frames

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        return None

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        if item is not None:
            self._frames.append((monotonic_s(), item[1].data))
