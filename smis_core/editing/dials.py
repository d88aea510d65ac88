"""Dials: pairs of directions that span a circle, such as the hue of the hair, turned as one."""

from __future__ import annotations

import math

from ..latents import WPlus
from .directions import Directions
from .state import EditState

RADIUS = 1.5
"""How far from the middle a dial turns, in steps: as colourful as portraits are on average."""


def bare_of(
    wplus: WPlus,  # [1, L, w]
    state: EditState,
    directions: Directions,
) -> WPlus:
    """The latent of a state without what the directions' dials add.

    Args:
        wplus: the latent of the state.
        state: its edits are the sum of steps by strengths, row by row.
        directions: those whose `circles` are dials.

    Returns:
        `[1, L, w]` on the CPU.
    """
    ws = wplus.tensor.cpu().clone()
    turned = {name for pair in directions.circles.values() for name in pair}
    for index, row in enumerate(state.edit.rows):
        for name in turned.intersection(row.strengths):
            ws[:, index] -= row.strengths[name] * directions[name][index]
    return WPlus(ws)


def readings(directions: Directions, wplus: WPlus) -> dict[str, float]:
    """Where on each circle a latent is, in turns from 0 to 1."""
    read, places = directions.read(wplus), {}
    for circle in directions.circles:
        ((x, y),) = directions.around(circle, read).tolist()
        places[circle] = math.atan2(y, x) / (2 * math.pi) % 1
    return places


def rows_of_dial(directions: Directions, circle: str) -> set[int]:
    """The rows in which a dial acts.

    Raises:
        ValueError: no such circle.
    """
    if circle not in directions.circles:
        there = ", ".join(directions.circles) or "none"
        raise ValueError(f"no dial is called {circle!r:.40}; there are: {there}")
    return {row for name in directions.circles[circle] for row in directions.rows(name)}
