"""One annotation, a short training and a sketch, all with the mouse, in a real JupyterLab."""

from __future__ import annotations

import numpy as np
import pytest
from browser.drawing import Hand
from browser.jupyter import Kernel, Lab, becomes, keep_screenshot
from playwright.sync_api import Page, expect

from smis_core.labels import PORTRAITS

PATIENCE = 240_000
CELL = """
from smis_core.fewshot import ProjectSettings
from smis_widgets import FewShotStudio
studio = FewShotStudio(folder="by_hand", settings=ProjectSettings(pictures=48, patience=0))
studio
"""
BACKGROUND, HAIR, SKIN = (PORTRAITS.by_name(name) for name in ("background", "hair", "skin"))
OVERLAID = """() => {
    const tiles = [...document.querySelectorAll('.smis-few-desk .smis-wall-tile')];
    return tiles.filter((tile) => tile.querySelector('.smis-over-picture')).length >= 8;
}"""
READY = """([place, size]) => {
    const { sheet, wire, model } = document.querySelector(`${place} .smis-surface`).smis;
    const settled = wire.kept.size === 0 && sheet.pending.size === 0;
    return settled && !sheet.draft && !sheet.stale && model.get('brush_size') === size;
}"""


class HandAt(Hand):
    """A hand at one of the pads of a page."""

    def __init__(self, page: Page, place: str) -> None:
        self._page = page
        self._canvas = page.locator(f"{place} .smis-surface")
        self._canvas.scroll_into_view_if_needed()


@pytest.fixture(scope="module")
def opened(lab: Lab, page: Page):
    """The studio on screen, and its kernel."""
    lab.write_notebook("few.ipynb", CELL)
    lab.open(page, "few.ipynb")
    page.locator(".smis-few .smis-surface").wait_for(timeout=PATIENCE)
    with lab.kernel() as kernel:
        yield page, kernel


def take_brush(page: Page, kernel: Kernel, pad: str, place: str, size: int) -> HandAt:
    kernel.run(f"{pad}.brush_size = {size}")
    page.wait_for_function(READY, arg=[place, size])
    return HandAt(page, place)


def test_a_picture_is_chosen_annotated_and_the_others_follow(opened):
    page, kernel = opened
    tile = page.locator(".smis-few-desk .smis-wall-tile[data-index='2']").first
    tile.locator("img").wait_for(timeout=PATIENCE)
    tile.click()
    becomes(kernel, "studio.pad.shown", "seed-2")
    surface = "document.querySelector('.smis-few-desk .smis-surface').smis"
    page.wait_for_function(f"() => {surface}.model.get('has_picture')")
    hand = take_brush(page, kernel, "studio.pad", ".smis-few-desk", 14)
    for label, points in (
        (BACKGROUND, [(0.05, 0.9), (0.05, 0.05), (0.95, 0.05), (0.95, 0.9)]),
        (HAIR, [(0.4, 0.2), (0.6, 0.2)]),
        (SKIN, [(0.45, 0.65), (0.55, 0.65)]),
    ):
        hand.press(label.key)
        page.wait_for_function(f"index => {surface}.model.get('label') === index", arg=label.index)
        hand.stroke(*points)
    wanted = sorted(label.index for label in (BACKGROUND, HAIR, SKIN))
    becomes(kernel, "sorted(studio.pad.value.present())", wanted)
    becomes(kernel, "studio.project.pictures['seed-2'].annotation == studio.pad.value", True)
    assert kernel.value("studio.wait(200)", timeout=240)
    page.wait_for_function(OVERLAID, timeout=PATIENCE)
    assert kernel.value("studio.labels.labeller.classes") == wanted
    keep_screenshot(page, "few-1-annotated")


def test_an_encoder_is_trained_in_sight(opened):
    page, kernel = opened
    section = page.locator(".smis-few .smis-training")
    section.locator(".smis-inversion-bar button").first.click()
    becomes(kernel, "studio.training.progress.state", "done")
    plot = section.locator(".smis-plot")
    expect(plot).to_have_attribute("data-points", str(kernel.value(POINTS)), timeout=PATIENCE)
    for figure in ("target", "now"):
        section.locator(f".smis-figure-{figure} [data-painted]").wait_for(timeout=PATIENCE)
    expect(section.locator(".smis-value")).to_contain_text("done in")
    keep_screenshot(page, "few-2-trained")


POINTS = "len(studio.training.progress.runs.recordings['encoder'].points().steps)"


def test_the_generator_follows_a_sketch(opened):
    page, kernel = opened
    place = ".smis-few-sketch"
    page.locator(f"{place} .smis-surface").wait_for(timeout=PATIENCE)
    page.locator(f"{place} .smis-portrait [data-painted]").wait_for(timeout=PATIENCE)
    sketch = "studio.sketch.studio"
    kernel.run(f"before = {sketch}.portrait.image")
    hand = take_brush(page, kernel, f"{sketch}.pad", place, 40)
    hand.press(HAIR.key)
    surface = f"document.querySelector('{place} .smis-surface').smis"
    page.wait_for_function(f"index => {surface}.model.get('label') === index", arg=HAIR.index)
    hand.stroke((0.2, 0.3), (0.15, 0.9))
    finished = f"{sketch}.portrait.final and {sketch}.portrait.mask == {sketch}.pad.value"
    becomes(kernel, f"int({sketch}.pad.value.indices[150, 45])", HAIR.index)
    becomes(kernel, finished, True)
    assert kernel.value(f"float((before - {sketch}.portrait.image).abs().max())") > 0.05
    frame = kernel.value(f"{sketch}.view.frame")
    page.wait_for_function(
        "([place, frame]) => +document.querySelector(`${place} .smis-portrait [data-painted]`)"
        ".dataset.painted >= frame",
        arg=[place, frame],
    )
    expect(page.locator(f"{place} .smis-fidelity")).to_contain_text("hair")
    keep_screenshot(page, "few-3-sketched")


def test_the_project_opens_as_it_was_left(opened):
    _, kernel = opened
    kernel.run("studio.close(); again = FewShotStudio(folder='by_hand')", timeout=PATIENCE / 1000)
    assert kernel.value("again.pad.shown") == "seed-2"
    assert kernel.value("again.project.encoder_state") == "fresh"
    assert kernel.value("again.sketch.studio is not None")
    indices = kernel.value("again.pad.value.indices.tolist()")
    assert set(np.unique(indices).tolist()) == {*(BACKGROUND.index, HAIR.index, SKIN.index), 255}
    kernel.run("again.close()")
