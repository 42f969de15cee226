"""Who speaks when: the person's pauses and pace, and their part in the conversation.

Names of the field: a spurt is speech without a pause; a turn is spurts and the pauses between them; a floor transfer is
the moment at which one stops and the other begins (Heldner and Edlund 2010, "Pauses, gaps and overlaps in
conversations").
What the others say is not known here, only whether any of them speaks.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from statistics import median

import numpy as np

from pipeline.audio.activity import (
    KEPT_S,
    ActivityState,
    find_pauses,
    find_spurts,
    hear_activity,
    is_heard,
    settle_activity,
)
from pipeline.audio.rate import RateState, follow_rate
from pipeline.audio.voice import FrameTrack
from pipeline.signals import Definition, Group, absent
from pipeline.spans import Span, Spans, clip_spans, intersect_spans, join_spans, span_at, total_s
from pipeline.types import OtherVoice, Reason, Signal, VoiceActivity

PACE_S = 60.0
"""Window of pauses and pace."""
BALANCE_S = 300.0
"""Window of the balance of speaking time, of overlap and of interruptions."""
MAX_AGE_S = 3.0
"""Speech is decided about 0.6 s late; without sound for longer than this nothing is said."""
MIN_HEARD_S = 10.0
MIN_TURN_S = 5.0
"""Less of the person's own turns gives no pace; quality rises up to FULL_TURN_S."""
FULL_TURN_S = 20.0
MIN_TALK_S = 10.0
"""Less speech of all together gives no balance; quality rises up to FULL_TALK_S."""
FULL_TALK_S = 40.0
MIN_KNOWN_S = 30.0
"""Interruptions a minute want at least so much time; quality rises up to FULL_KNOWN_S."""
FULL_KNOWN_S = 120.0
OTHER_PAUSE_S = 0.5
"""A shorter silence of the others is no end of their turn."""
MIN_ASKED_S = 1.0
"""What the others say for less time is no question but a sign of listening, as in ``pipeline.thinking``."""
MAX_LATENCY_S = 15.0
"""Whoever speaks later than that does not answer what was said last."""
MIN_ANSWER_S = 0.4
"""Less speech than that before the others go on is a sign of listening, as ``mhm``."""
BEFORE_ANSWER_S = 0.1
"""The onset of an answer is known where so much sound before it was heard."""
FULL_ANSWERS = 5
"""From so many answers on their number does not lower the quality of the median."""
MIN_RUNNING_S, MIN_OVERLAP_S, MIN_INTERRUPTION_S = 1.0, 0.3, 1.0
"""Somebody is interrupted when they have spoken for 1 s and go on for 0.3 s after another begins who speaks for 1 s."""
NOISY_SNR_DB, FULL_SNR_DB = 5.0, 15.0

_TURNS = Group.TURNS
PACE = (
    Definition(
        name="turns.speech_share",
        label="Share of time speaking",
        unit="",
        group=_TURNS,
        what="Share of the last 60 s of sound in which the person speaks.",
        low=0.0,
        high=1.0,
    ),
    Definition(
        name="turns.pause_rate",
        label="Pauses a minute",
        unit="1/min",
        group=_TURNS,
        what="Silences of 0.25 to 3 s within the person's own turns of the last 60 s, per minute of these turns.",
        digits=0,
        low=0.0,
    ),
    Definition(
        name="turns.pause_mean",
        label="Length of pauses",
        unit="s",
        group=_TURNS,
        what="Mean length of these pauses.",
        low=0.25,
        high=3.0,
        is_log=True,
    ),
    Definition(
        name="turns.pause_share",
        label="Share of pauses",
        unit="",
        group=_TURNS,
        what="Share of these turns that the pauses take.",
        low=0.0,
        high=1.0,
    ),
    Definition(
        name="turns.speech_rate",
        label="Speech rate",
        unit="syllables/s",
        group=_TURNS,
        what="Syllable nuclei per second of the person's own turns of the last 60 s, pauses included.",
        digits=1,
        low=0.0,
        is_log=True,
    ),
    Definition(
        name="turns.articulation_rate",
        label="Articulation rate",
        unit="syllables/s",
        group=_TURNS,
        what="Syllable nuclei per second of speech in the last 60 s, pauses left out.",
        digits=1,
        low=0.0,
        is_log=True,
    ),
)
CONVERSATION = (
    Definition(
        name="turns.response_latency",
        label="Last response latency",
        unit="s",
        group=_TURNS,
        what="Time from the end of the interviewers' speech to the last answer; below 0 when that began earlier.",
        high=MAX_LATENCY_S,
        is_event=True,
    ),
    Definition(
        name="turns.response_latency_median",
        label="Usual response latency",
        unit="s",
        group=_TURNS,
        what="Median of the response latencies of the last 10 minutes, at least two.",
        high=MAX_LATENCY_S,
        has_baseline=False,
    ),
    Definition(
        name="turns.balance",
        label="Share of the talking",
        unit="",
        group=_TURNS,
        what="The person's share of all speaking time in the last 5 minutes.",
        low=0.0,
        high=1.0,
        has_baseline=False,
    ),
    Definition(
        name="turns.overlap_share",
        label="Speaking at the same time",
        unit="",
        group=_TURNS,
        what="Share of the last 5 minutes' speaking time in which the person and an interviewer speak at once.",
        low=0.0,
        high=1.0,
        has_baseline=False,
    ),
    Definition(
        name="turns.interruptions",
        label="Interruptions a minute",
        unit="1/min",
        group=_TURNS,
        what="How often a minute the person begins to speak in the midst of an interviewer's speech and goes on.",
        digits=1,
        low=0.0,
        has_baseline=False,
    ),
)
DEFINITIONS = PACE + CONVERSATION


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnsState:
    """Who spoke when in the last KEPT_S."""

    activity: ActivityState = field(default_factory=ActivityState)
    rate: RateState = field(default_factory=RateState)
    others: Spans = ()
    """When anyone else spoke; the last one ends at infinity while it goes on."""
    known_from_s: float | None = None
    """Since when it is known whether anyone else speaks; None when it is not."""
    snr_db: float | None = None
    """Of the person's newest speech."""


def follow_turns(state: TurnsState, item: VoiceActivity | OtherVoice) -> TurnsState:
    """Take in decisions about the person's sound, or that another begins or stops to speak."""
    if isinstance(item, VoiceActivity):
        return replace(state, activity=hear_activity(state.activity, item))
    others, is_open = state.others, bool(state.others) and state.others[-1][1] == np.inf
    if item.is_speaking and not is_open:
        start_s = max(item.t_s, others[-1][1] if others else item.t_s)
        others = (*clip_spans(others, item.t_s - KEPT_S, np.inf), (start_s, np.inf))
    elif not item.is_speaking and is_open:
        start_s = others[-1][0]
        others = (*others[:-1], *(((start_s, item.t_s),) if item.t_s > start_s else ()))
    known_from_s = item.t_s if state.known_from_s is None else state.known_from_s
    return replace(state, others=others, known_from_s=known_from_s)


def settle_turns(state: TurnsState, track: FrameTrack, snr_db: float | None) -> TurnsState:
    """Decide what can be decided at a tick.

    Args:
        state: what the last call returned.
        track: the last seconds of the voice.
        snr_db: of the speech in them; None without speech.
    """
    return replace(
        state,
        activity=settle_activity(state.activity, track),
        rate=follow_rate(state.rate, track),
        snr_db=state.snr_db if snr_db is None else snr_db,
    )


def view_turns(state: TurnsState, t_s: float) -> tuple[Signal, ...]:
    """Return all signals of this module at a tick."""
    if not state.activity.heard:
        return absent(DEFINITIONS, Reason.NO_AUDIO)
    end_s = state.activity.heard[-1][1]
    if t_s - end_s > MAX_AGE_S:
        return absent(DEFINITIONS, Reason.GAP)
    age_s = max(0.0, t_s - end_s)
    if state.known_from_s is None:
        return (*_view_pace(state, end_s, age_s), *absent(CONVERSATION, Reason.NO_OTHER_VOICE))
    return (*_view_pace(state, end_s, age_s), *_view_conversation(state, state.known_from_s, end_s, age_s))


def find_latencies(spurts: Sequence[Span], others: Sequence[Span], heard: Spans) -> tuple[tuple[float, float], ...]:
    """Find the floor transfers from the others to the person.

    Args:
        spurts: when the person spoke.
        others: when anyone else did; for less than MIN_ASKED_S they ask nothing.
        heard: when the person's sound came. Where some of it is missing before the answer, its onset is not known.

    Returns:
        Onset of each answer and its latency, seconds; the latency is below 0 where the answer began before the others
        had stopped and outlasted them.
    """
    found: list[tuple[float, float]] = []
    turns = join_spans(others, OTHER_PAUSE_S)
    for i, (begun_s, stopped_s) in enumerate(turns):
        if stopped_s - begun_s < MIN_ASKED_S:
            continue
        resumed_s = turns[i + 1][0] if i + 1 < len(turns) else np.inf
        across = span_at(spurts, stopped_s)
        if across is not None and across[0] < begun_s:
            continue  # the person had the floor all along
        onset_s = across[0] if across is not None else min((s for s, _ in spurts if s >= stopped_s), default=np.inf)
        is_answer = total_s(clip_spans(spurts, max(onset_s, stopped_s), resumed_s)) >= MIN_ANSWER_S
        before = (min(stopped_s, onset_s - BEFORE_ANSWER_S), max(stopped_s, onset_s))
        if is_answer and onset_s - stopped_s <= MAX_LATENCY_S and is_heard(heard, before):
            found.append((onset_s, onset_s - stopped_s))
    return tuple(found)


def count_interruptions(spurts: Sequence[Span], others: Sequence[Span]) -> int:
    """Count the turns of others in the midst of which the person begins to speak and goes on."""
    return sum(
        any(
            begun_s + MIN_RUNNING_S <= start_s <= stopped_s - MIN_OVERLAP_S and end_s - start_s >= MIN_INTERRUPTION_S
            for start_s, end_s in spurts
        )
        for begun_s, stopped_s in join_spans(others, OTHER_PAUSE_S)
    )


def _view_pace(state: TurnsState, end_s: float, age_s: float) -> tuple[Signal, ...]:
    from_s = end_s - PACE_S
    heard_s = total_s(clip_spans(state.activity.heard, from_s, end_s))
    if heard_s < MIN_HEARD_S:
        return absent(PACE, Reason.TOO_SHORT)
    spurts = find_spurts(state.activity, from_s, end_s)
    speech_s = total_s(spurts)
    pauses = find_pauses(state.activity, state.others, from_s, end_s)
    paused_s = total_s(pauses)
    turn_s = speech_s + paused_s
    clearness, reason = _judge_sound(state)
    share = _signal("turns.speech_share", speech_s / heard_s, clearness * min(1.0, heard_s / PACE_S), reason, age_s)
    if turn_s < MIN_TURN_S:
        return (share, *absent(PACE[1:], Reason.SILENCE if speech_s == 0 else Reason.TOO_SHORT))
    worth = clearness * min(1.0, turn_s / FULL_TURN_S)
    n_nuclei = sum(span_at(spurts, nucleus_s) is not None for nucleus_s in state.rate.nuclei_s)
    return (
        share,
        _signal("turns.pause_rate", 60 * len(pauses) / turn_s, worth, reason, age_s),
        _signal("turns.pause_mean", paused_s / len(pauses), worth, reason, age_s)
        if pauses
        else absent((PACE[2],), Reason.TOO_SHORT)[0],
        _signal("turns.pause_share", paused_s / turn_s, worth, reason, age_s),
        _signal("turns.speech_rate", n_nuclei / turn_s, worth, reason, age_s),
        _signal("turns.articulation_rate", n_nuclei / speech_s, worth, reason, age_s),
    )


def _view_conversation(state: TurnsState, known_from_s: float, end_s: float, age_s: float) -> tuple[Signal, ...]:
    clearness, reason = _judge_sound(state)
    others = clip_spans(state.others, known_from_s, end_s)
    spurts = find_spurts(state.activity, known_from_s, end_s)
    # Of a turn that goes on at end_s the end is not known.
    asked = others if span_at(state.others, end_s) is None else others[:-1]
    latencies = find_latencies(spurts, asked, state.activity.heard)
    last: Signal = absent((CONVERSATION[0],), Reason.TOO_SHORT)[0]
    usual: Signal = absent((CONVERSATION[1],), Reason.TOO_SHORT)[0]
    if latencies:
        answered_s = age_s + end_s - latencies[-1][0]
        last = _signal(CONVERSATION[0].name, latencies[-1][1], clearness, reason, answered_s)
        if len(latencies) > 1:
            worth = clearness * min(1.0, len(latencies) / FULL_ANSWERS)
            usual = _signal(
                CONVERSATION[1].name, median(latency_s for _, latency_s in latencies), worth, reason, answered_s
            )
    from_s = max(known_from_s, end_s - BALANCE_S)
    heard = clip_spans(state.activity.heard, from_s, end_s)
    own, theirs = clip_spans(spurts, from_s, end_s), intersect_spans(others, heard)
    both_s = total_s(intersect_spans(own, theirs))
    own_s, theirs_s, heard_s = total_s(own), total_s(theirs), total_s(heard)
    anyone_s = own_s + theirs_s - both_s
    balance: tuple[Signal, ...] = absent(CONVERSATION[2:4], Reason.TOO_SHORT)
    if anyone_s >= MIN_TALK_S:
        worth = clearness * min(1.0, anyone_s / FULL_TALK_S)
        balance = (
            _signal("turns.balance", own_s / (own_s + theirs_s), worth, reason, age_s),
            _signal("turns.overlap_share", both_s / anyone_s, worth, reason, age_s),
        )
    interruptions = absent(CONVERSATION[4:], Reason.TOO_SHORT)[0]
    if heard_s >= MIN_KNOWN_S:
        rate = 60 * count_interruptions(own, theirs) / heard_s
        worth = clearness * min(1.0, heard_s / FULL_KNOWN_S)
        interruptions = _signal("turns.interruptions", rate, worth, reason, age_s)
    return (last, usual, *balance, interruptions)


def _judge_sound(state: TurnsState) -> tuple[float, Reason]:
    """How far the decisions about speech can be trusted in this noise, in [0, 1], and why not further."""
    if state.snr_db is None:
        return 0.5, Reason.WEAK
    clearness = min(1.0, max(0.1, state.snr_db / FULL_SNR_DB))
    return clearness, Reason.NOISE if state.snr_db < NOISY_SNR_DB else Reason.OK


def _signal(name: str, value: float, quality: float, reason: Reason, age_s: float) -> Signal:
    return Signal(name=name, value=value, quality=quality, reason=reason, age_s=age_s)
