"""One peer connection: answers an offer, takes candidates, closes; every wait has a limit."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection, RTCSessionDescription
from aiortc.exceptions import InternalError, InvalidAccessError, InvalidStateError, OperationError
from aiortc.sdp import candidate_from_sdp

from server.clock import utc_now
from server.config import Config
from server.errors import Unavailable, Unprocessable
from server.rtc.addresses import advertised_address, local_addresses
from server.rtc.aiortc_private import (
    ConnectTasks,
    ConsentLoop,
    DatagramGuard,
    bind_candidates,
    force_close,
)
from server.rtc.counters import Counters
from server.rtc.liveness import LOST_AFTER_S, MAX_STEP_S, Silence
from server.rtc.offer import MAX_CANDIDATES, Offer, finish_answer, is_usable_candidate
from server.rtc.turn import own_ice_servers

ANSWER_TIMEOUT_S = 10.0
"""aiortc asks STUN and TURN servers for up to 5 s."""
CLOSE_TIMEOUT_S = 0.8
"""What has not closed by then is closed by force."""

_log = logging.getLogger(__name__)


class Connection:
    """Wraps an aiortc peer connection that answers.

    Args:
        config: ICE servers, addresses and ports.
        clock: monotonic seconds.
        counters: of the room.
        on_down: called once when the connection broke, or never came up, without our closing it.
        on_up: called once when the connection is up.
    """

    def __init__(
        self,
        config: Config,
        *,
        clock: Callable[[], float],
        counters: Counters,
        on_down: Callable[[], None],
        on_up: Callable[[], None],
    ) -> None:
        self._config = config
        self._clock = clock
        self._counters = counters
        self._guard: DatagramGuard | None = None
        self._consent: ConsentLoop | None = None
        self._silence = Silence()
        self.waited_s = 0.0
        """How long it has been waited for the connection to come up, not counting stalls of ours."""
        self._opened_s = clock()
        self._on_down = on_down
        self._on_up = on_up
        self._n_candidates = 0
        self._bundle_mid = ""
        self.is_closing = False
        self.is_up = False
        servers = [
            RTCIceServer(urls=list(server.urls), username=server.username, credential=server.credential)
            for server in own_ice_servers(config, utc_now())
        ]
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=servers))
        self.peer.on("connectionstatechange", self._on_state)
        self._connecting = ConnectTasks(self.peer)

    async def answer(self, offer: Offer, *, video_kbps: int | None) -> str:
        """Answer an offer whose transceivers have been prepared on ``peer``.

        Raises:
            Unprocessable: aiortc cannot work with the offer.
            Unavailable: no answer in time, or no UDP port is free.
        """
        self._bundle_mid = offer.bundle_mid
        self._n_candidates = offer.sdp.count("a=candidate:")
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await self.peer.setRemoteDescription(RTCSessionDescription(sdp=offer.sdp, type="offer"))
                watch = self._guard_sockets()
                self._bind(watch)
                await self.peer.setLocalDescription(await self.peer.createAnswer())
        except TimeoutError as exc:
            raise Unavailable("the network addresses of the server could not be gathered", retry_after_s=5) from exc
        except (InternalError, InvalidAccessError, InvalidStateError, OperationError) as exc:
            raise Unprocessable("the offer cannot be answered") from exc
        except (ValueError, AssertionError, KeyError, IndexError, TypeError, AttributeError) as exc:
            raise Unprocessable("the offer cannot be answered") from exc
        sdp = self.peer.localDescription.sdp
        if "a=candidate:" not in sdp:
            raise Unavailable("no UDP port is free for media", retry_after_s=10)
        return finish_answer(sdp, video_kbps=video_kbps, offer=None if video_kbps is None else offer)

    def _bind(self, watch: Callable[[Any], None]) -> None:
        addresses = local_addresses(self._config)
        if not addresses:
            raise Unavailable("the server has no network address to offer", retry_after_s=10)
        advertise = partial(advertised_address, self._config.public_addresses)
        bind_candidates(self.peer, addresses, self._config.udp_ports, watch, advertise)

    def _guard_sockets(self) -> Callable[[Any], None]:
        guard = DatagramGuard(self.peer, clock=self._clock, counters=self._counters)
        self._consent = ConsentLoop(self.peer, clock=self._clock, on_heard=guard.hear)
        self._guard = guard
        return guard.watch

    async def add_candidate(self, text: str) -> None:
        """Take a remote candidate (the text behind ``candidate:``); those we cannot use are ignored (RFC 9725)."""
        self._n_candidates += 1
        if self.is_closing or self._n_candidates > MAX_CANDIDATES or not is_usable_candidate(text):
            return
        # What follows the type says nothing we need, and aiortc raises when it cannot read it.
        candidate = candidate_from_sdp(" ".join(text.split()[:8]))
        candidate.sdpMid = self._bundle_mid
        await self.peer.addIceCandidate(candidate)

    def _on_state(self) -> None:
        state = self.peer.connectionState
        if state == "connected" and not self.is_up:
            self.is_up = True
            self._on_up()
        elif state in ("failed", "closed"):
            self._down()

    def _down(self) -> None:
        if not self.is_closing:
            self.is_up = False
            self.is_closing = True
            self._on_down()

    # Is the other end still there?

    @property
    def rtt_s(self) -> float | None:
        """Round trip of STUN on the nominated pair, seconds; None before the first answer."""
        return None if self._consent is None else self._consent.rtt_s

    @property
    def heard_s(self) -> float:
        """When something authentic came last, monotonic seconds."""
        return self._opened_s if self._guard is None else self._guard.heard_s

    @property
    def silent_s(self) -> float:
        """For how long nothing authentic has come, not counting time in which this server was stalled."""
        return self._silence.silent_s

    def route(self) -> str | None:
        """Return how the peer is reached: host, srflx, prflx or relay, with /udp or /tcp; None if not connected."""
        return None if self._consent is None else self._consent.route()

    def tick(self, step_s: float) -> None:
        """Note that the event loop has run for another while; a peer that is silent for too long is lost."""
        if not self.is_up:
            self.waited_s += min(step_s, MAX_STEP_S)
            return
        if self._silence.tick(self.heard_s, step_s) > LOST_AFTER_S:
            self._counters.connections_lost += 1
            self._down()

    async def close(self) -> None:
        """Close for good; safe to call twice."""
        self.is_closing = True
        self.is_up = False
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._connecting.cancel()
                await self.peer.close()
        except TimeoutError:
            _log.warning("a peer connection did not close in time")
        except Exception as exc:  # an offer may leave aiortc in any state; nothing of it may stay open
            _log.warning("a peer connection could not be closed in order: %s", type(exc).__name__)
        await force_close(self.peer)
