"""How the pad shows mask and picture, and what its tools do by mouse, in an empty page."""

from __future__ import annotations

import base64
import re

import numpy as np
import pytest
from browser.bare import BarePad
from browser.drawing import Hand
from playwright.sync_api import expect

from smis_core.drawing import UNIT, region
from smis_core.labels import PORTRAITS, LabelMap
from smis_widgets.mask_pad import MaskPad
from smis_widgets.pad_tools import LOOK

SIDE = 64
HAIR, SKIN = 13, 1
STAGE = 640

PIXELS = """(name) => {
    const canvas = smisTest.surface.querySelector(name);
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return [canvas.width, smisTest.bytes(data)];
}"""


@pytest.fixture
def bare(browser):
    page = browser.new_page(viewport={"width": 1100, "height": 1000})
    page.set_default_timeout(60_000)
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    indices = np.full((SIDE, SIDE), 255, np.uint8)
    indices[16:48, 16:48] = SKIN
    pad = MaskPad(LabelMap(indices))
    yield BarePad(page, pad)
    page.close()
    pad.close()
    assert errors == []


def pixels(bare: BarePad, name: str = ".smis-ink") -> np.ndarray:
    """What a canvas of the pad shows once a frame has passed, uint8 [H, W, 4]."""
    bare.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    side, data = bare.page.evaluate(PIXELS, name)
    return np.frombuffer(base64.b64decode(data), np.uint8).reshape(side, side, 4)


def look(bare: BarePad, **changed: object) -> None:
    bare.page.evaluate("look => smisTest.model.set('look', look)", {**LOOK, **changed})


def at(shown: np.ndarray, x: float, y: float) -> list[int]:
    return shown[int(y * len(shown)), int(x * len(shown))].tolist()


def test_areas_outlines_and_patterns(bare):
    colour = [*PORTRAITS.by_index(SKIN).colour, 255]
    shown = pixels(bare)
    assert at(shown, 0.5, 0.5) == colour
    assert at(shown, 0.1, 0.1) == [0, 0, 0, 0]
    look(bare, outlines=True)
    shown = pixels(bare)
    assert at(shown, 0.5, 0.5)[3] == 0
    edge = len(shown) // 4
    assert (shown[len(shown) // 2, edge - 2 : edge + 2] == colour).all(axis=1).any()
    look(bare, patterns=True)
    inner = pixels(bare)[len(shown) // 3 : len(shown) // 2, len(shown) // 3 : len(shown) // 2]
    assert len(np.unique(inner.reshape(-1, 4), axis=0)) == 2


def test_the_mask_shows_on_hover_alone(bare):
    look(bare, hover=True)
    box = bare.page.locator(".smis-surface").bounding_box()
    bare.page.mouse.move(box["x"] + box["width"] + 200, box["y"] + 10)
    bare.page.wait_for_function(
        "() => smisTest.surface.querySelector('.smis-ink').style.opacity === '0'"
    )
    bare.page.mouse.move(box["x"] + 50, box["y"] + 50)
    bare.page.wait_for_function(
        "() => smisTest.surface.querySelector('.smis-ink').style.opacity === '1'"
    )


def test_the_mask_lets_the_picture_through_and_its_light_is_set(bare):
    bare.page.evaluate("""() => {
        smisTest.model.set('has_picture', true);
        smisTest.model.set('opacity', 0.4);
    }""")
    assert at(pixels(bare), 0.5, 0.5)[3] == 102
    look(bare, brightness=1.5, contrast=0.5)
    light = "() => smisTest.surface.closest('.smis-pad-main').style.getPropertyValue('--pad-light')"
    assert bare.page.evaluate(light) == "brightness(1.5) contrast(0.5)"


def test_a_grid_lies_between_pixels(bare):
    before = pixels(bare, ".smis-over")
    look(bare, grid=True)
    after = pixels(bare, ".smis-over")
    lines = np.flatnonzero((after != before).any(axis=2).sum(axis=0) > 0.9 * len(after))
    scale = len(after) / SIDE
    steps = np.diff(lines) / scale
    assert len(lines) > 8
    assert np.allclose(steps, np.round(steps), atol=0.2)


def test_a_ghost_is_dashed_over_the_drawing(bare):
    ghost = np.full((SIDE, SIDE), 255, np.uint8)
    ghost[8:24, 8:24] = HAIR
    bare.page.evaluate(
        """async (text) => {
            const raw = Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
            const stream = new Blob([raw]).stream().pipeThrough(new CompressionStream('deflate'));
            const packed = new Uint8Array(await new Response(stream).arrayBuffer());
            smisTest.model.set('ghost', new DataView(packed.buffer));
        }""",
        base64.b64encode(ghost.tobytes()).decode(),
    )
    look(bare, ghost=True)
    bare.page.wait_for_function(
        "() => smisTest.surface.querySelector('.smis-ink').getContext('2d')"
        ".getImageData(0, 0, 160, 160).data.some((each) => each)"
    )
    shown = pixels(bare)
    edge = 8 * len(shown) // SIDE
    column = shown[edge : 2 * edge, edge - 3 : edge + 3].reshape(-1, 4)
    colours = {tuple(each) for each in column if each[3]}
    assert colours == {(255, 255, 255, 255), (*PORTRAITS.by_index(HAIR).colour, 255)}


def test_space_and_the_wheel_move_the_view(bare):
    page = bare.page
    surface = page.locator(".smis-surface")
    hand = Hand(page)
    surface.focus()
    zoomed = "() => smisTest.surface.smis.lens.zoom"
    place = "() => ['x', 'y'].map((at) => lens[at] / lens.stage)"
    page.evaluate("() => { window.lens = smisTest.surface.smis.lens; }")
    page.mouse.move(*hand.at(0.25, 0.75))
    page.keyboard.down("Control")
    page.mouse.wheel(0, -80)
    page.keyboard.up("Control")
    page.wait_for_function("() => smisTest.surface.smis.lens.zoom > 1.5")
    zoom, (x, y) = page.evaluate(zoomed), page.evaluate(place)
    # What was under the pointer still is.
    assert (0.25 - x) / zoom == pytest.approx(0.25, abs=0.01)
    assert (0.75 - y) / zoom == pytest.approx(0.75, abs=0.01)
    page.keyboard.down(" ")
    hand.stroke((0.5, 0.5), (0.4, 0.6))
    page.keyboard.up(" ")
    assert page.evaluate(place) == pytest.approx([x - 0.1, y + 0.1], abs=0.01)
    bare.settle()
    assert bare.pad.value.present() == (SKIN,)
    assert surface.evaluate("(each) => each.classList.contains('smis-zoomed')")


def test_the_eyedropper_takes_classes_and_paper(bare):
    hand = Hand(bare.page)
    hand.press("i")
    hand.stroke((0.5, 0.5))
    state = "() => [smisTest.model.get('tool'), smisTest.model.get('label')]"
    assert bare.page.evaluate(state) == ["brush", SKIN]
    hand.press("i")
    hand.stroke((0.05, 0.05))
    assert bare.page.evaluate(state) == ["eraser", SKIN]


def test_shift_keeps_lines_straight_and_ellipses_round(bare):
    hand = Hand(bare.page)
    hand.press("v")
    bare.page.keyboard.down("Shift")
    hand.stroke((0.2, 0.2), (0.6, 0.4))
    bare.page.keyboard.up("Shift")
    bare.settle()
    rows, columns = np.nonzero(bare.pad.value.indices == HAIR)
    assert np.ptp(rows) == np.ptp(columns) > 20


def test_a_smart_fill_stops_at_the_pictures_edge(bare):
    picture = np.zeros((SIDE, SIDE, 3), np.uint8)
    picture[:, SIDE // 2 :] = 255
    bare.pad.picture = picture
    bare.page.evaluate("() => smisTest.model.set('has_picture', true)")
    hand = Hand(bare.page)
    hand.press("w")
    hand.stroke((0.2, 0.1))
    bare.settle()
    assert (bare.pad.value.indices[:, :28] == HAIR).all()
    assert not (bare.pad.value.indices[:, 36:] == HAIR).any()


def test_a_region_is_dragged_and_stretched_by_its_corner(bare):
    hand = Hand(bare.page)
    hand.press("m")
    hand.stroke((0.5, 0.5), (0.6, 0.5))
    hand.stroke((0.85, 0.75), (0.95, 0.95))
    hand.press("Enter")
    bare.settle()
    rows, columns = np.nonzero(bare.pad.value.indices == SKIN)
    assert abs(columns.min() - 22) <= 1
    assert abs(columns.max() - 60) <= 1
    assert abs(rows.min() - 16) <= 1
    assert abs(rows.max() - 60) <= 1


def test_pixels_are_counted_by_class(bare):
    row = bare.page.get_by_role("radio", name="skin")
    expect(row).to_have_attribute("title", re.compile("1,024 pixels, 25.0 %"))


def test_what_is_taken_hold_of_is_what_the_kernel_moves(bare):
    rng = np.random.default_rng(0)
    for density in (0.5, 0.62, 0.8):
        indices = np.where(rng.random((SIDE, SIDE)) < density, SKIN, HAIR).astype(np.uint8)
        bare.pad.value = LabelMap(indices)
        bare.settle()
        for place in rng.integers(0, SIDE * UNIT, (6, 2)).tolist():
            found = region(indices, np.array([place], np.int32))
            assert found is not None
            got = bare.page.evaluate(
                """(place) => {
                    const { top, left, bottom, right, seen } = smisTest.sheet.region(place);
                    return [[top, left, bottom, right], smisTest.bytes(seen)];
                }""",
                place,
            )
            seen = np.frombuffer(base64.b64decode(got[1]), np.uint8).reshape(SIDE, SIDE)
            box, mask = found
            assert got[0] == [box.top, box.left, box.bottom, box.right]
            assert seen.sum() == mask.sum()
            assert np.array_equal(seen[box.slices].astype(bool), mask)
