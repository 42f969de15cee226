"""A real server and a real Chromium with a synthetic camera and microphone."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.e2e.camera import write_camera, write_microphone
from tests.e2e.server_process import ServerProcess

CHROMIUM_OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--allow-loopback-in-peer-connection",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)


def chromium_path() -> str:
    """Return the system's Chromium, or the one named by CHROMIUM."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    assert found, "no Chromium: scripts/test installs it"
    return found


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    # For one module at a time: while the synchronous driver runs, this thread has a running event loop, and no
    # asynchronous test could start after it.
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def camera_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a camera file and a microphone file of the same 24 s of the story."""
    folder = tmp_path_factory.mktemp("camera")
    camera, microphone = folder / "candidate.y4m", folder / "candidate.wav"
    write_camera(camera, start_s=20.0, duration_s=24.0)
    write_microphone(microphone, start_s=20.0, duration_s=24.0)
    return camera, microphone


@pytest.fixture(scope="module")
def chromium(playwright: Playwright, camera_files: tuple[Path, Path]) -> Iterator[Browser]:
    camera, microphone = camera_files
    launched = playwright.chromium.launch(
        executable_path=chromium_path(),
        args=[
            *CHROMIUM_OPTIONS,
            f"--use-file-for-fake-video-capture={camera}",
            f"--use-file-for-fake-audio-capture={microphone}",
        ],
    )
    yield launched
    launched.close()


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """A browser that nobody has used: people and pages of a test go with it."""
    yield chromium
    for context in chromium.contexts:
        context.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path / "data")
    yield process
    process.stop()
