"""A certificate that is renewed while the server runs: connections made from then on get the new one."""

import asyncio
import logging
import ssl
from pathlib import Path

from server.ops.certificate import server_context

LOOK_EVERY_S = 60.0

logger = logging.getLogger(__name__)

_Stamp = tuple[tuple[int, int, int], ...]


class ServedCertificate:
    """The certificate and key with which a server answers; ``context`` is what its listening socket takes.

    A new pair gets a context of its own, to which each connection that begins is handed over: a pair that cannot be
    used leaves the old one whole.

    Args:
        certificate: PEM chain.
        key: PEM private key.

    Raises:
        OSError: a file cannot be read, or they are no pair (``ssl.SSLError``).
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        self._paths = (certificate, key)
        self._stamp = self._look()
        self._newest = self.context = server_context(certificate, key)
        self.context.sni_callback = self._hand_over
        self._complaint = ""

    async def follow(self) -> None:
        """Look at the files every LOOK_EVERY_S until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            await asyncio.to_thread(self.renew)

    def renew(self) -> None:
        """Take a new pair up if the files changed; one that cannot be used is logged once and tried again."""
        try:
            stamp = self._look()
            if stamp == self._stamp:
                return
            self._newest = server_context(*self._paths)
        except OSError as exc:
            complaint = exc.strerror or type(exc).__name__
            if complaint != self._complaint:
                logger.warning("the renewed TLS certificate cannot be used, the old one stays: %s", complaint)
            self._complaint = complaint
            return
        self._stamp, self._complaint = stamp, ""
        logger.info("the TLS certificate was renewed")

    def _look(self) -> _Stamp:
        """What changes with a file that is written anew, put in its place, or linked to another."""
        stats = [path.stat() for path in self._paths]
        return tuple((stat.st_mtime_ns, stat.st_ino, stat.st_size) for stat in stats)

    def _hand_over(
        self, connection: ssl.SSLSocket | ssl.SSLObject, _name: str | None, _context: ssl.SSLContext
    ) -> None:
        connection.context = self._newest
