"""Label maps: exact indices in and out, thin parts that survive, and masks that are none."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage

from smis_core.labels import (
    MERGED,
    PORTRAITS,
    UNPAINTED,
    LabelClass,
    LabelMap,
    Palette,
)
from smis_core.portraits import render

PAPER_MASKS = Path(__file__).parents[2] / "shared" / "paper_masks" / "CelebAMask-HQ"
SHIPPED = sorted((Path(__file__).parents[1] / "smis_core/portraits/masks").glob("*.png"))
HAIR = 13


def stroke(width, angle, shift=0.0, side=512, radius=200):
    """A straight stroke through the middle."""
    rows, columns = np.mgrid[:side, :side] - side / 2 + 0.5
    distance = np.cos(angle) * rows - np.sin(angle) * columns - shift
    painted = (np.abs(distance) < width / 2) & (np.hypot(rows, columns) < radius)
    return LabelMap(np.where(painted, HAIR, 0))


def pieces(painted):
    return ndimage.label(painted, np.ones((3, 3)))[1]


def test_portraits_follow_celebamask_hq():
    assert PORTRAITS.indices == tuple(range(19))
    assert PORTRAITS.num_classes == 19
    assert PORTRAITS.by_name("left eye").index == 4
    assert PORTRAITS.by_index(17).name == "neck"
    assert sorted(sum(MERGED.values(), ())) == list(range(19))
    assert MERGED["mouth"] == (10, 11, 12)


def test_palette_survives_json():
    assert Palette.from_json(PORTRAITS.to_json()) == PORTRAITS
    for text in ("{", "[]", '{"name": "x", "classes": [{"index": 1}]}'):
        with pytest.raises(ValueError, match="palette"):
            Palette.from_json(text)


def test_palette_refuses_doubles_and_ranges():
    sky = LabelClass(1, "sky", (1, 2, 3), "s")
    for other, words in (
        (LabelClass(1, "sea", (4, 5, 6), "w"), "share one index"),
        (LabelClass(2, "sky", (4, 5, 6), "w"), "share one name"),
        (LabelClass(2, "sea", (1, 2, 3), "w"), "share one colour"),
        (LabelClass(2, "sea", (4, 5, 6), "s"), "share one key"),
        (LabelClass(255, "sea", (4, 5, 6), "w"), "index 0 to 254"),
        (LabelClass(2, "sea", (4, 5, 256), "w"), "0 to 255"),
        (LabelClass(2, "sea", (4, 5, 6), "ww"), "one character"),
    ):
        with pytest.raises(ValueError, match=words):
            Palette("water", (sky, other))
    with pytest.raises(ValueError, match="at least one class"):
        Palette("void", ())


def test_unknown_names_list_what_there_is():
    with pytest.raises(ValueError, match="left eye"):
        PORTRAITS.by_name("eye")
    with pytest.raises(ValueError, match="0-18"):
        PORTRAITS.by_index(19)


def test_indices_are_a_read_only_copy():
    given = np.zeros((4, 4), dtype=np.int64)
    labels = LabelMap(given)
    given[:] = 1
    assert labels.indices.dtype == np.uint8
    assert not labels.indices.any()
    with pytest.raises(ValueError, match="read-only"):
        labels.indices[0, 0] = 1


def test_equality_is_by_content():
    ones = np.ones((3, 3), dtype=np.uint8)
    other = Palette("other", PORTRAITS.classes)
    assert LabelMap(ones) == LabelMap(ones.copy())
    assert LabelMap(ones) != LabelMap(2 * ones)
    assert LabelMap(ones) != LabelMap(ones, other)
    assert LabelMap(ones) != "ones"


@pytest.mark.parametrize(
    ("indices", "error", "words"),
    [
        (np.zeros((4, 4)), TypeError, "float64"),
        (np.zeros((4, 4, 1), np.uint8), ValueError, r"\[4, 4, 1\]"),
        (np.zeros((0, 4), np.uint8), ValueError, r"\[0, 4\]"),
        (np.full((4, 4), 19), ValueError, "got also 19"),
        (np.full((4, 4), -1), ValueError, "got also -1"),
        (np.full((4, 4), 256), ValueError, "got also 256"),
    ],
)
def test_refuses_what_is_no_label_map(indices, error, words):
    with pytest.raises(error, match=words):
        LabelMap(indices)


def test_one_hot_leaves_the_unpainted_empty():
    planes = LabelMap(np.array([[0, 13], [UNPAINTED, 18]])).one_hot()
    assert planes.shape == (1, 19, 2, 2)
    assert planes.dtype == torch.float32
    assert planes[0, 0, 0, 0] == planes[0, 13, 0, 1] == planes[0, 18, 1, 1] == 1
    assert planes.sum() == 3


def test_colours_and_opacity():
    labels = LabelMap(np.array([[HAIR, UNPAINTED]]))
    assert labels.colours()[0].tolist() == [list(PORTRAITS.by_name("hair").colour), [255] * 3]
    assert labels.rgba(0.5)[0, :, 3].tolist() == [128, 0]
    with pytest.raises(ValueError, match="0 to 1"):
        labels.rgba(1.5)


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 6, 7, 8, 12])
@pytest.mark.parametrize("size", [48, 64, 100])
def test_strokes_stay_in_one_piece_and_do_not_fatten(width, size):
    for number in range(12):
        drawn = stroke(width, angle=number * np.pi / 12 + 0.01, shift=number / 3)
        kept = drawn.resized(size).indices == HAIR
        assert pieces(kept) == 1
        length = 400 * size / 512
        fair = max(length, (drawn.indices == HAIR).sum() * (size / 512) ** 2)
        assert np.ptp(np.argwhere(kept), axis=0).max() >= 0.65 * length
        assert kept.sum() <= 1.45 * fair


def test_a_single_pixel_survives():
    dot = np.zeros((512, 512), dtype=np.uint8)
    dot[301, 77] = 5
    small = LabelMap(dot).resized(64).indices
    assert np.argwhere(small == 5).tolist() == [[301 // 8, 77 // 8]]


def test_a_gap_between_strands_survives():
    strands = np.full((512, 512), HAIR, dtype=np.uint8)
    strands[100:400, 203:205] = 1
    gap = LabelMap(strands).resized(64).indices == 1
    assert pieces(gap) == 1
    assert gap.sum() == pytest.approx(300 / 8, abs=2)


def test_no_class_disappears_under_a_rarer_one():
    crowd = np.zeros((64, 64), dtype=np.uint8)
    crowd[8:16, 8:16] = np.arange(64).reshape(8, 8) % 18 + 1
    assert LabelMap(crowd).resized(8).present()[0] == 0
    half = np.full((8, 8), 1, dtype=np.uint8)
    half[3, :] = 2
    assert LabelMap(half).resized(2).present() == (1, 2)


def test_broad_parts_keep_their_area():
    rows, columns = np.mgrid[:512, :512] - 255.5
    disc = LabelMap(np.where(np.hypot(rows, columns) < 150, 1, 0))
    assert (disc.resized(64).indices == 1).sum() == pytest.approx(np.pi * 150**2 / 64, rel=0.02)


def test_unpainted_gives_way_only_to_what_was_painted():
    sketch = np.full((512, 512), UNPAINTED, dtype=np.uint8)
    sketch[:, 250] = HAIR
    small = LabelMap(sketch).resized(64).indices
    assert (small == HAIR).sum() == 64
    assert (small == UNPAINTED).sum() == 64 * 63


def test_growing_keeps_what_is_straight():
    labels = LabelMap(np.array([[0, 1], [2, 3]]))
    assert np.array_equal(labels.resized(6).indices, np.kron(labels.indices, np.ones((3, 3))))
    assert labels.resized(2) is labels
    assert labels.resized(3).indices.shape == (3, 3)


@pytest.mark.parametrize("size", [128, 192, 256])
def test_what_is_grown_shrinks_back(size):
    for labels in render(range(20), size=64).labels.numpy():
        small = LabelMap(labels)
        grown = small.resized(size)
        assert grown.present() == small.present()
        assert (grown.resized(64).indices == labels).mean() >= 0.99
        assert grown == small.resized(size)


@pytest.mark.parametrize("size", [192, 224, 256])
def test_slanted_edges_grow_smooth(size):
    """Closer to the line that the pixels stand for than the pixels' own steps are."""
    place = ((np.arange(size) + 0.5) * 64 / size).astype(int)
    wrong = steps = 0
    for angle in (0.15, 0.4, 0.8, 1.2):
        wanted, small = (
            np.where(np.cos(angle) * rows > np.sin(angle) * columns + 0.003, HAIR, 1)
            for rows, columns in (
                ((np.mgrid[:side, :side] + 0.5) / side) - 0.5 for side in (size, 64)
            )
        )
        wrong += (LabelMap(small).resized(size).indices != wanted).sum()
        steps += (small[place][:, place] != wanted).sum()
    assert wrong < 0.6 * steps


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_thin_parts_and_dots_grow_whole(factor):
    for number in range(8):
        small = stroke(1.45, number * np.pi / 8, side=64, radius=25).indices.copy()
        small[3, 3] = 5
        small[60, 10:12] = UNPAINTED
        grown = LabelMap(small).resized(64 * factor).indices
        lines = grown == HAIR
        assert pieces(lines) == pieces(small == HAIR) == 1
        assert lines.sum() == pytest.approx((small == HAIR).sum() * factor**2, rel=0.3)
        assert pieces(grown == 5) == pieces(grown == UNPAINTED) == 1


def test_growing_leaves_paper_where_it_was():
    sketch = np.full((32, 32), UNPAINTED, dtype=np.uint8)
    sketch[8:24, 10:20] = HAIR
    grown = LabelMap(sketch).resized(128).indices
    painted = ndimage.binary_dilation(np.kron(sketch == HAIR, np.ones((4, 4))), iterations=2)
    assert (grown[~painted] == UNPAINTED).all()
    assert set(np.unique(grown)) == {HAIR, UNPAINTED}


def test_resizing_refuses_oblongs_and_ranges():
    with pytest.raises(ValueError, match=r"square.*4 x 2"):
        LabelMap(np.zeros((2, 4), np.uint8)).resized(2)
    for size in (0, 8193):
        with pytest.raises(ValueError, match=str(size)):
            LabelMap(np.zeros((2, 2), np.uint8)).resized(size)


def test_folding_takes_the_nearest_surroundings():
    row = np.array([[1, 15, 15, 13, 16, UNPAINTED]])
    assert LabelMap(row).folded((15, 16)).indices.tolist() == [[1, 1, 13, 13, 13, 255]]
    assert LabelMap(row[:, 1:3]).folded({15}).indices.tolist() == [[255, 255]]
    plain = LabelMap(row[:, :1])
    assert plain.folded((15,)) is plain


def test_saved_masks_come_back_exactly(tmp_path):
    indices = np.arange(400, dtype=np.uint8).reshape(20, 20) % 19
    indices[0, :5] = UNPAINTED
    labels = LabelMap(indices)
    labels.save(tmp_path / "mask.png")
    assert LabelMap.load(tmp_path / "mask.png") == labels
    with Image.open(tmp_path / "mask.png") as saved:
        assert saved.mode == "P"
        seen = np.asarray(saved.convert("RGBA"))
        assert Palette.from_json(saved.text["smis:palette"]) == PORTRAITS
    assert np.array_equal(seen, labels.rgba())


def test_what_editors_make_of_a_saved_mask_is_read(tmp_path):
    indices = np.arange(400, dtype=np.uint8).reshape(20, 20) % 19
    indices[0, :5] = UNPAINTED
    labels = LabelMap(indices)
    grey = Image.fromarray(indices)
    opaque = Image.new("L", (20, 20), 255)
    see_through = Image.fromarray(labels.rgba()[..., 3])
    for name, picture in {
        "grey": grey,
        "equal channels": Image.merge("RGB", [grey] * 3),
        "equal channels, opaque": Image.merge("RGBA", [grey] * 3 + [opaque]),
        "grey, unpainted see-through": Image.merge("LA", [grey, see_through]),
        "palette's colours": Image.fromarray(labels.colours()),
        "palette's colours, see-through": Image.fromarray(labels.rgba()),
    }.items():
        picture.save(tmp_path / "mask.png")
        assert LabelMap.load(tmp_path / "mask.png") == labels, name


def png(width, height, depth, colour_type, rows):
    """A PNG written by hand, for depths that Pillow does not write."""

    def chunk(kind, content):
        return (
            struct.pack(">I", len(content))
            + kind
            + content
            + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    content = zlib.compress(b"".join(b"\0" + row for row in rows))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", content)
        + chunk(b"IEND", b"")
    )


def bad_masks():
    noise = np.random.default_rng(0)
    photograph = noise.integers(0, 256, (16, 16, 3), dtype=np.uint8)
    indices = np.full((16, 16), HAIR, dtype=np.uint8)
    unknown = indices.copy()
    unknown[3, 4] = 77
    half_clear = np.dstack([indices, np.full_like(indices, 128)])
    return {
        "photograph": (Image.fromarray(photograph), "colour picture"),
        "unknown index": (Image.fromarray(unknown), "got also 77"),
        "16-bit grey": (Image.fromarray(indices.astype(np.uint16)), "16 bits"),
        "one bit": (Image.fromarray(indices > 0), "mode '1'"),
        "oblong": (Image.fromarray(indices[:8]), "16 x 8"),
        "background only": (Image.fromarray(indices * 0), "is empty"),
        "unpainted only": (Image.fromarray(indices * 0 + 255), "is empty"),
        "partly clear": (Image.fromarray(half_clear), "see-through"),
        "16-bit colour": (png(1, 1, 16, 2, [b"\x0d\0\x0d\0\x0d\0"]), "16 bits"),
        "4-bit grey": (png(2, 2, 4, 0, [b"\x11", b"\x11"]), "4 bits"),
        "zero bytes": (b"", "zero bytes"),
        "no picture": (b"GIF89 nothing", "none that can be read"),
        "huge": (png(8193, 8193, 8, 0, []), "8192"),
    }


@pytest.mark.parametrize("name", bad_masks())
def test_refuses_what_is_no_mask(name, tmp_path):
    content, words = bad_masks()[name]
    path = tmp_path / "mask.png"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        content.save(path)
    with pytest.raises(ValueError, match=words) as caught:
        LabelMap.load(path)
    assert "mask.png" in str(caught.value)


def test_refuses_jpeg_and_missing_files(tmp_path):
    Image.fromarray(np.full((16, 16), HAIR, dtype=np.uint8)).save(tmp_path / "mask.jpg")
    with pytest.raises(ValueError, match="JPEG changes pixel values"):
        LabelMap.load(tmp_path / "mask.jpg")
    with pytest.raises(FileNotFoundError, match=r"nowhere\.png"):
        LabelMap.load(tmp_path / "nowhere.png")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_masks_show_a_whole_character(path):
    assert {0, 1, 2, 4, 5, 13, 17, 18} <= set(LabelMap.load(path).present())


@pytest.mark.skipif(not PAPER_MASKS.is_dir(), reason="the paper's masks are not here")
def test_the_papers_masks_keep_their_classes_and_areas():
    files = sorted(PAPER_MASKS.rglob("*.png"))
    assert files
    for path in files:
        labels = LabelMap.load(path)
        for size in (64, 128):
            small = labels.resized(size)
            assert small.present() == labels.present()
            before = np.bincount(labels.indices.ravel(), minlength=256) * (size / 512) ** 2
            after = np.bincount(small.indices.ravel(), minlength=256)
            assert np.abs(after - before).max() <= 0.01 * size**2
