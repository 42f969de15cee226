"""The real server as a process of its own, as an operator would start it."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path
from typing import Any

_START_TIMEOUT_S = 60


class ServerProcess:
    """``python -m server serve`` on a free port of 127.0.0.1, media on loopback only; options win.

    Args:
        module: ``tests.faults`` for the same server with fault switches.
    """

    def __init__(self, data_dir: Path, *options: str, module: str = "server") -> None:
        environ = {key: value for key, value in os.environ.items() if not key.startswith("COMPOSURE_")}
        # An interview that a failed test left running must not hold up its end.
        environ |= {"COMPOSURE_ICE_ADDRESSES": "127.0.0.1", "COMPOSURE_DRAIN_S": "0", "PYTHONUNBUFFERED": "1"}
        # Several browsers share this machine with the worker; what needs every picture is tested without them.
        environ |= {"COMPOSURE_LANDMARK_FPS": "5"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, "serve", "--port", "0", "--data-dir", str(data_dir), *options],
            cwd=Path(__file__).parents[2],
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.output: list[str] = []
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, name="server output")
        self._reader.start()
        try:
            self.base_url = self.wait_for(r"serves on (https?://127\.0\.0\.1:\d+)/?").rstrip("/")
        except AssertionError:
            self.kill()
            raise

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self.output.append(line.rstrip())
                self._changed.notify_all()
        self.process.stdout.close()
        with self._changed:
            self._changed.notify_all()

    def wait_for(self, pattern: str) -> str:
        """Return group 1 of the first line of output that matches, waiting for it."""

        def search() -> str | None:
            found = (re.search(pattern, line) for line in self.output)
            return next((match[1] for match in found if match), None)

        with self._changed:
            self._changed.wait_for(
                lambda: search() is not None or not self._reader.is_alive(), timeout=_START_TIMEOUT_S
            )
            result = search()
        assert result is not None, "the server printed no such line:\n" + "\n".join(self.output[-40:])
        return result

    def health(self) -> dict[str, Any]:
        """Return what /healthz says."""
        with urllib.request.urlopen(f"{self.base_url}/healthz", timeout=5) as response:
            result: dict[str, Any] = json.load(response)
            return result

    def kill(self) -> None:
        """Kill without warning, as a power cut would."""
        self.process.kill()
        self._finish()

    def stop(self) -> int:
        """Ask the server to end; return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self._finish()

    def _finish(self) -> int:
        try:
            status = self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait(timeout=10)
        self._reader.join(timeout=10)
        return status
