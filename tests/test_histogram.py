import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.histogram import Histogram


def test_a_duration_on_a_bound_belongs_to_it():
    histogram = Histogram((0.1, 1.0))
    for duration_s in (0.1, 0.10001, 1.0, 1.5, -3.0):
        histogram.add(duration_s)
    assert histogram.buckets() == [("0.1", 2), ("1.0", 4), ("+Inf", 5)]
    assert histogram.sum_s == pytest.approx(0.1 + 0.10001 + 1.0 + 1.5)


@given(st.lists(st.floats(min_value=0, max_value=100)))
def test_every_duration_is_counted_once_and_it_never_grows(durations):
    histogram = Histogram((0.5, 5.0, 50.0))
    for duration_s in durations:
        histogram.add(duration_s)
    assert histogram.count == len(durations)
    assert histogram.buckets()[-1] == ("+Inf", len(durations))
    assert [n for _, n in histogram.buckets()] == [
        sum(duration_s <= bound for duration_s in durations) for bound in (0.5, 5.0, 50.0, float("inf"))
    ]
    assert len(histogram.counts) == 4
