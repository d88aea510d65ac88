"""Labelme's JSON: outlines, lines and points by name."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from smis_core.images import MAX_SIDE, PathLike
from smis_core.labels import PORTRAITS, UNPAINTED, LabelMap, Palette

from .documents import read_document
from .names import extended, match_names
from .shapes import Mask, Points, checked_points, checked_size, dotted, filled, pasted, stroked

_LEAST = {
    "polygon": 3, "rectangle": 2, "circle": 2, "line": 2, "linestrip": 2, "point": 1, "mask": 2,
}  # fmt: skip


def read_labelme(
    path: PathLike,
    palette: Palette = PORTRAITS,
    *,
    mapping: Mapping[str, str | None] | None = None,
    extend: bool = False,
    line_width: int = 3,
) -> LabelMap:
    """A file of Labelme as a label map of the picture's size; later shapes cover earlier ones.

    Args:
        path: the JSON file; the picture inside it or beside it is not read.
        palette: whose classes the labels name.
        mapping: decisions on names that do not match; see `match_names`.
        extend: names that the palette lacks become classes of the map's palette instead.
        line_width: of lines, in pixels; points get it as their diameter.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no file of Labelme, or names and shapes that cannot be read.
    """
    document = read_document(path, "a JSON file of Labelme")
    shapes = document.get("shapes")
    if not isinstance(shapes, list) or not all(isinstance(shape, dict) for shape in shapes):
        raise ValueError(f"{path}: a JSON file of Labelme was wanted, but this has no shapes")
    size = checked_size(str(path), document.get("imageWidth"), document.get("imageHeight"))
    names = [str(shape.get("label")) for shape in shapes]
    if extend:
        palette = extended(names, palette, mapping=mapping)
    indices = match_names(names, palette, mapping=mapping)
    painted = np.full(size[::-1], UNPAINTED, dtype=np.uint8)
    for number, (shape, name) in enumerate(zip(shapes, names, strict=True), start=1):
        mask = _pixels(f"{path}: shape {number} ({name})", shape, size, line_width)
        painted[mask] = indices[name]
    return LabelMap(painted, palette)


def _pixels(name: str, shape: dict[str, Any], size: tuple[int, int], width: int) -> Mask:
    kind = shape.get("shape_type") or "polygon"
    if kind not in _LEAST:
        raise ValueError(f"{name}: a shape among {', '.join(_LEAST)} was wanted, got {kind!r}")
    points = checked_points(name, shape.get("points"), _LEAST[kind])
    if kind == "polygon":
        return filled(size, points)
    if kind == "rectangle":
        (x0, y0), (x1, y1) = points[:2]
        return filled(size, [(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
    if kind == "circle":
        return dotted(size, points[:1], math.dist(points[0], points[1]))
    if kind == "mask":
        return _bitmap(name, shape, points, size)
    if kind == "point":
        return dotted(size, points, width / 2)
    return stroked(size, points, width)


def _bitmap(name: str, shape: dict[str, Any], points: Points, size: tuple[int, int]) -> Mask:
    """Pixels of a shape that brings them: a PNG in base64 that fills the box of its points."""
    (x0, y0), (x1, y1) = points[:2]
    corner = int(min(x0, x1)), int(min(y0, y1))
    width, height = int(max(x0, x1)) - corner[0] + 1, int(max(y0, y1)) - corner[1] + 1
    wanted = f"{name}: a PNG in base64 of {width} x {height}, as its box, was wanted"
    try:
        content = base64.b64decode(shape["mask"], validate=True)
        with Image.open(io.BytesIO(content), formats=("PNG",)) as picture:
            # Known from the header, before anything is unpacked.
            if picture.size != (width, height) or max(picture.size) > MAX_SIDE:
                raise ValueError(f"this one is {picture.width} x {picture.height}")
            inside = np.array(picture.convert("L")) > 0
    except (
        KeyError, TypeError, ValueError, OSError, SyntaxError, Image.DecompressionBombError,
    ) as error:  # fmt: skip
        raise ValueError(f"{wanted} ({error})") from None
    return pasted(size, inside, corner)
