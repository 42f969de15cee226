"""The doctor before real faults: each is made, and must be named together with its fix."""

import contextlib
import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from models.loader import MODELS_DIR
from server.app import make_app
from server.clock import utc_now
from server.config import Config, ConfigError
from server.db.engine import Database, database_url
from server.db.migrate import migrate
from server.ops.doctor import State, as_text, network, relay, storage, wallclock
from server.ops.doctor.examination import examine
from tests.e2e.server_process import ServerProcess
from tests.fakes.certificates import write_certificate
from tests.fakes.coturn import SECRET, Coturn, free_port

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
HEALTHY = {"port": "0", "ice_addresses": "127.0.0.1"}


@pytest.fixture(autouse=True)
def _short_look_at_the_clock(monkeypatch):
    monkeypatch.setattr(wallclock, "WATCH_S", 0.1)


def config(tmp_path, **settings):
    return Config.from_env({}, {"data_dir": str(tmp_path / "data"), **HEALTHY, **settings})


async def diagnose(config, **options):
    diagnosis = await examine(config, **options)
    assert diagnosis.took_s < 30
    return diagnosis


async def complaint(config, check, state=State.FAILED, **options):
    """Return the one complaint about a check; every other one must have nothing to complain of."""
    diagnosis = await diagnose(config, **options)
    complaints = [f for f in diagnosis.findings if f.state is not State.OK and not is_this_machines(f)]
    assert [(f.check, f.state) for f in complaints] == [(check, state)], as_text(diagnosis)
    assert diagnosis.is_well == (state is State.WARNING)
    assert complaints[0].fix.endswith("."), "a fix is a sentence"
    assert complaints[0].found in " ".join(as_text(diagnosis).split()) or len(complaints[0].found) > 80
    return complaints[0]


def is_this_machines(finding):
    """In containers the kernel often does not know whether the clock is synchronised; a busy machine is slow."""
    is_slow_call = finding.check == "loopback call" and finding.state is State.WARNING
    return is_slow_call or (finding.check == "clock" and "synchronised" in finding.found)


async def test_a_healthy_machine_gets_no_complaint(tmp_path):
    diagnosis = await diagnose(config(tmp_path))
    assert diagnosis.is_well, as_text(diagnosis)
    assert [f.check for f in diagnosis.findings if f.state is not State.OK and not is_this_machines(f)] == []
    assert "loopback call" in {finding.check for finding in diagnosis.findings}
    assert not (tmp_path / "data").exists(), "looking changes nothing"


# Certificates


def tls(files, **settings):
    certificate, key = files
    names = {"tls_cert": str(certificate), "tls_key": str(key)}
    return {**names, "public_url": "https://interviews.example.org", **settings}


async def test_an_expired_certificate(tmp_path):
    files = write_certificate(tmp_path, from_days=-90, to_days=-3)
    found = await complaint(config(tmp_path, **tls(files)), "TLS certificate")
    assert found.found.startswith("expired on ")
    assert "Renew it" in found.fix


async def test_a_certificate_about_to_expire(tmp_path):
    files = write_certificate(tmp_path, to_days=5)
    found = await complaint(config(tmp_path, **tls(files)), "TLS certificate", State.WARNING)
    assert found.found.startswith("expires in 4 days")
    assert "certbot renew" in found.fix


async def test_a_certificate_of_tomorrow(tmp_path):
    files = write_certificate(tmp_path, from_days=1)
    found = await complaint(config(tmp_path, **tls(files)), "TLS certificate")
    assert "not valid before" in found.found
    assert "clock" in found.fix


async def test_a_key_of_another_certificate(tmp_path):
    certificate, _ = write_certificate(tmp_path)
    _, key = write_certificate(tmp_path, name="other")
    found = await complaint(config(tmp_path, **tls((certificate, key))), "TLS key")
    assert "does not belong to the certificate" in found.found
    assert "pair" in found.fix


async def test_a_certificate_for_another_host(tmp_path):
    files = write_certificate(tmp_path, hosts=("www.example.org", "*.meet.example.org"))
    found = await complaint(config(tmp_path, **tls(files)), "TLS certificate")
    assert "not for interviews.example.org" in found.found
    assert "Get a certificate for interviews.example.org" in found.fix
    wildcard = config(tmp_path, **tls(files, public_url="https://a.meet.example.org"))
    assert (await diagnose(wildcard)).is_well


async def test_a_certificate_without_its_chain(tmp_path):
    files = write_certificate(tmp_path, issuer="Some intermediate authority")
    found = await complaint(config(tmp_path, **tls(files)), "TLS certificate", State.WARNING)
    assert "fullchain.pem" in found.fix


async def test_https_that_nobody_speaks(tmp_path):
    found = await complaint(config(tmp_path, public_url="https://interviews.example.org"), "HTTPS")
    assert "behind_proxy" in found.fix


async def test_http_in_the_public_url_of_a_server_with_a_self_signed_certificate(tmp_path):
    found = await complaint(config(tmp_path, self_signed="1", public_url="http://interviews.example.org"), "HTTPS")
    assert "https://" in found.fix


@pytest.mark.parametrize(("to_days", "state"), [(90, State.WARNING), (-1, State.FAILED)])
async def test_a_running_server_that_shows_another_certificate_than_the_file(tmp_path, to_days, state):
    shown = write_certificate(tmp_path, name="shown", from_days=-9, to_days=to_days)
    names = ("--tls-cert", str(shown[0]), "--tls-key", str(shown[1]))
    files = write_certificate(tmp_path)
    server = ServerProcess(tmp_path / "data", *names)
    try:
        it = config(tmp_path, port=server.base_url.rpartition(":")[2], **tls(files))
        found = await complaint(it, "TLS certificate", state)
        assert "the running server still shows another one" in found.found
        assert "log" in found.fix
    finally:
        server.stop()


# Settings that the server reads when it starts


@pytest.mark.parametrize(("setting", "value"), [("stress_model", "nothing.json"), ("transcriber", "./no-such-folder")])
async def test_a_model_with_which_the_server_would_not_start(tmp_path, setting, value):
    it = config(tmp_path, **{setting: value})
    found = await complaint(it, "configuration")
    assert setting in found.found
    assert setting in found.fix
    with pytest.raises(ConfigError):
        make_app(it)
    assert (
        run_doctor(
            "--port", "0", "--data-dir", str(tmp_path / "data"), f"--{setting.replace('_', '-')}", value
        ).returncode
        == 2
    )


# Disk and database


@contextlib.contextmanager
def mounted(folder, options):
    """Mount a file system of memory; gives False where this user may not."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    is_mounted = subprocess.run(command, capture_output=True).returncode == 0
    try:
        yield is_mounted
    finally:
        if is_mounted:
            subprocess.run(["umount", str(folder)], check=True)


async def test_a_data_folder_that_cannot_be_written(tmp_path):
    with mounted(tmp_path / "data", "ro") as is_mounted:
        # Root writes anywhere but on what is mounted read-only; without that, nobody makes files in /proc.
        folder = tmp_path / "data" if is_mounted else Path("/proc")
        found = await complaint(config(tmp_path, data_dir=str(folder)), "data folder")
    assert f"{folder} cannot be written" in found.found
    assert "data_dir" in found.fix


async def test_a_data_folder_that_is_a_file(tmp_path):
    (tmp_path / "data").write_text("not a folder")
    found = await complaint(config(tmp_path), "data folder")
    assert "is no folder" in found.found


async def test_a_disk_that_is_nearly_full(tmp_path, monkeypatch):
    with mounted(tmp_path / "data", "size=8m") as is_mounted:
        if not is_mounted:
            monkeypatch.setattr(storage, "MIN_FREE_BYTES", 2**60)
        found = await complaint(config(tmp_path), "disk space")
    assert "free" in found.found
    assert "Make room" in found.fix


async def test_a_key_that_others_can_read(tmp_path):
    (tmp_path / "data").mkdir()
    key = tmp_path / "data" / "secret.key"
    key.write_bytes(b"k" * 32)
    key.chmod(0o644)
    found = await complaint(config(tmp_path), "secret key", State.WARNING)
    assert f"chmod 600 {key}" in found.fix


async def test_a_database_of_a_newer_version(tmp_path):
    it = config(tmp_path)
    database = Database.open(database_url(it))
    await migrate(database)
    assert (await diagnose(it)).is_well
    async with database.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9001'"))
    await database.close()
    found = await complaint(it, "database")
    assert "newer version (revision 9001" in found.found
    assert "newer version of the program" in found.fix


async def test_a_database_that_is_none(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "composure.db").write_text("Dear Sir or Madam, this is no database. " * 100)
    found = await complaint(config(tmp_path), "database")
    assert "file is not a database" in found.found
    assert "backup" in found.fix


async def test_a_database_elsewhere_that_does_not_answer_keeps_its_password(tmp_path):
    url = f"postgresql+asyncpg://ada:hush@127.0.0.1:{free_port()}/composure"
    found = await complaint(config(tmp_path, database_url=url), "database")
    assert "database_url" in found.fix
    assert "hush" not in found.found + found.fix


async def test_a_database_url_that_cannot_be_split_keeps_its_password(tmp_path):
    found = await complaint(config(tmp_path, database_url="postgresql+asyncpg://ada:p@ss:hush@h/d"), "database")
    assert "%40" in found.fix
    assert "hush" not in found.found + found.fix


# Clock


async def test_a_clock_that_is_behind(tmp_path):
    (tmp_path / "data").mkdir()
    key = tmp_path / "data" / "secret.key"
    key.write_bytes(b"k" * 32)
    key.chmod(0o600)
    tomorrow = time.time() + 3 * 86_400
    os.utime(key, (tomorrow, tomorrow))
    found = await complaint(config(tmp_path), "clock")
    assert "3 days behind" in found.found
    assert "chrony" in found.fix


async def test_a_clock_that_jumps(tmp_path):
    steps = itertools.count()
    found = await complaint(config(tmp_path), "clock", now=lambda: utc_now() + timedelta(seconds=2 * next(steps)))
    assert "jumped by +" in found.found


# Ports and addresses


@contextlib.contextmanager
def another_process_on(port):
    program = f"import socket; s = socket.create_server(('127.0.0.1', {port})); print('here', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"here\n"
        yield
        other.communicate(b"\n", timeout=10)


async def test_a_port_that_another_process_holds(tmp_path):
    port = free_port()
    with another_process_on(port):
        found = await complaint(config(tmp_path, port=str(port)), "TCP port")
    assert f"127.0.0.1:{port} is taken by another program" in found.found
    assert f"sport = :{port}" in found.fix


async def test_a_port_that_we_hold_ourselves(tmp_path):
    server = ServerProcess(tmp_path / "data")
    try:
        diagnosis = await diagnose(config(tmp_path, port=server.base_url.rpartition(":")[2]))
    finally:
        server.stop()
    (tcp,) = [finding for finding in diagnosis.findings if finding.check == "TCP port"]
    assert "answered by this program" in tcp.found
    assert diagnosis.is_well, as_text(diagnosis)


async def test_a_host_that_is_not_ours_and_a_server_half_open(tmp_path):
    diagnosis = await diagnose(config(tmp_path, port=str(free_port()), host="198.51.100.7"))
    bad = {f.check: f for f in diagnosis.findings if f.state is not State.OK and not is_this_machines(f)}
    states = {check: finding.state for check, finding in bad.items()}
    warned = ("HTTPS", "UDP ports", "media addresses")
    assert states == {"TCP port": State.FAILED, **dict.fromkeys(warned, State.WARNING)}
    assert "Let host be an address of this machine" in bad["TCP port"].fix
    assert "self_signed" in bad["HTTPS"].fix
    assert "open that range in the firewall" in bad["UDP ports"].fix
    assert "set public_addresses" in bad["media addresses"].fix


async def test_udp_ports_that_are_used_up(tmp_path):
    with contextlib.ExitStack() as stack:
        first = take_ports(stack, 6)
        diagnosis = await diagnose(config(tmp_path, udp_ports=f"{first}-{first + 5}"))
    failed = {finding.check: finding for finding in diagnosis.findings if finding.state is State.FAILED}
    assert set(failed) == {"UDP ports", "loopback call"}
    assert "0 of 6 are free" in failed["UDP ports"].found
    assert "ss -lunp" in failed["UDP ports"].fix
    assert "no UDP port is free" in failed["loopback call"].found


async def test_udp_ports_too_few_for_all_sessions(tmp_path):
    with contextlib.ExitStack() as stack:
        first = take_ports(stack, 10)
    found = await complaint(
        config(tmp_path, udp_ports=f"{first}-{first + 9}", max_sessions="5"), "UDP ports", State.WARNING
    )
    assert "10 ports, 5 sessions may need 20" in found.found
    assert f"{first}-{first + 19}" in found.fix


def take_ports(stack, count):
    """Occupy neighbouring UDP ports, none of which the system gives away by itself; return the first."""
    for first in range(20_000, 30_000, count):
        with contextlib.ExitStack() as attempt:
            try:
                for port in range(first, first + count):
                    taken = attempt.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                    taken.bind(("127.0.0.1", port))
            except OSError:
                continue
            stack.enter_context(attempt.pop_all())
            return first
    raise AssertionError("no such ports are free")


async def test_an_address_that_is_not_ours(tmp_path):
    diagnosis = await diagnose(config(tmp_path, ice_addresses="198.51.100.7"))
    failed = {finding.check: finding for finding in diagnosis.findings if finding.state is State.FAILED}
    assert set(failed) == {"media addresses", "loopback call"}
    assert "198.51.100.7 is not an address of this machine" in failed["media addresses"].found
    assert "public_addresses" in failed["media addresses"].fix


async def test_an_interface_that_does_not_exist(tmp_path):
    diagnosis = await diagnose(config(tmp_path, ice_addresses="", ice_interfaces="nosuch0"))
    failed = {finding.check: finding for finding in diagnosis.findings if finding.state is State.FAILED}
    assert set(failed) == {"media addresses", "loopback call"}
    assert "lo" in failed["media addresses"].fix


async def test_a_public_address_for_one_that_is_not_offered(tmp_path):
    found = await complaint(config(tmp_path, public_addresses="203.0.113.7/10.0.0.5"), "media addresses")
    assert "10.0.0.5, which is not offered" in found.found
    assert "127.0.0.1" in found.fix


async def test_a_call_works_behind_a_public_address(tmp_path):
    diagnosis = await diagnose(config(tmp_path, public_addresses="203.0.113.7/127.0.0.1"))
    assert diagnosis.is_well, as_text(diagnosis)


# Servers


@contextlib.contextmanager
def silent_udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        yield silent.getsockname()[1]


async def test_a_stun_server_that_is_silent(tmp_path):
    with silent_udp_port() as port:
        servers = json.dumps([{"urls": f"stun:127.0.0.1:{port}"}])
        found = await complaint(config(tmp_path, ice_servers=servers), "STUN")
    assert f"stun:127.0.0.1:{port} did not answer within 3 s" in found.found
    assert "ice_servers" in found.fix


@pytest.fixture
def coturn(tmp_path):
    with Coturn(tmp_path) as running:
        yield running


async def test_servers_that_are_well(tmp_path, coturn):
    urls = ",".join(coturn.url(transport) for transport in ("udp", "tcp"))
    stun = json.dumps([{"urls": f"stun:127.0.0.1:{coturn.port}"}])
    diagnosis = await diagnose(config(tmp_path, turn_urls=urls, turn_secret=SECRET, ice_servers=stun))
    assert diagnosis.is_well, as_text(diagnosis)
    said = [finding.found for finding in diagnosis.findings if finding.check in ("STUN", "TURN")]
    assert "it sees 127.0.0.1" in said[0]
    assert len(said) == 3
    assert all("reaches us at 127.0.0.1" in line for line in said[1:]), said


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_turn_server_with_another_secret(tmp_path, coturn, transport):
    wrong = "a secret that coturn does not have"
    found = await complaint(config(tmp_path, turn_urls=coturn.url(transport), turn_secret=wrong), "TURN")
    assert "refuses our credentials (401" in found.found
    assert "static-auth-secret" in found.fix
    assert "clocks" in found.fix
    assert wrong not in found.found + found.fix


async def test_a_turn_server_that_is_not_there(tmp_path):
    with silent_udp_port() as port:
        urls = f"turn:127.0.0.1:{port},turn:127.0.0.1:{port}?transport=tcp"
        diagnosis = await diagnose(config(tmp_path, turn_urls=urls, turn_secret=SECRET))
    said = [finding.found for finding in diagnosis.findings if finding.check == "TURN"]
    assert "did not answer within 5 s" in said[0]
    assert "cannot be reached" in said[1]


async def test_a_relay_that_does_not_reach_us(tmp_path):
    with Coturn(tmp_path, allow_loopback=False) as coturn:
        it = config(tmp_path, turn_urls=coturn.url("udp"), turn_secret=SECRET)
        found = await complaint(it, "TURN", State.WARNING)
    assert "nothing sent through it arrives at 127.0.0.1" in found.found
    assert "denied-peer-ip" in found.fix


async def test_silent_servers_of_every_kind_at_once_are_named_in_time(tmp_path):
    with silent_udp_port() as port, socket.create_server(("127.0.0.1", 0)) as silent:
        tcp_port = silent.getsockname()[1]
        fixed = {"urls": f"turn:127.0.0.1:{port}", "username": "u", "credential": "c"}
        it = config(
            tmp_path,
            ice_servers=json.dumps([{"urls": f"stun:127.0.0.1:{port}"}, fixed]),
            turn_urls=f"turn:127.0.0.1:{port},turn:127.0.0.1:{tcp_port}?transport=tcp,turns:127.0.0.1:{tcp_port}",
            turn_secret=SECRET,
            database_url=f"postgresql+asyncpg://ada:hush@127.0.0.1:{tcp_port}/composure",
            port=str(tcp_port),
        )
        diagnosis = await diagnose(it)
    failed = [finding.check for finding in diagnosis.findings if finding.state is State.FAILED]
    assert sorted(failed) == ["STUN", "TCP port", "TURN", "TURN", "TURN", "TURN", "database"], as_text(diagnosis)
    assert diagnosis.took_s < 20


async def test_a_name_server_that_is_silent_is_not_waited_for(tmp_path, monkeypatch):
    answered = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answered.wait(60) and [])
    monkeypatch.setattr(network, "RESOLVE_TIMEOUT_S", 0.2)
    try:
        (found,) = await relay.check(config(tmp_path, turn_urls="turn:t.example.org", turn_secret=SECRET), utc_now)
    finally:
        answered.set()
    assert "no name server tells the address of t.example.org" in found.found


async def test_a_check_that_breaks_does_not_take_the_others_along(tmp_path, monkeypatch):
    async def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(relay, "check", broken)
    found = await complaint(config(tmp_path), "TURN")
    assert "ZeroDivisionError" in found.found


# Models


async def test_a_model_that_is_damaged(tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    for name in ("manifest.toml", "emotion.onnx"):
        shutil.copy(MODELS_DIR / name, folder / name)
    network = bytearray((folder / "emotion.onnx").read_bytes())
    network[len(network) // 2] ^= 1
    (folder / "emotion.onnx").write_bytes(network)
    found = await complaint(config(tmp_path), "models", models_dir=folder)
    assert "emotion.onnx has sha256" in found.found
    assert "git checkout models/" in found.fix


# The command


def run_doctor(*options, **environ):
    clean = {key: value for key, value in os.environ.items() if not key.startswith("COMPOSURE_")}
    command = [sys.executable, "-m", "server", "doctor", *options]
    return subprocess.run(command, cwd=ROOT, env={**clean, **environ}, capture_output=True, text=True, timeout=90)


def test_the_command_speaks_json_and_never_tells_a_secret(tmp_path):
    with silent_udp_port() as port:
        done = run_doctor(
            *("--json", "--port", "0", "--ice-addresses", "127.0.0.1", "--data-dir", str(tmp_path / "data")),
            COMPOSURE_TURN_URLS=f"turn:127.0.0.1:{port}",
            COMPOSURE_TURN_SECRET=SECRET,
            COMPOSURE_ICE_SERVERS=json.dumps(
                [{"urls": f"turn:127.0.0.1:{port}", "username": "u", "credential": "hush hush"}]
            ),
        )
    assert done.returncode == 1, done.stderr
    answer = json.loads(done.stdout)
    assert answer["ok"] is False
    assert answer["took_s"] < 30
    states = {check["check"]: check["state"] for check in answer["checks"]}
    assert states["TURN"] == "failed"
    assert states["loopback call"] != "failed"
    for secret in (SECRET, "hush hush"):
        assert secret not in done.stdout + done.stderr


def test_the_command_is_content_and_says_so(tmp_path):
    done = run_doctor("--port", "0", "--ice-addresses", "127.0.0.1", "--data-dir", str(tmp_path / "data"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "loopback call" in done.stdout
    assert "0 failed" in done.stdout or "all is well" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("json_option", [(), ("--json",)])
def test_a_setting_that_cannot_be_used_is_status_2(json_option):
    done = run_doctor(*json_option, COMPOSURE_UDP_PORTS="many")
    assert done.returncode == 2
    assert "COMPOSURE_UDP_PORTS='many'" in done.stdout
    if json_option:
        assert json.loads(done.stdout)["checks"][0]["state"] == "failed"
