"""The one place that touches private names of aiortc and aioice.

aiortc decodes what it receives and encodes what it sends; it has no public way to forward packets. These hooks take
packets before its jitter buffer and put packets where its encoder would. Each module names what it needs;
``check_aiortc`` verifies at start that the installed version is the one the hooks were written for and that every
name is still there.
"""

from server.rtc.aiortc_private.check import AiortcMismatch, check_aiortc
from server.rtc.aiortc_private.closing import force_close
from server.rtc.aiortc_private.connecting import ConnectTasks
from server.rtc.aiortc_private.consent import ConsentLoop
from server.rtc.aiortc_private.datagrams import DatagramGuard
from server.rtc.aiortc_private.feedback import TransportFeedback
from server.rtc.aiortc_private.ice import bind_candidates, host_addresses
from server.rtc.aiortc_private.receiver import MAX_SSRCS, ReceiverTap
from server.rtc.aiortc_private.sender import SenderPort

__all__ = [
    "MAX_SSRCS",
    "AiortcMismatch",
    "ConnectTasks",
    "ConsentLoop",
    "DatagramGuard",
    "ReceiverTap",
    "SenderPort",
    "TransportFeedback",
    "bind_candidates",
    "check_aiortc",
    "force_close",
    "host_addresses",
]
