"""Which class of a palette is meant by a name from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import numpy as np

from smis_core.labels import UNPAINTED, LabelMap, Palette

_SIDES = {"l": "left", "r": "right", "u": "upper"}
_SAME = {"eyebrow": "brow", "eye glasses": "glasses", "eye g": "glasses", "clothes": "cloth"}


def match_names(
    names: Iterable[str],
    palette: Palette,
    *,
    mapping: Mapping[str, str | None] | None = None,
) -> dict[str, int]:
    """The index of each name in a palette.

    Names match where they are equal but for case, underscores and the usual abbreviations of
    sides ("l_eye" is "left eye").

    Args:
        names: from elsewhere.
        palette: where they are looked up.
        mapping: what a person decided: the palette's name for a foreign one; None leaves what
            has that name unpainted.

    Returns:
        Index by foreign name; 255 where the mapping says None.

    Raises:
        ValueError: some names have no counterpart; lists them and the palette's.
    """
    known = {_plain(label.name): label.index for label in palette.classes}
    mapping = mapping or {}
    found: dict[str, int] = {}
    strange = []
    for name in dict.fromkeys(names):
        if name in mapping:
            wanted = mapping[name]
            found[name] = UNPAINTED if wanted is None else palette.by_name(wanted).index
        elif _plain(name) in known:
            found[name] = known[_plain(name)]
        else:
            strange.append(name)
    if strange:
        there = ", ".join(label.name for label in palette.classes)
        raise ValueError(
            f"palette {palette.name!r} has no class for {', '.join(map(repr, strange))}; say which "
            f"is meant with mapping={{{strange[0]!r}: NAME}} (None leaves it unpainted); there "
            f"are: {there}"
        )
    return found


def extended(
    names: Iterable[str],
    palette: Palette,
    *,
    mapping: Mapping[str, str | None] | None = None,
) -> Palette:
    """A palette with a class more for each name that has no counterpart in it.

    Args:
        names: from elsewhere.
        palette: to be extended.
        mapping: names that were decided on, which get no class; see `match_names`.

    Raises:
        ValueError: it has no room, or a name is none that a class can have.
    """
    known = {_plain(label.name) for label in palette.classes}
    for name in dict.fromkeys(names):
        if name not in (mapping or {}) and _plain(name) not in known:
            palette = palette.added(name)
            known.add(_plain(name))
    return palette


def translated(
    labels: LabelMap,
    palette: Palette,
    *,
    mapping: Mapping[str, str | None] | None = None,
) -> LabelMap:
    """A label map of another palette in the terms of this one.

    Args:
        labels: the map.
        palette: the one wanted.
        mapping: as in `match_names`.

    Raises:
        ValueError: a class that the map shows has no counterpart.
    """
    shown = {labels.palette.by_index(index).name: index for index in labels.present()}
    table = np.full(256, UNPAINTED, dtype=np.uint8)
    for name, index in match_names(shown, palette, mapping=mapping).items():
        table[shown[name]] = index
    return LabelMap(table[labels.indices], palette)


def _plain(name: str) -> str:
    words = re.split(r"[\s_\-]+", name.strip().lower())
    if len(words) > 1:
        words[0] = _SIDES.get(words[0], words[0])
    plain = " ".join(words)
    if plain == "left lip":  # what CelebAMask-HQ calls "l_lip" is the lower one
        return "lower lip"
    for theirs, ours in _SAME.items():
        plain = re.sub(rf"\b{theirs}s?\b", ours, plain)
    return plain
