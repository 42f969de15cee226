"""A limit on how often something may fail, per key, in bounded memory."""

import math
from collections import OrderedDict
from collections.abc import Callable

from server.errors import TooManyRequests


class RateLimiter:
    """Token buckets: each key has ``attempts`` at once, and one more every ``window_s / attempts`` seconds.

    An attempt is taken before the work and given back if it succeeds, so that parallel attempts cannot slip through.
    When ``max_keys`` are known, the key that was used longest ago is forgotten.

    Args:
        clock: monotonic seconds.
        attempts: size of a bucket.
        window_s: seconds in which an empty bucket is full again.
        max_keys: how many keys are remembered.
    """

    def __init__(self, clock: Callable[[], float], *, attempts: int, window_s: float, max_keys: int = 10_000) -> None:
        self._clock = clock
        self._attempts = attempts
        self._refill_per_s = attempts / window_s
        self._max_keys = max_keys
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # key -> (tokens, at)

    def take(self, key: str) -> None:
        """Use up one attempt of a key. Raises TooManyRequests with retry_after_s when none is left."""
        tokens = self._tokens(key)
        if tokens < 1.0:
            wait_s = math.ceil((1.0 - tokens) / self._refill_per_s)
            raise TooManyRequests(f"Too many attempts. Please try again in {wait_s} seconds.", retry_after_s=wait_s)
        self._store(key, tokens - 1.0)

    def give_back(self, key: str) -> None:
        """Return one attempt that succeeded."""
        self._store(key, min(self._attempts, self._tokens(key) + 1.0))

    def __len__(self) -> int:
        return len(self._buckets)

    def _tokens(self, key: str) -> float:
        tokens, at_s = self._buckets.get(key, (float(self._attempts), self._clock()))
        return min(float(self._attempts), tokens + (self._clock() - at_s) * self._refill_per_s)

    def _store(self, key: str, tokens: float) -> None:
        self._buckets[key] = (tokens, self._clock())
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._max_keys:
            self._buckets.popitem(last=False)
