import pytest

from server.errors import TooManyRequests
from server.sessions.ratelimit import RateLimiter
from tests.fakes.rooms import FakeClock


def use_up(limiter: RateLimiter, key: str) -> int:
    n = 0
    while True:
        try:
            limiter.take(key)
        except TooManyRequests:
            return n
        n += 1


def test_a_bucket_has_its_attempts_and_refills_evenly():
    clock = FakeClock()
    limiter = RateLimiter(clock, attempts=5, window_s=50.0)
    assert use_up(limiter, "a") == 5
    clock.pass_s(9.5)
    with pytest.raises(TooManyRequests) as caught:
        limiter.take("a")
    assert caught.value.retry_after_s == 1
    clock.pass_s(0.5)
    assert use_up(limiter, "a") == 1
    clock.pass_s(1000.0)
    assert use_up(limiter, "a") == 5


def test_keys_do_not_share():
    limiter = RateLimiter(FakeClock(), attempts=2, window_s=10.0)
    assert (use_up(limiter, "a"), use_up(limiter, "b")) == (2, 2)


def test_what_is_given_back_never_exceeds_the_bucket():
    limiter = RateLimiter(FakeClock(), attempts=2, window_s=10.0)
    for _ in range(5):
        limiter.give_back("a")
    assert use_up(limiter, "a") == 2


def test_memory_is_bounded_and_the_key_unused_longest_goes():
    limiter = RateLimiter(FakeClock(), attempts=1, window_s=10.0, max_keys=3)
    for key in "abcd":
        limiter.take(key)
    assert len(limiter) == 3
    limiter.take("a")  # forgotten, so allowed
    with pytest.raises(TooManyRequests):
        limiter.take("d")
