"""The pad in a real JupyterLab: ink at once, and the kernel's map equal to the browser's."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest
from browser.jupyter import Lab
from browser.pad import SLOW_WAY, TRAIN, PadInPage
from PIL import Image
from playwright.sync_api import Page, expect
from widgets.fake_synthesizer import portrait_mask

DRAWN_AT_ONCE = ["brush", "eraser", "line", "polyline", "polygon", "lasso", "rectangle", "ellipse"]
ALL = [*DRAWN_AT_ONCE, "fill", "point", "move", "copy"]
SIDE = 96

PAD = f"""
from smis_widgets import MaskPad
pad = MaskPad(resolution={SIDE})
pad
"""
FRESH = """
import numpy
from smis_core.labels import LabelMap
pad.tool, pad.label, pad.brush_size, pad.over, pad.protected = "brush", 13, 12, -1, []
pad.brush_shape, pad.picture, pad.look = "round", None, {}
pad.value = LabelMap(numpy.tri(96, dtype=numpy.uint8) * 13)  # the previous mask, for the copy tool
"""
CHOSEN = """{
    tool: 'brush', label: 13, brush_size: 12, brush_shape: 'round', over: -1, protected: []
}"""
BLANK = "pad.value = LabelMap(numpy.full((96, 96), 255, numpy.uint8))"


@pytest.fixture(scope="module")
def opened(lab: Lab, page: Page):
    page.add_init_script(f"({SLOW_WAY})()")
    lab.write_notebook("pad.ipynb", PAD, "pad")
    lab.open(page, "pad.ipynb")
    page.locator(".smis-surface").nth(1).wait_for(timeout=180_000)
    page.wait_for_function(
        "() => [...document.querySelectorAll('.smis-surface')].every((e) => e.smis?.sheet.side)"
    )
    with lab.kernel() as kernel:
        yield page, kernel


@pytest.fixture
def pad(opened):
    page, kernel = opened
    made = PadInPage(page, kernel)
    page.evaluate("() => { window.smisDelay = 0; }")
    made.settle()
    # What random strokes chose in the page alone, the kernel cannot set back.
    page.evaluate(f"() => {{ smisTest.model.set({CHOSEN}); smisTest.model.save_changes(); }}")
    # Each map is awaited: a tool that arrived from the kernel later would end a stroke begun here.
    kernel.run(FRESH)
    page.wait_for_function("() => smisTest.sheet.shown.every((each) => each < 255)")
    kernel.run(BLANK)
    page.wait_for_function("() => smisTest.sheet.shown.every((each) => each === 255)")
    return made


def test_500_strokes_of_every_tool_are_the_same_pixels_on_both_sides(pad):
    shown = pad.draw(ALL, 500)
    assert len(np.unique(shown)) > 5
    pad.settle()
    assert np.array_equal(pad.kept(), pad.shown())
    assert pad.kernel.value("pad.message.value") == ""


def test_what_is_drawn_before_any_answer_is_what_the_kernel_makes_of_it(pad):
    pad.page.evaluate("() => { window.smisDelay = 4000; }")
    shown = pad.draw(DRAWN_AT_ONCE, 8, seed=2)
    assert pad.page.evaluate("() => smisTest.wire.through < smisTest.wire.kept.keys().next().value")
    assert len(np.unique(shown)) > 5
    pad.settle()
    assert np.array_equal(pad.kept(), shown)


def test_500_strokes_on_a_slow_way(pad):
    pad.page.evaluate("() => { window.smisDelay = 200; }")
    pad.draw(ALL, 42, seed=3)
    pad.settle()
    assert np.array_equal(pad.kept(), pad.shown())


def test_500_strokes_while_the_kernel_trains(pad):
    pad.kernel.run(TRAIN)
    pad.draw(ALL, 42, seed=4)
    pad.settle()
    assert np.array_equal(pad.kept(), pad.shown())
    pad.kernel.run("job.stop(); assert job.wait(20); assert job.error is None")


def test_ink_shows_within_the_event_that_draws_it(pad):
    """Whatever the kernel does: in the same turn of the page's loop, without a single answer."""
    pad.page.evaluate("() => { window.smisDelay = 3000; }")
    before, after = pad.page.evaluate("""() => {
        const { send, sheet } = smisTest;
        const middle = () => sheet.shown[48 * 96 + 48];
        const pixel = () => {
            const canvas = smisTest.surface.querySelector('.smis-ink');
            const half = canvas.width / 2;
            return [middle(), ...canvas.getContext('2d').getImageData(half, half, 1, 1).data];
        };
        const before = pixel();
        send('pointerdown', 0.5, 0.5);
        const after = pixel();
        send('pointerup', 0.5, 0.5);
        return [before, after];
    }""")
    assert before == [255, 0, 0, 0, 0]
    assert after == [13, 108, 74, 182, 255]
    pad.settle()


def test_views_stay_in_step_and_a_reload_brings_everything_back(pad):
    page = pad.page
    other = "document.querySelectorAll('.smis-surface')[1].smis.sheet.shown"
    pad.draw(["brush", "fill"], 3, seed=5)
    pad.settle()
    drawn = pad.kept()
    same = f"() => smisTest.bytes({other}) === smisTest.bytes(smisTest.sheet.shown)"
    page.wait_for_function(same)
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_timeout(1000)
    page.reload()
    page.locator(".smis-surface").nth(1).wait_for(timeout=120_000)
    page.wait_for_function("() => document.querySelector('.smis-surface').smis?.sheet.side === 96")
    again = PadInPage(page, pad.kernel)
    assert np.array_equal(again.shown(), drawn)
    page.locator(".smis-surface").first.focus()
    for _ in range(3):
        page.keyboard.press("Control+z")
    again.settle()
    assert not np.array_equal(again.kept(), drawn)
    for _ in range(3):
        page.keyboard.press("Control+Shift+Z")
    again.settle()
    assert np.array_equal(again.kept(), drawn)


def test_escape_takes_the_stroke_back_and_leaving_the_canvas_keeps_it(pad):
    page = pad.page
    box = page.locator(".smis-surface").first.bounding_box()

    def at(x, y):
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    page.mouse.move(*at(0.2, 0.2))
    page.mouse.down()
    page.mouse.move(*at(0.6, 0.2), steps=5)
    page.keyboard.press("Escape")
    page.mouse.move(*at(0.6, 0.6), steps=3)
    page.mouse.up()
    pad.settle()
    assert (pad.kept() == 255).all()
    assert (pad.shown() == 255).all()
    page.mouse.move(*at(0.5, 0.3))
    page.mouse.down()
    page.mouse.move(*at(1.2, 0.3), steps=4)
    page.mouse.move(*at(1.2, 0.7), steps=4)
    page.mouse.move(*at(0.5, 0.7), steps=4)
    page.mouse.up()
    pad.settle()
    assert (pad.kept()[28, 50:] == 13).all()
    assert (pad.kept()[67, 50:] == 13).all()


def test_the_wheel_scrolls_the_page_until_the_pad_has_the_focus(pad):
    page = pad.page
    surface = page.locator(".smis-surface").first
    surface.scroll_into_view_if_needed()
    page.evaluate("() => document.activeElement.blur()")
    stopped = """(more) => {
        const turn = { deltaY: 120, bubbles: true, cancelable: true };
        const event = new WheelEvent('wheel', { ...turn, ...more });
        smisTest.surface.dispatchEvent(event);
        return event.defaultPrevented;
    }"""
    assert not page.evaluate(stopped, {})
    assert page.evaluate(stopped, {"ctrlKey": True, "deltaY": -120, "clientX": 300, "clientY": 300})
    assert page.evaluate("() => smisTest.surface.smis.lens.zoom") > 1.5
    size = pad.kernel.value("pad.brush_size")
    surface.focus()
    assert page.evaluate(stopped, {})
    assert pad.kernel.becomes(f"pad.brush_size < {size}", True)
    page.keyboard.press("Home")
    assert page.evaluate("() => smisTest.surface.smis.lens.zoom") == 1


def test_fingers_draw_pinch_and_rest_beside_a_pen(pad):
    page = pad.page
    page.evaluate("""() => {
        const finger = { pointerType: 'touch', width: 10, height: 10 };
        const touch = (id, more) => ({ ...finger, pointerId: id, ...more });
        const { send } = smisTest;
        send('pointerdown', 0.2, 0.2, touch(1));
        send('pointermove', 0.6, 0.2, touch(1));
        send('pointerup', 0.6, 0.2, touch(1));
        send('pointerdown', 0.1, 0.8, touch(2, { width: 90, height: 70 }));
        send('pointermove', 0.9, 0.8, touch(2, { width: 90, height: 70 }));
        send('pointerup', 0.9, 0.8, touch(2));
        send('pointerdown', 0.4, 0.5, touch(1));
        send('pointerdown', 0.6, 0.5, touch(2));
        send('pointermove', 0.2, 0.5, touch(1));
        send('pointermove', 0.8, 0.5, touch(2));
        send('pointerup', 0.2, 0.5, touch(1));
        send('pointerup', 0.8, 0.5, touch(2));
    }""")
    assert page.evaluate("() => smisTest.surface.smis.lens.zoom") > 2
    page.evaluate("() => { smisTest.surface.smis.lens.fit(); smisTest.key('Home'); }")
    pad.settle()
    kept = pad.kept()
    assert (kept[19, 20:57] == 13).all()
    assert (kept[40:] == 255).all()
    page.evaluate("""() => {
        const { send } = smisTest;
        const touch = { pointerId: 3, pointerType: 'touch', width: 10, height: 10 };
        const pen = (pressure) => ({ pointerId: 4, pointerType: 'pen', pressure });
        send('pointerdown', 0.2, 0.6, pen(0.05));
        send('pointermove', 0.5, 0.6, pen(0.05));
        send('pointerdown', 0.5, 0.9, touch);
        send('pointermove', 0.9, 0.9, touch);
        send('pointermove', 0.8, 0.6, pen(1));
        send('pointerup', 0.8, 0.6, pen(0));
        send('pointerup', 0.9, 0.9, touch);
    }""")
    pad.settle()
    kept = pad.kept()
    assert (kept[78:] == 255).all()
    thin, thick = ((kept[:, column] == 13)[40:].sum() for column in (24, 76))
    assert 0 < thin < thick <= 12


def test_a_picture_and_a_mask_are_dropped_and_pasted(pad, tmp_path):
    page = pad.page
    deliver = """([kind, name, data, type = 'image/png']) => {
        const bytes = Uint8Array.from(atob(data), (each) => each.charCodeAt(0));
        const transfer = new DataTransfer();
        transfer.items.add(new File([bytes], name, { type }));
        const more = kind === 'drop' ? { dataTransfer: transfer } : { clipboardData: transfer };
        const Kind = kind === 'drop' ? DragEvent : ClipboardEvent;
        const event = new Kind(kind, { bubbles: true, cancelable: true, ...more });
        smisTest.surface.dispatchEvent(event);
    }"""
    portrait_mask(SIDE).save(tmp_path / "mask.png")
    mask = base64.b64encode((tmp_path / "mask.png").read_bytes()).decode()
    page.evaluate(deliver, ["drop", "mask.png", mask])
    wanted = portrait_mask(SIDE).indices
    assert pad.kernel.becomes(f"int(pad.value.indices.sum()) == {int(wanted.sum())}", True)
    assert np.array_equal(pad.kept(), wanted)
    buffer = io.BytesIO()
    Image.effect_noise((40, 40), 90).convert("RGB").save(buffer, "PNG")
    page.evaluate(deliver, ["paste", "noise.png", base64.b64encode(buffer.getvalue()).decode()])
    assert pad.kernel.becomes("pad.picture is not None", True)
    page.wait_for_function("() => document.querySelector('.smis-stage canvas').width === 40")
    assert np.array_equal(pad.kept(), wanted)
    box = {"label": "Hair", "shape_type": "rectangle", "points": [[0, 0], [SIDE, SIDE]]}
    drawn = json.dumps({"shapes": [box], "imageWidth": SIDE, "imageHeight": SIDE}).encode()
    content = base64.b64encode(drawn).decode()
    page.evaluate(deliver, ["drop", "labelme.json", content, "application/json"])
    assert pad.kernel.becomes("list(pad.value.present())", [13])
    page.evaluate(deliver, ["drop", "broken.png", base64.b64encode(b"nothing").decode()])
    expect(page.locator(".smis-pad .smis-error").first).to_contain_text("broken.png")


def test_everything_has_a_name_and_the_sheet_of_keys_is_a_key_away(pad):
    page = pad.page
    front = page.locator(".smis-front").first
    assert front.locator(":is(input:not([type=checkbox]), select):not([aria-label])").count() == 0
    for button in front.locator("button").all():
        assert button.get_attribute("aria-label") or button.text_content()
    surface = page.get_by_role("application", name="Canvas").first
    surface.focus()
    assert surface.get_attribute("data-lm-suppress-shortcuts") == "true"
    page.keyboard.press("?")
    sheet = page.get_by_role("region", name="Keys and gestures").first
    expect(sheet).to_be_visible()
    expect(sheet).to_contain_text("Polygon")
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    page.keyboard.press("p")
    expect(page.locator(".smis-live").first).to_contain_text("Polygon")
    assert page.get_by_role("radio", name="hair").first.get_attribute("aria-checked") == "true"


def test_the_keyboard_alone_draws(pad):
    page = pad.page
    page.locator(".smis-surface").first.focus()
    page.keyboard.press("b")
    page.keyboard.press("ArrowRight")
    # It begins where the pointer was last, if it was over the pad: 40 pixels on is inside of it.
    page.evaluate("() => { smisTest.surface.smis.overlay.cross = { x: 328, y: 776, size: 192 }; }")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    for _ in range(3):
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Enter")
    pad.settle()
    row = pad.kept()[48]
    assert (row[19:50] == 13).all()
    assert (row[60:] == 255).all()
    assert (pad.kept()[:40] == 255).all()


def test_the_notebooks_own_keys_return_when_the_pad_is_left(pad):
    page = pad.page
    cells = page.locator(".jp-Cell").count()
    page.locator(".smis-surface").first.focus()
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    assert page.locator(".jp-Cell").count() == cells
    page.locator(".jp-Notebook .jp-InputPrompt").first.click()
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    expect(page.locator(".jp-Cell")).to_have_count(cells + 1)
    page.keyboard.press("d")
    page.keyboard.press("d")
    expect(page.locator(".jp-Cell")).to_have_count(cells)


def test_a_plain_picture_stays_in_the_saved_notebook(pad, lab):
    pad.draw(["brush"], 2, seed=6)
    pad.settle()
    pad.page.wait_for_timeout(3000)
    pad.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    pad.page.wait_for_timeout(1500)
    text = (lab.folder / "pad.ipynb").read_text()
    assert "smis-still" in text
    assert pad.page.locator("img.smis-still").first.is_hidden()
