"""/metrics: who gets it, what it says during a real call, and whom it does not name."""

import asyncio
from dataclasses import fields

import pytest
from prometheus_client.parser import text_string_to_metric_families

from server.http import keys
from server.rtc.counters import DROPS, Counters
from tests.fakes.rtc_peer import until
from tests.http.call import a_call
from tests.http.world import a_world

TOKEN = "a-token-of-some-length"


def samples(text):
    """Return name and labels to value, as Prometheus reads it."""
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def read(world):
    status, text = await world.anonymous.ask("GET", "/metrics")
    assert status == 200, text
    return samples(text)


async def test_this_machine_may_read_them_and_nobody_through_a_proxy(world):
    assert (await world.anonymous.ask("GET", "/metrics"))[0] == 200
    assert world.anonymous.last.content_type == "text/plain"
    for name in ("X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"):
        assert (await world.anonymous.ask("GET", "/metrics", headers={name: "203.0.113.7"}))[0] == 404


@pytest.mark.parametrize("settings", [{"behind_proxy": "1"}, {"public_url": "https://interviews.example.org"}])
async def test_a_server_behind_a_proxy_shows_them_to_nobody_without_a_token(tmp_path, settings):
    async with a_world(tmp_path, **settings) as world:
        status, text = await world.browser().ask("GET", "/metrics")
        assert status == 404
        assert "composure_" not in text


async def test_with_a_token_only_its_holder(tmp_path):
    async with a_world(tmp_path, metrics_token=TOKEN, behind_proxy="1") as world:
        for bearer in (None, "wrong-token-of-some-length", TOKEN[:-1]):
            status, text = await world.browser(bearer=bearer).ask("GET", "/metrics")
            assert status == 403
            assert "composure_" not in text
        status, text = await world.browser(bearer=TOKEN).ask("GET", "/metrics", headers={"X-Forwarded-For": "1.2.3.4"})
        assert status == 200
        assert TOKEN not in repr(world.app[keys.CONFIG])


@pytest.mark.slow
def _bits_per_s(figures):
    """Return the rates of both directions and kinds."""
    return [
        figures["composure_bits_per_second", ("direction", direction), ("kind", kind)]
        for direction in ("publish", "watch")
        for kind in ("audio", "video")
    ]


async def test_the_figures_move_with_a_call_and_name_nobody(world):
    before = await read(world)
    assert before["composure_publishers",] == 0
    async with a_call(world) as call, call.watching() as view:
        await until(lambda: len(view.video.packets) > 60)
        plane = world.app[keys.PLANE]
        await until(lambda: all(report.rtt_s is not None for report in plane.reports()), 20)
        async with asyncio.timeout(60):  # rates look back a second, in which a busy machine may have sent nothing
            while not all(_bits_per_s(during := await read(world))):  # noqa: ASYNC110 - there is no event for it
                await asyncio.sleep(0.2)
        _, text = await world.anonymous.ask("GET", "/metrics")
    await until(lambda: world.app[keys.PLANE].measures.closes.count >= 2)
    after = await read(world)

    for name, least in (
        ("composure_media_packets_in_total", 100),
        ("composure_media_packets_out_total", 60),
        ("composure_media_bytes_out_total", 10_000),
        ("composure_media_publications_total", 1),
        ("composure_media_views_total", 1),
        ("composure_media_plis_total", 0),
        ("composure_media_nacks_total", 0),
        ("composure_dwell_seconds_count", 30),  # what a viewer gets from the history has waited for nobody
        ("composure_join_seconds_count", 2),
        ("composure_first_picture_seconds_count", 1),
    ):
        assert during[name,] - before[name,] >= least, name
        assert after[name,] >= during[name,], name
    assert during["composure_publishers",] == during["composure_viewers",] == 1
    assert during["composure_rooms",] == during["composure_interviews_live",] == 1
    assert during["composure_pages",] == 2
    assert after["composure_close_seconds_count",] >= 2
    for direction in ("publish", "watch"):
        assert 0 < during["composure_rtt_seconds", ("direction", direction), ("quantile", "1")] < 1
    assert during["composure_asked_bits_per_second", ("quantile", "0.5")] > 100_000
    assert during["composure_loop_lag_p99_seconds",] >= 0
    assert during["composure_draining",] == 0
    assert during["process_resident_memory_bytes",] > 10_000_000
    assert during["process_open_fds",] > 5
    assert {name for name, *_ in during} >= {
        "composure_media_frozen_seconds_total",
        "composure_media_packets_lost_total",
        "composure_jitter_seconds",
        "composure_jitter_buffer_packets",
        "composure_loss_share",
        "composure_loop_stalls_total",
        "composure_worker_restarts_total",
        "composure_analysis_latency_seconds_bucket",
        "composure_estimates_total",
        "composure_build_info",
        "process_cpu_seconds_total",
    }
    secrets = [call.candidate_access["room_id"], "Vicky", "Olga", "Secret title"]
    secrets += [access["participant_id"] for access in (call.candidate_access, call.interviewer_access)]
    assert not [secret for secret in secrets if secret in text]


async def test_every_drop_has_its_reason(world):
    figures = await read(world)
    assert {reason for name, (_, reason) in [key for key in figures if key[0] == "composure_dropped_total"]} >= DROPS
    names = [item.name for item in fields(Counters)]
    assert set(names) >= DROPS
    words = ("dropped", "refused", "withheld", "unsendable", "strangers", "malformed", "_over_", "discarded", "ignored")
    for name in names:
        if any(word in name for word in words):
            assert name in DROPS, f"{name} counts a drop: put it into DROPS"


async def test_draining_shows(world):
    world.app[keys.ROOMS].drain(world.interview.interview.scheduled_at)
    assert (await read(world))["composure_draining",] == 1


async def test_a_stall_is_counted(world):
    before = await read(world)
    world.app[keys.LAG].add(0.3)
    await asyncio.sleep(0)
    after = await read(world)
    assert after["composure_loop_stalls_total",] - before["composure_loop_stalls_total",] >= 1
    assert after["composure_loop_longest_stall_seconds",] >= 0.3
