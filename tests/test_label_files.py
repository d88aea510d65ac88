"""Masks travel with their palette, and hostile files are refused before they cost anything."""

import io
import struct
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from smis_core.labels import PORTRAITS, UNPAINTED, LabelClass, LabelMap, Palette

OWN = Palette(
    '<b>my & "own"</b>',
    (
        LabelClass(3, "</desc><script>", (1, 2, 3), "a"),
        LabelClass(200, "b & 'c' &lt;", (200, 100, 0), ""),
    ),
)


def drawing():
    indices = np.random.default_rng(0).choice([3, 200, UNPAINTED], (40, 40)).astype(np.uint8)
    indices[5:30, 8:20] = 3
    indices[10:14, 10:14] = 200
    return LabelMap(indices, OWN)


@pytest.mark.parametrize("suffix", [".png", ".npz", ".svg"])
def test_maps_come_back_exactly_with_their_palette(suffix, tmp_path):
    path = tmp_path / "new folder" / f"mask{suffix}"
    drawing().save(path)
    assert LabelMap.load(path, None) == drawing()
    assert LabelMap.load(path, OWN) == drawing()
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    with pytest.raises(ValueError, match="got also 200"):
        LabelMap.load(path)


def test_oblong_maps_travel_as_npz_and_svg(tmp_path):
    oblong = LabelMap(drawing().indices[:17], OWN)
    for suffix in (".npz", ".svg"):
        oblong.save(tmp_path / f"mask{suffix}")
        assert LabelMap.load(tmp_path / f"mask{suffix}", None) == oblong


def test_rgb_in_the_palettes_colours(tmp_path):
    drawing().save(tmp_path / "mask.png", colours=True)
    with Image.open(tmp_path / "mask.png") as picture:
        assert picture.mode == "RGB"
    assert LabelMap.load(tmp_path / "mask.png", None) == drawing()


def test_outlines_are_exact_and_names_are_text(tmp_path):
    drawing().save(tmp_path / "mask.svg")
    text = (tmp_path / "mask.svg").read_text(encoding="utf-8")
    assert "<script" not in text
    square = LabelMap(np.pad(np.full((2, 3), 3), 1, constant_values=UNPAINTED), OWN)
    square.save(tmp_path / "square.svg")
    text = (tmp_path / "square.svg").read_text(encoding="utf-8")
    assert 'd="M1 1H4V3H1Z"' in text
    assert 'fill="#010203"' in text
    assert 'viewBox="0 0 5 4"' in text


def test_zero_is_unpainted_where_the_palette_has_no_class_0(tmp_path):
    grey = np.full((8, 8), 3, np.uint8)
    grey[0] = 0
    Image.fromarray(grey).save(tmp_path / "mask.png")
    assert LabelMap.load(tmp_path / "mask.png", OWN).indices[0, 0] == UNPAINTED


def chunk(kind, content):
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


def bomb(width, height, *extra):
    """A small PNG that claims to be large."""
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    rows = zlib.compress(bytes(1 << 20), 9) * 4
    parts = [chunk(b"IHDR", header), chunk(b"PLTE", bytes(768)), *extra, chunk(b"IDAT", rows)]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")


def npz(**arrays):
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def claimed_npz():
    """Ten megabytes of zeros per kilobyte, and a header that asks for gigabytes."""
    header = np.lib.format.magic(1, 0)
    text = (
        b"{'descr': '|u1', 'fortran_order': False, 'shape': (100000, 100000), }".ljust(117) + b"\n"
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("indices.npy", header + struct.pack("<H", len(text)) + text + bytes(1000))
        archive.writestr("palette.npy", b"")
    return file.getvalue()


def colourful():
    codes = np.arange(40_000).reshape(200, 200)
    file = io.BytesIO()
    pixels = np.stack([codes >> 8, codes & 255, codes % 7], axis=2).astype(np.uint8)
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


TEXT_BOMB = chunk(b"zTXt", b"smis:palette\0\0" + zlib.compress(bytes(1 << 26), 9))
MAP, JSON = np.zeros((4, 4), np.uint8), np.array(PORTRAITS.to_json())

HOSTILE = {
    "300 megapixels.png": (bomb(17321, 17321), "too large|8192"),
    "wide.png": (bomb(60000, 16), "8192"),
    "cut short.png": (bomb(8192, 8192), "broken or cut short"),
    "text bomb.png": (bomb(4, 4, TEXT_BOMB), "hostile"),
    "40,000 colours.png": (colourful(), "40000 colours"),
    "no zip.npz": (b"nothing", "no label map"),
    "others.npz": (npz(a=MAP), "indices and palette"),
    "claim.npz": (claimed_npz(), "no label map"),
    "objects.npz": (npz(indices=np.array([[{}]]), palette=JSON), "no label map"),
    "floats.npz": (npz(indices=MAP.astype(float), palette=JSON), "float64"),
    "palette.npz": (npz(indices=MAP, palette=np.array("{")), "palette"),
    "other.svg": (b"<svg><rect/></svg>", "this is another one"),
    "entities.svg": (b'<!DOCTYPE x [<!ENTITY a "aaaa">]><svg>&a;</svg>', "this is another one"),
    "latin.svg": (b"\xff\xfe\xff", "no label map"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_by_name(name, tmp_path):
    content, words = HOSTILE[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=words) as caught:
        LabelMap.load(tmp_path / name)
    assert name in str(caught.value)


def test_an_svg_that_leaves_its_map_is_refused(tmp_path):
    path = tmp_path / "mask.svg"
    drawing().save(path)
    text = path.read_text(encoding="utf-8")
    for wrong in ("V99999", "H99999"):
        path.write_text(text.replace('d="M', f'd="M0 0{wrong}V1ZM', 1), encoding="utf-8")
        with pytest.raises(ValueError, match="leaves the map"):
            LabelMap.load(path, None)
    path.write_text(text.replace('viewBox="0 0 40 40"', 'viewBox="0 0 99999 99999"'))
    with pytest.raises(ValueError, match="8192"):
        LabelMap.load(path, None)


def test_asking_for_a_palette_that_is_not_there(tmp_path):
    Image.fromarray(np.full((4, 4), 3, np.uint8)).save(tmp_path / "mask.png")
    with pytest.raises(ValueError, match="from_colours"):
        LabelMap.load(tmp_path / "mask.png", None)
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("smis:palette", '{"name": "x", "classes": [{"index": 900}]}')
    Image.fromarray(np.full((4, 4), 3, np.uint8)).save(tmp_path / "mask.png", pnginfo=chunks)
    with pytest.raises(ValueError, match="palette"):
        LabelMap.load(tmp_path / "mask.png", None)
    for name in ("nowhere.npz", "nowhere.svg", "nowhere.png"):
        with pytest.raises(FileNotFoundError, match="nowhere"):
            LabelMap.load(tmp_path / name, None)
    with pytest.raises(ValueError, match=r"\.png"):
        drawing().save(tmp_path / "mask.gif")
