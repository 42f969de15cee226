"""What of an offer is bounded: aiortc takes long over many lines of some kinds, and sends some of its values."""

import re
from collections import Counter

from server.errors import Unprocessable

MOST_LINES = {
    "a=rtpmap": 96,
    "a=rtcp-fb": 256,
    "a=fmtp": 128,
    "a=extmap": 64,
    "a=ssrc": 64,
    "a=ssrc-group": 32,
    "a=fingerprint": 16,
}
"""Lines of each kind in a whole offer. Browsers come to half of that at most; aiortc looks at every codec for each line
of feedback or format, which may be meant for all of them, and keeps what it finds for each."""
MOST_FEEDBACK_FOR_ALL = 16
"""Of the feedback lines those that are meant for every codec; browsers name the codec in each."""
MOST_LINES_IN_ALL = 2000
MAX_MID_CHARS = 16
"""Longer ones do not fit the short form of a header extension, by which each packet may carry them (RFC 8285)."""
RESERVED_EXTENSION_ID = 15
"""Ends the extensions of a packet in their short form (RFC 8285 section 4.2)."""

_MID = re.compile(rf"[!-~]{{1,{MAX_MID_CHARS}}}")
# RFC 8839 section 5.4 allows 256 characters of each; browsers, and what else publishes, have 4 to 16 and 22 to 32.
_UFRAG = re.compile(r"[A-Za-z0-9+/]{4,32}")
_PASSWORD = re.compile(r"[A-Za-z0-9+/]{22,64}")


def check_size(sdp: str) -> None:
    """Refuse an offer that would take long to parse.

    Raises:
        Unprocessable: there are too many lines, or too many of one kind; the message says which.
    """
    lines = sdp.splitlines()
    if len(lines) > MOST_LINES_IN_ALL:
        raise Unprocessable(f"the offer has more than {MOST_LINES_IN_ALL} lines")
    counts = Counter(line.partition(":")[0] for line in lines)
    for kind, most in MOST_LINES.items():
        if counts[kind] > most:
            raise Unprocessable(f"the offer has more than {most} {kind} lines")
    if sum(line.startswith("a=rtcp-fb:*") for line in lines) > MOST_FEEDBACK_FOR_ALL:
        raise Unprocessable(f"the offer has more than {MOST_FEEDBACK_FOR_ALL} a=rtcp-fb:* lines")


def is_usable_mid(mid: str) -> bool:
    """Tell whether every packet can carry the name of a media section."""
    return _MID.fullmatch(mid) is not None


def is_usable_extension_id(number: int) -> bool:
    """Tell whether a header extension can have this number in a packet (RFC 8285)."""
    return 0 < number < 256 and number != RESERVED_EXTENSION_ID


def is_usable_ufrag(ufrag: str) -> bool:
    """Tell whether an ICE user fragment is one: we send it in each check, to whatever address a candidate names."""
    return _UFRAG.fullmatch(ufrag) is not None


def is_usable_password(password: str) -> bool:
    """Tell whether an ICE password is one."""
    return _PASSWORD.fullmatch(password) is not None
