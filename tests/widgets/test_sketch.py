"""Strokes, filling and history of a sketch."""

import numpy as np
import pytest
from scipy import ndimage

from smis_core.labels import MERGED, PORTRAITS, UNPAINTED, LabelClass, LabelMap, Palette
from smis_widgets.sketch import HISTORY_STEPS, Sketch

HAIR, SKIN = MERGED["hair"][0], MERGED["skin"][0]


def blank(side: int = 32) -> Sketch:
    return Sketch(LabelMap(np.full((side, side), UNPAINTED, np.uint8)))


def draw(sketch: Sketch, *points: tuple[float, float], index: int = HAIR, diameter: float = 4):
    sketch.begin_stroke()
    for start, end in zip(points, points[1:] or points, strict=False):
        sketch.segment(start, end, index=index, diameter=diameter)
    return sketch.end_stroke()


def test_a_dot_is_a_disc_of_its_diameter():
    sketch = blank(64)
    draw(sketch, (0.5, 0.5), diameter=20)
    painted = sketch.labels().indices == HAIR
    rows, columns = np.nonzero(painted)
    assert rows.max() - rows.min() + 1 == 20
    assert columns.max() - columns.min() + 1 == 20
    assert painted.sum() == pytest.approx(np.pi * 10**2, rel=0.04)


def test_strokes_hold_exact_indices_only():
    sketch = blank()
    draw(sketch, (0.1, 0.2), (0.9, 0.7), index=HAIR, diameter=7)
    draw(sketch, (0.9, 0.1), (0.2, 0.8), index=SKIN, diameter=5)
    assert set(np.unique(sketch.labels().indices)) == {HAIR, SKIN, UNPAINTED}


@pytest.mark.parametrize("end", [(0.93, 0.31), (0.31, 0.93), (0.05, 0.97), (0.95, 0.05)])
def test_the_thinnest_stroke_has_no_gaps(end):
    sketch = blank(64)
    draw(sketch, (0.11, 0.07), end, diameter=1)
    painted = sketch.labels().indices == HAIR
    _, pieces = ndimage.label(painted, structure=np.ones((3, 3)))
    assert pieces == 1
    assert painted[int(end[1] * 64), int(end[0] * 64)]


def test_the_changed_box_covers_what_changed_and_nothing_far():
    sketch = blank(64)
    sketch.begin_stroke()
    box = sketch.segment((0.5, 0.5), (0.6, 0.5), index=HAIR, diameter=4)
    outside = sketch.labels().indices.copy()
    outside[box.slices] = UNPAINTED
    assert (outside == UNPAINTED).all()
    assert box.bottom - box.top <= 7


def test_strokes_beyond_the_edge_are_cut_and_those_outside_change_nothing():
    sketch = blank()
    sketch.begin_stroke()
    assert sketch.segment((-0.5, -0.5), (-0.4, 1.5), index=HAIR, diameter=4) is None
    assert not sketch.end_stroke()
    assert draw(sketch, (0.5, 0.5), (1.8, 0.5))
    assert sketch.labels().indices[16, 31] == HAIR


def test_fill_stays_within_its_connected_region():
    sketch = blank()
    draw(sketch, (0.5, -0.1), (0.5, 1.1), diameter=2)
    assert sketch.fill(0.1, 0.1, index=SKIN)
    indices = sketch.labels().indices
    assert (indices[:, :14] == SKIN).all()
    assert (indices[:, 18:] == UNPAINTED).all()
    assert not sketch.fill(0.1, 0.1, index=SKIN)


def test_undo_and_redo_walk_the_whole_history():
    sketch = blank()
    states = [sketch.labels()]
    draw(sketch, (0.2, 0.2), (0.8, 0.2))
    states.append(sketch.labels())
    sketch.fill(0.9, 0.9, index=SKIN)
    states.append(sketch.labels())
    sketch.clear()
    states.append(sketch.labels())
    for state in states[-2::-1]:
        assert sketch.undo()
        assert sketch.labels() == state
    assert not sketch.undo()
    for state in states[1:]:
        assert sketch.redo()
        assert sketch.labels() == state
    assert not sketch.redo()


def test_a_stroke_is_one_step_and_drawing_anew_forgets_what_was_undone():
    sketch = blank()
    draw(sketch, *[(x / 10, 0.5) for x in range(10)])
    sketch.undo()
    assert (sketch.labels().indices == UNPAINTED).all()
    assert not sketch.can_undo
    draw(sketch, (0.5, 0.5))
    assert not sketch.can_redo


def test_history_waits_for_the_end_of_a_stroke():
    sketch = blank()
    draw(sketch, (0.5, 0.5))
    sketch.begin_stroke()
    sketch.segment((0.1, 0.1), (0.2, 0.2), index=SKIN, diameter=3)
    assert not sketch.undo()
    assert sketch.end_stroke()
    assert sketch.undo()


def test_history_is_bounded():
    sketch = blank()
    for step in range(HISTORY_STEPS + 20):
        sketch.fill(0.5, 0.5, index=HAIR if step % 2 else SKIN)
    steps = 0
    while sketch.undo():
        steps += 1
    assert steps == HISTORY_STEPS


def test_a_stroke_that_changes_nothing_is_not_a_step():
    sketch = blank()
    assert not draw(sketch, (0.5, 0.5), index=UNPAINTED)
    assert not sketch.can_undo


def test_replacing_can_be_undone_unless_the_palette_differs():
    sketch = blank(16)
    sketch.replace(LabelMap(np.zeros((24, 24), np.uint8)))
    assert sketch.side == 24
    assert sketch.undo()
    assert sketch.side == 16
    other = Palette("two", (LabelClass(0, "sky", (0, 0, 255), "s"),))
    assert sketch.palette == PORTRAITS
    sketch.replace(LabelMap(np.zeros((24, 24), np.uint8), other))
    assert sketch.palette == other
    assert not sketch.can_undo
    assert not sketch.can_redo
