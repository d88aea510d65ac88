"""A history that branches."""

import json

import pytest

from smis_core.editing import History


def grown(*states, limit=200):
    history = History.start(states[0], limit=limit)
    for state in states[1:]:
        history = history.add(state)
    return history


def test_undo_and_redo_walk_the_line():
    history = grown("a", "b", "c")
    assert history.state == "c"
    assert history.undo().state == "b"
    assert history.undo().undo().state == "a"
    first = history.undo().undo()
    assert not first.can_undo
    assert first.undo() is first
    assert first.redo().redo().state == "c"
    assert not history.can_redo
    assert history.redo() is history
    assert history.state == "c", "a history never changes"


def test_a_new_state_after_undo_is_a_branch_and_nothing_is_lost():
    history = grown("a", "b", "c").undo().add("d")
    assert [moment.state for moment in history.moments] == ["a", "b", "c", "d"]
    assert history.children(1) == (2, 3)
    assert history.undo().redo().state == "d"
    back = history.go(2).undo()
    assert back.redo().state == "c", "redo follows the branch that was last visited"
    assert history.path() == (0, 1, 3)
    assert history.go(2).path() == (0, 1, 2)
    with pytest.raises(ValueError, match="no state 9"):
        history.go(9)


def test_it_forgets_side_branches_first_then_its_beginning():
    history = grown("a", "b", limit=4).undo().add("c").add("d").add("e")
    assert [moment.state for moment in history.moments] == ["a", "c", "d", "e"]
    history = history.add("f")
    assert [moment.state for moment in history.moments] == ["c", "d", "e", "f"]
    assert history.moments[0].parent is None
    assert history.undo().undo().undo().state == "c"
    many = grown(*range(1000), limit=50)
    assert len(many) == 50
    assert many.state == 999


def test_it_survives_json():
    history = grown("a", "b", "c").undo().add("d").undo()
    text = json.dumps(history.to_dict(str.upper))
    again = History.from_dict(json.loads(text), str.lower)
    assert again == history
    assert again.redo().state == "d"


@pytest.mark.parametrize(
    "damage",
    [
        {"current": 7},
        {"moments": []},
        {"moments": [{"number": 0, "parent": 3, "state": "a"}]},
        {"moments": [{"number": 0, "parent": None, "state": "a"}] * 2},
        {"limit": 1},
        {"ahead": 5},
        {"moments": None},
    ],
)
def test_what_makes_no_tree_is_refused(damage):
    values = {**grown("a", "b").to_dict(str), **damage}
    with pytest.raises(ValueError, match=r"moments|current|limit|wanted a history"):
        History.from_dict(values, str)
