import pytest

from models.face_choice import CLEARLY_MORE, LOST_CALLS, Box, Identity, are_one_face, choose

SIZE = (640, 480)
MIDDLE = Box(270, 190, 370, 290)


def moved(box: Box, by: float) -> Box:
    return Box(box.left + by, box.top, box.right + by, box.bottom)


def test_larger_face_wins_and_of_equal_ones_the_more_central():
    larger = Box(20, 150, 170, 300)
    beside = moved(MIDDLE, 220)
    assert choose(MIDDLE, [larger, beside], SIZE, margin=1.0) == larger
    assert choose(MIDDLE, [beside], SIZE, margin=1.0) is None
    assert choose(beside, [MIDDLE], SIZE, margin=1.0) == MIDDLE


def test_followed_face_stays_unless_another_is_clearly_more():
    larger = Box(20, 150, 150, 280)
    assert choose(MIDDLE, [larger], SIZE, margin=CLEARLY_MORE) is None
    assert choose(MIDDLE, [Box(0, 100, 260, 360)], SIZE, margin=CLEARLY_MORE) is not None


def test_boxes_of_one_face_are_one_and_of_neighbours_are_not():
    assert are_one_face(MIDDLE, Box(280, 160, 360, 300))
    assert not are_one_face(MIDDLE, moved(MIDDLE, 110))


def test_face_that_moves_keeps_its_number():
    identity = Identity()
    assert [identity.see(moved(MIDDLE, 40 * i), SIZE) for i in range(5)] == [0] * 5


def test_place_in_a_frame_of_another_size_is_the_same_from_the_middle_outwards():
    assert Box(320, 120, 480, 240).carried(SIZE, (320, 240)) == Box(160, 60, 240, 120)
    turned = Box(320, 120, 480, 240).carried(SIZE, (480, 640))
    assert turned == Box(240, 200, 400, 320)


@pytest.mark.parametrize("size", [(160, 120), (1280, 960), (360, 640), (1280, 720)])
def test_picture_of_another_size_makes_nobody_another_person(size):
    beside = moved(MIDDLE, 150)
    identity = Identity()
    identity.see(beside, SIZE)
    scale = max(size) / max(SIZE)
    assert identity.see(beside.carried(SIZE, size), size) == 0
    assert identity.see(moved(MIDDLE.carried(SIZE, size), -230 * scale), size) == 1


@pytest.mark.parametrize("other", [moved(MIDDLE, 230), Box(220, 140, 440, 360)])
def test_face_elsewhere_or_of_another_size_gets_another_number(other):
    identity = Identity()
    identity.see(MIDDLE, SIZE)
    assert identity.see(other, SIZE) == 1
    assert identity.see(other, SIZE) == 1


def test_face_that_comes_back_near_where_it_was_keeps_its_number():
    identity = Identity()
    identity.see(MIDDLE, SIZE)
    for _ in range(30):
        identity.miss()
    assert identity.see(moved(MIDDLE, 200), SIZE) == 0
    for _ in range(LOST_CALLS + 1):
        identity.miss()
    assert identity.see(moved(MIDDLE, 200), SIZE) == 1
