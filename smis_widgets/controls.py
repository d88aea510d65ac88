"""Small parts that pad and studio share: icon buttons, rows with a reset, the message line."""

from __future__ import annotations

import functools
import html
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import ipywidgets as widgets
import traitlets

from smis_widgets.strings import Strings


def icon_button(icon: str, tooltip: str, on_click: Callable[[], None]) -> widgets.Button:
    """A square button with a Font Awesome icon; `on_click` takes no argument."""
    button = widgets.Button(icon=icon, tooltip=tooltip)
    button.add_class("smis-icon")
    button.on_click(lambda _: on_click())
    return button


def text_button(text: str, tooltip: str, on_click: Callable[[], None]) -> widgets.Button:
    """A button with a word on it; `on_click` takes no argument."""
    button = widgets.Button(description=text, tooltip=tooltip)
    button.add_class("smis-icon")
    button.add_class("smis-text")
    button.on_click(lambda _: on_click())
    return button


def styled(
    name: str, *children: widgets.Widget, kind: type[widgets.Box] = widgets.HBox
) -> widgets.Box:
    """A box with a style class."""
    box = kind(children)
    box.add_class(name)
    return box


def caption(text: str = "") -> widgets.Label:
    """The line under a picture."""
    label = widgets.Label(text)
    label.add_class("smis-caption")
    return label


def mark(widget: widgets.DOMWidget, name: str, on: bool) -> None:
    """Set or remove a style class."""
    (widget.add_class if on else widget.remove_class)(name)


def toggle(owner: traitlets.HasTraits, name: str, icon: str, tooltip: str) -> widgets.Button:
    """A button that turns a trait of its owner on and off, and shows which of both it is."""
    button = icon_button(icon, tooltip, lambda: setattr(owner, name, not getattr(owner, name)))
    owner.observe(lambda change: mark(button, "smis-on", change.new), name)
    return button


class SliderRow(widgets.HBox):
    """A named slider with its value beside it and a button that resets it.

    Args:
        slider: any ipywidgets slider; its readout and description are taken over by the row.
        label: its name.
        tooltip: shown over name and slider.
        strings: the texts.
        default: the value to reset to; the slider's value now if not given.
        show: how the value reads, such as "{:.2f}".
    """

    def __init__(
        self,
        slider: widgets.IntSlider | widgets.FloatSlider,
        *,
        label: str,
        tooltip: str,
        strings: Strings,
        show: str = "{}",
    ) -> None:
        self.slider = slider
        self._default = slider.value
        self._show = show
        self._strings = strings
        self._label = label
        slider.readout = False
        slider.tooltip = tooltip
        slider.layout = widgets.Layout(width="auto", flex="1 1 60px", margin="0", min_width="50px")
        name = widgets.Label(label, tooltip=tooltip)
        name.add_class("smis-name")
        self._value = widgets.Label()
        self._value.add_class("smis-value")
        self._reset = icon_button("undo-alt", "", self.reset)
        self._reset.add_class("smis-reset")
        super().__init__([name, slider, self._value, self._reset])
        self.add_class("smis-row")
        slider.observe(lambda _: self._refresh(), "value")
        self._refresh()

    @property
    def default(self) -> float:
        return self._default

    @default.setter
    def default(self, value: float) -> None:
        self._default = value
        self._refresh()

    def reset(self) -> None:
        """Give the slider its default again."""
        self.slider.value = self._default

    def _refresh(self) -> None:
        self._value.value = self._show.format(self.slider.value)
        self._reset.disabled = self.slider.value == self._default
        self._reset.tooltip = self._strings(
            "reset", name=self._label, value=self._show.format(self._default)
        )


class MessageLine(widgets.HTML):
    """One line under the thing that failed; empty, it takes no room."""

    def __init__(self) -> None:
        super().__init__()
        self.add_class("smis-message")

    def error(self, what: str, error: BaseException, strings: Strings) -> None:
        cause = f"{error}" or type(error).__name__
        text = strings("failed", what=what, cause=cause)
        self.value = f'<span class="smis-error" title="{_safe(text)}">{_safe(text)}</span>'

    def guarding(
        self, act: Callable[..., None], what: str, strings: Strings
    ) -> Callable[..., None]:
        """`act`, whose exceptions are shown here: nobody reads the kernel's log."""

        @functools.wraps(act)
        def call(*args: Any, **kwargs: Any) -> None:
            try:
                act(*args, **kwargs)
            except Exception as error:
                self.error(strings(what), error, strings)

        return call

    @contextmanager
    def refusing(self, what: str, strings: Strings) -> Iterator[None]:
        """For a trait's validation: a ValueError inside is shown here and becomes a TraitError."""
        try:
            yield
        except ValueError as problem:
            self.error(strings(what), problem, strings)
            raise traitlets.TraitError(str(problem)) from None

    def note(self, text: str) -> None:
        self.value = f'<span class="smis-note" title="{_safe(text)}">{_safe(text)}</span>'

    def clear(self) -> None:
        if self.value:
            self.value = ""


def _safe(text: str) -> str:
    return html.escape(text, quote=True)
