from server.media import Codec, Kind
from server.rtc.counters import Counters
from server.rtc.feed import FrameFeed
from server.rtc.nack import PATIENCE_S
from tests.fakes.rtc_packets import packet, packetise
from tests.fakes.rtc_peer import video_clip
from tests.fakes.rtc_time import ManualTime


class Keeper:
    """Keeps what it is given."""

    def __init__(self):
        self.frames, self.reason = [], None

    def push(self, frame):
        self.frames.append(frame)

    def ended(self, reason):
        self.reason = reason


class Faulty(Keeper):
    def push(self, frame):
        raise ValueError("a faulty consumer")


class Bench:
    def __init__(self):
        self.time, self.counters, self.n_asked = ManualTime(), Counters(), 0
        self.feed = FrameFeed(
            clock=self.time,
            call_later=self.time.call_later,
            request_keyframe=self.ask,
            video_patience_s=lambda: PATIENCE_S,
            counters=self.counters,
        )

    def ask(self):
        self.n_asked += 1

    def push(self, packets):
        for item in packets:
            self.feed.push(item)


def test_a_consumer_starts_with_a_key_frame_that_it_asked_for():
    bench, early, late = Bench(), Keeper(), Keeper()
    clip = video_clip("VP8")
    packets = packetise(Codec.VP8, [*clip[:10], *clip[:10]])
    half = next(i for i, item in enumerate(packets) if item.timestamp == 3000 * 5)
    bench.feed.attach(early)
    assert bench.n_asked == 1
    bench.push(packets[:half])
    bench.feed.attach(late)
    assert bench.n_asked == 2
    assert bench.feed.wants_keyframe
    bench.push(packets[half:])
    assert len(early.frames) == 20
    assert len(late.frames) == 10
    assert late.frames[0].is_keyframe
    assert [frame.follows_gap for frame in late.frames] == [True] + [False] * 9
    assert [frame.follows_gap for frame in early.frames] == [True] + [False] * 19
    assert not bench.feed.wants_keyframe


def test_audio_reaches_a_consumer_at_once():
    bench, keeper = Bench(), Keeper()
    bench.feed.attach(keeper)
    bench.push([packet(seq, codec=Codec.OPUS, payload=b"x") for seq in range(3)])
    assert [frame.kind for frame in keeper.frames] == [Kind.AUDIO] * 3
    assert keeper.frames[0].follows_gap


def test_a_loss_asks_for_a_key_frame_when_its_time_is_up():
    bench, keeper = Bench(), Keeper()
    bench.feed.attach(keeper)
    packets = packetise(Codec.VP8, video_clip("VP8")[:14], interval_s=0.0)
    packets = [type(p)(**{n: getattr(p, n) for n in p.__slots__} | {"arrival_s": bench.time()}) for p in packets]
    victim = next(item for item in packets if item.timestamp == 3000 * 10)
    assert victim.marker is False, "the picture has another packet"
    bench.push([item for item in packets if item is not victim])
    n_asked = bench.n_asked
    assert len(keeper.frames) == 10
    bench.time.advance(0.29)
    assert bench.n_asked == n_asked
    bench.time.advance(0.02)
    assert bench.n_asked == n_asked + 1
    assert bench.counters.frames_dropped == 4


def test_a_new_connection_is_a_gap():
    bench, keeper = Bench(), Keeper()
    bench.feed.attach(keeper)
    bench.push(
        [packet(5, codec=Codec.OPUS, payload=b"x", epoch=1), packet(900, codec=Codec.OPUS, payload=b"y", epoch=2)]
    )
    assert [frame.follows_gap for frame in keeper.frames] == [True, True]


def test_a_detached_consumer_gets_nothing_and_may_detach_twice():
    bench, keeper = Bench(), Keeper()
    attachment = bench.feed.attach(keeper)
    attachment.detach()
    attachment.detach()
    bench.push([packet(1, codec=Codec.OPUS, payload=b"x")])
    assert keeper.frames == []
    assert len(bench.feed) == 0
    assert not bench.feed.wants_keyframe


def test_a_consumer_can_ask_for_a_key_frame():
    bench = Bench()
    attachment = bench.feed.attach(Keeper())
    attachment.request_keyframe()
    assert bench.n_asked == 2


def test_a_faulty_consumer_is_let_go_and_the_others_go_on(caplog):
    bench, keeper = Bench(), Keeper()
    bench.feed.attach(Faulty())
    bench.feed.attach(keeper)
    bench.push([packet(seq, codec=Codec.OPUS, payload=b"x") for seq in range(3)])
    assert len(keeper.frames) == 3
    assert len(bench.feed) == 1
    assert sum("detached" in record.message for record in caplog.records) == 1


def test_the_end_is_told_once():
    bench, keeper = Bench(), Keeper()
    bench.feed.attach(keeper)
    bench.feed.end("the participant left")
    assert keeper.reason == "the participant left"
    assert len(bench.feed) == 0
