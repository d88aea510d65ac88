"""Aligning a face before it is inverted."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from widgets.fake_inversion import picture

from smis_core.inversion.targets import PORTRAIT_POINTS, prepare_target, preview
from smis_widgets import TargetView
from smis_widgets.recording import picture_of


@pytest.fixture
def photo():
    wide = torch.nn.functional.interpolate(picture(16), size=(60, 90), mode="bilinear")
    return Image.fromarray(picture_of(wide))


@pytest.fixture
def view(photo):
    view = TargetView(photo, 32)
    yield view
    view.close()


def test_it_opens_with_the_centre_square(view, photo):
    plain = prepare_target(photo, 32)
    assert torch.equal(view.target.image, plain.image)
    assert np.allclose(view.align.corners, [[1 / 6, 0], [5 / 6, 0], [5 / 6, 1], [1 / 6, 1]])
    # The points stand where the generator expects them in that square: nothing would move.
    left = PORTRAIT_POINTS.left_eye
    assert np.allclose(view.align.points[0], [(15 + 60 * left[0]) / 90, left[1]])
    assert view.points is None


def test_a_picture_may_be_padded_and_shows_it(photo):
    view = TargetView(photo, 32, fit="pad")
    whole = prepare_target(photo, 32, fit="pad")
    assert torch.equal(view.target.image, whole.image)
    assert torch.equal(view.target.weight, whole.weight)
    # The outline reaches beyond the picture, above and below, and the bars are pale.
    assert np.allclose(view.align.corners, [[0, -0.25], [1, -0.25], [1, 1.25], [0, 1.25]])
    shown = np.array(Image.open(io.BytesIO(view.view.data)))
    assert np.array_equal(shown, np.array(preview(whole)))
    assert shown[:4].mean() > picture_of(whole.image)[:4].mean() + 20
    assert "the bars beside it do not matter" in view._caption.tooltip
    view.align._handle_custom_msg({"points": [[0.3, 0.4], [0.6, 0.5], [0.4, 0.7]]}, [])
    assert view.wait()
    view.reset_button.click()
    assert view.wait()
    assert torch.allclose(view.target.image, whole.image)
    view.close()


def test_dragging_aligns(view, photo):
    before = view.view.data
    view.align._handle_custom_msg({"points": [[0.3, 0.4], [0.6, 0.5], [0.4, 0.7]]}, [])
    assert view.wait()
    assert view.view.data != before
    assert view.points.left_eye == pytest.approx((27, 24))
    assert np.allclose(view.align.points, [[0.3, 0.4], [0.6, 0.5], [0.4, 0.7]])
    wanted = prepare_target(photo, 32, points=view.points)
    assert torch.allclose(view.target.image, wanted.image, atol=0.02)
    view.reset_button.click()
    assert view.wait()
    assert view.points is None
    assert view.view.data == before


def test_untouched_points_change_nothing(view):
    before = view.target.image
    view.align._handle_custom_msg({"points": view.align.points}, [])
    assert view.wait()
    assert torch.allclose(view.target.image, before, atol=1e-3)


@pytest.mark.parametrize(
    "points",
    [None, [], [[0.5, 0.5]] * 2, [[0.1], [0.2], [0.3]], [["x", 1], [0, 0], [1, 1]],
     [[float("nan"), 0], [0, 0], [1, 1]]],
)  # fmt: skip
def test_what_are_no_points_is_ignored(view, points):
    view.align._handle_custom_msg({"points": points}, [])
    assert view.points is None


def test_points_on_one_another_are_an_error_in_the_widget_and_in_the_exception(view):
    view.align._handle_custom_msg({"points": [[0.5, 0.5]] * 3}, [])
    assert view.wait()
    assert "smis-error" in view.message.value
    with pytest.raises(ValueError, match="eyes and a mouth"):
        _ = view.target
    view.reset()
    assert view.wait()
    assert view.message.value == ""


def test_a_large_picture_is_previewed_from_a_small_copy_and_inverted_from_all_of_it():
    wide = torch.nn.functional.interpolate(picture(16), size=(900, 1200), mode="bilinear")
    missing = np.zeros((900, 1200), bool)
    missing[300:600, 500:700] = True
    view = TargetView(wide, 32, missing=missing)
    view.align._handle_custom_msg({"points": [[0.4, 0.45], [0.6, 0.45], [0.5, 0.6]]}, [])
    assert view.wait()
    assert view.message.value == ""
    assert view.target.source_size == (1200, 900)
    wanted = prepare_target(wide, 32, points=view.points, missing=missing)
    assert torch.allclose(view.target.image, wanted.image, atol=0.02)
    assert torch.allclose(view.target.weight, wanted.weight, atol=0.02)
    view.close()


def test_what_cannot_be_inverted_is_refused_before_anything_is_shown():
    with pytest.raises(ValueError, match="single colour"):
        TargetView(Image.new("RGB", (32, 32), "grey"), 16)
    with pytest.raises(FileNotFoundError):
        TargetView("nowhere.png", 16)
