"""A network namespace behind a link of so many kbit/s; needs root, ip and tc."""

import contextlib
import os
import random
import shutil
import stat
import subprocess
import sys
import uuid

QUEUE_MS = 400
"""A link's queue, as of a home router that is neither very good nor very bad."""


def can_narrow():
    """Tell whether namespaces can be made here."""
    if os.geteuid() != 0 or shutil.which("ip") is None or shutil.which("tc") is None:
        return False
    name = f"cmp-try-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode == 0
    if made:
        subprocess.run(["ip", "netns", "del", name], check=False)
    return made


def _run(*command):
    subprocess.run(command, check=True, capture_output=True)


def free_number(prefix):
    """Return a number such that nobody has addresses PREFIX.NUMBER.x, not even what a killed run left behind.

    With two links of the same addresses our answers go to the wrong one, and whoever is behind the other waits in vain.
    """
    taken = subprocess.run(["ip", "-o", "-4", "address"], check=True, capture_output=True, text=True).stdout
    return random.choice([number for number in range(256) if f" {prefix}.{number}." not in taken])


class Narrow:
    """One namespace: ``host`` is our address on its link, ``address`` the one inside."""

    def __init__(self):
        number = free_number("10.214")
        self.name = f"cmp-{uuid.uuid4().hex[:6]}"
        self.host, self.address = f"10.214.{number}.1", f"10.214.{number}.2"
        self._outer, self._inner = f"{self.name}o", f"{self.name}i"

    def up(self):
        _run("ip", "netns", "add", self.name)
        _run("ip", "link", "add", self._outer, "type", "veth", "peer", "name", self._inner)
        _run("ip", "link", "set", self._inner, "netns", self.name)
        _run("ip", "addr", "add", f"{self.host}/30", "dev", self._outer)
        _run("ip", "link", "set", self._outer, "up")
        for command in (
            ("addr", "add", f"{self.address}/30", "dev", self._inner),
            ("link", "set", self._inner, "up"),
            ("link", "set", "lo", "up"),
            ("route", "add", "default", "via", self.host),
        ):
            _run("ip", "-n", self.name, *command)

    def down(self):
        subprocess.run(["ip", "netns", "del", self.name], check=False, capture_output=True)
        subprocess.run(["ip", "link", "del", self._outer], check=False, capture_output=True)

    def limit(self, *, down_kbps=None, up_kbps=None):
        """Limit one or both directions from now on; None is no limit."""
        for prefix, device, kbps in (
            ((), self._outer, down_kbps),
            (("ip", "netns", "exec", self.name), self._inner, up_kbps),
        ):
            subprocess.run([*prefix, "tc", "qdisc", "del", "dev", device, "root"], check=False, capture_output=True)
            if kbps is not None:
                shape = ("rate", f"{round(kbps)}kbit", "burst", "8kb", "latency", f"{QUEUE_MS}ms")
                _run(*prefix, "tc", "qdisc", "add", "dev", device, "root", "tbf", *shape)

    def reaches(self, port):
        """Tell whether a program inside can connect to a port of ours."""
        connect = f"import socket; socket.create_connection(('{self.host}', {port}), 10).close()"
        command = ["ip", "netns", "exec", self.name, sys.executable, "-c", connect]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0

    def program(self, path, directory):
        """Return a program that runs another inside."""
        script = directory / f"{self.name}.sh"
        script.write_text(f'#!/bin/sh\nexec ip netns exec {self.name} {path} "$@"\n')
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        return str(script)


@contextlib.contextmanager
def narrow():
    """A namespace behind a link of its own, at first without a limit."""
    it = Narrow()
    try:
        it.up()
        yield it
    finally:
        it.down()
