import pytest

from pipeline.signal_summary import Span, summarise_signals
from tests.fakes.signals import signal


def test_each_span_has_the_figures_of_its_own_ticks():
    ticks = [
        (float(t), (signal("pulse.rate", 60.0 + t, z=t / 10), signal("levels.low", 0.5, z=None))) for t in range(10)
    ]
    whole, second = summarise_signals(ticks, [Span(from_s=0.0, to_s=10.0), Span(from_s=5.0, to_s=10.0)])
    by_name = {item.name: item for item in second}
    pulse = by_name["pulse.rate"]
    assert (pulse.median, pulse.low, pulse.high) == (67.0, 66.0, 68.0)
    assert pulse.z == pytest.approx(0.7)
    assert pulse.coverage == 1.0
    assert by_name["levels.low"].z is None
    assert {item.name: item.median for item in whole}["pulse.rate"] == 64.5


def test_weak_and_missing_values_are_in_no_figure_and_lower_the_coverage():
    ticks = [(0.0, (signal("pulse.rate", 60.0, quality=0.4),)), (1.0, (signal("pulse.rate", None),)), (2.0, ())]
    ((figures,),) = summarise_signals(ticks, [Span(from_s=0.0, to_s=3.0)])
    assert (figures.median, figures.low, figures.z, figures.coverage) == (None, None, None, 0.0)
    ticks.append((3.0, (signal("pulse.rate", 70.0),)))
    ((figures,),) = summarise_signals(ticks, [Span(from_s=0.0, to_s=8.0)])
    assert (figures.median, figures.coverage) == (70.0, pytest.approx(1 / 8))


def test_an_empty_session_has_an_empty_table():
    assert summarise_signals([], [Span(from_s=0.0, to_s=0.0)]) == ((),)
    ((figures,),) = summarise_signals([(9.0, (signal("pulse.rate"),))], [Span(from_s=0.0, to_s=1.0)])
    assert (figures.median, figures.coverage) == (None, 0.0)
