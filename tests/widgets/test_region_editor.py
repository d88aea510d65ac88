"""Only a painted region changes."""

import io

import numpy as np
import pytest
import torch
import traitlets
from editing.conftest import stylegan2
from PIL import Image
from widgets.walls import small_directions, small_generator

from smis_core.editing import (
    Edit,
    EditState,
    Found,
    Seeded,
    blend_region,
    draw,
    extract,
    identify,
    latent_of,
    resolve,
)
from smis_core.images import to_uint8
from smis_core.latents import WPlus
from smis_widgets.brush import SIDE, Brush
from smis_widgets.region_editor import RegionEditor


@pytest.fixture
def generator():
    return small_generator()


@pytest.fixture
def editor(generator, tmp_path):
    directions = small_directions(generator)
    editor = RegionEditor(generator, 3, directions=directions, folder=tmp_path / "kept")
    yield editor
    editor.close()


def square():
    region = np.zeros((SIDE, SIDE), bool)
    region[64:192, 64:192] = True
    return region


def picture(editor):
    assert editor.wait()
    assert editor.message.value == ""
    return np.array(editor.picture)


def move(editor, value=3.0):
    name = editor.directions.names[0]
    editor.rows[name].slider.value = value


def test_what_is_not_painted_is_kept_bit_by_bit(generator, editor):
    before = picture(editor)
    plain = draw(generator, editor.kept)
    assert np.array_equal(before, to_uint8(plain.clamp(-1, 1))[0])
    move(editor)
    assert np.array_equal(picture(editor), before)
    editor.brush.paint(square())
    after = picture(editor)
    inside = square()[:: SIDE // 16, :: SIDE // 16]
    assert np.array_equal(after[~inside], before[~inside])
    assert (after[inside] != before[inside]).any()
    editor.brush.undo()
    assert np.array_equal(picture(editor), before)


def test_the_picture_that_was_inverted_stands_outside(generator, editor):
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8))
    latent = Found(latent_of(generator, Seeded(3)), name="mine")
    mine = RegionEditor(generator, latent, picture=photo, directions=editor.directions)
    mine.brush.paint(square())
    move(mine)
    after = picture(mine)
    inside = square()[:: SIDE // 16, :: SIDE // 16]
    assert np.array_equal(after[~inside], np.array(photo)[~inside])
    assert (after[inside] != np.array(photo)[inside]).any()
    mine.close()


def test_an_edit_comes_from_elsewhere(editor, generator):
    name = editor.directions.names[1]

    class Sliders(traitlets.HasTraits):
        state = traitlets.Instance(EditState)

    edit = editor.kept.edit.changed(strengths={name: 2.0})
    sliders = Sliders(state=editor.kept)
    traitlets.dlink((sliders, "state"), (editor, "state"))
    editor.brush.paint(square())
    before = picture(editor)
    sliders.state = EditState(
        generator=identify(generator), a=editor.kept.a, edit=edit, directions=editor.directions
    )
    assert not np.array_equal(picture(editor), before)
    assert editor.rows[name].slider.value == 2.0
    move(editor, 1.0)
    assert set(editor.state.edit.names) == {name, editor.directions.names[0]}


def test_a_soft_edge_lies_inside(editor):
    move(editor)
    editor.brush.paint(square())
    before = picture(editor)
    editor.soft_row.slider.value = 0.2
    assert not np.array_equal(picture(editor), before)


def test_while_a_hand_moves_the_picture_is_jpeg_and_at_rest_it_is_exact(editor, monkeypatch):
    editor.brush.paint(square())
    assert editor.wait()
    assert editor.view.kind == "image/png"
    monkeypatch.setattr("smis_widgets.region_editor.REST_SECONDS", 30)
    kinds, drawn = [], []
    editor.view.observe(lambda change: kinds.append(editor.view.kind), "frame")
    editor.generator.synthesis.register_forward_pre_hook(lambda *_: drawn.append(1))
    for place in range(1, 4):
        move(editor, place / 2)
        assert not editor.wait(0.3)
    assert set(kinds) == {"image/jpeg"}
    assert editor.view.kind == "image/jpeg"
    # What stays is drawn once in a movement, what changes each time.
    assert len(drawn) == 1 + 3
    monkeypatch.setattr("smis_widgets.region_editor.REST_SECONDS", 0)
    move(editor, 2.5)
    after = picture(editor)
    assert editor.view.kind == "image/png"
    shown = np.array(Image.open(io.BytesIO(editor.view.data)).convert("RGB"))
    assert np.array_equal(shown, after)


def test_what_a_hand_cannot_wait_for_is_drawn_small_and_whole_at_rest(tmp_path, monkeypatch):
    monkeypatch.setattr("smis_widgets.pace._SMALLEST", 8)
    monkeypatch.setattr("smis_widgets.pace.MOVING_SECONDS", 0)
    monkeypatch.setattr("smis_widgets.region_editor.REST_SECONDS", 30)
    generator = stylegan2()
    editor = RegionEditor(generator, 3, directions=small_directions(generator), folder=tmp_path)
    before = np.array(editor.picture)
    region = square()
    editor.brush.paint(region)
    move(editor)
    assert not editor.wait(0.5)
    inside = region[:: SIDE // 32, :: SIDE // 32]
    small = np.array(editor.picture)
    assert np.array_equal(small[~inside], before[~inside])
    assert (small[inside] != before[inside]).any()
    monkeypatch.setattr("smis_widgets.region_editor.REST_SECONDS", 0)
    move(editor, 3.1)
    move(editor, 3.0)
    whole = picture(editor)
    wanted = blend_region(
        generator, resolve(generator, editor.kept).wplus, resolve(generator, editor.state).wplus,
        torch.from_numpy(region).float(), softness=editor.softness,
    )  # fmt: skip
    assert np.array_equal(whole, to_uint8(wanted.clamp(-1, 1))[0])
    assert editor.view.kind == "image/png"
    editor.close()


def test_seeds_of_a_generator_with_classes(tmp_path):
    generator = small_generator(c_dim=3)
    for label, wanted in ((None, 0), (2, 2)):
        editor = RegionEditor(generator, 4, label=label, folder=tmp_path)
        assert editor.kept.a == Seeded(4, label=wanted)
        plain = draw(generator, editor.kept)
        assert np.array_equal(picture(editor), to_uint8(plain.clamp(-1, 1))[0])
        editor.close()
    with pytest.raises(ValueError, match="class"):
        RegionEditor(generator, 4, label=9)


def test_a_saved_picture_brings_what_is_drawn_inside(editor, generator):
    move(editor)
    editor.brush.paint(square())
    assert editor.wait()
    state = extract(editor.save(), generator)
    assert (state.a, state.edit) == (editor.state.a, editor.state.edit)
    wanted = resolve(generator, editor.state).wplus.tensor
    assert torch.equal(resolve(generator, state).wplus.tensor, wanted)


def test_it_is_saved_and_nothing_is_overwritten(editor, tmp_path):
    first, second = editor.save(), editor.save()
    assert first != second
    assert first.parent == tmp_path / "kept"
    assert np.array_equal(np.array(Image.open(first)), np.array(editor.picture))


@pytest.mark.parametrize(
    ("rows", "width", "reason"), [(3, 8, "6 rows"), (6, 8, "mapping network is another")]
)
def test_a_state_of_another_generator_is_a_line_and_nothing_changes(editor, rows, width, reason):
    mine = editor.kept.generator
    wrong = type(mine)(network="0" * 64, mapping="0" * 64, num_ws=rows, w_dim=width)
    state = EditState(generator=wrong, a=Seeded(1), edit=Edit.neutral(rows))
    before = picture(editor)
    with pytest.raises(traitlets.TraitError, match=reason):
        editor.state = state
    assert "smis-error" in editor.message.value
    assert editor.state is editor.kept
    assert np.array_equal(np.array(editor.picture), before)


def test_what_cannot_be_edited_is_refused(generator):
    with pytest.raises(ValueError, match="another"):
        RegionEditor(generator, 1, directions=small_directions(small_generator(seed=1)))
    with pytest.raises(ValueError, match="seed"):
        RegionEditor(generator, -1)
    with pytest.raises(ValueError, match="this generator"):
        RegionEditor(generator, WPlus(torch.zeros(1, 2, 8)))


def stroke(brush, region, *, settled=True, author="page"):
    data = (region * 255).astype(np.uint8).tobytes()
    brush._handle_custom_msg({"painted": author, "settled": settled}, [memoryview(data)])


def test_a_stroke_is_one_step_of_undo():
    brush = Brush()
    half, whole = square(), np.ones((SIDE, SIDE), bool)
    stroke(brush, half & (np.arange(SIDE) < 90), settled=False)
    stroke(brush, half)
    stroke(brush, whole)
    assert brush.painted.all()
    brush._handle_custom_msg({"undo": -1}, [])
    assert np.array_equal(brush.painted, half)
    assert brush.author == ""
    brush.undo()
    brush.undo()
    assert not brush.painted.any()
    brush.undo(1)
    stroke(brush, whole)
    brush.undo(1)
    assert brush.painted.all()
    brush.undo()
    assert np.array_equal(brush.painted, half)


@pytest.mark.parametrize(
    ("content", "buffers"),
    [
        ({"painted": "page", "settled": True}, []),
        ({"painted": "page", "settled": True}, [b"short"]),
        ({"undo": 7}, []),
        ({"undo": "x"}, []),
        ({}, [bytes(SIDE * SIDE)]),
    ],
)
def test_nonsense_from_a_page_does_nothing(content, buffers):
    brush = Brush()
    brush.paint(square())
    brush._handle_custom_msg(content, buffers)
    assert np.array_equal(brush.painted, square())
    with pytest.raises(ValueError, match="region"):
        brush.paint(np.zeros((4, 4), bool))
