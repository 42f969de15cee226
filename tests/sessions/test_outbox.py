import asyncio

from server.sessions.outbox import Outbox


def message(type_: str, n: int = 0) -> dict:
    return {"type": type_, "n": n}


async def drain(outbox: Outbox) -> list[tuple[str, int]]:
    outbox.close()
    found = []
    while (item := await outbox.get()) is not None:
        found.append((item["type"], item["n"]))
    return found


async def test_messages_come_in_order():
    outbox = Outbox()
    outbox.put(message("welcome", 1))
    outbox.put(message("note", 2))
    assert await drain(outbox) == [("welcome", 1), ("note", 2)]


async def test_a_newer_state_replaces_a_waiting_one_and_comes_last():
    outbox = Outbox()
    for n in (1, 2, 3):
        outbox.put(message("state", n))
        outbox.put(message("note", n))
    assert await drain(outbox) == [("note", 1), ("note", 2), ("state", 3), ("note", 3)]
    assert outbox.dropped == 0


async def test_a_full_outbox_drops_the_oldest_estimate_and_counts():
    outbox = Outbox(max_messages=3)
    outbox.put(message("note", 0))
    for n in (1, 2, 3, 4):
        outbox.put(message("estimate", n))
    assert outbox.dropped == 2
    assert await drain(outbox) == [("note", 0), ("estimate", 3), ("estimate", 4)]


async def test_a_page_that_takes_nothing_is_closed():
    outbox = Outbox(max_messages=3)
    for n in range(4):
        outbox.put(message("note", n))
    assert outbox.is_closed
    assert outbox.dropped == 4
    assert await outbox.get() is None


async def test_what_waits_at_the_close_is_still_sent_then_the_last_word():
    outbox = Outbox(max_messages=1)
    outbox.put(message("note"))
    outbox.close(message("bye"))
    outbox.put(message("note", 9))
    outbox.close(message("bye", 9))
    assert await drain(outbox) == [("note", 0), ("bye", 0)]


async def test_a_waiting_reader_wakes_for_a_message_and_for_the_close():
    outbox = Outbox()
    reader = asyncio.create_task(outbox.get())
    await asyncio.sleep(0)
    outbox.put(message("note", 1))
    assert await reader == message("note", 1)
    reader = asyncio.create_task(outbox.get())
    await asyncio.sleep(0)
    outbox.close()
    assert await reader is None
