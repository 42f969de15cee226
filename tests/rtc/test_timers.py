import itertools

from server.rtc.timers import Alarm, Throttle
from tests.fakes.rtc_time import ManualTime


def test_a_throttled_call_is_kept_and_not_lost():
    time, calls = ManualTime(), []
    ask = Throttle(pause_s=0.5, action=lambda: calls.append(time()), call_later=time.call_later, clock=time)
    for _ in range(5):
        ask()
    assert calls == [100.0]
    time.advance(0.3)
    ask()
    time.advance(5)
    assert calls == [100.0, 100.5]
    ask()
    assert calls[-1] == 105.3


def test_a_storm_of_calls_gets_one_action_per_pause():
    time, calls = ManualTime(), []
    ask = Throttle(pause_s=0.5, action=lambda: calls.append(time()), call_later=time.call_later, clock=time)
    for _ in range(200):
        ask()
        time.advance(0.01)
    assert len(calls) == 5
    assert all(b - a >= 0.4999 for a, b in itertools.pairwise(calls))


def test_a_kept_call_can_be_forgotten():
    time, calls = ManualTime(), []
    ask = Throttle(pause_s=0.5, action=lambda: calls.append(time()), call_later=time.call_later, clock=time)
    ask()
    ask()
    ask.cancel()
    time.advance(2)
    assert calls == [100.0]


def test_an_alarm_rings_once_at_its_last_deadline():
    time, calls = ManualTime(), []
    alarm = Alarm(action=lambda: calls.append(time()), call_later=time.call_later, clock=time)
    alarm.set(101.0)
    alarm.set(102.0)
    time.advance(1.5)
    assert calls == []
    time.advance(5)
    assert calls == [102.0]
    alarm.set(108.0)
    alarm.set(None)
    time.advance(5)
    assert calls == [102.0]
