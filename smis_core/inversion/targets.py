"""From whatever a person has to the picture that is inverted, and what was done to it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from ..images import ImageSource
from ..labels import LabelMap
from .reading import read_linear, read_mask, to_gamma

Point = tuple[float, float]
Fit = Literal["crop", "pad"]
MaskSource = LabelMap | np.ndarray | Tensor

_SMALLEST = 8
_FLAT = 1e-3
_MOST_SAMPLES = 4


@dataclass(frozen=True)
class FacePoints:
    """Where a face is: x to the right and y down, from the top left corner."""

    left_eye: Point
    """the eye at the viewer's left"""
    right_eye: Point
    mouth: Point

    def scaled(self, factor: float) -> FacePoints:
        """The same points in another unit."""
        left, right, mouth = (
            (x * factor, y * factor) for x, y in (self.left_eye, self.right_eye, self.mouth)
        )
        return FacePoints(left, right, mouth)


PORTRAIT_POINTS = FacePoints((0.388, 0.47), (0.612, 0.47), (0.498, 0.733))
"""Where the bundled portraits have them, the mean of 400, in sides of the picture."""
FFHQ_POINTS = FacePoints((0.375, 0.4725), (0.625, 0.4725), (0.5, 0.7475))
"""Where photographs cropped by FFHQ's rule have them (Karras et al. 2019, appendix A), for a mouth
1.1 times as far below the eyes as these are apart; in sides of the picture."""


@dataclass(frozen=True, eq=False)
class Target:
    """What will be inverted."""

    image: Tensor
    """float32 [1, 3, R, R] in [-1, 1]"""
    weight: Tensor | None
    """float32 [1, 1, R, R] in [0, 1]: how much each pixel matters; None: all alike"""
    source_size: tuple[int, int]
    """width and height of what was given, upright"""
    to_source: tuple[tuple[float, float, float], tuple[float, float, float]]
    """a point (x, y) of the target, in its pixels, lies at `to_source` · (x, y, 1) of the source"""
    notes: tuple[str, ...]
    """what was done, in words a person reads"""

    @property
    def corners(self) -> tuple[Point, Point, Point, Point]:
        """The target's outline in the source's pixels, from the top left on clockwise."""
        side = float(self.image.shape[-1])
        (a, b, c), (d, e, f) = self.to_source
        top_left, top_right, bottom_right, bottom_left = (
            (a * x + b * y + c, d * x + e * y + f)
            for x, y in ((0.0, 0.0), (side, 0.0), (side, side), (0.0, side))
        )
        return top_left, top_right, bottom_right, bottom_left


def prepare_target(
    source: ImageSource,
    size: int,
    *,
    fit: Fit = "crop",
    box: tuple[float, float, float] | None = None,
    points: FacePoints | None = None,
    expected: FacePoints = PORTRAIT_POINTS,
    weight: MaskSource | None = None,
    missing: MaskSource | None = None,
) -> Target:
    """Brings a picture to the generator's size, in linear light.

    Args:
        source: a path, a PIL picture, an array [H, W], [H, W, 3] or [H, W, 4] (uint8, uint16, or
            floats in [0, 1]), or a tensor [3, H, W] or [1, 3, H, W] in [-1, 1]. Transparency is
            flattened onto white; of an animation the first frame is taken.
        size: the generator's resolution.
        fit: "crop" takes the centre square; "pad" takes everything, repeats the border around it
            and lets it not matter.
        box: left, top and side of another square, in the source's pixels; it may reach beyond.
        points: eyes and mouth in the source's pixels; the picture is turned, moved and scaled
            until they lie closest to where `expected` has them.
        expected: in sides of the picture.
        weight: what matters: painted pixels of a label map, or numbers from 0 to 1 [H, W]; of the
            source's or of the target's size.
        missing: the contrary, what the generator has to fill in.

    Raises:
        FileNotFoundError: there is no such file.
        TypeError: `source` is none of these.
        ValueError: the picture is broken, too large to read, under 8 pixels, or of one colour; a
            mask is of another size or covers nothing; both `box` and `points` came.
    """
    if size < _SMALLEST:
        raise ValueError(f"size: wanted a side of at least {_SMALLEST} pixels, got {size}")
    if box is not None and points is not None:
        raise ValueError("box and points: wanted one of them, got both; leave one out")
    if fit not in ("crop", "pad"):
        raise ValueError(f"fit: wanted 'crop' or 'pad', got {fit!r}")
    linear, notes = read_linear(source)
    height, width = linear.shape[-2:]
    if min(height, width) < _SMALLEST:
        raise ValueError(
            f"target: wanted a picture of at least {_SMALLEST} pixels a side, got {width} x"
            f" {height}; there is nothing in it that could be found"
        )
    matrix, how = _placement(width, height, size, fit, box, points, expected)
    image = to_gamma(_resampled(linear, matrix, size))
    if float((image.amax(dim=(2, 3)) - image.amin(dim=(2, 3))).max()) < _FLAT:
        raise ValueError(
            "target: wanted a picture with content, got one of a single colour; choose another"
            " picture or another part of it"
        )
    mattering = _weight(weight, missing, (height, width), matrix, size)
    inside = _resampled(torch.ones(1, 1, height, width), matrix, size, border="zeros").clamp(0, 1)
    if float(inside.min()) < 0.5:
        mattering = inside if mattering is None else mattering * inside
    if mattering is not None and float(mattering.sum()) <= 0:
        raise ValueError(
            "weight: wanted a mask that leaves something to look at, got one that covers nothing"
            " of the picture; paint what matters, or leave the mask out"
        )
    rows = tuple(tuple(float(value) for value in row) for row in matrix)
    return Target(
        image,
        mattering,
        (width, height),
        rows,  # type: ignore[arg-type]
        (*notes, how),
    )


def _placement(
    width: int,
    height: int,
    size: int,
    fit: Fit,
    box: tuple[float, float, float] | None,
    points: FacePoints | None,
    expected: FacePoints,
) -> tuple[np.ndarray, str]:
    """[2, 3] from the target's pixels to the source's, and what that is."""
    if points is not None:
        matrix = similarity(expected.scaled(size), points)
        angle = math.degrees(math.atan2(matrix[1, 0], matrix[0, 0]))
        scale = math.hypot(matrix[0, 0], matrix[1, 0])
        return matrix, f"aligned by eyes and mouth: turned {angle:.0f}°, {scale:.2f} to 1"
    if box is not None:
        left, top, side = box
        if not all(map(math.isfinite, box)) or side < _SMALLEST:
            raise ValueError(
                f"box: wanted left, top and a side of at least {_SMALLEST} pixels, got {box}"
            )
        how = f"the square of {side:.0f} pixels at ({left:.0f}, {top:.0f})"
    else:
        side = float(min(width, height) if fit == "crop" else max(width, height))
        left, top = (width - side) / 2, (height - side) / 2
        if width == height:
            how = f"all of {width} x {height}"
        elif fit == "crop":
            how = f"the centre square, {side:.0f} of {width} x {height}"
        else:
            how = f"all of {width} x {height}; the bars beside it do not matter"
    scale = side / size
    return np.array([[scale, 0.0, left], [0.0, scale, top]]), how


def similarity(start: FacePoints, end: FacePoints) -> np.ndarray:
    """The turn, scale and move [2, 3] that bring three points closest to three others, in least
    squares (Umeyama 1991, for the plane).

    Raises:
        ValueError: a number is not finite, or the points lie on one another.
    """
    a, b = (
        np.array([each.left_eye, each.right_eye, each.mouth], dtype=np.float64)
        for each in (start, end)
    )
    if not np.isfinite([a, b]).all() or min(np.ptp(a, axis=0).max(), np.ptp(b, axis=0).max()) < 1:
        raise ValueError(
            "points: wanted two eyes and a mouth at different places, at least a pixel apart, got"
            f" {end}"
        )
    # Points of the plane as complex numbers: a similarity is one factor and one summand.
    first, second = a @ [1, 1j], b @ [1, 1j]
    centred = first - first.mean()
    factor = (centred.conj() * (second - second.mean())).sum() / (np.abs(centred) ** 2).sum()
    if abs(factor) < 1e-6:
        raise ValueError(f"points: wanted them arranged as in a face, got {end}")
    moved = second.mean() - factor * first.mean()
    return np.array(
        [[factor.real, -factor.imag, moved.real], [factor.imag, factor.real, moved.imag]]
    )


def _resampled(
    picture: Tensor,  # [1, C, H, W]
    matrix: np.ndarray,  # [2, 3]
    size: int,
    *,
    border: str = "border",
) -> Tensor:
    """[1, C, size, size]: the mean over each target pixel's footprint."""
    scale = math.hypot(matrix[0, 0], matrix[1, 0])
    # What is far too fine is first averaged in blocks, so that a photograph costs no more than a
    # thumbnail.
    block = max(1, int(scale / _MOST_SAMPLES))
    if block > 1:
        matrix = matrix / block
        picture = F.avg_pool2d(picture, block, ceil_mode=True, count_include_pad=False)
        scale /= block
    samples = max(1, math.ceil(scale))
    height, width = picture.shape[-2:]
    ticks = (torch.arange(size * samples, dtype=torch.float64) + 0.5) / samples
    y, x = torch.meshgrid(ticks, ticks, indexing="ij")
    source_x = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2]
    source_y = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2]
    grid = torch.stack([source_x / width * 2 - 1, source_y / height * 2 - 1], dim=-1)[None].float()
    sampled = F.grid_sample(
        picture,
        grid,
        mode="bicubic" if scale < 1 else "bilinear",
        padding_mode=border,
        align_corners=False,
    )
    return F.avg_pool2d(sampled, samples)


def _weight(
    weight: MaskSource | None,
    missing: MaskSource | None,
    source: tuple[int, int],
    matrix: np.ndarray,
    size: int,
) -> Tensor | None:
    """[1, 1, size, size] in [0, 1]; None where no mask came."""
    result: Tensor | None = None
    for name, mask in (("weight", weight), ("missing", missing)):
        if mask is None:
            continue
        values = read_mask(name, mask)
        if tuple(values.shape[-2:]) == source:
            values = _resampled(values, matrix, size).clamp(0, 1)
        elif tuple(values.shape[-2:]) != (size, size):
            raise ValueError(
                f"{name}: wanted a mask of the picture's size, {source[1]} x {source[0]}, or of"
                f" the generator's, {size} x {size}, got {values.shape[-1]} x {values.shape[-2]}"
            )
        values = 1 - values if name == "missing" else values
        result = values if result is None else result * values
    return result


def preview(target: Target) -> Image.Image:
    """The target as a picture, with what does not matter paled."""
    image = target.image
    if target.weight is not None:
        image = image * target.weight + (0.75 + 0.25 * image) * (1 - target.weight)
    levels = ((image[0].permute(1, 2, 0) * 127.5) + 127.5).round().clamp(0, 255)
    return Image.fromarray(levels.to(torch.uint8).numpy())
