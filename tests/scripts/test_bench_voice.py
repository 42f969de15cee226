import pytest

from scripts.bench_voice import measure


@pytest.mark.slow
def test_every_stage_of_the_voice_is_measured_beside_what_does_the_same() -> None:
    rows = {row.stage: row for row in measure(duration_s=3.0, repeats=1)}
    compared = {"pitch", "spectral", "mfcc", "formants", "jitter_shimmer", "hnr"}
    alone = {"filled_pauses", "voice_emotion", "whole"}
    assert set(rows) == compared | alone
    assert all(row.ms_per_s > 0 for row in rows.values())
    assert {name for name, row in rows.items() if row.ratio is None} == alone
    assert rows["whole"].ms_per_s > rows["mfcc"].ms_per_s + 0.5 * rows["voice_emotion"].ms_per_s
