import ssl
import stat
from datetime import UTC, datetime, timedelta

from cryptography import x509

from server.ops.certificate import self_signed, server_context

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def names_in(path):
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    held = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in held}


def test_certificate_names_the_host_and_localhost_and_its_key_is_private(tmp_path):
    certificate, key = self_signed(tmp_path / "new", ("192.168.1.5", "box.lan", "0.0.0.0"), now=NOW)
    assert names_in(certificate) == {"192.168.1.5", "box.lan", "localhost", "127.0.0.1", "::1"}
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert isinstance(server_context(certificate, key), ssl.SSLContext)


def test_certificate_is_kept_until_it_nears_its_end_or_the_names_change(tmp_path):
    certificate, _ = self_signed(tmp_path, ("a.lan",), now=NOW)
    first = certificate.read_bytes()
    self_signed(tmp_path, ("a.lan",), now=NOW + timedelta(days=300))
    assert certificate.read_bytes() == first
    self_signed(tmp_path, ("a.lan",), now=NOW + timedelta(days=390))
    second = certificate.read_bytes()
    assert second != first
    self_signed(tmp_path, ("b.lan",), now=NOW + timedelta(days=390))
    assert certificate.read_bytes() != second


def test_a_broken_file_is_replaced(tmp_path):
    certificate, _ = self_signed(tmp_path, (), now=NOW)
    certificate.write_text("rubbish")
    self_signed(tmp_path, (), now=NOW)
    assert "localhost" in names_in(certificate)
