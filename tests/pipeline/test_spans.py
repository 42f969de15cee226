import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.spans import add_span, clip_spans, intersect_spans, join_spans, span_at, total_s

SPANS = st.lists(st.integers(0, 60), min_size=0, max_size=12, unique=True).map(
    lambda cuts: tuple(zip(sorted(cuts)[::2], sorted(cuts)[1::2], strict=False))
)


def points(spans):
    return {second for start, end in spans for second in range(start, end)}


@given(SPANS, SPANS)
def test_what_lies_in_both_is_what_each_second_says(first, second):
    both = intersect_spans(first, second)
    assert points(both) == points(first) & points(second)
    assert total_s(both) == len(points(first) & points(second))


@given(SPANS, st.integers(0, 60), st.integers(0, 60))
def test_clipping_keeps_what_lies_between(spans, one, other):
    from_s, to_s = min(one, other), max(one, other)
    assert points(clip_spans(spans, from_s, to_s)) == {s for s in points(spans) if from_s <= s < to_s}


@given(SPANS, st.integers(0, 61))
def test_a_time_lies_in_the_span_that_holds_it(spans, t_s):
    span = span_at(spans, t_s)
    assert (span is not None) == (t_s in points(spans))


def test_holes_shorter_than_the_bridge_are_closed():
    assert join_spans(((0, 1), (1.4, 2), (2.5, 3)), 0.5) == ((0, 2), (2.5, 3))


def test_spans_grow_at_their_end():
    spans = add_span((), (0.0, 1.0), bridge_s=0.25)
    spans = add_span(spans, (1.2, 2.0), bridge_s=0.25)
    assert spans == ((0.0, 2.0),)
    spans = add_span(spans, (1.0, 1.5), bridge_s=0.25)
    assert spans == ((0.0, 2.0),)
    assert add_span(spans, (2.25, 3.0), bridge_s=0.25) == ((0.0, 2.0), (2.25, 3.0))
    assert total_s(spans) == pytest.approx(2.0)
