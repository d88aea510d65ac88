"""COCO's JSON: instances as polygons or run lengths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from smis_core.images import PathLike
from smis_core.labels import PORTRAITS, UNPAINTED, LabelMap, Palette

from .documents import read_document
from .names import extended, match_names
from .shapes import Mask, checked_points, checked_size, filled


def read_coco(
    path: PathLike,
    palette: Palette = PORTRAITS,
    *,
    image: int | str | None = None,
    mapping: Mapping[str, str | None] | None = None,
    extend: bool = False,
) -> LabelMap:
    """The annotations of one picture in a COCO file; smaller areas cover larger ones.

    Args:
        path: the JSON file ("images", "categories", "annotations").
        palette: whose classes the categories name.
        image: id or file name of the picture; may be left out where there is one alone.
        mapping: decisions on names that do not match; see `match_names`.
        extend: names that the palette lacks become classes of the map's palette instead.

    Returns:
        A label map of the picture's size.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no such file, the picture is not in it, or a segmentation cannot be read.
    """
    document = read_document(path, "a COCO file of instances")
    images, categories, annotations = (
        _records(path, document, key) for key in ("images", "categories", "annotations")
    )
    chosen = _picture(path, images, image)
    size = checked_size(str(path), chosen.get("width"), chosen.get("height"))
    # Detections that are boxes alone have an empty segmentation.
    mine = [
        each
        for each in annotations
        if each.get("image_id") == chosen.get("id") and each.get("segmentation") != []
    ]
    by_id = {each.get("id"): str(each.get("name")) for each in categories}
    try:
        names = [by_id[each["category_id"]] for each in mine]
    except (KeyError, TypeError):
        raise ValueError(f"{path}: an annotation names a category that is not listed") from None
    if extend:
        palette = extended(names, palette, mapping=mapping)
    indices = match_names(names, palette, mapping=mapping)
    masks = [
        (_mask(f"{path}: annotation {each.get('id')}", each.get("segmentation"), size), name)
        for each, name in zip(mine, names, strict=True)
    ]
    painted = np.full(size[::-1], UNPAINTED, dtype=np.uint8)
    for mask, name in sorted(masks, key=lambda pair: -int(pair[0].sum())):
        painted[mask] = indices[name]
    return LabelMap(painted, palette)


def decode_rle(counts: str | Sequence[int], height: int, width: int) -> Mask:
    """A run-length code of COCO as a mask.

    Runs alternate between outside and inside, down the columns. As text each number is written in
    groups of five bits, least first, with a sign, from the third on as the difference from the
    number before the last.

    Args:
        counts: numbers, or the text.
        height, width: of the picture.

    Returns:
        bool [height, width].

    Raises:
        ValueError: it is no such code, or does not cover the picture exactly.
    """
    runs = _runs(counts) if isinstance(counts, (str, bytes)) else list(counts)
    if any(type(run) is not int or run < 0 for run in runs) or sum(runs) != height * width:
        raise ValueError(
            f"a run-length code of {height} x {width} = {height * width} pixels was wanted, but "
            f"its {len(runs)} runs do not add up to that"
        )
    inside = np.arange(len(runs)) % 2 == 1
    return np.repeat(inside, runs).reshape(width, height).T


def _records(path: PathLike, document: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = document.get(key)
    if isinstance(found, list) and all(isinstance(each, dict) for each in found):
        return found
    raise ValueError(
        f"{path}: a COCO file with images, categories and annotations was wanted, but it has "
        f"{sorted(document)[:8]}"
    )


def _runs(text: str | bytes) -> list[int]:
    codes = text if isinstance(text, bytes) else text.encode("ascii", "replace")
    runs: list[int] = []
    value = shift = 0
    for code in codes:
        group = code - 48
        if not 0 <= group < 64 or shift > 35:
            raise ValueError("the run-length code holds a character that none can")
        value |= (group & 31) << shift
        shift += 5
        if group & 32:
            continue
        if group & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    if shift:
        raise ValueError("the run-length code breaks off within a number")
    return runs


def _picture(
    path: PathLike, images: list[dict[str, Any]], wanted: int | str | None
) -> dict[str, Any]:
    found = [
        each
        for each in images
        if wanted is None or wanted in (each.get("id"), each.get("file_name"))
    ]
    if len(found) == 1:
        return found[0]
    some = ", ".join(str(each.get("file_name", each.get("id"))) for each in images[:5])
    raise ValueError(
        f"{path}: image= the id or file name of one picture was wanted, got {wanted!r}; there are "
        f"{len(images)}: {some}{' …' if len(images) > 5 else ''}"
    )


def _mask(name: str, segmentation: Any, size: tuple[int, int]) -> Mask:
    width, height = size
    if isinstance(segmentation, dict):
        if segmentation.get("size") != [height, width] or "counts" not in segmentation:
            raise ValueError(f"{name}: run lengths of {height} x {width} were wanted")
        try:
            return decode_rle(segmentation["counts"], height, width)
        except (TypeError, ValueError) as problem:
            raise ValueError(f"{name}: {problem}") from None
    if not isinstance(segmentation, list):
        raise ValueError(f"{name}: polygons or run lengths were wanted, got neither")
    mask = np.zeros((height, width), dtype=bool)
    for polygon in segmentation:
        if not isinstance(polygon, list) or len(polygon) % 2:
            raise ValueError(f"{name}: a polygon x, y, x, y, … was wanted")
        pairs = list(zip(polygon[::2], polygon[1::2], strict=True))
        mask |= filled(size, checked_points(name, pairs, 3))
    return mask
