import pytest

from pipeline.summary import LevelShare, Peak, SeriesPoint, summarise
from pipeline.types import EMOTIONS, Band, Level

HAPPY = (0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0)
NEUTRAL = (0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0)
POINTS = (
    SeriesPoint(t_s=1.0, stress=0.1, face=0.1, voice=None, emotions=HAPPY),
    SeriesPoint(t_s=2.0, stress=0.2, face=0.2, voice=0.2, emotions=NEUTRAL),
    SeriesPoint(t_s=3.0, stress=None),
    SeriesPoint(t_s=4.0, stress=0.9, face=None, voice=0.9),
    SeriesPoint(t_s=5.0, stress=0.4, face=0.3, voice=0.5, emotions=NEUTRAL, peak_t_s=4.0),
)


def test_the_figures_by_hand() -> None:
    summary = summarise(POINTS)
    assert summary.duration_s == 5.0
    assert summary.n_ticks == 5
    assert summary.mean == pytest.approx(0.4)
    assert summary.median == pytest.approx(0.3)
    assert summary.sd == pytest.approx(((0.09 + 0.04 + 0.25 + 0.0) / 4) ** 0.5)
    assert dict(summary.percentiles) == {
        5: pytest.approx(0.115),
        25: pytest.approx(0.175),
        75: pytest.approx(0.525),
        95: pytest.approx(0.825),
    }
    assert summary.highest == Peak(t_s=4.0, stress=0.9)


def test_bands_share_the_known_time() -> None:
    bands = {share.band: share for share in summarise(POINTS).bands}
    assert list(bands) == [Band.LOW, Band.MODERATE, Band.HIGH]
    assert [(share.time_s, share.share) for share in bands.values()] == [(2.0, 0.5), (1.0, 0.25), (1.0, 0.25)]


def test_emotions_are_averaged_over_the_ticks_with_a_face() -> None:
    emotions = dict(summarise(POINTS).emotions)
    assert tuple(emotions) == EMOTIONS
    assert emotions["happy"] == pytest.approx(1 / 3)
    assert emotions["neutral"] == pytest.approx(2 / 3)


def test_peaks_carry_the_stress_of_their_own_tick() -> None:
    assert summarise(POINTS).peaks == (Peak(t_s=4.0, stress=0.9),)


def test_coverage_counts_what_was_known() -> None:
    summary = summarise(POINTS)
    assert summary.coverage == pytest.approx(4 / 5)
    assert summary.face_coverage == pytest.approx(3 / 5)
    assert summary.voice_coverage == pytest.approx(3 / 5)


def test_seconds_without_any_row_are_not_covered() -> None:
    summary = summarise((SeriesPoint(t_s=1.0, stress=0.5), SeriesPoint(t_s=10.0, stress=0.5)))
    assert summary.duration_s == 10.0
    assert summary.coverage == pytest.approx(0.2)


def test_nothing_known_gives_no_statistics() -> None:
    summary = summarise((SeriesPoint(t_s=1.0, stress=None), SeriesPoint(t_s=2.0, stress=None)))
    assert (summary.mean, summary.median, summary.sd, summary.highest) == (None, None, None, None)
    assert summary.percentiles == ()
    assert summary.emotions == ()
    assert all(share.time_s == 0 and share.share == 0 for share in summary.bands)
    assert summary.coverage == 0.0
    assert summary.duration_s == 2.0


def test_no_estimates_at_all() -> None:
    summary = summarise(())
    assert summary.duration_s == 0.0
    assert summary.n_ticks == 0
    assert summary.coverage == 0.0
    assert summary.peaks == ()


def test_levels_share_the_time_in_which_they_were_known() -> None:
    levels = (Level.LOW, Level.LOW, None, Level.HIGH)
    points = [SeriesPoint(t_s=float(t), stress=0.5, level=level) for t, level in enumerate(levels)]
    assert summarise(points).levels == (
        LevelShare(level=Level.LOW, time_s=2.0, share=pytest.approx(2 / 3)),
        LevelShare(level=Level.MEDIUM, time_s=0.0, share=0.0),
        LevelShare(level=Level.HIGH, time_s=1.0, share=pytest.approx(1 / 3)),
    )
    assert summarise(POINTS).levels == ()
