"""Transport-wide feedback: when each packet of a connection arrived, as RTCP that its sender's estimator reads.

draft-holmer-rmcat-transport-wide-cc-extensions-01.
"""

from collections.abc import Sequence
from dataclasses import dataclass

URI = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
"""Of the RTP header extension."""
TICK_S = 0.000_25
REFERENCE_S = 0.064
BACK_WINDOW_S = 0.5
"""Arrivals are kept so long after they were reported, to be told again beside one that came late."""
MAX_KEPT = 2048
"""Arrivals that are kept; a sender who exceeds this between two reports is not honest."""
MAX_GAP = 1000
"""A jump in the numbers by more is a new beginning, not loss."""
MAX_SPAN = 4096
"""Numbers, of packets that came or did not, that wait to be told; more than in a second is a new beginning too."""
MAX_REPORTED = 400
"""Arrivals in one message, which must fit a datagram."""
MAX_POSITIONS = 1024
"""Numbers in one message, for the same reason; more than ``MAX_GAP``, so that none speaks of missing packets alone."""

_NOT_RECEIVED, _SMALL, _LARGE = 0, 1, 2
_MAX_RUN = 0x1FFF
_ONE_BIT_SYMBOLS = 14
_TWO_BIT_SYMBOLS = 7
_HEADER_BYTES = 20
_RTPFB, _FMT = 205, 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """One message: what became of the packets from ``base_seq`` on."""

    base_seq: int
    """16 bits."""
    reference: int
    """Time that the first delta counts from, in 64 ms, 24 bits."""
    deltas: tuple[int | None, ...]
    """For each packet the time since the one received before, in 250 us; None if it did not come."""
    count: int
    """Number of this message, 8 bits."""

    def serialize(self, *, sender_ssrc: int, media_ssrc: int) -> bytes:
        """Return the RTCP packet."""
        symbols = [_symbol(delta) for delta in self.deltas]
        body = b"".join(chunk.to_bytes(2, "big") for chunk in _chunks(symbols))
        for delta, symbol in zip(self.deltas, symbols, strict=True):
            if delta is not None:
                body += delta.to_bytes(symbol, "big", signed=symbol == _LARGE)
        padding = -(_HEADER_BYTES + len(body)) % 4
        if padding:
            body += bytes(padding - 1) + bytes([padding])
        n_words = (_HEADER_BYTES + len(body)) // 4
        return b"".join(
            (
                bytes([0x80 | (0x20 if padding else 0) | _FMT, _RTPFB]),
                (n_words - 1).to_bytes(2, "big"),
                sender_ssrc.to_bytes(4, "big"),
                media_ssrc.to_bytes(4, "big"),
                self.base_seq.to_bytes(2, "big"),
                len(self.deltas).to_bytes(2, "big"),
                (self.reference & 0xFFFFFF).to_bytes(3, "big"),
                bytes([self.count]),
                body,
            )
        )


def _symbol(delta: int | None) -> int:
    if delta is None:
        return _NOT_RECEIVED
    return _SMALL if 0 <= delta <= 0xFF else _LARGE


def _chunks(symbols: Sequence[int]) -> list[int]:
    """Return the 16-bit chunks that say what became of each packet (section 3.1.1 to 3.1.4)."""
    chunks = []
    position = 0
    while position < len(symbols):
        first = symbols[position]
        run = 1
        while run < _MAX_RUN and position + run < len(symbols) and symbols[position + run] == first:
            run += 1
        window = symbols[position : position + _ONE_BIT_SYMBOLS]
        is_one_bit = _LARGE not in window
        n_symbols = min(len(window), _ONE_BIT_SYMBOLS if is_one_bit else _TWO_BIT_SYMBOLS)
        if run >= n_symbols:
            chunks.append(first << 13 | run)
            position += run
            continue
        chunk = 0x8000 if is_one_bit else 0xC000
        bits = 1 if is_one_bit else 2
        for n, symbol in enumerate(window[:n_symbols]):
            chunk |= symbol << (14 - bits - bits * n)
        chunks.append(chunk)
        position += n_symbols
    return chunks


class ArrivalLog:
    """Notes arrivals and makes the messages; keeps no more than ``MAX_KEPT`` of them."""

    def __init__(self) -> None:
        self._arrivals_s: dict[int, float] = {}
        self._newest_seq: int | None = None
        self._next_seq = 0
        """First packet of the next message."""
        self._floor_seq = 0
        """Packets before this are too late to be told."""
        self._count = 0

    def received(self, seq: int, arrival_s: float) -> None:
        """Note a packet by its 16-bit transport-wide number; repetitions are ignored."""
        newest_seq = self._newest_seq
        distance = 0 if newest_seq is None else ((seq - newest_seq + 0x8000) & 0xFFFF) - 0x8000
        if newest_seq is None or abs(distance) > MAX_GAP or newest_seq + distance - self._next_seq >= MAX_SPAN:
            self._arrivals_s.clear()
            self._newest_seq = self._next_seq = self._floor_seq = unwrapped = seq
        else:
            unwrapped = newest_seq + distance
            if unwrapped < self._floor_seq or unwrapped in self._arrivals_s or len(self._arrivals_s) >= MAX_KEPT:
                return
            self._newest_seq = max(newest_seq, unwrapped)
            self._next_seq = min(self._next_seq, unwrapped)
        self._arrivals_s[unwrapped] = arrival_s

    def take(self, now_s: float) -> list[Feedback]:
        """Return what is to be told now, and forget what need not be told again."""
        messages = []
        while self._newest_seq is not None and self._next_seq <= self._newest_seq:
            messages.append(self._message(self._next_seq, self._newest_seq))
        for seq in [seq for seq, arrival_s in self._arrivals_s.items() if now_s - arrival_s > BACK_WINDOW_S]:
            del self._arrivals_s[seq]
            self._floor_seq = max(self._floor_seq, seq + 1)
        return messages

    def _message(self, first_seq: int, last_seq: int) -> Feedback:
        """Return the message that begins at ``first_seq``; it ends where time jumps too far or it gets too long."""
        deltas: list[int | None] = []
        reference = ticks = n_received = 0
        seq = first_seq
        while seq <= last_seq and n_received < MAX_REPORTED and len(deltas) < MAX_POSITIONS:
            arrival_s = self._arrivals_s.get(seq)
            if arrival_s is None:
                deltas.append(None)
            else:
                if not n_received:
                    reference = int(arrival_s / REFERENCE_S)
                # Rounded against the reference, not against each other, so that errors do not add up.
                arrived = round((arrival_s - reference * REFERENCE_S) / TICK_S)
                if not -0x8000 <= arrived - ticks <= 0x7FFF:
                    break
                deltas.append(arrived - ticks)
                ticks = arrived
                n_received += 1
            seq += 1
        self._next_seq = seq
        count, self._count = self._count, (self._count + 1) & 0xFF
        return Feedback(base_seq=first_seq & 0xFFFF, reference=reference, deltas=tuple(deltas), count=count)
