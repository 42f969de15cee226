"""What is asked of a publisher for its viewers' sake."""

from collections.abc import Iterable

from server.rtc.asked_rate import LEAST_BPS

FALL_SHARE = 0.97
RISE_SHARE = 1.05
"""Smaller changes are not passed on: the figure must not wobble."""


class UpstreamLimit:
    """The largest of the viewers' budgets.

    With one viewer that is the least of both sides' estimates. With several, those who are slower than the fastest
    get less from us (layers.py); the picture that the others see, and that is measured, does not suffer for them.
    """

    def __init__(self) -> None:
        self._limit_bps: float | None = None

    def update(self, budgets_bps: Iterable[float | None]) -> int | None:
        """Return the limit in bits/s, None if there is none.

        Args:
            budgets_bps: of every viewer that takes video; None for one that is not limited.
        """
        budgets = list(budgets_bps)
        limits = [budget for budget in budgets if budget is not None]
        if not limits or len(limits) < len(budgets):
            self._limit_bps = None
            return None
        largest_bps = max(*limits, float(LEAST_BPS))
        previous_bps = self._limit_bps
        if previous_bps is None or not FALL_SHARE * previous_bps < largest_bps < RISE_SHARE * previous_bps:
            self._limit_bps = largest_bps
        return round(self._limit_bps or largest_bps)
