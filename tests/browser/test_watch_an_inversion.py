"""The second notebook as a class uses it: play, pause, look back, go on, stop, all by clicking."""

from __future__ import annotations

import pytest
from browser.jupyter import THEME, Lab, becomes, keep_screenshot
from playwright.sync_api import Page, expect

NOTEBOOK = "02_watch_an_inversion.ipynb"
PATIENCE = 180_000
OVERLAY = """
from widgets.fake_inversion import fake_inversion, picture
goal = picture(64)
fakes = {name: fake_inversion(goal, steps=200, seconds=0.01, scale=scale)
         for name, scale in (("hybrid", 1.0), ("W", 3.0))}
overlay = InversionProgress(fakes, target=goal)
overlay.start()
display(overlay)
"""

DRAWN = "() => +document.querySelector('.smis-plot').dataset.points >= wanted"


@pytest.fixture(scope="module")
def opened(lab: Lab, page: Page):
    """The notebook, run as far as the cell that shows `progress`, and its kernel."""
    lab.lesson(page, NOTEBOOK, last="progress")
    page.locator(".smis-plot canvas").wait_for(timeout=PATIENCE)
    with lab.kernel() as kernel:
        yield page, kernel


def test_the_points_align_the_face(opened):
    page, kernel = opened
    handle = page.locator(".smis-handle").first
    handle.scroll_into_view_if_needed()
    keep_screenshot(page, "1-target")
    box = handle.bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    before = kernel.value("view.revision")
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] - 12, middle[1] - 18, steps=6)
    page.mouse.up()
    aligned = f"view.points is not None and view.wait() and view.revision > {before}"
    becomes(kernel, aligned, True)
    x, _ = kernel.value("view.align.points[0]")
    moved = handle.bounding_box()
    picture = page.locator(".smis-align").first.bounding_box()
    shown = (moved["x"] + moved["width"] / 2 - picture["x"]) / picture["width"]
    assert shown == pytest.approx(x, abs=0.01)
    keep_screenshot(page, "2-aligned")
    page.get_by_title("Points back").first.click()
    becomes(kernel, "view.points is None and view.wait()", True)
    page.get_by_title("Show or hide").first.click()
    expect(handle).to_be_hidden()
    page.get_by_title("Show or hide").first.click()
    expect(handle).to_be_visible()


def test_play_pause_look_back_go_on_and_stop(opened):
    page, kernel = opened
    plot = page.locator(".smis-plot").first
    plot.scroll_into_view_if_needed()
    keep_screenshot(page, "3-before")
    page.get_by_title("Start", exact=True).click()
    page.wait_for_function(DRAWN.replace("wanted", "8"), timeout=PATIENCE)
    page.get_by_title("Pause", exact=True).click()
    expect(page.locator(".smis-handle").first).to_be_hidden()
    becomes(kernel, "progress.job.state", "paused")
    expect(page.locator(".smis-job-detailed .smis-value")).to_contain_text("paused")
    paused_at = kernel.value("progress.job.steps_done")
    keep_screenshot(page, "4-paused")

    slider = page.locator(".smis-scrubber input").first
    slider.focus()
    page.keyboard.press("Home")
    becomes(kernel, "progress.step == progress.scrubber.marks[0]", True)
    expect(page.locator(".smis-figure-now")).to_contain_text("then · step")
    page.get_by_title("The kept step after").click()
    becomes(kernel, "progress.step == progress.scrubber.marks[1]", True)
    plot.locator("canvas").click(position={"x": 60, "y": 60})
    marked = "progress.step is not None and progress.plot.marker == progress.step"
    becomes(kernel, marked, True)
    keep_screenshot(page, "5-looking-back")
    assert kernel.value("progress.job.steps_done") <= paused_at + 1
    page.get_by_title("Back to the newest").click()
    becomes(kernel, "progress.step", None)

    page.get_by_title("Go on", exact=True).click()
    becomes(kernel, f"progress.job.steps_done > {paused_at} + 1", True)
    page.get_by_title("Stop", exact=True).click()
    becomes(kernel, "progress.job.state", "stopped")
    assert kernel.value("progress.result.losses['total'] > 0")
    expect(page.locator(".smis-figure-now")).to_contain_text("best · step")
    # The plain picture that stays in the saved notebook.
    page.locator(".jp-RenderedImage img[src^='data:image/png']").first.wait_for()
    keep_screenshot(page, "6-stopped")
    assert page.locator(".jp-Dialog").count() == 0


def test_a_reloaded_page_shows_everything_again(opened):
    page, kernel = opened
    total = kernel.value("len(progress.runs.recordings['inversion'].points().steps)")
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_timeout(1500)
    page.reload()
    page.locator(".smis-plot canvas").first.wait_for(timeout=PATIENCE)
    page.wait_for_function(DRAWN.replace("wanted", str(total)), timeout=PATIENCE)
    page.locator(".smis-figure-now [data-painted]").wait_for()
    expect(page.locator(".smis-figure-now")).to_contain_text("best · step")
    assert page.locator(".jp-RenderedImage img[src^='data:image/png']").count() >= 1


def test_runs_are_overlaid_and_chosen_by_their_legend(opened, lab):
    page, _ = opened
    lab.write_notebook("overlay.ipynb", "from smis_widgets import InversionProgress\n" + OVERLAY)
    lab.close_kernels()
    lab.open(page, "overlay.ipynb")
    page.locator(".smis-chip-run").nth(1).wait_for(timeout=PATIENCE)
    with lab.kernel() as kernel:
        page.locator(".smis-chip-run", has_text="W").click()
        becomes(kernel, "overlay.selected", "W")
        expect(page.locator(".smis-chip-run", has_text="W")).to_have_attribute(
            "aria-pressed", "true"
        )
        becomes(kernel, "all(job.finished for job in overlay.runs.jobs.values())", True)
        page.wait_for_function(DRAWN.replace("wanted", "200"), timeout=PATIENCE)
        page.get_by_text("seconds", exact=True).click()
        becomes(kernel, "overlay.plot.axis", "seconds")
        keep_screenshot(page, "7-overlay")
        page.evaluate(THEME, "JupyterLab Dark")
        page.wait_for_timeout(1500)
        keep_screenshot(page, "8-dark")
        page.evaluate(THEME, "JupyterLab Light")
