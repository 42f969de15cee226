import numpy as np
import pytest

from pipeline.types import FaceFrame, Reason
from pipeline.video.geometry import (
    OUTER_CORNERS,
    RIGID_FACE_CM,
    RIGID_POINTS,
    angles_from_rotation,
    measure_geometry,
    rotation_from_angles,
)

SIZE = (640, 480)


def seen(angles: tuple[float, float, float], place_cm: tuple[float, float, float], size=SIZE) -> np.ndarray:
    """The mean face's rigid points as a camera sees them; angles from the camera's axes."""
    points = np.zeros((478, 3), np.float32)
    space = RIGID_FACE_CM @ rotation_from_angles(*angles).T + np.multiply(place_cm, (1, 1, -1))
    focal = max(size)
    points[RIGID_POINTS, 0] = size[0] / 2 + focal * space[:, 0] / -space[:, 2]
    points[RIGID_POINTS, 1] = size[1] / 2 + focal * space[:, 1] / space[:, 2]
    points[RIGID_POINTS, 2] = focal * (-place_cm[2] - space[:, 2]) / place_cm[2]
    return points


def measure(points, **more):
    return measure_geometry(FaceFrame(t_s=1.0, size=SIZE, points=points, n_faces=1, **more))


@pytest.mark.parametrize("angles", [(0, 0, 0), (20, 0, 0), (-15, 10, 5), (5, -20, -12), (0, 0, 90), (0, 0, 180)])
def test_angles_and_rotation_undo_each_other(angles):
    found = angles_from_rotation(rotation_from_angles(*angles))
    assert np.allclose(rotation_from_angles(*found), rotation_from_angles(*angles))
    if abs(angles[2]) < 90:
        assert found == pytest.approx(angles)


@pytest.mark.parametrize("angles", [(0, 0, 0), (20, 0, 0), (-15, 10, 5), (5, -20, -12), (0, 0, 90)])
def test_pose_and_distance_of_the_mean_face_are_found(angles):
    face = measure(seen(angles, (0, 0, 60)))
    assert face.reason is Reason.OK
    assert (face.yaw_deg, face.pitch_deg, face.roll_deg) == pytest.approx(angles, abs=0.1)
    assert face.place_cm == pytest.approx((0, 0, 60), abs=0.1)


def test_face_beside_the_middle_that_faces_the_camera_has_yaw_0():
    turn = np.degrees(np.arctan(-20 / 60))
    face = measure(seen((turn, 0, 0), (20, 0, 60)))
    assert face.yaw_deg == pytest.approx(0, abs=0.5)


def test_no_points_is_no_face_and_nan_too():
    assert measure(None).reason is Reason.NO_FACE
    assert measure(np.full((478, 3), np.nan, np.float32)).reason is Reason.NO_FACE


@pytest.mark.parametrize(
    ("points", "more", "reason"),
    [
        (seen((0, 0, 0), (0, 0, 400)), {}, Reason.SMALL_FACE),
        (seen((50, 0, 0), (0, 0, 60)), {}, Reason.TURNED_AWAY),
        (seen((0, -40, 0), (0, 0, 60)), {}, Reason.TURNED_AWAY),
        (seen((0, 0, 0), (0, 0, 60)), {"score": 0.3}, Reason.UNCLEAR),
        (seen((0, 0, 0), (0, 0, 60)), {"skin": np.full((3, 3), 9, np.float32)}, Reason.DARK),
        (np.zeros((478, 3), np.float32), {}, Reason.SMALL_FACE),
    ],
)
def test_unusable_face_has_a_reason_and_no_quality(points, more, reason):
    face = measure(points, **more)
    assert face.reason is reason
    assert face.quality == 0


def test_quality_falls_with_size_turn_and_score():
    clear = measure(seen((0, 0, 0), (0, 0, 60))).quality
    assert clear == 1
    for points, score in (
        (seen((0, 0, 0), (0, 0, 200)), 1.0),
        (seen((28, 0, 0), (0, 0, 60)), 1.0),
        (seen((0, 0, 0), (0, 0, 60)), 0.6),
    ):
        assert 0 < measure(points, score=score).quality < 0.8


def test_outer_corners_are_among_the_rigid_points():
    assert set(OUTER_CORNERS) <= set(RIGID_POINTS)
    mirrored = RIGID_FACE_CM[[3, 2, 1, 0, 4, 5, 6, 7, 9, 8, 10, 11, 13, 12]] * (-1, 1, 1)
    assert np.array_equal(mirrored, RIGID_FACE_CM)
