"""Loss on the way to us, with NACKs and retransmissions that get lost too: the real parts in a simulated network."""

import heapq
import itertools
import random

import pytest

from server.media import Codec
from server.rtc.frames import VideoAssembler
from server.rtc.nack import NackTracker
from tests.fakes.rtc_packets import DELTA, KEY, at, packet

PACKETS_PER_FRAME = 5
FPS = 30


def simulate(*, loss, rtt_s, seconds, seed):
    """Return (arrival, number) of the frames that came out, and how often a key frame was asked for."""
    rng = random.Random(seed)
    nacks, assembler = NackTracker(), VideoAssembler(Codec.VP8)
    order = itertools.count()
    events, sent, out = [], {}, []
    n_requests, keyframe_due_s, next_nack_s = 0, 0.0, None

    def schedule(when_s, what, *values):
        heapq.heappush(events, (when_s, next(order), what, values))

    def ask(seqs, now_s):
        for seq in seqs:
            if rng.random() >= loss and rng.random() >= loss:  # neither the request nor the answer is lost
                schedule(now_s + rtt_s, "arrive", sent[seq])

    for n in range(seconds * FPS):
        schedule(n / FPS, "send", n)
    while events:
        now_s, _, what, values = heapq.heappop(events)
        if what == "send":
            (n,) = values
            is_key = keyframe_due_s is not None and now_s >= keyframe_due_s
            keyframe_due_s = None if is_key else keyframe_due_s
            for i in range(PACKETS_PER_FRAME):
                seq = n * PACKETS_PER_FRAME + i
                start = KEY if is_key else DELTA
                payload = start if i == 0 else b"\x00rest"
                sent[seq] = packet(seq, payload=payload, timestamp=n * 3000, marker=i == PACKETS_PER_FRAME - 1)
                if rng.random() >= loss:
                    schedule(now_s + rtt_s / 2 + i * 1e-4, "arrive", sent[seq])
        elif what == "arrive":
            item = at(values[0], now_s)
            ask(nacks.received(item.seq, now_s), now_s)
            out += [(now_s, frame) for frame in assembler.push(item)]
        elif what == "timer":
            ask(nacks.due(now_s), now_s)
            out += [(now_s, frame) for frame in assembler.expire(now_s)]
        deadlines = [d for d in (nacks.next_s, assembler.deadline_s) if d is not None]
        if deadlines and what != "send" and (next_nack_s is None or now_s >= next_nack_s):
            next_nack_s = max(min(deadlines), now_s + 1e-4)
            schedule(next_nack_s, "timer")
        elif not deadlines:
            next_nack_s = None
        if assembler.wants_keyframe and keyframe_due_s is None:
            n_requests += 1
            keyframe_due_s = now_s + rtt_s
    return [(now_s, frame.rtp_timestamp // 3000) for now_s, frame in out], n_requests


@pytest.mark.parametrize(("loss", "rtt_s"), [(0.005, 0.03), (0.02, 0.05), (0.02, 0.1), (0.05, 0.05)])
def test_lost_video_is_mended_and_nothing_freezes_long(loss, rtt_s):
    seconds = 60
    frames, _ = simulate(loss=loss, rtt_s=rtt_s, seconds=seconds, seed=11)
    gaps_s = [b - a for (a, _), (b, _) in itertools.pairwise(frames)]
    frozen_s = sum(gap - 0.3 for gap in gaps_s if gap > 0.3)
    assert max(gaps_s) <= 0.6
    assert frozen_s / seconds <= 0.005
    assert len(frames) >= 0.98 * seconds * FPS
    numbers = [number for _, number in frames]
    assert numbers == sorted(set(numbers))


def test_a_dead_stretch_ends_with_a_key_frame_soon():
    """Everything is lost for a while, more than retransmissions can mend."""
    frames, n_requests = simulate(loss=0.45, rtt_s=0.05, seconds=20, seed=3)
    assert n_requests >= 1
    assert len(frames) > 20
