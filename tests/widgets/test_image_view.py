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
