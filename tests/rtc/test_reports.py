"""What the plane says about its connections, from real calls."""

from tests.fakes.rtc_peer import until
from tests.rtc.test_plane import bench


async def test_a_call_is_measured_from_offer_to_close():
    async with bench() as it:
        measures = it.plane.measures
        await it.publisher()
        await it.live()
        await it.viewer()
        await until(lambda: measures.first_pictures.count == 1)
        assert measures.joins.count == 2
        assert 0 < measures.joins.sum_s < 10
        await until(lambda: measures.dwells.count > 50)
        # Forwarded at once: a packet that waits for a timer would spoil the mean.
        assert measures.dwells.sum_s / measures.dwells.count < 0.05
        await it.plane.close_room("room")
        await until(lambda: measures.closes.count == 2)
        assert measures.closes.sum_s < 2
