"""The drawing under the pad: its lock, its origins, its landmarks. `tests/drawing` has the rest."""

import threading

import numpy as np

from smis_core.drawing import Landmark, Rectangle, Stroke
from smis_core.labels import MERGED, UNPAINTED, LabelClass, LabelMap, Palette
from smis_widgets.sketch import Sketch

HAIR, SKIN = MERGED["hair"][0], MERGED["skin"][0]


def blank(side: int = 32) -> Sketch:
    return Sketch(LabelMap(np.full((side, side), UNPAINTED, np.uint8)))


def square(index: int, low: int, high: int) -> Rectangle:
    return Rectangle(index=index, points=np.array([[low, low], [high, high]]) * 16)


def test_origins_come_back_with_undo_and_clearing_ends_them():
    sketch = blank()
    hair, skin = {"of": "hair"}, {"of": "skin"}
    for origin in (hair, skin):
        indices = np.full((32, 32), HAIR if origin is hair else SKIN, np.uint8)
        assert sketch.replace(LabelMap(indices), origin=origin)
    sketch.draw(square(HAIR, 2, 8))
    assert sketch.origin is skin
    assert sketch.clear()
    assert sketch.origin is None
    for origin in (skin, skin, hair, None):
        assert sketch.undo().box is not None
        assert sketch.origin is origin
    assert sketch.undo().box is None


def test_origins_that_no_step_remembers_are_let_go():
    sketch = blank(8)
    for number in range(1200):
        indices = np.full((8, 8), HAIR if number % 2 else SKIN, np.uint8)
        sketch.replace(LabelMap(indices), origin=[number])
    assert len(sketch._origins) < 1100


def test_replacing_by_another_size_or_palette_can_be_undone():
    sketch = blank(16)
    sky = Palette("one", (LabelClass(0, "sky", (0, 0, 255), "s"),))
    sketch.replace(LabelMap(np.zeros((24, 24), np.uint8), sky))
    assert (sketch.side, sketch.palette) == (24, sky)
    change = sketch.undo()
    assert change.whole
    assert sketch.side == 16


def test_what_came_before_a_replacement_can_be_copied():
    sketch = blank(16)
    assert not sketch.has_previous
    sketch.draw(square(HAIR, 2, 8))
    sketch.clear()
    assert sketch.has_previous
    sketch.replace(LabelMap(np.zeros((24, 24), np.uint8)))
    assert not sketch.has_previous


def test_a_picture_of_another_size_still_has_edges_after_a_resize():
    sketch = blank(16)
    sketch.look_at(np.zeros((50, 40, 3), np.uint8))
    sketch.replace(LabelMap(np.zeros((24, 24), np.uint8)))
    assert sketch._drawing._picture.shape == (24, 24, 3)


def test_landmarks_that_were_painted_over_are_gone():
    sketch = blank()
    sketch.draw(Landmark(index=HAIR, at=np.array([80, 80])))
    assert [(each.number, each.index) for each in sketch.points()] == [(1, HAIR)]
    sketch.draw(square(SKIN, 0, 20))
    assert sketch.points() == []
    sketch.undo()
    assert len(sketch.points()) == 1


def test_a_refused_operation_says_why_and_changes_nothing():
    sketch = blank()
    change = sketch.draw(square(99, 2, 8))
    assert change.box is None
    assert "no such class" in change.refusal
    assert not sketch.can_undo


def test_many_threads_leave_a_history_that_leads_back():
    sketch = blank(64)

    def draw(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for _ in range(40):
            points = rng.integers(0, 1024, (3, 2))
            sketch.draw(Stroke(index=HAIR if seed % 2 else SKIN, points=points, sizes=80))

    threads = [threading.Thread(target=draw, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while sketch.undo().box is not None:
        pass
    assert sketch.labels().present() == ()
