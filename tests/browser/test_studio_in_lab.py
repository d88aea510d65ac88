"""Pad and studio in a real JupyterLab, with a synthesizer that only colours masks."""

from __future__ import annotations

import base64
import io
import time

import numpy as np
import pytest
from browser.drawing import Hand
from browser.jupyter import Lab
from PIL import Image
from playwright.sync_api import Page, TimeoutError, expect
from scipy import ndimage
from widgets.fake_synthesizer import portrait_mask

from smis_core.labels import PORTRAITS, UNPAINTED, LabelMap

HAIR, MOUTH, SKIN = (PORTRAITS.by_name(name).index for name in ("hair", "mouth", "skin"))
CELL = """
from widgets.fake_synthesizer import FakeSynthesizer
from smis_widgets import SketchStudio
synthesizer = FakeSynthesizer(resolution=128)
studio = SketchStudio(synthesizer, seed=12)
studio
"""
RESET = """
synthesizer.gate.set()
studio.original()
studio.pad.set_trait("tool", "brush")
studio.pad.label, studio.pad.brush_size = 13, 12
synthesizer.failure = None
assert studio.wait()
"""


@pytest.fixture(scope="module")
def opened(lab: Lab, page: Page):
    """A page with a studio, and its kernel."""
    lab.write_notebook("studio.ipynb", CELL)
    lab.open(page, "studio.ipynb")
    page.locator(".smis-studio .smis-surface").wait_for()
    page.locator(".smis-portrait [data-painted]").wait_for()
    with lab.kernel() as kernel:
        yield page, kernel


@pytest.fixture
def studio(opened):
    """The page and the kernel, with the studio as it was opened."""
    _, kernel = opened
    kernel.run(RESET)
    return opened


def drawn(kernel) -> np.ndarray:
    """The drawing once everything that the page has sent so far is in it."""
    time.sleep(0.3)
    assert kernel.becomes("studio.pad.drawing", False)
    assert kernel.value("studio.wait()")
    return np.array(kernel.value("studio.pad.value.indices.tolist()"), np.uint8)


def settle(page: Page, kernel) -> None:
    """Wait until the page shows the kernel's newest picture."""
    assert kernel.value("studio.wait()")
    frame = kernel.value("studio.view.frame")
    page.wait_for_function(
        """frame => {
            const view = document.querySelector('.smis-portrait [data-painted]');
            return +view.dataset.painted >= frame;
        }""",
        arg=frame,
    )


def test_nothing_pops_up_over_the_notebook(opened):
    page, _ = opened
    with pytest.raises(TimeoutError):
        page.locator(".Toastify__toast").wait_for(timeout=8000)


def test_mouse_and_keys_draw_exact_labels(studio):
    page, kernel = studio
    before = drawn(kernel)
    assert np.array_equal(before, portrait_mask(128).resized(256).indices)
    hand = Hand(page)
    hand.press("2")
    mouth = np.isin(before, MOUTH)
    erased = hand.cover(_around(mouth, 8), 12)
    hand.press("8")
    lower = np.roll(mouth, 30, axis=0)
    moved = hand.cover(_around(lower, 4), 12)
    after = drawn(kernel)
    assert (after[moved] == MOUTH).all()
    assert (after[mouth & erased & ~_around(lower, 8)] == SKIN).all()
    assert (after[_around(lower, 5) & ~_around(mouth, 9)] != UNPAINTED).all()
    far = ~(_around(mouth, 10) | _around(lower, 6))
    assert np.array_equal(after[far], before[far])
    settle(page, kernel)
    assert kernel.value("studio.portrait.mask == studio.pad.value")
    assert kernel.value("studio.message.value + studio.pad.message.value") == ""


def test_a_stroke_goes_on_outside_of_the_canvas_and_other_buttons_do_not_draw(studio):
    page, kernel = studio
    before = drawn(kernel)
    hand = Hand(page)
    hand.press("1")
    hand.stroke((0.8, 0.1), (1.3, 0.2), (0.8, 0.3))
    after = drawn(kernel)
    side = before.shape[0]
    assert after[int(0.3 * side), int(0.82 * side)] == HAIR
    page.mouse.move(*hand.at(0.1, 0.1))
    page.mouse.down(button="middle")
    page.mouse.move(*hand.at(0.2, 0.9), steps=4)
    page.mouse.up(button="middle")
    assert np.array_equal(drawn(kernel), after)


def test_keys_choose_classes_and_leave_the_cells_alone(studio):
    page, kernel = studio
    cells = page.locator(".jp-Cell").count()
    hand = Hand(page)
    for label in PORTRAITS.classes:
        hand.press(label.key)
        assert kernel.becomes("studio.pad.label", label.index)
    hand.press("b", "d", "d", "a", "m", "e")
    assert kernel.becomes("studio.pad.tool", "eraser")
    page.get_by_role("radio", name="skin").click()
    page.keyboard.press("h")
    assert kernel.becomes("studio.pad.label", PORTRAITS.by_name("hat").index)
    assert page.locator(".jp-Cell").count() == cells
    assert page.locator(".jp-MarkdownCell").count() == 0


def test_undo_and_redo_by_keys(studio):
    page, kernel = studio
    before = drawn(kernel)
    hand = Hand(page)
    hand.stroke((0.1, 0.1), (0.3, 0.2))
    after = drawn(kernel)
    assert not np.array_equal(before, after)
    hand.press("Control+z")
    assert np.array_equal(drawn(kernel), before)
    hand.press("Control+Shift+z")
    assert np.array_equal(drawn(kernel), after)


def test_a_mask_is_loaded_from_a_file(studio, tmp_path):
    page, kernel = studio
    mask = portrait_mask(96)
    mask.save(tmp_path / "mine.png")
    with page.expect_file_chooser() as chooser:
        page.get_by_title("Load a mask").click()
    chooser.value.set_files(tmp_path / "mine.png")
    page.wait_for_function("() => document.querySelector('.smis-surface').smis.sheet.side === 96")
    settle(page, kernel)
    assert np.array_equal(drawn(kernel), mask.indices)
    (tmp_path / "broken.png").write_bytes(b"nothing")
    with page.expect_file_chooser() as chooser:
        page.get_by_title("Load a mask").click()
    chooser.value.set_files(tmp_path / "broken.png")
    expect(page.locator(".smis-pad .smis-error")).to_contain_text("broken.png")
    assert np.array_equal(drawn(kernel), mask.indices)


def test_errors_are_a_line_and_nothing_modal(studio):
    page, kernel = studio
    kernel.run("synthesizer.failure = RuntimeError('the lamp went out')")
    Hand(page).stroke((0.1, 0.1), (0.3, 0.2))
    expect(page.locator(".smis-studio .smis-error")).to_contain_text("the lamp went out")
    assert page.locator(".jp-Dialog").count() == 0
    kernel.run("synthesizer.failure = None")
    Hand(page).stroke((0.1, 0.2), (0.3, 0.3))
    expect(page.locator(".smis-studio .smis-error")).to_have_count(0)


def test_what_is_kept_is_an_output_of_its_own(studio):
    page, kernel = studio
    page.get_by_title("Keep a copy").click()
    kept = page.locator(".jp-RenderedImage img[src^='data:image/png']")
    kept.wait_for()
    assert kernel.value("studio.message.value.count('smis-error')") == 0


def test_the_kernel_computes_while_portraits_are_slow(studio):
    page, kernel = studio
    kernel.run("synthesizer.gate.clear()")
    hand = Hand(page)
    hand.stroke((0.1, 0.1), (0.4, 0.1), (0.4, 0.4), steps=20)
    assert kernel.becomes("studio.portrait.mask == studio.pad.value", False)
    assert kernel.value("1 + 1", timeout=10) == 2
    kernel.run("synthesizer.gate.set()")
    settle(page, kernel)
    assert kernel.value("studio.portrait.mask == studio.pad.value")


def test_the_canvas_shows_the_masks_colours_also_after_a_reload(studio):
    page, kernel = studio
    expected = LabelMap(drawn(kernel)).colours()

    def shown() -> np.ndarray:
        url = page.evaluate("() => document.querySelector('.smis-ink').toDataURL()")
        data = base64.b64decode(url.partition(",")[2])
        pixels = np.array(Image.open(io.BytesIO(data)).convert("RGB"))
        middles = ((np.arange(len(expected)) + 0.5) * len(pixels) / len(expected)).astype(int)
        return pixels[np.ix_(middles, middles)]

    page.mouse.move(2, 2)  # away from the canvas, which would show the brush
    page.wait_for_timeout(500)
    assert np.array_equal(shown(), expected)
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_timeout(1000)
    page.reload()
    page.locator(".smis-studio .smis-surface").wait_for(timeout=60_000)
    page.locator(".smis-portrait [data-painted]").wait_for()
    page.wait_for_timeout(1500)
    assert np.array_equal(shown(), expected)


def _around(region: np.ndarray, pixels: int) -> np.ndarray:

    return ndimage.distance_transform_edt(~region) <= pixels
