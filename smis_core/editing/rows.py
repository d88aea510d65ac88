"""The rows of W+ as a person meets them: one a layer, coarse to fine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..networks.generator_base import GeneratorBase, SynthesisBase
from ..networks.layers import FullyConnectedLayer
from ..networks.stylegan2 import Group

GROUPS: tuple[Group, ...] = ("coarse", "middle", "fine")
"""Of rows, by the resolution of the features that they modulate."""


@dataclass(frozen=True)
class Row:
    """One row of W+."""

    index: int
    name: str
    """path of the layer that it modulates in the synthesis network"""
    resolution: int
    group: Group
    noise: int | None
    """index of the layer's noise map; None where the layer adds none"""


def rows_of(generator: GeneratorBase) -> tuple[Row, ...]:
    """All rows in order, the picture's own (ToRGB's) last where the family has one."""
    synthesis = generator.synthesis
    rows = [
        Row(layer.w_row, layer.name, layer.resolution, layer.group,
            index if synthesis.takes_noise else None)
        for index, layer in enumerate(synthesis.layers)
    ]  # fmt: skip
    for row in range(len(rows), generator.num_ws):
        path = next(path for path, at, _ in style_affines(synthesis) if at == row)
        rows.append(Row(row, path, generator.config.resolution, rows[-1].group, None))
    return tuple(rows)


def group_rows(generator: GeneratorBase, group: Group) -> tuple[int, ...]:
    """Indices of a group's rows.

    Raises:
        ValueError: no such group.
    """
    if group not in GROUPS:
        raise ValueError(f"group: wanted one of {', '.join(GROUPS)}, got {group!r}")
    return tuple(row.index for row in rows_of(generator) if row.group == group)


def chosen_rows(rows: Iterable[int] | None, num_ws: int) -> tuple[int, ...]:
    """The rows that are meant, in order; None is all.

    Raises:
        ValueError: none, or one that does not exist.
    """
    chosen = tuple(range(num_ws)) if rows is None else tuple(sorted(set(rows)))
    if not chosen or not all(isinstance(row, int) and 0 <= row < num_ws for row in chosen):
        raise ValueError(
            f"rows: wanted at least one of 0 to {num_ws - 1}, the rows of W+, got {[*chosen]}"
        )
    return chosen


def style_affines(synthesis: SynthesisBase) -> list[tuple[str, int, FullyConnectedLayer]]:
    """(layer's path, row of W+, affine) of everything that a row modulates, ToRGB included."""
    by_name = {layer.name: layer.w_row for layer in synthesis.layers}
    found = []
    for path, module in synthesis.named_modules():
        if path.endswith(".affine") and isinstance(module, FullyConnectedLayer):
            layer = path.removesuffix(".affine")
            block = layer.removesuffix(".torgb")
            # A block's ToRGB reads the row after its last convolution, StyleGAN3's the last row.
            row = by_name.get(layer)
            if row is None:
                after = by_name.get(f"{block}.conv1", synthesis.num_ws - 2)
                row = after + 1
            found.append((layer, row, module))
    return found
