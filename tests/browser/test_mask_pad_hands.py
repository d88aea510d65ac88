"""Fingers, a palm and a pen as Chromium itself delivers them, and what keys do alone."""

from __future__ import annotations

import numpy as np
import pytest
from browser.bare import BarePad
from playwright.sync_api import Page

from smis_core.labels import LabelMap
from smis_widgets.mask_pad import MaskPad

SIDE = 96
HAIR, SKIN = 13, 1
PEN = {"pointerType": "pen", "button": "left", "buttons": 1}
PALM = {"radiusX": 45, "radiusY": 35}

HEAR = """() => {
    window.heard = [];
    const tell = ({ type, pointerType, isTrusted }) => heard.push([type, pointerType, isTrusted]);
    for (const name of ['pointerdown', 'pointermove', 'pointerup', 'pointercancel'])
        smisTest.surface.addEventListener(name, tell);
}"""


class Glass:
    """A tablet's glass: touches and a pen, at fractions of the canvas.

    Args:
        page: with a pad in it.
    """

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)
        box = page.locator(".smis-surface").bounding_box()
        assert box is not None
        self._box = box

    def touch(self, kind: str, *fingers: tuple[float, float], **shape: float) -> None:
        """All fingers on the glass after a touchStart, touchMove or touchEnd."""
        points = [
            {"id": number, "radiusX": 5, "radiusY": 5, "force": 0.5, **self._at(*finger), **shape}
            for number, finger in enumerate(fingers)
        ]
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def pen(self, kind: str, x: float, y: float, force: float) -> None:
        """The pen after a mousePressed, mouseMoved or mouseReleased."""
        more = {**PEN, "force": force, "clickCount": int(kind != "mouseMoved")}
        if kind == "mouseReleased":
            more["buttons"] = 0
        content = {"type": kind, **self._at(x, y), **more}
        self._session.send("Input.dispatchMouseEvent", content)

    def _at(self, x: float, y: float) -> dict[str, float]:
        box = self._box
        return {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]}


@pytest.fixture
def bare(browser):
    page = browser.new_page(viewport={"width": 760, "height": 800}, has_touch=True)
    page.set_default_timeout(60_000)
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    pad = MaskPad(resolution=SIDE)
    bare = BarePad(page, pad)
    page.evaluate(HEAR)
    yield bare
    page.close()
    pad.close()
    assert errors == []


@pytest.fixture
def glass(bare):
    return Glass(bare.page)


def lens(bare: BarePad) -> dict[str, float]:
    return bare.page.evaluate("() => ({ ...smisTest.surface.smis.lens })")


def heard(bare: BarePad) -> set[tuple[str, str, bool]]:
    return {tuple(each) for each in bare.page.evaluate("() => heard.splice(0)")}


def test_one_finger_draws(bare, glass):
    glass.touch("touchStart", (0.2, 0.5))
    for step in range(1, 7):
        glass.touch("touchMove", (0.2 + 0.1 * step, 0.5))
    glass.touch("touchEnd")
    bare.settle()
    assert ("pointerdown", "touch", True) in heard(bare)
    assert (bare.pad.value.indices[48, 20:76] == HAIR).all()
    assert lens(bare)["zoom"] == 1


def test_two_fingers_zoom_to_their_middle_and_draw_nothing(bare, glass):
    glass.touch("touchStart", (0.7, 0.3))
    glass.touch("touchStart", (0.7, 0.3), (0.8, 0.3))
    for step in range(1, 6):
        glass.touch("touchMove", (0.7 - 0.04 * step, 0.3), (0.8 + 0.02 * step, 0.3))
    # Movements come with the next frame.
    bare.page.wait_for_function("() => Math.abs(smisTest.surface.smis.lens.zoom - 4) < 0.01")
    seen = lens(bare)
    glass.touch("touchEnd")
    bare.settle()
    # The middle went from 0.75 to 0.7 of the stage and took the same place of the sheet along.
    place = (0.7 - seen["x"] / seen["stage"]) / seen["zoom"]
    assert place == pytest.approx(0.75, abs=0.01)
    assert (bare.pad.value.indices == 255).all()
    glass.touch("touchStart", (0.4, 0.5), (0.6, 0.5))
    glass.touch("touchMove", (0.5, 0.5), (0.7, 0.5))
    wanted = seen["x"] + 0.1 * seen["stage"]
    moved = "wanted => Math.abs(smisTest.surface.smis.lens.x - wanted) < 2"
    bare.page.wait_for_function(moved, arg=wanted)
    assert lens(bare)["zoom"] == pytest.approx(4, abs=0.01)
    glass.touch("touchEnd")


def test_a_palm_draws_nothing(bare, glass):
    glass.touch("touchStart", (0.5, 0.8), **PALM)
    for step in range(1, 5):
        glass.touch("touchMove", (0.5 + 0.05 * step, 0.8), **PALM)
    glass.touch("touchEnd")
    bare.settle()
    assert ("pointerdown", "touch", True) in heard(bare)
    assert (bare.pad.value.indices == 255).all()


def test_a_touch_that_grows_into_a_palm_is_taken_back(bare, glass):
    glass.touch("touchStart", (0.5, 0.8))
    glass.touch("touchMove", (0.6, 0.8))
    glass.touch("touchMove", (0.62, 0.8), **PALM)
    glass.touch("touchMove", (0.8, 0.8), **PALM)
    glass.touch("touchEnd")
    bare.settle()
    assert (bare.pad.value.indices == 255).all()
    assert not bare.pad.drawing


def test_what_rests_beside_a_pen_draws_nothing_and_pressure_is_size(bare, glass):
    glass.pen("mousePressed", 0.2, 0.4, 0.02)
    glass.pen("mouseMoved", 0.4, 0.4, 0.02)
    glass.touch("touchStart", (0.6, 0.8))
    for step in range(1, 5):
        glass.pen("mouseMoved", 0.4 + 0.1 * step, 0.4, 0.02 + 0.24 * step)
        glass.touch("touchMove", (0.6 + 0.05 * step, 0.8))
    glass.pen("mouseReleased", 0.8, 0.4, 0)
    glass.touch("touchMove", (0.2, 0.8))
    glass.touch("touchEnd")
    bare.settle()
    events = heard(bare)
    assert ("pointerdown", "pen", True) in events
    assert ("pointerdown", "touch", True) in events
    indices = bare.pad.value.indices
    assert (indices[60:] == 255).all()
    thin, thick = ((indices[:, column] == HAIR).sum() for column in (24, 74))
    assert 1 <= thin < 6
    assert 10 <= thick <= bare.pad.brush_size


def test_a_palm_that_came_before_the_pen_is_taken_back(bare, glass):
    glass.touch("touchStart", (0.5, 0.8))
    glass.touch("touchMove", (0.7, 0.8))
    glass.pen("mousePressed", 0.2, 0.2, 0.5)
    glass.pen("mouseMoved", 0.6, 0.2, 0.5)
    glass.touch("touchMove", (0.9, 0.8))
    glass.pen("mouseReleased", 0.6, 0.2, 0)
    glass.touch("touchEnd")
    bare.settle()
    indices = bare.pad.value.indices
    assert (indices[19, 22:56] == HAIR).all()
    assert (indices[50:] == 255).all()


def test_where_a_pen_draws_a_finger_moves_the_sheet(bare, glass):
    glass.pen("mousePressed", 0.2, 0.2, 0.5)
    glass.pen("mouseReleased", 0.2, 0.2, 0)
    bare.settle()
    drawn = bare.pad.value
    bare.page.evaluate("""() => {
        const { lens, overlay } = smisTest.surface.smis;
        lens.zoomAt(300, 300, 3);
        smisTest.surface.classList.add('smis-zoomed');
    }""")
    before = lens(bare)
    bare.page.wait_for_timeout(800)  # a touch just after the pen is the hand that holds it
    glass.touch("touchStart", (0.5, 0.5))
    glass.touch("touchMove", (0.4, 0.5))
    bare.page.wait_for_function("x => smisTest.surface.smis.lens.x < x", arg=before["x"])
    glass.touch("touchEnd")
    bare.settle()
    assert bare.pad.value == drawn


def test_a_region_is_moved_and_scaled_by_keys(bare):
    indices = np.full((SIDE, SIDE), 255, np.uint8)
    indices[40:48, 40:48] = SKIN
    bare.pad.value = LabelMap(indices)
    bare.pump()
    bare.page.wait_for_function("() => smisTest.sheet.shown.some((each) => each === 1)")
    bare.page.locator(".smis-surface").focus()
    bare.page.evaluate("""() => {
        const { surface, model } = smisTest;
        model.set('tool', 'move');
        surface.smis.overlay.cross = { x: 43 * 16 + 8, y: 44 * 16 + 8, size: 16 };
    }""")
    for key in ("ArrowRight", "Enter", "Shift+ArrowRight", "ArrowDown", "]", "]", "Enter"):
        bare.page.keyboard.press(key)
    bare.settle()
    rows, columns = np.nonzero(bare.pad.value.indices == SKIN)
    assert (rows.min(), rows.max() + 1) == (40, 50)
    assert (columns.min(), columns.max() + 1) == (49, 59)


def test_the_view_follows_the_keyboards_cross(bare):
    bare.page.locator(".smis-surface").focus()
    bare.page.keyboard.press("ArrowLeft")
    for _ in range(4):
        bare.page.keyboard.press("+")
    for _ in range(4):
        bare.page.keyboard.press("Shift+ArrowRight")
    seen = lens(bare)
    cross = bare.page.evaluate("() => smisTest.surface.smis.overlay.cross.x / 16")
    place = seen["x"] + cross * seen["stage"] / SIDE * seen["zoom"]
    assert cross > 80
    assert 0 < place < seen["stage"]
