"""Pictures as they travel to a wall."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from smis_core.images import read_image, to_pil

LARGEST_SIDE = 256
"""Pictures travel no larger."""


def sheet(files: Sequence[bytes], *, columns: int, side: int = 96) -> bytes:
    """Pictures side by side as one PNG; empty for none."""
    if not files:
        return b""
    columns = min(columns, len(files))
    rows = -(-len(files) // columns)
    whole = Image.new("RGB", (columns * side, rows * side), "white")
    for place, file in enumerate(files):
        picture = Image.open(io.BytesIO(file)).convert("RGB").resize((side, side))
        whole.paste(picture, (place % columns * side, place // columns * side))
    return _png(whole)


def file_of(picture: Any) -> bytes:
    """A picture, or the bytes of a PNG or JPEG file, as such bytes.

    Raises:
        ValueError: neither.
    """
    if isinstance(picture, bytes):
        if not picture.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")):
            raise ValueError("picture: wanted the bytes of a PNG or JPEG file, got others")
        return picture
    small = to_pil(read_image(picture))
    small.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    return _png(small)


def overlay_of(overlay: Any) -> bytes:
    """What lies over a picture as the bytes of a PNG; no bytes stay none.

    Raises:
        ValueError: neither uint8 [H, W, 4] nor a picture nor bytes.
    """
    if isinstance(overlay, bytes):
        return overlay and file_of(overlay)
    if isinstance(overlay, np.ndarray):
        if overlay.dtype != np.uint8 or overlay.ndim != 3 or overlay.shape[2] != 4:
            raise ValueError(
                f"overlay: wanted uint8 [H, W, 4], got {overlay.dtype} {[*overlay.shape]}"
            )
        overlay = Image.fromarray(overlay)
    if not isinstance(overlay, Image.Image):
        raise ValueError(f"overlay: wanted an array, a picture or bytes, got {type(overlay)}")
    small = overlay.convert("RGBA")
    small.thumbnail((LARGEST_SIDE, LARGEST_SIDE), Image.Resampling.NEAREST)
    return _png(small)


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
