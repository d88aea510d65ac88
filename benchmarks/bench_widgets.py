"""How long after a stroke the new portrait is on screen, in a real JupyterLab with Chromium.

Run by `make bench-widgets`. The clock is the page's own: it starts when the mouse button is
released over the canvas and stops when the browser has painted the first frame whose portrait
shows the finished drawing.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[1]
# The browser tests already know how to start JupyterLab and find Chromium.
sys.path.insert(0, str(REPOSITORY / "tests"))

from browser.chromium import ARGUMENTS, find_chromium  # noqa: E402
from browser.drawing import Hand  # noqa: E402
from browser.jupyter import Kernel, Lab  # noqa: E402
from playwright.sync_api import Page, sync_playwright  # noqa: E402

TARGET_P95_MS = 300

CELL = """
from smis_widgets import SketchStudio
studio = SketchStudio()
finals = []
studio.observe(lambda change: finals.append(
    (studio.view.frame, change.new.final, change.new.seconds)), "portrait")
studio
"""

WATCH = """() => {
    const canvas = document.querySelector('.smis-pad canvas');
    const view = document.querySelector('.smis-portrait [data-painted]');
    window.smis = { released: 0, painted: {} };
    canvas.addEventListener('mouseup', () => { window.smis.released = performance.now(); }, true);
    new MutationObserver(() => {
        window.smis.painted[view.dataset.painted] = performance.now();
    }).observe(view, { attributes: true, attributeFilter: ['data-painted'] });
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
        same for the rendering alone, frames a stroke, and the circumstances.
    """
    chromium = find_chromium()
    if chromium is None:
        raise SystemExit("no Chromium: install it from your distribution's packages")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        lab = Lab(Path(folder))
        try:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            lab.write_notebook("bench.ipynb", CELL)
            lab.open(page, "bench.ipynb")
            page.locator(".smis-studio .smis-surface").wait_for(timeout=180_000)
            page.locator(".smis-portrait [data-painted]").wait_for(timeout=60_000)
            with lab.kernel() as kernel:
                return _time(page, kernel, strokes)
        finally:
            lab.stop()
            browser.close()


def _time(page: Page, kernel: Kernel, strokes: int) -> dict[str, object]:
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


def _quantiles(values: list[float]) -> dict[str, float]:
    return {f"p{level}": round(float(np.percentile(values, level)), 1) for level in (50, 95)}


def table(figures: dict[str, object]) -> str:
    """The figures for people."""
    wait, render = figures["stroke_to_screen_ms"], figures["render_ms"]
    assert isinstance(wait, dict)
    assert isinstance(render, dict)
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
        ]
    )


if __name__ == "__main__":
    main()
