"""The wall: what travels, when, and what a page may say."""

import io
import time

import numpy as np
import pytest
from PIL import Image

from smis_widgets import picture_wall
from smis_widgets.picture_wall import IN_FLIGHT, PictureWall


class Page:
    """A page that shows what comes; it answers when told."""

    def __init__(self, wall, name="page"):
        self.wall, self.name, self.came, self.has = wall, name, [], {}
        send = wall.send

        def take(content, buffers=None):
            self.came.append((content, buffers))
            send(content, buffers)

        wall.send = take

    def say(self, **content):
        self.wall._handle_custom_msg({"view": self.name, "epoch": self.wall.epoch, **content}, [])

    def want(self, *places):
        self.say(want=[[place, self.has.get(place, 0)] for place in places])

    def answer(self):
        content, _ = self.came[-1]
        self.has[content["tile"]] = content["revision"]
        self.say(shown=[content["tile"], content["revision"], content["revision"]])

    @property
    def places(self):
        return [content["tile"] for content, _ in self.came]


def colour(value, side=4):
    return np.full((side, side, 3), value, np.uint8)


@pytest.fixture
def wall():
    wall = PictureWall(count=100)
    yield wall
    wall.close()


def test_only_what_a_page_is_near_to_travels(wall):
    page = Page(wall)
    wall.put(7, colour(1))
    wall.put(8, colour(2), caption="eight", mark="0.9")
    assert page.came == []
    page.want(8, 9)
    content, buffers = page.came[-1]
    assert (page.places, content["caption"], content["mark"]) == ([8], "eight", "0.9")
    assert np.array_equal(np.array(Image.open(io.BytesIO(buffers[0]))), colour(2))
    wall.put(9, colour(3))
    assert page.places == [8, 9]


def test_few_pictures_are_unanswered_and_the_order_is_the_pages(wall):
    page = Page(wall)
    for place in range(60):
        wall.put(place, colour(place))
    page.want(*range(59, -1, -1))
    assert page.places == [*range(59, 59 - IN_FLIGHT, -1)]
    page.answer()
    assert len(page.came) == IN_FLIGHT + 1
    page.want(3, 4)  # scrolled away: what waits of the rest is forgotten
    for _ in range(5):
        page.answer()
    assert page.places[IN_FLIGHT + 1 :][:2] == [3, 4]


def test_a_page_that_went_away_does_not_hold_the_others_up(wall, monkeypatch):
    gone, here = Page(wall, "gone"), Page(wall, "here")
    for place in range(30):
        wall.put(place, colour(place))
    gone.want(*range(20))
    assert len(here.came) == IN_FLIGHT
    monkeypatch.setattr(picture_wall, "PATIENCE_SECONDS", 0.0)
    time.sleep(0.01)
    here.want(20)
    assert 20 in here.places


def test_a_part_is_replaced_in_place_and_travels_alone(wall):
    page = Page(wall)
    wall.put(0, colour(9), caption="a")
    page.want(0)
    page.answer()
    wall.put(0, overlay=np.zeros((4, 4, 4), np.uint8))
    content, buffers = page.came[-1]
    assert (content["parts"], content["caption"], len(buffers)) == (["overlay"], "a", 1)
    page.answer()
    wall.put(0, overlay=b"")
    assert page.came[-1][1] == [b""]
    wall.put(0, mark="x")
    assert page.came[-1][0]["mark"] == "x"


def test_a_reloaded_page_gets_everything_again(wall):
    page = Page(wall)
    wall.put(0, colour(9), overlay=np.zeros((4, 4, 4), np.uint8))
    page.want(0)
    page.answer()
    fresh = Page(wall, "fresh")
    fresh.want(0)
    assert fresh.came[-1][0]["parts"] == ["picture", "overlay"]


def test_what_is_missing_is_asked_for_newest_wish_first():
    asked = []
    wall = PictureWall(count=50, on_want=asked.append)
    page = Page(wall)
    wall.put(2, colour(0))
    page.want(1, 2, 3)
    page.want(30, 31)
    assert asked == [[1, 3], [30, 31]]
    assert wall.wanted == [30, 31]
    Page(wall, "other").want(5, 30)
    assert wall.wanted == [5, 30, 31]


def test_what_can_be_made_again_is_not_kept_for_ever(monkeypatch):
    monkeypatch.setattr(picture_wall, "KEPT", 10)
    wall = PictureWall(on_want=lambda places: None)
    Page(wall).want(0)
    for place in range(40):
        wall.put(place, colour(1))
    assert wall.picture(0)  # near a viewport
    assert not wall.picture(5)
    assert wall.picture(39)
    held = PictureWall()
    for place in range(40):
        held.put(place, colour(1))
    assert held.picture(5)


def test_an_endless_wall_grows_near_its_end():
    wall = PictureWall(count=12, endless=True, on_want=lambda places: None)
    page = Page(wall)
    page.want(0, 5)
    assert wall.count == 12
    page.want(6, 11)
    assert wall.count > 12


def test_clearing_forgets_and_late_pictures_of_before_do_not_show(wall):
    page = Page(wall)
    before, edition = wall.epoch, wall.edition
    wall.selected, wall.favourites = [3], [4]
    wall.put(1, colour(1))
    wall.clear(5)
    assert (wall.count, wall.selected, wall.favourites) == (5, [], [])
    wall.put(1, colour(2), edition=edition)
    page.want(1)
    assert page.came == []
    wall._handle_custom_msg({"view": "page", "epoch": before, "want": [[1, 0]]}, [])
    wall.put(1, colour(3), edition=wall.edition)
    assert page.places == [1]


def test_pictures_hang_until_others_come():
    asked = []
    wall = PictureWall(count=3, on_want=asked.append)
    page = Page(wall)
    page.want(0, 1, 2)
    for place in range(3):
        wall.put(place, colour(1), edition=wall.edition)
        page.answer()
    late = wall.edition
    wall.renew([1, 2])
    assert asked[-1] == wall.wanted == [1, 2]
    wall.put(1, colour(7), edition=late)
    assert wall.wanted == [1, 2]
    assert len(page.came) == 3
    wall.put(1, colour(2), edition=wall.edition)
    assert (wall.wanted, page.places[-1]) == ([2], 1)


def test_opening_keys_and_dropping_reach_their_owner():
    heard = []
    first = PictureWall(count=4, draggable=True)
    wall = PictureWall(
        count=4,
        hotkeys=["1"],
        accepts=True,
        on_open=heard.append,
        on_key=lambda key, place: heard.append((key, place)),
        on_drop=lambda other, places: heard.append((other is first, places)),
    )
    page = Page(wall)
    page.say(open=2)
    page.say(key="1", at=3)
    page.say(key="9", at=3)
    page.say(**{"from": first.name, "drop": [0, 3, 4, "x"]})
    page.say(**{"from": "nobody", "drop": [0]})
    assert heard == [2, ("1", 3), (True, [0, 3])]


@pytest.mark.parametrize(
    "content",
    [
        {"want": 3}, {"want": [[1]]}, {"want": [["a", 0]]}, {"want": [[-5, 0]]}, {"want": [None]},
        {"shown": None}, {"shown": [1, 2]}, {"shown": ["a", "b", "c"]}, {"open": 10**9},
        {"open": "1"}, {"key": ["1"], "at": 1}, {"drop": 3}, {},
    ],
)  # fmt: skip
def test_nonsense_from_a_page_does_nothing(wall, content):
    page = Page(wall)
    wall.put(0, colour(1))
    page.say(**content)
    assert page.came == []
    page.want(0)
    assert page.places == [0]


def test_what_is_no_picture_is_refused(wall):
    with pytest.raises(ValueError, match="from 0 up"):
        wall.put(-1, colour(1))
    with pytest.raises(ValueError, match="PNG or JPEG"):
        wall.put(0, b"GIF89a")
    with pytest.raises(ValueError, match="uint8"):
        wall.put(0, overlay=np.zeros((4, 4, 3), np.uint8))
    assert not wall.picture(0)


def test_large_pictures_are_made_small(wall):
    wall.put(0, colour(1, side=900))
    assert Image.open(io.BytesIO(wall.picture(0))).size == (256, 256)


def test_what_a_page_has_scrolled_away_from_is_not_sent_again_and_again(wall):
    page = Page(wall)
    wall.put(5, colour(1))
    page.want(5)
    for _ in range(3):
        page.say(shown=[5, 1, -1])  # it came, and its place was gone
    assert page.places == [5]
    page.want(5)
    assert page.places == [5, 5]
