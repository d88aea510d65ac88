"""Label maps: which class a person painted where, and the palette that names the classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage
from torch import Tensor

from smis_core import _label_files, _label_scaling
from smis_core._palette import UNPAINTED, UNPAINTED_COLOUR, LabelClass, Palette, listed
from smis_core.images import MAX_SIDE, PathLike, UInt8Array

__all__ = [
    "MERGED",
    "PORTRAITS",
    "UNPAINTED",
    "UNPAINTED_COLOUR",
    "LabelClass",
    "LabelMap",
    "Palette",
]

PORTRAITS = Palette(
    "portraits",
    (
        LabelClass(13, "hair", (108, 74, 182), "1"),
        LabelClass(1, "skin", (255, 216, 184), "2"),
        LabelClass(4, "left eye", (26, 146, 134), "3"),
        LabelClass(5, "right eye", (41, 112, 247), "4"),
        LabelClass(6, "left brow", (112, 72, 44), "5"),
        LabelClass(7, "right brow", (179, 116, 47), "6"),
        LabelClass(2, "nose", (226, 137, 43), "7"),
        LabelClass(10, "mouth", (111, 20, 52), "8"),
        LabelClass(11, "upper lip", (214, 48, 92), "9"),
        LabelClass(12, "lower lip", (197, 94, 125), "0"),
        LabelClass(0, "background", (206, 220, 232), "x"),
        LabelClass(8, "left ear", (240, 164, 190), "l"),
        LabelClass(9, "right ear", (206, 120, 168), "r"),
        LabelClass(17, "neck", (204, 160, 130), "n"),
        LabelClass(18, "cloth", (57, 122, 81), "c"),
        LabelClass(3, "glasses", (44, 56, 84), "g"),
        LabelClass(14, "hat", (255, 172, 0), "h"),
        LabelClass(15, "earring", (254, 237, 97), "j"),
        LabelClass(16, "necklace", (158, 213, 117), "k"),
    ),
)
"""The 19 classes of CelebAMask-HQ. 'Left' is the subject's left, at the viewer's right.

The colours differ by 9 or more (CIEDE2000) in normal vision, protanopia and deuteranopia."""

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
        return tuple(int(index) for index in np.unique(self.indices) if index != UNPAINTED)

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

    def cropped(self) -> LabelMap:
        """The square in the middle, as `read_image` crops the picture that an oblong map is of."""
        side = min(self.height, self.width)
        top, left = (self.height - side) // 2, (self.width - side) // 2
        return LabelMap(self.indices[top : top + side, left : left + side], self.palette)

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

    def save(
        self,
        path: PathLike,
        *,
        colours: bool = False,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Write the map with its palette and names; `load` reads it back exactly.

        Args:
            path: ``.png`` (indexed, unpainted pixels transparent; palette as text chunk
                ``smis:palette``), ``.npz`` (arrays ``indices`` and ``palette``) or ``.svg``
                (outlines along the edges of pixels).
            colours: PNG: RGB in the palette's colours, for programs that know no indices.
            metadata: PNG: further text chunks by keyword.

        Raises:
            ValueError: the path cannot be written, or ends in something else.
        """
        _label_files.write(path, self.indices, self.palette, colours=colours, metadata=metadata)

    @classmethod
    def load(
        cls, path: PathLike, palette: Palette | None = PORTRAITS, *, unfinished: bool = False
    ) -> LabelMap:
        """Read a mask whose pixel values are class indices.

        Accepted are square indexed and grey pictures of 8 bits, RGB whose channels are equal, and
        RGB in exactly the palette's colours (what an editor makes of a saved mask); transparent
        pixels are unpainted, and so is 0 where the palette has no class 0. NPZ and SVG are read
        as `save` writes them.

        Args:
            path: a PNG or another lossless format, ``.npz`` or ``.svg``.
            palette: what the indices mean; None: the palette that `save` put into the file.
            unfinished: admit a mask on which nothing but background is painted so far.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: the file is no such mask; says what was wanted, what came and the cure.
        """
        indices, palette = _label_files.read(path, palette)
        _refuse_unknown(indices, palette, str(path))
        if not unfinished and np.isin(indices, (0, UNPAINTED)).all():
            raise ValueError(
                f"{path}: the mask is empty (background or unpainted everywhere); "
                "paint at least one part"
            )
        return cls(indices, palette)


def _refuse_unknown(indices: npt.NDArray[Any], palette: Palette, name: str) -> None:
    if indices.dtype == np.uint8:
        # A pad asks this after every stroke: looking up is twice as fast as sorting.
        known = np.zeros(256, dtype=bool)
        known[[*palette.indices, UNPAINTED]] = True
        if known[indices].all():
            return
    values = np.unique(indices)
    unknown = values[~np.isin(values, (*palette.indices, UNPAINTED))]
    if unknown.size:
        raise ValueError(
            f"{name}: class indices of palette {palette.name!r} ({listed(palette.indices)}, 255 = "
            f"not painted) were wanted, got also {listed(unknown.tolist())}; "
            "repaint these pixels or pass the palette that the mask was drawn with"
        )
