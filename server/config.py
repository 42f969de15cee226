"""Every setting of the server, declared once: environment variable, command-line option, default, check.

Each setting ``name`` is ``COMPOSURE_NAME`` in the environment and ``--name`` on the command line (which wins).
An unknown ``COMPOSURE_*`` variable or a bad value is a ``ConfigError`` that names it.
"""

import ipaddress
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from server import network
from server.network import IceServer, PublicAddress

PREFIX = "COMPOSURE_"
_MASKED = (
    "ice_servers",
    "database_url",
    "turn_secret",
    "metrics_token",
    "review_key",
    "review_url",
    "public_url",
)
"""Settings whose text is never shown."""
PURPOSES = ("practice", "research", "selection")
MIN_METRICS_TOKEN = 16
"""Characters."""
MIN_TURN_SECRET = 16
"""Characters; whoever guesses the secret relays through the TURN server at its owner's cost."""


class ConfigError(ValueError):
    """A setting is unknown or has a value that cannot be used."""


def _text(value: str) -> str:
    return value


def _count(value: str) -> int:
    number = int(value)
    if number < 1:
        raise ValueError("must be at least 1")
    return number


def _rate(value: str) -> float:
    number = float(value)
    if not 0 < number <= 30:
        raise ValueError("must be in (0, 30]")
    return number


def _flag(value: str) -> bool:
    if value.lower() in ("1", "true", "yes", "on"):
        return True
    if value.lower() in ("0", "false", "no", "off", ""):
        return False
    raise ValueError("must be 1 or 0")


def _path(value: str) -> Path | None:
    return Path(value).expanduser() if value else None


def _web_address(value: str) -> str:
    if not value:
        return ""
    parts = _url_parts(value)
    if (
        parts is None
        or parts.scheme not in ("http", "https")
        or not parts.hostname
        or "@" in parts.netloc
        or parts.path.strip("/")
        or parts.query
    ):
        raise ValueError("must look like https://interviews.example.org, without a name or password")
    return f"{parts.scheme}://{parts.netloc}"


def _review_url(value: str) -> str:
    if not value:
        return ""
    parts = _url_parts(value)
    if parts is None or not parts.hostname or "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("must look like http://127.0.0.1:11434/v1, without a name, password or query")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.hostname)):
        raise ValueError("must be https, or http on this machine (127.0.0.1): it carries what candidates said")
    return value.rstrip("/")


def _url_parts(value: str) -> SplitResult | None:
    """Return the parts of a URL, None when its host or port cannot be: what urllib says then may quote a password."""
    try:
        parts = urlsplit(value)
        return None if parts.port == 0 else parts
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _review_model(value: str) -> str:
    if len(value) > 80:
        raise ValueError("must have at most 80 characters")
    return value.strip()


def _review_key(value: str) -> str:
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("must be plain characters without spaces")
    return value


def _directory(value: str) -> Path:
    return Path(value).expanduser()


def _purposes(value: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in value.split(",") if part.strip())
    for name in names:
        if name not in PURPOSES:
            raise ValueError(f"unknown purpose {name!r}, allowed: {', '.join(PURPOSES)}")
    return names


def _turn_ttl(value: str) -> int:
    number = int(value)
    if not 600 <= number <= 86_400:
        raise ValueError("must be between 600 and 86400: a page may use what it got for five minutes")
    return number


def _turn_secret(value: str) -> str:
    if value and len(value) < MIN_TURN_SECRET:
        raise ValueError(f"must have at least {MIN_TURN_SECRET} characters")
    return value


def _transcriber(value: str) -> str:
    return value.strip() or "off"


def _seconds(value: str) -> int:
    number = int(value)
    if not 0 <= number <= 86_400:
        raise ValueError("must be between 0 and 86400 seconds")
    return number


def _metrics_token(value: str) -> str:
    if value and (len(value) < MIN_METRICS_TOKEN or not value.isascii() or not value.isprintable() or " " in value):
        raise ValueError(f"must have at least {MIN_METRICS_TOKEN} plain characters without spaces")
    return value


def _log_level(value: str) -> str:
    if value not in ("debug", "info", "warning", "error"):
        raise ValueError("must be debug, info, warning or error")
    return value


def _setting(default: str, parse: Callable[[str], Any], help_text: str, *, secret: bool = False) -> Any:
    return field(
        default_factory=lambda: parse(default),
        repr=not secret,
        metadata={"default": default, "parse": parse, "help": help_text},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings, validated."""

    host: str = _setting("127.0.0.1", _text, "address to listen on")
    port: int = _setting("8080", network.port, "TCP port to listen on")
    data_dir: Path = _setting("data", _directory, "folder for the database, keys and caches")
    database_url: str = _setting("", _text, "SQLAlchemy URL; empty means SQLite in the data folder", secret=True)
    public_url: str = _setting("", _web_address, "address people use, for links; empty means the one they asked for")
    tls_cert: Path | None = _setting("", _path, "PEM certificate chain; with tls_key the server speaks HTTPS")
    tls_key: Path | None = _setting("", _path, "PEM private key")
    self_signed: bool = _setting("0", _flag, "make and use a self-signed certificate kept in the data folder")
    behind_proxy: bool = _setting("0", _flag, "trust X-Forwarded-Proto and X-Forwarded-For of the proxy in front")
    ice_servers: tuple[IceServer, ...] = _setting(
        "", network.ice_servers, "JSON list of STUN and TURN servers with fixed credentials"
    )
    turn_urls: tuple[str, ...] = _setting(
        "", network.turn_urls, "TURN servers that share turn_secret, comma separated, like turn:t.example.org:3478"
    )
    turn_secret: str = _setting(
        "", _turn_secret, "secret shared with the TURN servers (coturn: static-auth-secret)", secret=True
    )
    turn_ttl_s: int = _setting("600", _turn_ttl, "seconds for which handed out TURN credentials can be used")
    server_uses_turn: bool = _setting("0", _flag, "offer an address on the TURN server for the server itself, too")
    ice_addresses: tuple[str, ...] = _setting(
        "",
        network.addresses,
        "local addresses to offer, comma separated; empty means all, and 127.0.0.1 too if host is local",
    )
    ice_interfaces: tuple[str, ...] = _setting(
        "", network.interfaces, "network interfaces whose addresses to offer, like eth0 or !docker*; empty means all"
    )
    public_addresses: tuple[PublicAddress, ...] = _setting(
        "", network.public_addresses, "addresses to offer instead of local ones, 203.0.113.7 or 203.0.113.7/10.0.0.5"
    )
    udp_ports: tuple[int, int] | None = _setting("", network.port_range, "UDP port range for media, like 40000-40100")
    max_sessions: int = _setting("20", _count, "interviews that may run at once")
    analysis_workers: int = _setting("1", _count, "worker processes for the analysis")
    analysis_fps: float = _setting("5", _rate, "video frames a second whose expression the networks read")
    landmark_fps: float = _setting(
        "30", _rate, "video frames a second on which the face is followed; blinks and pulse want 18 to 20"
    )
    emotion_flip: bool = _setting(
        "0", _flag, "let the emotion network look at the mirrored face too and average; twice its time"
    )
    transcriber: str = _setting(
        "off", _transcriber, "off, pocketsphinx, or a whisper model: a folder, or a name like small.en to fetch"
    )
    review_url: str = _setting(
        "", _review_url, "base of an OpenAI-compatible server that may review answers' wording; empty means none"
    )
    review_model: str = _setting("", _review_model, "model to ask there, like llama3.1")
    review_key: str = _setting("", _review_key, "bearer token for review_url, if it wants one", secret=True)
    stress_model: Path | None = _setting(
        "", _path, "decision module made by scripts/train_stress, shown as an experimental signal; empty means none"
    )
    analysed_purposes: tuple[str, ...] = _setting(
        "practice,research", _purposes, "purposes for which analysis is allowed (the law: docs/install.md)"
    )
    video_kbps: int = _setting("1500", _count, "video bit rate asked of the candidate's browser, kbit/s")
    drain_s: int = _setting("600", _seconds, "so long running interviews may go on after SIGTERM; 0 ends them at once")
    metrics_token: str = _setting(
        "", _metrics_token, "bearer token for /metrics; empty means only this machine itself may read it", secret=True
    )
    log_level: str = _setting("info", _log_level, "debug, info, warning or error")

    def __post_init__(self) -> None:
        """Check what concerns several settings together."""
        if bool(self.tls_cert) != bool(self.tls_key):
            raise ConfigError("tls_cert and tls_key belong together: give both or neither")
        if self.self_signed and self.tls_cert:
            raise ConfigError("give either self_signed or tls_cert and tls_key")
        if bool(self.turn_urls) != bool(self.turn_secret):
            raise ConfigError("turn_urls and turn_secret belong together: give both or neither")
        if self.server_uses_turn and not self.turn_urls:
            raise ConfigError("server_uses_turn needs turn_urls")
        if self.server_uses_turn and any(":" in network.TurnUrl.parse(url).host for url in self.turn_urls):
            raise ConfigError("server_uses_turn cannot use an IPv6 address in turn_urls: give the server's name")
        if bool(self.review_url) != bool(self.review_model):
            raise ConfigError("review_url and review_model belong together: give both or neither")
        if self.review_key and not self.review_url:
            raise ConfigError("review_key needs review_url")
        if self.ice_addresses and self.ice_interfaces:
            raise ConfigError("give either ice_addresses or ice_interfaces")
        for path in (self.tls_cert, self.tls_key):
            if path is not None and not path.is_file():
                raise ConfigError(f"no such file: {path}")

    @property
    def uses_tls(self) -> bool:
        """True when this server itself speaks HTTPS."""
        return self.self_signed or self.tls_cert is not None

    @property
    def is_transcribing(self) -> bool:
        """True when candidates are asked whether their words may be written down."""
        return self.transcriber != "off"

    @property
    def is_reviewing(self) -> bool:
        """True when interviewers may have the wording of answers reviewed."""
        return bool(self.review_url)

    @property
    def is_local(self) -> bool:
        """True when only this machine can reach the server."""
        return self.host in ("127.0.0.1", "::1", "localhost")

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ, overrides: Mapping[str, str] | None = None) -> "Config":
        """Read the settings from an environment, then from command-line options.

        Args:
            environ: variables; those that start with ``COMPOSURE_`` are ours.
            overrides: setting name to text, as given on the command line.

        Raises:
            ConfigError: an unknown variable or a value that cannot be used.
        """
        given = {key[len(PREFIX) :].lower(): value for key, value in environ.items() if key.startswith(PREFIX)}
        known = {item.name: item for item in fields(cls)}
        unknown = sorted(set(given) - set(known))
        if unknown:
            names = ", ".join(PREFIX + name.upper() for name in unknown)
            raise ConfigError(f"unknown setting: {names}. Known: {', '.join(PREFIX + n.upper() for n in known)}")
        values = {}
        for name, text in {**given, **(overrides or {})}.items():
            try:
                values[name] = known[name].metadata["parse"](text)
            except (ValueError, TypeError, RuntimeError) as exc:  # RuntimeError: ~nobody/data, and there is no nobody
                raise ConfigError(f"{PREFIX}{name.upper()}={_shown(name, text)}: {exc}") from exc
        return cls(**values)


def _shown(name: str, text: str) -> str:
    """Return what was given, unless it may hold a secret; in any URL one stands before an @."""
    return "***" if name in _MASKED or "@" in text else repr(text)
