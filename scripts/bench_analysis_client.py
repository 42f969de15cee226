"""One interview of the bench, as a process of its own: a candidate who publishes and an interviewer's dashboard.

``python -m scripts.bench_analysis_client CLIP JOIN_URL ROOM_URL TOKEN`` writes one JSON line for each estimate that
reaches the dashboard's websocket, until it is ended.
"""

import asyncio
import contextlib
import json
import signal
import sys
from pathlib import Path
from typing import Any

import aiohttp
from aiortc import MediaStreamTrack

from scripts.bench_analysis_clip import Clip, PacketTrack
from server import clock
from server.demo.candidate import Candidate
from server.protocol import HEARTBEAT_S


class PublishingCandidate(Candidate):
    """The demo's candidate, sending packets that were encoded before."""

    def __init__(self, join_url: str, clip: Clip) -> None:
        super().__init__(join_url, ice_addresses=["127.0.0.1"])
        self._clip = clip

    def _tracks(self) -> list[MediaStreamTrack]:
        start_s = clock.monotonic_s()
        return [PacketTrack("audio", self._clip, start_s), PacketTrack("video", self._clip, start_s)]


async def watch_dashboard(room_url: str, token: str) -> None:
    """Admit the candidate, start the analysis when there is media, report each estimate."""
    async with aiohttp.ClientSession() as http, http.ws_connect(room_url) as socket:
        await socket.send_json({"type": "hello", "token": token})
        heartbeat = asyncio.create_task(_beat(socket), name="heartbeat")
        try:
            async for message in socket:
                received_s = clock.monotonic_s()
                event = message.json()
                if event["type"] == "state":
                    await _act(socket, event)
                elif event["type"] == "estimate":
                    _report(event, received_s)
        finally:
            heartbeat.cancel()


async def _beat(socket: aiohttp.ClientWebSocketResponse) -> None:
    while True:
        await asyncio.sleep(HEARTBEAT_S)
        await socket.send_json({"type": "ping"})


async def _act(socket: aiohttp.ClientWebSocketResponse, state: dict[str, Any]) -> None:
    for person in state["participants"]:
        if person["role"] == "candidate" and person["presence"] == "waiting":
            await socket.send_json({"type": "admit"})
        elif person["role"] == "candidate" and person["publishing"] and not state["analysis"]["on"]:
            await socket.send_json({"type": "start_analysis"})


def _report(event: dict[str, Any], received_s: float) -> None:
    line = {
        "received_s": received_s,
        "latency_ms": 1000 * (received_s - event["newest_arrival_s"]),
        "t_s": event["t_s"],
        "has_face": event["face"]["value"] is not None,
        "has_voice": event["voice"]["quality"] > 0,
    }
    print(json.dumps(line), flush=True)


async def _run(clip: Clip, join_url: str, room_url: str, token: str) -> None:
    both = asyncio.gather(PublishingCandidate(join_url, clip).run(), watch_dashboard(room_url, token))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, both.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await both


def main(argv: list[str]) -> int:
    """Run one interview's clients until ended."""
    clip_path, join_url, room_url, token = argv
    asyncio.run(_run(Clip.load(Path(clip_path)), join_url, room_url, token))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
