"""Files that leave the pad and come into it: saved, chosen, dropped."""

import gc
import io
import json
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image
from widgets.fake_synthesizer import portrait_mask
from widgets.page import PadPage
from widgets.upload import pieces

from smis_core.labels import PORTRAITS, LabelClass, LabelMap, Palette
from smis_widgets.mask_pad import MaskPad

MANY_COLOURS = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)


@pytest.fixture
def pad(tmp_path):
    pad = MaskPad(resolution=64, folder=tmp_path)
    yield pad
    pad.close()


@pytest.fixture
def page(pad):
    return PadPage(pad)


def png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def upload(page: PadPage, data: bytes, *, purpose: str = "mask", name: str = "mask.png") -> None:
    for about, piece in pieces(name, data):
        page.message({"ask": "file", "view": page.name, "purpose": purpose, **about}, piece)


@pytest.mark.parametrize(
    ("form", "suffix"), [("indexed", "png"), ("rgb", "png"), ("npz", "npz"), ("svg", "svg")]
)
def test_saving_never_overwrites_and_indices_load_again(pad, page, tmp_path, form, suffix):
    pad.value = portrait_mask(64)
    for _ in range(2):
        page.message({"ask": "save", "view": page.name, "format": form})
    assert f"mask-0002.{suffix}" in pad.message.value
    path = tmp_path / f"mask-0001.{suffix}"
    assert path.exists()
    pad.clear()
    if form != "svg":
        upload(page, path.read_bytes(), name=path.name)
        assert pad.value == portrait_mask(64)


def test_a_folder_that_cannot_be_written_is_a_line_in_the_pad(pad, page, tmp_path):
    (tmp_path / "file").write_text("in the way")
    pad.folder = str(tmp_path / "file")
    page.message({"ask": "save", "view": page.name, "format": "indexed"})
    assert "smis-error" in pad.message.value


def test_a_dropped_file_is_a_mask_or_a_picture(pad, page, tmp_path):
    portrait_mask(64).save(tmp_path / "mine.png")
    upload(page, (tmp_path / "mine.png").read_bytes(), purpose="any")
    assert pad.value == portrait_mask(64)
    photograph = np.random.default_rng(0).integers(0, 255, (50, 50, 3), dtype=np.uint8)
    upload(page, png(Image.fromarray(photograph)), purpose="any", name="me.png")
    assert np.array_equal(np.array(pad.picture), photograph)
    assert pad.value == portrait_mask(64)
    assert pad._front.has_picture


def labelme(*names: str, width: int = 80, height: int = 64) -> bytes:
    """Labelme's JSON: a square of each class, one below the other, in the middle."""
    left = width // 2
    shapes = [
        {
            "label": name,
            "shape_type": "rectangle",
            "points": [[left, 20 * n], [left + 9, 20 * n + 9]],
        }
        for n, name in enumerate(names)
    ]
    document = {"shapes": shapes, "imageWidth": width, "imageHeight": height}
    return json.dumps(document).encode()


@pytest.mark.parametrize("purpose", ["mask", "any"])
def test_annotations_of_other_programs_are_taken_by_their_names(pad, page, purpose):
    upload(page, labelme("Hair", "l_eye"), purpose=purpose, name="them.json")
    assert pad.value.palette == PORTRAITS
    assert pad.value.indices.shape == (64, 64)
    assert "cropped" in pad.message.value
    assert pad.value.indices[5, 35] == PORTRAITS.by_name("hair").index
    assert pad.value.present() == (4, 13)
    upload(page, labelme("Hair", "beard"), purpose=purpose, name="them.json")
    assert pad.value.indices[5, 35] == PORTRAITS.by_name("hair").index
    assert pad.value.indices[25, 35] == pad.value.palette.by_name("beard").index


def test_a_program_loads_what_a_person_drops(pad, tmp_path):
    theirs = Palette("t", (LabelClass(1, "sky", (1, 2, 3), ""),))
    sky = LabelMap(np.ones((8, 8), np.uint8), theirs)
    sky.save(tmp_path / "sky.png")
    pad.load(tmp_path / "sky.png")
    assert pad.value == sky, "1 is skin in portraits"
    pad.undo()
    (tmp_path / "them.json").write_bytes(labelme("hair"))
    pad.load(str(tmp_path / "them.json"))
    assert pad.value.present() == (13,)


def header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(name: bytes, data: bytes) -> bytes:
        check = zlib.crc32(name + data).to_bytes(4)
        return len(data).to_bytes(4) + name + data + check

    size = width.to_bytes(4) + height.to_bytes(4) + bytes([8, 0, 0, 0, 0])
    rows = zlib.compress(bytes(1 << 20))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "data",
    [
        b"no picture at all",
        header(20_000, 15_000),
        header(8_000, 8_000),
        png(Image.fromarray(MANY_COLOURS)),
    ],
    ids=["nothing", "300 megapixels", "promises", "colours"],
)  # fmt: skip
def test_files_that_are_no_masks_are_a_line_in_the_pad(pad, page, data):
    pad.value = portrait_mask(64)
    tracemalloc.start()
    upload(page, data)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    gc.collect()
    assert "smis-error" in pad.message.value
    assert "mask.png" in pad.message.value
    assert pad.value == portrait_mask(64)
    assert most < 200 << 20
    page.stroke((0.5, 0.5))
    assert pad.message.value == ""


def test_the_colours_of_a_mask_become_the_pads_classes(pad, page):
    colours = np.array([[250, 10, 10], [10, 250, 10], [10, 10, 250]], np.uint8)
    drawn = np.arange(64) // 22
    upload(page, png(Image.fromarray(colours[np.tile(drawn, (64, 1))])), purpose="palette")
    assert {each.colour for each in pad.value.palette.classes} == set(map(tuple, colours.tolist()))
    assert pad.label in pad.value.palette.indices
    assert "3 classes" in pad.message.value
    assert np.array_equal(pad.value.colours(), colours[np.tile(drawn, (64, 1))])
    page.act("undo")
    assert pad.value == LabelMap(np.full((64, 64), 255, np.uint8))
