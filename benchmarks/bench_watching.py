"""What watching an inversion costs it, and whether the notebook stays usable meanwhile.

In a real JupyterLab with Chromium, a projection into W+ runs alternately as a bare `Job` and shown
by an `InversionProgress` on screen. While it is shown, the page counts the batches of points that
it draws, and a switch is clicked: the clock, the page's own, runs from the click to the kernel's
answer on screen.
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
from browser.jupyter import Kernel, Lab  # noqa: E402
from playwright.sync_api import Page, sync_playwright  # noqa: E402

MAX_COST = 0.05
MIN_UPDATES = 4.0
MAX_ANSWER_MS = 200.0

CELL = """
from smis_core.checkpoints import load_generator
from smis_core.inversion import ProjectionOptions, companions_of, project
from smis_core.jobs import Job
from smis_core.portraits import render
from smis_widgets import InversionProgress
generator = load_generator(device="cpu")
critic = companions_of(generator).discriminator
goal = render([30_001], size=generator.config.resolution).images.clone()
def search(steps={steps}):
    return project(generator, goal, perceptual=critic,
                   options=ProjectionOptions(steps=steps, space="wplus", unit="spread"))
progress = InversionProgress(search, target=goal, shares=generator)
for step in search(4):
    pass
progress
"""

BARE = "bare = Job(search(), shares=generator); bare.start(); bare.wait()"
WATCHED = "progress.bar.toggle(); progress.job.wait()"

CLICK = """() => new Promise((answer, fail) => {
    const button = [...document.querySelectorAll('.smis-inversion .smis-text')]
        .find(each => each.textContent.trim() === 'seconds');
    const started = performance.now();
    new MutationObserver((_, watcher) => {
        watcher.disconnect();
        requestAnimationFrame(() => answer(performance.now() - started));
    }).observe(button, { attributes: true, attributeFilter: ['class'] });
    setTimeout(() => fail(new Error('the kernel did not answer')), 20000);
    button.click();
})"""


def main() -> None:
    """Measure and print a table, or with --json one object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=150, help="steps of each run")
    parser.add_argument("--pairs", type=int, default=7, help="runs with and without the widget")
    parser.add_argument("--clicks", type=int, default=20, help="how many clicks to time")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    for name in ("steps", "pairs", "clicks"):
        if getattr(options, name) < 1:
            parser.error(f"--{name}: at least 1 was wanted, got {getattr(options, name)}")
    figures = measure(options.steps, options.pairs, options.clicks)
    print(json.dumps(figures) if options.json else table(figures))


def measure(steps: int, pairs: int, clicks: int) -> dict[str, object]:
    """Time runs in a fresh JupyterLab.

    Returns:
        The share of a step's time that watching adds (median over the pairs), batches of points
        drawn a second, milliseconds from a click to its answer (p50 and p95), and the
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
            lab.write_notebook("bench.ipynb", CELL.replace("{steps}", str(steps)))
            lab.open(page, "bench.ipynb")
            page.locator(".smis-plot canvas").wait_for(timeout=180_000)
            with lab.kernel() as kernel:
                return _time(page, kernel, pairs, clicks)
        finally:
            lab.stop()
            browser.close()


def _time(page: Page, kernel: Kernel, pairs: int, clicks: int) -> dict[str, object]:
    costs, updates, paces = [], [], []
    for _ in range(pairs):
        kernel.run(BARE, timeout=600)
        bare = kernel.value("bare.elapsed / bare.steps_done")
        before = _batches(page)
        kernel.run(WATCHED, timeout=600)
        seconds, watched = kernel.value(
            "(progress.job.elapsed, progress.job.elapsed / progress.job.steps_done)"
        )
        updates.append((_batches(page) - before) / seconds)
        costs.append(watched / bare - 1)
        paces.append(bare)
    answers: list[float] = []
    kernel.run("progress.bar.toggle()")
    while len(answers) < clicks:
        if kernel.value("progress.job.finished"):
            kernel.run("progress.bar.toggle()")
        answers.append(page.evaluate(CLICK))
        page.wait_for_timeout(100)
    kernel.run("progress.stop()")
    return {
        "cost": round(float(np.median(costs)), 4),
        "costs": [round(each, 4) for each in costs],
        "updates_a_second": round(float(np.median(updates)), 2),
        "click_ms": {f"p{at}": round(float(np.percentile(answers, at)), 1) for at in (50, 95)},
        "step_ms": round(1000 * float(np.median(paces)), 2),
        "targets": {
            "cost": MAX_COST,
            "updates_a_second": MIN_UPDATES,
            "click_p95_ms": MAX_ANSWER_MS,
        },
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "machine": platform.machine(),
    }


def _batches(page: Page) -> int:
    page.wait_for_timeout(500)
    return int(page.locator(".smis-plot").get_attribute("data-batches") or 0)


def table(figures: dict[str, object]) -> str:
    """The figures for people."""
    cost, updates, click = (figures[name] for name in ("cost", "updates_a_second", "click_ms"))
    assert isinstance(cost, float)
    assert isinstance(updates, float)
    assert isinstance(click, dict)
    rows = [
        ("cost of watching", f"{100 * cost:.1f}%", f"≤ {100 * MAX_COST:.0f}%", cost <= MAX_COST),
        ("updates a second", f"{updates:.1f}", f"≥ {MIN_UPDATES:.0f}", updates >= MIN_UPDATES),
        ("click → answer, p95", f"{click['p95']:.0f} ms", f"≤ {MAX_ANSWER_MS:.0f} ms",
         click["p95"] <= MAX_ANSWER_MS),
    ]  # fmt: skip
    lines = [
        f"a step of {figures['step_ms']} ms, {figures['cores']} cores, load {figures['load']}",
        "",
        *(
            f"{name:22} {value:>8}   {wanted:>8}  {'met' if met else 'missed'}"
            for name, value, wanted, met in rows
        ),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
