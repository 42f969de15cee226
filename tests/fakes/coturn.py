"""The real coturn on loopback, as an operator would run it beside the server."""

import asyncio
import contextlib
import re
import shutil
import socket
import subprocess
import time

SECRET = "a secret that coturn and we share"


class Coturn:
    """``turnserver`` with time-limited credentials on a free port; UDP and TCP.

    With a configuration file of its own it is run as that says, on loopback.
    """

    def __init__(self, folder, *, secret=SECRET, relays=40, allow_loopback=True, configuration=None):
        program = shutil.which("turnserver")
        assert program, "no turnserver: scripts/test installs coturn"
        self.port = free_port()
        first = free_port() % 20_000 + 20_000
        self.log = folder / "coturn.log"
        self.process = None
        places = [
            f"--listening-port={self.port}",
            "--listening-ip=127.0.0.1",
            "--relay-ip=127.0.0.1",
            *(["--allow-loopback-peers"] if allow_loopback else []),
            f"--userdb={folder / 'coturn.db'}",
            f"--pidfile={folder / 'coturn.pid'}",
        ]
        if configuration is not None:
            self._command = [program, "-c", str(configuration), *places]
            return
        self._command = [
            program,
            "-n",  # no configuration file
            *places,
            "--no-cli",
            "--no-tls",
            "--no-dtls",
            f"--min-port={first}",
            f"--max-port={first + relays}",
            "--realm=composure.test",
            "--use-auth-secret",
            f"--static-auth-secret={secret}",
            "--log-file=stdout",
            "--simple-log",
            "-v",
        ]

    def __enter__(self):
        with self.log.open("w") as log:
            self.process = subprocess.Popen(self._command, stdout=log, stderr=subprocess.STDOUT)
        deadline_s = time.monotonic() + 10
        while not self._answers():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline_s, self.log.read_text()
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=10)

    def _answers(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    def url(self, transport):
        return f"turn:127.0.0.1:{self.port}?transport={transport}"

    def users(self):
        """Return the names under which allocations were made."""
        return set(re.findall(r": new, .*username=<([^>]+)>", self.log.read_text()))


def free_port():
    """Return a port that is free for both UDP and TCP at this moment."""
    for _ in range(100):
        with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            with contextlib.suppress(OSError):
                udp.bind(tcp.getsockname())
                return tcp.getsockname()[1]
    raise AssertionError("no port is free")


class Receiver(asyncio.DatagramProtocol):
    """Keeps what comes out of an allocation."""

    def __init__(self):
        self.received = asyncio.Queue()

    def datagram_received(self, data, addr):
        self.received.put_nowait((data, addr))
