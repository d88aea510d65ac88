"""Label maps and arrays: one-hot planes, and the few-shot paper's sparse masks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from smis_core.labels import PORTRAITS, UNPAINTED, LabelMap, Palette


def from_one_hot(
    planes: Tensor | npt.NDArray[np.generic],  # [C, H, W] or [1, C, H, W]
    palette: Palette = PORTRAITS,
) -> LabelMap:
    """The inverse of `LabelMap.one_hot`: plane c is class c, no plane is not painted.

    Args:
        planes: one-hot planes, or probabilities, of which the largest counts.
        palette: what the planes mean; as many as its `num_classes`.

    Raises:
        ValueError: another shape, or a number that is negative or no number.
    """
    given = torch.as_tensor(planes).detach().cpu().double()
    if given.ndim == 4 and len(given) == 1:
        given = given[0]
    count = palette.num_classes
    if given.ndim != 3 or len(given) != count or not given.numel():
        raise ValueError(
            f"planes: wanted [{count}, H, W], a plane for each class of palette "
            f"{palette.name!r}, got {list(torch.as_tensor(planes).shape)}"
        )
    if not bool((given >= 0).all()) or not bool(torch.isfinite(given).all()):
        raise ValueError("planes: wanted numbers of 0 and more, got negative ones or NaN")
    strongest, indices = given.max(dim=0)
    indices[strongest == 0] = UNPAINTED
    return LabelMap(indices.numpy().astype(np.uint8), palette)


def from_sparse(
    indices: npt.NDArray[np.integer],  # [H, W]
    palette: Palette = PORTRAITS,
) -> LabelMap:
    """A sparse mask as the few-shot paper writes it, in which 0 is unknown.

    Endo and Kanamori (2021), section 3.2: scribbles, landmarks and lines name few pixels. A class
    0 cannot be painted in such a mask.
    """
    return LabelMap(np.where(np.asarray(indices) == 0, UNPAINTED, indices), palette)


def to_sparse(labels: LabelMap) -> npt.NDArray[np.uint8]:
    """uint8 [H, W] as the few-shot paper writes it: 0 where nothing is painted.

    Raises:
        ValueError: class 0 is painted, which such a mask cannot say.
    """
    if 0 in labels.present():
        raise ValueError(
            f"labels: a sparse mask of the paper writes 0 for unknown, but class 0 "
            f"({labels.palette.by_index(0).name}) is painted: erase it, or use a dense method"
        )
    return np.where(labels.indices == UNPAINTED, 0, labels.indices).astype(np.uint8)
