"""Front end and pad without a server between them: thousands of strokes, and a treacherous way."""

from __future__ import annotations

import numpy as np
import pytest
from browser.bare import BarePad

from smis_core.labels import LabelMap
from smis_widgets.mask_pad import MaskPad

DRAWN_AT_ONCE = ["brush", "eraser", "line", "polyline", "polygon", "lasso", "rectangle", "ellipse"]
LEFT_TO_THE_KERNEL = ["fill", "point", "move", "copy"]
STROKES = 500
AT_A_TIME = 100


@pytest.fixture
def bare(browser):
    page = browser.new_page(viewport={"width": 760, "height": 800})
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    pad = MaskPad(resolution=96)
    empty = pad.value
    pad.value = LabelMap(np.tri(96, dtype=np.uint8) * 13)  # the previous mask, for the copy tool
    pad.value = empty
    yield BarePad(page, pad)
    page.close()
    pad.close()
    assert errors == []


def draw(bare: BarePad, tools: list[str], count: int, seed: int) -> None:
    bare.page.evaluate("a => window.smisTest.draw(...a)", [tools, count, seed])


@pytest.mark.parametrize("tool", [*DRAWN_AT_ONCE, *LEFT_TO_THE_KERNEL])
def test_500_strokes_of_every_tool_are_the_same_pixels_on_both_sides(bare, tool):
    others = ["lasso"] if tool in ("eraser", *LEFT_TO_THE_KERNEL) else []
    changes = 0
    for part in range(STROKES // AT_A_TIME):
        before = bare.pad.value
        draw(bare, [*others, tool], AT_A_TIME, part)
        predicted = bare.shown()
        bare.settle()
        if tool in DRAWN_AT_ONCE:
            assert np.array_equal(predicted, bare.pad.value.indices)
        assert np.array_equal(bare.shown(), bare.pad.value.indices)
        changes += bare.pad.value != before
    assert changes == STROKES // AT_A_TIME
    assert bare.pad.message.value == ""


def test_messages_lost_doubled_and_out_of_order_lose_no_stroke(bare):
    rng = np.random.default_rng(0)
    bare.page.evaluate("() => { smisTest.wire.patience = 30; }")
    for part in range(12):
        draw(bare, ["brush", "polygon", "ellipse"], 8, part)
        sent = bare.page.evaluate("() => window.sent.splice(0)")
        kept = [message for message in sent if rng.random() > 0.2]
        kept += [message for message in sent if rng.random() < 0.2]
        rng.shuffle(kept)
        bare.deliver(kept)
    predicted = bare.shown()
    bare.page.wait_for_timeout(3100)
    bare.settle()
    assert np.array_equal(bare.pad.value.indices, bare.shown())
    assert np.array_equal(bare.pad.value.indices, predicted)


def test_lost_answers_bring_the_whole_map_again(bare):
    draw(bare, ["brush"], 3, 1)
    sent = bare.page.evaluate("() => window.sent.splice(0)")
    bare.deliver(sent[:1])
    for message in sent[1:-1]:
        bare._front._handle_custom_msg(message, [])
    bare._answers.clear()
    bare.deliver(sent[-1:])
    bare.page.wait_for_function("() => window.sent.some((each) => each.hello)")
    bare.pump()
    bare.page.wait_for_function("() => !smisTest.sheet.stale")
    assert np.array_equal(bare.pad.value.indices, bare.shown())


def test_a_change_of_the_program_shows_under_ink_that_is_on_its_way(bare):
    draw(bare, ["rectangle"], 1, 1)
    drawn = bare.shown() != 255
    bare.pad.label, bare.pad.brush_size = 1, 40
    bare.pad.stroke([(0, 0), (1, 1), (0, 1), (1, 0)])
    predicted = bare.page.evaluate("() => window.sent.splice(0)")
    bare.deliver([])
    bare.page.wait_for_timeout(60)
    shown = bare.shown()
    assert np.array_equal(shown[~drawn], bare.pad.value.indices[~drawn])
    assert drawn.any()
    assert len(np.unique(shown[drawn])) == 1
    bare.deliver(predicted)
    bare.settle()
    assert np.array_equal(bare.shown(), bare.pad.value.indices)


@pytest.mark.parametrize("side", [64, 4096])
def test_small_and_large_masks_are_drawn(bare, side):
    bare.pad.value = type(bare.pad.value)(np.full((side, side), 255, np.uint8))
    bare.pump()
    bare.page.wait_for_function(f"() => smisTest.sheet.side === {side} && !smisTest.sheet.stale")
    draw(bare, DRAWN_AT_ONCE, 2, 9)
    bare.settle()
    assert bare.page.evaluate("() => smisTest.bytes(smisTest.sheet.shown)") == bare.page.evaluate(
        "() => smisTest.bytes(smisTest.sheet.settled)"
    )
    assert np.array_equal(bare.shown(), bare.pad.value.indices)
