"""The generated faces show what they say, and the pipeline reads it: a small scripts/evaluate_blink_gaze."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest

from models.face_mesh import FaceMeshFinder
from pipeline.types import Reason
from pipeline.video.frame import make_frame
from pipeline.video.gaze import zone_of
from pipeline.video.geometry import FaceGeometry, measure_geometry
from scripts.blink_gaze_faces import Blink, Face, RelieffedPortrait, frame_times, lid_at, random_blinks
from scripts.evaluate_blink_gaze import Clip, measure_clip, script_zones, zone_face


@pytest.fixture(scope="module")
def portrait() -> RelieffedPortrait:
    return RelieffedPortrait()


@pytest.fixture(scope="module")
def measure(portrait) -> Iterator[object]:
    finder = FaceMeshFinder()

    def measure(face: Face) -> FaceGeometry:
        picture = portrait.render(face)
        landmarks = [finder(picture) for _ in range(3)][-1]
        return measure_geometry(make_frame(t_s=0, rgb=picture, landmarks=landmarks, kbps=None))

    yield measure
    finder.close()


@pytest.mark.parametrize("angles", [(0, 0, 0), (-20, 0, 0), (15, -10, 0), (0, 10, 15)])
def test_pose_is_read_within_5_degrees(measure, angles):
    found = measure(Face(yaw_deg=angles[0], pitch_deg=angles[1], roll_deg=angles[2]))
    assert (found.yaw_deg, found.pitch_deg, found.roll_deg) == pytest.approx(angles, abs=5)


@pytest.mark.parametrize("yaw", [-38, 33])
def test_face_turned_far_is_turned_away_or_not_found(measure, yaw):
    face = measure(Face(yaw_deg=yaw))
    assert face.reason in (Reason.TURNED_AWAY, Reason.UNCLEAR, Reason.NO_FACE)
    assert face.quality == 0


def test_lid_that_comes_down_closes_the_eye(measure):
    openings = [np.mean(measure(Face(lid=lid)).eye_opening) for lid in (0.0, 0.6, 1.0)]
    assert openings[0] > 0.25
    assert openings[1] < 0.8 * openings[0]
    assert openings[2] < 0.4 * openings[0]


@pytest.mark.parametrize("yaw", [-15, 0, 15])
def test_gaze_is_read_in_zones_around_the_centre_whatever_the_head_does(measure, yaw):
    centre = measure(Face()).gaze_deg
    for zone in (1, 3, 4, 5, 7):
        face = zone_face(zone)
        found = measure(Face(yaw_deg=yaw, gaze_yaw_deg=face.gaze_yaw_deg, gaze_pitch_deg=face.gaze_pitch_deg))
        assert zone_of(*np.subtract(found.gaze_deg, centre).tolist()) == zone


def test_clip_with_blinks_is_scored(portrait):
    score = measure_clip(portrait, Clip(name="short", yaws_deg=(0.0,), fps=15.0), seconds=6.5, seed=1)
    assert score.n_blinks > 0
    assert score.blink_f1 >= 0.8


def test_scripts_are_what_they_say():
    assert script_zones(5, seed=0)[1::2] == (4, 4)
    assert len(frame_times(10, 30)) == 300
    assert 200 < len(frame_times(10, 30, dropped=0.2)) < 280
    blinks = random_blinks(60, seed=2)
    assert all(b.start_s - a.start_s >= 0.9 for a, b in pairwise(blinks))
    blink = Blink(start_s=1.0, duration_s=0.3)
    assert lid_at([blink], 1.1) == pytest.approx(1, abs=0.1)
    assert lid_at([blink], 0.9) == lid_at([blink], 1.4) == 0
