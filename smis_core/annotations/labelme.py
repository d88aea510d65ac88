"""Labelme's JSON: outlines, lines and points by name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from smis_core.images import PathLike
from smis_core.labels import PORTRAITS, UNPAINTED, LabelMap, Palette

from .documents import read_document
from .names import match_names
from .shapes import Mask, checked_points, checked_size, dotted, filled, stroked

_LEAST = {"polygon": 3, "rectangle": 2, "circle": 2, "line": 2, "linestrip": 2, "point": 1}


def read_labelme(
    path: PathLike,
    palette: Palette = PORTRAITS,
    *,
    mapping: Mapping[str, str | None] | None = None,
    line_width: int = 3,
) -> LabelMap:
    """A file of Labelme as a label map of the picture's size; later shapes cover earlier ones.

    Args:
        path: the JSON file; the picture inside it or beside it is not read.
        palette: whose classes the labels name.
        mapping: decisions on names that do not match; see `match_names`.
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
    if kind == "point":
        return dotted(size, points, width / 2)
    return stroked(size, points, width)
