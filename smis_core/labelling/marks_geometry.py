"""Marks as shapes: taking an annotation apart, and putting its marks down elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional as F

from ..labels import UNPAINTED

_POINT_SHARE = 0.09
_SPOTS = 24
_SHARPNESS = 0.02
_NEIGHBOURS = 2
_ROBUST = 0.05
_STIFFNESS = 0.02
_ROUNDS = 6
_COVERED = 0.3


def marks_of(
    mask: npt.NDArray[np.uint8],  # [R, R]
) -> Iterator[tuple[int, npt.NDArray[np.bool_]]]:
    """Every connected mark with its class."""
    for index in np.unique(mask[mask != UNPAINTED]):
        parts, count = ndimage.label(mask == index, structure=np.ones((3, 3)))
        for part in range(1, count + 1):
            yield int(index), parts == part


def is_dot(area: Tensor) -> bool:
    """Whether a mark [R, R] is so small that its shape says nothing."""
    rows, columns = area.nonzero(as_tuple=True)
    extent = max(int(rows.max() - rows.min()), int(columns.max() - columns.min())) + 1
    return extent <= max(_POINT_SHARE * area.shape[-1], 1)


def spots_of(area: npt.NDArray[np.bool_]) -> Tensor:
    """Places along a mark, far from each other, [M, 2] as (x, y) in [0, 1]; a dot's is its
    centre."""
    side = area.shape[0]
    places = (np.argwhere(area)[:, ::-1] + 0.5) / side
    if is_dot(torch.from_numpy(area)):
        return torch.from_numpy(places.mean(axis=0, keepdims=True)).float()
    chosen = [0]
    distance = np.linalg.norm(places - places[0], axis=1)
    while len(chosen) < min(_SPOTS, len(places)):
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, np.linalg.norm(places - places[chosen[-1]], axis=1))
    return torch.from_numpy(places[chosen]).float()


def found_places(
    similarity: Tensor,  # [N, M, h, w]
    *,
    around: Tensor | None = None,  # [N, M, 2]
    reach: float = 1.0,
) -> tuple[Tensor, Tensor]:
    """The likeliest place of every spot to a fraction of a cell, and how alike it is.

    Args:
        similarity: cosines.
        around: places from which distance costs; None: everywhere alike.
        reach: the distance that costs a tenth of a cosine, as a share of the side.

    Returns:
        [N, M, 2] as (x, y) in [0, 1], and [N, M].
    """
    side = similarity.shape[-1]
    axis = (torch.arange(side, device=similarity.device) + 0.5) / side
    if around is not None:
        cost = 0.1 / reach**2
        across = cost * (axis - around[..., 0, None]).square()[..., None, :]
        down = cost * (axis - around[..., 1, None]).square()[..., :, None]
        similarity = similarity - across - down
    peak, place = similarity.flatten(2).max(dim=2)
    # Only the neighbours of the likeliest cell have a say.
    window = torch.arange(-_NEIGHBOURS, _NEIGHBOURS + 1, device=similarity.device)
    rows = (place // side)[..., None] + window
    columns = (place % side)[..., None] + window
    inside = ((rows >= 0) & (rows < side))[..., None] & ((columns >= 0) & (columns < side))[
        ..., None, :
    ]
    rows, columns = rows.clamp(0, side - 1), columns.clamp(0, side - 1)
    cells = (rows[..., None] * side + columns[..., None, :]).flatten(2)
    near = similarity.flatten(2).gather(2, cells).view(inside.shape)
    weights = ((near - peak[..., None, None]) / _SHARPNESS).exp() * inside
    whole = weights.sum(dim=(2, 3))
    across = (weights.sum(dim=2) * axis[columns]).sum(dim=2) / whole
    down = (weights.sum(dim=3) * axis[rows]).sum(dim=2) / whole
    return torch.stack([across, down], dim=2), peak


def affine_fit(
    spots: Tensor,  # [M, 2]
    places: Tensor,  # [N, M, 2]
    sure: Tensor,  # [N, M], how much each counts
) -> Tensor:
    """The affine map from spots to places that most agree on: [N, 2, 3].

    Least squares reweighted by the Geman-McClure function of the residuals, with a pull towards
    no turn and no stretch that decides where spots are few.
    """
    weights = sure.clamp_min(1e-3)
    eye = torch.eye(2, device=spots.device)
    for _ in range(_ROUNDS):
        shares = (weights / weights.sum(dim=1, keepdim=True))[..., None]
        centre, target = (shares * spots).sum(dim=1), (shares * places).sum(dim=1)
        p, q = spots - centre[:, None], places - target[:, None]
        moments = (shares * p).mT @ p + _STIFFNESS * (0.1 * eye)
        crossed = (shares * q).mT @ p + _STIFFNESS * (0.1 * eye)
        linear = torch.linalg.solve(moments, crossed.mT).mT
        residual = (q - p @ linear.mT).square().sum(dim=2)
        weights = sure.clamp_min(1e-3) / (1 + residual / _ROBUST**2).square()
    shift = target - (linear @ centre[..., None])[..., 0]
    return torch.cat([linear, shift[..., None]], dim=2)


def warped(
    area: Tensor,  # uint8 [R, R]
    matrix: Tensor,  # [N, 2, 3]
    size: int,
) -> Tensor:
    """A mark moved by affine maps: bool [N, size, size]."""
    count = len(matrix)
    inverse = torch.linalg.inv(matrix[:, :, :2])
    # grid_sample counts from -1 to 1, the maps from 0 to 1.
    shift = -(inverse @ matrix[:, :, 2:])
    ones = torch.ones(2, 1, device=matrix.device)
    theta = torch.cat([inverse, inverse @ ones + 2 * shift - ones], dim=2)
    grid = F.affine_grid(theta, [count, 1, size, size], align_corners=False)
    source = area.float()[None, None].expand(count, -1, -1, -1)
    return F.grid_sample(source, grid, align_corners=False)[:, 0] > _COVERED


def redotted(
    labels: Tensor,  # uint8 [N, S, S]
    dots: Sequence[int],
    radius: float,
) -> Tensor:
    """Labels in which every mark of some classes is a disc about its centre: uint8 [N, S, S]."""
    if not dots:
        return labels
    redrawn = labels.cpu().numpy().copy()
    side = redrawn.shape[-1]
    axis = np.arange(side)
    reach = max(radius * side, 0.75)
    for mask in redrawn:
        centres = []
        for index in dots:
            parts, count = ndimage.label(mask == index, structure=np.ones((3, 3)))
            found = ndimage.center_of_mass(parts > 0, parts, range(1, count + 1))
            centres += [(index, centre) for centre in found]
            mask[mask == index] = UNPAINTED
        for index, (row, column) in centres:
            near = (axis[:, None] - row) ** 2 + (axis[None] - column) ** 2 <= reach**2
            mask[near] = index
    return torch.from_numpy(redrawn).to(labels.device)
