"""The pad in a page with nothing but the ipywidgets HTML manager, as VS Code and Colab have it."""

from __future__ import annotations

import numpy as np
import pytest
from browser.chromium import in_ci
from browser.embedded import EmbeddedPad, html_manager
from playwright.sync_api import expect

from smis_core.labels import PORTRAITS
from smis_widgets.mask_pad import MaskPad


@pytest.fixture
def embedded(browser):
    if html_manager() is None and not in_ci():
        pytest.skip("the HTML manager comes with `pip install --no-deps shinywidgets`")
    page = browser.new_page(viewport={"width": 1000, "height": 1000})
    page.set_default_timeout(60_000)
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    pad = MaskPad(resolution=64)
    yield EmbeddedPad(page, pad)
    page.close()
    pad.close()
    assert errors == []


def test_it_draws_and_asks_nobody_but_the_widgets_own_modules(embedded):
    page = embedded.page
    surface = page.locator(".smis-surface").first
    expect(page.get_by_role("radio", name="hair").first).to_be_visible()
    box = surface.bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.5 * box["height"], steps=6)
    page.mouse.up()
    embedded.settle()
    assert (embedded.pad.value.indices[32, 22:42] == embedded.pad.label).all()
    assert np.array_equal(embedded.shown(), embedded.pad.value.indices)
    modules = {"/", "/require.js", "/manager.js", "/anywidget.js", "/ipycanvas.js"}
    assert set(embedded.asked) <= modules


def test_what_is_chosen_in_the_page_reaches_the_pad(embedded):
    embedded.page.get_by_role("radio", name="cloth").first.click()
    embedded.page.wait_for_function("() => window.sent.some((each) => each.traits)")
    embedded.settle()
    assert embedded.pad.label == PORTRAITS.by_name("cloth").index
