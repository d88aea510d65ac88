"""Pictures of any kind become targets, and what was done to them is told."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from smis_core.inversion import FFHQ_POINTS, FacePoints, prepare_target, preview
from smis_core.labels import PORTRAITS, LabelMap

sys.path.append(str(Path(__file__).parent))


def gradient(width=48, height=32):
    """uint8 [H, W, 3]: red grows to the right, green downwards."""
    red = np.linspace(0, 255, width)[None].repeat(height, 0)
    green = np.linspace(0, 255, height)[:, None].repeat(width, 1)
    return np.stack([red, green, np.full_like(red, 80)], axis=2).round().astype(np.uint8)


def test_arrays_pictures_files_and_tensors_give_the_same(tmp_path):
    array = gradient(32, 32)
    Image.fromarray(array).save(tmp_path / "a.png")
    tensor = torch.from_numpy(array).permute(2, 0, 1).float() / 127.5 - 1
    sources = (array, Image.fromarray(array), tmp_path / "a.png", tensor, tensor[None])
    images = [prepare_target(source, 32).image for source in sources]
    for image in images:
        assert image.shape == (1, 3, 32, 32)
        assert torch.allclose(image, tensor[None], atol=2e-3), "of the right size nothing changes"


def test_pictures_are_resized_in_linear_light():
    lines = np.zeros((64, 64, 3), np.uint8)
    lines[:, ::2] = 255
    lines[:8] = 0
    image = prepare_target(lines, 32).image
    half = 1.055 * 0.5 ** (1 / 2.4) - 0.055
    assert float(image[0, :, 16, 16].mean()) == pytest.approx(2 * half - 1, abs=0.02)


def test_the_centre_is_taken_or_everything_with_bars_that_do_not_matter():
    crop = prepare_target(gradient(), 32)
    assert crop.weight is None
    assert "centre square, 32 of 48 x 32" in crop.notes[-1]
    assert crop.corners[0] == (8, 0)
    assert crop.corners[2] == (40, 32)
    padded = prepare_target(gradient(), 48, fit="pad")
    assert padded.corners[0] == (0, -8)
    assert float(padded.weight[..., :7, :].max()) == 0
    assert float(padded.weight[..., 9:39, :].min()) > 0.999
    assert preview(padded).size == (48, 48)
    boxed = prepare_target(gradient(), 16, box=(4, 8, 16))
    assert boxed.corners[2] == (20, 24)


def test_a_face_is_aligned_by_three_points():
    size, angle, scale = 64, 0.4, 1.7
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    move = np.array([30.0, 12.0])

    def moved(point):
        return tuple(scale * turn @ (np.array(point) * size) + move)

    points = FacePoints(*(moved(getattr(FFHQ_POINTS, name)) for name in
                          ("left_eye", "right_eye", "mouth")))  # fmt: skip
    target = prepare_target(gradient(200, 200), size, points=points, expected=FFHQ_POINTS)
    (a, b, c), (d, e, f) = target.to_source
    for name in ("left_eye", "right_eye", "mouth"):
        x, y = (each * size for each in getattr(FFHQ_POINTS, name))
        found = (a * x + b * y + c, d * x + e * y + f)
        assert found == pytest.approx(getattr(points, name), abs=1e-6)
    assert "turned 23°" in target.notes[-1]
    with pytest.raises(ValueError, match="different places"):
        prepare_target(gradient(), 32, points=FacePoints((3, 3), (3, 3), (3, 3)))
    with pytest.raises(ValueError, match="one of them"):
        prepare_target(gradient(), 32, points=points, box=(0, 0, 9))


def test_transparency_becomes_white():
    array = np.zeros((32, 32, 4), np.uint8)
    array[:16, :, 3] = 255
    image = prepare_target(array, 32).image
    assert float(image[..., 4, 4].max()) == pytest.approx(-1, abs=1e-3)
    assert float(image[..., 28, 4].min()) == pytest.approx(1, abs=1e-3)


def test_cmyk_sixteen_bits_grey_and_animations_are_read(tmp_path):
    array = gradient(32, 32)
    cmyk = prepare_target(Image.fromarray(array).convert("CMYK"), 32)
    assert any("CMYK" in note for note in cmyk.notes)
    deep = prepare_target(Image.fromarray(array[..., 0].astype(np.uint16) * 257), 32)
    plain = prepare_target(array[..., 0], 32)
    assert torch.allclose(deep.image, plain.image, atol=5e-3)
    frames = [Image.fromarray(array), Image.fromarray(255 - array)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    first = prepare_target(tmp_path / "a.gif", 32)
    assert any("first of 2 frames" in note for note in first.notes)
    assert float((first.image - prepare_target(array, 32).image).abs().mean()) < 0.1


def test_pictures_of_many_pixels_are_read_or_refused_unread():
    wide = np.zeros((64, 30_000, 3), np.uint8)
    wide[:, ::2] = 255
    wide[:32] //= 2
    target = prepare_target(wide, 32)
    assert target.source_size == (30_000, 64)
    assert target.corners[0] == (14_968, 0)
    huge = np.broadcast_to(np.uint8(0), (30_000, 30_000, 3))
    with pytest.raises(ValueError, match="67 million pixels"):
        prepare_target(huge, 32)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (np.full((32, 32, 3), 7, np.uint8), "single colour"),
        (np.full((32, 32, 3), (255, 0, 0), np.uint8), "single colour"),
        (np.zeros((1, 1, 3), np.uint8), "at least 8 pixels"),
        (torch.full((3, 32, 32), torch.nan), "NaN"),
        (torch.rand(3, 32, 32) * 255, "x / 127.5 - 1"),
        (torch.zeros(3, 32, 32, dtype=torch.uint8), "float tensor"),
        (np.zeros((4, 4)), "single colour|at least 8"),
        (np.full((32, 32, 3), 3.0), r"floats in \[0, 1\]"),
        (np.zeros((32, 32, 2), np.uint8), r"\[H, W, 3\]"),
        (np.zeros((32, 32, 3), np.int32), "uint8, uint16"),
        (Image.new("F", (32, 32)), "floats"),
        (Image.new("RGBA", (32, 32), (9, 9, 9, 0)), "single colour"),
    ],
)
def test_what_is_no_target_is_refused(source, message):
    with pytest.raises(ValueError, match=message):
        prepare_target(source, 32)


def test_files_that_are_no_pictures_are_refused(tmp_path):
    broken = tmp_path / "broken.png"
    Image.fromarray(gradient()).save(broken)
    broken.write_bytes(broken.read_bytes()[:90])
    with pytest.raises(ValueError, match="broken"):
        prepare_target(broken, 32)
    with pytest.raises(FileNotFoundError):
        prepare_target(tmp_path / "none.png", 32)
    with pytest.raises(TypeError, match="got int"):
        prepare_target(3, 32)
    large = tmp_path / "large.png"
    Image.new("1", (30_000, 100)).save(large)
    with pytest.raises(ValueError, match="30000"):
        prepare_target(large, 32)


def test_masks_say_what_matters_or_what_is_missing():
    indices = np.full((32, 48), 255, np.uint8)
    indices[:, :24] = 1
    # The mask has the picture's size and goes through the same crop.
    weight = prepare_target(gradient(), 32, weight=indices == 1).weight
    assert float(weight[..., :15].min()) > 0.999
    assert float(weight[..., 17:].max()) < 0.001
    missing = prepare_target(gradient(), 32, missing=indices == 1).weight
    assert torch.allclose(weight + missing, torch.ones(1, 1, 32, 32))
    square = np.full((32, 32), 255, np.uint8)
    square[4:8, 4:8] = 2
    drawn = prepare_target(gradient(), 32, weight=LabelMap(square, PORTRAITS)).weight
    assert float(drawn.sum()) == 16


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.zeros((32, 32)), "covers nothing"),
        (np.full((32, 32), -1.0), "from 0"),
        (np.full((32, 32), np.nan), "from 0"),
        (np.ones((5, 5)), "of the picture's size"),
    ],
)
def test_masks_that_are_none_are_refused(mask, message):
    with pytest.raises(ValueError, match=message):
        prepare_target(gradient(), 32, weight=mask)
