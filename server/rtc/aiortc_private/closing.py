"""Ends what aiortc left open of a connection that did not close in time."""

import asyncio
from typing import Any

import aioice.ice
import aioice.turn
from aiortc import RTCPeerConnection
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcicetransport import RTCIceTransport

_CLOSE_TASK = "_TurnTransport__close_task"
_INNER = "_TurnTransport__inner_protocol"
_MONITOR = "_RTCIceTransport__monitor_task"
_TASKS = tuple(f"_{cls}__{name}_task" for cls in ("RTCRtpSender", "RTCRtpReceiver") for name in ("rtp", "rtcp"))

NAMES: tuple[tuple[type, tuple[str, ...]], ...] = (
    (aioice.ice.Connection, ("_protocols", "_query_consent_task", "_check_list", "_nominated", "_closing")),
    (aioice.turn.TurnTransport, (_CLOSE_TASK, _INNER)),
    (aioice.turn.TurnClientMixin, ("refresh_task",)),
    (RTCIceTransport, ("_connection", _MONITOR)),
    (RTCDtlsTransport, ("_task",)),
)


async def force_close(peer: RTCPeerConnection) -> None:
    """Close the sockets and cancel the tasks of a connection without waiting for anybody.

    An allocation on a TURN server is not given back; the server frees it when it expires.
    """
    tasks: list[asyncio.Task[Any] | None] = []
    transports = {id(t.receiver.transport): t.receiver.transport for t in peer.getTransceivers()}
    for dtls in transports.values():
        if dtls is not None:  # an offer that bundles what is not there takes a transport away
            tasks += _end_transport(dtls)
    for transceiver in peer.getTransceivers():
        tasks += [getattr(end, name, None) for end in (transceiver.sender, transceiver.receiver) for name in _TASKS]
    open_tasks = [task for task in tasks if task is not None and not task.done()]
    for task in open_tasks:
        task.cancel()
    if open_tasks:
        await asyncio.wait(open_tasks, timeout=0.1)


def _end_transport(dtls: Any) -> list[asyncio.Task[Any] | None]:
    """Close the sockets of one transport; return its tasks."""
    ice = dtls.transport._connection
    ice._closing = True
    tasks = [dtls._task, ice._query_consent_task, getattr(dtls.transport, _MONITOR)]
    tasks += [pair.task for pair in ice._check_list]
    ice._nominated.clear()
    for protocol in ice._protocols:
        transport = protocol.transport
        if isinstance(transport, aioice.turn.TurnTransport):
            inner = getattr(transport, _INNER)
            tasks += [getattr(transport, _CLOSE_TASK), inner.refresh_task]
            inner.transport.abort()
        else:
            transport.abort()
    ice._protocols.clear()
    return tasks
