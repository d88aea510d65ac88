"""Reading class indices out of picture files, and refusing what is no mask."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from smis_core.images import PathLike, open_picture

_Pixels = npt.NDArray[np.uint8]
_CURE = "save it as an 8-bit indexed or grey PNG whose pixel values are class indices"
_WANTED = "a label map was wanted (every pixel value a class index)"
_UNPAINTED = 255


def read_indices(
    path: PathLike,
    colours: _Pixels,  # [classes, 3]
    indices: _Pixels,  # [classes], the index of each colour
) -> _Pixels:
    """uint8 ``[H, H]`` of a mask file; ValueError or FileNotFoundError where it is none."""
    picture = open_picture(path)
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
    codes = _codes(shown)
    table = _codes(np.concatenate([colours, np.full((1, 3), 255, dtype=np.uint8)]))
    order = np.argsort(table)
    place = np.searchsorted(table[order], codes).clip(max=len(table) - 1)
    if not (table[order][place] == codes).all():
        raise ValueError(
            f"{path}: {_WANTED}, this is a colour picture whose colours are not the palette's; "
            f"{_CURE} (three equal channels also work)"
        )
    found[visible] = np.append(indices, _UNPAINTED).astype(np.uint8)[order][place]
    return found


def _codes(rgb: _Pixels) -> npt.NDArray[np.int64]:
    channels = rgb.astype(np.int64)
    return (channels[..., 0] << 16) | (channels[..., 1] << 8) | channels[..., 2]


def _png_depth(path: Path) -> int:
    # Pillow narrows 16-bit RGB silently; the header's byte 24 is the bit depth (PNG, IHDR).
    with path.open("rb") as file:
        return file.read(25)[24]
