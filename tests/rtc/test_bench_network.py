"""The bench itself, for a few seconds: both sides run, and ours does not multiply losses."""

import json

import pytest

from scripts.bench_network import main

ROW = {"condition", "net_loss", "ours", "stock", "seconds", "rtt_ms", "loop_lag_p99_ms", "load_average"}
FIGURES = {"audio_lost", "audio_lag_ms", "video_frozen", "longest_freeze_ms"}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_rows_show_both_sides_and_ours_loses_no_more_sound_than_the_network(capsys):
    assert main(["--json", "--seconds", "6", "--only", "loss-0", "--only", "loss-5", "--seed", "3"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["seconds"], result["seed"]) == (6, 3)
    assert [row["condition"] for row in result["rows"]] == ["loss-0", "loss-5"]
    for row in result["rows"]:
        assert set(row) == ROW
        for side in (row["ours"], row["stock"]):
            assert set(side) >= FIGURES
            assert side["video_kbps"] > 300
    clean, lossy = result["rows"]
    assert clean["net_loss"] == clean["ours"]["audio_lost"] == clean["stock"]["audio_lost"] == 0
    assert 0.01 < lossy["net_loss"] < 0.12
    assert lossy["net_loss"] == pytest.approx(lossy["stock"]["net_loss"], abs=0.01)
    n_sounds = 6 / 0.02
    assert lossy["ours"]["audio_lost"] <= 1.2 * lossy["net_loss"] + 2 / n_sounds
    assert lossy["ours"]["audio_lost"] < lossy["stock"]["audio_lost"]
