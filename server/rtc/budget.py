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


class ViewerBudget:
    """The bit rate of video that one viewer's connection is believed to carry; None while nothing says it is limited.

    A browser's estimate (REMB) is at most half as much again as what it receives, so while little is sent a low
    estimate says nothing. It is congestion when it falls, and below what is being sent. From then on the limit grows
    with time, or follows the estimate up; every further congestion makes the wait before it grows twice as long, so
    that a viewer who is truly limited is not pushed into congestion every few seconds.

    Args:
        ceiling_bps: nobody is sent more; a limit that has grown to this is none.
    """

    def __init__(self, ceiling_bps: float) -> None:
        self._ceiling_bps = ceiling_bps
        self._limit_bps: float | None = None
        self._remb_bps: float | None = None
        self._heard_s: float | None = None
        self._recovered_s = float("-inf")
        self._grown_s = float("-inf")
        self._fell_s = float("-inf")
        self._hold_s = FIRST_HOLD_S
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
        has_fallen = previous_bps is not None and remb_bps < FALL_SHARE * previous_bps and remb_bps < sent_bps
        is_low = remb_bps < LOW_SHARE * sent_bps
        is_suspect = previous_bps is None or self._limit_bps is not None
        if has_fallen or (is_low and is_suspect and now_s - self._fell_s >= DECREASE_PAUSE_S):
            self._fall(remb_bps, now_s)
        elif self._limit_bps is not None and remb_bps > self._limit_bps:
            self._limit_bps = remb_bps

    def on_loss(self, loss_share: float, sent_bps: float, now_s: float) -> None:
        """Take note of the share of packets that the viewer reports as lost, [0, 1]."""
        speaks_of_outage = self._hear(now_s)
        if speaks_of_outage or loss_share <= LOSS_SHARE or now_s - self._fell_s < DECREASE_PAUSE_S:
            return
        basis_bps = sent_bps if self._limit_bps is None else min(sent_bps, self._limit_bps)
        self._fall(basis_bps * (1 - loss_share / 2), now_s)

    def _hear(self, now_s: float) -> bool:
        """Note that a report came; return whether it still speaks of an outage."""
        if self._heard_s is not None and now_s - self._heard_s > OUTAGE_S and not self.is_paused:
            self._recovered_s = now_s + RECOVERY_S
        self._heard_s = now_s
        return now_s < self._recovered_s

    def _fall(self, limit_bps: float, now_s: float) -> None:
        if now_s - self._fell_s > self._hold_s + CALM_S:
            self._hold_s = FIRST_HOLD_S
        elif now_s - self._fell_s >= self._hold_s:  # it had begun to grow again
            self._hold_s = min(2 * self._hold_s, LONGEST_HOLD_S)
        self._fell_s = self._grown_s = now_s
        lower_bps = limit_bps if self._limit_bps is None else min(limit_bps, self._limit_bps)
        self._limit_bps = max(lower_bps, LEAST_BPS)

    def limit_bps(self, now_s: float) -> float | None:
        """Return the limit now."""
        if self._limit_bps is None:
            return None
        if not self.is_paused and self._heard_s is not None and now_s - self._heard_s > SILENT_S:
            self._limit_bps = self._remb_bps = None
            return None
        since_s = max(self._grown_s, self._fell_s + self._hold_s)
        if now_s > since_s:
            self._limit_bps *= GROWTH_PER_S ** (now_s - since_s)
            self._grown_s = now_s
        if self._limit_bps >= self._ceiling_bps:
            self._limit_bps = None
        return self._limit_bps
