"""A certificate that is renewed while the server runs, seen by those who connect."""

import asyncio
import logging
import os
import re
import ssl
import sys
from pathlib import Path

import pytest
from cryptography import x509

from server.ops.renewal import ServedCertificate
from tests.fakes.certificates import write_certificate

ROOT = Path(__file__).parents[2]
WAIT_S = 30.0

IMPATIENT = """
import sys
import server.ops.renewal
from server.__main__ import main

server.ops.renewal.LOOK_EVERY_S = 0.1
sys.exit(main(sys.argv[1:]))
"""


def serial_in(path: Path) -> int:
    return x509.load_pem_x509_certificate(path.read_bytes()).serial_number


async def serial_served(port: int, name: str | None = None) -> int:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name or "")
    held = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return x509.load_der_x509_certificate(held).serial_number


def renew(folder: Path, *, name: str = "host") -> None:
    """Write certificate and key and put them in the place of the present ones, as certbot does."""
    written = write_certificate(folder, name=f"{name}-new")
    for path, end in zip(written, ("crt", "key"), strict=True):
        path.replace(folder / f"{name}.{end}")


@pytest.mark.parametrize("name", ["interviews.example.org", None])
async def test_who_connects_after_a_renewal_gets_the_new_certificate(tmp_path, name):
    certificate, key = write_certificate(tmp_path)
    served = ServedCertificate(certificate, key)
    async with await asyncio.start_server(lambda _, writer: None, "127.0.0.1", 0, ssl=served.context) as server:
        port = server.sockets[0].getsockname()[1]
        first = await serial_served(port, name)
        assert first == serial_in(certificate)
        renew(tmp_path)
        served.renew()
        assert await serial_served(port, name) == serial_in(certificate) != first


async def test_a_pair_that_cannot_be_used_leaves_the_old_one_and_is_taken_once_it_can_be(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    certificate, key = write_certificate(tmp_path)
    served = ServedCertificate(certificate, key)
    async with await asyncio.start_server(lambda _, writer: None, "127.0.0.1", 0, ssl=served.context) as server:
        port = server.sockets[0].getsockname()[1]
        first = await serial_served(port)
        new_certificate, new_key = write_certificate(tmp_path, name="new")
        new_certificate.replace(certificate)  # the key is still the old one
        served.renew()
        served.renew()
        assert await serial_served(port) == first
        certificate.rename(tmp_path / "away")
        served.renew()
        assert await serial_served(port) == first
        (tmp_path / "away").rename(certificate)
        new_key.replace(key)
        served.renew()
        assert await serial_served(port) == serial_in(certificate) != first
    said = [record.levelname for record in caplog.records if record.name == "server.ops.renewal"]
    assert said == ["WARNING", "WARNING", "INFO"]


@pytest.mark.slow
async def test_a_running_server_takes_a_renewed_certificate_up(tmp_path):
    certificate, key = write_certificate(tmp_path)
    options = ["serve", "--port", "0", "--data-dir", str(tmp_path / "data")]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", IMPATIENT, *options, "--tls-cert", str(certificate), "--tls-key", str(key)),
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("COMPOSURE_")},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(WAIT_S):
            port = int(re.search(rb"serves on https://127.0.0.1:(\d+)", await process.stdout.readline())[1])
            assert await serial_served(port) == serial_in(certificate)
            renew(tmp_path)
            while await serial_served(port) != serial_in(certificate):  # noqa: ASYNC110 - as a browser sees it
                await asyncio.sleep(0.1)
    finally:
        process.kill()
        await process.communicate()
