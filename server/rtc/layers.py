"""Which of a stream's temporal layers a slow viewer gets, and how the others are left out without a trace."""

from collections import deque
from collections.abc import Sequence
from enum import Enum, auto

from server.rtc.packets import MediaPacket
from server.rtc.rewrite import StreamMap
from server.rtc.vp8 import Descriptor

ALL_LAYERS = 3
TOO_MUCH = 1.15
"""A layer goes when the stream costs so much more than the budget; it comes back when it costs no more than that."""
CALM_S = 1.0
"""A layer comes back no sooner than so long after the last change; the meters look back as far."""
PAUSE_AFTER_S = 1.5
"""So long the base layer may cost too much, for the sender needs a moment to follow what is asked of it."""
FIRST_RETRY_S = 4.0
LONGEST_RETRY_S = 60.0
GOOD_S = 60.0
"""A picture that lasted so long makes the next pause the first again."""
REMEMBERED_PICTURES = 64


class LayerChoice:
    """Chooses layers by what they cost and what the viewer's connection carries.

    A picture that is paused comes back when the base layer fits the budget again, at the earliest after 4 s, then 8,
    16 and so on: coming back takes a key frame, which the others pay for too.
    """

    def __init__(self) -> None:
        self.highest = ALL_LAYERS
        self.is_paused = False
        self._changed_s = float("-inf")
        self._too_much_since_s: float | None = None
        self._retry_s = FIRST_RETRY_S

    def update(self, costs_bps: Sequence[float], budget_bps: float | None, now_s: float) -> None:
        """Choose.

        Args:
            costs_bps: of the layers up to each, the base first; at least one.
            budget_bps: None if there is no limit.
            now_s: now.
        """
        if self.is_paused:
            fits = budget_bps is None or costs_bps[0] <= budget_bps
            if fits and now_s - self._changed_s >= self._retry_s:
                self.is_paused = False
                self.highest = 0 if budget_bps is not None else ALL_LAYERS
                self._changed_s = now_s
                self._retry_s = min(2 * self._retry_s, LONGEST_RETRY_S)
            return
        if now_s - self._changed_s > GOOD_S:
            self._retry_s = FIRST_RETRY_S
        self._choose_layer(costs_bps, budget_bps, now_s)
        if budget_bps is None or costs_bps[0] <= TOO_MUCH * budget_bps:
            self._too_much_since_s = None
        elif self._too_much_since_s is None:
            self._too_much_since_s = now_s
        elif now_s - self._too_much_since_s >= PAUSE_AFTER_S:
            self.is_paused, self._too_much_since_s, self._changed_s = True, None, now_s

    def _choose_layer(self, costs_bps: Sequence[float], budget_bps: float | None, now_s: float) -> None:
        top = len(costs_bps) - 1
        present = min(self.highest, top)
        if budget_bps is None:
            wanted = top
        else:
            kept = max((n for n in range(present + 1) if costs_bps[n] <= TOO_MUCH * budget_bps), default=0)
            fitting = max((n for n in range(top + 1) if costs_bps[n] <= budget_bps), default=0)
            wanted = max(kept, min(fitting, present + 1))
        if wanted < present or (wanted > present and now_s - self._changed_s >= CALM_S):
            self._changed_s = now_s
        elif wanted > present:
            return
        # At the top it is all layers: one more that begins later is not left out without need.
        self.highest = ALL_LAYERS if wanted == top else wanted


class Verdict(Enum):
    """What is done with a packet."""

    SEND = auto()
    LEAVE_OUT = auto()
    FILL = auto()
    """It is left out, but a number was kept for it: an empty packet must take that, or the viewer waits for it."""


class Thinner:
    """Leaves out pictures above a layer; a whole picture goes or none of it.

    Layers are taken away at any picture, and given back where the sender allows it: at a key frame, or at a picture
    of the next layer that refers to the base layer alone.

    Args:
        numbers: of the viewer's stream; told what is left out.
    """

    def __init__(self, numbers: StreamMap) -> None:
        self._numbers = numbers
        self._highest = ALL_LAYERS
        self._timestamp: int | None = None
        self._keeps = True
        self._picture_id: int | None = None
        self._ended = False
        self._left_out: deque[int] = deque(maxlen=REMEMBERED_PICTURES)

    def judge(self, packet: MediaPacket, descriptor: Descriptor, highest: int) -> Verdict:
        """Decide about a packet of the stream that ``numbers`` counts.

        Args:
            packet: in order or late; each is shown once.
            descriptor: of the packet.
            highest: layer to be sent; ``ALL_LAYERS`` for all.
        """
        numbers = self._numbers
        if packet.seq <= numbers.newest_source_seq:
            if not self.was_left_out(packet):
                return Verdict.SEND
            return Verdict.LEAVE_OUT if numbers.map(packet) is None else Verdict.FILL
        is_new = packet.timestamp != self._timestamp
        follows = is_new and self._picture_id is not None and descriptor.picture_id is not None
        follows = follows and (descriptor.picture_id or 0) & 0x7F == ((self._picture_id or 0) + 1) & 0x7F
        keeps = self._keeps if not is_new else self._keeps_picture(packet, descriptor, highest)
        first_missing = numbers.newest_source_seq + 1
        has_gap = first_missing < packet.seq
        if not keeps:
            owns_gap = not is_new or (follows and (self._ended or not self._keeps))
            numbers.leave_out(first_missing if owns_gap else packet.seq, packet.seq, n_pictures=int(is_new))
            if is_new:
                self._left_out.append(packet.timestamp)
        elif has_gap and follows and not self._keeps and not self._ended and descriptor.starts_picture:
            numbers.leave_out(first_missing, packet.seq - 1, n_pictures=0)  # the end of the picture before
        self._timestamp, self._keeps, self._ended = packet.timestamp, keeps, packet.marker
        self._picture_id = descriptor.picture_id
        return Verdict.SEND if keeps else Verdict.LEAVE_OUT

    def was_left_out(self, packet: MediaPacket) -> bool:
        """Tell whether the packet's picture was left out."""
        return packet.timestamp in self._left_out

    def restart(self) -> None:
        """The stream begins anew with a key frame."""
        self._timestamp = self._picture_id = None
        self._highest = ALL_LAYERS
        self._left_out.clear()

    def _keeps_picture(self, packet: MediaPacket, descriptor: Descriptor, highest: int) -> bool:
        layer = descriptor.layer
        if layer is None or (self._timestamp is None and not descriptor.starts_picture):
            return True  # no layers, or the picture's beginning has been sent already
        if highest < self._highest or packet.starts_keyframe:
            self._highest = highest
        elif layer == self._highest + 1 <= highest and descriptor.is_switching_point:
            self._highest = layer
        return layer <= self._highest


def shifts_after(previous: Descriptor, shifts: tuple[int, int], first: Descriptor) -> tuple[int, int]:
    """Return picture and base shift by which a key frame's numbers go on behind the last picture sent.

    Args:
        previous: of the last packet sent.
        shifts: picture and base shift that it was sent with.
        first: of the key frame.
    """
    picture_shift = base_shift = 0
    if previous.picture_id is not None and first.picture_id is not None:
        picture_shift = previous.picture_id + shifts[0] + 1 - first.picture_id
    if previous.base_index is not None and first.base_index is not None:
        base_shift = previous.base_index + shifts[1] + 1 - first.base_index
    return picture_shift, base_shift
