"""What a person does on the panel of sliders, as changes of an `EditState`."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from smis_core.editing import (
    LARGEST_SEED,
    Directions,
    EditState,
    Found,
    Row,
    Seeded,
    Source,
    split_seed,
)
from smis_core.editing.dials import RADIUS, rows_of_dial
from smis_core.latents import WPlus
from smis_widgets.strings import Strings

LARGEST_ROLL = 999_999
"""The dice throws seeds that a person can remember."""
SECOND_SEED = 5
"""Of source B where none was named."""


@dataclass(frozen=True)
class Panel:
    """What an act is read with."""

    rows: tuple[Row, ...]
    """of the generator"""
    directions: Directions | None
    """that can be turned"""
    locked: Collection[int]
    """rows that stay as they are"""
    classes: int
    """of the generator; 0 for none"""
    strings: Strings
    bare: WPlus | None = None
    """latent of the picture without what dials add; None takes the average"""

    def where(self, rows: Sequence[int]) -> str:
        """What some rows are called."""
        if len(rows) == len(self.rows):
            return self.strings("all_layers")
        if len(rows) == 1:
            return self.rows[rows[0]].name
        groups = {self.rows[row].group for row in rows}
        return self.strings(f"group_{groups.pop()}") if len(groups) == 1 else f"{len(rows)}"


Change = tuple[EditState, str]
"""A state, and what was done to it in a few words."""


def act_on(state: EditState, name: str, content: Mapping[str, Any], panel: Panel) -> Change:
    """The state after an act.

    Args:
        state: before.
        name: of the act.
        content: what the page said with it.
        panel: what it is read with.

    Raises:
        ValueError: an act that there is not, or a value that is refused; the message says why.
    """
    if name not in _ACTS:
        raise ValueError(f"act: wanted one of {', '.join(_ACTS)}, got {name!r:.40}")
    return _ACTS[name](state, content, panel)


def with_directions(own: Directions | None, used: Directions | None) -> Directions | None:
    """The directions of the panel with those that a state brings; of one name the state's."""
    if own is None or used is None:
        return own or used
    alike = [
        name for name in used.names if name in own.names and torch.equal(used[name], own[name])
    ]
    if len(alike) == len(used.names):
        return own
    kept = [name for name in own.names if name not in used.names]
    return own.select(kept).joined(used) if kept else used


def alike(first: EditState, second: EditState) -> bool:
    """Whether two states of one generator draw the same."""
    if (first.a, first.b, first.edit, first.placement) != (
        second.a, second.b, second.edit, second.placement,
    ):  # fmt: skip
        return False
    if first.directions is None or second.directions is None:
        return first.directions is second.directions
    return torch.equal(first.directions.steps, second.directions.steps)


def _set(state: EditState, content: Mapping[str, Any], panel: Panel) -> Change:
    asked = _rows(content, panel)
    rows = [row for row in asked if row not in panel.locked]
    kind, _, name = str(content.get("column", "")).partition(":")
    value = _number(content.get("value"))
    if kind == "strength":
        if panel.directions is None:
            raise ValueError(f"no direction is called {name!r:.40}; there are none yet")
        acting = panel.directions.rows(name)
        rows = [row for row in rows if row in acting]
        change: dict[str, Any] = {"strengths": {name: value}}
    elif kind in ("psi", "blend", "noise"):
        change, name = {kind: value}, panel.strings(f"column_{kind}")
    else:
        raise ValueError(f"column: wanted a direction, psi, blend or noise, got {kind!r:.40}")
    label = f"{name} · {panel.where(asked)}"
    if not rows:
        return state, label
    b = state.b
    if kind == "blend" and b is None:
        b = _seeded(SECOND_SEED, 0.0, panel)
    return _edited(state, panel, edit=state.edit.changed(rows, **change), b=b), label


def _dial(state: EditState, content: Mapping[str, Any], panel: Panel) -> Change:
    circle = str(content.get("circle"))
    if panel.directions is None:
        raise ValueError(f"no dial is called {circle!r:.40}; there are none yet")
    rows = rows_of_dial(panel.directions, circle).difference(panel.locked)
    if content.get("value") is None:
        strengths = dict.fromkeys(panel.directions.circles[circle], 0.0)
        label = panel.strings("film_reset", where=circle)
    else:
        turns = _number(content.get("value"))
        strengths = panel.directions.towards(circle, turns, wplus=panel.bare, radius=RADIUS)
        label = f"{circle} {round(360 * turns) % 360}°"
    if not rows:
        return state, label
    return _edited(state, panel, edit=state.edit.changed(rows, strengths=strengths)), label


def _reset(state: EditState, content: Mapping[str, Any], panel: Panel) -> Change:
    asked = _rows(content, panel)
    label = panel.strings("film_reset", where=panel.where(asked))
    rows = [row for row in asked if row not in panel.locked]
    return _edited(state, panel, edit=state.edit.reset(rows)) if rows else state, label


def _only(state: EditState, content: Mapping[str, Any], panel: Panel) -> Change:
    asked = _rows(content, panel)
    label = panel.strings("film_only", where=panel.where(asked))
    return _edited(state, panel, edit=state.edit.only({*asked, *panel.locked})), label


def _seed(state: EditState, content: Mapping[str, Any], panel: Panel) -> Change:
    return _sourced(state, content, panel, *split_seed(str(content.get("text"))))


def _dice(state: EditState, content: Mapping[str, Any], panel: Panel) -> Change:
    return _sourced(state, content, panel, random.SystemRandom().randint(0, LARGEST_ROLL), 0.0)


def _step(state: EditState, content: Mapping[str, Any], panel: Panel) -> Change:
    source = _source(state, content)
    by = int(_number(content.get("by")))
    if not isinstance(source, Seeded):
        return _sourced(state, content, panel, SECOND_SEED, 0.0)
    seed = min(max(source.seed + by, 0), LARGEST_SEED)
    return _sourced(state, content, panel, seed, 0.0 if seed == LARGEST_SEED else source.fraction)


def _walk(state: EditState, content: Mapping[str, Any], panel: Panel) -> Change:
    source, value = _source(state, content), _number(content.get("value"))
    if not isinstance(source, Seeded) or not 0 <= value <= 1:
        raise ValueError(f"walk: wanted a number from 0 to 1 and a seed, got {value:g}")
    seed, fraction = (source.seed + 1, 0.0) if value == 1 else (source.seed, value)
    if content.get("more") and value == 1:
        # The slider is still held: the end of the way is the next seed's beginning.
        seed, fraction = source.seed, 1 - 2**-20
    return _sourced(state, content, panel, seed, fraction)


def _class(state: EditState, content: Mapping[str, Any], panel: Panel) -> Change:
    source, label = _source(state, content), int(_number(content.get("value")))
    if not isinstance(source, Seeded) or not 0 <= label < panel.classes:
        raise ValueError(f"class: wanted one from 0 to {panel.classes - 1}, got {label}")
    changed = _edited(state, panel, **{_place(content): replace(source, label=label)})
    return changed, panel.strings("film_class", index=label)


def _swap(state: EditState, content: Mapping[str, Any], panel: Panel) -> Change:
    b = state.b or _seeded(SECOND_SEED, 0.0, panel)
    return _edited(state, panel, a=b, b=state.a), panel.strings("film_swap")


def _placed(state: EditState, content: Mapping[str, Any], panel: Panel) -> Change:
    name = str(content.get("name"))
    if name not in ("x", "y", "turn"):
        raise ValueError(f"place: wanted x, y or turn, got {name!r:.40}")
    placement = replace(state.placement, **{name: _number(content.get("value"))})
    return _edited(state, panel, placement=placement), panel.strings(f"film_{name}")


_ACTS: dict[str, Callable[[EditState, Mapping[str, Any], Panel], Change]] = {
    "set": _set, "dial": _dial, "reset": _reset, "only": _only, "seed": _seed, "dice": _dice,
    "step": _step, "walk": _walk, "class": _class, "swap": _swap, "place": _placed,
}  # fmt: skip


def _edited(state: EditState, panel: Panel, **changes: Any) -> EditState:
    # Of the panel's directions, and of its own where the panel has been given others, the state
    # keeps those that its edit names.
    known = with_directions(state.directions, panel.directions)
    return replace(state, directions=known, **changes)


def _place(content: Mapping[str, Any]) -> str:
    place = content.get("place")
    if place not in ("a", "b"):
        raise ValueError(f"place: wanted a or b, got {place!r:.40}")
    return str(place)


def _source(state: EditState, content: Mapping[str, Any]) -> Source | None:
    return state.a if _place(content) == "a" else state.b


def _seeded(seed: int, fraction: float, panel: Panel, before: Source | None = None) -> Seeded:
    label = before.label if isinstance(before, Seeded) else None
    return Seeded(seed, fraction, (label or 0) if panel.classes else None)


def _sourced(
    state: EditState, content: Mapping[str, Any], panel: Panel, seed: int, fraction: float
) -> Change:
    source = _seeded(seed, fraction, panel, _source(state, content))
    place = _place(content)
    label = panel.strings("film_seed", place=place.upper(), seed=seed_text(source))
    return _edited(state, panel, **{place: source}), label


def seed_text(source: Seeded) -> str:
    """A seed as a person types it: 42, 42.25."""
    return f"{source.seed}{f'{source.fraction:.4f}'.rstrip('0').rstrip('.')[1:]}"


def name_of(source: Source, strings: Strings) -> str:
    """A source in a few words."""
    if isinstance(source, Found):
        return source.name
    return strings("film_seed", place="A", seed=seed_text(source))


def _rows(content: Mapping[str, Any], panel: Panel) -> list[int]:
    rows = content.get("rows")
    known = range(len(panel.rows))
    if not isinstance(rows, Iterable) or not (found := [row for row in rows if row in known]):
        raise ValueError(f"rows: wanted some of 0 to {len(panel.rows) - 1}, got {rows!r:.40}")
    return found


def _number(value: Any) -> float:
    try:
        return float(value.replace("−", "-").replace(",", ".") if isinstance(value, str) else value)
    except (TypeError, ValueError):
        raise ValueError(f"wanted a number, got {value!r:.40}") from None
