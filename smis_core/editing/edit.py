"""What is done to a latent, row by row, and doing it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from ..latents import Noise, WPlus
from ..networks.generator_base import GeneratorBase
from .directions import Directions
from .rows import chosen_rows

STRONGEST = 100.0
"""Largest strength and psi that are taken, either way."""
LOUDEST = 10.0
"""Largest factor of a layer's noise."""


@dataclass(frozen=True, kw_only=True)
class LayerEdit:
    """What is done to one row of W+. Raises ValueError for numbers that are not finite or too
    large."""

    strengths: Mapping[str, float] = field(default_factory=dict)
    """by direction, in its steps; what is 0 is left out"""
    psi: float = 1.0
    """truncation towards the average: 1 keeps the row, 0 gives the average"""
    blend: float = 0.0
    """0 keeps the row, 1 takes the second source's"""
    noise: float = 1.0
    """factor of the layer's noise"""

    def __post_init__(self) -> None:
        strengths = {str(name): value for name, value in sorted(self.strengths.items())}
        for name, value in strengths.items():
            _check_number(f"the strength of {name!r}", value, -STRONGEST, STRONGEST)
        _check_number("psi", self.psi, -STRONGEST, STRONGEST)
        _check_number("blend", self.blend, 0, 1)
        _check_number("noise", self.noise, 0, LOUDEST)
        kept = {name: float(value) for name, value in strengths.items() if value != 0}
        object.__setattr__(self, "strengths", kept)
        for name in ("psi", "blend", "noise"):
            object.__setattr__(self, name, float(getattr(self, name)))

    @property
    def neutral(self) -> bool:
        """Whether it leaves the row and its noise as they are."""
        return self == LayerEdit()


@dataclass(frozen=True)
class Edit:
    """What is done to a latent: the state of the sliders, of a place in the history, of a saved
    picture. Each change gives a new edit."""

    rows: tuple[LayerEdit, ...]
    """one a row of W+, coarsest first"""

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", tuple(self.rows))
        if not self.rows or not all(isinstance(row, LayerEdit) for row in self.rows):
            raise ValueError("rows: wanted a LayerEdit for each row of W+, at least one")

    @classmethod
    def neutral(cls, num_ws: int) -> Edit:
        """The edit that changes nothing."""
        return cls((LayerEdit(),) * num_ws)

    @property
    def is_neutral(self) -> bool:
        """Whether it changes nothing."""
        return all(row.neutral for row in self.rows)

    @property
    def names(self) -> tuple[str, ...]:
        """The directions that are used, in alphabetical order."""
        return tuple(sorted({name for row in self.rows for name in row.strengths}))

    def changed(
        self,
        rows: Iterable[int] | None = None,
        *,
        strengths: Mapping[str, float] | None = None,
        psi: float | None = None,
        blend: float | None = None,
        noise: float | None = None,
    ) -> Edit:
        """Another setting in some rows; what is None stays as it is.

        Args:
            rows: which; None is all. A group's are `group_rows(generator, "coarse")`, a
                direction's own `directions.rows(name)`.
            strengths: by direction; others stay as they are, 0 takes one away.
            psi, blend, noise: see `LayerEdit`.

        Raises:
            ValueError: rows that there are not, or numbers that are refused.
        """
        chosen = chosen_rows(rows, len(self.rows))
        given = {"psi": psi, "blend": blend, "noise": noise}
        values = {name: value for name, value in given.items() if value is not None}

        def anew(row: LayerEdit) -> LayerEdit:
            return replace(row, strengths={**row.strengths, **(strengths or {})}, **values)

        return Edit(tuple(
            anew(row) if index in chosen else row for index, row in enumerate(self.rows)
        ))  # fmt: skip

    def reset(self, rows: Iterable[int] | None = None) -> Edit:
        """Some rows as they were before any edit; None is all.

        Raises:
            ValueError: rows that there are not.
        """
        chosen = chosen_rows(rows, len(self.rows))
        return Edit(tuple(
            LayerEdit() if index in chosen else row for index, row in enumerate(self.rows)
        ))  # fmt: skip

    def only(self, rows: Iterable[int]) -> Edit:
        """What is done in some rows, and nothing elsewhere.

        Raises:
            ValueError: rows that there are not.
        """
        chosen = chosen_rows(rows, len(self.rows))
        return Edit(tuple(
            row if index in chosen else LayerEdit() for index, row in enumerate(self.rows)
        ))  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """What differs from the neutral edit, ready for JSON."""
        plain = LayerEdit()
        rows = [
            {
                name: dict(value) if isinstance(value, Mapping) else value
                for name, value in vars(row).items()
                if value != getattr(plain, name)
            }
            for row in self.rows
        ]
        return {"rows": rows}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Edit:
        """The inverse of `to_dict`.

        Raises:
            ValueError: something is missing, unknown or refused.
        """
        try:
            return cls(tuple(LayerEdit(**row) for row in values["rows"]))
        except (AttributeError, KeyError, TypeError) as problem:
            raise ValueError(f"wanted an edit as `Edit.to_dict` gives it ({problem})") from problem


def apply(
    wplus: WPlus,  # [N, L, w]
    edit: Edit,
    directions: Directions | None = None,
    *,
    second: WPlus | None = None,  # [N or 1, L, w]
    w_avg: Tensor | None = None,  # [w]
) -> tuple[WPlus, tuple[float, ...]]:
    """Edit latents: blend towards the second source, truncate, move along the directions.

    Rows that the edit leaves alone come out bit by bit as they went in.

    Args:
        wplus: the first source.
        edit: what to do.
        directions: those that the edit names, and perhaps others.
        second: the second source, where a row blends.
        w_avg: the average latent `generator.mapping.w_avg`, where a row's psi is not 1.

    Returns:
        The latents, and the factor of the noise for each row, for `scaled_noise`.

    Raises:
        ValueError: an edit of another number of rows, latents that do not fit each other or the
            directions, or something that the edit needs and that did not come.
    """
    _check(wplus, edit, directions, second, w_avg)
    before = wplus.tensor
    rows = []
    for index, row in enumerate(edit.rows):
        w = before[:, index]
        if row.blend:
            assert second is not None
            w = torch.lerp(w, second.tensor[:, index].to(w), row.blend)
        if row.psi != 1:
            assert w_avg is not None
            w = w_avg.to(w).lerp(w, row.psi)
        for name, strength in row.strengths.items():
            assert directions is not None
            w = w + strength * directions[name][index].to(w)
        rows.append(w)
    return WPlus(torch.stack(rows, dim=1)), tuple(row.noise for row in edit.rows)


def scaled_noise(
    generator: GeneratorBase,
    factors: Sequence[float],  # one a row of W+
    *,
    noise: Noise | None = None,
) -> Noise | None:
    """The noise that the rows' factors leave.

    Args:
        generator: of any family.
        factors: as `apply` gives them.
        noise: maps that an inversion found; None takes those stored with the weights.

    Returns:
        Maps for `synthesis(ws, noise=….maps)`; None for a generator without noise, which wants
        no `noise` argument then.

    Raises:
        ValueError: as many factors or maps as the generator does not have.
    """
    synthesis = generator.synthesis
    if len(factors) != generator.num_ws:
        raise ValueError(
            f"factors: wanted one for each of {generator.num_ws} rows, got {len(factors)}"
        )
    if not synthesis.takes_noise:
        return None
    maps = (
        tuple(synthesis.get_buffer(f"{layer.name}.noise_const") for layer in synthesis.layers)
        if noise is None
        else noise.maps
    )
    if len(maps) != len(synthesis.layers):
        raise ValueError(
            f"noise: wanted a map for each of {len(synthesis.layers)} layers, got {len(maps)}"
        )
    device = generator.mapping.w_avg.device
    return Noise(tuple(
        each.to(device) * factors[layer.w_row]
        for each, layer in zip(maps, synthesis.layers, strict=True)
    ))  # fmt: skip


def _check(
    wplus: WPlus,
    edit: Edit,
    directions: Directions | None,
    second: WPlus | None,
    w_avg: Tensor | None,
) -> None:
    rows, width = wplus.tensor.shape[1:]
    if len(edit.rows) != rows:
        raise ValueError(
            f"edit: wanted one of {rows} rows, as the latents have, got {len(edit.rows)}"
        )
    if second is None and any(row.blend for row in edit.rows):
        raise ValueError("second: the edit blends towards a second source, but none came")
    if second is not None and (
        tuple(second.tensor.shape[1:]) != (rows, width) or len(second) not in (1, len(wplus))
    ):
        raise ValueError(
            f"second: wanted [{len(wplus)} or 1, {rows}, {width}], got {[*second.tensor.shape]}"
        )
    if any(row.psi != 1 for row in edit.rows) and (w_avg is None or w_avg.shape != (width,)):
        came = "nothing" if w_avg is None else f"{[*w_avg.shape]}"
        raise ValueError(
            f"w_avg: the edit truncates, so the average latent [{width}] was wanted, got {came}; "
            "pass generator.mapping.w_avg"
        )
    if not edit.names:
        return
    if directions is None:
        raise ValueError(f"directions: the edit moves along {', '.join(edit.names)}, but none came")
    for name in edit.names:
        directions.index(name)
    if tuple(directions.steps.shape[1:]) != (rows, width):
        raise ValueError(
            f"directions: wanted some of {rows} rows of {width}, as the latents have, got "
            f"{[*directions.steps.shape[1:]]}: they belong to another generator"
        )


def _check_number(what: str, value: object, low: float, high: float) -> None:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not math.isfinite(value)
        or not low <= value <= high
    ):
        raise ValueError(f"{what}: wanted a number from {low:g} to {high:g}, got {value!r:.40}")
