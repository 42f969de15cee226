"""``scripts/setup`` in a folder of its own, with a lock that asks for nothing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "setup", tmp_path / "scripts" / "setup")
    vendor = tmp_path / "scripts" / "vendor"
    vendor.write_text("#!/bin/sh\n")
    vendor.chmod(0o755)
    for name in ("requirements.lock", "requirements-dev.lock"):
        (tmp_path / name).write_text(f"# {name}\n")
    return tmp_path


def set_up(checkout: Path) -> str:
    """Run it; returns what it said."""
    environ = {**os.environ, "PYTHON": sys.executable}
    done = subprocess.run(["scripts/setup"], cwd=checkout, env=environ, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stderr


def is_usable(checkout: Path) -> bool:
    command = [".venv/bin/python", "-m", "pip", "--version"]
    return subprocess.run(command, cwd=checkout, capture_output=True).returncode == 0


def test_an_environment_left_half_made_or_whose_interpreter_went_away_is_made_anew(checkout: Path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", checkout / ".venv"], check=True)
    assert not is_usable(checkout)
    assert "Installing Python packages" in set_up(checkout)
    assert is_usable(checkout)
    assert "Installing" not in set_up(checkout), "nothing changed"
    for link in (checkout / ".venv/bin").glob("python*"):
        link.unlink()
        link.symlink_to("/usr/bin/python-of-yesterday")
    assert "Installing Python packages" in set_up(checkout)
    assert is_usable(checkout)
