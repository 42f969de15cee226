from pathlib import Path

import pytest

from server.config import Config, ConfigError


def test_defaults_serve_this_machine_only():
    config = Config.from_env({})
    assert (config.host, config.port, config.uses_tls, config.is_local) == ("127.0.0.1", 8080, False, True)
    assert "selection" not in config.analysed_purposes


def test_an_unknown_variable_is_an_error_that_names_it():
    with pytest.raises(ConfigError, match="COMPOSURE_PROT"):
        Config.from_env({"COMPOSURE_PROT": "1"})


def test_variables_of_others_are_left_alone():
    assert Config.from_env({"PORT": "1", "HOST": "0.0.0.0"}).port == 8080


def test_the_command_line_wins():
    assert Config.from_env({"COMPOSURE_PORT": "1234"}, {"port": "4321"}).port == 4321


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("PORT", "70000", "between 0 and 65535"),
        ("PORT", "many", "COMPOSURE_PORT='many'"),
        ("UDP_PORTS", "40100-40000", "40000-40100"),
        ("UDP_PORTS", "40000", "40000-40100"),
        ("ICE_ADDRESSES", "localhost", "ICE_ADDRESSES"),
        ("ICE_SERVERS", "{}", "JSON list"),
        ("ICE_SERVERS", '[{"urls": "http://turn"}]', "stun:"),
        ("ICE_SERVERS", '[{"urls": "turn:t", "password": "x"}]', "urls, username, credential"),
        ("ANALYSED_PURPOSES", "practice,hiring", "hiring"),
        ("ANALYSIS_FPS", "0", r"\(0, 30\]"),
        ("MAX_SESSIONS", "0", "at least 1"),
        ("SELF_SIGNED", "maybe", "1 or 0"),
        ("LOG_LEVEL", "loud", "debug, info"),
        ("PUBLIC_URL", "interviews.example.org", "https://"),
        ("PUBLIC_URL", "ftp://interviews.example.org", "https://"),
        ("PUBLIC_URL", "https://example.org/interviews", "https://"),
        ("PUBLIC_URL", "https://example.org:many", "PUBLIC_URL"),
        ("ICE_SERVERS", '[{"urls": "turn:t", "username": 1}]', "text"),
    ],
)
def test_a_bad_value_is_an_error_that_says_what_is_allowed(name, value, complaint):
    with pytest.raises(ConfigError, match=complaint):
        Config.from_env({f"COMPOSURE_{name}": value})


def test_a_public_address_ends_without_a_slash():
    assert (
        Config.from_env({"COMPOSURE_PUBLIC_URL": "https://example.org:8443/"}).public_url == "https://example.org:8443"
    )


def test_ice_servers_are_read_and_their_secrets_not_shown():
    config = Config.from_env(
        {"COMPOSURE_ICE_SERVERS": '[{"urls": ["turn:t.example:3478"], "username": "u", "credential": "hush"}]'}
    )
    assert config.ice_servers[0].urls == ("turn:t.example:3478",)
    assert "hush" not in repr(config)


def test_a_bad_secret_is_not_printed():
    with pytest.raises(ConfigError) as caught:
        Config.from_env({"COMPOSURE_ICE_SERVERS": '[{"urls": "http://x", "credential": "hush"}]'})
    assert "hush" not in str(caught.value)


def test_tls_wants_both_files(tmp_path: Path):
    with pytest.raises(ConfigError, match="belong together"):
        Config.from_env({"COMPOSURE_TLS_CERT": str(tmp_path / "a.pem")})
    with pytest.raises(ConfigError, match="no such file"):
        Config.from_env({"COMPOSURE_TLS_CERT": str(tmp_path / "a"), "COMPOSURE_TLS_KEY": str(tmp_path / "b")})


def test_ranges_and_lists():
    config = Config.from_env(
        {
            "COMPOSURE_UDP_PORTS": "40000-40100",
            "COMPOSURE_ICE_ADDRESSES": "127.0.0.1, ::1",
            "COMPOSURE_SELF_SIGNED": "1",
        }
    )
    assert config.udp_ports == (40000, 40100)
    assert config.ice_addresses == ("127.0.0.1", "::1")
    assert config.uses_tls
