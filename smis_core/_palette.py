"""Palettes: which classes there are, how they are called and shown, and how that is edited."""

from __future__ import annotations

import dataclasses
import json
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np

from smis_core._colour_vision import distinct_colours
from smis_core.images import UInt8Array

UNPAINTED = 255
"""Index of a pixel that nobody painted, whatever the file it came from wrote."""

UNPAINTED_COLOUR = (255, 255, 255)
"""Paper. As grey 255 it is also the index, so that both readings of a white pixel agree."""

MAX_NAME = 80
"""Longest name of a palette or class, in characters."""


@dataclass(frozen=True)
class LabelClass:
    """One class of a palette."""

    index: int
    """Value of the class in a label map, 0 to 254."""
    name: str
    """What a person calls it."""
    colour: tuple[int, int, int]
    """RGB, 0 to 255."""
    key: str
    """The one character that chooses it on a keyboard; empty: none."""


@dataclass(frozen=True)
class Palette:
    """The classes of a domain.

    Raises:
        ValueError: two classes share an index, name, colour or key, or one is out of range.
    """

    name: str
    """What the palette is called, such as 'portraits'."""
    classes: tuple[LabelClass, ...]
    """In the order in which they are shown."""

    def __post_init__(self) -> None:
        if not self.classes:
            raise ValueError(f"palette {self.name!r}: at least one class was wanted, got none")
        _check_text(self.name, "palette")
        for label in self.classes:
            _check_class(label)
        for field in ("index", "name", "colour", "key"):
            values = [getattr(label, field) for label in self.classes]
            values = [value for value in values if value != ""]
            if len(set(values)) < len(values):
                raise ValueError(f"palette {self.name!r}: two classes share one {field}: {values}")

    @property
    def num_classes(self) -> int:
        """The largest index plus 1: the channels of a one-hot map."""
        return max(self.indices) + 1

    @cached_property
    def indices(self) -> tuple[int, ...]:
        """The classes' indices in ascending order."""
        return tuple(sorted(label.index for label in self.classes))

    @cached_property
    def names(self) -> dict[int, str]:
        """The classes' names by index: palettes that agree in them mean the same."""
        return {label.index: label.name for label in self.classes}

    def by_name(self, name: str) -> LabelClass:
        """The class of this name; ValueError lists the names there are."""
        for label in self.classes:
            if label.name == name:
                return label
        names = ", ".join(label.name for label in self.classes)
        raise ValueError(f"no class {name!r} in palette {self.name!r}; there are: {names}")

    def by_index(self, index: int) -> LabelClass:
        """The class of this index; ValueError lists the indices there are."""
        for label in self.classes:
            if label.index == index:
                return label
        raise ValueError(
            f"no class {index} in palette {self.name!r}; there are: {listed(self.indices)}"
        )

    def colour_table(self) -> UInt8Array:
        """uint8 ``[256, 3]``: the colour of every index, paper where there is no class."""
        table = np.full((256, 3), UNPAINTED_COLOUR, dtype=np.uint8)
        for label in self.classes:
            table[label.index] = label.colour
        return table

    def left_right_pairs(self) -> tuple[tuple[int, int], ...]:
        """Indices of classes whose names differ in 'left' and 'right' (or l and r) alone."""
        by_name = {_words(label.name): label.index for label in self.classes}
        pairs = []
        for words, index in by_name.items():
            swapped = tuple(_OTHER_SIDE.get(word, word) for word in words)
            other = by_name.get(swapped)
            if other is not None and index < other:
                pairs.append((index, other))
        return tuple(pairs)

    def counts(self, indices: UInt8Array) -> dict[int, int]:
        """Pixels of each class in a map, uint8 ``[H, W]``; 255 counts the unpainted."""
        found = np.bincount(indices.ravel(), minlength=256)
        return {index: int(found[index]) for index in (*self.indices, UNPAINTED)}

    def added(
        self,
        name: str,
        *,
        colour: tuple[int, int, int] | None = None,
        key: str | None = None,
        index: int | None = None,
    ) -> Palette:
        """The palette with one more class.

        Args:
            name: what it is called.
            colour: None: one that is told apart from the others, also by people who do not tell
                red from green.
            key: None: the first free digit, or none.
            index: None: the lowest that is free.

        Raises:
            ValueError: the palette is full (255 classes), or the new class is not possible.
        """
        if index is None:
            free = sorted(set(range(UNPAINTED)) - set(self.indices))
            if not free:
                raise ValueError(f"palette {self.name!r}: is full (255 classes); delete one first")
            index = free[0]
        if colour is None:
            taken = [label.colour for label in self.classes]
            colour = distinct_colours(1, taken=[*taken, UNPAINTED_COLOUR])[0]
        if key is None:
            keys = {label.key for label in self.classes}
            key = next((digit for digit in "1234567890" if digit not in keys), "")
        label = LabelClass(index, name, colour, key)
        return dataclasses.replace(self, classes=(*self.classes, label))

    def renamed(self, index: int, name: str) -> Palette:
        """The palette with another name for a class; ValueError if it is taken or unknown."""
        return self._with(index, name=name)

    def recoloured(self, index: int, colour: tuple[int, int, int]) -> Palette:
        """The palette with another colour for a class; ValueError if it is taken or unknown."""
        return self._with(index, colour=colour)

    def rekeyed(self, index: int, key: str) -> Palette:
        """The palette with another key for a class, or none; ValueError if it is taken."""
        return self._with(index, key=key)

    def reordered(self, indices: Sequence[int]) -> Palette:
        """The palette shown in another order; indices stay what they are.

        Raises:
            ValueError: not every class is named once.
        """
        if sorted(indices) != list(self.indices):
            raise ValueError(
                f"order: each of {listed(self.indices)} once was wanted, got {list(indices)[:300]}"
            )
        return dataclasses.replace(self, classes=tuple(map(self.by_index, indices)))

    def merged(self, into: int, *others: int) -> tuple[Palette, UInt8Array]:
        """Classes joined to one.

        Args:
            into: index of the class that stays.
            others: indices of those that become part of it.

        Returns:
            The smaller palette, and uint8 ``[256]``: the new index of each old one, to be applied
            as ``mapping[indices]``.

        Raises:
            ValueError: a class is unknown, or is to be merged into itself.
        """
        self.by_index(into)
        return self._without(others, into)

    def deleted(self, *indices: int) -> tuple[Palette, UInt8Array]:
        """Classes taken out; their pixels become unpainted. Returns and raises as ``merged``."""
        return self._without(indices, UNPAINTED)

    def _with(self, index: int, **changes: object) -> Palette:
        self.by_index(index)
        classes = tuple(
            dataclasses.replace(label, **changes) if label.index == index else label  # type: ignore[arg-type]
            for label in self.classes
        )
        return dataclasses.replace(self, classes=classes)

    def _without(self, indices: Iterable[int], into: int) -> tuple[Palette, UInt8Array]:
        gone = set(indices)
        mapping = np.arange(256, dtype=np.uint8)
        for index in gone:
            self.by_index(index)
            mapping[index] = into
        if into in gone:
            raise ValueError(f"class {into}: cannot be merged into itself; name other classes")
        if len(gone) == len(self.classes):
            raise ValueError(f"palette {self.name!r}: its last class cannot be deleted")
        left = tuple(label for label in self.classes if label.index not in gone)
        return dataclasses.replace(self, classes=left), mapping

    def to_json(self) -> str:
        """The palette as one JSON object."""
        return json.dumps({"name": self.name, "classes": [asdict(c) for c in self.classes]})

    @classmethod
    def from_json(cls, text: str) -> Palette:
        """Read what ``to_json`` wrote; ValueError says what is wrong with it."""
        try:
            record = json.loads(text)
            classes = tuple(
                LabelClass(c["index"], c["name"], tuple(c["colour"]), c["key"])
                for c in record["classes"]
            )
            return cls(record["name"], classes)
        except (KeyError, TypeError, AttributeError, RecursionError, json.JSONDecodeError) as error:
            raise ValueError(
                "palette: a JSON object with a name and classes (index, name, colour, key) was "
                f"wanted; {type(error).__name__}: {error}"
            ) from error


_OTHER_SIDE = {"left": "right", "right": "left", "l": "r", "r": "l"}


def _words(name: str) -> tuple[str, ...]:
    return tuple(name.lower().replace("_", " ").replace("-", " ").split())


def _check_class(label: LabelClass) -> None:
    _check_text(label.name, "class")
    index, colour, key = label.index, label.colour, label.key
    if type(index) is not int or not 0 <= index < UNPAINTED:
        raise ValueError(f"{label.name}: an index 0 to 254 was wanted, got {index!r:.40}")
    levels = isinstance(colour, tuple) and all(type(each) is int for each in colour)
    if not levels or len(colour) != 3 or not all(0 <= level <= 255 for level in colour):
        raise ValueError(f"{label.name}: RGB of 0 to 255 was wanted, got {colour!r:.60}")
    if not isinstance(key, str) or len(key) > 1 or (key and not key.isprintable()):
        raise ValueError(f"{label.name}: a key of one character was wanted, got {key!r:.40}")


def _check_text(name: object, what: str) -> None:
    """Names are shown as they are, so what would draw nothing or turn the line is refused."""
    if not isinstance(name, str) or not 1 <= len(name) <= MAX_NAME or name.isspace():
        raise ValueError(
            f"{what}: a name of 1 to {MAX_NAME} characters was wanted, got {name!r:.80}"
        )
    if any(unicodedata.category(each) in ("Cc", "Cf", "Cs", "Zl", "Zp") for each in name):
        raise ValueError(f"{what}: a name without control characters was wanted, got {name!a:.80}")


def listed(indices: Iterable[int]) -> str:
    """0, 1, 2, 3, 5 as '0-3, 5', cut after eight runs."""
    runs: list[list[int]] = []
    for index in sorted(indices):
        if runs and index == runs[-1][1] + 1:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    texts = [str(low) if low == high else f"{low}-{high}" for low, high in runs]
    return ", ".join(texts[:8]) + (" …" if len(texts) > 8 else "")
