"""One running interview: who is there, how far in, and what they are told."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace

from pipeline.types import Estimate
from server.db import interviews as interview_rows
from server.db import participants as participant_rows
from server.errors import Conflict, Forbidden, Gone, NotFound
from server.media import Attachment, FrameConsumer
from server.protocol import BOTH, INTERVIEWER, SERVER_EVENTS, Role
from server.sessions.consent import Answer, ConsentState
from server.sessions.events import Refused
from server.sessions.ports import NewWords, PublisherChange
from server.sessions.principals import AccessPrincipal
from server.sessions.ratelimit import RateLimiter
from server.sessions.records import ConsentKind, Interview, InterviewStatus, Participant, SessionStatus
from server.sessions.room_analysis import AnalysisEvents, RoomAnalysis
from server.sessions.room_history import RoomHistory
from server.sessions.room_members import find_logged_out, find_member, read_membership
from server.sessions.room_messages import Message, tap_message, welcome_message
from server.sessions.room_services import RoomServices
from server.sessions.room_state import start_problem, state_message
from server.sessions.room_words import RoomWords
from server.sessions.seat import Connection, Entry, Presence, Seat, new_seat
from server.sessions.taps import EstimateSubscription, RoomTaps, TapEnd

EMPTY_END_S = 1800.0
"""A live interview without anybody in it for this long has ended."""

CHECK_LOGINS_S = 5.0
"""Whoever logs out elsewhere is out of the room so soon."""

MAX_REQUESTS, REQUESTS_WINDOW_S = 60, 30.0
"""What one page may ask at once, and the time after which it may again."""


class LiveRoom:
    """The room of one interview. ``load_room`` makes it.

    What changes the stored state runs under ``lock``; news from media and analysis only change what is held in memory
    and are taken at once.
    """

    def __init__(
        self,
        services: RoomServices,
        interview: Interview,
        *,
        participants: Iterable[Participant],
        consents: ConsentState,
    ) -> None:
        self.lock = asyncio.Lock()
        self.interview = interview
        self.consents = consents
        self.is_closed = False
        self.taps = RoomTaps()
        self.words = RoomWords(services, show=self.broadcast)
        self.analysis = RoomAnalysis(
            services,
            room_id=interview.room_id,
            events=AnalysisEvents(
                on_estimate=self._show_estimate,
                on_worker=self.broadcast,
                on_words=self._take_words,
                on_change=self.broadcast_state,
                on_started=self._tell_session_began,
                on_failed=self._tell_failure,
            ),
        )
        self.history = RoomHistory(services, interview.id, session=self.analysis.now)
        self._services = services
        self._empty_since_s: float | None = None
        now_s = services.clock()
        self._next_check_s = now_s + CHECK_LOGINS_S
        self._seats = {participant.id: new_seat(participant, now_s=now_s) for participant in participants}
        self._apply_transcription(consents)

    # --- who is there ---

    @property
    def candidate(self) -> Seat:
        """The candidate's seat."""
        return next(seat for seat in self._seats.values() if seat.participant.role is Role.CANDIDATE)

    @property
    def seats(self) -> tuple[Seat, ...]:
        """Everybody who is or was here."""
        return tuple(self._seats.values())

    @property
    def is_empty(self) -> bool:
        """True when nobody is here and nothing runs."""
        return not (any(seat.is_there for seat in self.seats) or len(self.taps)) and self.analysis.is_settled

    @property
    def is_live(self) -> bool:
        """True when the interview is live and its candidate is in it."""
        seat = self.candidate
        return self.interview.status is InterviewStatus.LIVE and seat.is_there and seat.entry is Entry.ADMITTED

    def require_open(self) -> None:
        """Raise Gone when the interview is over."""
        if self.is_closed or self.interview.status.is_over:
            raise Gone("This interview is over.")

    def seat_of(self, participant_id: str, role: Role) -> Seat:
        """Return a participant's seat. Raises NotFound if they do not belong here."""
        seat = self._seats.get(participant_id)
        if seat is None or seat.participant.role is not role:
            raise NotFound("This room does not exist.")
        return seat

    async def enter(self, principal: AccessPrincipal) -> Seat:
        """Return a participant's seat after looking up that they still belong here.

        Raises:
            NotFound: they do not.
            NotAuthenticated: the join link or the login by which they came is void.
        """
        async with self._services.database.read() as connection:
            participant = await find_member(connection, self.interview, principal, self._services.now())
        self._seats.setdefault(participant.id, new_seat(participant))
        seat = self.seat_of(participant.id, principal.role)
        seat.login_id = principal.login_id
        return seat

    # --- pages come and go ---

    async def connect(self, seat: Seat, *, since_s: float | None, session_id: str | None) -> Connection:
        """Let a page in; call under ``lock``. See ``LiveRooms.connect``."""
        self.require_open()
        if seat.connection is not None:
            self.say_bye(seat, "replaced")
        participant = seat.participant
        connection = Connection(
            participant_id=participant.id,
            room_id=self.interview.room_id,
            role=participant.role,
            name=participant.name,
            limiter=RateLimiter(self._services.clock, attempts=MAX_REQUESTS, window_s=REQUESTS_WINDOW_S),
        )
        seat.connection, seat.lost_at_s, seat.devices = connection, None, None
        self.tell(connection, welcome_message(connection, self.interview))
        self.broadcast_state()
        if participant.role is Role.INTERVIEWER:
            if self.candidate.presence is Presence.WAITING:
                self.tell(connection, {"type": "knock", "name": self.candidate.participant.name})
            try:
                await self._tell_past(connection, since_s, session_id)
            except BaseException:
                self.disconnect(connection)
                raise
        return connection

    def disconnect(self, connection: Connection) -> None:
        """Note that a page is gone, not knowing whether it comes back."""
        connection.outbox.close()
        seat = self._seats.get(connection.participant_id)
        if seat is not None and seat.connection is connection:
            seat.connection, seat.lost_at_s = None, self._services.clock()
            self.broadcast_state()

    async def leave(self, seat: Seat) -> None:
        """Let somebody go for good; a candidate has to knock again."""
        if seat.connection is not None:
            seat.connection.outbox.close()
        seat.connection = None
        await self._services.media.close_participant(self.interview.room_id, seat.participant.id)
        if seat.participant.role is Role.CANDIDATE:
            await self._put_out(Entry.OUTSIDE)
        seat.lost_at_s = None  # not before: should anything above fail, it is due again
        self.broadcast_state()

    def say_bye(self, seat: Seat, reason: str) -> None:
        """End a page's connection; it does not come back by itself."""
        if seat.connection is not None:
            seat.connection.outbox.close({"type": "bye", "reason": reason})
        seat.connection, seat.lost_at_s = None, None

    # --- the way in ---

    async def knock(self) -> None:
        """Put the candidate into the waiting room. Raises Refused without consent to the call."""
        seat = self.candidate
        if not self.consents.has(ConsentKind.CALL):
            raise Refused("no_consent", "Please agree to the call first.")
        if seat.entry is Entry.ADMITTED:
            return
        is_news = seat.entry is not Entry.WAITING
        seat.entry = Entry.WAITING
        if self.interview.status is InterviewStatus.SCHEDULED:
            await self._set_status(InterviewStatus.WAITING)
        if is_news:
            self.broadcast({"type": "knock", "name": seat.participant.name})
        self.broadcast_state()

    async def admit(self) -> None:
        """Let the waiting candidate in. Raises Refused if nobody waits or the server is full."""
        seat = self.candidate
        if seat.entry is Entry.ADMITTED:
            return
        if seat.entry is not Entry.WAITING or not seat.is_there:
            raise Refused("nobody_waiting", "Nobody is in the waiting room.")
        if self._services.draining_until() is not None and self.interview.status is not InterviewStatus.LIVE:
            raise Refused(
                "draining", "This server is about to restart and begins no interviews. Please admit again in a while."
            )
        if self._services.n_live() >= self._services.config.max_sessions:
            raise Refused("full", "This server has as many interviews running as it may. Please try again later.")
        async with self._services.database.write() as connection:
            await participant_rows.set_admitted(connection, seat.participant.id, self._services.now())
        seat.entry = Entry.ADMITTED
        await self._set_status(InterviewStatus.LIVE)
        self.broadcast_state()

    async def decline(self) -> None:
        """Send the waiting candidate away. Raises Refused if nobody waits."""
        seat = self.candidate
        if seat.entry is not Entry.WAITING:
            raise Refused("nobody_waiting", "Nobody is in the waiting room.")
        self.say_bye(seat, "declined")
        await self._put_out(Entry.DECLINED)
        self.broadcast_state()

    async def _put_out(self, entry: Entry) -> None:
        """Make the candidate somebody who has to knock."""
        self.analysis.stop("candidate_left")
        if self.candidate.entry is Entry.ADMITTED:
            async with self._services.database.write() as connection:
                await participant_rows.set_admitted(connection, self.candidate.participant.id, None)
        self.candidate.entry = entry
        if self.interview.status is InterviewStatus.WAITING:
            await self._set_status(InterviewStatus.SCHEDULED)

    # --- media ---

    def may_publish(self, seat: Seat) -> None:
        """Pass if somebody may send media now. Raises Gone when over, Conflict for a candidate who is not in."""
        self.require_open()
        if seat.entry is not Entry.ADMITTED:
            raise Conflict("Please wait until you are let in.", retry_after_s=1)

    def may_watch(self, seat: Seat, source: Seat) -> None:
        """Pass if somebody may watch another. Raises as ``may_publish``, and Forbidden for a pair that never may."""
        self.may_publish(seat)
        if seat is source:
            raise Forbidden("Nobody watches themselves.")

    def on_publisher(self, change: PublisherChange) -> None:
        """Take news about a participant's media."""
        seat = self._seats.get(change.participant_id)
        if seat is None:
            return
        seat.media, seat.has_audio, seat.has_video = str(change.state), change.has_audio, change.has_video
        self.broadcast_state()

    # --- consent, analysis, researchers ---

    async def store_consents(self, answers: Iterable[Answer]) -> ConsentState:
        """Store the candidate's answers; takes ``lock`` itself, after a withdrawal has taken effect."""
        answers = tuple(answers)
        withdrawn = frozenset(answer.kind for answer in answers if not answer.granted)
        self._apply(replace(self.consents, granted=self.consents.granted - withdrawn))
        async with self.lock:
            await self.words.settle()  # what was on its way into the database is there, and is deleted with the rest
            state = await self._services.consents.store(self.candidate.participant.id, self.interview.id, answers)
            self._apply(state)
            if ConsentKind.CALL in withdrawn and not self.is_closed:
                self.say_bye(self.candidate, "expired")
                await self.leave(self.candidate)
        if state.has(ConsentKind.ANALYSIS) and self._may_be_analysed and not self.is_closed:
            self._services.tasks.spawn(self._services.analysis.warm(), name="warm the analysis")
        return state

    def start_analysis(self) -> None:
        """Begin to start a session. Raises Refused with the reason why not."""
        if self.analysis.is_on or self.analysis.is_starting:
            raise Refused("already_running", "The analysis is on already.")
        if problem := self._start_problem():
            raise problem
        if self._services.n_analysed() >= self._services.config.max_sessions:
            raise Refused("full", "This server analyses as many interviews as it may. Please try again later.")
        self.analysis.start(self.candidate.participant)

    def attach_tap(self, tap_id: str, consumer: FrameConsumer) -> Attachment:
        """Let a researcher's consumer watch the candidate. Raises Forbidden without consent, Gone when over."""
        self._require_research()
        inner = self._services.media.attach(self.interview.room_id, self.candidate.participant.id, consumer)
        return self.taps.attach(tap_id, consumer, inner)

    def subscribe_estimates(self, tap_id: str) -> EstimateSubscription:
        """Give a researcher the estimates. Raises Forbidden without consent, Gone when over."""
        self._require_research()
        return self.taps.subscribe(tap_id)

    def _require_research(self) -> None:
        self.require_open()
        if not self.consents.has(ConsentKind.RESEARCH):
            raise Forbidden("The candidate has not agreed to the use for research.")

    def _apply(self, consents: ConsentState) -> None:
        self.consents = consents
        if not consents.has(ConsentKind.ANALYSIS):
            self.analysis.stop("consent_withdrawn", at_once=True)
        if not consents.has(ConsentKind.RESEARCH):
            self.taps.end(TapEnd.WITHDRAWN)
        self._apply_transcription(consents)
        self.broadcast_state()

    def _apply_transcription(self, consents: ConsentState) -> None:
        is_on = self._services.config.is_transcribing and consents.has(ConsentKind.TRANSCRIPTION)
        if is_on:
            self.words.allow()
        else:
            self.words.forbid()
        self.analysis.transcribe(is_on=is_on)

    def _captions_state(self) -> str:
        """Why there are captions or none: on, no_consent, or off, which is the operator's choice."""
        if not (self._services.config.is_transcribing and self._may_be_analysed):
            return "off"
        return "on" if self.consents.has(ConsentKind.TRANSCRIPTION) else "no_consent"

    def _take_words(self, session_id: str, news: NewWords) -> None:
        self.words.take(session_id, news.words, news.transcriber, news.lost_s)

    @property
    def _may_be_analysed(self) -> bool:
        return self.interview.purpose in self._services.config.analysed_purposes

    def _start_problem(self) -> Refused | None:
        return start_problem(self.interview, self.candidate, self.consents, is_purpose_allowed=self._may_be_analysed)

    # --- telling ---

    def tell(self, connection: Connection, message: Message) -> None:
        """Queue a message for one page, if its role may have it."""
        if connection.role in SERVER_EVENTS[message["type"]].roles:
            connection.outbox.put(message)

    def broadcast(self, message: Message, *, roles: frozenset[Role] = BOTH) -> None:
        """Queue a message for every page whose role may have it."""
        for seat in self.seats:
            if seat.connection is not None and seat.participant.role in roles:
                self.tell(seat.connection, message)

    def broadcast_state(self) -> None:
        """Tell everybody how things stand."""
        problem = self._start_problem()
        for seat in self.seats:
            if seat.connection is not None:
                self.tell(
                    seat.connection,
                    state_message(
                        self.interview,
                        seat,
                        self.seats,
                        analysis=self.analysis,
                        problem=problem,
                        draining_until=self._services.draining_until(),
                        captions=self._captions_state(),
                    ),
                )

    async def tell_history(self) -> None:
        """Send every interviewer the stored past anew."""
        for seat in self.seats:
            if seat.connection is not None and seat.participant.role is Role.INTERVIEWER:
                await self._tell_past(seat.connection, None, None)

    async def _tell_past(self, connection: Connection, since_s: float | None, session_id: str | None) -> None:
        held_back: list[Message] = []
        connection.held_back, newest_s = held_back, None
        try:
            newest_s = await self.history.send(
                lambda message: self.tell(connection, message),
                reader_id=connection.participant_id,
                since_s=since_s,
                since_session_id=session_id,
            )
            captions = await self._recent_captions()
            if captions is not None:
                self.tell(connection, captions)
        finally:
            connection.held_back = None
            for message in held_back:
                if newest_s is None or message["t_s"] > newest_s:
                    self.tell(connection, message)

    async def _recent_captions(self) -> Message | None:
        session_id, _ = self.analysis.now()
        return None if session_id is None else await self.words.recent(session_id)

    def _show_estimate(self, estimate: Estimate, message: Message) -> None:
        for seat in self.seats:
            if seat.connection is not None and seat.participant.role in INTERVIEWER:
                if seat.connection.held_back is not None:
                    seat.connection.held_back.append(message)
                else:
                    self.tell(seat.connection, message)
        self.taps.push(tap_message(message, estimate, origin_s=self.analysis.origin_s))

    async def _tell_session_began(self) -> None:
        self.broadcast_state()
        async with self.lock:
            await self.tell_history()

    def _tell_failure(self, sentence: str) -> None:
        self.broadcast({"type": "error", "code": "analysis_failed", "message": sentence}, roles=INTERVIEWER)

    # --- time and the end ---

    async def sweep(self) -> None:
        """Do what is due now; call under ``lock``."""
        now_s = self._services.clock()
        for seat in self.seats:
            if seat.is_overdue(now_s):
                await self.leave(seat)
        if now_s >= self._next_check_s:
            self._next_check_s = now_s + CHECK_LOGINS_S
            await self._check_logins()
        if self.analysis.is_on and not len(self.taps) and not self._is_conducted():
            self.analysis.stop("interviewers_left")
        if any(seat.is_there for seat in self.seats):  # a tap that stays open is nobody
            self._empty_since_s = None
        elif self._empty_since_s is None:
            self._empty_since_s = now_s
        elif self.interview.status is InterviewStatus.LIVE and now_s - self._empty_since_s >= EMPTY_END_S:
            await self.end()

    async def _check_logins(self) -> None:
        """Send away whoever has logged out since they came in, here or everywhere."""
        if all(seat.login_id is None for seat in self.seats):
            return
        async with self._services.database.read() as connection:
            gone = await find_logged_out(connection, self.seats, self._services.now())
        for seat in gone:
            await self._send_away(seat)

    async def _send_away(self, seat: Seat) -> None:
        """End what an interviewer sees and sends."""
        self.say_bye(seat, "expired")
        seat.login_id = None
        await self._services.media.close_participant(self.interview.room_id, seat.participant.id)
        self.broadcast_state()

    async def _reseat(self, candidate: Participant) -> None:
        """Put out whoever came by the earlier join link: the place is for the holder of the new one."""
        former = self.candidate
        self.say_bye(former, "expired")
        await self.leave(former)
        del self._seats[former.participant.id]
        self._seats[candidate.id] = new_seat(replace(candidate, admitted_at=None))

    async def refresh(self) -> None:
        """Take in that the interview was changed; call under ``lock``."""
        async with self._services.database.read() as connection:
            membership = await read_membership(connection, self.interview.id)
        if membership is None:
            return
        interview, candidate = membership.interview, membership.candidate
        is_new_link = interview.link_version != self.interview.link_version
        self.interview = interview
        if is_new_link:
            await self._reseat(candidate)
        for seat in self.seats:
            if seat.participant.role is Role.INTERVIEWER and seat.participant.user_id not in membership.interviewer_ids:
                await self._send_away(seat)
        self.candidate.participant = candidate
        self._apply(await self._services.consents.state(candidate.id, interview.purpose))
        if self.candidate.entry is Entry.WAITING and not self.consents.has(ConsentKind.CALL):
            await self._put_out(Entry.OUTSIDE)  # agreed to something else
            self.broadcast_state()
        await self.tell_history()

    async def end(self) -> None:
        """End the interview for all; call under ``lock``."""
        await self._set_status(InterviewStatus.ENDED)
        await self.close("ended", tap_reason=TapEnd.OVER)

    async def close(self, reason: str, *, tap_reason: str, status: SessionStatus = SessionStatus.ENDED) -> None:
        """Send everybody away and end all media; call under ``lock``.

        Interviewers go last, when the session is closed: they look at its summary next.
        """
        self.is_closed = True
        self.analysis.stop(reason, status=status)
        self.taps.end(tap_reason)
        self.say_bye(self.candidate, reason)
        await self._services.media.close_room(self.interview.room_id)
        await self.analysis.settle()
        for seat in self.seats:
            self.say_bye(seat, reason)
            seat.media = "closed"

    def _is_conducted(self) -> bool:
        return any(seat.is_there and seat.participant.role is Role.INTERVIEWER for seat in self.seats)

    async def _set_status(self, status: InterviewStatus) -> None:
        async with self._services.database.write() as connection:
            if not await interview_rows.advance_status(connection, self.interview.id, status):
                raise Gone("This interview is over.")
        self.interview = replace(self.interview, status=status)


async def load_room(services: RoomServices, interview: Interview) -> LiveRoom:
    """Make the room of an interview from what is stored."""
    async with services.database.read() as connection:
        participants = await participant_rows.of_interview(connection, interview.id)
    candidate = next(participant for participant in participants if participant.role is Role.CANDIDATE)
    consents = await services.consents.state(candidate.id, interview.purpose)
    return LiveRoom(services, interview, participants=participants, consents=consents)
