"""A network of its own for a browser: a client, a router and this machine, each in a network namespace.

    client 10.98.N.2 -- 10.98.N.1 router 10.99.N.1 -- 10.99.N.2 this machine

It can lose its cable, be cut without anybody noticing, and give the client another address. Needs root on Linux.
"""

import os
import subprocess
from pathlib import Path
from types import TracebackType

from tests.fakes.narrow import free_number


class NotPermitted(Exception):
    """Network namespaces cannot be made here."""


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True, timeout=10)


class ClientNetwork:
    """A context manager; ``NotPermitted`` when this machine does not allow it."""

    def __init__(self) -> None:
        try:
            number = free_number("10.99")
        except (OSError, subprocess.SubprocessError) as exc:
            raise NotPermitted(str(exc)) from exc
        self.client, self.router = f"cl{os.getpid()}", f"ro{os.getpid()}"
        self._prefixes = (f"10.98.{number}", f"10.99.{number}")
        self.server_address = f"{self._prefixes[1]}.2"
        self._n_addresses = 1
        self._outer = f"ve{os.getpid()}"

    def __enter__(self) -> "ClientNetwork":
        near, far = self._prefixes
        try:
            _ip("netns", "add", self.client)
            _ip("netns", "add", self.router)
            _ip("link", "add", "cable", "netns", self.client, "type", "veth", "peer", "cable", "netns", self.router)
            _ip("link", "add", self._outer, "type", "veth", "peer", "outer", "netns", self.router)
            for space in (self.client, self.router):
                _ip("-n", space, "link", "set", "lo", "up")
                _ip("-n", space, "link", "set", "cable", "up")
            _ip("-n", self.client, "address", "add", f"{near}.2/24", "dev", "cable")
            _ip("-n", self.client, "route", "add", "default", "via", f"{near}.1")
            _ip("-n", self.router, "address", "add", f"{near}.1/24", "dev", "cable")
            _ip("-n", self.router, "address", "add", f"{far}.1/24", "dev", "outer")
            _ip("-n", self.router, "link", "set", "outer", "up")
            _ip("address", "add", f"{far}.2/24", "dev", self._outer)
            _ip("link", "set", self._outer, "up")
            _ip("route", "add", f"{near}.0/24", "via", f"{far}.1")
            self.restore()
        except (OSError, subprocess.SubprocessError) as exc:
            self._remove()
            raise NotPermitted(getattr(exc, "stderr", None) or str(exc)) from exc
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    def _remove(self) -> None:
        for words in (["netns", "del", self.client], ["netns", "del", self.router], ["link", "del", self._outer]):
            subprocess.run(["ip", *words], capture_output=True, timeout=10)

    def wrapper(self, program: str, folder: Path) -> Path:
        """Return a script that runs a program inside the client's network."""
        path = folder / f"{Path(program).name}-elsewhere"
        path.write_text(f'#!/bin/sh\nexec ip netns exec {self.client} {program} "$@"\n')
        path.chmod(0o755)
        return path

    def cut(self) -> None:
        """Lose everything on the way, with no sign of it at either end."""
        self._forward(False)

    def restore(self) -> None:
        """Carry packets again."""
        self._forward(True)

    def _forward(self, is_on: bool) -> None:
        command = f"echo {int(is_on)} > /proc/sys/net/ipv4/ip_forward"
        subprocess.run(
            ["ip", "netns", "exec", self.router, "sh", "-c", command], check=True, capture_output=True, timeout=10
        )

    def unplug(self) -> None:
        """Take the client's cable out; the client sees it."""
        _ip("-n", self.client, "link", "set", "cable", "down")

    def plug(self) -> None:
        """Put it in again."""
        _ip("-n", self.client, "link", "set", "cable", "up")
        _ip("-n", self.client, "route", "replace", "default", "via", f"{self._prefixes[0]}.1")

    def move(self) -> None:
        """Give the client another address, as another Wi-Fi would; the old one is gone."""
        near = self._prefixes[0]
        old, new = f"{near}.{self._n_addresses + 1}", f"{near}.{self._n_addresses + 2}"
        self._n_addresses += 1
        _ip("-n", self.client, "address", "add", f"{new}/24", "dev", "cable")
        _ip("-n", self.client, "address", "del", f"{old}/24", "dev", "cable")
        _ip("-n", self.client, "address", "replace", f"{new}/24", "dev", "cable")
        _ip("-n", self.client, "route", "replace", "default", "via", f"{near}.1")
