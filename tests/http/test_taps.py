"""Researchers' taps on a real call: real peers on loopback, real ffprobe and OpenCV on the live addresses."""

import asyncio
import contextlib
import json
import socket
import struct
from pathlib import Path

import aiohttp
import cv2
import numpy as np
import pytest

from server import clock
from server.http import keys
from server.sessions.records import ConsentKind
from tests.fakes.rtc_peer import until
from tests.http.call import WAIT_S, a_call, receive

pytestmark = pytest.mark.slow

RESEARCH, ANALYSIS = ConsentKind.RESEARCH, ConsentKind.ANALYSIS


def address(world, tap: str) -> str:
    return f"{world.url}/taps/{world.interview.interview.id}/{tap}?access_token={world.tap_secret}"


def counters(world):
    return world.app[keys.TAPS].counters


async def ffprobe(url: str) -> dict[str, dict]:
    process = await asyncio.create_subprocess_exec(
        *("ffprobe", "-v", "error", "-analyzeduration", "1500000", "-show_streams", "-of", "json", url),
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(WAIT_S):
        found, _ = await process.communicate()
    return {entry["codec_type"]: entry for entry in json.loads(found)["streams"]}


@pytest.mark.parametrize(("codec", "name"), [("VP8", "vp8"), ("H264", "h264")])
async def test_ffprobe_reads_the_live_stream(world, codec, name):
    async with a_call(world, RESEARCH, codec=codec):
        found = await ffprobe(address(world, "media.mkv"))
        assert found["video"]["codec_name"] == name
        assert (found["video"]["width"], found["video"]["height"]) == (320, 240)
        assert found["audio"]["codec_name"] == "opus"


async def test_opencv_reads_pictures_from_the_address(world):
    def read() -> list[tuple[int, ...]]:
        capture = cv2.VideoCapture(address(world, "media.mkv"))
        pictures = [capture.read() for _ in range(20)]
        capture.release()
        return [picture.shape for is_read, picture in pictures if is_read]

    async with a_call(world, RESEARCH):
        async with asyncio.timeout(WAIT_S):
            assert await asyncio.to_thread(read) == [(240, 320, 3)] * 20
        await until(lambda: world.app[keys.TAPS].open_count() == 0)


async def test_sound_follows_the_clock_within_one_percent(world):
    began_s = clock.monotonic_s()
    async with a_call(world, RESEARCH), world.anonymous.http.ws_connect(address(world, "audio")) as tap:
        header = await tap.receive_json()
        assert {name: header[name] for name in ("rate", "format", "channels")} == {
            "rate": 16_000,
            "format": "s16le",
            "channels": 1,
        }
        assert header["clock_s"] == pytest.approx(clock.monotonic_s(), abs=1)
        first_s = last_s = None
        sound = []
        async with asyncio.timeout(WAIT_S):
            while last_s is None or last_s - first_s < 6:
                message = await tap.receive()
                if message.type is aiohttp.WSMsgType.TEXT:
                    continue
                capture_s, index = struct.unpack("<dQ", message.data[:16])
                first_s, last_s = first_s or capture_s, capture_s
                samples = np.frombuffer(message.data[16:], "<i2")
                assert index == sum(map(len, sound))
                sound.append(samples)
        n_samples = sum(map(len, sound)) - len(sound[-1])
        assert n_samples == pytest.approx((last_s - first_s) * 16_000, rel=0.01)
        # On the server's clock; a busy machine may hand it over late.
        assert began_s - 0.5 < first_s <= clock.monotonic_s() - 6 + 0.5
        assert np.abs(np.concatenate(sound).astype(int)).max() > 1000


async def test_a_pause_of_the_sender_is_filled_with_announced_zeros(world):
    async with a_call(world, RESEARCH) as call, world.anonymous.http.ws_connect(address(world, "audio")) as tap:
        await tap.receive_json()
        await tap.receive()
        call.publication.audio.is_paused = True
        gap = None
        async with asyncio.timeout(WAIT_S):
            while gap is None:
                message = await tap.receive()
                if message.type is aiohttp.WSMsgType.TEXT:
                    gap = json.loads(message.data)["gap"]
        zeros = await tap.receive()
        _, index = struct.unpack("<dQ", zeros.data[:16])
        assert (index, len(zeros.data) - 16) == (gap["index"], 2 * gap["samples"])
        assert not any(zeros.data[16:])


async def test_estimates_come_with_features_a_line_a_second(world):
    async with a_call(world, RESEARCH, ANALYSIS) as call:
        async with world.anonymous.http.get(address(world, "estimates.ndjson")) as response:
            assert response.content_type == "application/x-ndjson"
            await call.interviewer.send_json({"type": "start_analysis"})
            lines = []
            async with asyncio.timeout(60):
                while len(lines) < 3:
                    lines.append(json.loads(await response.content.readline()))
        assert [line["t_s"] for line in lines] == [lines[0]["t_s"] + n for n in range(3)]
        page = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()
        assert not [field for field in lines[0] if field != "type" and f"`{field}`" not in page]
        assert {"stress", "emotions", "contributions", "voice_features", "origin_s"} <= set(lines[0])
        assert lines[0]["origin_s"] + lines[0]["t_s"] == pytest.approx(clock.monotonic_s(), abs=10)
        if features := lines[2]["voice_features"]:
            assert set(features) >= {"rms", "centroid_hz", "f0_hz", "snr_db"}
        # Whoever leaves is noticed even when nothing is being sent.
        await call.interviewer.send_json({"type": "stop_analysis"})
        await until(lambda: world.app[keys.TAPS].open_count() == 0)


async def test_a_tap_that_stops_reading_is_dropped_and_counted_and_the_call_goes_on(world):
    async with a_call(world, RESEARCH) as call, call.watching() as watcher:
        stalled = socket.socket()
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stalled.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(stalled, ("127.0.0.1", int(world.url.rpartition(":")[2])))
        path = address(world, "media.mkv").removeprefix(world.url)
        await loop.sock_sendall(stalled, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        await until(lambda: world.app[keys.TAPS].open_count() == 1)
        async with world.anonymous.http.get(address(world, "media.mkv")) as reader:
            received = 0
            async with asyncio.timeout(90):
                while not counters(world).stalled:
                    received += len(await reader.content.readany())
            assert received > 100_000
            assert counters(world).stalled == 1
            assert counters(world).dropped > 100
            assert world.app[keys.TAPS].open_count() == 1
            n_packets = len(watcher.video.packets)
            await until(lambda: len(watcher.video.packets) > n_packets + 30)
            assert await reader.content.readany()
        stalled.close()


async def read_to_the_end(response) -> None:
    """Read what is on its way; fails if the stream does not end soon."""
    with contextlib.suppress(aiohttp.ClientError):
        async with asyncio.timeout(5):
            await response.content.read()


async def test_withdrawing_the_consent_ends_every_tap_at_once_and_refuses_new_ones(world):
    async with a_call(world, RESEARCH) as call:
        http = world.anonymous.http
        async with (
            http.get(address(world, "media.mkv")) as media,
            http.get(address(world, "estimates.ndjson")) as estimates,
            http.ws_connect(address(world, "audio")) as audio,
        ):
            await media.content.readany()
            await audio.receive()
            started_s = clock.monotonic_s()
            await call.candidate.send_json(
                {"type": "consent", "kind": "research", "granted": False, "text_version": "withdrawn"}
            )
            await read_to_the_end(media)
            await read_to_the_end(estimates)
            async with asyncio.timeout(5):
                while (await audio.receive()).type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT):
                    pass
            assert clock.monotonic_s() - started_s < 2
        for tap in ("media.mkv", "audio", "estimates.ndjson"):
            async with http.get(address(world, tap)) as refused:
                assert refused.status == 403
                assert "research" in (await refused.json())["message"]
        # The call goes on.
        await call.candidate.send_json({"type": "ping"})
        await receive(call.candidate, "pong")


async def test_revoking_the_token_ends_its_taps(world):
    interview = world.interview.interview.id
    async with a_call(world, RESEARCH):
        async with world.anonymous.http.get(address(world, "media.mkv")) as media:
            await media.content.readany()
            status, _ = await world.operator.ask("POST", f"/interviews/{interview}/taps/{world.tap_id}/revoke")
            assert status == 303
            await read_to_the_end(media)
        async with world.anonymous.http.get(address(world, "media.mkv")) as refused:
            assert refused.status == 410


@pytest.mark.parametrize(
    ("tap", "door"),
    [("media.mkv", "attach_tap"), ("audio", "attach_tap"), ("estimates.ndjson", "subscribe_estimates")],
)
async def test_a_token_revoked_while_its_stream_opens_opens_none(world, monkeypatch, tap, door):
    await world.consent(ConsentKind.CALL, RESEARCH)
    rooms = world.app[keys.ROOMS]
    attach = getattr(rooms, door)

    async def revoked_first(*given):
        await world.app[keys.TAP_TOKENS].revoke(world.interview.interview.id, world.tap_id)
        return await attach(*given)

    monkeypatch.setattr(rooms, door, revoked_first)
    async with asyncio.timeout(5), world.anonymous.http.get(address(world, tap)) as refused:
        assert refused.status == 410
    assert rooms.stats()["taps"] == 0


async def test_the_end_of_the_interview_ends_its_taps(world):
    async with a_call(world, RESEARCH) as call:
        async with world.anonymous.http.get(address(world, "media.mkv")) as media:
            await media.content.readany()
            await call.interviewer.send_json({"type": "end"})
            await read_to_the_end(media)
        async with world.anonymous.http.get(address(world, "media.mkv")) as refused:
            assert refused.status == 410
