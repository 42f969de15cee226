"""``python -m server serve`` as an operator starts and stops it."""

import asyncio
import os
import re
import signal
import socket
import ssl
import sys
from contextlib import asynccontextmanager
from dataclasses import fields
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import text

from server.__main__ import main
from server.config import Config
from server.http import keys
from server.ops.doctor.ports import check_tcp
from tests.http.world import a_world

ROOT = Path(__file__).parents[2]
WAIT_S = 30.0

pytestmark = pytest.mark.slow


@asynccontextmanager
async def serving(data_dir, *options, **environ):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server", "serve", "--port", "0", "--data-dir", str(data_dir), *options),
        cwd=ROOT,
        env={**os.environ, **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def line(process) -> str:
    async with asyncio.timeout(WAIT_S):
        return (await process.stdout.readline()).decode()


async def url_of(process) -> str:
    found = re.search(r"serves on (\S+)", await line(process))
    assert found
    return found[1]


async def stop(process, number=signal.SIGTERM) -> int:
    process.send_signal(number)
    async with asyncio.timeout(WAIT_S):
        return await process.wait()


async def test_first_start_prints_a_link_for_the_first_account_and_later_ones_do_not(tmp_path):
    async with serving(tmp_path) as process, aiohttp.ClientSession() as http:
        url = await url_of(process)
        link = (await line(process)).split()[-1]
        assert link.startswith(f"{url}/setup/")
        async with http.get(link) as page:
            assert page.status == 200
            csrf = re.search(r'name="csrf" content="([^"]+)"', await page.text())[1]
        form = {"name": "Olga", "email": "olga@example.org", "password": "a long password", "csrf": csrf}
        jar = {"composure_form": page.cookies["composure_form"].value}
        async with http.post(link, data=form, cookies=jar, allow_redirects=False) as made:
            assert made.status == 303
        assert await stop(process) == 0
    async with serving(tmp_path) as process:
        await url_of(process)
        assert await stop(process, signal.SIGINT) == 0
        assert await process.stdout.read() == b""


async def test_self_signed_speaks_https_with_a_certificate_for_this_host(tmp_path):
    async with serving(tmp_path, "--self-signed") as process, aiohttp.ClientSession() as http:
        url = await url_of(process)
        assert url.startswith("https://127.0.0.1:")
        trusted = ssl.create_default_context(cafile=tmp_path / "self-signed.crt")
        async with http.get(f"{url}/healthz", ssl=trusted) as response:
            assert response.status == 200
        assert await stop(process) == 0
    async with serving(
        tmp_path, "--tls-cert", str(tmp_path / "self-signed.crt"), "--tls-key", str(tmp_path / "self-signed.key")
    ) as process:
        assert (await url_of(process)).startswith("https://")


async def test_a_server_on_all_ipv6_addresses_tells_one_that_leads_to_it(tmp_path):
    async with serving(tmp_path, "--host", "::") as process, aiohttp.ClientSession() as http:
        url = await url_of(process)
        assert url.startswith("http://[::1]:")
        async with http.get(f"{url}/healthz") as response:
            assert response.status == 200
        (found,) = await check_tcp(Config.from_env({}, {"host": "::", "port": url.rpartition(":")[2]}))
    assert "answered by this program" in found.found


async def test_pages_connected_at_shutdown_are_told_and_it_is_quick(tmp_path):
    async with serving(tmp_path) as process, aiohttp.ClientSession() as http:
        url = await url_of(process)
        async with http.ws_connect(f"{url}/ws/room") as page:
            started = asyncio.get_running_loop().time()
            assert await stop(process) == 0
            assert asyncio.get_running_loop().time() - started < 8
            await page.receive()


@pytest.mark.parametrize(
    ("options", "environ", "words"),
    [
        (["--port", "70000"], {}, "COMPOSURE_PORT='70000'"),
        (["--tls-cert", "nothing.pem"], {}, "belong together"),
        ([], {"COMPOSURE_PROT": "8080"}, "unknown setting: COMPOSURE_PROT"),
        (["--demo-video", "nothing.mp4"], {}, "no such file: nothing.mp4"),
        ([], {"COMPOSURE_DATABASE_URL": "no-such://u:hush@h/d"}, "COMPOSURE_DATABASE_URL=***"),
        ([], {"COMPOSURE_DATABASE_URL": "postgresql+asyncpg://u:p@ss:hush@h/d"}, "COMPOSURE_DATABASE_URL=***"),
        (["--public-url", "https://u:p/hush@example.org"], {}, "COMPOSURE_PUBLIC_URL=***"),
    ],
)
async def test_a_setting_that_cannot_be_used_is_named_and_the_status_is_2(tmp_path, options, environ, words):
    async with serving(tmp_path, *options, **environ) as process:
        async with asyncio.timeout(WAIT_S):
            _, complaint = await process.communicate()
        assert process.returncode == 2
        assert words in complaint.decode()
        assert "Traceback" not in complaint.decode()
        assert "hush" not in complaint.decode()


async def test_a_database_that_does_not_answer_is_a_plain_sentence(tmp_path):
    (tmp_path / "composure.db").write_bytes(b"this is no database, but it is longer than a header" * 100)
    async with serving(tmp_path) as process:
        async with asyncio.timeout(WAIT_S):
            _, complaint = await process.communicate()
    assert process.returncode == 1
    assert "cannot start" in complaint.decode()
    assert "Traceback" not in complaint.decode()


async def test_a_port_that_is_taken_is_a_plain_sentence(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        async with serving(tmp_path, "--port", str(taken.getsockname()[1])) as process:
            async with asyncio.timeout(WAIT_S):
                _, complaint = await process.communicate()
    assert process.returncode == 1
    assert "cannot start" in complaint.decode()
    assert "Traceback" not in complaint.decode()


async def test_a_second_server_on_the_same_data_is_refused_and_ends_no_interview(tmp_path):
    async with a_world(tmp_path) as world:
        async with world.app[keys.DATABASE].write() as connection:
            await connection.execute(text("UPDATE sessions SET status = 'live', ended_at = NULL"))
            await connection.execute(text("UPDATE interviews SET status = 'waiting'"))
        before = await world.stored()
        async with serving(tmp_path) as process:
            async with asyncio.timeout(WAIT_S):
                _, complaint = await process.communicate()
        assert process.returncode == 1
        assert f"another server runs on {tmp_path / 'composure.db'}" in complaint.decode()
        assert "Traceback" not in complaint.decode()
        assert await world.stored() == before


async def test_the_data_of_a_killed_server_can_be_taken_at_once(tmp_path):
    async with serving(tmp_path) as process:
        await url_of(process)
        process.kill()
        await process.wait()
        async with serving(tmp_path) as again:
            await url_of(again)


async def test_a_damaged_key_is_a_plain_sentence(tmp_path):
    (tmp_path / "secret.key").write_bytes(b"short")
    async with serving(tmp_path) as process:
        async with asyncio.timeout(WAIT_S):
            _, complaint = await process.communicate()
    assert process.returncode == 2
    assert "secret.key" in complaint.decode()
    assert "Traceback" not in complaint.decode()


def test_every_setting_is_an_option(capsys):
    with pytest.raises(SystemExit):
        main(["serve", "--help"])
    help_text = capsys.readouterr().out
    for item in fields(Config):
        assert f"--{item.name.replace('_', '-')}" in help_text
        assert f"COMPOSURE_{item.name.upper()}" in help_text
