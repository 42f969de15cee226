import numpy as np
import pytest

from pipeline.physiology.skin import (
    _FOREHEAD_BASE,
    _FOREHEAD_MIDDLE,
    _FOREHEAD_RIM,
    _LEFT_CHEEK,
    _RIGHT_CHEEK,
    mean_skin,
    turn,
)


def circle(indices, points, x, y, radius):
    angles = np.linspace(0, 2 * np.pi, len(indices), endpoint=False)
    points[list(indices), 0] = x + radius * np.cos(angles)
    points[list(indices), 1] = y + radius * np.sin(angles)


@pytest.fixture
def points():
    """A face that looks ahead, with round cheeks and a rectangular forehead."""
    points = np.zeros((478, 3), np.float32)
    circle(_RIGHT_CHEEK, points, 120, 150, 20)
    circle(_LEFT_CHEEK, points, 200, 150, 20)
    across = np.linspace(120, 200, 7)
    points[list(_FOREHEAD_RIM), :2] = points[list(_FOREHEAD_MIDDLE), :2] = np.column_stack((across, np.full(7, 60)))
    points[list(_FOREHEAD_BASE), :2] = np.column_stack((across[::-1], np.full(7, 90)))
    points[234, :2], points[6, :2], points[454, :2] = (90, 120), (160, 120), (230, 120)
    return points


@pytest.fixture
def picture():
    """Another colour where each region lies."""
    rgb = np.full((240, 320, 3), 90, np.uint8)
    rgb[50:100, 110:210] = (150, 110, 80)
    rgb[125:175, 95:145] = (160, 120, 90)
    rgb[125:175, 175:225] = (170, 130, 100)
    return rgb


def test_each_region_gives_its_own_colour(picture, points):
    np.testing.assert_allclose(mean_skin(picture, points), [(150, 110, 80), (160, 120, 90), (170, 130, 100)], atol=0.5)


def test_dark_and_clipped_pixels_are_left_out(picture, points):
    picture[140:150, 110:130] = 0
    picture[150:155, 110:130] = 255
    np.testing.assert_allclose(mean_skin(picture, points)[1], (160, 120, 90), atol=0.5)


def test_a_mostly_clipped_region_is_not_measured(picture, points):
    picture[125:175, 95:138] = 255
    assert np.isnan(mean_skin(picture, points)[1]).all()
    assert np.isfinite(mean_skin(picture, points)[2]).all()


def test_a_region_that_reaches_out_of_the_frame_is_not_measured(picture, points):
    points[:, 0] -= 105
    skin = mean_skin(picture, points)
    assert np.isnan(skin[1]).all()
    assert np.isfinite(skin[2]).all()


def test_the_cheek_that_is_turned_away_is_not_measured(picture, points):
    points[6, 0] = 90 + 140 * 0.9
    assert turn(points) == pytest.approx(0.8)
    skin = mean_skin(picture, points)
    assert np.isfinite(skin[1]).all()
    assert np.isnan(skin[2]).all()


def test_points_that_are_not_numbers_give_nothing(picture, points):
    points[0, 0] = np.nan
    assert np.isnan(mean_skin(picture, points)).all()
