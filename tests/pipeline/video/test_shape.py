"""Pictures of every bad kind through FaceMesh and all extractors: sane values, or a reason."""

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from models.face_mesh import FaceMeshFinder
from pipeline.session import new_session, step
from pipeline.types import FaceFrame, ImageArray, Reason, Signal, Tick
from pipeline.video.frame import make_frame
from pipeline.video.shape import DEFINITIONS, ShapeState, follow_shape, view_shape
from tests.pipeline.video.geometries import assert_sane

HEAD = astronaut()[:256, 94:350]


@pytest.fixture(scope="module")
def finder() -> Iterator[FaceMeshFinder]:
    finder = FaceMeshFinder()
    yield finder
    finder.close()


def framed(width: int, height: int, side_px: int) -> ImageArray:
    frame = np.full((height, width, 3), 120, np.uint8)
    left, top = (width - side_px) // 2, (height - side_px) // 2
    frame[top : top + side_px, left : left + side_px] = cv2.resize(HEAD, (side_px, side_px))
    return frame


def masked() -> ImageArray:
    frame = framed(640, 480, 400)
    # The face's own lower half, under a surgical mask.
    cv2.ellipse(frame, (320, 300), (90, 75), 0, 0, 360, (150, 190, 205), -1)
    return frame


def with_glasses() -> ImageArray:
    frame = framed(640, 480, 400)
    for x in (287, 356):
        cv2.circle(frame, (x, 200), 30, (30, 25, 25), 4, cv2.LINE_AA)
    return frame


def seen(finder: FaceMeshFinder, picture: ImageArray, fps: float = 12.5, seconds: float = 16.0) -> dict[str, Signal]:
    """The signals after so long in front of a still picture."""
    state = follow(finder, picture, fps, seconds)
    signals = view_shape(state, seconds)
    assert_sane(signals, DEFINITIONS)
    return {signal.name: signal for signal in signals}


def follow(finder: FaceMeshFinder, picture: ImageArray, fps: float, seconds: float) -> ShapeState:
    finder(np.zeros_like(picture))
    found = [make_frame(t_s=0, rgb=picture, landmarks=finder(picture), kbps=None) for _ in range(6)]
    state = ShapeState()
    for i_frame in range(round(fps * seconds)):
        state = follow_shape(state, replace(found[i_frame % 3 + 3], t_s=i_frame / fps))
    return state


@pytest.mark.parametrize(
    "picture",
    [framed(640, 480, 400), framed(1920, 1080, 900), with_glasses(), framed(640, 480, 400)[:, ::-1]],
    ids=["640x480", "1080p", "glasses", "mirrored"],
)
def test_usable_picture_gives_values_of_a_still_face(finder, picture):
    signals = seen(finder, picture)
    for name in ("eyes.blink_rate", "gaze.contact_share", "head.yaw", "head.distance", "expression.smile_proxy"):
        assert signals[name].reason is Reason.OK, name
        assert signals[name].quality > 0.1, name
    assert signals["eyes.blink_rate"].value == 0
    assert signals["gaze.contact_share"].value == 1
    assert abs(signals["head.yaw"].value) < 10
    assert 20 < signals["head.distance"].value < 200
    assert signals["face.count"].value == 1


@pytest.mark.parametrize(("quarter", "roll_deg"), [(1, -90), (3, 90)])
def test_turned_picture_has_the_roll_of_the_camera(finder, quarter, roll_deg):
    signals = seen(finder, np.ascontiguousarray(np.rot90(framed(640, 480, 400), quarter)))
    assert signals["head.roll"].value == pytest.approx(roll_deg, abs=15)
    assert abs(signals["head.yaw"].value) < 15


def test_picture_that_stands_on_its_head_is_read_with_little_quality(finder):
    signals = seen(finder, np.ascontiguousarray(np.rot90(framed(640, 480, 400), 2)))
    assert all(signal.quality < 0.5 for name, signal in signals.items() if name != "face.count")


def test_tiny_frame_weakens_or_ends_what_the_eyes_say(finder):
    clear = seen(finder, framed(640, 480, 400))["eyes.closure_share"]
    tiny = seen(finder, framed(160, 120, 100))["eyes.closure_share"]
    assert tiny.quality < 0.8 * clear.quality
    smaller = seen(finder, framed(160, 120, 45))["eyes.closure_share"]
    assert smaller.value is None
    assert smaller.reason in (Reason.SMALL_FACE, Reason.NO_FACE, Reason.UNCLEAR)


def test_ten_frames_a_second_say_where_but_not_how_often_the_eyes_blink(finder):
    signals = seen(finder, framed(640, 480, 400), fps=10)
    assert signals["eyes.blink_rate"].reason is Reason.LOW_RATE
    assert signals["expression.micro_candidates"].reason is Reason.LOW_RATE
    assert signals["gaze.contact_share"].value == 1


@pytest.mark.parametrize(
    "picture",
    [np.full((480, 640, 3), 90, np.uint8), (framed(640, 480, 400) * 0.03).astype(np.uint8)],
    ids=["empty", "dark"],
)
def test_no_usable_face_gives_reasons_only(finder, picture):
    signals = seen(finder, picture)
    known = {name for name, signal in signals.items() if signal.value is not None}
    assert known <= {"face.count"} or signals["eyes.blink_rate"].quality < 0.3
    if known == {"face.count"}:
        assert signals["head.yaw"].reason in (Reason.NO_FACE, Reason.DARK, Reason.UNCLEAR)


def test_mask_costs_the_detector_confidence_and_gives_no_expression(finder):
    clear, covered = framed(640, 480, 400), masked()
    scores = []
    for picture in (clear, covered):
        finder(np.zeros_like(picture))
        scores.append([finder(picture) for _ in range(6)][-1].score)
    assert scores[1] < scores[0] - 0.03
    signals = seen(finder, covered)
    assert {signal.reason for name, signal in signals.items() if name.startswith("expression")} == {Reason.COVERED}
    assert signals["eyes.blink_rate"].reason is Reason.OK
    assert signals["gaze.contact_share"].reason is Reason.OK


def test_two_faces_are_counted(finder):
    frame = np.full((480, 960, 3), 120, np.uint8)
    frame[40:440, 40:440] = cv2.resize(HEAD, (400, 400))
    frame[40:300, 660:920] = cv2.resize(HEAD, (260, 260))
    assert seen(finder, frame)["face.count"].value == 2


def test_frames_out_of_order_and_twice_change_nothing():
    frame = FaceFrame(t_s=1.0, size=(640, 480), points=None)
    state = follow_shape(ShapeState(), frame)
    assert follow_shape(state, frame) is state
    assert follow_shape(state, replace(frame, t_s=0.5)) is state


def test_session_hands_frames_on_and_collects_the_signals():
    state = new_session()
    for i_frame in range(30):
        state, _ = step(state, FaceFrame(t_s=i_frame / 30, size=(640, 480), points=None))
    _, (estimate,) = step(state, Tick(t_s=1.0))
    by_name = {signal.name: signal for signal in estimate.signals}
    assert by_name["face.count"].value == 0
    assert by_name["eyes.blink_rate"].reason is Reason.NO_FACE
