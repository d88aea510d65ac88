"""Fills stop where they should, regions move, guards hold."""

import numpy as np
import pytest
from drawing.specification import painted, random_shape
from scipy import ndimage

from smis_core.drawing import (
    Bucket,
    Clear,
    CopyFrom,
    Landmark,
    Mirror,
    MoveRegion,
    Rectangle,
    SmartFill,
    Stroke,
    apply,
    edge_strength,
    flood,
    region,
)
from smis_core.drawing.operations import Box
from smis_core.drawing.regions import close
from smis_core.labels import PORTRAITS, UNPAINTED


def paper(side=64):
    return np.full((side, side), UNPAINTED, np.uint8)


def middle_of(column, row):
    return [16 * column + 8, 16 * row + 8]


def room(gap, side=64):
    """A room with walls of index 3, open by so many pixels on the right."""
    indices = paper(side)
    indices[16:48, 16:48] = 3
    indices[18:46, 18:46] = UNPAINTED
    indices[30 : 30 + gap, 46:48] = UNPAINTED
    return indices


@pytest.mark.parametrize("seed", range(5))
def test_shapes_paint_what_they_cover_and_report_it_tightly(seed):
    rng = np.random.default_rng(seed)
    for _ in range(30):
        indices = rng.integers(0, 4, (40, 50)).astype(np.uint8)
        before = indices.copy()
        guards = {"only": (1, 2, 3), "protect": (2,)} if rng.random() < 0.5 else {}
        operation = random_shape(rng, 40, 50, index=int(rng.integers(0, 4)), **guards)
        allowed = np.isin(before, (1, 3)) if guards else np.ones_like(before, dtype=bool)
        box = apply(indices, operation)
        wanted = np.where(painted(operation, (40, 50)) & allowed, operation.index, before)
        assert np.array_equal(indices, wanted)
        changed = np.argwhere(indices != before)
        if box is None:
            assert not changed.size
        else:
            top, left = changed.min(axis=0)
            bottom, right = changed.max(axis=0) + 1
            assert (box.top, box.left, box.bottom, box.right) == (top, left, bottom, right)


@pytest.mark.parametrize("gap", [0, 1, 3, 8])
def test_paint_is_held_by_gaps_up_to_the_tolerance(gap):
    held = room(gap)
    apply(held, Bucket(index=7, at=middle_of(30, 30), gap=gap))
    assert (held[18:46, 18:46] == 7).all()
    assert (held == 7).sum() <= 28 * 28 + gap * (gap + 3)
    leaking = room(gap)
    if gap:
        apply(leaking, Bucket(index=7, at=middle_of(30, 30), gap=gap - 1))
        assert leaking[0, 0] == 7


def test_without_tolerance_the_fill_is_the_connected_region():
    rng = np.random.default_rng(0)
    for _ in range(20):
        indices = rng.integers(0, 2, (30, 30)).astype(np.uint8)
        row, column = rng.integers(0, 30, 2)
        labels, _ = ndimage.label(indices == indices[row, column])
        wanted = labels == labels[row, column]
        box, mask = flood(Bucket(index=5, at=middle_of(column, row)), indices)
        assert np.array_equal(mask, wanted[box.slices])
        assert mask.sum() == wanted.sum()


def test_tolerance_leaves_no_corner_of_the_room_empty():
    indices = paper()
    for shift in range(20):
        indices[10 + shift, 32 - shift] = indices[10 + shift, 32 + shift] = 3
        indices[48 - shift, 32 - shift] = indices[48 - shift, 32 + shift] = 3
    exact = indices.copy()
    apply(exact, Bucket(index=7, at=middle_of(32, 29)))
    apply(indices, Bucket(index=7, at=middle_of(32, 29), gap=3))
    assert (exact == 7).sum() > 600
    assert (indices == 7).sum() >= 0.98 * (exact == 7).sum()
    assert not ((indices == 7) & (exact != 7)).any()


def test_a_click_in_a_narrow_place_still_fills():
    indices = paper()
    indices[:, 10] = indices[:, 12] = 3
    apply(indices, Bucket(index=7, at=middle_of(11, 20), gap=30))
    assert (indices[:, 11] == 7).all()
    assert (indices == 7).sum() == 64
    assert apply(indices, Bucket(index=7, at=[-5, 3])) is None


def portrait(noise=6):
    """A bright disc on a dark ground, noisy, with the exact disc."""
    rows, columns = np.mgrid[:96, :96]
    disc = np.hypot(rows - 48, columns - 44) < 25
    ground = np.where(disc[..., None], [200, 150, 90], [60, 80, 110])
    grain = np.random.default_rng(0).integers(-noise, noise + 1, ground.shape)
    return (ground + grain).astype(np.uint8), disc


def test_smart_fill_finds_what_the_picture_shows():
    picture, disc = portrait()
    indices = paper(96)
    edges = edge_strength(picture)
    apply(indices, SmartFill(index=1, at=middle_of(44, 48)), edges=edges)
    found = indices == 1
    assert (found & disc).sum() / (found | disc).sum() > 0.97
    outside = paper(96)
    apply(outside, SmartFill(index=2, at=middle_of(3, 3)), edges=edges)
    assert ((outside == 2) & ~disc).sum() / ((outside == 2) | ~disc).sum() > 0.97


def test_smart_fill_needs_a_picture():
    with pytest.raises(ValueError, match="picture of the map's size"):
        apply(paper(), SmartFill(index=1, at=[0, 0]))
    with pytest.raises(ValueError, match="uint8"):
        edge_strength(np.zeros((4, 4)))


def test_edges_of_equal_grey_are_seen_in_colour():
    picture = np.zeros((8, 8, 3), np.uint8)
    picture[:, :4, 0] = picture[:, 4:, 1] = 100
    assert edge_strength(picture)[4].tolist() == [0, 0, 0, 50, 50, 0, 0, 0]


def test_a_landmark_moves_and_what_was_beneath_closes():
    indices = paper()
    indices[:, 32:] = 4
    apply(indices, Landmark(index=9, at=middle_of(20, 20)))
    first = (indices == 9).sum()
    apply(indices, Landmark(index=9, at=middle_of(50, 50)))
    assert (indices == 9).sum() == first
    assert indices[50, 50] == 9
    assert (indices[:, :32] == UNPAINTED).all()
    box = apply(indices, Landmark(index=9, at=middle_of(10, 10)))
    assert box.slices[0].stop > 50
    assert set(np.unique(indices[:, 32:])) == {4}
    assert apply(indices, Landmark(index=9, at=[-9000, 0])) is None


def test_what_is_left_behind_takes_the_nearest_index_and_of_several_the_lowest():
    rng = np.random.default_rng(0)
    for _ in range(40):
        indices = rng.integers(0, 4, rng.integers(2, 14, 2)).astype(np.uint8)
        height, width = indices.shape
        hole = rng.random((height, width)) < 0.7
        hole[rng.integers(height), rng.integers(width)] = False
        closed = indices.copy()
        close(closed, Box(0, 0, height, width), hole)
        rows, columns = np.nonzero(~hole)
        for row, column in np.argwhere(hole):
            steps = abs(rows - row) + abs(columns - column)
            nearest = steps == steps.min()
            assert closed[row, column] == indices[rows[nearest], columns[nearest]].min()
        assert np.array_equal(closed[~hole], indices[~hole])


def test_a_region_moves_and_grows():
    indices = paper()
    indices[10:20, 10:20] = 5
    indices[10:12, 10:12] = UNPAINTED
    target = Box(30, 40, 50, 60)
    apply(indices, MoveRegion(points=[middle_of(15, 15)], target=target))
    assert np.array_equal(np.unique(np.argwhere(indices == 5)[:, 0]), np.arange(30, 50))
    assert (indices[30:34, 40:44] == UNPAINTED).all()
    assert (indices == 5).sum() == 4 * (100 - 4)
    assert (indices[10:20, 10:20] == UNPAINTED).all()


def test_an_outline_moves_all_that_is_painted_within():
    indices = paper()
    indices[10:14, 10:14] = 5
    indices[14:18, 10:14] = 6
    outline = [[8 * 16, 8 * 16], [20 * 16, 8 * 16], [20 * 16, 20 * 16], [8 * 16, 20 * 16]]
    box, mask = region(indices, np.array(outline, np.int32))
    assert (box, mask.sum()) == (Box(10, 10, 18, 14), 32)
    moved = MoveRegion(points=outline, target=Box(58, 60, 66, 64), beneath=0, protect=(7,))
    apply(indices, moved)
    assert (indices[10:18, 10:14] == 0).all()
    assert (indices[58:62, 60:64] == 5).all()
    assert (indices[62:64, 60:64] == 6).all()
    assert apply(paper(), MoveRegion(points=[[5, 5]], target=Box(0, 0, 1, 1))) is None


def test_mirroring_exchanges_left_and_right_classes():
    pairs = PORTRAITS.left_right_pairs()
    assert pairs == ((4, 5), (6, 7), (8, 9))
    indices = np.random.default_rng(0).choice([0, 1, 4, 5, 8, 9], (9, 11)).astype(np.uint8)
    twice = indices.copy()
    apply(twice, Mirror(pairs=pairs))
    assert twice[3, 2] == {4: 5, 5: 4, 8: 9, 9: 8}.get(indices[3, 8], indices[3, 8])
    apply(twice, Mirror(pairs=pairs))
    assert np.array_equal(twice, indices)
    half = indices.copy()
    apply(half, Mirror(pairs=pairs, half="left"))
    assert np.array_equal(half[:, :6], indices[:, :6])
    again = half.copy()
    apply(again, Mirror(half="left", pairs=pairs))
    assert np.array_equal(again, half)
    with pytest.raises(ValueError, match="each index once"):
        Mirror(pairs=((4, 5), (5, 6)))


def test_copying_takes_classes_within_an_outline():
    indices, former = paper(8), np.full((8, 8), 3, np.uint8)
    former[:4] = 4
    masks = {"frame 1": former}
    left = [[0, 0], [64, 0], [64, 128], [0, 128]]
    apply(indices, CopyFrom(source="frame 1", classes=(4,), points=left), masks=masks)
    assert (indices[:4, :4] == 4).all()
    assert (indices == 4).sum() == 16
    with pytest.raises(ValueError, match=r"'frame 2'; there are: frame 1"):
        apply(indices, CopyFrom(source="frame 2"), masks=masks)
    with pytest.raises(ValueError, match="resized"):
        apply(paper(9), CopyFrom(source="frame 1"), masks=masks)


def test_guards_hold_for_everything():
    former = np.full((64, 64), 2, np.uint8)
    for operation in (
        Clear(protect=(3,)),
        Mirror(protect=(3,)),
        CopyFrom(source="a", protect=(3,)),
        Bucket(index=2, at=middle_of(16, 16), protect=(3,)),
        Rectangle(index=2, points=[[0, 0], [1024, 1024]], protect=(3,)),
        Stroke(index=2, points=[[0, 0], [1024, 1024]], sizes=800, only=(0, 255)),
    ):
        indices = room(4)
        walls = indices == 3
        apply(indices, operation, masks={"a": former})
        assert (indices[walls] == 3).all()
