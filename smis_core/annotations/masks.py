"""Mask files, whose own palette says what their indices are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from smis_core.images import PathLike, open_picture
from smis_core.labels import LabelMap, Palette

from .names import translated


def read_mask(
    path: PathLike,
    palette: Palette,
    *,
    mapping: Mapping[str, str | None] | None = None,
    unfinished: bool = False,
) -> LabelMap:
    """A mask file in the terms of a palette.

    Index 1 is skin in one palette and sky in another. Where a file brings its palette, as
    `LabelMap.save` writes it, its classes are found by their names; indices of any other file are
    the palette's.

    Args:
        path: as `LabelMap.load` takes it.
        palette: the one wanted.
        mapping: decisions on names that do not match; see `match_names`.
        unfinished: admit a mask on which nothing but background is painted so far.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no mask, or shows classes that the palette lacks; names them.
    """
    if not carries_palette(path):
        return LabelMap.load(path, palette, unfinished=unfinished)
    theirs = LabelMap.load(path, None, unfinished=unfinished)
    try:
        return translated(theirs, palette, mapping=mapping)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def carries_palette(path: PathLike) -> bool:
    """Whether a file says itself what its indices are; a broken one does not."""
    if Path(path).suffix.lower() in (".npz", ".svg"):
        return True
    try:
        return "smis:palette" in getattr(open_picture(path), "text", {})
    except (OSError, ValueError):
        return False  # whoever reads the file says what is wrong with it
