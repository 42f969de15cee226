"""What a viewer's connection carries, as far as the viewer's own reports tell."""

LEAST_BPS = 50_000.0
"""A viewer with less than this has no use for the figure: not even sound would fit."""
SILENT_S = 10.0
"""A limit without news for so long is forgotten."""
GROWTH_PER_S = 1.08
"""As in Google congestion control (draft-ietf-rmcat-gcc-02 section 5.5)."""
FIRST_HOLD_S = 2.0
LONGEST_HOLD_S = 30.0
CALM_S = 30.0
"""After so long without congestion, while the limit may grow, the next one is the first again."""
LOSS_SHARE = 0.1
"""More lost packets than this are congestion (draft-ietf-rmcat-gcc-02 section 6); fewer may be a bad radio link."""
DECREASE_PAUSE_S = 1.0
"""Reports that come sooner still speak of what was sent before the last decrease."""
OUTAGE_S = 2.0
"""Who has not reported for so long was out of reach: browsers report every second or so."""
RECOVERY_S = 3.0
"""So long after an outage the reports still speak of it, and not of what the connection carries."""
LOW_SHARE = 0.9
"""Without a fall, an estimate is low when it is below this share of what is sent..."""
FALL_SHARE = 0.97
"""... and it has fallen when it is below this share of the one before."""


class _Limit:
    """A bit rate that falls at once and grows again when it has held for a while; ``bits_per_s`` is None without one.

    Every further fall makes it hold for twice as long, so that a viewer who is truly limited is not pushed into
    congestion every few seconds.

    Args:
        ceiling_bps: a limit that has grown to this is none.
    """

    __slots__ = ("_ceiling_bps", "_grown_s", "_hold_s", "bits_per_s", "fell_s")

    def __init__(self, ceiling_bps: float) -> None:
        self.bits_per_s: float | None = None
        self.fell_s = float("-inf")
        self._ceiling_bps = ceiling_bps
        self._grown_s = float("-inf")
        self._hold_s = FIRST_HOLD_S

    def fall(self, bits_per_s: float, now_s: float) -> None:
        """Let it be no more than this."""
        if now_s - self.fell_s > self._hold_s + CALM_S:
            self._hold_s = FIRST_HOLD_S
        elif now_s - self.fell_s >= self._hold_s:  # it had begun to grow again
            self._hold_s = min(2 * self._hold_s, LONGEST_HOLD_S)
        self.fell_s = self._grown_s = now_s
        lower_bps = bits_per_s if self.bits_per_s is None else min(bits_per_s, self.bits_per_s)
        self.bits_per_s = max(lower_bps, LEAST_BPS)

    def grow(self, now_s: float) -> None:
        """Let it be what it has grown to by now."""
        if self.bits_per_s is None:
            return
        since_s = max(self._grown_s, self.fell_s + self._hold_s)
        if now_s > since_s:
            self.bits_per_s *= GROWTH_PER_S ** (now_s - since_s)
            self._grown_s = now_s
        if self.bits_per_s >= self._ceiling_bps:
            self.bits_per_s = None


class ViewerBudget:
    """The bit rate of video that one viewer's connection is believed to carry; None while nothing says it is limited.

    It is the lesser of two limits, as in draft-ietf-rmcat-gcc-02 section 6: one from the viewer's estimates (REMB),
    which speak of delay alone, and one from the loss that the viewer reports. Both come in the same datagram, and an
    estimate that is high does not lift the limit by loss: a link that drops what is too much without delaying it is
    never seen in estimates.

    A browser's estimate is at most half as much again as what it receives, so while little is sent a low estimate says
    nothing. It is congestion when it falls, and below what is being sent. From then on the limit grows with time, or
    follows the estimate up. The limit by loss grows with time alone.

    Args:
        ceiling_bps: nobody is sent more; a limit that has grown to this is none.
    """

    def __init__(self, ceiling_bps: float) -> None:
        self._by_delay = _Limit(ceiling_bps)
        self._by_loss = _Limit(ceiling_bps)
        self._remb_bps: float | None = None
        self._heard_s: float | None = None
        self._recovered_s = float("-inf")
        self.is_paused = False
        """Nothing is sent, so that no news can come: the limit grows but is not forgotten."""

    def on_remb(self, remb_bps: float, sent_bps: float, now_s: float) -> None:
        """Take note of the viewer's estimate.

        Args:
            remb_bps: the estimate.
            sent_bps: what was sent to the viewer in the last second, retransmissions with it.
            now_s: now.
        """
        previous_bps, self._remb_bps = self._remb_bps, remb_bps
        if self._hear(now_s):
            return
        limit_bps = self._by_delay.bits_per_s
        has_fallen = previous_bps is not None and remb_bps < FALL_SHARE * previous_bps and remb_bps < sent_bps
        is_low = remb_bps < LOW_SHARE * sent_bps
        is_suspect = previous_bps is None or self._is_limited
        if has_fallen or (is_low and is_suspect and now_s - self._fell_s >= DECREASE_PAUSE_S):
            self._by_delay.fall(remb_bps, now_s)
        elif limit_bps is not None and remb_bps > limit_bps:
            self._by_delay.bits_per_s = remb_bps

    def on_loss(self, loss_share: float, sent_bps: float, now_s: float) -> None:
        """Take note of the share of packets that were lost on the way to the viewer, [0, 1].

        Args:
            loss_share: since the report before.
            sent_bps: as for ``on_remb``.
            now_s: now.
        """
        speaks_of_outage = self._hear(now_s)
        if speaks_of_outage or loss_share <= LOSS_SHARE or now_s - self._fell_s < DECREASE_PAUSE_S:
            return
        limit_bps = self.limit_bps(now_s)
        basis_bps = sent_bps if limit_bps is None else min(sent_bps, limit_bps)
        self._by_loss.fall(basis_bps * (1 - loss_share / 2), now_s)

    @property
    def _is_limited(self) -> bool:
        return self._by_delay.bits_per_s is not None or self._by_loss.bits_per_s is not None

    @property
    def _fell_s(self) -> float:
        return max(self._by_delay.fell_s, self._by_loss.fell_s)

    def _hear(self, now_s: float) -> bool:
        """Note that a report came; return whether it still speaks of an outage."""
        if self._heard_s is not None and now_s - self._heard_s > OUTAGE_S and not self.is_paused:
            self._recovered_s = now_s + RECOVERY_S
        self._heard_s = now_s
        return now_s < self._recovered_s

    def limit_bps(self, now_s: float) -> float | None:
        """Return the limit now."""
        if not self._is_limited:
            return None
        if not self.is_paused and self._heard_s is not None and now_s - self._heard_s > SILENT_S:
            self._by_delay.bits_per_s = self._by_loss.bits_per_s = self._remb_bps = None
            return None
        for limit in (self._by_delay, self._by_loss):
            limit.grow(now_s)
        limits_bps = [self._by_delay.bits_per_s, self._by_loss.bits_per_s]
        return min((bits_per_s for bits_per_s in limits_bps if bits_per_s is not None), default=None)
