"""Where states of the sliders begin, and what becomes of them with another generator."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from smis_core.editing import (
    Edit,
    EditState,
    Found,
    History,
    Identity,
    Resolved,
    Seeded,
    check_state,
    extract,
)
from smis_core.latents import WPlus
from smis_widgets.slider_acts import SECOND_SEED, alike

FIRST_SEED = 7
LINKED_REST_SECONDS = 0.4
"""States that come from other widgets sooner than this after one another are one moment of the
history: somebody turns something there."""

Openable = EditState | WPlus | Resolved | int | str | Path | bytes
"""A state; a latent, or one with its noise; a seed; a PNG that was saved with its latent."""


@dataclass(frozen=True)
class How:
    """How a state came about."""

    label: str
    """what was done, in a few words"""
    moving: bool = False
    """a hand is still at it"""
    kept: bool = True
    """whether it becomes a moment of the history"""


def opened(what: Openable | None, generator: Identity, *, classes: int) -> EditState:
    """The state that is meant; None: two seeds, and nothing turned.

    Args:
        what: see `Openable`.
        generator: that will draw it.
        classes: of the generator; 0 for none.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: what came is damaged, or another generator's.
    """
    if isinstance(what, (str, Path, bytes)):
        return extract(what, generator)
    if isinstance(what, EditState):
        check_state(generator, what)  # type: ignore[arg-type]
        return what
    label = 0 if classes else None
    if isinstance(what, WPlus):
        a: Seeded | Found = Found(what)
    elif isinstance(what, Resolved):
        a = Found(what.wplus, what.noise)
    else:
        a = Seeded(FIRST_SEED if what is None else what, label=label)
    return EditState(
        generator=generator, a=a, b=Seeded(SECOND_SEED, label=label),
        edit=Edit.neutral(generator.num_ws),
    )  # fmt: skip


def carried(state: EditState, generator: Identity, *, classes: int) -> EditState:
    """What of a state still means the same with another generator.

    A copy that was tuned keeps everything, since it has the same W; another generator keeps the
    seeds.

    Args:
        state: of the generator before.
        generator: that draws from now on.
        classes: of it; 0 for none.
    """
    before = state.generator
    if (before.mapping, before.num_ws, before.w_dim) == (
        generator.mapping, generator.num_ws, generator.w_dim,
    ):  # fmt: skip
        return replace(state, generator=generator)

    def seeded(source: Any, seed: int) -> Seeded:
        label = 0 if classes else None
        if not isinstance(source, Seeded):
            return Seeded(seed, label=label)
        known = classes and source.label is not None and source.label < classes
        return replace(source, label=source.label if known else label)

    return EditState(
        generator=generator, a=seeded(state.a, FIRST_SEED), b=seeded(state.b, SECOND_SEED),
        edit=Edit.neutral(generator.num_ws),
    )  # fmt: skip


class Memory:
    """A history that grows by settled states, and what was done for each.

    Args:
        state: the first one.
        label: what it is called.
    """

    def __init__(self, state: EditState, label: str) -> None:
        self.history: History[EditState] = History.start(state)
        self.labels = {0: label}
        self._linked: tuple[float, History[EditState]] | None = None

    def add(self, state: EditState, label: str, *, linked: bool = False) -> bool:
        """Remember a state, unless it draws what the present one does.

        Args:
            state: a settled one.
            label: what was done.
            linked: whether another widget set it; many of these in a row are one moment.

        Returns:
            Whether it is new.
        """
        if alike(self.history.state, state):
            return False
        now, before = time.monotonic(), self.history
        if linked and self._linked and now - self._linked[0] < LINKED_REST_SECONDS:
            before = self._linked[1]
        self._linked = (now, before) if linked else None
        self.history = before.add(state)
        self.labels[self.history.current] = label
        return True
