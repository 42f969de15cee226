"""When the person speaks: stretches of speech, and the pauses between them.

Two judges have to agree: a detector that knows the sound of speech also in noise but takes the clatter of a keyboard
for it, and voicing, which no keyboard has. docs/voice.md compares them.
"""

from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from pipeline.audio.framing import FRAME_S, HOP_S, Doubles, Flags
from pipeline.audio.speech import MIN_PAUSE_S, MIN_VOICED_S, keep_long_runs
from pipeline.audio.voice import FrameTrack
from pipeline.spans import Span, Spans, add_span, clip_spans, intersect_spans, total_s
from pipeline.types import ACTIVITY_S, VoiceActivity

KEPT_S = 600.0
"""What is remembered."""
MIN_SPURT_S = 0.1
"""Shorter sound is a click; the shortest words take about 0.15 s."""
MAX_PAUSE_S = 3.0
"""A longer silence is the end of a turn."""
CONTINUES_S = 0.04
"""Decisions that begin within this of the end of the last ones continue them: capture times wander a little."""


VOICED_NEAR_S = 0.15
"""Speech reaches this far around its voiced parts, as in ``pipeline.audio.speech``: consonants."""
DECIDED_S = 0.3
"""The pitch of newer frames may still change."""
MAX_PENDING = 500
"""Decisions that wait for the pitch: 10 s, more than the pitch track holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityState:
    """The last KEPT_S of sound."""

    pending_s: Doubles = field(default_factory=lambda: np.zeros(0))
    """Middle of each stretch of which the detector has decided and the pitch is not known yet, oldest first."""
    pending: Flags = field(default_factory=lambda: np.zeros(0, bool))
    """What it decided; same shape."""

    spurts: Spans = ()
    """Speech; holes shorter than MIN_PAUSE_S belong to it (stops inside words)."""
    heard: Spans = ()
    """Sound that came and was judged, speech or not."""


def hear_activity(state: ActivityState, item: VoiceActivity) -> ActivityState:
    """Take in a detector's decisions; those on sound that is already in change nothing."""
    middle_s = item.t_s + (np.arange(len(item.is_speech)) + 0.5) * ACTIVITY_S
    newest_s = max(state.pending_s[-1] if len(state.pending_s) else -np.inf, state.heard[-1][1] if state.heard else 0.0)
    is_new = middle_s > newest_s
    return replace(
        state,
        pending_s=np.concatenate((state.pending_s, middle_s[is_new]))[-MAX_PENDING:],
        pending=np.concatenate((state.pending, item.is_speech[is_new]))[-MAX_PENDING:],
    )


def settle_activity(state: ActivityState, track: FrameTrack) -> ActivityState:
    """Decide on all sound whose pitch is decided.

    Args:
        state: what the last call returned.
        track: the last seconds of the voice. Sound that left it before it was decided on counts as not heard.
    """
    if not len(track.t_s) or not len(state.pending_s):
        return state
    frame_s = track.t_s - FRAME_S / 2
    is_due = state.pending_s + VOICED_NEAR_S <= frame_s[-1] - DECIDED_S
    middle_s, decided = state.pending_s[is_due], state.pending[is_due]
    is_in = middle_s >= frame_s[0]
    middle_s, decided = middle_s[is_in], decided[is_in]
    if len(middle_s):
        voiced_s = frame_s[keep_long_runs(track.f0_hz > 0, round(MIN_VOICED_S / HOP_S))]
        state = _append(state, middle_s, decided & _is_near(middle_s, voiced_s))
    return replace(state, pending_s=state.pending_s[~is_due], pending=state.pending[~is_due])


def _is_near(times_s: Doubles, voiced_s: Doubles) -> Flags:
    if not len(voiced_s):
        return np.zeros(len(times_s), bool)
    after = np.searchsorted(voiced_s, times_s)
    to_next_s = np.abs(voiced_s[np.minimum(after, len(voiced_s) - 1)] - times_s)
    to_last_s = np.abs(times_s - voiced_s[np.maximum(after - 1, 0)])
    flags: Flags = np.minimum(to_next_s, to_last_s) <= VOICED_NEAR_S
    return flags


def _append(state: ActivityState, middle_s: Doubles, is_speech: Flags) -> ActivityState:
    """Add stretches of ACTIVITY_S around these times."""
    spurts, heard = state.spurts, state.heard
    for t_s, is_one in zip(middle_s.tolist(), is_speech.tolist(), strict=True):
        stretch = (t_s - ACTIVITY_S / 2, t_s + ACTIVITY_S / 2)
        heard = add_span(heard, stretch, bridge_s=CONTINUES_S)
        if is_one:
            spurts = add_span(spurts, stretch, bridge_s=MIN_PAUSE_S)
    oldest_s = heard[-1][1] - KEPT_S
    return replace(state, spurts=_forget(spurts, oldest_s), heard=_forget(heard, oldest_s))


def find_spurts(state: ActivityState, from_s: float, to_s: float) -> Spans:
    """Return the speech between two times, clicks left out."""
    return clip_spans([spurt for spurt in state.spurts if spurt[1] - spurt[0] >= MIN_SPURT_S], from_s, to_s)


def find_pauses(state: ActivityState, others: Spans, from_s: float, to_s: float) -> Spans:
    """Return the pauses between two times: silence of MIN_PAUSE_S to MAX_PAUSE_S between speech of the same turn.

    Args:
        state: when the person spoke.
        others: when anybody else did; their speaking ends a turn.
        from_s: pauses that begin earlier do not count.
        to_s: nor do those that end later.
    """
    holes = [(before[1], after[0]) for before, after in pairwise(find_spurts(state, from_s, to_s))]
    return tuple(
        hole
        for hole in holes
        if MIN_PAUSE_S <= hole[1] - hole[0] <= MAX_PAUSE_S
        and is_heard(state.heard, hole)
        and not intersect_spans((hole,), others)
    )


def is_heard(heard: Spans, stretch: Span) -> bool:
    """Say whether sound came all the time: a hole in it is neither a pause nor silence before an answer."""
    return stretch[1] - stretch[0] - total_s(clip_spans(heard, *stretch)) < CONTINUES_S


def _forget(spans: Spans, oldest_s: float) -> Spans:
    return clip_spans(spans, oldest_s, np.inf) if spans and spans[0][0] < oldest_s else spans
