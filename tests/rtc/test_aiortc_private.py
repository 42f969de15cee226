import importlib.metadata
import socket

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpSender
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtp import RtpPacket

from server.rtc.aiortc_private import MAX_SSRCS, AiortcMismatch, ReceiverTap, bind_candidates, check_aiortc


def test_the_installed_version_fits():
    check_aiortc()


def test_another_version_is_named(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "version", lambda package: "1.17.0" if package == "aiortc" else "0.13.0")
    with pytest.raises(AiortcMismatch, match=r"aiortc 1\.16\.x is needed, found aiortc 1\.17\.0"):
        check_aiortc()


def test_a_missing_name_is_named(monkeypatch):
    monkeypatch.delattr(RTCRtpSender, "_send_keyframe")
    monkeypatch.delattr(RTCRtpSender, "_handle_rtcp_packet")
    with pytest.raises(AiortcMismatch, match=r"aiortc 1\.16\.\d+: RTCRtpSender lacks _send_keyframe"):
        check_aiortc()


async def gathered(ports, addresses=("127.0.0.1",)):
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    peer.addTransceiver("audio", direction="recvonly")
    bind_candidates(peer, addresses, ports)
    await peer.setLocalDescription(await peer.createOffer())
    candidates = peer.getTransceivers()[0].receiver.transport.transport.iceGatherer.getLocalCandidates()
    return peer, [(candidate.ip, candidate.port) for candidate in candidates]


async def test_ports_come_from_the_range_until_it_is_used_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        first = probe.getsockname()[1]
    ports = (first, first + 2)
    opened = [await gathered(ports) for _ in range(4)]
    used = [candidate for _, candidates in opened for candidate in candidates]
    assert sorted(used) == [("127.0.0.1", first + n) for n in range(3)]
    for peer, _ in opened:
        await peer.close()


async def test_an_address_that_is_not_ours_is_passed_over():
    peer, candidates = await gathered(None, ("192.0.2.77", "127.0.0.1"))
    assert [address for address, _ in candidates] == ["127.0.0.1"]
    await peer.close()


async def test_only_so_many_streams_of_a_connection_are_remembered():
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    receiver = peer.addTransceiver("audio", direction="recvonly").receiver
    seen = []

    class Events:
        def on_rtp(self, packet, *, is_retransmission):
            seen.append(packet.ssrc)

    ReceiverTap(receiver, Events(), wanted_bps=0)
    receiver._RTCRtpReceiver__codecs[96] = RTCRtpCodecParameters(
        mimeType="audio/opus", clockRate=48_000, payloadType=96
    )
    for ssrc in range(3 * MAX_SSRCS):
        await receiver._handle_rtp_packet(RtpPacket(payload_type=96, ssrc=ssrc, payload=b"x"), 0)
        await receiver._handle_rtp_packet(RtpPacket(payload_type=97, ssrc=1000 + ssrc, payload=b"x"), 0)
    assert len(receiver._RTCRtpReceiver__active_ssrc) == MAX_SSRCS
    assert len(seen) == MAX_SSRCS // 2
    await receiver._handle_rtp_packet(RtpPacket(payload_type=96, ssrc=0, payload=b"x"), 0)
    assert seen[-1] == 0  # those that are known go on
    await peer.close()
