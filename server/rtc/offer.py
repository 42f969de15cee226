"""Reads and checks SDP offers, and writes into answers what aiortc leaves out."""

import ipaddress
import re
from dataclasses import dataclass

from aiortc import RTCRtpCodecCapability
from aiortc.codecs import CODECS, is_rtx
from aiortc.rtcpeerconnection import find_common_codecs
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.sdp import MediaDescription, SessionDescription

from server.errors import BadRequest, Unprocessable
from server.media import Codec, Kind
from server.rtc import transport_cc
from server.rtc.sdp_bounds import (
    check_size,
    is_usable_extension_id,
    is_usable_mid,
    is_usable_password,
    is_usable_ufrag,
)

MAX_SDP_BYTES = 65_536
MAX_CANDIDATES = 32
"""The server sends a check to every candidate it is told; nobody needs more."""
VIDEO_CODECS = {"video/vp8": Codec.VP8, "video/h264": Codec.H264}


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedMedia:
    """One media section of an offer."""

    kind: Kind
    mid: str
    sends: bool
    receives: bool
    codecs: tuple[RTCRtpCodecCapability, ...]
    """What both sides can do, in the offerer's order: Opus, or VP8 and variants of H.264."""
    feedback_id: int | None = None
    """Header extension by which the offerer numbers its packets for transport-wide feedback; None without."""
    feedback_payload_types: frozenset[int] = frozenset()
    """For which the offerer takes that feedback."""

    def codec_names(self) -> tuple[Codec, ...]:
        """Return the codecs by name, in the same order."""
        return tuple(codec_of(capability) for capability in self.codecs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A checked offer."""

    sdp: str
    """Cleaned: without candidates we must not or cannot use, and without the end of candidates."""
    ufrag: str
    media: tuple[OfferedMedia, ...]

    def section(self, kind: Kind) -> OfferedMedia | None:
        """Return the section of this kind."""
        return next((section for section in self.media if section.kind is kind), None)

    @property
    def feedback_id(self) -> int | None:
        """Return the header extension for transport-wide feedback, None if it is not offered for what is sent."""
        sections = [section for section in self.media if section.sends and section.feedback_payload_types]
        ids = {section.feedback_id for section in sections if section.feedback_id is not None}
        return ids.pop() if len(ids) == 1 else None

    @property
    def bundle_mid(self) -> str:
        """The section whose transport carries everything."""
        return self.media[0].mid


def codec_of(capability: RTCRtpCodecCapability) -> Codec:
    """Return which of our codecs a capability stands for."""
    return Codec.OPUS if capability.mimeType.lower() == "audio/opus" else VIDEO_CODECS[capability.mimeType.lower()]


def parse_offer(sdp: str) -> Offer:
    """Read an offer of at most one audio and one video section.

    Raises:
        BadRequest: it is no SDP.
        Unprocessable: it is, but we cannot answer it; the message says why.
    """
    if not sdp.startswith("v=0"):
        raise BadRequest("the body is not SDP: it must start with v=0")
    check_size(sdp)
    try:
        description = SessionDescription.parse(sdp)
    # aiortc's parser lets whatever went wrong inside it through.
    except (ValueError, AssertionError, KeyError, IndexError, TypeError, AttributeError, StopIteration) as exc:
        raise BadRequest("the SDP cannot be parsed") from exc
    _check(description)
    media = tuple(_section(section) for section in description.media)
    ice = description.media[0].ice
    ufrag = (ice.usernameFragment if ice is not None else None) or ""
    return Offer(sdp=_clean(sdp), ufrag=ufrag, media=media)


def _check(description: SessionDescription) -> None:
    kinds = [section.kind for section in description.media]
    if not kinds:
        raise Unprocessable("the offer has no media section")
    if set(kinds) - {"audio", "video"}:
        raise Unprocessable("only audio and video sections are supported")
    if len(set(kinds)) != len(kinds):
        raise Unprocessable("at most one audio and one video section are supported")
    if len({section.rtp.muxId for section in description.media}) != len(kinds):
        raise Unprocessable("every media section needs its own a=mid")
    bundle = [mid for group in description.group if group.semantic == "BUNDLE" for mid in group.items]
    if bundle and bundle[0] not in {section.rtp.muxId for section in description.media}:
        raise Unprocessable("the BUNDLE group begins with a media section that is not there")
    for section in description.media:
        if not section.rtp.muxId:
            raise Unprocessable("every media section needs its own a=mid")
        if len(kinds) > 1 and section.rtp.muxId not in bundle:
            raise Unprocessable("audio and video must be in one BUNDLE group")
        if section.dtls is None or not section.dtls.fingerprints:
            raise Unprocessable("a=setup and a=fingerprint (DTLS) are missing")
        if section.dtls.role not in ("auto", "client", "server"):
            raise Unprocessable("a=setup is not usable")
        _check_ice(section)
        if not section.rtcp_mux:
            raise Unprocessable("a=rtcp-mux is needed")
        if section.direction is None:
            raise Unprocessable("every media section needs a=sendonly, a=recvonly or a=sendrecv")
        _check_packets(section)


def _check_ice(section: MediaDescription) -> None:
    if section.ice is None or not section.ice.usernameFragment or not section.ice.password:
        raise Unprocessable("a=ice-ufrag and a=ice-pwd are missing")
    if not is_usable_ufrag(section.ice.usernameFragment):
        raise Unprocessable("a=ice-ufrag is not usable: 4 to 32 letters, digits, + or /")
    if not is_usable_password(section.ice.password):
        raise Unprocessable("a=ice-pwd is not usable: 22 to 64 letters, digits, + or /")


def _check_packets(section: MediaDescription) -> None:
    """Look at what goes into each packet that aiortc serialises for the offerer."""
    if not is_usable_mid(section.rtp.muxId):
        raise Unprocessable("a=mid is not usable: 1 to 16 characters of ASCII")
    if not all(is_usable_extension_id(extension.id) for extension in section.rtp.headerExtensions):
        raise Unprocessable("a=extmap is not usable: its number must be 1 to 255, and not 15")
    payload_types = [codec.payloadType for codec in section.rtp.codecs]
    if len(set(payload_types)) != len(payload_types):
        raise Unprocessable("a payload type has more than one a=rtpmap")


def _section(section: MediaDescription) -> OfferedMedia:
    kind = Kind(section.kind)
    wanted = ("audio/opus",) if kind is Kind.AUDIO else tuple(VIDEO_CODECS)
    capabilities: list[RTCRtpCodecCapability] = []
    for codec in find_common_codecs(CODECS[section.kind], section.rtp.codecs):
        if not is_rtx(codec) and codec.mimeType.lower() in wanted:
            capability = _capability(codec)
            if capability not in capabilities:
                capabilities.append(capability)
    if not capabilities:
        needed = "Opus" if kind is Kind.AUDIO else "VP8 or H.264 (baseline, packetization-mode 1)"
        raise Unprocessable(f"no usable {kind} codec is offered; {needed} is needed")
    assert section.direction is not None
    return OfferedMedia(
        kind=kind,
        mid=section.rtp.muxId,
        sends=section.direction in ("sendonly", "sendrecv"),
        receives=section.direction in ("recvonly", "sendrecv"),
        codecs=tuple(capabilities),
        feedback_id=next((e.id for e in section.rtp.headerExtensions if e.uri == transport_cc.URI), None),
        feedback_payload_types=frozenset(
            codec.payloadType
            for codec in section.rtp.codecs
            if codec.payloadType is not None and any(f.type == "transport-cc" for f in codec.rtcpFeedback)
        ),
    )


def _capability(codec: RTCRtpCodecParameters) -> RTCRtpCodecCapability:
    return RTCRtpCodecCapability(
        mimeType=codec.mimeType, clockRate=codec.clockRate, channels=codec.channels, parameters=codec.parameters
    )


def _clean(sdp: str) -> str:
    """Drop candidates that would stall or mislead aiortc.

    Names ending in .local are resolved by multicast, which takes a second if nobody answers; the browser reaches us
    first anyway and is then known by its address. The end of candidates is dropped because aioice would give up on
    a peer that told it none it can use.
    """
    lines = []
    n_candidates = 0
    for line in sdp.splitlines():
        if line.startswith("a=end-of-candidates"):
            continue
        if line.startswith("a=candidate:"):
            n_candidates += 1
            if n_candidates > MAX_CANDIDATES or not is_usable_candidate(line[len("a=candidate:") :]):
                continue
        if line.strip():
            lines.append(line.rstrip())
    return "\r\n".join(lines) + "\r\n"


_CANDIDATE = re.compile(
    r"^\S{1,32} 1 udp [0-9]{1,10} ([0-9a-f.:]{2,45}) ([0-9]{1,5}) typ (host|srflx|relay)( |$)", re.I
)


def is_usable_candidate(candidate: str) -> bool:
    """Tell whether we may send checks to a candidate (the text behind ``candidate:``, RFC 8839 section 5.1).

    It is UDP, has a literal address and is for media. No peer is at an address that reaches many, none in particular,
    or whoever happens to be on the same cable.
    """
    match = _CANDIDATE.match(candidate)
    if match is None or not 0 < int(match[2]) < 65_536:
        return False
    try:
        address = ipaddress.ip_address(match[1])
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    is_broadcast = address.version == 4 and address.is_reserved
    return not (address.is_multicast or address.is_unspecified or address.is_link_local or is_broadcast)


def with_overhead_kbps(video_kbps: int) -> int:
    """Return the rate of a connection whose video is to have this rate: sound, headers and retransmissions added."""
    return round(1.15 * video_kbps) + 100


def finish_answer(sdp: str, *, video_kbps: int | None, offer: Offer | None = None) -> str:
    """Add what aiortc's answer lacks: Opus FEC, the bit rate we ask of the sender, transport-wide feedback.

    Args:
        sdp: aiortc's answer.
        video_kbps: highest video rate (RFC 3890 b=TIAS; RFC 8866 b=AS with overhead), None to say nothing.
        offer: whose packets we shall give feedback on; None if on none.
    """
    feedback_id = None if offer is None else offer.feedback_id
    lines: list[str] = []
    section: OfferedMedia | None = None
    kind = ""
    gives_feedback = False
    for line in sdp.splitlines():
        lines.append(line)
        if line.startswith("m="):
            kind = line[2:].split(" ")[0]
            section = None if offer is None else offer.section(Kind(kind))
            gives_feedback = section is not None and feedback_id is not None and section.feedback_id == feedback_id
        elif line.startswith("c=") and kind == "video" and video_kbps is not None:
            # Chromium takes the last line, and takes it as the most that the whole connection may send.
            lines += [f"b=TIAS:{video_kbps * 1000}", f"b=AS:{with_overhead_kbps(video_kbps)}"]
        elif line.startswith("a=mid:") and gives_feedback:
            lines.append(f"a=extmap:{feedback_id} {transport_cc.URI}")
        elif match := re.match(r"a=rtpmap:(\d+) ([\w-]+)/", line):
            if match[2].lower() == "opus":
                lines.append(f"a=fmtp:{match[1]} minptime=10;useinbandfec=1")
            if gives_feedback and section is not None and int(match[1]) in section.feedback_payload_types:
                lines.append(f"a=rtcp-fb:{match[1]} transport-cc")
    return "\r\n".join(lines) + "\r\n"
