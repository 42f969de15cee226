"""The command line: ``python -m server serve [options]``, ``... doctor [options]``, ``... password EMAIL``.

Every option of serve is also an environment variable.
"""

import argparse
import asyncio
import getpass
import os
import ssl
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from aiohttp import web
from alembic.util import CommandError

from server import clock
from server.app import make_app
from server.config import PREFIX, Config, ConfigError
from server.db.engine import StorageError
from server.errors import FieldErrors, NotFound
from server.http.keys import ACCOUNTS, ROOMS, TEMPLATES
from server.http.templates import compile_all
from server.ops import logs
from server.ops.certificate import self_signed, server_context
from server.ops.doctor import as_json, as_text, config_failure, examine
from server.ops.limits import allow_many_sockets, set_apart_what_stays, share_heaps
from server.ops.password import set_password
from server.ops.shutdown import Shutdown

SHUTDOWN_TIMEOUT_S = 5.0
"""So long running requests may take to end."""

DEMO_DATA_DIR = "data/demo"
"""The demo keeps to a data folder of its own unless it is told another."""

_FLAGS = ("self_signed", "behind_proxy", "server_uses_turn")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 done, 1 cannot start or unwell, 2 a setting cannot be used."""
    options = _parser().parse_args(arguments)
    commands = {"password": _set_password, "doctor": _examine, "serve": _start}
    try:
        return commands[options.command](options)
    except ConfigError as exc:
        print(f"composure: {exc}", file=sys.stderr)
        return 2
    # The port is taken, the data folder cannot be written, the database does not answer, or is of a newer version.
    except (OSError, StorageError, CommandError) as exc:
        print(f"composure: cannot start: {exc}", file=sys.stderr)
        return 1


def _start(options: argparse.Namespace) -> int:
    given = _given_settings(options)
    demo = options.demo or options.demo_video is not None
    if demo:
        given.setdefault("data_dir", DEMO_DATA_DIR)
    config = Config.from_env(overrides=given)
    if options.demo_video is not None and not options.demo_video.is_file():
        raise ConfigError(f"no such file: {options.demo_video}")
    logs.configure(config.log_level)
    asyncio.run(_serve(config, demo=demo, demo_video=options.demo_video))
    return 0


def _given_settings(options: argparse.Namespace) -> dict[str, str]:
    given = {item.name: getattr(options, item.name) for item in fields(Config)}
    return {name: value for name, value in given.items() if value is not None}


def _examine(options: argparse.Namespace) -> int:
    try:
        config = Config.from_env(overrides=_given_settings(options))
    except ConfigError as exc:
        diagnosis, status = config_failure(exc), 2
    else:
        diagnosis = asyncio.run(examine(config))
        status = 0 if diagnosis.is_well else 1
    print(as_json(diagnosis) if options.json else as_text(diagnosis))
    return status


def _set_password(options: argparse.Namespace) -> int:
    config = Config.from_env(overrides={"data_dir": options.data_dir} if options.data_dir else {})
    password = getpass.getpass("New password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    try:
        asyncio.run(set_password(config, options.email, password))
    except FieldErrors as exc:
        print(f"composure: {' '.join(exc.errors.values())}", file=sys.stderr)
        return 1
    except NotFound as exc:
        print(f"composure: {exc.message}", file=sys.stderr)
        return 1
    print("The password is set; open logins of this account are ended.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m server", description="Composure: live interviews over WebRTC.")
    commands = parser.add_subparsers(dest="command", required=True)
    password = commands.add_parser("password", help="set the password of somebody who lost theirs")
    password.add_argument("email")
    password.add_argument("--data-dir", metavar="DATA_DIR", help=f"as for serve [{PREFIX}DATA_DIR, default data]")
    serve = commands.add_parser(
        "serve",
        help="serve until interrupted",
        description="Serve until interrupted. Options win over the environment.",
    )
    _add_settings(serve)
    serve.add_argument("--demo", action="store_true", help="open an interview with a synthetic candidate")
    serve.add_argument("--demo-video", type=Path, metavar="FILE", help="the same, the candidate plays this file")
    doctor = commands.add_parser(
        "doctor",
        help="check settings, files, ports, servers and a call, and name the fixes",
        description="Check what a working call depends on, with the settings that serve would use. "
        "Exit status: 0 all is well or warnings only, 1 something failed, 2 a setting cannot be used.",
    )
    doctor.add_argument("--json", action="store_true", help="print JSON")
    _add_settings(doctor)
    return parser


def _add_settings(parser: argparse.ArgumentParser) -> None:
    for item in fields(Config):
        default, help_text = item.metadata["default"], item.metadata["help"].replace("%", "%%")
        words = f"{help_text} [{PREFIX}{item.name.upper()}{f', default {default}' if default else ''}]"
        name = f"--{item.name.replace('_', '-')}"
        if item.name in _FLAGS:
            parser.add_argument(name, dest=item.name, nargs="?", const="1", metavar="1|0", help=words)
        else:
            parser.add_argument(name, dest=item.name, metavar=item.name.upper(), help=words)


async def _serve(config: Config, *, demo: bool, demo_video: Path | None) -> None:
    allow_many_sockets()
    share_heaps()
    app = make_app(config)
    compile_all(app[TEMPLATES])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_TIMEOUT_S)
    shutdown = Shutdown()
    shutdown.listen()
    try:
        await runner.setup()
        await web.TCPSite(runner, config.host, config.port, ssl_context=_tls(config)).start()
        set_apart_what_stays()
        url = _base_url(config, runner)
        print(f"Composure serves on {url}", flush=True)
        if demo:
            # Imported here: a server without the demo needs none of its packages.
            from server.demo.opening import open_demo

            async with open_demo(app, url, demo_video) as link:
                print(f"The demo interview is running. Open (works once): {link}", flush=True)
                await shutdown.wait(app[ROOMS], drain_s=0, now=clock.utc_now)  # nobody loses a real interview
            return
        if (token := await app[ACCOUNTS].new_setup_token()) is not None:
            print(f"Make the first account here (works once): {url}/setup/{token}", flush=True)
        await shutdown.wait(app[ROOMS], drain_s=config.drain_s, now=clock.utc_now)
    finally:
        await runner.cleanup()


def _tls(config: Config) -> ssl.SSLContext | None:
    if config.self_signed:
        names = (config.host, os.uname().nodename)
        return server_context(*self_signed(config.data_dir, names, now=clock.utc_now()))
    if config.tls_cert is not None and config.tls_key is not None:
        return server_context(config.tls_cert, config.tls_key)
    return None


def _base_url(config: Config, runner: web.AppRunner) -> str:
    """Return the address to tell people: the configured public one, else the one that is listened on."""
    if config.public_url:
        return config.public_url
    port = runner.addresses[0][1]
    host = "127.0.0.1" if config.host in ("0.0.0.0", "::", "") else config.host  # noqa: S104
    host = f"[{host}]" if ":" in host else host
    return f"{'https' if config.uses_tls else 'http'}://{host}:{port}"


if __name__ == "__main__":
    sys.exit(main())
