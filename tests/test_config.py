import json
from pathlib import Path

import pytest
from aiortc import RTCIceServer
from aiortc.rtcicetransport import connection_kwargs

from models.stress_module import write_stress_module
from server.app import make_app
from server.config import Config, ConfigError
from server.network import TurnUrl
from tests.fakes.modules import MODULE


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
        ("ICE_SERVERS", '[{"urls": "stun:s.example:19302?transport=udp"}]', "nothing behind the port"),
        ("ICE_SERVERS", '[{"urls": "stun:s.example:99999"}]', "between 0 and 65535"),
        ("ICE_SERVERS", '[{"urls": "stun:s.example:0"}]', "between 1 and 65535"),
        ("ICE_SERVERS", '[{"urls": "stun:"}]', "stun:stun.example.org:3478"),
        ("ICE_SERVERS", '[{"urls": "stun:[2001:db8::1]:3478"}]', "stun:stun.example.org:3478"),
        ("ICE_SERVERS", '[{"urls": []}]', "a URL or a list"),
        ("ICE_SERVERS", '[{"urls": {"turn:t": 1}}]', "a URL or a list"),
        ("ICE_SERVERS", '[{"urls": "turn:", "username": "u", "credential": "c"}]', "must look like turn:"),
        (
            "ICE_SERVERS",
            '[{"urls": "turn:t?transport=tls", "username": "u", "credential": "c"}]',
            "must look like turn:",
        ),
        ("ICE_SERVERS", '[{"urls": "turn:[::1]", "username": "u", "credential": "c"}]', "no IPv6 address"),
        ("ICE_SERVERS", '[{"urls": "turn:t.example"}]', "needs username and credential"),
        ("ICE_SERVERS", '[{"urls": ["stun:t", "turn:t"], "username": "u", "credential": ""}]', "needs username"),
        ("ANALYSED_PURPOSES", "practice,hiring", "hiring"),
        ("ANALYSIS_FPS", "0", r"\(0, 30\]"),
        ("MAX_SESSIONS", "0", "at least 1"),
        ("SELF_SIGNED", "maybe", "1 or 0"),
        ("LOG_LEVEL", "loud", "debug, info"),
        ("PUBLIC_URL", "interviews.example.org", "https://"),
        ("PUBLIC_URL", "ftp://interviews.example.org", "https://"),
        ("PUBLIC_URL", "https://example.org/interviews", "https://"),
        ("PUBLIC_URL", "https://example.org:many", "PUBLIC_URL"),
        ("PUBLIC_URL", "https://ada@example.org", "without a name or password"),
        ("DATA_DIR", "~no-such-user/data", "DATA_DIR.*home directory"),
        ("ICE_SERVERS", '[{"urls": "turn:t", "username": 1}]', "text"),
        ("TURN_URLS", "stun:t.example.org", "turn:turn.example.org:3478"),
        ("TURN_URLS", "turn:t.example.org?transport=tls", "turn:turn.example.org:3478"),
        ("TURN_URLS", "turn:t.example.org:70000", "between 0 and 65535"),
        ("TURN_URLS", "turns:t.example.org?transport=udp", "over tcp only"),
        ("TURN_URLS", "turn:t.example.org", "give both or neither"),
        ("TURN_SECRET", "a secret of twenty characters", "give both or neither"),
        ("TURN_TTL_S", "60", "between 600 and 86400"),
        ("SERVER_USES_TURN", "1", "needs turn_urls"),
        ("REVIEW_URL", "http://models.example.org/v1", "must be https"),
        ("REVIEW_URL", "http://127.0.0.1.example.org/v1", "must be https"),
        ("REVIEW_URL", "file:///etc/passwd", "must look like"),
        ("REVIEW_URL", "https://me:pw@models.example.org/v1", "without a name"),
        ("REVIEW_URL", "http://127.0.0.1:11434/v1", "give both or neither"),
        ("REVIEW_MODEL", "llama3.1", "give both or neither"),
        ("REVIEW_KEY", "k", "review_key needs review_url"),
        ("ICE_INTERFACES", "eth 0", "eth0 or !docker"),
        ("PUBLIC_ADDRESSES", "example.org", "203.0.113.7/10.0.0.5"),
        ("PUBLIC_ADDRESSES", "203.0.113.7/", "203.0.113.7/10.0.0.5"),
        ("PUBLIC_ADDRESSES", "203.0.113.7/fd00::1", "mixes IPv4 and IPv6"),
        ("PUBLIC_ADDRESSES", "203.0.113.7,203.0.113.8", "public/local for each"),
        ("PUBLIC_ADDRESSES", "203.0.113.7/10.0.0.5,203.0.113.8/10.0.0.5", "public/local for each"),
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


def test_turn_urls_of_all_kinds_are_read():
    text = "turn:t.example.org, turn:192.0.2.1:80?transport=tcp, turns:[2001:db8::1]:443?transport=tcp"
    config = Config.from_env({"COMPOSURE_TURN_URLS": text, "COMPOSURE_TURN_SECRET": "a secret of twenty characters"})
    parts = [TurnUrl.parse(url) for url in config.turn_urls]
    assert [(part.host, part.port, part.transport, part.is_tls) for part in parts] == [
        ("t.example.org", 3478, "udp", False),
        ("192.0.2.1", 80, "tcp", False),
        ("2001:db8::1", 443, "tcp", True),
    ]
    assert "a secret of twenty" not in repr(config)


def test_a_turn_secret_is_long_and_not_printed():
    with pytest.raises(ConfigError, match="at least 16 characters") as caught:
        Config.from_env({"COMPOSURE_TURN_URLS": "turn:t", "COMPOSURE_TURN_SECRET": "hush"})
    assert "hush" not in str(caught.value)


def test_addresses_and_interfaces_do_not_go_together():
    with pytest.raises(ConfigError, match="either ice_addresses or ice_interfaces"):
        Config.from_env({"COMPOSURE_ICE_ADDRESSES": "127.0.0.1", "COMPOSURE_ICE_INTERFACES": "lo"})


def test_public_addresses_are_read():
    config = Config.from_env({"COMPOSURE_PUBLIC_ADDRESSES": "203.0.113.7/10.0.0.5, 2001:db8::7"})
    assert [(entry.public, entry.local) for entry in config.public_addresses] == [
        ("203.0.113.7", "10.0.0.5"),
        ("2001:db8::7", None),
    ]


def test_a_bad_secret_is_not_printed():
    with pytest.raises(ConfigError) as caught:
        Config.from_env({"COMPOSURE_ICE_SERVERS": '[{"urls": "http://x", "credential": "hush"}]'})
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("review_url", "https://ada:hush@models.example.org/v1"),
        ("review_url", "https://ada:hush/y@models.example.org/v1"),
        ("review_url", "https://models.example.org/v1?key=hush"),
        ("public_url", "https://ada:hush@example.org/path"),
        ("public_url", "https://ada:hush/y@example.org"),
        ("public_url", "https://ada:hush\u2100@example.org"),
        ("ice_servers", '[{"urls": "turn:ada:hush@t.example", "username": "u", "credential": "c"}]'),
        ("turn_urls", "turn:ada:hush@t.example"),
    ],
)
def test_a_password_in_a_url_is_refused_and_not_printed(name, value):
    with pytest.raises(ConfigError, match=f"COMPOSURE_{name.upper()}=") as caught:
        Config.from_env({}, {name: value})
    assert "hush" not in str(caught.value)


def test_a_server_that_uses_turn_itself_reads_no_ipv6_address():
    settings = {"turn_urls": "turn:[2001:db8::1]", "turn_secret": "a secret of twenty characters"}
    Config.from_env({}, settings)
    with pytest.raises(ConfigError, match="give the server's name"):
        Config.from_env({}, {**settings, "server_uses_turn": "1"})


@pytest.mark.parametrize(
    "urls", ["stun:s.example", "stuns:s.example:5349", "stun:192.0.2.1:19302", "turn:t", "turns:t:443?transport=tcp"]
)
def test_what_is_accepted_as_ice_server_is_read_by_aiortc(urls):
    servers = json.dumps([{"urls": urls, "username": "u", "credential": "c"}])
    (server,) = Config.from_env({}, {"ice_servers": servers}).ice_servers
    connection_kwargs([RTCIceServer(urls=list(server.urls), username="u", credential="c")])


def test_tls_wants_both_files(tmp_path: Path):
    with pytest.raises(ConfigError, match="belong together"):
        Config.from_env({"COMPOSURE_TLS_CERT": str(tmp_path / "a.pem")})
    with pytest.raises(ConfigError, match="no such file"):
        Config.from_env({"COMPOSURE_TLS_CERT": str(tmp_path / "a"), "COMPOSURE_TLS_KEY": str(tmp_path / "b")})


def test_a_stress_model_that_cannot_be_used_is_refused_at_start(tmp_path: Path):
    path = tmp_path / "mine.json"
    settings = {"data_dir": str(tmp_path), "stress_model": str(path)}
    with pytest.raises(ConfigError, match=r"stress_model: .*mine\.json cannot be read"):
        make_app(Config.from_env({}, settings))
    path.write_text("{}")
    with pytest.raises(ConfigError, match=r"stress_model: .*is not a stress module"):
        make_app(Config.from_env({}, settings))
    write_stress_module(MODULE, path, {})
    make_app(Config.from_env({}, settings))


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
