"""Whether somebody speaks, from the audio levels that browsers write beside each packet (RFC 6464): nothing is decoded.

The level is that of the sound before it was encoded, in -dBov: 0 is the loudest there can be, 127 is silence. The voice
activity bit beside it is not used: browsers differ in when they set it, and some never do.
"""

from collections.abc import Callable
from dataclasses import dataclass

from server.rtc.timers import Alarm, CallLater

LOUD_DBOV = -50.0
"""Weaker than this nobody speaks into a microphone: with a browser's gain control speech is at -20 to -35."""
ABOVE_FLOOR_DB = 10.0
"""Over the quietest sound of the same microphone: a loud fan is no voice."""
FLOOR_RISE_DB_PER_S = 1.0
"""So fast the floor follows when the quietest sound grows louder; a long answer must not become floor."""
MAX_FLOOR_DBOV = -35.0
"""The floor is never believed to be louder: whoever speaks from the first packet on has shown no quiet."""
BEGIN_S = 0.06
"""Loud sound shorter than this is a click."""
HANGOVER_S = 0.2
"""Silence shorter than this is part of speech; longer, the speech ended where the silence began."""
MAX_HOLE_S = 0.5
"""Without packets for so long (microphone off, connection gone) there is silence. DTX sends one every 0.4 s."""


@dataclass(slots=True)
class _Speaker:
    """What is known of one microphone."""

    floor_dbov: float
    newest_s: float
    loud_from_s: float | None = None
    """Since when it has been loud, holes shorter than HANGOVER_S left out; None while it is quiet."""
    loud_until_s: float = 0.0
    is_speaking: bool = False


class SpeakingWatch:
    """Turns the audio levels of several people into one answer: whether any of them speaks.

    Args:
        on_change: takes whether anybody speaks and since when, on the clock of the packets: a moment that has just
            passed. Called first as soon as a level is known, then at each change.
        call_later, clock: of the event loop.
    """

    def __init__(
        self,
        *,
        on_change: Callable[[bool, float], None],
        call_later: CallLater,
        clock: Callable[[], float],
    ) -> None:
        self._on_change = on_change
        self._clock = clock
        self._speakers: dict[str, _Speaker] = {}
        self._told: bool | None = None
        self._alarm = Alarm(action=self._expire, call_later=call_later, clock=clock)

    def hear(self, participant_id: str, level: int, arrival_s: float) -> None:
        """Take in the level of one packet.

        Args:
            participant_id: whose.
            level: in -dBov, 0 (loudest) to 127.
            arrival_s: when the packet came.
        """
        dbov = -float(level)
        speaker = self._speakers.get(participant_id)
        if speaker is None:
            speaker = _Speaker(floor_dbov=min(dbov, MAX_FLOOR_DBOV), newest_s=arrival_s)
            self._speakers[participant_id] = speaker
        passed_s = min(max(0.0, arrival_s - speaker.newest_s), MAX_HOLE_S)
        speaker.newest_s = max(speaker.newest_s, arrival_s)
        risen_dbov = speaker.floor_dbov + FLOOR_RISE_DB_PER_S * passed_s
        speaker.floor_dbov = min(dbov, risen_dbov, MAX_FLOOR_DBOV)
        if dbov >= max(LOUD_DBOV, speaker.floor_dbov + ABOVE_FLOOR_DB):
            if speaker.loud_from_s is None:
                speaker.loud_from_s = arrival_s
            speaker.loud_until_s = arrival_s
            speaker.is_speaking |= arrival_s - speaker.loud_from_s >= BEGIN_S
        elif arrival_s - speaker.loud_until_s >= HANGOVER_S:
            speaker.loud_from_s, speaker.is_speaking = None, False
        self._tell(arrival_s)

    def stop(self) -> None:
        """Tell nothing any more."""
        self._alarm.set(None)
        self._speakers.clear()

    def _expire(self) -> None:
        """Packets have stopped while somebody spoke."""
        now_s = self._clock()
        for speaker in self._speakers.values():
            if now_s - speaker.newest_s >= MAX_HOLE_S:
                speaker.loud_from_s, speaker.is_speaking = None, False
        self._tell(now_s)
        newest_s = [speaker.newest_s for speaker in self._speakers.values() if speaker.is_speaking]
        self._alarm.set(min(newest_s) + MAX_HOLE_S if newest_s else None)

    def _tell(self, now_s: float) -> None:
        begun_s = [speaker.loud_from_s for speaker in self._speakers.values() if speaker.is_speaking]
        is_speaking = bool(begun_s)
        if is_speaking == self._told:
            return
        since_s = now_s
        if is_speaking:
            since_s = min(begin_s for begin_s in begun_s if begin_s is not None)
            self._alarm.set(now_s + MAX_HOLE_S)
        elif self._told:
            since_s = max(speaker.loud_until_s for speaker in self._speakers.values())
            self._alarm.set(None)
        self._told = is_speaking
        self._on_change(is_speaking, since_s)
