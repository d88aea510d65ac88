"""Messages: in order, none lost, none twice, whatever a browser sends."""

import json
import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smis_core.drawing import Drawing, Inbox, read_operation
from smis_core.drawing.inbox import MAX_VIEWS, WINDOW
from smis_core.drawing.messages import _TOOLS
from smis_core.drawing.operations import Box, MoveRegion, Stroke
from smis_core.labels import UNPAINTED, LabelMap


def blank(side=32):
    return LabelMap(np.full((side, side), UNPAINTED, np.uint8))


def stroke(**changes):
    return {"tool": "stroke", "index": 1, "points": [40, 40, 90, 90], "sizes": 32} | changes


def draw(sequence, view="v", **changes):
    record = {"view": view, "sequence": sequence, "act": "draw", "operation": stroke()}
    return record | changes


def opened(*views):
    inbox = Inbox()
    for view in views or ("v",):
        inbox.open(view)
    return inbox


def test_messages_come_out_in_order_and_once():
    inbox = opened()
    rng = np.random.default_rng(0)
    waiting = {number: draw(number) for number in range(300)}
    through, out = -1, []
    while through < 299:
        ahead = [each for each in waiting if each <= through + WINDOW]
        receipt = inbox.receive(waiting[int(rng.choice(ahead))])
        out += [command.sequence for command in receipt.commands]
        through = receipt.through
        assert not set(receipt.missing) & set(out)
    assert out == list(range(300))


def test_the_acknowledgement_names_what_is_missing():
    inbox = opened()
    inbox.receive(draw(0))
    receipt = inbox.receive(draw(3))
    assert receipt.commands == ()
    assert receipt.acknowledgement == {"view": "v", "through": 0, "missing": [1, 2]}
    assert json.loads(json.dumps(receipt.acknowledgement)) == receipt.acknowledgement
    assert inbox.receive(draw(3)).missing == (1, 2)
    inbox.receive(draw(1))
    receipt = inbox.receive(draw(2))
    assert [each.sequence for each in receipt.commands] == [2, 3]
    assert receipt.through == 3
    again = inbox.receive(draw(2))
    assert (again.commands, again.through, again.missing) == ((), 3, ())


def test_what_is_too_early_is_asked_for_again():
    inbox = opened()
    receipt = inbox.receive(draw(WINDOW + 5))
    assert receipt.commands == ()
    assert receipt.missing == tuple(range(WINDOW))
    for number in range(WINDOW + 6):
        receipt = inbox.receive(draw(number))
    assert receipt.through == WINDOW + 5


def test_views_count_for_themselves_and_old_ones_are_refused():
    inbox = opened("a", "b")
    assert inbox.receive(draw(0, "a")).commands
    assert inbox.receive(draw(0, "b")).commands
    inbox.close("a")
    receipt = inbox.receive(draw(1, "a"))
    assert (receipt.commands, receipt.acknowledgement) == ((), None)
    assert "reload" in receipt.refusals[0]
    for number in range(MAX_VIEWS):
        inbox.open(f"view {number}")
    assert len(inbox.views) == MAX_VIEWS
    assert "b" not in inbox.views


def test_a_refused_message_does_not_hold_up_the_next():
    inbox = opened()
    bad = draw(0)
    bad["operation"]["points"] = [math.nan, 0]
    receipt = inbox.receive(bad)
    assert "nan" in receipt.refusals[0]
    assert receipt.through == 0
    assert inbox.receive(draw(1)).commands


def test_kept_messages_are_bounded():
    inbox = opened(*map(str, range(20)))
    many = stroke(points=[0, 0] * 30000, sizes=16)
    for view in range(20):
        for number in range(1, 5):
            inbox.receive(draw(number, str(view), operation=many))
    held = sum(len(view.held) for view in inbox._views.values())
    assert 1 <= held <= 10


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"points": [1.5, 2]}, "got also 1.5"),
        ({"points": [math.inf, 2]}, "inf"),
        ({"points": [True, 2]}, "True"),
        ({"points": [None, 2]}, "None"),
        ({"points": ["1", 2]}, "'1'"),
        ({"points": [10**400, 2]}, "larger number"),
        ({"points": [-(1 << 20), 2]}, "-1048576"),
        ({"points": [1, 2, 3]}, "x and y in turn"),
        ({"points": []}, "1 to 32768"),
        ({"points": [0] * 65538}, "at most 65536"),
        ({"points": {"0": 1}}, "dict"),
        ({"points": b"123"}, "3 bytes"),
        ({"index": "1"}, "index"),
        ({"index": -1}, "index"),
        ({"sizes": -5}, "sizes"),
        ({"sizes": [16]}, "one for each"),
        ({"only": [400]}, "only"),
        ({"brush": "<script>"}, "'<script>'"),
        ({"brush": ["round"]}, "brush"),
        ({"colour": 1}, "'colour'"),
        ({"tool": "hammer"}, "'hammer'"),
        ({"tool": ["stroke"]}, "list"),
    ],
)
def test_refusals_say_what_came(changes, words):
    with pytest.raises((TypeError, ValueError), match=words) as caught:
        read_operation(stroke(**changes))
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)


def test_missing_fields_are_named():
    with pytest.raises(ValueError, match="index"):
        read_operation({"tool": "stroke", "points": [0, 0]})
    with pytest.raises(ValueError, match="target"):
        read_operation({"tool": "move", "points": [0, 0]})


def test_numbers_may_come_as_bytes():
    points = np.array([[1, 2], [3, -4]], "<i4")
    operation = read_operation(stroke(points=memoryview(points.tobytes()), sizes=[5, 6]))
    assert isinstance(operation, Stroke)
    assert operation.points.tolist() == points.tolist()
    moved = read_operation({"tool": "move", "points": [1, 2], "target": [1, 2, 3, 4]})
    assert isinstance(moved, MoveRegion)
    assert moved.target == Box(1, 2, 3, 4)


HOSTILE = (math.nan, math.inf, -1e300, None, True, "7", "<script>", [], {}, 1 << 31, -(10**40))
FIELDS = (
    "index points at sizes brush size gap tolerance target beneath pairs half source classes only "
    "protect"
)


def random_value(rng, field):
    """What could stand in a field; now and then what could not."""
    if rng.random() < 0.02:
        return rng.choice(HOSTILE)
    places = [rng.randint(-100, 700) for _ in range(2 * rng.randint(0, 5))]
    if rng.random() < 0.05:
        places[:1] = [rng.choice(HOSTILE)]
    return {
        "index": rng.randint(-1, 20),
        "points": rng.choice([places, places[:4], places[:2], bytes(8)]),
        "at": [rng.randint(-10, 600), rng.randint(-10, 600)],
        "sizes": rng.randint(0, 300),
        "brush": rng.choice(["round", "square"]),
        "target": [rng.randint(-9, 9), rng.randint(-9, 9), rng.randint(9, 40), rng.randint(9, 40)],
        "pairs": rng.choice([[], [4, 5], [4, 5, 5, 6], [30, 31]]),
        "half": rng.choice([None, "left", "right", "up"]),
        "source": rng.choice(["former", "none"]),
        "classes": rng.choice([None, [3], [3, 300]]),
        "only": rng.choice([None, None, [255], [1, 256]]),
        "protect": rng.choice([[], [3], [0, 1, 2]]),
    }.get(field, rng.randint(-1, 60))


def random_message(rng, sequence):
    if rng.random() < 0.03:
        return rng.choice([*HOSTILE, {"view": "a"}, {"view": "a", "sequence": rng.choice(HOSTILE)}])
    # Early, late, doubled, or the one that is due.
    number = sequence + rng.choice([0, 0, 0, 0, 1, 2, -1, -5, 70])
    view = rng.choice(["a", "a", "a", "a", "b", "old", 3])
    act = rng.choice(["draw"] * 6 + ["undo", "redo", "cancel", "erase"])
    message = {"view": view, "sequence": number, "act": act}
    if act == "draw":
        tool = rng.choice([*_TOOLS, *["stroke"] * 9])
        kind = _TOOLS[tool].__dataclass_fields__
        names = FIELDS.split() if rng.random() < 0.03 else [*kind]
        message["operation"] = {"tool": tool} | {each: random_value(rng, each) for each in names}
        message["more"] = rng.random() < 0.3
    return message


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.integers(0, 1 << 62).map(random.Random))
def test_ten_thousand_random_messages_leave_the_map_consistent(rng):
    """100 pads with 100 messages each."""
    inbox, drawing = opened("a", "b"), Drawing(blank())
    drawing.masks["former"] = np.full((32, 32), 3, np.uint8)
    known = [*drawing.palette.indices, UNPAINTED]
    done, due = set(), 0
    for _ in range(100):
        receipt = inbox.receive(random_message(rng, due))
        due = receipt.through + 1 if receipt.view == "a" else due
        assert all(len(refusal) < 400 for refusal in receipt.refusals)
        for command in receipt.commands:
            assert (command.view, command.sequence) not in done
            done.add((command.view, command.sequence))
            before = drawing.labels().indices
            try:
                box = drawing.obey(command)
            except ValueError:
                box = None
            after = drawing.labels().indices
            assert np.isin(after, known).all()
            outside = np.ones_like(before, dtype=bool)
            if box is not None:
                outside[box.slices] = False
            assert np.array_equal(before[outside], after[outside])
    assert done
    drawing.end()
    last, steps = drawing.labels(), len(drawing.history.done)
    while drawing.undo() is not None:
        pass
    assert drawing.labels() == blank()
    for _ in range(steps):
        drawing.redo()
    assert drawing.labels() == last
