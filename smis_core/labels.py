"""Label maps: which class a person painted where, and the palette that names the classes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from scipy import ndimage
from torch import Tensor

from smis_core import _label_files, _label_scaling
from smis_core.images import MAX_SIDE, PathLike, UInt8Array, save_image

UNPAINTED = 255
"""Index of a pixel that nobody painted, whatever the file it came from wrote."""

UNPAINTED_COLOUR = (255, 255, 255)
"""Paper. As grey 255 it is also the index, so that both readings of a white pixel agree."""


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
    """The one character that chooses it on a keyboard."""


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
        for field in ("index", "name", "colour", "key"):
            values = [getattr(label, field) for label in self.classes]
            if len(set(values)) < len(values):
                raise ValueError(f"palette {self.name!r}: two classes share one {field}: {values}")
        for label in self.classes:
            colour = label.colour
            if not 0 <= label.index < UNPAINTED:
                raise ValueError(f"{label.name}: an index 0 to 254 was wanted, got {label.index}")
            if len(colour) != 3 or not all(0 <= level <= 255 for level in colour):
                raise ValueError(f"{label.name}: RGB of 0 to 255 was wanted, got {colour}")
            if len(label.key) != 1:
                raise ValueError(
                    f"{label.name}: a key of one character was wanted, got {label.key!r}"
                )

    @property
    def num_classes(self) -> int:
        """The largest index plus 1: the channels of a one-hot map."""
        return max(self.indices) + 1

    @cached_property
    def indices(self) -> tuple[int, ...]:
        """The classes' indices in ascending order."""
        return tuple(sorted(label.index for label in self.classes))

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
            f"no class {index} in palette {self.name!r}; there are: {_listed(self.indices)}"
        )

    def colour_table(self) -> UInt8Array:
        """uint8 ``[256, 3]``: the colour of every index, paper where there is no class."""
        table = np.full((256, 3), UNPAINTED_COLOUR, dtype=np.uint8)
        for label in self.classes:
            table[label.index] = label.colour
        return table

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
        except (KeyError, TypeError, json.JSONDecodeError) as error:
            raise ValueError(
                "palette: a JSON object with a name and classes (index, name, colour, key) was "
                f"wanted; {type(error).__name__}: {error}"
            ) from error


PORTRAITS = Palette(
    "portraits",
    (
        LabelClass(13, "hair", (108, 74, 182), "1"),
        LabelClass(1, "skin", (250, 206, 172), "2"),
        LabelClass(4, "left eye", (22, 158, 150), "3"),
        LabelClass(5, "right eye", (45, 110, 220), "4"),
        LabelClass(6, "left brow", (112, 72, 44), "5"),
        LabelClass(7, "right brow", (176, 128, 66), "6"),
        LabelClass(2, "nose", (232, 150, 104), "7"),
        LabelClass(10, "mouth", (116, 24, 58), "8"),
        LabelClass(11, "upper lip", (214, 48, 92), "9"),
        LabelClass(12, "lower lip", (246, 120, 144), "0"),
        LabelClass(0, "background", (206, 220, 232), "x"),
        LabelClass(8, "left ear", (240, 164, 190), "l"),
        LabelClass(9, "right ear", (206, 120, 168), "r"),
        LabelClass(17, "neck", (204, 160, 130), "n"),
        LabelClass(18, "cloth", (58, 132, 86), "c"),
        LabelClass(3, "glasses", (44, 56, 84), "g"),
        LabelClass(14, "hat", (244, 176, 44), "h"),
        LabelClass(15, "earring", (252, 236, 110), "j"),
        LabelClass(16, "necklace", (148, 204, 72), "k"),
    ),
)
"""The 19 classes of CelebAMask-HQ. 'Left' is the subject's left, at the viewer's right."""

MERGED: dict[str, tuple[int, ...]] = {
    "background": (0,),
    "skin": (1,),
    "nose": (2,),
    "glasses": (3,),
    "eyes": (4, 5),
    "brows": (6, 7),
    "ears": (8, 9),
    "mouth": (10, 11, 12),
    "hair": (13,),
    "hat": (14,),
    "earring": (15,),
    "necklace": (16,),
    "neck": (17,),
    "cloth": (18,),
}
"""Portrait classes by the parts in which figures are given: pairs and the mouth count as one."""


@dataclass(frozen=True, eq=False)
class LabelMap:
    """Exact class indices of every pixel.

    Raises:
        TypeError: the indices are no integers.
        ValueError: the map is not ``[H, W]``, is empty, too large, or holds an unknown index.
    """

    indices: npt.NDArray[np.uint8]
    """uint8 ``[H, W]``, read-only (a copy of what was passed); 255 = not painted."""
    palette: Palette = PORTRAITS
    """What the indices mean."""

    def __post_init__(self) -> None:
        given = np.asarray(self.indices)
        if given.dtype.kind not in "iu":
            raise TypeError(f"label map: integer class indices were wanted, got {given.dtype}")
        if given.ndim != 2 or given.size == 0:
            raise ValueError(f"label map: [H, W] was wanted, got {list(given.shape)}")
        if max(given.shape) > MAX_SIDE:
            raise ValueError(f"label map: sides up to {MAX_SIDE} were wanted, got {given.shape}")
        _refuse_unknown(given, self.palette, "label map")
        indices = given.astype(np.uint8)
        indices.setflags(write=False)
        object.__setattr__(self, "indices", indices)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LabelMap):
            return NotImplemented
        return self.palette == other.palette and np.array_equal(self.indices, other.indices)

    __hash__ = None  # type: ignore[assignment]

    @property
    def height(self) -> int:
        """Rows of pixels."""
        return int(self.indices.shape[0])

    @property
    def width(self) -> int:
        """Columns of pixels."""
        return int(self.indices.shape[1])

    def present(self) -> tuple[int, ...]:
        """Indices of the classes that are painted somewhere, ascending, without 255."""
        counts = np.bincount(self.indices.ravel(), minlength=256)
        return tuple(int(index) for index in np.flatnonzero(counts[:UNPAINTED]))

    def resized(self, size: int) -> LabelMap:
        """The map at another size; thin parts survive when it shrinks.

        Growing smooths outlines, so that slanted edges show no steps; strokes and dots keep their
        shape, and shrinking back gives the map again, almost to the pixel. Shrinking takes the
        class that covers most of each new pixel; strokes, tips and dots that would vanish that way
        then win pixels of their own, one pixel wide. No class disappears either way, and 255
        counts as one more class.

        Args:
            size: side of the square to return, in pixels.

        Raises:
            ValueError: the size is out of range, or the map is not square.
        """
        if not 1 <= size <= MAX_SIDE:
            raise ValueError(f"size: a side of 1 to {MAX_SIDE} pixels was wanted, got {size}")
        if self.height != self.width:
            raise ValueError(_label_files.not_square("label map", self.width, self.height))
        if size == self.height:
            return self
        scale = _label_scaling.enlarge if size > self.height else _label_scaling.shrink
        return LabelMap(scale(self.indices, size), self.palette)

    def one_hot(self) -> Tensor:
        """float32 ``[1, C, H, W]`` with C = ``palette.num_classes``; all zeros where unpainted."""
        indices = torch.from_numpy(self.indices.astype(np.int64))
        classes = torch.arange(self.palette.num_classes)[:, None, None]
        return (indices[None] == classes).float()[None]

    def colours(self) -> UInt8Array:
        """uint8 ``[H, W, 3]`` in the palette's colours, white where unpainted."""
        return self.palette.colour_table()[self.indices]

    def rgba(self, opacity: float = 1.0) -> UInt8Array:
        """uint8 ``[H, W, 4]`` to lay over a picture; transparent where unpainted.

        Args:
            opacity: of the painted parts, 0 to 1.
        """
        if not 0 <= opacity <= 1:
            raise ValueError(f"opacity: 0 to 1 was wanted, got {opacity}")
        alpha = np.where(self.indices == UNPAINTED, 0, round(255 * opacity)).astype(np.uint8)
        return np.concatenate([self.colours(), alpha[..., None]], axis=-1)

    def folded(self, drop: Iterable[int]) -> LabelMap:
        """Classes folded into their nearest surroundings.

        Args:
            drop: indices that a domain knows but does not show, such as earring and necklace
                (15, 16) in portraits.

        Returns:
            The map in which each of their pixels has the nearest other pixel's index (255 where
            there is no other).
        """
        dropped = np.isin(self.indices, np.array(sorted(set(drop)), dtype=np.int64))
        if not dropped.any():
            return self
        if dropped.all():
            return LabelMap(np.full_like(self.indices, UNPAINTED), self.palette)
        nearest = ndimage.distance_transform_edt(
            dropped, return_distances=False, return_indices=True
        )
        return LabelMap(self.indices[tuple(nearest)], self.palette)

    def save(self, path: PathLike) -> None:
        """Write an indexed PNG in the palette's colours; unpainted pixels are transparent.

        Raises:
            ValueError: the path cannot be written, or does not end in ``.png``.
        """
        picture = Image.fromarray(self.indices)
        picture.putpalette(self.palette.colour_table().tobytes())
        picture.info["transparency"] = UNPAINTED
        save_image(picture, path, metadata={"smis:palette": self.palette.to_json()})

    @classmethod
    def load(cls, path: PathLike, palette: Palette = PORTRAITS) -> LabelMap:
        """Read a square mask whose pixel values are class indices.

        Accepted are indexed and grey pictures of 8 bits, RGB whose channels are equal, and RGB in
        exactly the palette's colours (what an editor makes of a saved mask); transparent pixels
        are unpainted.

        Args:
            path: a PNG or another lossless format.
            palette: what the indices mean.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: the file is no such mask; says what was wanted, what came and the cure.
        """
        classes = np.array(palette.indices, dtype=np.uint8)
        indices = _label_files.read_indices(path, palette.colour_table()[classes], classes)
        _refuse_unknown(indices, palette, str(path))
        if np.isin(indices, (0, UNPAINTED)).all():
            raise ValueError(
                f"{path}: the mask is empty (background or unpainted everywhere); "
                "paint at least one part"
            )
        return cls(indices, palette)


def _refuse_unknown(indices: npt.NDArray[Any], palette: Palette, name: str) -> None:
    values = np.unique(indices)
    unknown = values[~np.isin(values, (*palette.indices, UNPAINTED))]
    if unknown.size:
        raise ValueError(
            f"{name}: class indices of palette {palette.name!r} ({_listed(palette.indices)}, 255 = "
            f"not painted) were wanted, got also {_listed(unknown.tolist())}; "
            "repaint these pixels or pass the palette that the mask was drawn with"
        )


def _listed(indices: Iterable[int]) -> str:
    """0, 1, 2, 3, 5 as '0-3, 5', cut after eight runs."""
    runs: list[list[int]] = []
    for index in sorted(indices):
        if runs and index == runs[-1][1] + 1:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    texts = [str(low) if low == high else f"{low}-{high}" for low, high in runs]
    return ", ".join(texts[:8]) + (" …" if len(texts) > 8 else "")
