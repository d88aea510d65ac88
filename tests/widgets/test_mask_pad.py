"""The pad as a person uses it: the events that a page sends, without a page."""

import datetime

import numpy as np
import pytest
import traitlets
from widgets.fake_synthesizer import portrait_mask

from smis_core.labels import PORTRAITS, UNPAINTED, LabelMap
from smis_widgets.mask_pad import MaskPad
from smis_widgets.painter import PAINTER

HAIR, SKIN = (PORTRAITS.by_name(name).index for name in ("hair", "skin"))


def send(pad: MaskPad, event: str, **content: object) -> None:
    """What ipycanvas does with a message of the page."""
    pad._easel.canvas[-1]._handle_frontend_event(None, {"event": event, **content}, [])


def mouse(pad: MaskPad, *points: tuple[float, float], end: str = "mouse_up") -> None:
    side = pad._easel.canvas.width
    events = ["mouse_down"] + ["mouse_move"] * (len(points) - 1)
    for event, (x, y) in zip(events, points, strict=True):
        send(pad, event, x=x * side, y=y * side)
    if end:
        send(pad, end, x=points[-1][0] * side, y=points[-1][1] * side)


def key(pad: MaskPad, name: str, *, ctrl: bool = False, shift: bool = False) -> None:
    pad.children[-1]._handle_custom_msg({"key": name, "ctrl": ctrl, "shift": shift}, [])


def upload(pad: MaskPad, data: bytes) -> None:
    pad.tools.upload.value = (
        {
            "name": "mask.png",
            "type": "image/png",
            "size": len(data),
            "content": memoryview(data),
            "last_modified": datetime.datetime.now(datetime.UTC),
        },
    )


@pytest.fixture
def pad(tmp_path):
    pad = MaskPad(resolution=64, folder=tmp_path)
    yield pad
    pad.close()


def test_a_mouse_stroke_paints_the_chosen_class_exactly(pad):
    pad.label, pad.brush_size = SKIN, 6
    mouse(pad, (0.2, 0.5), (0.5, 0.5), (0.8, 0.5))
    assert set(np.unique(pad.value.indices)) == {SKIN, UNPAINTED}
    assert (pad.value.indices[32, 13:51] == SKIN).all()
    assert (pad.value.indices[:28] == UNPAINTED).all()


def test_value_waits_for_the_end_of_the_stroke_and_revision_does_not(pad):
    seen = []
    pad.observe(lambda change: seen.append((pad.drawing, pad.current().present())), "revision")
    mouse(pad, (0.2, 0.5), (0.5, 0.5), end="")
    assert pad.value.present() == ()
    assert seen == [(True, (HAIR,)), (True, (HAIR,))]
    send(pad, "mouse_up", x=0, y=0)
    assert pad.value.present() == (HAIR,)
    assert pad.value == pad.current()
    assert seen[-1] == (False, (HAIR,))


def test_moving_without_a_button_draws_nothing(pad):
    send(pad, "mouse_move", x=100, y=100)
    send(pad, "mouse_move", x=200, y=200)
    send(pad, "mouse_up", x=200, y=200)
    assert pad.revision == 0


def test_leaving_the_canvas_ends_the_stroke_at_the_edge(pad):
    mouse(pad, (0.5, 0.5), (1.1, 0.5), end="mouse_out")
    assert pad.value.indices[32, 63] == HAIR
    before = pad.value
    send(pad, "mouse_move", x=10, y=10)
    assert pad.current() == before


def test_a_finger_draws_and_a_second_finger_stops(pad):
    side = pad._easel.canvas.width
    send(pad, "touch_start", touches=[{"x": 0.2 * side, "y": 0.2 * side}])
    send(pad, "touch_move", touches=[{"x": 0.6 * side, "y": 0.2 * side}])
    two = [{"x": 0.6 * side, "y": 0.2 * side}, {"x": 0.9 * side, "y": 0.9 * side}]
    send(pad, "touch_start", touches=two)
    send(pad, "touch_move", touches=two)
    send(pad, "touch_end", touches=[])
    assert (pad.value.indices[13, 14:38] == HAIR).all()
    assert (pad.value.indices[20:] == UNPAINTED).all()


def test_eraser_leaves_pixels_unpainted(pad):
    pad.value = portrait_mask(64)
    pad.tool = "eraser"
    mouse(pad, (0.3, 0.5), (0.7, 0.5))
    assert (pad.value.indices[32, 20:44] == UNPAINTED).all()
    assert (pad.value.indices[:20] == portrait_mask(64).indices[:20]).all()


def test_fill_and_pick(pad):
    pad.value = portrait_mask(64)
    pad.tool = "pick"
    mouse(pad, (0.5, 0.15))
    assert pad.label == HAIR
    assert pad.tool == "brush"
    pad.tool = "fill"
    mouse(pad, (0.5, 0.65))
    assert SKIN not in pad.value.indices[36:, :]
    assert pad.tool == "fill"
    pad.undo()
    assert pad.value == portrait_mask(64)


def test_picking_nothing_means_the_eraser(pad):
    pad.tool = "pick"
    mouse(pad, (0.5, 0.5))
    assert pad.tool == "eraser"


@pytest.mark.parametrize("label", PORTRAITS.classes, ids=lambda label: label.name)
def test_every_class_has_its_key_and_its_button(pad, label):
    pad.tool = "eraser"
    key(pad, label.key)
    assert pad.label == label.index
    assert pad.tool == "brush"
    pad.label = (set(PORTRAITS.indices) - {label.index}).pop()
    names = [getattr(each, "description", "") for each in pad._panel.children]
    pad._panel.children[names.index(label.name)].click()
    assert pad.label == label.index


@pytest.mark.parametrize(
    ("pressed", "tool"), [("b", "brush"), ("e", "eraser"), ("f", "fill"), ("i", "pick")]
)
def test_tools_have_keys(pad, pressed, tool):
    pad.tool = "fill" if tool != "fill" else "brush"
    key(pad, pressed)
    assert pad.tool == tool


def test_keys_undo_redo_and_change_the_brush(pad):
    mouse(pad, (0.2, 0.2), (0.8, 0.8))
    drawn = pad.value
    key(pad, "z", ctrl=True)
    assert pad.value.present() == ()
    key(pad, "Z", ctrl=True, shift=True)
    assert pad.value == drawn
    key(pad, "z", ctrl=True)
    key(pad, "y", ctrl=True)
    assert pad.value == drawn
    size = pad.brush_size
    key(pad, "]")
    assert pad.brush_size > size
    key(pad, "[")
    assert pad.brush_size == size
    send(pad, "key_down", key="2", shift_key=False, ctrl_key=False, meta_key=False)
    assert pad.label == SKIN


def test_the_wheel_changes_the_brush_in_whole_steps(pad):
    size = pad.brush_size
    for _ in range(4):
        send(pad, "mouse_wheel", x=0, y=-10)
    assert pad.brush_size == size
    send(pad, "mouse_wheel", x=0, y=-10)
    assert pad.brush_size > size


def test_setting_the_value_replaces_the_drawing_and_can_be_undone(pad):
    mouse(pad, (0.2, 0.2), (0.8, 0.8))
    drawn = pad.value
    pad.value = portrait_mask(48)
    assert pad.current() == portrait_mask(48)
    assert pad._easel.canvas.width % 48 == 0
    pad.undo()
    assert pad.value == drawn
    assert pad._easel.canvas.width % 64 == 0


def test_buttons_say_what_can_be_done(pad):
    assert pad.tools.undo.disabled
    assert pad.tools.redo.disabled
    mouse(pad, (0.5, 0.5))
    assert not pad.tools.undo.disabled
    pad.tools.undo.click()
    assert pad.tools.undo.disabled
    assert not pad.tools.redo.disabled
    pad.tools.redo.click()
    pad.tools.clear.click()
    assert pad.value.present() == ()


def test_save_and_load_return_the_same_map(pad, tmp_path):
    pad.value = portrait_mask(64)
    pad.tool = "eraser"
    mouse(pad, (0.1, 0.1), (0.3, 0.1))
    drawn = pad.value
    pad.save(tmp_path / "drawn.png")
    pad.clear()
    pad.load(tmp_path / "drawn.png")
    assert pad.value == drawn
    pad.clear()
    upload(pad, (tmp_path / "drawn.png").read_bytes())
    assert pad.value == drawn
    assert pad.message.value == ""


def test_the_save_button_never_overwrites(pad, tmp_path):
    pad.value = portrait_mask(64)
    pad.tools.save.click()
    pad.clear()
    mouse(pad, (0.5, 0.5))
    pad.tools.save.click()
    assert LabelMap.load(tmp_path / "mask-0001.png") == portrait_mask(64)
    assert LabelMap.load(tmp_path / "mask-0002.png") == pad.value
    assert "mask-0002.png" in pad.message.value


def test_a_broken_upload_is_a_line_in_the_pad_and_changes_nothing(pad):
    pad.value = portrait_mask(64)
    upload(pad, b"no picture at all")
    assert "smis-error" in pad.message.value
    assert "mask.png" in pad.message.value
    assert pad.value == portrait_mask(64)
    mouse(pad, (0.5, 0.5))
    assert pad.message.value == ""


def test_a_folder_that_cannot_be_written_is_a_line_in_the_pad(pad, tmp_path):
    (tmp_path / "file").write_text("in the way")
    pad.folder = str(tmp_path / "file")
    pad.value = portrait_mask(64)
    pad.tools.save.click()
    assert "smis-error" in pad.message.value


def test_messages_are_text_not_markup(pad):
    pad.message.error("<b>", ValueError("<script>"), pad._strings)
    assert "<script>" not in pad.message.value
    assert "<b>" not in pad.message.value


def test_what_is_not_allowed_is_refused(pad):
    with pytest.raises(traitlets.TraitError, match="square"):
        pad.value = LabelMap(np.zeros((4, 8), np.uint8))
    with pytest.raises(traitlets.TraitError, match="indices"):
        pad.label = 99
    with pytest.raises(traitlets.TraitError):
        pad.tool = "airbrush"
    with pytest.raises(ValueError, match="at least one position"):
        pad.stroke([])
    with pytest.raises(ValueError, match="language"):
        MaskPad(language="tlh")


def test_rows_can_be_reset(pad):
    pad.brush_size = 40
    pad.opacity = 0.25
    for row in (pad.tools.size_row, pad.tools.opacity_row):
        assert not row._reset.disabled
        row._reset.click()
        assert row._reset.disabled
    assert pad.brush_size == MaskPad.brush_size.default_value
    assert pad.opacity == MaskPad.opacity.default_value


def test_opacity_shows_only_over_a_picture(pad):
    assert pad.tools.opacity_row.layout.display == "none"
    pad.picture = np.zeros((32, 32, 3), np.uint8)
    assert pad.tools.opacity_row.layout.display is None
    pad.picture = None
    assert pad.tools.opacity_row.layout.display == "none"


def test_the_canvas_shows_exact_colours(pad, monkeypatch):
    put = []
    layer = type(pad._easel.canvas[1])
    monkeypatch.setattr(
        layer, "put_image_data", lambda self, pixels, x, y: put.append((pixels, x, y))
    )
    pad.value = portrait_mask(64)
    assert PAINTER.wait_idle()
    pixels, x, y = put[-1]
    assert (x, y) == (0, 0)
    assert np.array_equal(pixels, portrait_mask(64).rgba())
    mouse(pad, (0.5, 0.5))
    assert PAINTER.wait_idle()
    pixels, x, y = put[-1]
    assert pixels.shape[0] < 20
    height, width = pixels.shape[:2]
    assert np.array_equal(pixels, pad.value.rgba()[y : y + height, x : x + width])


def test_a_new_page_gets_everything_drawn_again(pad, monkeypatch):
    assert PAINTER.wait_idle()
    put = []
    layer = type(pad._easel.canvas[1])
    monkeypatch.setattr(layer, "put_image_data", lambda self, pixels, x, y: put.append(pixels))
    send(pad, "client_ready")
    assert PAINTER.wait_idle()
    assert [pixels.shape for pixels in put] == [(64, 64, 4)]


def test_a_failure_of_the_painter_is_shown_and_it_paints_on(pad, monkeypatch):
    layer = type(pad._easel.canvas[1])

    def fail(self, pixels, x, y):
        raise RuntimeError("the page is gone")

    with monkeypatch.context() as patch:
        patch.setattr(layer, "put_image_data", fail)
        mouse(pad, (0.5, 0.5))
        assert PAINTER.wait_idle()
        assert "the page is gone" in pad.message.value
    put = []
    monkeypatch.setattr(layer, "put_image_data", lambda self, pixels, x, y: put.append(pixels))
    mouse(pad, (0.5, 0.6))
    assert PAINTER.wait_idle()
    assert put
    assert not pad._easel.canvas._canvas_manager._caching
