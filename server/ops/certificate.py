"""A self-signed certificate, so that browsers give other machines camera and microphone without a real one."""

import contextlib
import ipaddress
import os
import ssl
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = timedelta(days=397)
RENEW_BEFORE = timedelta(days=14)
WILDCARD_HOSTS = ("0.0.0.0", "::")  # noqa: S104 - addresses that are no names for a certificate


def self_signed(data_dir: Path, names: tuple[str, ...], *, now: datetime) -> tuple[Path, Path]:
    """Return certificate and key files for the given names, made anew when missing, nearly expired or for other names.

    Args:
        data_dir: folder in which they are kept; the key is readable by its owner alone.
        names: host names and addresses people use; localhost is always added.
        now: wall clock, UTC.
    """
    certificate_path, key_path = data_dir / "self-signed.crt", data_dir / "self-signed.key"
    wanted = tuple(sorted({*names, "localhost", "127.0.0.1", "::1"} - {*WILDCARD_HOSTS, ""}))
    if not _is_good(certificate_path, key_path, wanted, now):
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make(certificate_path, key_path, wanted, now)
    return certificate_path, key_path


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return the TLS settings of the server."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    return context


def _is_good(certificate_path: Path, key_path: Path, wanted: tuple[str, ...], now: datetime) -> bool:
    if not (certificate_path.is_file() and key_path.is_file()):
        return False
    with contextlib.suppress(ValueError, x509.ExtensionNotFound):
        certificate = x509.load_pem_x509_certificate(certificate_path.read_bytes())
        held = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        same_names = sorted(str(name.value) for name in held) == list(wanted)
        return same_names and certificate.not_valid_after_utc - now > RENEW_BEFORE
    return False


def _make(certificate_path: Path, key_path: Path, names: tuple[str, ...], now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Composure (self-signed)")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key_path.unlink(missing_ok=True)
    with os.fdopen(os.open(key_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(private)
    certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
