"""The fifth notebook as a class uses it: sliders are dragged, keys pressed, pixels looked at."""

from __future__ import annotations

import base64
import io
import struct
import zlib

import numpy as np
import pytest
from browser.jupyter import THEME, Kernel, Lab, becomes, keep_screenshot
from PIL import Image
from playwright.sync_api import Locator, Page, expect

NOTEBOOK = "05_turn_the_layers.ipynb"
PATIENCE = 180_000
RESTART = "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"

PIXELS = """async () => {
    const image = document.querySelector('.smis-turn-main .smis-picture img');
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    canvas.getContext('2d').drawImage(image, 0, 0);
    return canvas.toDataURL('image/png').split(',')[1];
}"""
AT_REST = """frame => {
    const picture = document.querySelector('.smis-turn-main .smis-picture');
    return +picture.dataset.painted >= frame;
}"""
HAIR = "sliders.panel.dials['hair colour']['turns']"
DROP = """data => {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], 'kept.png', { type: 'image/png' }));
    const root = document.querySelector('.smis-turn');
    for (const name of ['dragover', 'drop'])
        root.dispatchEvent(
            new DragEvent(name, { dataTransfer: transfer, bubbles: true, cancelable: true }));
}"""


@pytest.fixture(scope="module")
def opened(lab: Lab, page: Page):
    """The notebook, run as far as the cell that shows the sliders, and its kernel."""
    lab.lesson(page, NOTEBOOK, last="sliders")
    page.locator(".smis-turn [data-painted]").wait_for(timeout=PATIENCE)
    with lab.kernel() as kernel:
        yield page, kernel


def slider(page: Page, column: str, rows: str) -> Locator:
    """The slider of a column for some rows."""
    return page.locator(f"[data-column='{column}'][data-rows='{rows}']")


def drag(page: Page, handle: Locator, to: float, *, drop: bool = True) -> None:
    """Take a slider by its thumb and drag it to a share of its length."""
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    thumb = handle.locator(".smis-thumb").bounding_box()
    middle = thumb["y"] + thumb["height"] / 2
    page.mouse.move(thumb["x"] + thumb["width"] / 2, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * to, middle, steps=12)
    if drop:
        page.mouse.up()


def enlarged(png: bytes, by: int = 11 * 2**20) -> bytes:
    """The same picture in a file that is larger by a chunk which nobody reads."""
    chunk = b"juNk" + bytes(by)
    return (
        png[:-12] + struct.pack(">I", by) + chunk + struct.pack(">I", zlib.crc32(chunk)) + png[-12:]
    )


def picture(page: Page, kernel: Kernel) -> np.ndarray:
    """The pixels on the page, once it shows what the kernel shows."""
    assert kernel.value("sliders.wait(120)")
    becomes(kernel, "sliders.view._waiting is None and sliders.view.kind", "image/png")
    page.wait_for_function(AT_REST, arg=kernel.value("sliders.view.frame"), timeout=PATIENCE)
    data = base64.b64decode(page.evaluate(PIXELS))
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def drawn(kernel: Kernel) -> np.ndarray:
    """What the state is to look like: drawn anew, in the kernel."""
    kernel.run(
        "from smis_core.editing import draw; from smis_core.images import to_uint8; "
        "import base64; wanted = to_uint8(draw(generator, sliders.state).clamp(-1, 1))[0]"
    )
    data = base64.b64decode(kernel.value("base64.b64encode(wanted.tobytes()).decode()"))
    side = kernel.value("generator.config.resolution")
    return np.frombuffer(data, np.uint8).reshape(side, side, 3).astype(int)


def test_the_picture_follows_a_drag_and_is_exact_at_rest(opened):
    page, kernel = opened
    before = picture(page, kernel)
    handle = slider(page, "blend", "0 1 2")
    drag(page, handle, 1.0, drop=False)
    # The page has frames of the way before the hand lets go.
    becomes(kernel, "sliders.state.edit.rows[2].blend", 1.0)
    becomes(kernel, "sliders.view.painted > 1", True)
    assert kernel.value("len(sliders.history)") == 1
    keep_screenshot(page, "1-dragging")
    page.mouse.up()
    becomes(kernel, "len(sliders.history)", 2)
    after = picture(page, kernel)
    assert np.abs(after - before).mean() > 5
    assert np.array_equal(after, drawn(kernel))
    expect(handle).to_have_attribute("aria-valuenow", "1")
    expect(slider(page, "blend", "1")).to_have_attribute("aria-valuenow", "1")
    expect(slider(page, "blend", "0 1 2 3 4 5 6 7 8 9 10 11")).to_have_attribute(
        "aria-valuetext", "…"
    )
    keep_screenshot(page, "2-coarse-of-b")


def test_keys_move_a_slider_and_numbers_are_typed(opened):
    page, kernel = opened
    handle = slider(page, "strength:turn", "0")
    handle.focus()
    before = picture(page, kernel)
    for key, wanted in (
        ("ArrowRight", 0.05), ("PageUp", 0.55), ("ArrowLeft", 0.5), ("End", 4), ("Home", -4),
    ):  # fmt: skip
        page.keyboard.press(key)
        becomes(kernel, "sliders.state.edit.rows[0].strengths.get('turn')", wanted)
        expect(handle).to_have_attribute("aria-valuenow", f"{wanted:g}")
    assert np.abs(picture(page, kernel) - before).mean() > 1
    page.keyboard.press("Enter")
    page.keyboard.type("nan")
    page.keyboard.press("Enter")
    expect(page.locator(".smis-turn .smis-error:visible")).to_contain_text("got nan")
    assert kernel.value("sliders.state.edit.rows[0].strengths") == {"turn": -4}
    page.keyboard.press("Enter")
    page.keyboard.type("1.5")
    page.keyboard.press("Enter")
    becomes(kernel, "sliders.state.edit.rows[0].strengths", {"turn": 1.5})
    page.keyboard.press("Delete")
    becomes(kernel, "sliders.state.edit.rows[0].strengths", {})
    assert np.array_equal(picture(page, kernel), before)


def test_a_dial_is_turned_to_a_hue(opened):
    page, kernel = opened
    before = picture(page, kernel)
    dial = page.locator("[data-circle='hair colour']")
    dial.scroll_into_view_if_needed()
    expect(dial).to_have_attribute(
        "aria-valuenow", f"{round(360 * kernel.value(HAIR)) % 360}", timeout=PATIENCE
    )
    box = dial.bounding_box()
    x, y, reach = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, box["width"] / 3
    page.mouse.move(x, y - reach)
    page.mouse.down()
    page.mouse.move(x - reach, y, steps=8)
    page.mouse.up()
    becomes(kernel, "sliders.films.films[-1]['label']", "hair colour 270°")
    assert np.abs(picture(page, kernel) - before).mean() > 1
    becomes(kernel, f"abs({HAIR} - 0.75) < 0.02", True)
    keep_screenshot(page, "6-a-dial")
    dial.focus()
    page.keyboard.press("Delete")
    becomes(kernel, "sliders.state.edit.names", [])
    assert np.array_equal(picture(page, kernel), before)


def test_undo_branches_compare_and_code(opened):
    page, kernel = opened
    page.locator(".smis-film-pick").first.click()
    becomes(kernel, "sliders.history.current", 0)
    first = picture(page, kernel)
    page.locator(".smis-dice").first.click()
    becomes(kernel, "len(sliders.history.children(0))", 2)
    expect(page.locator(".smis-film.smis-branch")).to_have_count(1)
    assert np.abs(picture(page, kernel) - first).mean() > 5
    page.keyboard.press("Control+z")
    becomes(kernel, "sliders.history.current", 0)
    assert np.array_equal(picture(page, kernel), first)
    page.keyboard.press("Control+Shift+z")
    becomes(kernel, "sliders.history.current > 0", True)
    page.locator(".smis-film").first.hover()
    page.locator(".smis-film-compare").first.click()
    wipe = page.locator(".smis-wipe")
    expect(wipe).to_be_visible()
    wipe.focus()
    page.keyboard.press("Home")
    expect(wipe).to_have_attribute("aria-valuenow", "0")
    keep_screenshot(page, "3-compared")
    page.locator(".smis-film").first.hover()
    page.locator(".smis-film-compare").first.click()
    expect(wipe).to_be_hidden()
    page.get_by_title("The lines of Python").click()
    expect(page.locator(".smis-turn-code pre")).to_contain_text("Edit.neutral")
    page.get_by_title("The lines of Python").click()


def test_a_saved_picture_is_dropped_and_everything_is_back(opened):
    page, kernel = opened
    drag(page, slider(page, "psi", "0 1 2"), 0.2)
    becomes(kernel, "sliders.state.edit.rows[0].psi < 0.3", True)
    kept = picture(page, kernel)
    page.get_by_title("Save as PNG").click()
    expect(page.locator(".smis-turn .smis-note")).to_contain_text("picture-0001.png")
    data = kernel.value(
        "__import__('base64').b64encode(open('pictures/picture-0001.png', 'rb').read()).decode()"
    )
    page.locator(".smis-film-pick").first.click()
    becomes(kernel, "sliders.history.current", 0)
    page.evaluate(DROP, data)
    expect(page.locator(".smis-turn .smis-note")).to_contain_text("kept.png is open")
    assert np.array_equal(picture(page, kernel), kept)
    page.evaluate(DROP, base64.b64encode(b"no picture at all").decode())
    expect(page.locator(".smis-turn .smis-error:visible")).to_contain_text("this is no PNG")
    assert np.array_equal(picture(page, kernel), kept)
    # The server would close the connection at what is larger than a message may be.
    page.evaluate(DROP, base64.b64encode(enlarged(base64.b64decode(data))).decode())
    expect(page.locator(".smis-turn .smis-note")).to_contain_text("kept.png is open")
    assert np.array_equal(picture(page, kernel), kept)


def test_it_is_not_drawn_while_it_is_scrolled_away(opened):
    page, kernel = opened
    view = page.locator(".smis-turn-main .smis-picture")
    page.set_viewport_size({"width": 1280, "height": 320})
    page.locator(".smis-turn-find").scroll_into_view_if_needed()
    page.locator(".jp-Notebook-cell, .jp-Cell").last.scroll_into_view_if_needed()
    becomes(kernel, "sliders.view.on_screen", False)
    painted = view.get_attribute("data-painted")
    kernel.run("sliders.load(5); assert sliders.wait()")
    assert view.get_attribute("data-painted") == painted
    page.set_viewport_size({"width": 1280, "height": 900})
    view.scroll_into_view_if_needed()
    becomes(kernel, "sliders.view.on_screen", True)
    assert np.array_equal(picture(page, kernel), drawn(kernel))


def test_a_reloaded_page_shows_everything_again(opened):
    page, kernel = opened
    films = kernel.value("len(sliders.history)")
    before = picture(page, kernel)
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_function(
        "() => !window.jupyterapp.shell.currentWidget.context.model.dirty", timeout=PATIENCE
    )
    page.reload()
    page.locator(".smis-turn [data-painted]").wait_for(timeout=PATIENCE)
    page.locator(".smis-film").nth(films - 1).wait_for()
    page.wait_for_function(
        "n => document.querySelectorAll('.smis-film img[src]').length === n", arg=films
    )
    data = base64.b64decode(page.evaluate(PIXELS))
    shown = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)
    assert np.array_equal(shown, before)
    # The page that went took its view with it: the one that came is all there is to draw for.
    becomes(kernel, "[*sliders.view._views.values()].count(True)", 1)
    page.evaluate(THEME, "JupyterLab Dark")
    keep_screenshot(page, "4-dark")
    page.evaluate(THEME, "JupyterLab Light")
    page.locator(".smis-dice").first.click()
    becomes(kernel, f"len(sliders.history) > {films}", True)


def test_a_restarted_kernel_is_told_and_how_to_come_back(opened):
    page, _ = opened
    page.evaluate(RESTART)
    gone = page.locator(".smis-turn .smis-gone")
    expect(gone).to_be_visible()
    expect(gone).to_contain_text("The kernel was restarted")
    expect(gone.locator("pre")).to_contain_text("LatentSliders(generator, state=state)")
    keep_screenshot(page, "5-restarted")
