"""How soon the kernel settles what is drawn on a pad, and what memory a session of drawing takes.

Run by `make bench-pad`. A `MaskPad` gets the messages that a page would send, without a page; a
message is settled when its answer, with the pixels that changed, has been handed over for the
display. The sheet is line art of 19 classes over a noisy picture, so that fills run far and around
corners; a large stroke crosses all of it in one message with the widest of brushes. Each size is
measured in a process of its own: first the memory of a session of random operations of every tool,
above that of the pad before it, then the times.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

import numpy as np  # noqa: E402

from smis_core.drawing import UNIT  # noqa: E402
from smis_core.labels import PORTRAITS  # noqa: E402
from smis_widgets.mask_pad import MaskPad  # noqa: E402
from smis_widgets.painter import PAINTER  # noqa: E402

SIDES = (1024, 4096)
TARGET_P95_MS = 100
TARGET_MEMORY = 10
SESSION = 300
HISTORY = 200

TIMED = ("large stroke", "bucket", "bucket, gap 8", "polygon", "smart fill", "undo", "redo")
OTHERS = ("stroke", "rectangle", "ellipse", "landmark", "move", "mirror", "copy", "clear")


class Page:
    """The messages of one page, numbers and all, and how large the answers are.

    Args:
        pad: hears them.
    """

    def __init__(self, pad: MaskPad) -> None:
        self.pad, self.sequence, self.answered = pad, 0, 0
        pad._front.send = self._take
        self._message({"hello": "page"})

    def draw(self, tool: str, **fields: Any) -> float:
        """Draw; returns the milliseconds until it is settled."""
        return self.act("draw", operation={"tool": tool, **fields})

    def act(self, act: str, **content: Any) -> float:
        """Send a command; returns the milliseconds until it is settled."""
        message = {"view": "page", "sequence": self.sequence, "act": act, **content}
        self.sequence += 1
        before = self.answered
        start = time.perf_counter()
        self._message(message)
        spent = 1000 * (time.perf_counter() - start)
        if self.answered == before or self.pad.message.value:
            raise RuntimeError(f"{act} was not settled: {self.pad.message.value}")
        return spent

    def _message(self, content: dict[str, Any]) -> None:
        self.pad._front._handle_custom_msg(content, [])

    def _take(self, content: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        self.answered += "revision" in content


class Hand:
    """Random operations on a pad of 19 classes.

    Args:
        page: of the pad.
        side: of its mask in pixels.
    """

    def __init__(self, page: Page, side: int) -> None:
        self.page, self.side = page, side
        self.rng = np.random.default_rng(0)

    def do(self, tool: str) -> float:
        """One operation; returns the milliseconds until it is settled."""
        if tool in ("undo", "redo"):
            return self.page.act(tool)
        return self.page.draw(*self._named(tool), **self._fields(tool))

    def line_art(self) -> None:
        """Curves of every class, three each, with the thickness of a pencil to that of a brush."""
        for index in PORTRAITS.indices * 3:
            self.page.draw("stroke", index=index, points=self._curve(), sizes=self._size(256, 32))

    def picture(self) -> np.ndarray:
        """The drawing in its colours with the noise of a photograph, uint8 [H, W, 3]."""
        picture = self.page.pad.value.colours()
        for band in np.array_split(picture, 32):
            noise = self.rng.normal(0, 5, band.shape)
            band[:] = (band + noise).clip(0, 255).astype(np.uint8)
        return picture

    def _named(self, tool: str) -> tuple[str]:
        known = {"large stroke": "stroke", "bucket, gap 8": "bucket", "smart fill": "smart_fill"}
        return (known.get(tool, tool),)

    def _fields(self, tool: str) -> dict[str, Any]:
        place = self._places(1)
        fields: dict[str, dict[str, Any]] = {
            "large stroke": {"points": self._curve(), "sizes": 256 * UNIT},
            "stroke": {"points": self._curve(), "sizes": self._size(64, 8)},
            "polygon": {"points": self._places(24)},
            "rectangle": {"points": self._places(2)},
            "ellipse": {"points": self._places(2)},
            "bucket": {"at": place},
            "bucket, gap 8": {"at": place, "gap": 8},
            "smart fill": {"at": place, "tolerance": 40},
            "landmark": {"at": place, "size": 12 * UNIT},
            "move": {"points": place, "target": self._target()},
            "copy": {"source": "previous", "points": self._places(5)},
        }
        indexed = {} if tool in ("move", "mirror", "copy", "clear") else {"index": self._class()}
        return {**indexed, **fields.get(tool, {})}

    def _class(self) -> int:
        return int(self.rng.choice(PORTRAITS.indices))

    def _size(self, thin: int, thick: int) -> int:
        """From one `thin`th of the side to one `thick`th."""
        return int(self.rng.uniform(self.side / thin, self.side / thick) * UNIT)

    def _places(self, count: int) -> list[int]:
        most = self.side * UNIT
        return [int(each) for each in self.rng.integers(0, most, 2 * count)]

    def _target(self) -> list[int]:
        top, left, height, width = (int(each) for each in self.rng.integers(1, self.side, 4))
        return [top - height // 2, left - width // 2, top + height, left + width]

    def _curve(self) -> list[int]:
        """A hand's sweep over the sheet: 120 points between four random places."""
        corners = self.rng.uniform(0, self.side * UNIT, (4, 2))
        along = np.linspace(0, 1, 120)[:, None]
        weights = ((1 - along) ** 3, 3 * along * (1 - along) ** 2, 3 * along**2 * (1 - along))
        points = sum(w * c for w, c in zip((*weights, along**3), corners, strict=True))
        return [int(each) for each in np.asarray(points).ravel()]


def main() -> None:
    """Measure and print a table, or with --json one object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=40, help="operations of each kind")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--side", type=int, help="measure this size here and now")
    options = parser.parse_args()
    if options.repeats < 1:
        parser.error(f"--repeats: at least 1 was wanted, got {options.repeats}")
    if options.side:
        print(json.dumps(measure(options.side, options.repeats)))
        return
    figures = {
        "sizes": [_apart(side, options.repeats) for side in SIDES],
        "target_p95_ms": TARGET_P95_MS,
        "target_memory": TARGET_MEMORY,
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "machine": platform.machine(),
    }
    print(json.dumps(figures) if options.json else table(figures))


def _apart(side: int, repeats: int) -> dict[str, Any]:
    command = [sys.executable, __file__, "--side", str(side), "--repeats", str(repeats)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def measure(side: int, repeats: int) -> dict[str, Any]:
    """Draw on a pad of one size.

    Returns:
        `ms`, p50 and p95 by operation; `memory`, the session's peak above the pad before it, as
        multiples of the mask's bytes; `steps`, how many of it can be undone.
    """
    warm = Hand(Page(MaskPad(resolution=64)), 64)
    warm.page.pad.picture = warm.picture()
    for tool in (*OTHERS[:-3], *TIMED):  # what loads or allocates itself once is not the session's
        warm.do(tool)
    # Every allocation is counted: what the process holds says little, it rarely gives any back.
    tracemalloc.start()
    scrap = Hand(Page(MaskPad(resolution=side)), side)
    scrap.line_art()
    pad = MaskPad(resolution=side)
    pad.picture = scrap.picture()
    del scrap
    hand = Hand(Page(pad), side)
    memory, steps = _session(hand)
    tracemalloc.stop()
    pad.clear()
    hand.line_art()
    return {
        "side": side,
        "ms": {tool: _quantiles(times) for tool, times in _times(hand, repeats)},
        "memory": round(memory / side**2, 1),
        "steps": steps,
    }


def _session(hand: Hand) -> tuple[int, int]:
    tools = [*TIMED, *OTHERS, "bucket", "stroke", "stroke", "stroke"]
    assert PAINTER.wait_idle()
    gc.collect()
    before, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    hand.line_art()
    for _ in range(SESSION):
        tool = str(hand.rng.choice(tools))
        hand.do(tool)
    history = hand.page.pad._sketch._drawing.history
    _, peak = tracemalloc.get_traced_memory()
    return peak - before, len(history.done) + len(history.undone)


def _times(hand: Hand, repeats: int) -> Iterator[tuple[str, list[float]]]:
    drawn = TIMED[:-2]
    times: dict[str, list[float]] = {tool: [] for tool in TIMED}
    for _ in range(repeats):
        for tool in drawn:
            times[tool].append(hand.do(tool))
            times["undo"].append(hand.do("undo"))
            times["redo"].append(hand.do("redo"))
            hand.do("undo")
    yield from times.items()


def _quantiles(values: list[float]) -> dict[str, float]:
    return {f"p{level}": round(float(np.percentile(values, level)), 1) for level in (50, 95)}


def table(figures: dict[str, Any]) -> str:
    """The figures for people."""
    sizes = figures["sizes"]
    heads = "".join(f"{each['side']:>8}² p50    p95" for each in sizes)
    lines = [f"{figures['cores']} cores, load {figures['load']}", "", f"milliseconds  {heads}"]
    for tool in TIMED:
        waits = [each["ms"][tool] for each in sizes]
        row = "".join(f"{each['p50']:14.1f}{each['p95']:7.1f}" for each in waits)
        lines.append(f"{tool:<14}{row}")
    worst = max(each["p95"] for each in sizes[0]["ms"].values())
    met = "met" if worst <= TARGET_P95_MS else "missed"
    lines += ["", f"target at {sizes[0]['side']}²: p95 ≤ {TARGET_P95_MS} ms: {met}"]
    for each in sizes:
        met = "met" if each["memory"] <= TARGET_MEMORY else "missed"
        lines.append(
            f"memory of {SESSION} operations at {each['side']}²: {each['memory']:.1f} times the "
            f"mask, {each['steps']} steps to undo (target ≤ {TARGET_MEMORY}: {met})"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
