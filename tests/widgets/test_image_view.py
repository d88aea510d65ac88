"""The picture, and its keeping pace with the page."""

import io
import threading
import time

import numpy as np
import pytest
import torch
from PIL import Image

from smis_widgets.image_view import ImageView


def painted(view: ImageView, frame: int) -> None:
    view._handle_custom_msg({"painted": frame}, [])


def test_it_shows_exact_pixels():
    picture = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)
    view = ImageView(picture)
    assert np.array_equal(np.array(Image.open(io.BytesIO(view.data))), picture)
    assert view.show(torch.zeros(1, 3, 4, 4)) == 2
    assert Image.open(io.BytesIO(view.data)).size == (4, 4)


def test_it_waits_for_the_page_but_not_for_one_that_is_not_there():
    view = ImageView()
    frame = view.show(torch.zeros(3, 4, 4))
    assert not view.wait_painted(frame, timeout=30)
    painted(view, frame)
    assert view.wait_painted(frame, timeout=0)
    frame = view.show(torch.ones(3, 4, 4))
    assert not view.wait_painted(frame, timeout=0.01)
    threading.Timer(0.05, painted, (view, frame)).start()
    assert view.wait_painted(frame, timeout=30)


def test_who_waits_can_be_released():
    view = ImageView()
    painted(view, view.show(torch.zeros(3, 4, 4)))
    frame = view.show(torch.ones(3, 4, 4))
    threading.Timer(0.05, view.release).start()
    started = time.monotonic()
    assert not view.wait_painted(frame, timeout=30)
    assert time.monotonic() - started < 20
    newer = view.show(torch.zeros(3, 4, 4))
    threading.Timer(0.05, painted, (view, newer)).start()
    assert view.wait_painted(newer, timeout=30)


def test_what_is_no_picture_is_refused():
    view = ImageView()
    with pytest.raises(ValueError, match="uint8"):
        view.show(np.zeros((4, 4)))
    assert view.frame == 0


def moves(view: ImageView, count: int) -> list[int]:
    """Show so many pictures of a movement; their numbers."""
    return [view.show(torch.full((3, 4, 4), number / 10), moving=True) for number in range(count)]


def test_never_more_than_two_pictures_are_unanswered_and_the_newest_wins():
    view = ImageView()
    painted(view, view.show(torch.zeros(3, 4, 4)))
    assert moves(view, 5) == [2, 3, 4, 5, 6]
    assert view.frame == 3
    painted(view, 2)
    assert view.frame == 6
    exact = view.show(torch.ones(3, 4, 4))
    assert view.frame == 6
    painted(view, 3)
    assert (view.frame, view.kind) == (exact, "image/png")
    assert Image.open(io.BytesIO(view.data)).format == "PNG"


def test_others_may_bring_the_news_that_a_frame_is_painted():
    view = ImageView()
    painted(view, view.show(torch.zeros(3, 4, 4)))
    moves(view, 4)
    assert view.frame == 3
    view.saw(2)
    assert (view.painted, view.frame) == (2, 5)
    view.saw(1)
    assert view.painted == 2


def test_what_moves_is_jpeg_and_close_to_what_it_shows():
    view = ImageView()
    view.show(torch.full((3, 16, 16), 0.5), moving=True)
    picture = Image.open(io.BytesIO(view.data))
    assert (view.kind, picture.format) == ("image/jpeg", "JPEG")
    assert np.abs(np.array(picture).astype(int) - 191).max() <= 2


def test_a_page_that_no_longer_answers_holds_nothing_up(monkeypatch):
    view = ImageView()
    painted(view, view.show(torch.zeros(3, 4, 4)))
    moves(view, 3)
    assert view.frame == 3
    later = time.monotonic() + 60
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert view.show(torch.ones(3, 4, 4)) == view.frame == 5


def test_off_screen_only_what_rests_is_sent():
    view = ImageView()
    view._handle_custom_msg({"view": "one", "visible": True}, [])
    painted(view, view.show(torch.zeros(3, 4, 4)))
    view._handle_custom_msg({"view": "one", "visible": False}, [])
    assert not view.on_screen
    moves(view, 4)
    assert view.frame == 1
    assert not view.wait_painted(view.show(torch.ones(3, 4, 4)), timeout=30)
    assert view.frame == 2
    view._handle_custom_msg({"view": "two", "visible": True}, [])
    assert view.on_screen


def test_pages_that_left_without_a_word_are_forgotten():
    view = ImageView()

    def says(page, visible):
        view._handle_custom_msg({"view": page, "visible": visible}, [])

    for page in range(20):
        says(f"left {page}", True)
    assert len(view._views) <= 8
    for page in range(8):
        says(f"here {page}", True)
        says(f"here {page}", False)
    assert not view.on_screen


def test_save_is_pythons_where_somebody_saves():
    pressed = []
    view = ImageView(on_save=lambda: pressed.append(True))
    assert view.saver
    view._handle_custom_msg({"save": True}, [])
    assert pressed == [True]
    assert not ImageView().saver


def test_another_picture_is_compared():
    view = ImageView(torch.zeros(3, 4, 4))
    view.compare(torch.ones(3, 4, 4))
    assert np.array(Image.open(io.BytesIO(view.other))).min() == 255
    view.compare(None)
    assert view.other == b""
    with pytest.raises(ValueError, match="uint8"):
        view.compare(np.zeros((4, 4)))
