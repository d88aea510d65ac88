"""Pictures at the edge: conversions, refusals, and writing in one step."""

import io
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from smis_core.images import (
    MAX_SIDE,
    check_writable,
    image_grid,
    open_picture,
    read_image,
    save_image,
    to_pil,
    to_uint8,
)


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)


def jpeg_cut_in_its_header():
    file = io.BytesIO()
    Image.new("RGB", (64, 64)).save(file, "JPEG")
    return file.getvalue()[:30]


def png_header(width, height):
    """A PNG that ends where its pixels would begin."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 9) + b"IDAT"


def test_every_source_gives_the_same_tensor(tmp_path, pixels):
    Image.fromarray(pixels).save(tmp_path / "picture.png")
    expected = torch.from_numpy(pixels).permute(2, 0, 1)[None] / 127.5 - 1
    for source in (
        tmp_path / "picture.png",
        str(tmp_path / "picture.png"),
        Image.fromarray(pixels),
        pixels,
        expected,
        expected[0],
    ):
        image = read_image(source)
        assert image.dtype == torch.float32
        torch.testing.assert_close(image, expected)


def test_uint8_round_trip_is_exact(pixels):
    assert np.array_equal(to_uint8(read_image(pixels))[0], pixels)
    assert np.array_equal(np.asarray(to_pil(read_image(pixels)[0])), pixels)


def test_to_uint8_clips():
    assert to_uint8(torch.tensor([-9.0, 0.0, 9.0]).reshape(1, 3, 1, 1)).ravel().tolist() == [
        0,
        128,
        255,
    ]


def test_size_takes_the_centre_square():
    wide = np.zeros((10, 30, 3), dtype=np.uint8)
    wide[:, 10:20] = 255
    assert read_image(wide, size=5).shape == (1, 3, 5, 5)
    torch.testing.assert_close(read_image(wide, size=5), torch.ones(1, 3, 5, 5))


def test_transparency_becomes_white():
    clear = Image.new("RGBA", (2, 2), (10, 20, 30, 0))
    torch.testing.assert_close(read_image(clear), torch.ones(1, 3, 2, 2))


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        (7, TypeError, "int"),
        (np.zeros((4, 4), np.uint8), ValueError, r"\[H, W, 3\]"),
        (np.zeros((4, 4, 3), np.float32), ValueError, "float32"),
        (torch.zeros(2, 3, 4, 4), ValueError, r"\[2, 3, 4, 4\]"),
        (torch.zeros(3, 4, 4, dtype=torch.uint8), ValueError, "uint8"),
        (torch.full((3, 4, 4), 255.0), ValueError, "127.5"),
        (torch.full((3, 4, 4), float("nan")), ValueError, "nan"),
        (Image.new("I;16", (4, 4)), ValueError, "8 bits"),
        (Image.new("RGB", (0, 4)), ValueError, "empty"),
    ],
)
def test_refuses_what_is_no_picture(source, error, words):
    with pytest.raises(error, match=words):
        read_image(source)


def test_refuses_files_by_name_and_cause(tmp_path, pixels):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.png"):
        read_image(tmp_path / "nowhere.png")
    with pytest.raises(ValueError, match="folder"):
        read_image(tmp_path)
    for name, content, words in (
        ("nothing.png", b"", "zero bytes"),
        ("text.png", b"not a picture", "none that can be read"),
        ("cut.jpg", jpeg_cut_in_its_header(), r"cut\.jpg"),
        ("wide.png", png_header(MAX_SIDE + 1, 4), str(MAX_SIDE)),
        ("bomb.png", png_header(60_000, 60_000), str(MAX_SIDE)),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=words) as caught:
            open_picture(tmp_path / name)
        assert name in str(caught.value)
    Image.fromarray(np.tile(pixels, (20, 20, 1))).save(tmp_path / "cut.png")
    whole = (tmp_path / "cut.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="broken or cut short"):
        open_picture(tmp_path / "cut.png")


def test_grid_places_pictures_row_by_row():
    images = torch.stack([torch.full((3, 2, 2), value) for value in (-1.0, -0.5, 0.0)])
    grid = image_grid(images, columns=2, gap=1)
    assert grid.shape == (3, 5, 5)
    assert grid[0].tolist() == [
        [-1.0, -1.0, 1.0, -0.5, -0.5],
        [-1.0, -1.0, 1.0, -0.5, -0.5],
        [1.0] * 5,
        [0.0, 0.0, 1.0, 1.0, 1.0],
        [0.0, 0.0, 1.0, 1.0, 1.0],
    ]


def test_grid_refuses_nothing():
    with pytest.raises(ValueError, match="N >= 1"):
        image_grid(torch.zeros(0, 3, 2, 2), columns=2)


def test_save_keeps_pixels_and_text(tmp_path, pixels):
    path = tmp_path / "new" / "picture.png"
    save_image(pixels, path, metadata={"smis:seed": "7", "title": "Zoë ✎"})
    with Image.open(path) as saved:
        assert np.array_equal(np.asarray(saved), pixels)
        assert saved.text == {"smis:seed": "7", "title": "Zoë ✎"}
    assert [file.name for file in path.parent.iterdir()] == ["picture.png"]


def test_a_failed_save_leaves_the_old_file_and_no_draft(tmp_path, pixels, monkeypatch):
    path = tmp_path / "picture.png"
    path.write_bytes(b"old")

    def fail(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        save_image(pixels, path)
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["picture.png"]


def test_only_png_is_written(tmp_path, pixels):
    with pytest.raises(ValueError, match=r"\.png"):
        save_image(pixels, tmp_path / "picture.jpg")


def test_check_writable_names_the_obstacle(tmp_path):
    (tmp_path / "file").write_bytes(b"kept")
    check_writable(tmp_path / "new" / "deep" / "picture.png")
    check_writable(tmp_path / "new", folder=True)
    assert not (tmp_path / "new").exists()
    for path, folder, words in (
        (tmp_path, False, "this is a folder"),
        (tmp_path / "file", True, "this is a file"),
        (tmp_path / "file" / "picture.png", False, "not a folder"),
        (tmp_path / "file" / "deep", True, "not a folder"),
    ):
        with pytest.raises(ValueError, match=words):
            check_writable(path, folder=folder)
    assert (tmp_path / "file").read_bytes() == b"kept"
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_check_writable_tries_the_folder(tmp_path, monkeypatch):
    # Root may write anywhere, so the refusal of the system is played.
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(ValueError, match="Permission denied"):
        check_writable(tmp_path / "picture.png")
