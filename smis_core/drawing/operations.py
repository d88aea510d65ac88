"""What can be done to a label map, as values: every operation is valid by construction.

Positions are int32 in sixteenths of a pixel, x to the right and y down; (0, 0) is the top left
corner of the top left pixel, whose centre is (8, 8). docs/drawing.md is the specification.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

UNIT = 16
"""Steps of a coordinate in one pixel."""

REACH = 1 << 17
"""Largest coordinate, either sign: 8192 pixels. All products then fit 53 bits."""

MAX_SIZE = 1024 * UNIT
"""Largest brush diameter, in sixteenths of a pixel."""

MAX_POINTS = 32768
"""Most points of one operation; longer strokes are sent in pieces that share a point."""

MAX_PATH = 1 << 24
"""Longest path of one stroke in sixteenths of a pixel (a million pixels)."""

MAX_GAP = 64
"""Widest gap that a bucket closes, in pixels."""

Ints: TypeAlias = npt.NDArray[np.int64]
Points: TypeAlias = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Box:
    """A rectangle of pixels: rows top to bottom - 1, columns left to right - 1."""

    top: int
    """First row."""
    left: int
    """First column."""
    bottom: int
    """First row below."""
    right: int
    """First column beyond."""

    @property
    def slices(self) -> tuple[slice, slice]:
        """Selects the rectangle from an array [H, W]."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def size(self) -> int:
        """Its pixels."""
        return (self.bottom - self.top) * (self.right - self.left)

    def union(self, other: Box | None) -> Box:
        """The smallest rectangle around both."""
        if other is None:
            return self
        return Box(
            min(self.top, other.top),
            min(self.left, other.left),
            max(self.bottom, other.bottom),
            max(self.right, other.right),
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Operation:
    """What all operations share: where they may paint.

    Raises:
        TypeError: something is no integer where one was wanted.
        ValueError: something is out of range.
    """

    only: tuple[int, ...] | None = None
    """Paint over these indices alone; None: over all."""
    protect: tuple[int, ...] = ()
    """Indices that are not painted over."""

    def __post_init__(self) -> None:
        for name in ("only", "protect"):
            guarded = getattr(self, name)
            if guarded is not None:
                checked = tuple(sorted({_integer(each, name, 0, 255) for each in guarded}))
                object.__setattr__(self, name, checked)


@dataclass(frozen=True, eq=False, kw_only=True)
class Painting(Operation):
    """An operation that gives pixels one index."""

    index: int
    """Class to paint, 0 to 254, or 255 to erase."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "index", _integer(self.index, "index", 0, 255))


@dataclass(frozen=True, eq=False, kw_only=True)
class Stroke(Painting):
    """Brush, eraser, line and polyline: a brush moved along straight pieces."""

    points: Points  # int32 [N, 2], x and y
    """Where the brush goes; one point is a dot."""
    sizes: Points  # int32 [N] or one number
    """Diameter (round) or side (square) at each point: 1 to ``MAX_SIZE`` sixteenths of a pixel."""
    brush: Literal["round", "square"] = "round"
    """Form of the brush; a square one keeps its sides level."""

    def __post_init__(self) -> None:
        super().__post_init__()
        points = _positions(self.points, "points", least=1)
        sizes = _int32(self.sizes, "sizes")
        if sizes.ndim == 0:
            sizes = np.full(len(points), sizes, dtype=np.int32)
        if sizes.shape != (len(points),):
            raise ValueError(
                f"sizes: one for each of {len(points)} points was wanted, got {list(sizes.shape)}"
            )
        if sizes.min() < 1 or sizes.max() > MAX_SIZE:
            raise ValueError(
                f"sizes: 1 to {MAX_SIZE} sixteenths of a pixel were wanted, got "
                f"{sizes.min()} to {sizes.max()}"
            )
        if self.brush not in ("round", "square"):
            raise ValueError(f"brush: 'round' or 'square' was wanted, got {self.brush!r}")
        path = int(np.abs(np.diff(points.astype(np.int64), axis=0)).max(axis=1, initial=0).sum())
        if path > MAX_PATH:
            raise ValueError(
                f"points: a path of at most {MAX_PATH // UNIT} pixels was wanted, got "
                f"{path // UNIT}; send the stroke in pieces"
            )
        _keep(self, points=points, sizes=sizes)


@dataclass(frozen=True, eq=False, kw_only=True)
class Polygon(Painting):
    """Polygon and lasso: what a closed outline winds around at least once (non-zero rule)."""

    points: Points  # int32 [N, 2]
    """Its corners; the last is joined to the first. Fewer than three cover nothing."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _keep(self, points=_positions(self.points, "points", least=1))


@dataclass(frozen=True, eq=False, kw_only=True)
class Rectangle(Painting):
    """All pixels from the one under a corner to the one under the opposite corner."""

    points: Points  # int32 [2, 2]
    """Two opposite corners, in any order."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _keep(self, points=_positions(self.points, "points", least=2, most=2))


@dataclass(frozen=True, eq=False, kw_only=True)
class Ellipse(Painting):
    """The ellipse within a rectangle of pixels, touching its sides."""

    points: Points  # int32 [2, 2]
    """Two opposite corners of the rectangle, in any order."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _keep(self, points=_positions(self.points, "points", least=2, most=2))


@dataclass(frozen=True, eq=False, kw_only=True)
class Landmark(Painting):
    """A point that has a class to itself: a disc. The class's former pixels are given up.

    They take the index of their nearest surroundings, so that a point can be dragged.
    """

    at: Points  # int32 [2]
    """Its position."""
    size: int = 5 * UNIT
    """Diameter of the mark, in sixteenths of a pixel."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _keep(self, at=_positions(self.at, "at", single=True))
        object.__setattr__(self, "size", _integer(self.size, "size", 1, MAX_SIZE))
        if self.index == 255:
            raise ValueError("index: a landmark's class, 0 to 254, was wanted, got 255")


@dataclass(frozen=True, eq=False, kw_only=True)
class Bucket(Painting):
    """Fill the connected pixels of one class around a position."""

    at: Points  # int32 [2]
    """Where the paint is poured; outside of the map nothing happens."""
    gap: int = 0
    """Openings up to this many pixels wide hold the paint, 0 to ``MAX_GAP``."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _keep(self, at=_positions(self.at, "at", single=True))
        object.__setattr__(self, "gap", _integer(self.gap, "gap", 0, MAX_GAP))


@dataclass(frozen=True, eq=False, kw_only=True)
class SmartFill(Bucket):
    """Fill up to the edges of the picture underneath, whatever is painted there already."""

    tolerance: int = 24
    """Strength of edge that still lets the paint through, 0 to 255."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "tolerance", _integer(self.tolerance, "tolerance", 0, 255))


@dataclass(frozen=True, eq=False, kw_only=True)
class MoveRegion(Operation):
    """Move and scale what lies within an outline, or the connected region under a point."""

    points: Points  # int32 [N, 2]
    """One point: the connected pixels of its class. Three or more: all painted pixels within."""
    target: Box
    """Where the region's own rectangle goes, in pixels; it may be of another size."""
    beneath: int | None = None
    """Index that is left behind; None: that of the nearest surroundings."""

    def __post_init__(self) -> None:
        super().__post_init__()
        points = _positions(self.points, "points", least=1)
        if len(points) == 2:
            raise ValueError("points: one, or three and more, were wanted, got 2")
        _keep(self, points=points)
        reach = REACH // UNIT
        sides = [
            _integer(getattr(self.target, name), f"target {name}", -reach, reach)
            for name in ("top", "left", "bottom", "right")
        ]
        target = Box(*sides)
        if target.top >= target.bottom or target.left >= target.right:
            raise ValueError(f"target: a rectangle of at least one pixel was wanted, got {target}")
        object.__setattr__(self, "target", target)
        if self.beneath is not None:
            object.__setattr__(self, "beneath", _integer(self.beneath, "beneath", 0, 255))


@dataclass(frozen=True, eq=False, kw_only=True)
class Mirror(Operation):
    """Swap left and right about the middle of the map, classes included."""

    pairs: tuple[tuple[int, int], ...] = ()
    """Indices that change places, see ``Palette.left_right_pairs``."""
    half: Literal["left", "right"] | None = None
    """The half (as seen) that is copied onto the other; None: the whole map is turned over."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.half not in (None, "left", "right"):
            raise ValueError(f"half: 'left', 'right' or None was wanted, got {self.half!r}")
        pairs = tuple(
            (_integer(one, "pairs", 0, 254), _integer(other, "pairs", 0, 254))
            for one, other in self.pairs
        )
        named = [index for pair in pairs for index in pair]
        if len(set(named)) < len(named):
            raise ValueError(f"pairs: each index once was wanted, got {named}")
        object.__setattr__(self, "pairs", pairs)


@dataclass(frozen=True, eq=False, kw_only=True)
class CopyFrom(Operation):
    """Take pixels over from another mask of the same size."""

    source: str
    """Its name among the masks that ``apply`` is given."""
    classes: tuple[int, ...] | None = None
    """Indices that are taken over; None: all painted ones."""
    points: Points = field(default_factory=lambda: np.zeros((0, 2), dtype=np.int32))
    """Corners of an outline within which is copied; none: everywhere."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.source, str):
            raise TypeError(f"source: a mask's name was wanted, got {type(self.source).__name__}")
        if self.classes is not None:
            checked = tuple(sorted({_integer(each, "classes", 0, 255) for each in self.classes}))
            object.__setattr__(self, "classes", checked)
        _keep(self, points=_positions(self.points, "points", least=0))


@dataclass(frozen=True, eq=False, kw_only=True)
class Clear(Operation):
    """Make everything unpainted."""


def _integer(value: Any, name: str, low: int, high: int) -> int:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name}: an integer was wanted, got {type(value).__name__}")
    if not low <= value <= high:
        raise ValueError(f"{name}: {low} to {high} was wanted, got {_short(value)}")
    return int(value)


def _short(value: Any) -> str:
    # A number of a million digits is neither shown nor, past 4300, turned into text by Python.
    return str(value) if -(10**18) < value < 10**18 else "a number of more than 18 digits"


def _int32(values: Any, name: str) -> Points:
    try:
        array = np.asarray(values)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{name}: whole numbers in rows of one length were wanted") from error
    if array.size == 0:
        return np.zeros(array.shape, dtype=np.int32)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name}: integers were wanted, got {array.dtype}")
    if array.min() < -(1 << 31) or array.max() >= 1 << 31:
        raise ValueError(f"{name}: 32-bit integers were wanted, got {array.min()} … {array.max()}")
    return array.astype(np.int32)


def _positions(
    values: Any, name: str, *, least: int = 1, most: int = MAX_POINTS, single: bool = False
) -> Points:
    points = _int32(values, name)
    if single:
        if points.shape != (2,):
            raise ValueError(f"{name}: one position (x, y) was wanted, got {list(points.shape)}")
    else:
        points = points.reshape(0, 2) if points.size == 0 else points
        if points.ndim != 2 or points.shape[1] != 2:
            raise ValueError(f"{name}: positions [N, 2] were wanted, got {list(points.shape)}")
        if not least <= len(points) <= most:
            raise ValueError(f"{name}: {least} to {most} were wanted, got {len(points)}")
    if points.size and (points.min() < -REACH or points.max() > REACH):
        raise ValueError(
            f"{name}: coordinates of at most {REACH} sixteenths of a pixel either way were wanted, "
            f"got {points.min()} … {points.max()}"
        )
    return points


def _keep(operation: Operation, **arrays: Points) -> None:
    for name, array in arrays.items():
        array.setflags(write=False)
        object.__setattr__(operation, name, array)
