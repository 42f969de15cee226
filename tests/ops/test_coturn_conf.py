"""The configuration of coturn that docs/ recommends: coturn takes all of it, and it does what it says."""

import asyncio
import re
import socket
from functools import partial
from pathlib import Path

import pytest
from aioice.turn import create_turn_endpoint

from server.clock import utc_now
from server.config import Config
from server.ops.doctor import State, as_text, relay
from server.ops.doctor.examination import examine
from server.rtc.turn import ice_servers_for
from tests.fakes.certificates import write_certificate
from tests.fakes.coturn import SECRET, Coturn, Receiver, free_port

udp_socket = partial(socket.socket, socket.AF_INET, socket.SOCK_DGRAM)
CONFIGURATION = Path(__file__).parents[2] / "docs/coturn.conf"


@pytest.fixture
def coturn(tmp_path):
    certificate, key = write_certificate(tmp_path, hosts=("localhost",))
    tls_port = free_port()
    content = CONFIGURATION.read_text()
    for pattern, value in (
        ("REPLACE_BY_THE_SHARED_SECRET", SECRET),
        ("(?<=^cert=).*", certificate),
        ("(?<=^pkey=).*", key),
        ("(?<=^tls-listening-port=).*", tls_port),
        ("(?<=^allowed-peer-ip=).*", "127.0.0.1"),
        ("^syslog$", "log-file=stdout\nverbose\nsimple-log"),
    ):
        content, count = re.subn(pattern, str(value), content, flags=re.MULTILINE)
        assert count == 1, pattern
    file = tmp_path / "turnserver.conf"
    # What only a test needs: everything on loopback, on ports that are free.
    file.write_text(content.replace("listening-port=3478\n", ""))
    with Coturn(tmp_path, configuration=file) as running:
        running.tls_port = tls_port
        yield running


async def test_coturn_takes_every_line_and_the_doctor_is_content(coturn, tmp_path):
    settings = {"turn_urls": coturn.url("udp") + "," + coturn.url("tcp"), "turn_secret": SECRET}
    config = Config.from_env({}, {"data_dir": str(tmp_path), "port": "0", "ice_addresses": "127.0.0.1", **settings})
    diagnosis = await examine(config)
    turn = [finding for finding in diagnosis.findings if finding.check == "TURN"]
    assert [finding.state for finding in turn] == [State.OK] * 2, as_text(diagnosis)
    assert all("reaches us at 127.0.0.1" in finding.found for finding in turn)
    log = coturn.log.read_text()
    assert not re.findall(r"(?i)^.*(?:bad configuration|unknown|unrecognized).*$", log, re.MULTILINE)


async def test_turn_over_tls_needs_a_certificate_that_is_trusted(coturn, tmp_path, monkeypatch):
    settings = {"turn_urls": f"turns:localhost:{coturn.tls_port}", "turn_secret": SECRET}
    config = Config.from_env({}, {"data_dir": str(tmp_path), "port": "0", "ice_addresses": "127.0.0.1", **settings})
    (refused,) = await relay.check(config, utc_now)
    assert refused.state is State.FAILED
    assert "no TLS certificate that can be trusted" in refused.found
    assert "coturn: cert and pkey" in refused.fix
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "host.crt"))
    (trusted,) = await relay.check(config, utc_now)
    assert trusted.state is State.OK, trusted.found


async def test_a_relay_reaches_our_server_and_nobody_else(coturn):
    config = Config.from_env({}, {"turn_urls": coturn.url("udp"), "turn_secret": SECRET})
    (server,) = ice_servers_for(config, "sam", utc_now())
    transport, _ = await create_turn_endpoint(
        Receiver, ("127.0.0.1", coturn.port), username=server.username, password=server.credential
    )
    loop = asyncio.get_running_loop()
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
    ):
        ours.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.5", 0))
        for peer in (ours, other):
            peer.setblocking(False)
            transport.sendto(b"anybody there?", peer.getsockname())
        assert (await asyncio.wait_for(loop.sock_recvfrom(ours, 100), 5))[0] == b"anybody there?"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(loop.sock_recvfrom(other, 100), 0.5)
    transport.close()
    assert "403" in coturn.log.read_text()
