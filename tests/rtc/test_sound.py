"""Sound over a bad network, from the sender's packets to the samples that are analysed; time is simulated."""

import pytest

from server.analysis.decode import AudioDecoder
from server.media import Codec, Kind
from server.rtc.packets import opus_carries_previous
from tests.analysis.test_opus import voice_with_copies
from tests.fakes.rtc_packets import packet
from tests.fakes.uplink import AUDIO_S, Keeper, Line, Uplink
from tests.rtc.test_outgoing import Bench

RATE_HZ = 16_000
MINUTES = 10


def heard(keeper, origin_s):
    """Return the chunks that the analysis would get."""
    decoder = AudioDecoder(origin_s)
    return [chunk for _, frame in keeper.of(Kind.AUDIO) for chunk in decoder.decode(frame)]


def n_samples(chunks, **marks):
    return sum(len(c.samples) for c in chunks if all(getattr(c, name) is value for name, value in marks.items()))


def run(line, *, seconds, sound, report_s=2.0, **how):
    uplink = Uplink(line, sound=sound, kinds=(Kind.AUDIO,), **how)
    keeper = Keeper(uplink.time)
    uplink.source.attach(keeper)
    for _ in range(round(seconds / report_s)):
        uplink.report(Kind.AUDIO)
        uplink.time.advance(report_s)
    return uplink, keeper


@pytest.fixture(scope="module")
def voice():
    return tuple(voice_with_copies(10)[1])


SENDERS = {
    "steady, clock 100 ppm fast": {"slow": -1e-4},
    "with pauses (DTX), clock 100 ppm slow": {"speaks": lambda n: n % 500 < 300 or n % 20 == 0, "slow": 1e-4},
}


@pytest.mark.parametrize("name", SENDERS)
def test_the_samples_follow_the_clock_for_ten_minutes_at_2_percent_loss(name, voice):
    _, keeper = run(Line(loss=0.02, jitter_s=(0.0, 0.03), seed=4), seconds=MINUTES * 60, sound=voice, **SENDERS[name])
    audio = keeper.of(Kind.AUDIO)
    chunks = heard(keeper, audio[0][1].capture_s)
    elapsed_s = audio[-1][1].capture_s - audio[0][1].capture_s + AUDIO_S
    assert elapsed_s == pytest.approx(MINUTES * 60, abs=2.0)
    assert n_samples(chunks) / RATE_HZ == pytest.approx(elapsed_s, rel=0.0002)
    # Where the sound is said to be, it is: not even a slow clock pulls the picture and the voice apart.
    assert chunks[-1].t_s == pytest.approx(elapsed_s - AUDIO_S, abs=0.04)
    # What was not heard is a marked gap, and nothing else is.
    n_gap = n_samples(chunks, is_gap=True)
    assert n_gap == n_samples(chunks) - 320 * len(audio) - n_samples(chunks, is_recovered=True)
    assert not any(chunk.samples.any() for chunk in chunks if chunk.is_gap)


def test_half_of_the_lost_packets_are_heard_from_their_copies(voice):
    """As many of the lost as the encoder gave copies to, less those lost two in a row."""
    uplink, keeper = run(Line(loss=0.02, seed=1), seconds=120, sound=voice)
    chunks = heard(keeper, 0.0)
    told = uplink.publisher.tracks[Kind.AUDIO].statistics()
    share = sum(map(opus_carries_previous, voice)) / len(voice)
    recovered = n_samples(chunks, is_recovered=True) / 320
    assert recovered / told.packets_lost == pytest.approx(share, abs=0.15)
    assert recovered == pytest.approx(told.packets_repaired, rel=0.1)
    gap = n_samples(chunks, is_gap=True) / 320
    assert gap + recovered == pytest.approx(told.packets_lost, abs=3)


def test_an_overtaken_packet_is_not_taken_for_lost(voice):
    uplink, keeper = run(Line(overtaken=0.02, overtaken_s=0.05), seconds=60, sound=voice)
    chunks = heard(keeper, 0.0)
    assert n_samples(chunks, is_gap=True) == n_samples(chunks, is_recovered=True) == 0
    told = uplink.publisher.tracks[Kind.AUDIO].statistics()
    assert told.packets_repaired == told.packets_lost == 0


def test_a_viewer_gets_the_packets_as_they_are_with_the_gaps_where_they_were(voice):
    """So that their browser conceals what is missing, or decodes it from the copy."""
    bench = Bench(Codec.OPUS)
    sent = [packet(n, codec=Codec.OPUS, payload=data, timestamp=960 * n) for n, data in enumerate(voice[:100])]
    bench.forward(*(item for item in sent if item.seq % 20 not in (5, 11, 12)))
    first = bench.seqs()[0]
    assert [(seq - first) & 0xFFFF for seq in bench.seqs()] == [n for n in range(100) if n % 20 not in (5, 11, 12)]
    stamps = [outgoing.timestamp for outgoing in bench.port.sent]
    assert [(stamp - stamps[0]) & 0xFFFFFFFF for stamp in stamps] == [
        960 * n for n in range(100) if n % 20 not in (5, 11, 12)
    ]
    assert bench.payloads() == [item.payload for item in sent if item.seq % 20 not in (5, 11, 12)]
