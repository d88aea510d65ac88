"""Which kept step a page means."""

import math

import pytest

from smis_widgets.scrubber import Scrubber, Seek, nearest
from smis_widgets.strings import Strings

MARKS = [1, 10, 20, 30]


@pytest.mark.parametrize(
    ("content", "present", "wanted"),
    [
        ({"seek": 12}, None, 10),
        ({"seek": 1e9}, None, 30),
        ({"seek": -5.0}, None, 1),
        ({"nudge": -1}, None, 20),
        ({"nudge": -1}, 20, 10),
        ({"nudge": -1}, 1, 1),
        ({"nudge": 1}, 10, 20),
        ({"nudge": 1}, 20, None),
        ({"nudge": 1}, None, None),
        ({"live": True}, 10, None),
    ],
)
def test_wishes(content, present, wanted):
    assert Seek.read(content).among(MARKS, present) == wanted


def test_nothing_is_kept_nothing_is_shown():
    assert Seek.read({"seek": 3}).among([], None) is None


@pytest.mark.parametrize("content", [{}, {"seek": "x"}, {"seek": math.nan}, {"nudge": None}])
def test_what_makes_no_sense_is_ignored(content):
    heard = []
    scrubber = Scrubber(on_seek=heard.append, strings=Strings())
    scrubber._handle_custom_msg(content, [])
    assert heard == []


def test_the_nearest_mark():
    assert [nearest(MARKS, step) for step in (0, 14, 16, 99)] == [0, 1, 2, 3]
