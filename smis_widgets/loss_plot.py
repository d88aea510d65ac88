"""Curves that grow while the work goes on, drawn by the browser."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import anywidget
import numpy as np
import traitlets

from smis_widgets.recording import Recording
from smis_widgets.scrubber import Seek
from smis_widgets.shell import THEME, joined
from smis_widgets.strings import Strings


class LossPlot(anywidget.AnyWidget):
    """The losses of one run in a colour each, or of several runs over one another.

    Points travel in batches, each once; a page that opens later asks for all of them. Clicking or
    dragging on the plot asks to see a step, and the arrow keys ask for its neighbours.

    Args:
        on_ready: called when a page has to be sent points, on the thread of its message.
        on_seek: called with what the page asks to see.
        on_select: called with the name of a run.
        alt: what the plot is, for those who cannot see it.
        strings: the texts.
    """

    _esm = joined("plot", "series", "ticks", "plot")
    _css = THEME

    runs = traitlets.List(traitlets.Dict()).tag(sync=True)
    """{"name", "total" (steps or None), "state"} of each run, in the order of their colours."""

    selected = traitlets.Unicode().tag(sync=True)
    """The run whose curves lie on top."""

    log = traitlets.Bool(True).tag(sync=True)
    """Whether losses are drawn on a logarithmic scale."""

    axis = traitlets.Enum(("steps", "seconds"), "steps").tag(sync=True)
    """What lies along the curves."""

    marker = traitlets.Int(-1).tag(sync=True)
    """The step that is looked at; -1: none."""

    hint = traitlets.Unicode().tag(sync=True)
    """Shown while there are no points."""

    alt = traitlets.Unicode().tag(sync=True)
    """What the plot is, for those who cannot see it."""

    texts = traitlets.Dict().tag(sync=True)
    """Words that the browser puts together."""

    chosen = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """Losses that are drawn, written by the browser alone; empty: its own choice."""

    def __init__(
        self,
        *,
        on_ready: Callable[[], None],
        on_seek: Callable[[Seek], None],
        on_select: Callable[[str], None],
        alt: str,
        strings: Strings,
    ) -> None:
        self._on_ready = on_ready
        self._on_seek = on_seek
        self._on_select = on_select
        self._sending = threading.Lock()
        self._pages = False
        self._sent: dict[str, tuple[int, int]] = {}
        super().__init__(
            hint=strings("no_points"),
            alt=alt,
            texts={
                "select": strings("select_run", name="{name}"),
                "toggle": strings("toggle_loss", name="{name}"),
            },
        )
        self.on_msg(self._on_message)

    def grow(self, recordings: Mapping[str, Recording]) -> int:
        """Send the points that have come since; safe on any thread.

        Returns:
            How many were sent; 0 while no page shows the plot.
        """
        with self._sending:
            if not self._pages:
                return 0
            batches, buffers, count = [], [], 0
            for name, recording in recordings.items():
                generation, sent = self._sent.get(name, (-1, 0))
                points = recording.points(generation=generation, start=sent)
                if not len(points.steps) and generation in (-1, points.generation):
                    continue
                self._sent[name] = (points.generation, points.start + len(points.steps))
                batches.append(
                    {
                        "run": name,
                        "generation": points.generation,
                        "start": points.start,
                        "count": len(points.steps),
                        "names": list(points.losses),
                    }
                )
                columns = [points.steps, points.seconds, *points.losses.values()]
                buffers.append(np.concatenate(columns).astype("<f4").tobytes())
                count += len(points.steps)
            if batches:
                self.send({"batches": batches}, buffers=buffers)
            return count

    def _on_message(self, _: Any, content: dict[str, Any], __: Any) -> None:
        if "ready" in content:
            with self._sending:
                self._pages = True
                self._sent.clear()
            self._on_ready()
        elif content.get("select") in [run["name"] for run in self.runs]:
            self._on_select(content["select"])
        elif (seek := Seek.read(content)) is not None:
            self._on_seek(seek)
