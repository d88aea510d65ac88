"""Undo and redo, bounded, grouped, across sizes and palettes, and kept as bytes."""

import json
import struct

import numpy as np
import pytest
from drawing.specification import random_shape

from smis_core.drawing import (
    Bucket,
    Clear,
    CopyFrom,
    Drawing,
    Mirror,
    SmartFill,
    Stroke,
    from_bytes,
    read_command,
    to_bytes,
)
from smis_core.labels import PORTRAITS, UNPAINTED, LabelMap


def blank(side=64):
    return LabelMap(np.full((side, side), UNPAINTED, np.uint8))


def dot(index=1, at=(100, 100), size=200):
    return Stroke(index=index, points=[at], sizes=size)


def test_two_hundred_steps_and_more_go_back_and_forth():
    rng = np.random.default_rng(0)
    drawing = Drawing(blank(96))
    seen = [drawing.labels()]
    while len(seen) <= 250:
        if drawing.apply(random_shape(rng, 96, 96, index=int(rng.integers(0, 19)))):
            seen.append(drawing.labels())
    for wanted in reversed(seen[:-1]):
        assert drawing.undo() is not None
        assert drawing.labels() == wanted
    assert drawing.undo() is None
    for wanted in seen[1:]:
        drawing.redo()
        assert drawing.labels() == wanted
    assert drawing.redo() is None


def test_undo_reports_what_changed():
    drawing = Drawing(blank())
    box = drawing.apply(dot())
    assert drawing.undo() == drawing.redo() == box


def test_two_hundred_large_strokes_fit_the_memory():
    rng = np.random.default_rng(1)
    drawing = Drawing(blank(256))
    for number in range(205):
        points = (rng.integers(-400, 401, (20, 2)).cumsum(axis=0) + 2048).clip(0, 4095)
        drawing.apply(Stroke(index=number % 19, points=points, sizes=500))
    assert len(drawing.history.done) == 205
    assert drawing.history.nbytes <= drawing.history.limit_bytes


def test_the_oldest_steps_go_first():
    noise = np.random.default_rng(2)
    drawing = Drawing(blank(64), limit_bytes=20_000)
    for _ in range(12):
        last = LabelMap(noise.integers(0, 19, (64, 64)))
        drawing.replace(last)
        assert drawing.history.nbytes <= 20_000
    assert 2 <= len(drawing.history.done) < 12
    assert drawing.undo() is not None
    assert drawing.redo() is not None
    assert drawing.labels() == last


def test_several_operations_are_one_step():
    drawing = Drawing(blank())
    drawing.begin()
    drawing.apply(dot(1))
    drawing.apply(dot(2, at=(300, 300)))
    assert drawing.end()
    assert drawing.undo() is not None
    assert drawing.labels() == blank()
    drawing.begin()
    drawing.apply(dot(3))
    assert drawing.cancel() is not None
    assert drawing.labels() == blank()
    assert not drawing.can_undo
    assert drawing.can_redo
    drawing.begin()
    drawing.apply(dot(1))
    drawing.apply(dot(UNPAINTED))
    assert not drawing.end()


def message(view, sequence, act="draw", operation=None, **rest):
    record = {"view": view, "sequence": sequence, "act": act, **rest}
    if act == "draw":
        record["operation"] = operation or {
            "tool": "stroke", "index": 1, "points": [100, 100], "sizes": 200
        }  # fmt: skip
    return read_command(record)


def test_pieces_of_a_stroke_are_undone_together_and_views_apart():
    drawing = Drawing(blank())
    far = {"tool": "stroke", "index": 2, "points": [700, 700], "sizes": 200}
    drawing.obey(message("a", 0, more=True))
    one = drawing.labels()
    drawing.obey(message("b", 0, operation=far))
    drawing.obey(message("a", 1, more=False))
    assert drawing.labels() != one
    drawing.obey(message("b", 1, "undo"))
    assert drawing.labels() == one
    drawing.obey(message("b", 2, "undo"))
    assert drawing.labels() == blank()
    drawing.obey(message("a", 2, more=True))
    drawing.obey(message("b", 3, "cancel"))
    assert drawing.labels() == one
    drawing.obey(message("a", 3, "cancel"))
    assert drawing.labels() == blank()


def test_other_sizes_palettes_and_origins_are_steps():
    drawing = Drawing(blank(), origin="nothing")
    drawing.apply(dot(5))
    first = drawing.labels()
    drawing.replace(LabelMap(np.zeros((32, 48), np.uint8)), origin="a file")
    assert drawing.shape == (32, 48)
    palette, mapping = PORTRAITS.merged(4, 5)
    drawing.undo()
    assert (drawing.labels(), drawing.origin) == (first, "nothing")
    assert drawing.repaint(palette, mapping)
    assert drawing.labels().present() == (4,)
    with pytest.raises(ValueError, match="has no such class"):
        drawing.apply(dot(5))
    assert drawing.undo() == drawing.whole
    assert drawing.labels() == first
    drawing.redo()
    assert drawing.palette == palette
    drawing.repaint(palette.renamed(4, "eyes"), np.arange(256, dtype=np.uint8))
    drawing.undo()
    assert drawing.palette.by_index(4).name == "left eye"


def test_what_cannot_be_done_changes_nothing():
    drawing = Drawing(blank())
    drawing.masks["unknown"] = np.full((64, 64), 77, np.uint8)
    for operation in (
        dot(77),
        SmartFill(index=1, at=[0, 0]),
        CopyFrom(source="nowhere"),
        CopyFrom(source="unknown"),
        Mirror(pairs=((40, 41),)),
    ):
        with pytest.raises(ValueError, match=r"class|picture|mask"):
            drawing.apply(operation)
    assert drawing.labels() == blank()
    assert not drawing.can_undo
    with pytest.raises(ValueError, match="as the map"):
        drawing.look_at(np.zeros((3, 3, 3), np.uint8))


def test_smart_fill_uses_the_picture_that_is_looked_at():
    drawing = Drawing(blank())
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[:, 32:] = 255
    drawing.look_at(picture)
    drawing.apply(SmartFill(index=1, at=[80, 80]))
    assert drawing.labels().present() == (1,)
    assert (drawing.labels().indices == 1).mean() == pytest.approx(0.5, abs=0.02)


def long_drawing():
    rng = np.random.default_rng(3)
    drawing = Drawing(blank(), origin="start")
    for _ in range(20):
        drawing.apply(random_shape(rng, 64, 64, index=int(rng.integers(0, 19))))
    drawing.replace(LabelMap(np.zeros((32, 32), np.uint8)), origin="a file")
    drawing.apply(dot(3))
    drawing.repaint(*PORTRAITS.deleted(5))
    drawing.apply(Bucket(index=4, at=[5, 5]))
    for _ in range(6):
        drawing.undo()
    return drawing


def states(drawing):
    found = []
    while drawing.undo() is not None:
        pass
    while True:
        found.append((drawing.labels(), drawing.origin))
        if drawing.redo() is None:
            return found


def test_a_drawing_survives_as_bytes():
    drawing = long_drawing()
    kept = from_bytes(to_bytes(drawing))
    assert (kept.labels(), kept.origin) == (drawing.labels(), drawing.origin)
    assert states(kept) == states(drawing)


def test_damaged_bytes_are_refused():
    data = to_bytes(long_drawing())
    rng = np.random.default_rng(4)
    for _ in range(200):
        broken = bytearray(data)
        for place in rng.integers(0, len(data), 3):
            broken[place] ^= int(rng.integers(1, 256))
        try:
            drawing = from_bytes(bytes(broken))
        except ValueError:
            continue
        states(drawing)
    for cut in (0, 5, 12, 200, len(data) // 2):
        with pytest.raises(ValueError, match=r"drawing|history|palette"):
            from_bytes(data[:cut])


def test_a_step_that_would_unpack_to_gigabytes_is_refused():
    data = to_bytes(Drawing(blank()))
    (length,) = struct.unpack("<I", data[10:14])
    header = json.loads(data[14 : 14 + length])
    header["shape"] = [8192, 8192]
    text = json.dumps(header).encode()
    with pytest.raises(ValueError, match="pixels"):
        from_bytes(data[:10] + struct.pack("<I", len(text)) + text + data[14 + length :])


def test_clearing_is_a_step():
    drawing = Drawing(blank())
    assert drawing.apply(Clear()) is None
    drawing.apply(dot())
    drawing.apply(Clear())
    assert drawing.labels() == blank()
    drawing.undo()
    assert drawing.labels().present() == (1,)
