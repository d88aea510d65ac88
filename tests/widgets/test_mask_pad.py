"""The pad as a person uses it: the messages that a page sends, without a page."""

import gc
import io
import tracemalloc
import zlib

import numpy as np
import pytest
import traitlets
from PIL import Image
from widgets.fake_synthesizer import portrait_mask
from widgets.page import PadPage
from widgets.upload import whole

from smis_core.drawing import UNIT, Rectangle
from smis_core.labels import PORTRAITS, UNPAINTED, LabelMap
from smis_widgets.mask_pad import MaskPad
from smis_widgets.pad_tools import LOOK
from smis_widgets.painter import PAINTER

HAIR, SKIN = (PORTRAITS.by_name(name).index for name in ("hair", "skin"))


@pytest.fixture
def pad(tmp_path):
    pad = MaskPad(resolution=64, folder=tmp_path)
    yield pad
    pad.close()


@pytest.fixture
def page(pad):
    return PadPage(pad)


def test_a_stroke_paints_the_chosen_class_exactly(pad, page):
    pad.label, pad.brush_size = SKIN, 6
    page.stroke((0.2, 0.5), (0.5, 0.5), (0.8, 0.5))
    assert set(np.unique(pad.value.indices)) == {SKIN, UNPAINTED}
    assert (pad.value.indices[32, 13:51] == SKIN).all()
    assert (pad.value.indices[:28] == UNPAINTED).all()


def test_value_waits_for_the_end_of_the_stroke_and_revision_does_not(pad, page):
    seen = []
    pad.observe(lambda change: seen.append((pad.drawing, pad.current().present())), "revision")
    page.stroke((0.2, 0.5), (0.5, 0.5), end=False)
    assert pad.value.present() == ()
    assert seen == [(True, (HAIR,)), (True, (HAIR,))]
    page.stroke((0.5, 0.5), (0.6, 0.5))
    assert pad.value.present() == (HAIR,)
    assert pad.value == pad.current()
    assert seen[-1] == (False, (HAIR,))


def test_every_view_is_told_what_changed_and_what_has_come(pad, page):
    page.stroke((0.2, 0.5), (0.8, 0.5))
    pad.fill(0.9, 0.9, label=SKIN)
    page.draw("bucket", index=HAIR, at=[3, 3])
    assert np.array_equal(page.shown, pad.value.indices)
    assert page.revisions == list(range(page.revisions[0], page.revisions[-1] + 1))
    assert page.receipts[-1] == {page.name: {"through": page.sequence - 1, "missing": []}}
    pad.value = portrait_mask(48)
    assert np.array_equal(page.shown, portrait_mask(48).indices)


def test_two_views_of_one_pad_stay_in_step(pad, page):
    other = PadPage(pad, "other")
    page.stroke((0.1, 0.1), (0.4, 0.1))
    other.stroke((0.1, 0.6), (0.4, 0.6))
    assert np.array_equal(other.shown, pad.value.indices)
    other.act("undo")
    page.act("undo")
    assert pad.value.present() == ()
    assert page.name not in other.receipts[-2]


def test_messages_out_of_order_and_doubled_draw_once_and_in_order(pad, page):
    pieces = []
    for index in (HAIR, SKIN):
        operation = {"tool": "rectangle", "index": index, "points": [0, 0, 160, 160]}
        pieces.append({"view": page.name, "act": "draw", "operation": operation})
    page.message({**pieces[1], "sequence": 1})
    assert pad.value.present() == ()
    assert page.receipts[-1][page.name]["missing"] == [0]
    page.message({**pieces[0], "sequence": 0})
    assert pad.value.present() == (SKIN,)
    revision = pad.revision
    page.message({**pieces[0], "sequence": 0})
    assert pad.revision == revision
    assert pad.value.present() == (SKIN,)


@pytest.mark.parametrize(
    "content",
    [
        {"view": "page", "sequence": 0, "act": "draw", "operation": {"tool": "stroke", "index": 1,
         "points": [float("nan"), 3], "sizes": 16}},
        {"view": "page", "sequence": 0, "act": "draw", "operation": {"tool": "bucket", "index": 77,
         "at": [1, 1]}},
        {"view": "stranger", "sequence": 0, "act": "undo"},
        {"ask": "everything", "view": "page"},
        {"ask": "palette", "view": "page", "what": "explode", "values": {}},
        {"ask": "palette", "view": "page", "what": "rename", "values": {"index": "x"}},
        {"ask": "file", "view": "page", "purpose": "mask", **whole("../../etc/passwd", b"")},
        {"ask": "save", "view": "page", "format": "exe"},
        {"hello": 7},
        {},
    ],
)  # fmt: skip
def test_what_cannot_be_is_a_line_in_the_pad_and_changes_nothing(pad, page, content):
    pad.value = portrait_mask(64)
    page.message(content)
    assert "smis-error" in pad.message.value
    assert pad.value == portrait_mask(64)
    page.stroke((0.5, 0.5)) if "act" not in content else page.act("undo")


def test_cancelling_takes_a_stroke_back(pad, page):
    page.stroke((0.2, 0.2), (0.5, 0.2))
    before = pad.value
    page.stroke((0.2, 0.6), (0.5, 0.6), end=False)
    page.act("cancel")
    assert pad.current() == pad.value == before
    assert np.array_equal(page.shown, before.indices)
    pad.undo()
    assert pad.value.present() == ()


def test_eraser_guards_and_square_brush(pad, page):
    pad.value = portrait_mask(64)
    page.draw("stroke", index=255, points=[20 * 16, 32 * 16, 44 * 16, 32 * 16], sizes=64)
    assert (pad.value.indices[32, 20:44] == UNPAINTED).all()
    pad.value = portrait_mask(64)
    pad.label, pad.over, pad.protected, pad.brush_shape = SKIN, HAIR, [SKIN], "square"
    pad.stroke([(0, 0.3), (1, 0.3)])
    changed = pad.value.indices != portrait_mask(64).indices
    assert changed.any()
    assert (portrait_mask(64).indices[changed] == HAIR).all()


def test_undo_and_redo_walk_back_and_forth(pad, page):
    states = [pad.value]
    for step in range(200):
        pad.label = (HAIR, SKIN)[step % 2]
        page.stroke((step / 200, 0.1), (step / 200, 0.9))
        states.append(pad.value)
    for state in reversed(states[:-1]):
        assert pad._front.can_undo
        page.act("undo")
        assert pad.value == state
    assert not pad._front.can_undo
    for _ in states[1:]:
        page.act("redo")
    assert pad.value == states[-1]


def test_setting_the_value_replaces_the_drawing_and_can_be_undone(pad, page):
    page.stroke((0.2, 0.2), (0.8, 0.8))
    drawn = pad.value
    pad.value = portrait_mask(48)
    assert pad.current() == portrait_mask(48)
    pad.undo()
    assert pad.value == drawn
    first = MaskPad(portrait_mask(32))
    start = first.value
    first.clear()
    first.value = start
    assert first.current() == start


def test_clearing_mirroring_and_copying_back(pad, page):
    pad.value = portrait_mask(64)
    left, right = (PORTRAITS.by_name(f"{side} eye").index for side in ("left", "right"))
    page.draw("mirror")
    mirrored = pad.value.indices
    was = portrait_mask(64).indices[:, ::-1]
    assert np.array_equal(mirrored == left, was == right)
    page.draw("clear")
    assert pad.value.present() == ()
    assert pad._front.has_previous
    whole = [0, 0, 1024, 0, 1024, 512, 0, 512]
    page.draw("copy", source="previous", points=whole)
    assert np.array_equal(pad.value.indices[:32], mirrored[:32])
    assert (pad.value.indices[32:] == UNPAINTED).all()


def test_landmarks_are_numbered_and_move(pad, page):
    for index, place in ((HAIR, 160), (SKIN, 480), (HAIR, 800)):
        page.draw("landmark", index=index, at=[place, place], size=64)
    points = {each.index: (each.number, each.x) for each in pad.landmarks}
    assert points == {HAIR: (1, 800), SKIN: (2, 480)}
    assert (pad.value.indices[:16] == UNPAINTED).all()
    page.act("undo")
    assert {each.index: each.x for each in pad.landmarks} == {HAIR: 160, SKIN: 480}
    assert pad._front.landmarks[0] == {"number": 1, "index": HAIR, "at": [160, 160]}


def test_a_region_moves_and_smart_fill_stops_at_edges(pad, page):
    pad.draw(Rectangle(index=SKIN, points=np.array([[0, 0], [159, 159]])))
    page.draw("move", points=[80, 80], target=[20, 20, 30, 30])
    assert (pad.value.indices[20:30, 20:30] == SKIN).all()
    pad.clear()
    page.draw("smart_fill", index=HAIR, at=[80, 80])
    assert "smis-error" in pad.message.value
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[:, 32:] = 255
    pad.picture = picture
    page.draw("smart_fill", index=HAIR, at=[80, 80], tolerance=20)
    assert (pad.value.indices[:, :28] == HAIR).all()
    assert (pad.value.indices[:, 36:] == UNPAINTED).all()


def test_settings_come_from_the_browser_and_bad_ones_go_back(pad):
    pad._front.set_state({"tool": "lasso", "brush_size": 30, "label": SKIN, "over": 255})
    assert (pad.tool, pad.brush_size, pad.label, pad.over) == ("lasso", 30, SKIN, 255)
    pad._front.set_state({"label": 99})
    assert pad.label == pad._front.label == SKIN
    pad._front.set_state({"tool": "airbrush"})
    assert pad._front.tool == "lasso"
    assert "smis-error" in pad.message.value
    pad.look = {"grid": True}
    assert pad._front.look == {**LOOK, "grid": True}


def test_what_is_not_allowed_is_refused(pad):
    with pytest.raises(traitlets.TraitError, match="square"):
        pad.value = LabelMap(np.zeros((4, 8), np.uint8))
    with pytest.raises(traitlets.TraitError, match="square"):
        MaskPad(LabelMap(np.zeros((4, 8), np.uint8)))
    with pytest.raises(traitlets.TraitError, match="indices"):
        pad.label = 99
    with pytest.raises(traitlets.TraitError):
        pad.tool = "airbrush"
    with pytest.raises(traitlets.TraitError, match="look"):
        pad.look = {"colour": 1}
    with pytest.raises(ValueError, match="at least one position"):
        pad.stroke([])
    with pytest.raises(ValueError, match="no such class"):
        pad.fill(0.5, 0.5, label=99)
    with pytest.raises(ValueError, match="language"):
        MaskPad(language="tlh")


def test_palette_and_texts_reach_the_browser_as_text(pad):
    hair = pad._front.palette[0]
    assert (hair["name"], hair["key"], hair["index"]) == ("hair", "1", HAIR)
    assert "right of the picture" in pad._front.palette[2]["hint"]
    assert {"brush", "undo", "patterns_tooltip"} <= set(pad._front.texts)
    pad.message.error("<b>", ValueError("<script>"), pad._strings)
    assert "<script>" not in pad.message.value
    assert "<b>" not in pad.message.value


def test_classes_are_edited_from_the_page_and_undone(pad, page):
    def edit(what, **values):
        page.message({"ask": "palette", "view": page.name, "what": what, "values": values})

    pad.value = portrait_mask(64)
    edit("rename", index=HAIR, name="<script>alert(1)</script>")
    assert pad._front.palette[0]["name"] == "<script>alert(1)</script>"
    edit("recolour", index=HAIR, colour=[1, 2, 3])
    edit("merge", index=HAIR, into=SKIN)
    assert HAIR not in pad.value.palette.indices
    assert pad.label == pad.value.palette.classes[0].index
    merged = np.isin(portrait_mask(64).indices, (HAIR, SKIN))
    assert np.array_equal(pad.value.indices == SKIN, merged)
    edit("add")
    edit("reorder", index=SKIN, place=3)
    assert pad.value.palette.classes[3].index == SKIN
    edit("delete", index=SKIN)
    assert np.array_equal(pad.value.indices == UNPAINTED, merged)
    for _ in range(6):
        page.act("undo")
    assert pad.value == portrait_mask(64)
    edit("preset", name="CelebAMask-HQ")
    assert pad.message.value == ""
    assert np.array_equal(page.shown, pad.value.indices)


def test_the_ghost_is_outlined_at_the_pads_own_size(pad):
    pad.ghost = portrait_mask(32)
    sent = np.frombuffer(zlib.decompress(pad._front.ghost), np.uint8).reshape(64, 64)
    assert np.array_equal(sent, portrait_mask(32).resized(64).indices)
    pad.ghost = None
    assert pad._front.ghost == b""


def test_a_saved_notebook_holds_a_plain_picture(pad):
    data, _ = pad._repr_mimebundle_()
    shown = np.array(Image.open(io.BytesIO(data["image/png"])).convert("RGB"))
    assert np.array_equal(shown, pad.value.colours())
    assert "application/vnd.jupyter.widget-view+json" in data


def test_memory_stays_under_ten_times_the_mask_at_its_peak(tmp_path):
    side = 1024
    pad = MaskPad(resolution=side, folder=tmp_path)
    page = PadPage(pad)
    pad._front.send = lambda *told: None
    picture = np.zeros((side, side, 3), np.uint8)
    picture[:, side // 3 : side // 2] = 200
    pad.picture = picture
    assert PAINTER.wait_idle()
    gc.collect()
    tracemalloc.start()
    rng = np.random.default_rng(0)
    for step in range(50):
        pad.label = index = (HAIR, SKIN)[step % 2]
        page.stroke(*rng.random((3, 2)).tolist())
        at = rng.integers(0, side * UNIT, 2).tolist()
        if step % 5 == 1:
            page.draw("bucket", index=index, at=at, gap=(0, 8)[step % 2])
        elif step % 5 == 2:
            page.draw("smart_fill", index=index, at=at)
        elif step % 5 == 3:
            page.draw("move", points=at, target=[100, 200, 900, 700])
        elif step == 24:
            page.draw("clear")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert pad.message.value == ""
    assert most < 10 * side * side
