"""Editing a palette from the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from smis_core.labels import Palette
from smis_core.palettes import PRESETS
from smis_widgets.strings import Strings

Edited = tuple[Palette, np.ndarray]
"""A palette, and uint8 [256], the new index of each old one."""


def edited(palette: Palette, what: str, values: dict[str, Any], strings: Strings) -> Edited:
    """A palette after an edit that the page asked for.

    Args:
        palette: as it is.
        what: add, rename, recolour, reorder, merge, delete or preset.
        values: `index` of the class that is meant, and `name`, `colour` (three levels), `place`
            or `into` (an index).
        strings: the texts.

    Raises:
        ValueError: there is no such edit, or the palette cannot take it.
    """
    edits: dict[str, Callable[[dict[str, Any]], Palette | Edited]] = {
        "add": lambda values: palette.added(_free_name(palette, strings)),
        "rename": lambda values: palette.renamed(values["index"], values["name"]),
        "recolour": lambda values: palette.recoloured(values["index"], tuple(values["colour"])),
        "reorder": lambda values: palette.reordered(_moved(palette, **values)),
        "merge": lambda values: palette.merged(values["into"], values["index"]),
        "delete": lambda values: palette.deleted(values["index"]),
        "preset": lambda values: _preset(palette, values["name"]),
    }
    if what not in edits:
        raise ValueError(f"edit: one of {', '.join(edits)} was wanted, got {ascii(what)[:40]}")
    try:
        made = edits[what](values)
    except (KeyError, TypeError) as error:
        raise ValueError(f"{what}: something is missing or of the wrong kind ({error})") from error
    return made if isinstance(made, tuple) else (made, np.arange(256, dtype=np.uint8))


def _free_name(palette: Palette, strings: Strings) -> str:
    taken = {label.name for label in palette.classes}
    number = len(taken) + 1
    while (name := strings("new_class", number=number)) in taken:
        number += 1
    return name


def _moved(palette: Palette, index: int, place: int) -> list[int]:
    order = [label.index for label in palette.classes if label.index != index]
    if not 0 <= place <= len(order):
        raise ValueError(f"place: 0 to {len(order)} was wanted, got {place}")
    order.insert(place, index)
    return order


def _preset(palette: Palette, name: str) -> Edited:
    """A known palette; classes keep their pixels where it has their index, the others lose them."""
    if name not in PRESETS:
        raise ValueError(f"preset: one of {', '.join(PRESETS)} was wanted, got {ascii(name)[:40]}")
    mapping = np.full(256, 255, dtype=np.uint8)
    for index in PRESETS[name].indices:
        mapping[index] = index
    return PRESETS[name], mapping
