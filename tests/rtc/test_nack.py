from server.rtc.nack import MAX_GAP, MAX_TRIES, RETRY_S, NackTracker


def test_a_gap_is_asked_for_at_once_then_on_a_timer():
    nacks = NackTracker()
    assert nacks.received(10, 0.0) == []
    assert nacks.next_s is None
    assert nacks.received(13, 0.1) == [11, 12]
    assert nacks.due(0.1 + RETRY_S / 2) == []
    assert nacks.received(12, 0.11) == []
    assert nacks.due(0.1 + RETRY_S) == [11]
    assert nacks.received(11, 0.2) == []
    assert nacks.next_s is None


def test_small_gaps_without_end_are_not_all_asked_for():
    nacks = NackTracker()
    for n in range(1000):
        nacks.received(100 * n, 0.0)
        assert len(nacks.due(RETRY_S)) <= MAX_GAP


def test_gives_up_after_some_tries():
    nacks = NackTracker()
    nacks.received(1, 0.0)
    asked = len(nacks.received(3, 0.0))
    now_s = 0.0
    for _ in range(50):
        now_s += RETRY_S
        asked += len(nacks.due(now_s))
    assert asked == MAX_TRIES
    assert nacks.next_s is None


def test_a_huge_gap_is_not_asked_for():
    nacks = NackTracker()
    nacks.received(1, 0.0)
    assert nacks.received(MAX_GAP + 10, 0.0) == []
    assert nacks.next_s is None
    assert nacks.received(MAX_GAP + 12, 0.0) == [MAX_GAP + 11]
