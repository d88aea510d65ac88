"""How soon the picture follows a slider, in a real JupyterLab with Chromium.

Part of `make bench-widgets`. The clock is the page's own: it starts with the time that the browser
gives the mouse event, and stops when the first frame is painted whose picture was drawn from that
value of the slider or from a later one.
"""

from __future__ import annotations

import bisect
from typing import Any

import numpy as np
from browser.jupyter import Kernel, Lab
from playwright.sync_api import Page

SWEEPS = 6
FAST_MOVES = 200
FRAME_MS = 1000 / 60

LOG = """
log, deliver = [], sliders._painter._deliver
def logged(painted):
    row = painted.wish.state.edit.rows[0]
    value = row.strengths.get("turn", 0.0) if COLUMN.startswith("strength") else row.psi
    log.append((sliders.view._made + 1, value, painted.wish.moving, painted.final,
                painted.image.shape[-1], painted.seconds))
    deliver(painted)
sliders._painter._deliver = logged
"""
BUNDLED = """
from smis_widgets import LatentSliders
sliders = LatentSliders()
COLUMN = "strength:turn"
sliders
"""
RANDOM_256 = """
import torch
from smis_core.networks import Generator, GeneratorConfig
from smis_widgets import LatentSliders
torch.manual_seed(0)
config = GeneratorConfig(resolution=256, channel_base=16384, channel_max=512)
generator = Generator(config).eval().requires_grad_(False)
sliders = LatentSliders(generator)
COLUMN = "psi"
sliders
"""
WATCH = """column => {
    const picture = document.querySelector('.smis-turn-main .smis-picture');
    const track = document.querySelector(`.smis-turn-all [data-column="${column}"]`);
    const { rows } = document.querySelector('.smis-turn-panel').smis;
    const sliders = rows.lines.flatMap((line) => line.cells.map((cell) => cell.slider));
    const slider = sliders.find((each) => each.track === track);
    window.smisTurn = { events: [], painted: [] };
    // What the slider itself listens to. Its value is the event's own, its attributes follow with
    // the frame.
    const moved = 'onpointerrawupdate' in track ? 'pointerrawupdate' : 'pointermove';
    track.addEventListener(moved, (event) => {
        window.smisTurn.events.push([event.timeStamp, slider.value]);
    });
    new MutationObserver(() => {
        window.smisTurn.painted.push([+picture.dataset.painted, performance.now()]);
    }).observe(picture, { attributes: true, attributeFilter: ['data-painted'] });
}"""


def measure_sliders(page: Page, lab: Lab) -> dict[str, Any]:
    """Drag sliders in two notebooks of their own.

    Returns:
        For the bundled generator p50 and p95 in milliseconds from the mouse event to the changed
        pixels (`slider_to_pixel_ms`), and how long after the last of 200 fast moves the picture
        stands in its whole size (`whole_after_fast_moves_ms`) and in all its bits
        (`final_after_fast_moves_ms`: the same picture where whole ones are drawn fast); the same
        for a 256² generator of channel base 16384, which is followed through its preview
        (`preview_256`).
    """
    bundled = _measured(page, lab, "sliders.ipynb", BUNDLED)
    return {**bundled, "preview_256": _measured(page, lab, "sliders_256.ipynb", RANDOM_256)}


def _measured(page: Page, lab: Lab, name: str, cell: str) -> dict[str, Any]:
    lab.close_kernels()
    lab.write_notebook(name, cell)
    lab.open(page, name)
    page.locator(".smis-turn [data-painted]").wait_for(timeout=180_000)
    with lab.kernel() as kernel:
        kernel.run(LOG)
        column = kernel.value("COLUMN")
        page.evaluate(WATCH, column)
        waits, sides, seconds = [], [], []
        for sweep in range(SWEEPS + 1):
            events, painted, log = _sweep(page, kernel, column, forth=sweep % 2 == 0)
            # The first sweep warms up, as a person's first movement does.
            if sweep:
                waits += _waits(events, painted, log)
                sides += [side for _, _, moving, _, side, _ in log if moving]
                seconds += [took for _, _, moving, _, _, took in log if moving]
        return {
            "slider_to_pixel_ms": _quantiles(waits),
            **_after_fast_moves(page, kernel, column),
            "drawn_side": float(np.median(sides)),
            "drawing_ms": round(1000 * float(np.median(seconds)), 1),
            "pictures": len(seconds),
            "moves": len(waits),
        }


def _sweep(page: Page, kernel: Kernel, column: str, *, forth: bool) -> tuple[Any, Any, Any]:
    """One drag over most of the slider at the pace of a screen."""
    box = _grab(page, kernel, column)
    span = int(box["width"] * 0.8)
    start = box["x"] + box["width"] * 0.1
    y = box["y"] + box["height"] / 2
    for step in range(span + 1):
        page.mouse.move(start + (step if forth else span - step), y)
        page.wait_for_timeout(FRAME_MS)
    page.mouse.up()
    return _told(page, kernel)


def _after_fast_moves(page: Page, kernel: Kernel, column: str) -> dict[str, float]:
    """Milliseconds from the last of many fast moves until the picture at rest stands."""
    box = _grab(page, kernel, column)
    y = box["y"] + box["height"] / 2
    for step in range(FAST_MOVES):
        page.mouse.move(box["x"] + box["width"] * (0.5 + 0.4 * np.sin(step / 7)), y)
    page.mouse.up()
    events, painted, log = _told(page, kernel)
    # Both pictures at rest are of the generator's size, and the exact one is the last.
    resting = [frame for frame, _, moving, *_ in log if not moving]
    shown = {frame: min(at for seen, at in painted if seen >= frame) for frame in resting}
    return {
        "whole_after_fast_moves_ms": round(shown[resting[0]] - events[-1][0], 1),
        "final_after_fast_moves_ms": round(shown[resting[-1]] - events[-1][0], 1),
    }


def _grab(page: Page, kernel: Kernel, column: str) -> dict[str, float]:
    slider = page.locator(f".smis-turn-all [data-column='{column}']")
    slider.scroll_into_view_if_needed()
    assert kernel.value("sliders.wait(60)")
    kernel.run("log.clear()")
    page.evaluate("() => { window.smisTurn.events = []; window.smisTurn.painted = []; }")
    thumb = slider.locator(".smis-thumb").bounding_box()
    box = slider.bounding_box()
    assert thumb is not None
    assert box is not None
    page.mouse.move(thumb["x"] + thumb["width"] / 2, thumb["y"] + thumb["height"] / 2)
    page.mouse.down()
    return box  # type: ignore[return-value]


def _told(page: Page, kernel: Kernel) -> tuple[Any, Any, Any]:
    """What page and kernel saw, once the picture rests."""
    assert kernel.becomes("any(final for _, _, _, final, _, _ in log)", True)
    assert kernel.value("sliders.wait(60)")
    page.wait_for_function(
        "frame => window.smisTurn.painted.some(([seen]) => seen >= frame)",
        arg=kernel.value("sliders.view._made"),
    )
    seen = page.evaluate("() => window.smisTurn")
    return seen["events"], seen["painted"], kernel.value("log")


def _waits(
    events: list[tuple[float, float]],
    painted: list[tuple[int, float]],
    log: list[tuple[int, float, bool, bool, int, float]],
) -> list[float]:
    """For each event the milliseconds to the first painted frame of its value or a later one."""
    last = {value: index for index, (_, value) in enumerate(events)}
    drawn = [(last[value], frame) for frame, value, *_ in log if value in last]
    waits, before = [], None
    for index, (at, value) in enumerate(events):
        if value == before:
            continue
        before = value
        frames = [frame for of, frame in drawn if of >= index]
        if not frames:
            continue
        place = bisect.bisect_left([seen for seen, _ in painted], frames[0])
        waits.append(painted[place][1] - at)
    return waits


def _quantiles(values: list[float]) -> dict[str, float]:
    return {f"p{level}": round(float(np.percentile(values, level)), 1) for level in (50, 95)}
