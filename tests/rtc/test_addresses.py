"""Which addresses are offered: the setting, the interfaces, and the public address of a one-to-one NAT."""

import pytest

from server.clock import monotonic_s
from server.config import Config
from server.errors import Unavailable
from server.rtc.addresses import advertised_address, interface_addresses, local_addresses
from server.rtc.plane import MediaPlane
from tests.fakes.coturn import free_port
from tests.fakes.nat import Nat
from tests.fakes.rtc_peer import PublishingClient, WatchingClient, until


def config(**settings):
    return Config.from_env({}, settings)


def test_loopback_is_offered_by_a_local_server_only():
    assert "127.0.0.1" in local_addresses(config())
    assert "127.0.0.1" not in local_addresses(config(host="0.0.0.0"))
    assert local_addresses(config(ice_addresses="127.0.0.3")) == ["127.0.0.3"]


def test_interfaces_are_chosen_by_name():
    outside = {name for name, address in interface_addresses() if not address.startswith("127.") and address != "::1"}
    of = {name: [address for n, address in interface_addresses() if n == name] for name in outside}
    assert "127.0.0.1" in local_addresses(config(host="0.0.0.0", ice_interfaces="lo"))
    assert local_addresses(config(host="0.0.0.0", ice_interfaces="nosuch*")) == []
    for name in outside:
        assert sorted(local_addresses(config(ice_interfaces=name))) == sorted(of[name])
        others = local_addresses(config(host="0.0.0.0", ice_interfaces=f"!{name}"))
        assert not set(others) & set(of[name])
        assert local_addresses(config(host="0.0.0.0", ice_interfaces=f"{name},!{name[:2]}*")) == []


def test_a_pattern_does_not_offer_loopback_and_a_local_server_keeps_it():
    assert not any(
        address.startswith("127.") for address in local_addresses(config(host="0.0.0.0", ice_interfaces="*"))
    )
    assert "127.0.0.1" in local_addresses(config(ice_interfaces="!nosuch*"))


def test_the_public_address_stands_for_the_local_one():
    plain = config(public_addresses="203.0.113.7").public_addresses
    assert advertised_address(plain, "10.0.0.5") == "203.0.113.7"
    assert advertised_address(plain, "fd00::5") == "fd00::5"
    assert advertised_address(plain, "127.0.0.1") == "127.0.0.1"
    each = config(public_addresses="203.0.113.7/10.0.0.5,203.0.113.8/10.0.0.6,2001:db8::7/fd00::5").public_addresses
    assert advertised_address(each, "10.0.0.6") == "203.0.113.8"
    assert advertised_address(each, "10.0.0.9") == "10.0.0.9"
    assert advertised_address(each, "fd00:0::5") == "2001:db8::7"
    mixed = config(public_addresses="203.0.113.7,203.0.113.8/10.0.0.6").public_addresses
    assert [advertised_address(mixed, local) for local in ("10.0.0.5", "10.0.0.6")] == ["203.0.113.7", "203.0.113.8"]


async def test_media_flows_through_a_nat_by_the_public_address_alone():
    first = free_port()
    settings = {"ice_addresses": "127.0.0.1", "public_addresses": "127.0.0.2/127.0.0.1"}
    it = config(**settings, udp_ports=f"{first}-{first + 3}")
    plane = MediaPlane(it, clock=monotonic_s, on_publisher=lambda event: None)
    candidate, interviewer = PublishingClient(), WatchingClient()
    async with Nat("127.0.0.2", "127.0.0.1", it.udp_ports) as nat:
        # Offered without addresses: a machine outside cannot be reached but through the mapping it opened itself.
        for client, opened in ((candidate, plane.publish), (interviewer, plane.watch)):
            offer = (
                "\r\n".join(line for line in (await client.offer()).splitlines() if "candidate" not in line) + "\r\n"
            )
            who = ("room", "candidate") if client is candidate else ("room", "candidate", "interviewer")
            resource = await opened(*who, offer)
            told = [line.split()[4] for line in resource.answer_sdp.splitlines() if line.startswith("a=candidate")]
            assert set(told) == {"127.0.0.2"}
            assert "127.0.0.1" not in resource.answer_sdp
            await client.accept(resource.answer_sdp)
        await until(lambda: len(interviewer.video.packets) > 50 and len(interviewer.audio.packets) > 20)
        assert nat.n_forwarded > 70
        await candidate.close()
        await interviewer.close()
        await plane.close()


async def test_no_address_to_offer_is_said():
    plane = MediaPlane(config(ice_interfaces="nosuch0"), clock=monotonic_s, on_publisher=lambda event: None)
    client = PublishingClient()
    with pytest.raises(Unavailable, match="no network address"):
        await client.publish(plane)
    await client.close()
    await plane.close()
