"""Range sliders over where latents lie along the directions."""

from __future__ import annotations

import math
from typing import Any

import ipywidgets as widgets
import traitlets

from smis_core.editing import Directions, Pool, positions
from smis_widgets.controls import icon_button, mark
from smis_widgets.strings import Strings

_SAMPLES = 400


class Filters(widgets.VBox):
    """One range a direction or circle; a slider's end means no limit.

    Args:
        directions: what to filter by.
        pool: among which; its first latents say how far the sliders reach.
        strings: the texts.
    """

    ranges = traitlets.Dict()
    """Lowest and highest position by name, of the sliders that were moved; of a circle's the lowest
    lies above the highest where the range leads through half a turn."""

    def __init__(self, directions: Directions, pool: Pool, strings: Strings) -> None:
        self._strings = strings
        size = _SAMPLES if pool.size is None else min(pool.size, _SAMPLES)
        read = positions(directions, pool.latents(range(size)))
        self._rows: dict[str, _Row] = {}
        for name, values in read.items():
            circle = name in directions.circles
            low, high = (-0.5, 0.5) if circle else (float(values.min()), float(values.max()))
            self._rows[name] = _Row(name, low, high, circle, strings)
            self._rows[name].slider.observe(lambda change: self._follow(), "value")
            self._rows[name].observe(lambda change: self._follow(), "around")
        super().__init__([*self._rows.values()])
        self.add_class("smis-filters")

    def set(self, name: str, low: float, high: float) -> None:
        """Move a slider; for a circle low may be above high, see `ranges`."""
        row = self._rows[name]
        row.around = row.circle and low > high
        row.slider.value = (min(low, high), max(low, high)) if row.around else (low, high)

    def reset(self) -> None:
        """No limits."""
        for row in self._rows.values():
            row.reset()

    def _follow(self) -> None:
        self.ranges = {name: row.range for name, row in self._rows.items() if row.moved}


class _Row(widgets.HBox):
    """A range slider with its values beside it and a reset."""

    around = traitlets.Bool(False)
    """Whether what lies outside of the handles is meant, which are the hues around half a turn."""

    def __init__(self, name: str, low: float, high: float, circle: bool, strings: Strings) -> None:
        unit = 1 / 72 if circle else 0.1
        low, high = math.floor(low / unit) * unit, math.ceil(high / unit) * unit
        self.circle = circle
        tooltip = strings("hue_tooltip" if circle else "filter_tooltip", name=name)
        self.slider = widgets.FloatRangeSlider(
            value=(low, high), min=low, max=high, step=unit, readout=False,
            continuous_update=False, tooltip=tooltip,
            layout=widgets.Layout(width="auto", flex="1 1 60px", margin="0", min_width="50px"),
        )  # fmt: skip
        self._value = widgets.Label()
        self._value.add_class("smis-value")
        self._reset = icon_button("undo-alt", strings("no_limits", name=name), self.reset)
        self._reset.add_class("smis-reset")
        label = widgets.Label(name, tooltip=tooltip)
        label.add_class("smis-name")
        others = icon_button("adjust", strings("hue_around"), self._turn_round)
        buttons = [others, self._reset] if circle else [self._reset]
        super().__init__([label, self.slider, self._value, *buttons])
        self.add_class("smis-row")
        if circle:
            self.add_class("smis-hue")
        self.slider.observe(self._refresh, "value")
        self.observe(self._refresh, "around")
        self._refresh()

    @property
    def moved(self) -> bool:
        """Whether there is a limit."""
        return self.range != (-math.inf, math.inf)

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest; infinite where the slider is at its end."""
        low, high = self.slider.value
        half = self.slider.step / 2
        low = -math.inf if low <= self.slider.min + half else low
        high = math.inf if high >= self.slider.max - half else high
        # All hues but all of them are no wish.
        around = self.around and (low, high) != (-math.inf, math.inf)
        return (high, low) if around else (low, high)

    def reset(self) -> None:
        """No limits."""
        self.around = False
        self.slider.value = (self.slider.min, self.slider.max)

    def _turn_round(self) -> None:
        self.around = not self.around

    def _refresh(self, _: Any = None) -> None:
        low, high = self.slider.value
        mark(self, "smis-around", self.around)
        if self.around:
            low, high = high, low
        if self.circle:
            self._value.value = f"{360 * low:.0f}° … {360 * high:.0f}°"
        else:
            self._value.value = f"{low:+.1f} … {high:+.1f}"
        self._reset.disabled = not self.moved
