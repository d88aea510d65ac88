"""How soon the page answers the hand, in a real JupyterLab with Chromium.

Run by `make bench-widgets`. The clock is the page's own. For the portrait it starts when the mouse
button is released over the canvas and stops when the browser has painted the first frame whose
portrait shows the finished drawing. For ink it starts with the time that the browser gives the
pointer event and stops when the first frame with ink at that place is painted: with the kernel at
hand, with 200 ms added to all that the page sends it, and while it trains. Of sliders it is said
in `slider_feel.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[1]
# The browser tests already know how to start JupyterLab and find Chromium.
sys.path.insert(0, str(REPOSITORY / "tests"))

from browser.chromium import ARGUMENTS, find_chromium  # noqa: E402
from browser.drawing import Hand  # noqa: E402
from browser.jupyter import Kernel, Lab  # noqa: E402
from browser.pad import SLOW_WAY, TRAIN  # noqa: E402
from playwright.sync_api import Page, sync_playwright  # noqa: E402
from slider_feel import measure_sliders  # noqa: E402

TARGET_P95_MS = 300
INK_TARGET_P95_MS = 33
INK_STROKES = 40
SLIDER_TARGET_P95_MS = 100
PREVIEW_TARGET_P95_MS = 150
FINAL_TARGET_MS = 300

CELL = """
from smis_widgets import SketchStudio
studio = SketchStudio()
finals = []
studio.observe(lambda change: finals.append(
    (studio.view.frame, change.new.final, change.new.seconds)), "portrait")
studio
"""

WATCH = """() => {
    const canvas = document.querySelector('.smis-surface');
    const view = document.querySelector('.smis-portrait [data-painted]');
    window.smis = { released: 0, painted: {} };
    canvas.addEventListener('pointerup', () => { window.smis.released = performance.now(); }, true);
    new MutationObserver(() => {
        window.smis.painted[view.dataset.painted] = performance.now();
    }).observe(view, { attributes: true, attributeFilter: ['data-painted'] });
}"""

WATCH_INK = """() => {
    const surface = document.querySelector('.smis-surface');
    const { sheet, tools, model } = surface.smis;
    window.smisInk = [];
    surface.addEventListener('pointerdown', (event) => {
        // A message posted while a frame is prepared arrives once that frame is painted.
        requestAnimationFrame(() => {
            const { port1, port2 } = new MessageChannel();
            port1.onmessage = () => {
                const inked = sheet.at([tools.pen.x, tools.pen.y]) === model.get('label');
                window.smisInk.push(inked ? performance.now() - event.timeStamp : null);
            };
            port2.postMessage(null);
        });
    }, true);
}"""


def main() -> None:
    """Measure and print a table, or with --json one object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--strokes", type=int, default=40, help="how many strokes to time")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if options.strokes < 1:
        parser.error(f"--strokes: at least 1 was wanted, got {options.strokes}")
    figures = measure(options.strokes)
    print(json.dumps(figures) if options.json else table(figures))


def measure(strokes: int) -> dict[str, object]:
    """Time strokes in a fresh JupyterLab.

    Returns:
        p50 and p95 in milliseconds from the end of a stroke to the new portrait on screen, the
        same for the rendering alone, frames a stroke, the same from a pointer event to its ink
        (`ink_ms`: `delay_0`, `delay_200`, `busy`), what `measure_sliders` gives, and the
        circumstances.
    """
    chromium = find_chromium()
    if chromium is None:
        raise SystemExit("no Chromium: install it from your distribution's packages")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        lab = Lab(Path(folder))
        try:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.add_init_script(f"({SLOW_WAY})()")
            lab.write_notebook("bench.ipynb", CELL)
            lab.open(page, "bench.ipynb")
            page.locator(".smis-studio .smis-surface").wait_for(timeout=180_000)
            page.locator(".smis-portrait [data-painted]").wait_for(timeout=60_000)
            with lab.kernel() as kernel:
                figures = {"ink_ms": _time_ink(page, kernel), **_time(page, kernel, strokes)}
            return {**figures, **measure_sliders(page, lab)}
        finally:
            lab.stop()
            browser.close()


def _time(page: Page, kernel: Kernel, strokes: int) -> dict[str, object]:
    kernel.run("studio.original()")  # a stroke where all is hair already would change nothing
    page.evaluate(WATCH)
    hand = Hand(page)
    hand.press("1")
    waits, renders, frames = [], [], []
    for number in range(strokes + 3):
        assert kernel.value("studio.wait(60)")
        kernel.run("finals.clear()")
        x = 0.1 + 0.8 * (number * 0.37 % 1)
        hand.stroke((x, 0.15), (x + 0.05, 0.4), (x - 0.03, 0.75), steps=12)
        page.wait_for_timeout(100)
        assert kernel.becomes("any(final for _, final, _ in finals)", True)
        frame, seconds = kernel.value(
            "next((frame, seconds) for frame, final, seconds in finals if final)"
        )
        page.wait_for_function(
            "frame => Object.keys(window.smis.painted).some(seen => +seen >= frame)", arg=frame
        )
        times = page.evaluate("() => window.smis")
        shown = min(at for seen, at in times["painted"].items() if int(seen) >= frame)
        # The first strokes warm caches up, as a person's first strokes do.
        if number >= 3:
            waits.append(shown - times["released"])
            renders.append(1000 * seconds)
            frames.append(kernel.value("len(finals)"))
    return {
        "stroke_to_screen_ms": _quantiles(waits),
        "render_ms": _quantiles(renders),
        "frames_per_stroke": float(np.mean(frames)),
        "strokes": strokes,
        "target_p95_ms": TARGET_P95_MS,
        "picture": kernel.value("studio.synthesizer.resolution"),
        "mask": kernel.value("studio.pad.value.height"),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "machine": platform.machine(),
    }


def _time_ink(page: Page, kernel: Kernel) -> dict[str, dict[str, float]]:
    page.evaluate(WATCH_INK)
    hand = Hand(page)
    figures = {}
    for name, delay in (("delay_0", 0), ("delay_200", 200), ("busy", 0)):
        page.evaluate("delay => { window.smisDelay = delay; window.smisInk = []; }", delay)
        if name == "busy":
            kernel.run(TRAIN)
        for number in range(INK_STROKES + 3):
            hand.press("12"[number % 2])
            x = 0.1 + 0.8 * (number * 0.37 % 1)
            hand.stroke((x, 0.15), (x + 0.05, 0.4), steps=4)
        times = page.evaluate("() => window.smisInk")
        if None in times:
            raise RuntimeError(f"{name}: {times.count(None)} of {len(times)} strokes had no ink")
        # The first strokes warm caches up, as a person's first strokes do.
        figures[name] = _quantiles(times[3:])
        page.wait_for_function(
            "() => document.querySelector('.smis-surface').smis.wire.kept.size === 0",
            timeout=120_000,
        )
    page.evaluate("() => { window.smisDelay = 0; }")
    kernel.run("job.stop(); assert job.wait(30); assert job.error is None")
    return figures


def _quantiles(values: list[float]) -> dict[str, float]:
    return {f"p{level}": round(float(np.percentile(values, level)), 1) for level in (50, 95)}


def table(figures: dict[str, object]) -> str:
    """The figures for people."""
    wait, render = figures["stroke_to_screen_ms"], figures["render_ms"]
    assert isinstance(wait, dict)
    assert isinstance(render, dict)
    ink = figures["ink_ms"]
    assert isinstance(ink, dict)
    names = {"delay_0": "at hand", "delay_200": "200 ms away", "busy": "training"}
    worst = max(each["p95"] for each in ink.values())
    inked = "met" if worst <= INK_TARGET_P95_MS else "missed"
    verdict = "met" if wait["p95"] <= TARGET_P95_MS else "missed"
    return "\n".join(
        [
            f"{figures['strokes']} strokes, mask {figures['mask']}², "
            f"picture {figures['picture']}², {figures['cores']} cores, load {figures['load']}",
            "",
            "                              p50 ms   p95 ms",
            f"end of stroke → on screen   {wait['p50']:8.1f} {wait['p95']:8.1f}",
            f"  of which rendering        {render['p50']:8.1f} {render['p95']:8.1f}",
            "",
            f"portraits a stroke: {figures['frames_per_stroke']:.1f}",
            f"target p95 ≤ {TARGET_P95_MS} ms: {verdict}",
            "",
            "pointer event → ink, kernel    p50 ms   p95 ms",
            *(
                f"  {names[name]:<25} {each['p50']:8.1f} {each['p95']:8.1f}"
                for name, each in ink.items()
            ),
            f"target p95 ≤ {INK_TARGET_P95_MS} ms: {inked}",
            "",
            *_slider_table(figures),
        ]
    )


def _slider_table(figures: dict[str, Any]) -> list[str]:
    rows = (
        ("bundled, 128²", figures, SLIDER_TARGET_P95_MS),
        ("256² by its preview", figures["preview_256"], PREVIEW_TARGET_P95_MS),
    )
    lines = ["mouse on a slider → pixels      p50 ms   p95 ms   side   at rest: whole    exact"]
    for name, row, target in rows:
        wait, final = row["slider_to_pixel_ms"], row["final_after_fast_moves_ms"]
        whole = row["whole_after_fast_moves_ms"]
        met = "met" if wait["p95"] <= target and final <= FINAL_TARGET_MS else "missed"
        lines.append(
            f"  {name:<25} {wait['p50']:10.1f} {wait['p95']:8.1f} {row['drawn_side']:6.0f} "
            f"{whole:16.1f} {final:8.1f}   targets {target} and {FINAL_TARGET_MS} ms: {met}"
        )
    return lines


if __name__ == "__main__":
    main()
