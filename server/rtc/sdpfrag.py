"""Reads the bodies by which a client trickles candidates (RFC 8840, ``application/trickle-ice-sdpfrag``)."""

from dataclasses import dataclass

from server.errors import BadRequest
from server.rtc.offer import MAX_CANDIDATES
from server.rtc.sdp_bounds import is_usable_password, is_usable_ufrag


@dataclass(frozen=True, slots=True, kw_only=True)
class SdpFragment:
    """What a trickle body says."""

    ufrag: str | None
    candidates: tuple[str, ...]
    """The text behind ``a=candidate:``."""


def parse_fragment(text: str) -> SdpFragment:
    """Read an SDP fragment.

    Raises:
        BadRequest: a line is no SDP line, a user fragment or password is none (RFC 8839), or there is nothing in it.
    """
    ufrag: str | None = None
    candidates = []
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise BadRequest("the SDP fragment is empty")
    for line in lines:
        if len(line) < 3 or line[1] != "=" or not line[0].isalpha():
            raise BadRequest("the body is no SDP fragment")
        if line.startswith("a=ice-ufrag:"):
            ufrag = line.partition(":")[2]
            if not is_usable_ufrag(ufrag):
                raise BadRequest("a=ice-ufrag is not usable")
        elif line.startswith("a=ice-pwd:") and not is_usable_password(line.partition(":")[2]):
            raise BadRequest("a=ice-pwd is not usable")
        elif line.startswith("a=candidate:"):
            candidates.append(line.partition(":")[2])
    return SdpFragment(ufrag=ufrag, candidates=tuple(candidates[:MAX_CANDIDATES]))
