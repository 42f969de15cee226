"""Writes the inputs that the corpus starts with: honest ones. ``python -m tests.fuzz.seeds``"""

import asyncio
import base64
import json
import struct

from aiortc.rtp import (
    HeaderExtensionsMap,
    RtcpByePacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSourceInfo,
    RtcpSrPacket,
    RtpPacket,
    pack_remb_fci,
    wrap_rtx,
)

from server.analysis.link import pack
from server.analysis.messages import to_body
from server.media import Codec
from tests.analysis.test_link import MESSAGES
from tests.fakes.rtc_packets import packetise
from tests.fakes.rtc_peer import PublishingClient, WatchingClient, audio_clip, video_clip
from tests.fakes.rtc_sockets import REMOTE_UFRAG
from tests.fuzz.harness import CORPUS
from tests.rtc.test_offer import AUDIO, H264, VP8, sdp, video

LOCAL_UFRAG, LOCAL_PASSWORD = "wxyz", "localpasswordlocalpassw"
CANDIDATES = [
    "1467250027 1 udp 2122260223 192.168.0.196 46243 typ host generation 0 ufrag abcd network-id 1",
    "1853887674 1 udp 1518280447 47.61.61.61 36768 typ srflx raddr 192.168.0.196 rport 36768 generation 0",
    "750991856 1 udp 25108223 237.30.30.30 58779 typ relay raddr 47.61.61.61 rport 54761",
    "1 1 UDP 2015363327 2001:db8::1 60065 typ host",
    "2 1 tcp 1518280447 10.0.0.1 9 typ host tcptype active",
    "3 1 udp 2122260223 5a3cd4f5-1111-2222-3333-444455556666.local 51372 typ host",
]
MESSAGES_OF_PAGES = [
    {"type": "hello", "token": "abc.def.ghi", "since_s": 12.5, "session_id": "s"},
    {"type": "ping"},
    {"type": "devices", "microphone": True, "camera": False, "settings": {"echoCancellation": True, "rate": 48000}},
    {"type": "consent", "kind": "analysis", "granted": True, "text_version": "1"},
    {"type": "marker", "t_s": 1.5, "kind": "moment", "label": "a", "question_id": "q"},
    {"type": "note", "text": "ä", "t_s": 3},
    {"type": "delete_marker", "id": "m"},
]


def write(name, *inputs):
    """Put inputs into a parser's corpus."""
    folder = CORPUS / name
    folder.mkdir(parents=True, exist_ok=True)
    for n, data in enumerate(inputs):
        (folder / f"seed-{n:02}").write_bytes(data.encode() if isinstance(data, str) else data)


async def offers():
    """Return offers of real clients."""
    made = []
    for client in (PublishingClient(), PublishingClient(codec="H264", audio=False), WatchingClient()):
        made.append(await client.offer())
        await client.close()
    return made


def rtp():
    """Return packets as they come out of SRTP."""
    extensions = HeaderExtensionsMap()
    packets = []
    for payload_type, codec, frames in ((97, Codec.VP8, video_clip()[:2]), (99, Codec.H264, video_clip("H264")[:2])):
        for media in packetise(codec, frames)[:4]:
            packet = RtpPacket(payload_type=payload_type, sequence_number=media.seq, timestamp=media.timestamp, ssrc=7)
            packet.payload, packet.marker = media.payload, int(media.marker)
            packets.append(packet)
    packets.append(wrap_rtx(packets[0], payload_type=98, sequence_number=5, ssrc=8))
    for n, data in enumerate(audio_clip()[:2]):
        packet = RtpPacket(payload_type=96, sequence_number=n, timestamp=960 * n, ssrc=9, payload=data)
        packets.append(packet)
    padded = RtpPacket(payload_type=97, sequence_number=9, ssrc=7, payload=b"")
    padded.padding_size = 200
    csrc = RtpPacket(payload_type=97, sequence_number=10, ssrc=7, payload=b"\x90\x80\x01")
    csrc.csrc = [1, 2, 3]
    extended = b"\x90\x61\x00\x01\x00\x00\x00\x01\x00\x00\x00\x07\xbe\xde\x00\x01\x10\x30\x22\xaa\x10\x01"
    return [packet.serialize(extensions) for packet in (*packets, padded, csrc)] + [extended]


def rtcp():
    """Return RTCP of every kind, alone and compound."""
    info = RtcpSenderInfo(ntp_timestamp=1 << 60, rtp_timestamp=3000, packet_count=5, octet_count=500)
    report = RtcpReceiverInfo(ssrc=7, fraction_lost=3, packets_lost=5, highest_sequence=99, jitter=4, lsr=0, dlsr=0)
    single = [
        bytes(RtcpSrPacket(ssrc=7, sender_info=info, reports=[report])),
        bytes(RtcpRrPacket(ssrc=7, reports=[report, report])),
        bytes(RtcpSdesPacket(chunks=[RtcpSourceInfo(ssrc=7, items=[(1, b"name")])])),
        bytes(RtcpByePacket(sources=[7])),
        bytes(RtcpPsfbPacket(fmt=1, ssrc=1, media_ssrc=7)),
        bytes(RtcpPsfbPacket(fmt=4, ssrc=1, media_ssrc=7, fci=struct.pack("!IB3x", 7, 1))),
        bytes(RtcpPsfbPacket(fmt=15, ssrc=1, media_ssrc=0, fci=pack_remb_fci(1_500_000, [7]))),
        bytes(RtcpRtpfbPacket(fmt=1, ssrc=1, media_ssrc=7, lost=[5, 6, 40])),
        struct.pack("!BBHIIHHIBBH", 0x8F, 205, 5, 1, 7, 10, 2, 0x01020304, 0, 1, 0) + b"\x20\x02\x04\x05",
    ]
    return [*single, b"".join(single[:3]), b"".join(single)]


def stun():
    """Return checks and answers of a peer."""
    import aioice.stun as module

    messages = []
    for extra in ({}, {"USE-CANDIDATE": None}, {"ICE-CONTROLLED": 5}, {"ICE-CONTROLLING": 5}):
        message = module.Message(
            module.Method.BINDING, module.Class.REQUEST, transaction_id=b"0123456789ab", attributes=dict(extra)
        )
        message.attributes |= {"USERNAME": f"{LOCAL_UFRAG}:{REMOTE_UFRAG}", "PRIORITY": 1_845_501_695}
        message.add_message_integrity(LOCAL_PASSWORD.encode())
        messages.append(bytes(message))
    answer = module.Message(module.Method.BINDING, module.Class.RESPONSE, transaction_id=b"0123456789ab")
    answer.attributes["XOR-MAPPED-ADDRESS"] = ("192.0.2.1", 4000)
    answer.add_message_integrity(b"remotepasswordremotepw")
    error = module.Message(module.Method.BINDING, module.Class.ERROR, transaction_id=b"0123456789ab")
    error.attributes["ERROR-CODE"] = (487, "Role Conflict")
    error.add_message_integrity(b"remotepasswordremotepw")
    indication = module.Message(module.Method.BINDING, module.Class.INDICATION, transaction_id=b"0123456789ab")
    return [*messages, bytes(answer), bytes(error), bytes(indication)]


def main():
    """Write all."""
    texts = asyncio.run(offers())
    by_hand = sdp(AUDIO, video(VP8, H264, numbers="96 97 102"))
    write("sdp", *texts, by_hand, by_hand + "".join(f"a=candidate:{line}\r\n" for line in CANDIDATES))
    fragment = "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"
    write("sdpfrag", fragment + "".join(f"a=candidate:{line}\r\n" for line in CANDIDATES) + "a=end-of-candidates\r\n")
    write("candidate", *CANDIDATES)
    write("rtp", *rtp())
    write("rtcp", *rtcp())
    write("stun", *stun())
    write(
        "vp8",
        *(packet.payload for packet in packetise(Codec.VP8, video_clip()[:3])[:8]),
        b"\x90\xe0\x81\x02\x05\x60\x00",
    )
    write("h264", *(packet.payload for packet in packetise(Codec.H264, video_clip("H264")[:3])[:8]))
    write("h264_unit", *video_clip("H264")[:2])
    write("vp8_frame", *video_clip()[:2])
    write("opus", *audio_clip()[:4], b"\xfc\xff\xfe", b"\x7b\x03\x00\x00")
    write("page_message", *(json.dumps(message) for message in MESSAGES_OF_PAGES))
    write("link", *(pack(to_body(message)) for message in (*MESSAGES, MESSAGES[0])), pack(to_body(MESSAGES[0])) * 2)
    write("setting", "1", "40000-40100", "turn:t.example.org:3478", "192.0.2.1/10.0.0.5", "https://a.example", "!eth*")
    servers = json.dumps([{"urls": ["turn:a"], "username": "u", "credential": "c"}, {"urls": "stun:b"}])
    write("setting_servers", servers)
    answers = json.dumps({"answers": [{"kind": "call", "granted": True, "text_version": "1"}]})
    form = "title=A&candidate_name=B&candidate_email=c%40d.example&scheduled_at=2026-11-20T12%3A00&purpose=research"
    write("form", form, form + "&timezone=Europe%2FBerlin&duration_min=45&questions=a&questions=b")
    deep = base64.urlsafe_b64encode(b"[" * 6000).decode()
    write(
        "token",
        f"{deep}.e30.AAAA",
        "eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJjb21wb3N1cmU6YWNjZXNzIn0.AAAA",
        "a.b.c",
        "eyJhbGciOiJub25lIn0.e30.",
    )
    write("body", answers, form, by_hand, "email=a%40b.example&password=x&csrf=y", fragment)


if __name__ == "__main__":
    main()
