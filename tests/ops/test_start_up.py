"""What the command line must not load before it knows that it will be needed."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("aiohttp", "aiortc", "alembic", "av", "numpy", "sqlalchemy")


def loaded_by(code: str) -> set[str]:
    script = f"{code}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("arguments", [["doctor", "--port", "70000"], ["serve", "--port", "70000"]])
def test_a_complaint_about_a_setting_loads_neither_media_nor_database(arguments):
    loaded = loaded_by(f"from server.__main__ import main\nassert main({arguments!r}) == 2")
    assert loaded.isdisjoint(HEAVY)


def test_a_server_that_only_names_signals_loads_no_signal_processing():
    assert loaded_by("import pipeline.catalogue").isdisjoint({"scipy.fft", "scipy.interpolate", "scipy.signal"})
