"""Mean intersection over union, as every figure of this project means it.

Intersections and unions are summed over all masks before they are divided, so that a class that is
rare or small in one mask weighs no more than its pixels do. Pixels that nobody painted (255) are
ignored, and so are pixels of classes outside those that are asked for. Merged values count both
eyes as one class, both brows, both ears, and the mouth with its lips.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from smis_core.labels import MERGED, PORTRAITS, UNPAINTED, Palette

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Interval:
    """A value with the bounds between which resampled values lie."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class MiouResult:
    """What a `MiouMeter` found."""

    miou: float
    """mean over the classes that occur, in [0, 1]"""
    by_class: dict[str, float]
    """intersection over union by class name; not a number where neither side shows the class"""
    masks: int
    """how many masks were compared"""


def class_groups(
    classes: Iterable[int] | None = None,
    *,
    merged: bool,
    palette: Palette = PORTRAITS,
) -> dict[str, tuple[int, ...]]:
    """The classes that a figure is over, by name.

    Args:
        classes: indices that count, as a rule those that the annotations show. None: every class of
            the palette.
        merged: join left with right, and the mouth with its lips (`labels.MERGED`).
        palette: names the indices.

    Returns:
        Name to indices, in the order of the indices; no index occurs twice.

    Raises:
        ValueError: no class is asked for, or one that the palette lacks.
    """
    wanted = sorted(set(palette.indices if classes is None else classes))
    unknown = [index for index in wanted if index not in palette.indices]
    if not wanted or unknown:
        raise ValueError(
            f"classes: wanted indices of the palette '{palette.name}', "
            f"got {unknown or 'none at all'}; "
            f"choose from {sorted(palette.indices)}"
        )
    joined = {index: name for name, group in MERGED.items() for index in group} if merged else {}
    groups: dict[str, tuple[int, ...]] = {}
    for index in wanted:
        name = joined.get(index, palette.by_index(index).name)
        groups[name] = (*groups.get(name, ()), index)
    return groups


class MiouMeter:
    """Sums intersections and unions over masks.

    Args:
        classes: indices that count; None: every class of the palette.
        merged: count both sides of the face as one class, and the mouth with its lips.
        palette: names the indices.

    Raises:
        ValueError: see `class_groups`.
    """

    def __init__(
        self,
        classes: Iterable[int] | None = None,
        merged: bool = False,
        *,
        palette: Palette = PORTRAITS,
    ) -> None:
        self.groups = class_groups(classes, merged=merged, palette=palette)
        self._group_of = np.full(256, len(self.groups), dtype=np.int64)
        for position, indices in enumerate(self.groups.values()):
            self._group_of[list(indices)] = position
        self._known = np.zeros(256, dtype=bool)
        self._known[[*palette.indices, UNPAINTED]] = True
        self._intersections: list[Array] = []
        self._unions: list[Array] = []

    def update(
        self,
        pred: Tensor | Array,  # [N, H, W] class indices
        target: Tensor | Array,  # [N, H, W] class indices, 255 where nobody painted
    ) -> None:
        """Compare N masks with what they should be.

        Raises:
            ValueError: the shapes differ or are not [N, H, W], or an index is outside the palette.
        """
        found, wanted = _indices("pred", pred), _indices("target", target)
        if found.shape != wanted.shape:
            raise ValueError(
                f"pred and target: wanted masks of one shape, "
                f"got {found.shape} and {wanted.shape}; resize the labels first"
            )
        for name, masks in (("pred", found), ("target", wanted)):
            if not self._known[masks].all():
                strange = sorted(
                    set(np.unique(masks).tolist()) - set(np.flatnonzero(self._known).tolist())
                )
                raise ValueError(f"{name}: wanted indices of the palette or 255, got {strange}")
        size = len(self.groups) + 1
        for mask, truth in zip(self._group_of[found], self._group_of[wanted], strict=True):
            table = np.bincount((truth * size + mask).ravel(), minlength=size * size).reshape(
                size, size
            )
            # The last row holds the pixels that do not count, whatever was predicted there.
            table = table[:-1]
            intersection = table.diagonal()
            self._intersections.append(intersection)
            self._unions.append(table.sum(1) + table[:, :-1].sum(0) - intersection)

    @property
    def counts(self) -> tuple[Array, Array]:
        """Intersections and unions in pixels, int64 [masks, classes] each."""
        shape = (len(self._intersections), len(self.groups))
        return (
            np.array(self._intersections, dtype=np.int64).reshape(shape),
            np.array(self._unions, dtype=np.int64).reshape(shape),
        )

    def result(self) -> MiouResult:
        """The figure over everything seen so far.

        Raises:
            ValueError: nothing was compared yet.
        """
        if not self._intersections:
            raise ValueError("wanted at least one mask, got none; call update(pred, target) first")
        intersections, unions = self.counts
        ious = _ratios(intersections.sum(0), unions.sum(0))
        by_class = dict(zip(self.groups, ious.tolist(), strict=True))
        return MiouResult(_mean(ious), by_class, len(intersections))

    def interval(
        self, *, resamples: int = 1000, confidence: float = 0.95, seed: int = 0
    ) -> Interval:
        """The figure with its bootstrap interval over masks; see `bootstrap`."""
        return bootstrap(
            lambda chosen: miou_of(self, chosen),
            len(self._intersections),
            resamples=resamples,
            confidence=confidence,
            seed=seed,
        )


def miou_of(meter: MiouMeter, chosen: Array) -> float:
    """The figure over some of a meter's masks.

    Args:
        meter: has seen the masks.
        chosen: int [K] positions of masks, in the order in which they were compared; repeats count
            twice.
    """
    intersections, unions = meter.counts
    return _mean(_ratios(intersections[chosen].sum(0), unions[chosen].sum(0)))


def bootstrap(
    statistic: Callable[[Array], float],
    count: int,
    *,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """The percentile interval of a statistic over things drawn again with replacement (Efron 1979).

    Two meters that saw the same masks are compared by a statistic that reads both at the same
    positions.

    Args:
        statistic: positions int [count] to a value.
        count: how many things there are.
        resamples: how often to draw again.
        confidence: share of the resampled values between the bounds, in (0, 1).
        seed: of the draws.

    Raises:
        ValueError: nothing to draw from, no draws, or a confidence outside (0, 1).
    """
    if count < 1 or resamples < 1 or not 0 < confidence < 1:
        raise ValueError(
            f"wanted count and resamples of at least 1 and a confidence between 0 and 1, "
            f"got {count}, {resamples}, {confidence}"
        )
    draw = np.random.default_rng(seed)
    values = [statistic(draw.integers(0, count, count)) for _ in range(resamples)]
    tail = 50 * (1 - confidence)
    low, high = np.nanpercentile(values, [tail, 100 - tail])
    return Interval(float(statistic(np.arange(count))), float(low), float(high))


def _indices(name: str, masks: Tensor | Array) -> Array:
    array = masks.detach().cpu().numpy() if isinstance(masks, torch.Tensor) else np.asarray(masks)
    if array.ndim != 3 or not np.issubdtype(array.dtype, np.integer):
        raise ValueError(
            f"{name}: wanted class indices [N, H, W], got {array.dtype} {array.shape}; "
            "add a batch axis"
        )
    if array.size and (array.min() < 0 or array.max() > UNPAINTED):
        raise ValueError(
            f"{name}: wanted indices from 0 to 255, got {array.min()} to {array.max()}"
        )
    return array


def _ratios(intersections: Array, unions: Array) -> Array:
    return np.where(unions > 0, intersections / np.maximum(unions, 1), np.nan)


def _mean(ious: Array) -> float:
    return float(np.nanmean(ious)) if np.isfinite(ious).any() else float("nan")
