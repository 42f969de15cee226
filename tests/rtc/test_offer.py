import contextlib
import time
from pathlib import Path

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.rtp import pack_header_extensions
from aiortc.sdp import SessionDescription
from hypothesis import given
from hypothesis import strategies as st

from server.errors import BadRequest, Unprocessable
from server.media import Codec, Kind
from server.rtc.offer import MAX_CANDIDATES, finish_answer, is_usable_candidate, parse_offer
from server.rtc.sdp_bounds import MOST_FEEDBACK_FOR_ALL, MOST_LINES, MOST_LINES_IN_ALL
from server.rtc.sdpfrag import parse_fragment

SESSION = ["v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0"]
TRANSPORT = [
    "c=IN IP4 0.0.0.0",
    "a=ice-ufrag:abcd",
    "a=ice-pwd:abcdefghijklmnopqrstuvwx",
    "a=fingerprint:sha-256 " + ":".join(["AA"] * 32),
    "a=setup:actpass",
    "a=rtcp-mux",
    "a=sendonly",
]
AUDIO = [
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 63",
    *TRANSPORT,
    "a=mid:0",
    "a=rtpmap:111 opus/48000/2",
    "a=rtpmap:63 red/48000/2",
]
VP8 = ["a=rtpmap:96 VP8/90000", "a=rtpmap:97 rtx/90000", "a=fmtp:97 apt=96"]
H264 = [
    "a=rtpmap:102 H264/90000",
    "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
]
VP9 = ["a=rtpmap:98 VP9/90000", "a=fmtp:98 profile-id=0"]


def video(*codecs, numbers="96 97"):
    return [
        f"m=video 9 UDP/TLS/RTP/SAVPF {numbers}",
        *TRANSPORT,
        "a=mid:1",
        *(line for codec in codecs for line in codec),
    ]


def sdp(*sections):
    lines = [line for section in sections for line in section]
    bundle = " ".join(line.removeprefix("a=mid:") for line in lines if line.startswith("a=mid:"))
    return "\r\n".join([*SESSION, f"a=group:BUNDLE {bundle}", *lines]) + "\r\n"


def test_an_ordinary_offer():
    offer = parse_offer(sdp(AUDIO, video(VP8, H264, VP9, numbers="96 97 102 98")))
    assert [section.kind for section in offer.media] == [Kind.AUDIO, Kind.VIDEO]
    assert offer.section(Kind.VIDEO).codec_names() == (Codec.VP8, Codec.H264)
    assert all(section.sends and not section.receives for section in offer.media)
    assert offer.ufrag == "abcd"


def test_the_offerers_order_of_codecs_counts():
    offer = parse_offer(sdp(video(VP9, H264, VP8, numbers="98 102 96 97")))
    assert offer.section(Kind.VIDEO).codec_names()[0] is Codec.H264


def without(lines, start):
    return [line for line in lines if not line.startswith(start)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(sdp(AUDIO, video(VP9, numbers="98")), "VP8 or H.264", id="VP9 alone"),
        pytest.param(sdp(video(["a=rtpmap:45 AV1/90000"], numbers="45")), "VP8 or H.264", id="AV1 alone"),
        pytest.param(
            sdp(video([H264[0]], numbers="102")), "packetization-mode 1", id="H.264 without packetization-mode"
        ),
        pytest.param(sdp(without(AUDIO, "a=rtpmap:111")), "Opus", id="no Opus"),
        pytest.param(sdp(), "no media", id="no media"),
        pytest.param(sdp(AUDIO, AUDIO), "at most one", id="two audio sections"),
        pytest.param(
            sdp(["m=application 9 UDP/DTLS/SCTP webrtc-datachannel", *TRANSPORT, "a=mid:2"]), "only audio", id="data"
        ),
        pytest.param(sdp(without(AUDIO, "a=mid")), "a=mid", id="no mid"),
        pytest.param(sdp(without(AUDIO, "a=ice-pwd")), "ice-pwd", id="no ICE password"),
        pytest.param(sdp(without(AUDIO, "a=fingerprint")), "fingerprint", id="no fingerprint"),
        pytest.param(sdp(without(AUDIO, "a=setup")), "setup", id="no setup"),
        pytest.param(sdp(without(AUDIO, "a=rtcp-mux")), "rtcp-mux", id="no rtcp-mux"),
        pytest.param(sdp(without(AUDIO, "a=sendonly")), "a=sendonly", id="no direction"),
        pytest.param(sdp(AUDIO, video(VP8)).replace("BUNDLE 0 1", "BUNDLE 0"), "BUNDLE", id="not bundled"),
        pytest.param(sdp(AUDIO, video(VP8)).replace("BUNDLE 0", "BUNDLE 7 0"), "BUNDLE", id="bundled with nothing"),
        pytest.param(sdp(AUDIO, video(VP8)).replace("a=mid:1", "a=mid:0"), "own a=mid", id="one mid twice"),
        pytest.param(sdp([*video(VP8), "a=rtpmap:96 H264/90000"]), "more than one", id="one payload type twice"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_the_reason(text, says):
    with pytest.raises(Unprocessable, match=says):
        parse_offer(text)


@pytest.mark.parametrize("mid", ["x" * 17, "x" * 300, "a\x01", "ä"])
def test_a_mid_that_packets_cannot_carry_is_refused(mid):
    with pytest.raises(Unprocessable, match="a=mid is not usable"):
        parse_offer(sdp(video(VP8)).replace("a=mid:1", f"a=mid:{mid}").replace("BUNDLE 1", f"BUNDLE {mid}"))


@pytest.mark.parametrize("number", [0, 15, 256, 300, -1])
def test_an_extension_that_packets_cannot_carry_is_refused(number):
    with pytest.raises(Unprocessable, match="a=extmap is not usable"):
        parse_offer(sdp([*video(VP8), f"a=extmap:{number} urn:ietf:params:rtp-hdrext:sdes:mid"]))


def test_the_largest_mid_and_extension_are_taken_and_can_be_sent():
    offer = parse_offer(
        sdp([*video(VP8), "a=extmap:255 urn:ietf:params:rtp-hdrext:sdes:mid"])
        .replace("a=mid:1", "a=mid:" + "x" * 16)
        .replace("BUNDLE 1", "BUNDLE " + "x" * 16)
    )
    assert pack_header_extensions([(255, offer.media[0].mid.encode())])[0] == 0x1000


@pytest.mark.parametrize("ufrag", ["abc", "x" * 33, "x" * 60_000, "ab:cd", "ab cd", "ab-cd", "äbcd"])
def test_an_ice_user_fragment_that_is_none_is_refused(ufrag):
    """It goes into every check, to addresses that the offerer chooses."""
    with pytest.raises(Unprocessable, match="ice-ufrag"):
        parse_offer(sdp(AUDIO).replace("a=ice-ufrag:abcd", f"a=ice-ufrag:{ufrag}"))
    with pytest.raises(BadRequest, match="ice-ufrag"):
        parse_fragment(f"a=ice-ufrag:{ufrag}\r\na=candidate:1 1 udp 1 1.2.3.4 5 typ host\r\n")


@pytest.mark.parametrize("password", ["x" * 21, "x" * 65, "x" * 60_000, "x" * 21 + ":", "x" * 21 + "é"])
def test_an_ice_password_that_is_none_is_refused(password):
    with pytest.raises(Unprocessable, match="ice-pwd"):
        parse_offer(sdp(AUDIO).replace("abcdefghijklmnopqrstuvwx", password))
    with pytest.raises(BadRequest, match="ice-pwd"):
        parse_fragment(f"a=ice-ufrag:abcd\r\na=ice-pwd:{password}\r\n")


def filled(*parts):
    """Return an offer of the size that may be posted, half of it of each of these lines."""
    lines = [line for part in parts for line in [part] * (64_000 // len(parts) // (len(part) + 2))]
    return sdp([*video(VP8), *lines])


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(filled("a=rtpmap:96 VP8/90000", "a=rtcp-fb:* x"), id="codecs and feedback for all"),
        pytest.param(sdp([*video(VP8), *["a=rtcp-fb:* x"] * 17]), id="feedback for all"),
        pytest.param(sdp([*video(VP8), *["a=rtcp-fb:96 x"] * 257]), id="feedback"),
        pytest.param(filled("a=fmtp:97 apt=96"), id="formats"),
        pytest.param(filled("a=ssrc:1 cname:x"), id="streams"),
        pytest.param(filled("a=extmap:3 urn:x"), id="extensions"),
        pytest.param(filled("a=fingerprint:sha-256 AA"), id="fingerprints"),
        pytest.param(filled("m=audio 9 RTP 0"), id="sections"),
    ],
)
def test_an_offer_that_would_take_long_to_read_is_refused_unread(text, monkeypatch):
    monkeypatch.setattr(SessionDescription, "parse", None)
    with pytest.raises(Unprocessable, match="more than"):
        parse_offer(text)


def test_the_largest_offer_that_is_read_takes_no_time():
    codecs = [f"a=rtpmap:{n} VP8/90000" for n in range(MOST_LINES["a=rtpmap"])]
    feedback = ["a=rtcp-fb:* x"] * MOST_FEEDBACK_FOR_ALL
    feedback += ["a=rtcp-fb:7 x"] * (MOST_LINES["a=rtcp-fb"] - len(feedback))
    formats = [f"a=fmtp:{len(codecs) - 1} x=1"] * MOST_LINES["a=fmtp"]
    text = sdp([*video(), *codecs, *feedback, *formats])
    start_s = time.process_time()
    parse_offer(text)
    assert time.process_time() - start_s < 0.15


@pytest.mark.parametrize("name", ["chromium-sendonly", "chromium-recvonly", "firefox-sendonly", "firefox-recvonly"])
def test_browsers_stay_well_below_what_is_refused(name):
    text = (Path(__file__).parents[1] / "fuzz/corpus/sdp" / name).read_text()
    parse_offer(text)
    lines = text.splitlines()
    for start, most in MOST_LINES.items():
        assert sum(line.startswith(start + ":") for line in lines) <= most / 2
    assert len(lines) < MOST_LINES_IN_ALL / 5


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "{}",
        "v=0",
        "v=0\r\nm=audio",
        "v=0\r\nm=audio x UDP/TLS/RTP/SAVPF 1",
        sdp(AUDIO).replace("111 63", "x"),
    ],
)
def test_what_is_no_sdp_is_refused(text):
    with pytest.raises((BadRequest, Unprocessable)):
        parse_offer(text)


@given(st.data())
def test_a_damaged_offer_is_refused_cleanly_or_read(data):
    lines = sdp(AUDIO, video(VP8, H264, numbers="96 97 102")).splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        i = data.draw(st.integers(0, len(lines) - 1))
        cut = data.draw(st.integers(0, len(lines[i])))
        lines[i] = lines[i][:cut] + data.draw(st.text(max_size=8)) + lines[i][cut + data.draw(st.integers(0, 5)) :]
    with contextlib.suppress(BadRequest, Unprocessable):
        parse_offer("\r\n".join(lines))


def test_candidates_that_would_stall_us_are_left_out():
    lines = [
        "a=candidate:1 1 udp 2113937151 6c1ff2a9-9e8f-4c0b.local 54321 typ host",
        "a=candidate:2 1 udp 2113937151 192.0.2.7 54322 typ host generation 0",
        "a=candidate:3 1 tcp 1518280447 192.0.2.7 9 typ host tcptype active",
        "a=candidate:4 1 udp 41885695 2001:db8::1 54323 typ relay raddr 0.0.0.0 rport 0",
        "a=end-of-candidates",
    ]
    cleaned = parse_offer(sdp([*AUDIO, *lines])).sdp
    assert [line[:13] for line in cleaned.splitlines() if "candidate" in line] == ["a=candidate:2", "a=candidate:4"]


def test_nobody_may_make_us_check_endless_addresses():
    lines = [f"a=candidate:{n} 1 udp 2113937151 192.0.2.{n % 250} {1024 + n} typ host" for n in range(500)]
    assert parse_offer(sdp([*AUDIO, *lines])).sdp.count("a=candidate") == MAX_CANDIDATES


@pytest.mark.parametrize(
    "candidate",
    ["", "1 1 udp x 1.2.3.4 5 typ host", "1 1 udp 1 example.org 5 typ host", "1 1 udp 1 1.2.3.4 5 typ prflx"],
)
def test_unusable_candidates(candidate):
    assert not is_usable_candidate(candidate)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "224.0.0.251",
        "255.255.255.255",
        "169.254.169.254",
        "::",
        "ff02::1",
        "fe80::1",
        "::ffff:169.254.1.1",
        "1.2",
    ],
)
def test_addresses_where_no_peer_can_be_get_no_checks(address):
    assert not is_usable_candidate(f"1 1 udp 2122260223 {address} 46243 typ host")


def test_the_answer_asks_for_fec_and_names_the_bit_rate():
    answer = finish_answer(sdp(AUDIO, video(VP8)), video_kbps=1500)
    assert "a=fmtp:111 minptime=10;useinbandfec=1\r\n" in answer
    video_part = answer[answer.index("m=video") :]
    assert video_part.splitlines()[1:4] == ["c=IN IP4 0.0.0.0", "b=TIAS:1500000", "b=AS:1825"]
    assert "b=" not in answer[: answer.index("m=video")]
    assert "b=" not in finish_answer(sdp(AUDIO, video(VP8)), video_kbps=None)


def test_fragment():
    fragment = parse_fragment(
        "a=ice-ufrag:abcd\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\na=candidate:1 1 udp 1 1.2.3.4 5 typ host\r\n"
    )
    assert fragment.ufrag == "abcd"
    assert fragment.candidates == ("1 1 udp 1 1.2.3.4 5 typ host",)


@pytest.mark.parametrize("text", ["", "  \r\n", "hello", "{}", "candidate:1 1 udp"])
def test_a_body_that_is_no_fragment_is_refused(text):
    with pytest.raises(BadRequest):
        parse_fragment(text)


FEEDBACK = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"


def with_feedback(sdp, ids):
    """Return the offer with the header extension for transport-wide feedback, as Chromium offers it."""
    lines, section = [], -1
    for line in sdp.splitlines():
        lines.append(line)
        if line.startswith("m="):
            section += 1
        elif line.startswith("a=mid:") and ids[section] is not None:
            lines.append(f"a=extmap:{ids[section]} {FEEDBACK}")
        elif line.startswith("a=rtpmap:") and ids[section] is not None and "rtx" not in line:
            lines.append(f"a=rtcp-fb:{line.split(':')[1].split(' ')[0]} transport-cc")
    return "\r\n".join(lines) + "\r\n"


async def test_feedback_is_answered_as_it_is_offered_and_only_to_who_sends():
    offer = parse_offer(with_feedback(sdp(AUDIO, video(VP8, H264, numbers="96 97 102")), [3, 3]))
    assert offer.feedback_id == 3
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    for kind in ("audio", "video"):
        peer.addTransceiver(kind, direction="recvonly")
    await peer.setRemoteDescription(RTCSessionDescription(sdp=offer.sdp, type="offer"))
    answer = (await peer.createAnswer()).sdp
    await peer.close()
    assert "transport-cc" not in answer, "aiortc answers it itself now: then we need not"
    finished = finish_answer(answer, video_kbps=1500, offer=offer)
    assert finished.count(f"a=extmap:3 {FEEDBACK}") == 2
    chosen = {line.split(":")[1].split(" ")[0] for line in answer.splitlines() if line.startswith("a=rtpmap:")}
    told = {line.split(":")[1].split(" ")[0] for line in finished.splitlines() if line.endswith(" transport-cc")}
    assert told == chosen & {str(pt) for section in offer.media for pt in section.feedback_payload_types}
    assert told
    assert "transport" not in finish_answer(answer, video_kbps=None)


@pytest.mark.parametrize(("ids", "expected"), [([None, None], None), ([3, None], 3), ([3, 4], None)])
def test_feedback_needs_one_number_for_the_extension(ids, expected):
    assert parse_offer(with_feedback(sdp(AUDIO, video(VP8)), ids)).feedback_id == expected
