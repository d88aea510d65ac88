"""A page without a page: what the front end of the sliders sends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from editing.conftest import stylegan2
from widgets.upload import pieces

from smis_core.editing import draw, sefa
from smis_widgets import LatentSliders


def tiny(folder: Path) -> tuple[LatentSliders, SliderPage]:
    """Sliders of a tiny generator with three directions, and their page."""
    generator = stylegan2()
    sliders = LatentSliders(generator, directions=sefa(generator, count=3), folder=folder)
    assert sliders.wait()
    return sliders, SliderPage(sliders)


def shows(sliders: LatentSliders) -> bool:
    """Whether the picture is that of the state."""
    assert sliders.wait()
    return torch.equal(sliders.picture, draw(sliders.generator, sliders.state).clamp(-1, 1))


class SliderPage:
    """One view of sliders.

    Args:
        sliders: that it shows.
        name: of the view.
    """

    def __init__(self, sliders: LatentSliders, name: str = "page") -> None:
        self.sliders, self.name, self.number = sliders, name, 0
        self.epoch = sliders.panel.layout_of["epoch"]

    def ask(self, act: str, *buffers: bytes, more: bool = False, **content: Any) -> None:
        """A message of the panel."""
        self.number += 1
        head = {"view": self.name, "number": self.number, "epoch": self.epoch, "act": act}
        self.sliders.panel._handle_custom_msg(head | {"more": more} | content, list(buffers))

    def turn(self, column: str, value: Any, *rows: int, more: bool = False) -> None:
        """A slider is moved."""
        self.ask("set", rows=list(rows), column=column, value=value, more=more)

    def drop(self, name: str, data: bytes) -> None:
        """A file is dropped."""
        for about, piece in pieces(name, data):
            self.ask("open", piece, **about)

    def film(self, act: str, **content: Any) -> None:
        """A message of the filmstrip."""
        self.sliders.films._handle_custom_msg({"act": act, **content}, [])

    @property
    def told(self) -> str:
        """What the line below says."""
        return self.sliders.message.value
