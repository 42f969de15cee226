"""The pages' modules: their own tests run by Node.js, and their types checked."""

import os
import subprocess
from pathlib import Path

import pytest

from scripts.vendor import node_bin

ROOT = Path(__file__).resolve().parents[2]
TESTS = sorted((ROOT / "tests" / "web").glob("*.test.js"))
TIMEOUT_S = 60


def node(*arguments: str) -> subprocess.CompletedProcess[str]:
    folder = node_bin()
    environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    command = [str(folder / "node"), *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S)


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_module(path: Path) -> None:
    done = node("--test", str(path))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_types_are_sound() -> None:
    done = node("node_modules/typescript/bin/tsc", "--noEmit", "-p", "jsconfig.json")
    assert done.returncode == 0, done.stdout + done.stderr
