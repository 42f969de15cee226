"""Stretches of time: sorted, without overlap, each a start and a later end in seconds."""

from bisect import bisect_left
from collections.abc import Sequence

Span = tuple[float, float]
Spans = tuple[Span, ...]


def add_span(spans: Spans, new: Span, *, bridge_s: float) -> Spans:
    """Append a span that ends after all others; a hole of less than bridge_s before it is closed.

    One that does not end later changes nothing; one that begins earlier adds only what is new.
    """
    if not spans:
        return (new,)
    start_s, end_s = spans[-1]
    if new[1] <= end_s:
        return spans
    if new[0] - end_s < bridge_s:
        return (*spans[:-1], (start_s, new[1]))
    return (*spans, new)


def join_spans(spans: Sequence[Span], bridge_s: float) -> Spans:
    """Close every hole of less than bridge_s."""
    joined: list[Span] = []
    for start_s, end_s in spans:
        if joined and start_s - joined[-1][1] < bridge_s:
            joined[-1] = (joined[-1][0], max(end_s, joined[-1][1]))
        else:
            joined.append((start_s, end_s))
    return tuple(joined)


def clip_spans(spans: Sequence[Span], from_s: float, to_s: float) -> Spans:
    """Return what lies between two times."""
    cut = ((max(start_s, from_s), min(end_s, to_s)) for start_s, end_s in spans)
    return tuple((start_s, end_s) for start_s, end_s in cut if end_s > start_s)


def intersect_spans(first: Sequence[Span], second: Sequence[Span]) -> Spans:
    """Return what lies in both."""
    ends_s = [end_s for _, end_s in second]
    both: list[Span] = []
    for start_s, end_s in first:
        for other in second[bisect_left(ends_s, start_s) :]:
            if other[0] >= end_s:
                break
            both += clip_spans((other,), start_s, end_s)
    return tuple(both)


def total_s(spans: Sequence[Span]) -> float:
    """Return the length of all together."""
    return sum(end_s - start_s for start_s, end_s in spans)


def span_at(spans: Sequence[Span], t_s: float) -> Span | None:
    """Return the span in which a time lies (its end excluded), or None."""
    return next(((start_s, end_s) for start_s, end_s in spans if start_s <= t_s < end_s), None)
