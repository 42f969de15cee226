import asyncio
from dataclasses import asdict

import pytest

from scripts.bench_analysis import measure
from scripts.bench_analysis_clip import Clip, encode_clip

KEYS = ("interviews", "latency_p50_ms", "latency_p95_ms", "loop_lag_p99_ms", "interviews_per_core")


@pytest.mark.slow
def test_the_bench_measures_a_whole_interview_from_camera_to_dashboard(tmp_path):
    clip = encode_clip(duration_s=1.0)
    clip.save(tmp_path / "clip")
    assert Clip.load(tmp_path / "clip") == clip
    figures = asdict(asyncio.run(measure(1, 4.0, tmp_path / "clip", workers=1)))
    assert all(figures[key] > 0 for key in KEYS)
    assert figures["interviews"] == 1
    assert 3 <= figures["estimates"] <= 5
    assert figures["face_share"] > 0.5
    assert figures["dropped_frames"] == 0
    # Generous: whatever else runs on the machine, an estimate is not a second old.
    assert figures["latency_p95_ms"] < 1000
