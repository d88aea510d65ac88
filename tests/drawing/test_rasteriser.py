"""The pixels of every tool are those of docs/drawing.md."""

import numpy as np
import pytest
from drawing.specification import covered, painted, random_shape
from scipy import ndimage

from smis_core.drawing import (
    MAX_POINTS,
    MAX_SIZE,
    REACH,
    Bucket,
    Ellipse,
    Landmark,
    Polygon,
    Rectangle,
    Stroke,
    rasterise,
)


def stroke(points, sizes=16, brush="round"):
    return Stroke(index=1, points=np.array(points), sizes=sizes, brush=brush)


def picture(text):
    return np.array([[each == "#" for each in row] for row in text.split()])


@pytest.mark.parametrize("seed", range(20))
def test_every_tool_follows_the_specification(seed):
    rng = np.random.default_rng(seed)
    for _ in range(25):
        height, width = (int(side) for side in rng.integers(1, 60, 2))
        operation = random_shape(rng, height, width)
        wanted = covered(operation, (height, width))
        assert np.array_equal(painted(operation, (height, width)), wanted), operation


def test_the_box_is_the_smallest():
    box, mask = rasterise(stroke([[40, 40], [100, 60]], 30), (64, 64))
    assert mask.shape == (box.bottom - box.top, box.right - box.left)
    for side in (mask[0], mask[-1], mask[:, 0], mask[:, -1]):
        assert side.any()


def test_a_disc_and_an_ellipse_by_eye():
    disc = picture("..###.. .#####. ####### ####### ####### .#####. ..###..")
    assert np.array_equal(painted(stroke([[56, 56]], 7 * 16), (7, 7)), disc)
    oval = picture(".######. ######## ######## .######.")
    assert np.array_equal(painted(Ellipse(index=1, points=[[0, 0], [127, 63]]), (4, 8)), oval)


def test_a_thin_line_is_one_pixel_wide_and_in_one_piece():
    rng = np.random.default_rng(1)
    for _ in range(50):
        ends = rng.integers(0, 1024, (2, 2))
        mask = painted(stroke(ends), (64, 64))
        assert ndimage.label(mask, np.ones((3, 3)))[1] == 1
        lengths = np.ptp(ends // 16, axis=0)
        assert mask.sum() <= lengths.sum() + 1
        assert [mask.any(axis=0).sum(), mask.any(axis=1).sum()] == (lengths + 1).tolist()


@pytest.mark.parametrize("brush", ["round", "square"])
def test_a_stroke_may_be_sent_in_pieces_that_share_a_point(brush):
    rng = np.random.default_rng(2)
    points, sizes = rng.integers(-200, 1200, (40, 2)), rng.integers(1, 300, 40)
    whole = painted(stroke(points, sizes, brush), (64, 64))
    pieces = np.zeros_like(whole)
    for start in range(0, 39, 3):
        piece = slice(start, start + 4)
        pieces |= painted(stroke(points[piece], sizes[piece], brush), (64, 64))
    assert np.array_equal(whole, pieces)


@pytest.mark.parametrize("brush", ["round", "square"])
def test_shifting_by_whole_pixels_shifts_the_stroke(brush):
    points = np.array([[300, 333], [420, 401], [350, 520]])
    here = painted(stroke(points, [20, 90, 50], brush), (64, 64))
    there = painted(stroke(points + 16 * 5, [20, 90, 50], brush), (64, 64))
    assert np.array_equal(there[5:, 5:], here[:-5, :-5])


def test_a_broad_stroke_is_as_broad_as_it_says():
    """Against the distance to the line, in floating point."""
    ends = np.array([[200.0, 300.0], [1500.0, 1100.0]])
    mask = painted(stroke(ends.astype(int), 640), (128, 128))
    y, x = np.mgrid[:128, :128] * 16 + 8.0
    along = ends[1] - ends[0]
    place = ((x - ends[0, 0]) * along[0] + (y - ends[0, 1]) * along[1]) / (along @ along)
    place = place.clip(0, 1)
    distance = np.hypot(x - ends[0, 0] - place * along[0], y - ends[0, 1] - place * along[1])
    assert mask[distance < 320 - 4].all()
    assert not mask[distance > 320 + 4].any()


def test_a_square_of_whole_pixels_has_that_many():
    for size in (1, 2, 3, 8):
        for offset in range(16):
            mask = painted(stroke([[160 + offset, 160 - offset]], size * 16, "square"), (32, 32))
            assert mask.sum() == size * size


def test_neighbouring_polygons_share_no_pixel():
    rng = np.random.default_rng(3)
    corners = np.array([[0, 0], [1024, 0], [1024, 1024], [0, 1024]])
    for _ in range(20):
        middle = rng.integers(1, 1023, 2)
        count = sum(
            painted(
                Polygon(index=1, points=[corners[k], corners[(k + 1) % 4], middle]), (64, 64)
            ).astype(int)
            for k in range(4)
        )
        assert (count == 1).all()


def test_a_lasso_that_crosses_itself_is_full():
    star = [[512, 0], [800, 1000], [20, 380], [1000, 380], [220, 1000]]
    assert painted(Polygon(index=1, points=star), (64, 64))[36, 32]


def test_a_click_with_a_rectangle_is_a_pixel():
    mask = painted(Rectangle(index=1, points=[[35, 50], [35, 50]]), (8, 8))
    assert np.argwhere(mask).tolist() == [[3, 2]]


def test_what_lies_outside_covers_nothing():
    assert rasterise(stroke([[-400, -400]], 64), (64, 64)) is None
    assert rasterise(Polygon(index=1, points=[[5, 5]]), (64, 64)) is None
    assert rasterise(Landmark(index=1, at=[9000, 9000]), (64, 64)) is None


def test_the_largest_numbers_do_not_overflow():
    far = [[-REACH, -REACH], [REACH, REACH], [REACH, -REACH]]
    for brush in ("round", "square"):
        assert painted(stroke(far, MAX_SIZE, brush), (300, 200)).all()
    assert painted(Polygon(index=1, points=far), (64, 64))[10, 40]
    assert painted(Ellipse(index=1, points=[[-REACH] * 2, [REACH] * 2]), (64, 64)).all()
    tangle = np.array([[-16, 8], [480, 8]] * (MAX_POINTS // 2))
    tangle[:, 1] += np.arange(MAX_POINTS) % 3
    assert painted(stroke(tangle), (4, 30))[0].all()


def test_only_shapes_are_rasterised():
    with pytest.raises(TypeError, match="Bucket; use apply"):
        rasterise(Bucket(index=1, at=[0, 0]), (8, 8))


@pytest.mark.parametrize(
    ("fields", "error", "words"),
    [
        ({"points": [[0.5, 1]]}, TypeError, "float64"),
        ({"points": [[float("nan"), 1]]}, TypeError, "float64"),
        ({"points": [[REACH + 1, 0]]}, ValueError, "131073"),
        ({"points": [[1 << 40, 0]]}, ValueError, "32-bit"),
        ({"points": np.zeros((0, 2), int)}, ValueError, "1 to 32768 were wanted, got 0"),
        ({"points": np.zeros((MAX_POINTS + 1, 2), int)}, ValueError, "got 32769"),
        ({"points": [[0, 0, 0]]}, ValueError, r"\[N, 2\]"),
        ({"sizes": 0}, ValueError, "got 0 to 0"),
        ({"sizes": MAX_SIZE + 1}, ValueError, "16385"),
        ({"sizes": [1, 2]}, ValueError, "one for each of 1"),
        ({"brush": "soft"}, ValueError, "'soft'"),
        ({"index": 256}, ValueError, "got 256"),
        ({"index": True}, TypeError, "bool"),
        ({"protect": (300,)}, ValueError, "protect"),
        ({"points": [[-REACH, 0], [REACH, 0]] * 80}, ValueError, "in pieces"),
    ],
)
def test_refuses_what_is_no_stroke(fields, error, words):
    with pytest.raises(error, match=words):
        Stroke(**{"index": 1, "points": [[0, 0]], "sizes": 16} | fields)
