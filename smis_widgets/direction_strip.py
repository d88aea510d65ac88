"""The piles, one sample along their direction, and how the direction is found."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import ipywidgets as widgets
import torch
import traitlets

from smis_core.editing import (
    Directions,
    Edit,
    EditState,
    LayerEdit,
    boundary,
    pair_direction,
    resolve,
)
from smis_core.jobs.turns import turns_of
from smis_core.latents import WPlus
from smis_core.networks.generator_base import GeneratorBase
from smis_widgets.picture_wall import PictureWall
from smis_widgets.slider_acts import alike
from smis_widgets.strings import Strings

STRENGTHS = (-3, -2, -1, 0, 1, 2, 3)


class DirectionStrip(PictureWall):
    """A state moved along the first of some directions, from -3 to +3.

    Args:
        strings: the texts.
        traits: of `PictureWall`.
    """

    moved = traitlets.Tuple()
    """The states that are shown, in their order; none before there is a direction."""

    def __init__(self, strings: Strings, **traits: Any) -> None:
        super().__init__(
            columns=len(STRENGTHS), captioned=True, height=200, tile=140,
            label=strings("strip"), empty=strings("no_direction"), **traits,
        )  # fmt: skip

    def show(self, state: EditState, directions: Directions | None) -> None:
        """Another state, or another direction; None for none yet."""
        self.moved = () if directions is None else tuple(
            self._along(state, directions, strength) for strength in STRENGTHS
        )  # fmt: skip
        if self.count == len(self.moved):
            self.renew()
        else:
            self.clear(len(self.moved))

    def states(self, wanted: list[int]) -> list[tuple[int, EditState, str]]:
        """What `WallFiller` draws here."""
        moved = self.moved
        names = [f"{strength:+d}" if strength else "0" for strength in STRENGTHS]
        return [(place, moved[place], names[place]) for place in wanted if place < len(moved)]

    @staticmethod
    def _along(state: EditState, directions: Directions, strength: int) -> EditState:
        # The sample as it was sorted, psi and all, but along no other direction.
        edit = Edit(tuple(_without_strengths(row) for row in state.edit.rows))
        return EditState(
            generator=state.generator, a=state.a, b=state.b, placement=state.placement,
            edit=edit.changed(strengths={directions.names[0]: float(strength)}),
            directions=directions,
        )  # fmt: skip


@dataclass
class Pile:
    """States, and the wall on which they lie."""

    wall: PictureWall
    title: widgets.Label
    states: list[EditState] = field(default_factory=list)

    def place(self, state: EditState) -> int | None:
        """Where a state lies, or one that draws the same: a seed may hang on the wall again."""
        return next((at for at, each in enumerate(self.states) if alike(each, state)), None)

    def shown(self, wanted: list[int]) -> list[tuple[int, EditState, str]]:
        """What `WallFiller` draws here."""
        here = list(self.states)
        return [(place, here[place], "") for place in wanted if place < len(here)]


@dataclass(frozen=True)
class Sorted:
    """What a direction is found from."""

    less: tuple[EditState, ...]
    more: tuple[EditState, ...]
    name: str
    paired: bool
    rows: tuple[int, ...] | None

    @property
    def enough(self) -> bool:
        """Whether there can be a direction."""
        even = len(self.less) == len(self.more)
        return bool(self.less and self.more) and (even or not self.paired)


def direction_of(generator: GeneratorBase, piles: Sorted, label: int | None) -> Directions | None:
    """What tells two piles apart; None while there is not enough on them.

    Raises:
        ValueError: as `boundary` and `pair_direction`.
    """
    if not piles.enough:
        return None
    with turns_of(generator):
        less, more = (
            WPlus(torch.cat([resolve(generator, state).wplus.tensor for state in pile]))
            for pile in (piles.less, piles.more)
        )
        if piles.paired:
            return pair_direction(
                generator, less, more, name=piles.name, rows=piles.rows, label=label
            )
        return boundary(generator, more, less, name=piles.name, rows=piles.rows, label=label)


def _without_strengths(row: LayerEdit) -> LayerEdit:
    return replace(row, strengths={})
