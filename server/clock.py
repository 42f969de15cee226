"""The only place that reads a clock."""

import time
from datetime import UTC, datetime


def monotonic_s() -> float:
    """Return seconds on the machine's monotonic clock, the same in every process of this machine."""
    return time.monotonic()


def utc_now() -> datetime:
    """Return the current time, timezone-aware UTC."""
    return datetime.now(UTC)
