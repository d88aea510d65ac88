"""From an operation and a map to the pixels that change."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from smis_core.drawing.floods import flood
from smis_core.drawing.operations import (
    Box,
    Bucket,
    Clear,
    CopyFrom,
    Landmark,
    Mirror,
    MoveRegion,
    Operation,
    Painting,
)
from smis_core.drawing.rasteriser import Mask, rasterise, trimmed
from smis_core.drawing.regions import close, copied, mirrored, moved
from smis_core.images import UInt8Array
from smis_core.labels import UNPAINTED


def apply(
    indices: UInt8Array,  # [H, W], changed
    operation: Operation,
    *,
    edges: UInt8Array | None = None,  # [H, W]
    masks: Mapping[str, UInt8Array] | None = None,  # each [H, W]
) -> Box | None:
    """Carry an operation out on a map, in place.

    Args:
        indices: uint8 ``[H, W]``, class indices and 255.
        operation: what to do.
        edges: for ``SmartFill``, see ``edge_strength``.
        masks: for ``CopyFrom``, the masks by name.

    Returns:
        The smallest box around the pixels that changed; None if none did.

    Raises:
        ValueError: ``SmartFill`` without edges, ``CopyFrom`` without its mask or with one of
            another size.
    """
    changed = change(indices, operation, edges=edges, masks=masks)
    if changed is None:
        return None
    box, pixels = changed
    indices[box.slices] = pixels
    return box


def change(
    indices: UInt8Array,  # [H, W]
    operation: Operation,
    *,
    edges: UInt8Array | None = None,
    masks: Mapping[str, UInt8Array] | None = None,
) -> tuple[Box, UInt8Array] | None:
    """What ``apply`` would write: the smallest box that changes, and its new pixels."""
    proposed = _proposed(indices, operation, edges, masks or {})
    if proposed is None:
        return None
    box, pixels, exempt = proposed
    before = indices[box.slices]
    differs = pixels != before
    allowed = _allowed(before, operation)
    if allowed is not None:
        differs &= allowed if exempt is None else allowed | exempt
    tight = trimmed(box, differs)
    if tight is None:
        return None
    box, differs = tight
    top, left = box.top - proposed[0].top, box.left - proposed[0].left
    inner = pixels[top : top + differs.shape[0], left : left + differs.shape[1]]
    return box, np.where(differs, inner, indices[box.slices])


def _proposed(
    indices: UInt8Array,
    operation: Operation,
    edges: UInt8Array | None,
    masks: Mapping[str, UInt8Array],
) -> tuple[Box, UInt8Array, Mask | None] | None:
    """A box, its pixels as wanted, and where the operation's guards do not count."""
    whole = Box(0, 0, *indices.shape)
    if isinstance(operation, Clear):
        return whole, np.full_like(indices, UNPAINTED), None
    if isinstance(operation, Mirror):
        return whole, mirrored(indices, operation), None
    if isinstance(operation, CopyFrom):
        return whole, copied(indices, operation, masks), None
    if isinstance(operation, MoveRegion):
        return moved(indices, operation)
    if isinstance(operation, Landmark):
        return _landmark(indices, operation)
    if not isinstance(operation, Painting):
        raise TypeError(f"operation: one of ours was wanted, got {type(operation).__name__}")
    covered = (
        flood(operation, indices, edges)
        if isinstance(operation, Bucket)
        else rasterise(operation, indices.shape)
    )
    if covered is None:
        return None
    box, mask = covered
    return box, np.where(mask, np.uint8(operation.index), indices[box.slices]), None


def _landmark(
    indices: UInt8Array, operation: Landmark
) -> tuple[Box, UInt8Array, Mask | None] | None:
    former = trimmed(Box(0, 0, *indices.shape), indices == operation.index)
    dot = rasterise(operation, indices.shape)
    if dot is None:
        # Dragged off the map: the point stays where it was.
        return None
    box = dot[0].union(None if former is None else former[0])
    pixels = indices.copy()
    if former is not None:
        close(pixels, *former)
    pixels[dot[0].slices][dot[1]] = operation.index
    return box, pixels[box.slices], indices[box.slices] == operation.index


def _allowed(before: UInt8Array, operation: Operation) -> Mask | None:
    if operation.only is None and not operation.protect:
        return None
    table = np.ones(256, dtype=bool)
    if operation.only is not None:
        table[:] = False
        table[list(operation.only)] = True
    table[list(operation.protect)] = False
    allowed: Mask = table[before]
    return allowed
