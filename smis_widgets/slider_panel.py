"""The rows of sliders as the browser shows them: one widget for all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anywidget
import traitlets

from smis_core.editing import GROUPS, Directions, EditState, Row, Seeded, Source
from smis_core.networks.generator_base import GeneratorBase
from smis_core.networks.stylegan3 import StyleGAN3Synthesis
from smis_widgets.shell import THEME, joined
from smis_widgets.slider_acts import seed_text
from smis_widgets.strings import Strings

_PARTS = ("../parts", "../files", "slider", "dial", "wire", "rows", "sources", "panel")
_VIEWS = 8
"""Pages whose messages are answered; those of older ones have gone."""


class SliderPanel(anywidget.AnyWidget):
    """Shows a state and the rows that it can be turned by. It changes nothing by itself.

    Every message of a page has a number, and is answered by it in `heard` together with what came
    of it: so a page never has more than two messages on the way, and knows whether what Python
    says is newer than what the hand does.

    Args:
        on_act: called on the message's thread with the act's name, its content and its buffers.
        strings: the texts.
    """

    _esm = joined("sliders", *_PARTS)
    _css = THEME

    layout_of = traitlets.Dict({"epoch": 0, "rows": [], "groups": []}).tag(sync=True)
    """The generator: `epoch` counts the generators, `rows` and `groups` are its layer table."""

    turnable = traitlets.Dict().tag(sync=True)
    """Directions that can be turned, with the rows in which each acts."""

    dials = traitlets.Dict().tag(sync=True)
    """Circles of directions: where the picture is on each, in turns, the two directions that span
    it, and whether it is one of hues."""

    columns = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """What there are sliders for: "strength:NAME", "psi", "blend", "noise"."""

    settings = traitlets.Dict({"edit": [], "locked": []}).tag(sync=True)
    """The state as plain values."""

    heard = traitlets.Dict().tag(sync=True)
    """Number of the last message of each page."""

    texts = traitlets.Dict().tag(sync=True)

    def __init__(
        self, *, on_act: Callable[[str, dict[str, Any], list[Any]], None], strings: Strings
    ) -> None:
        self._on_act, self._strings = on_act, strings
        super().__init__(texts=strings.section("sliders"))
        self.on_msg(self._on_message)

    def show_generator(self, generator: GeneratorBase, rows: tuple[Row, ...]) -> None:
        """Lay out the rows of a generator."""
        groups = []
        for name in GROUPS:
            inside = [row for row in rows if row.group == name]
            if inside:
                sides = sorted({row.resolution for row in inside})
                groups.append({
                    "name": name,
                    "label": self._strings(f"group_{name}"),
                    "range": f"{sides[0]}–{sides[-1]}" if len(sides) > 1 else f"{sides[0]}",
                    "rows": [row.index for row in inside],
                })  # fmt: skip
        self.layout_of = {
            "epoch": self.layout_of["epoch"] + 1,
            "rows": [
                {
                    "index": row.index,
                    "name": row.name,
                    "short": row.name.rpartition(".")[2].split("_")[0],
                    "resolution": row.resolution,
                    "noise": row.noise is not None,
                }
                for row in rows
            ],
            "groups": groups,
            "classes": generator.config.c_dim,
            "places": isinstance(generator.synthesis, StyleGAN3Synthesis),
        }

    def show_directions(self, directions: Directions | None) -> None:
        """Offer directions."""
        names = () if directions is None else directions.names
        places = {name: dial["turns"] for name, dial in self.dials.items()}
        with self.hold_sync():
            self.turnable = {name: list(directions.rows(name)) for name in names}  # type: ignore[union-attr]
            self.show_dials(directions, places)

    def show_dials(self, directions: Directions | None, places: dict[str, float]) -> None:
        """Show where on the circles of the directions the picture is, in turns."""
        circles = {} if directions is None else directions.circles
        self.dials = {
            name: {
                "turns": round(places.get(name, 0.0), 4),
                "axes": list(pair),
                "hue": pair[0].endswith(": red"),
            }
            for name, pair in circles.items()
        }

    def show_state(self, state: EditState, locked: set[int]) -> None:
        """Show a state."""
        self.settings = {
            "edit": state.edit.to_dict()["rows"],
            "a": _plain(state.a),
            "b": _plain(state.b),
            "placement": dict(vars(state.placement)),
            "locked": sorted(locked),
        }

    def _on_message(self, _: Any, content: dict[str, Any], buffers: list[Any]) -> None:
        view, number, act = (content.get(name) for name in ("view", "number", "act"))
        if not (isinstance(view, str) and isinstance(number, int) and isinstance(act, str)):
            return
        with self.hold_sync():
            # What a page said of another generator's rows means nothing any more.
            if content.get("epoch") == self.layout_of["epoch"]:
                self._on_act(act, content, buffers)
            others = [each for each in self.heard.items() if each[0] != view]
            self.heard = dict([*others[1 - _VIEWS :], (view, number)])


def _plain(source: Source | None) -> dict[str, Any] | None:
    if source is None:
        return None
    if not isinstance(source, Seeded):
        return {"name": source.name}
    return {
        "seed": str(source.seed),  # a page's numbers are exact up to 2^53 only
        "text": seed_text(source),
        "fraction": source.fraction,
        "next": str(source.seed + 1),
        "label": source.label,
    }
