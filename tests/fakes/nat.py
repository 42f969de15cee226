"""A one-to-one NAT on loopback: what comes to the public address goes to the local one, same port, and back."""

import asyncio


class _Inside(asyncio.DatagramProtocol):
    """The NAT's end towards the machine behind it, one for each client and port."""

    def __init__(self, outside, client):
        self._outside, self._client = outside, client

    def datagram_received(self, data, addr):
        self._outside.sendto(data, self._client)


class _Outside(asyncio.DatagramProtocol):
    def __init__(self, nat, port):
        self._nat, self._port = nat, port
        self._inside = {}

    def connection_made(self, transport):
        self._transport = transport

    def datagram_received(self, data, addr):
        self._nat.n_forwarded += 1
        if addr not in self._inside:
            self._inside[addr] = asyncio.ensure_future(self._open(addr))
        self._inside[addr].add_done_callback(lambda opened: opened.cancelled() or opened.result().sendto(data))

    async def _open(self, client):
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Inside(self._transport, client), remote_addr=(self._nat.local, self._port)
        )
        self._nat.transports.append(transport)
        return transport


class Nat:
    """Use as an async context manager."""

    def __init__(self, public, local, ports):
        self.public, self.local, self._ports = public, local, ports
        self.transports = []
        self.n_forwarded = 0

    async def __aenter__(self):
        loop = asyncio.get_running_loop()
        for port in range(self._ports[0], self._ports[1] + 1):
            transport, _ = await loop.create_datagram_endpoint(
                lambda port=port: _Outside(self, port), local_addr=(self.public, port)
            )
            self.transports.append(transport)
        return self

    async def __aexit__(self, *_):
        for transport in self.transports:
            transport.close()
