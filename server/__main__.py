"""The command line: ``python -m server serve [options]``, ``... doctor [options]``, ``... password EMAIL``.

Every option of serve is also an environment variable. What a command needs is imported when it runs: the words of
``--help`` and a complaint about a setting wait for no database, no media and no analysis.
"""

import argparse
import asyncio
import getpass
import sys
from collections.abc import Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path

from server.config import PREFIX, Config, ConfigError
from server.errors import CannotStart, FieldErrors, NotFound
from server.ops import logs

DEMO_DATA_DIR = "data/demo"
"""The demo keeps to a data folder of its own unless it is told another."""

_FLAGS = ("self_signed", "behind_proxy", "server_uses_turn", "emotion_flip")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 done, 1 cannot start or unwell, 2 a setting cannot be used."""
    options = _parser().parse_args(arguments)
    commands = {"password": _set_password, "doctor": _examine, "serve": _start}
    try:
        return commands[options.command](options)
    except ConfigError as exc:
        print(f"composure: {exc}", file=sys.stderr)
        return 2
    except (OSError, CannotStart) as exc:
        print(f"composure: cannot start: {exc}", file=sys.stderr)
        return 1


def _start(options: argparse.Namespace) -> int:
    given = _given_settings(options)
    is_demo = options.demo or options.demo_video is not None
    if is_demo:
        given.setdefault("data_dir", DEMO_DATA_DIR)
    config = Config.from_env(overrides=given)
    if options.demo_video is not None and not options.demo_video.is_file():
        raise ConfigError(f"no such file: {options.demo_video}")
    logs.configure(config.log_level)
    from server.serving import serve

    announce = partial(print, flush=True)
    asyncio.run(serve(config, is_demo=is_demo, demo_video=options.demo_video, announce=announce))
    return 0


def _given_settings(options: argparse.Namespace) -> dict[str, str]:
    given = {item.name: getattr(options, item.name) for item in fields(Config)}
    return {name: value for name, value in given.items() if value is not None}


def _examine(options: argparse.Namespace) -> int:
    from server.ops.doctor import as_json, as_text, config_failure

    try:
        config = Config.from_env(overrides=_given_settings(options))
    except ConfigError as exc:
        diagnosis = config_failure(exc)
    else:
        from server.ops.doctor.examination import examine

        diagnosis = asyncio.run(examine(config))
    print(as_json(diagnosis) if options.json else as_text(diagnosis))
    return diagnosis.exit_status


def _set_password(options: argparse.Namespace) -> int:
    config = Config.from_env(overrides={"data_dir": options.data_dir} if options.data_dir else {})
    from server.ops.password import set_password

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


if __name__ == "__main__":
    sys.exit(main())
