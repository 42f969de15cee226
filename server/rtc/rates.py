"""Bit rates over the last second."""

BUCKET_S = 0.1
N_BUCKETS = 10
MAX_LAYERS = 4
"""VP8's temporal layer index has two bits (RFC 7741 section 4.2)."""


class RateMeter:
    """Sums what was added in about the last second."""

    def __init__(self) -> None:
        self._bytes = [0] * N_BUCKETS
        self._bucket = 0
        self._since_s: float | None = None

    def add(self, n_bytes: int, now_s: float) -> None:
        """Count so many bytes now."""
        if self._since_s is None:
            self._since_s = now_s
        self._advance(now_s)
        self._bytes[self._bucket % N_BUCKETS] += n_bytes

    def bits_per_s(self, now_s: float) -> float:
        """Return the rate; right after the start over the time that has passed, at least half a second."""
        if self._since_s is None:
            return 0.0
        self._advance(now_s)
        # The newest bucket is filling: on average the sum covers half a bucket less than all of them.
        covered_s = min(max(now_s - self._since_s, 0.5), (N_BUCKETS - 0.5) * BUCKET_S)
        return 8 * sum(self._bytes) / covered_s

    def _advance(self, now_s: float) -> None:
        bucket = int(now_s / BUCKET_S)
        for passed in range(max(self._bucket + 1, bucket - N_BUCKETS + 1), bucket + 1):
            self._bytes[passed % N_BUCKETS] = 0
        self._bucket = max(self._bucket, bucket)


class LayerMeter:
    """The bit rate of a video stream, by temporal layer."""

    def __init__(self) -> None:
        self._meters = [RateMeter() for _ in range(MAX_LAYERS)]
        self._seen_s = [float("-inf")] * MAX_LAYERS

    def add(self, layer: int, n_bytes: int, now_s: float) -> None:
        """Count a packet; a stream without layers is all in layer 0."""
        self._meters[layer].add(n_bytes, now_s)
        self._seen_s[layer] = now_s

    def cumulative_bps(self, now_s: float) -> list[float]:
        """Return what the layers up to each cost together, the base first; as many as came in the last second."""
        n_layers = max((n + 1 for n, seen_s in enumerate(self._seen_s) if now_s - seen_s < 1.0), default=1)
        total_bps = 0.0
        costs = []
        for meter in self._meters[:n_layers]:
            total_bps += meter.bits_per_s(now_s)
            costs.append(total_bps)
        return costs
