"""The TLS certificate: does the browser get one that it takes, also next week."""

import asyncio
import ipaddress
import stat
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from server.config import Config
from server.ops.certificate import WILDCARD_HOSTS
from server.ops.doctor.findings import Finding, failed, ok, warning
from server.ops.doctor.running import served_certificate

HTTPS, CERTIFICATE, KEY = "HTTPS", "TLS certificate", "TLS key"
SOON = timedelta(days=14)

_RENEW = "Renew it (with Let's Encrypt: certbot renew); a running server takes it up within a minute."


async def check(config: Config, now: datetime) -> Sequence[Finding]:
    """Look at how browsers will come in, and at the certificate if there is one."""
    findings = [_https(config)]
    if config.tls_cert is not None and config.tls_key is not None:
        served = await served_certificate(config)
        findings += await asyncio.to_thread(_certificate, config, config.tls_cert, config.tls_key, now, served)
    return findings


def _https(config: Config) -> Finding:
    is_public_https = config.public_url.startswith("https://")
    if config.uses_tls and config.public_url and not is_public_https:
        fix = "Let public_url begin with https://."
        return failed(HTTPS, "the server speaks HTTPS but public_url says http", fix)
    if config.self_signed:
        return ok(HTTPS, "by a self-signed certificate: each browser warns once")
    if config.uses_tls:
        return ok(HTTPS, "spoken by the server itself")
    if config.behind_proxy:
        return ok(HTTPS, "left to the proxy in front")
    if is_public_https:
        fix = "Give tls_cert and tls_key, or set behind_proxy when a proxy speaks TLS."
        return failed(HTTPS, "public_url says https, but nothing here speaks it", fix)
    if config.is_local:
        return ok(HTTPS, "not needed: only this machine can reach the server")
    fix = "Give tls_cert and tls_key, put a proxy in front (behind_proxy), or for a trial set self_signed."
    return warning(HTTPS, "plain HTTP: browsers on other machines refuse camera and microphone", fix)


def _certificate(
    config: Config, certificate_path: Path, key_path: Path, now: datetime, served: x509.Certificate | None
) -> list[Finding]:
    try:
        chain = x509.load_pem_x509_certificates(certificate_path.read_bytes())
    except OSError as exc:
        fix = "Let the user who runs the server read it."
        return [failed(CERTIFICATE, f"{certificate_path} cannot be read: {exc.strerror}", fix)]
    except ValueError:
        return [failed(CERTIFICATE, f"{certificate_path} is no PEM certificate", "Give the full chain in PEM form.")]
    leaf = chain[0]
    return [
        _validity(leaf, now),
        _names(config, leaf),
        *_chain(chain),
        *_key(leaf, key_path),
        *_served(leaf, served, now),
    ]


def _validity(leaf: x509.Certificate, now: datetime) -> Finding:
    starts, ends = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    if now < starts:
        fix = "Set this machine's clock, or wait until then."
        return failed(CERTIFICATE, f"not valid before {starts:%Y-%m-%d %H:%M} UTC", fix)
    if now >= ends:
        return failed(CERTIFICATE, f"expired on {ends:%Y-%m-%d %H:%M} UTC", _RENEW)
    if ends - now < SOON:
        return warning(CERTIFICATE, f"expires in {(ends - now).days} days, on {ends:%Y-%m-%d}", _RENEW)
    return ok(CERTIFICATE, f"valid until {ends:%Y-%m-%d}")


def _names(config: Config, leaf: x509.Certificate) -> Finding:
    try:
        held = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        fix = "Get a certificate with the host as subject alternative name; browsers look at nothing else."
        return failed(CERTIFICATE, "names no host", fix)
    names = tuple(str(name.value) for name in held)
    shown = ", ".join(names[:5])
    host = urlsplit(config.public_url).hostname or ("" if config.host in (*WILDCARD_HOSTS, "") else config.host)
    if not host:
        return ok(CERTIFICATE, f"for {shown}; set public_url to have the host compared")
    if any(_covers(name, host) for name in names):
        return ok(CERTIFICATE, f"for {host}")
    fix = f"Get a certificate for {host}, or correct public_url."
    return failed(CERTIFICATE, f"is for {shown} and not for {host}", fix)


def _covers(name: str, host: str) -> bool:
    """Tell whether a name of a certificate stands for a host (RFC 9525 section 6.3)."""
    try:
        return ipaddress.ip_address(host) == ipaddress.ip_address(name)
    except ValueError:
        pass
    name, host = name.lower(), host.lower()
    if name.startswith("*."):
        return host.partition(".")[2] == name[2:]
    return name == host


def _served(leaf: x509.Certificate, served: x509.Certificate | None, now: datetime) -> list[Finding]:
    """Compare the certificate of the file with the one that the running server shows."""
    if served is None or served == leaf:
        return []
    said = f"the running server still shows another one, valid until {served.not_valid_after_utc:%Y-%m-%d}"
    fix = "It takes a renewed pair up within a minute: if it does not, look at its log, and let it read both files."
    return [(failed if now >= served.not_valid_after_utc else warning)(CERTIFICATE, said, fix)]


def _chain(chain: Sequence[x509.Certificate]) -> list[Finding]:
    if len(chain) > 1 or chain[0].issuer == chain[0].subject:
        return []
    fix = "Give the file with the full chain (Let's Encrypt: fullchain.pem) unless the root itself signed it."
    return [warning(CERTIFICATE, "comes without the certificates of its issuer; some clients will not trust it", fix)]


def _key(leaf: x509.Certificate, path: Path) -> list[Finding]:
    try:
        key: PrivateKeyTypes = serialization.load_pem_private_key(path.read_bytes(), None)
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as exc:
        return [failed(KEY, f"{path} cannot be read: {exc.strerror}", "Let the user who runs the server read it.")]
    except TypeError:
        return [failed(KEY, f"{path} is protected by a password", "Give the key without one.")]
    except ValueError:
        return [failed(KEY, f"{path} is no PEM private key", "Give the key that belongs to the certificate.")]
    if _public(key.public_key()) != _public(leaf.public_key()):
        fix = "Give certificate and key of the same renewal: tls_cert and tls_key are a pair."
        return [failed(KEY, f"{path} does not belong to the certificate", fix)]
    if mode & 0o007:
        return [warning(KEY, f"{path} can be read by every user", f"Run: chmod o-rwx {path}")]
    return [ok(KEY, "belongs to the certificate")]


def _public(key: object) -> bytes:
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    return bytes(key.public_bytes(serialization.Encoding.DER, spki))  # type: ignore[attr-defined]  # every kind has it
