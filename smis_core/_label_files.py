"""Label maps in files: PNG, NPZ and SVG, and refusing what is no mask."""

from __future__ import annotations

import os
import secrets
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from smis_core._label_outlines import from_svg, to_svg
from smis_core._palette import UNPAINTED_COLOUR, Palette
from smis_core.images import (
    MAX_SIDE,
    PathLike,
    UInt8Array,
    check_writable,
    open_picture,
    save_image,
)

_Pixels = npt.NDArray[np.uint8]
_CURE = "save it as an 8-bit indexed or grey PNG whose pixel values are class indices"
_WANTED = "a label map was wanted (every pixel value a class index)"
_UNPAINTED = 255
_CHUNK = "smis:palette"
_MAX_SVG = 256 << 20


def write(
    path: PathLike,
    indices: UInt8Array,  # [H, W]
    palette: Palette,
    *,
    colours: bool = False,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write a file of the kind that its name ends in; ValueError if it cannot be written."""
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == ".npz":
        _write_whole(path, lambda draft: _write_npz(draft, indices, palette))
    elif suffix == ".svg":
        text = to_svg(indices, palette)
        _write_whole(path, lambda draft: draft.write_text(text, encoding="utf-8"))
    else:
        table = palette.colour_table()
        picture = Image.fromarray(table[indices] if colours else indices)
        if not colours:
            picture.putpalette(table.tobytes())
            picture.info["transparency"] = _UNPAINTED
        save_image(picture, path, metadata={**(metadata or {}), _CHUNK: palette.to_json()})


def read(path: PathLike, palette: Palette | None) -> tuple[UInt8Array, Palette]:
    """Indices and what they mean; None asks the file for its palette."""
    suffix = Path(path).suffix.lower()
    if suffix in (".npz", ".svg"):
        if not Path(path).is_file():
            raise FileNotFoundError(f"{path}: there is no such file; check the path")
        try:
            indices, own = _read_npz(Path(path)) if suffix == ".npz" else _read_svg(Path(path))
        except (ValueError, OSError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(f"{path}: no label map could be read ({error})") from error
        return indices, palette or own
    if palette is None:
        palette = _embedded(path)
    classes = np.array(palette.indices, dtype=np.uint8)
    indices = read_indices(path, palette.colour_table()[classes], classes)
    if 0 not in palette.indices:
        indices = np.where(indices == 0, np.uint8(_UNPAINTED), indices)
    return indices, palette


def _embedded(path: PathLike) -> Palette:
    picture = _opened(path)
    text = getattr(picture, "text", {}).get(_CHUNK)
    if text is None:
        raise ValueError(
            f"{path}: a mask with its palette in it was wanted (as LabelMap.save writes it), this "
            "one has none; pass the palette, or take its colours with palettes.from_colours"
        )
    return Palette.from_json(text)


def _write_whole(path: Path, write_to: Callable[[Path], object]) -> None:
    check_writable(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.stem}-{secrets.token_hex(4)}{path.suffix}")
    try:
        write_to(draft)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _write_npz(draft: Path, indices: UInt8Array, palette: Palette) -> None:
    with draft.open("xb") as file:
        np.savez_compressed(file, indices=indices, palette=np.array(palette.to_json()))


def _read_npz(path: Path) -> tuple[UInt8Array, Palette]:
    with zipfile.ZipFile(path) as archive:
        sizes = {each.filename: each.file_size for each in archive.infolist()}
    # The sizes in the list bound what zipfile unpacks; a short file may claim any.
    if set(sizes) != {"indices.npy", "palette.npy"}:
        raise ValueError("arrays called indices and palette were wanted")
    if sizes["indices.npy"] > MAX_SIDE * MAX_SIDE + 4096 or sizes["palette.npy"] > 1 << 20:
        raise ValueError(f"sides of at most {MAX_SIDE} are read, this map is larger")
    with np.load(path, allow_pickle=False) as arrays:
        indices, palette = arrays["indices"], arrays["palette"]
    if indices.dtype != np.uint8 or indices.ndim != 2 or palette.dtype.kind != "U":
        raise ValueError(f"uint8 [H, W] was wanted, got {indices.dtype} {list(indices.shape)}")
    return indices, Palette.from_json(str(palette))


def _read_svg(path: Path) -> tuple[UInt8Array, Palette]:
    if path.stat().st_size > _MAX_SVG:
        raise ValueError(f"at most {_MAX_SVG >> 20} MB are read, this file is larger")
    return from_svg(path.read_text(encoding="utf-8"))


def read_indices(
    path: PathLike,
    colours: _Pixels,  # [classes, 3]
    indices: _Pixels,  # [classes], the index of each colour
) -> _Pixels:
    """uint8 ``[H, H]`` of a mask file; ValueError or FileNotFoundError where it is none."""
    picture = _opened(path)
    if picture.width != picture.height:
        raise ValueError(not_square(str(path), picture.width, picture.height))
    if picture.format in ("JPEG", "MPO"):
        raise ValueError(f"{path}: {_WANTED}, JPEG changes pixel values; {_CURE}")
    depth = _png_depth(Path(path)) if picture.format == "PNG" else 8
    if depth > 8 or picture.mode.startswith(("I", "F")):
        raise ValueError(f"{path}: {_WANTED}, this picture has 16 bits or more; {_CURE}")
    if picture.mode == "P":
        return np.array(picture)
    # Pillow stretches grey of fewer bits to 0 … 255, which would turn one class into another.
    if picture.mode not in ("L", "LA", "RGB", "RGBA") or depth < 8:
        raise ValueError(f"{path}: {_WANTED}, got mode {picture.mode!r} with {depth} bits; {_CURE}")
    return _from_channels(path, picture, colours, indices)


def _opened(path: PathLike) -> Image.Image:
    try:
        return open_picture(path)
    except ValueError as error:
        # Pillow says which text chunk was packed too tightly, not in which file.
        if str(path) in str(error):
            raise
        raise ValueError(f"{path}: the picture is damaged or hostile ({error})") from error


def not_square(name: str, width: int, height: int) -> str:
    """The message for a mask that is not square."""
    return (
        f"{name}: a square mask was wanted, got {width} x {height}; crop it to a square around "
        "the head first, for example mask.crop((left, top, left + side, top + side)) with Pillow"
    )


def _from_channels(
    path: PathLike, picture: Image.Image, colours: _Pixels, indices: _Pixels
) -> _Pixels:
    pixels = np.array(picture)
    alpha = pixels[..., -1] if picture.mode in ("LA", "RGBA") else None
    channels = {"L": pixels[..., None], "LA": pixels[..., :1]}.get(picture.mode, pixels[..., :3])
    visible = np.ones(channels.shape[:2], dtype=bool) if alpha is None else alpha > 0
    if alpha is not None and not np.isin(alpha, (0, 255)).all():
        raise ValueError(f"{path}: {_WANTED}, this picture is partly see-through; {_CURE}")
    shown = channels[visible]
    found = np.full(channels.shape[:2], _UNPAINTED, dtype=np.uint8)
    if (shown == shown[:, :1]).all():
        found[visible] = shown[:, 0]
        return found
    codes = codes_of(shown)
    table = codes_of(np.concatenate([colours, np.array([UNPAINTED_COLOUR], dtype=np.uint8)]))
    order = np.argsort(table)
    place = np.searchsorted(table[order], codes).clip(max=len(table) - 1)
    if not (table[order][place] == codes).all():
        count = len(np.unique(codes))
        raise ValueError(
            f"{path}: {_WANTED}, this is a colour picture of {count} colours that are "
            f"not all the palette's; {_CURE} (three equal channels also work)"
        )
    found[visible] = np.append(indices, _UNPAINTED).astype(np.uint8)[order][place]
    return found


def codes_of(rgb: _Pixels) -> npt.NDArray[np.int64]:
    """One number for each colour of [..., 3]."""
    channels = rgb.astype(np.int64)
    return (channels[..., 0] << 16) | (channels[..., 1] << 8) | channels[..., 2]


def _png_depth(path: Path) -> int:
    # Pillow narrows 16-bit RGB silently; the header's byte 24 is the bit depth (PNG, IHDR).
    with path.open("rb") as file:
        return file.read(25)[24]
