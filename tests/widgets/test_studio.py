"""The studio with a synthesizer that only colours masks."""

import base64
import io
import threading

import ipywidgets as widgets
import numpy as np
import pytest
from PIL import Image
from widgets.fake_synthesizer import FakeSynthesizer, portrait_mask
from widgets.page import PadPage

from smis_core.labels import LabelMap
from smis_widgets import SketchStudio

STROKE = [(0.1, 0.1), (0.4, 0.4)]


@pytest.fixture
def synthesizer():
    return FakeSynthesizer(resolution=32)


@pytest.fixture
def studio(synthesizer, tmp_path):
    studio = SketchStudio(synthesizer, resolution=64, folder=tmp_path)
    yield studio
    studio.close()


def slow(synthesizer: FakeSynthesizer) -> threading.Event:
    """Make every portrait wait for an event."""
    gate = threading.Event()
    paint = synthesizer.synthesize

    def wait_then_paint(*args, **kwargs):
        assert gate.wait(10)
        return paint(*args, **kwargs)

    synthesizer.synthesize = wait_then_paint
    return gate


def test_it_opens_with_a_portrait_and_its_mask(studio, synthesizer):
    own = synthesizer.sample(studio.seed).labels
    assert studio.pad.value == own.resized(64)
    assert studio.portrait.mask == studio.pad.value
    assert studio.view.data.startswith(b"\x89PNG")
    assert studio.portrait.look.style == studio.seed


def test_the_portrait_follows_a_stroke_on_another_thread(studio, synthesizer):
    synthesizer.threads.clear()
    studio.pad.stroke(STROKE)
    assert studio.wait()
    assert studio.portrait.mask == studio.pad.value
    assert studio.portrait.final
    assert threading.current_thread().name not in synthesizer.threads


def test_newest_wins_and_what_it_overtakes_is_never_rendered(studio, synthesizer):
    assert studio.wait()
    gate = slow(synthesizer)
    synthesizer.masks.clear()
    for step in range(20):
        studio.pad.stroke([(step / 20, 0.1), (step / 20, 0.9)])
    gate.set()
    assert studio.wait()
    assert studio.portrait.mask == studio.pad.value
    portraits = {mask.indices.tobytes() for mask in synthesizer.masks}
    assert len(portraits) <= 2


def test_the_portrait_follows_within_an_unfinished_stroke(studio):
    pad = studio.pad
    finals = []
    studio.observe(lambda change: finals.append(change.new.final), "portrait")
    page = PadPage(pad)
    page.stroke((0.1, 0.1), (0.6, 0.1), end=False)
    assert studio.wait()
    assert studio.portrait.mask == pad.current() != pad.value
    assert not any(finals)
    page.stroke((0.6, 0.1), (0.7, 0.1))
    assert studio.wait()
    assert studio.portrait.final
    assert studio.portrait.mask == pad.value


def test_the_drawing_thread_is_not_held_up(studio, synthesizer):
    assert studio.wait()
    gate = slow(synthesizer)
    for _ in range(5):
        studio.pad.stroke(STROKE)
        studio.pad.undo()
    assert studio.pad.value == studio.pad.current()
    gate.set()
    assert studio.wait()


def test_one_call_at_a_time_reaches_the_synthesizer(tmp_path):
    synthesizer = FakeSynthesizer(resolution=32, seconds=0.003)
    studio = SketchStudio(synthesizer, resolution=64, folder=tmp_path)
    for seed in range(8):
        studio.pad.stroke([(seed / 8, 0.2), (seed / 8, 0.8)])
        studio.seed = seed
        studio.truncation = seed / 10
    assert studio.wait()
    studio.close()
    assert synthesizer.overlaps == 0


def test_an_exception_is_shown_and_the_next_portrait_clears_it(studio, synthesizer):
    synthesizer.failure = RuntimeError("out of <memory>")
    studio.pad.stroke(STROKE)
    assert studio.wait()
    assert "out of &lt;memory&gt;" in studio.message.value
    synthesizer.failure = None
    studio.pad.undo()
    assert studio.wait()
    assert studio.message.value == ""


def test_the_dice_brings_another_character_and_undo_the_drawing(studio, synthesizer):
    studio.pad.stroke(STROKE)
    drawn = studio.pad.value
    studio.seed = 11
    assert studio.wait()
    assert studio.pad.value == synthesizer.sample(11).labels.resized(64)
    assert studio.style_seed == 11
    assert studio.styles.seeds[0] == 11
    assert studio.portrait.mask == studio.pad.value
    studio.pad.undo()
    assert studio.wait()
    assert studio.portrait.mask == drawn


def test_edits_keep_to_the_open_character(studio, synthesizer):
    """Until the pad is cleared or takes a mask from elsewhere; undo brings it back."""

    def anchor():
        assert studio.wait()
        assert studio.portrait.look.anchor is synthesizer.anchors[-1]
        return synthesizer.anchors[-1]

    opened, first = studio.pad.value, anchor()
    assert first.mask == opened
    own = synthesizer.sample(studio.seed).wplus.tensor
    assert first.wplus.tensor[0, 0, 1] == own[0, 0, 1]
    studio.pad.stroke(STROKE)
    studio.pad.fill(0.02, 0.02, label=1)
    assert anchor() is first
    drawn = studio.pad.value
    studio.pad.clear()
    assert anchor() is None
    studio.pad.stroke(STROKE)
    assert anchor() is None
    studio.pad.undo()
    studio.pad.undo()
    assert anchor() is first
    studio.pad.redo()
    assert anchor() is None
    studio.pad.undo()
    studio.pad.value = portrait_mask(64, drop=0.05)
    assert anchor() is None
    studio.original_button.click()
    assert anchor() is first
    studio.seed = 11
    assert studio.wait()
    second = anchor()
    assert second is not first
    assert second.mask == studio.pad.value
    for _ in range(3):
        studio.pad.undo()
    assert studio.pad.value == drawn
    assert anchor() is first


def test_the_dices_change_character_and_style(studio):
    seed, style = studio.seed, studio.style_seed
    studio.dice.click()
    assert studio.wait()
    assert studio.seed != seed
    assert studio.style_seed == studio.seed != style
    studio.styles.dice.click()
    assert studio.wait()
    assert studio.style_seed != studio.seed
    assert studio.style_seed in studio.styles.seeds
    assert studio.styles.seeds[0] == studio.seed


def test_original_returns_to_the_characters_mask(studio, synthesizer):
    studio.pad.clear()
    studio.original_button.click()
    assert studio.pad.value == synthesizer.sample(studio.seed).labels.resized(64)


def test_a_thumbnail_chooses_its_style(studio):
    assert studio.wait()
    assert all(view.data for view in studio.styles._views)
    third = studio.styles.seeds[2]
    studio.styles._buttons[2].click()
    assert studio.wait()
    assert studio.portrait.look.style == third
    assert "smis-on" in studio.styles._buttons[2]._dom_classes
    assert "smis-on" not in studio.styles._buttons[0]._dom_classes


def test_sliders_change_the_look_and_reset(studio, synthesizer):
    studio.mix_row.slider.value = 2
    studio.truncation_row.slider.value = 0.3
    assert studio.wait()
    assert (studio.portrait.look.mix_from, studio.portrait.look.truncation) == (2, 0.3)
    studio.mix_row.reset()
    studio.truncation_row.reset()
    assert studio.wait()
    assert studio.portrait.look.mix_from == synthesizer.default_mix_from
    assert studio.portrait.look.truncation == 0.7


def test_the_underlay_shows_the_portrait_under_the_mask(studio):
    studio.underlay_button.click()
    assert np.array_equal(np.array(studio.pad.picture), np.array(Image.open(_file(studio))))
    studio.underlay_button.click()
    assert studio.pad.picture is None


def test_the_ghost_is_what_the_labeller_reads_in_the_portrait(studio, synthesizer):
    assert studio.pad.ghost is None
    studio.pad.look = {"ghost": True}
    assert studio.wait()
    assert studio.pad.ghost == synthesizer.label(studio.portrait.wplus)[0]
    studio.pad.stroke(STROKE)
    assert studio.wait()
    assert studio.pad.ghost == synthesizer.label(studio.portrait.wplus)[0]


def test_saving_writes_everything_needed_to_draw_it_again(studio, tmp_path):
    studio.save_button.click()
    path = studio.save()
    assert path == tmp_path / "portrait-0002.png"
    assert (tmp_path / "portrait-0001.png").exists()
    chunks = Image.open(path).text
    assert chunks["smis:seed"] == str(studio.seed)
    shape = tuple(map(int, chunks["smis:wplus_shape"].split("x")))
    latent = np.frombuffer(base64.b64decode(chunks["smis:wplus"]), "<f4").reshape(shape)
    stored = np.load(path.with_suffix(".npz"))
    assert np.array_equal(stored["wplus"], latent)
    assert np.array_equal(latent, studio.portrait.wplus.tensor[0].numpy())
    assert int(stored["seed"]) == studio.seed
    assert LabelMap.load(path.with_name("portrait-0002-mask.png")) == studio.pad.value
    assert not [each for each in tmp_path.iterdir() if each.name.startswith(".")]


def test_a_folder_that_cannot_be_written_is_a_line_in_the_studio(studio, tmp_path):
    (tmp_path / "file").write_text("in the way")
    studio.folder = str(tmp_path / "file")
    studio.save_button.click()
    assert "smis-error" in studio.message.value


def test_refining_moves_the_bar_and_ends(studio):
    fidelities, places = [], []
    studio.observe(lambda change: fidelities.append(change.new.fidelity), "portrait")
    studio.job_bar.play.click()
    studio.job_bar.job.watch(on_step=lambda step: places.append(step.index))
    assert studio.job_bar.job.wait(10)
    assert studio.job_bar.job.state == "done"
    assert studio.job_bar.job.position == studio.job_bar.job.total == 100
    assert places == sorted(set(places)), "a share of the time, that only grows"
    assert len(fidelities) > 5, "shown as it improves"
    assert studio.portrait.fidelity == 1.0
    assert studio.portrait.final
    assert "100%" in studio.job_bar._track.value
    assert studio.job_bar.play.icon == "play"


def test_drawing_stops_a_refinement(tmp_path):
    studio = SketchStudio(FakeSynthesizer(resolution=32, seconds=0.02), folder=tmp_path)
    studio.refine()
    job = studio.job_bar.job
    studio.pad.stroke(STROKE)
    assert job.wait(10)
    assert studio.wait()
    assert job.state == "stopped"
    assert studio.portrait.mask == studio.pad.value
    studio.close()


def test_refining_can_pause_and_stop(tmp_path):
    studio = SketchStudio(FakeSynthesizer(resolution=32, seconds=0.01), folder=tmp_path)
    studio.job_bar.play.click()
    studio.job_bar.play.click()
    assert studio.job_bar.job.state == "paused"
    assert studio.job_bar.play.icon == "play"
    studio.job_bar.halt.click()
    assert studio.job_bar.job.wait(10)
    assert studio.job_bar.job.state == "stopped"
    studio.close()


def test_a_failing_refinement_is_shown(studio, synthesizer):
    def fail(*args, **kwargs):
        raise RuntimeError("diverged")
        yield

    synthesizer.refine = fail
    studio.refine()
    with pytest.raises(RuntimeError, match="diverged"):
        studio.job_bar.job.wait(10)
    assert "diverged" in studio.message.value


def test_a_saved_notebook_holds_a_plain_picture(studio):
    data, _ = studio._repr_mimebundle_()
    assert data["image/png"].startswith(b"\x89PNG")
    assert "application/vnd.jupyter.widget-view+json" in data


def test_kept_pictures_show_mask_and_portrait(studio):
    kept = studio.keep()
    assert kept.size == (2 * 32 + 4, 32)
    studio.keep()
    assert studio.album().size == (2 * kept.width + 12, kept.height)


def test_every_control_has_a_tooltip(studio):
    def controls(widget):
        for child in getattr(widget, "children", ()):
            yield from controls(child)
        if isinstance(widget, (widgets.Button, widgets.FileUpload, widgets.IntSlider,
                               widgets.FloatSlider, widgets.BoundedIntText)):  # fmt: skip
            yield widget

    found = list(controls(studio))
    assert len(found) > 15
    assert [each for each in found if not each.tooltip] == []


def test_masks_of_any_square_size_are_drawn(studio):
    studio.pad.value = portrait_mask(96)
    assert studio.wait()
    assert studio.portrait.mask.height == 96


def _file(studio):
    return io.BytesIO(studio.view.data)


def test_the_rest_is_kept_bit_by_bit_where_only_a_part_was_changed():
    studio = SketchStudio(resolution=128, seed=7)
    try:
        before = studio.portrait.image
        studio.keep_rest = True
        studio.pad.label, studio.pad.brush_size = 13, 10
        studio.pad.stroke([(0.1, 0.8), (0.2, 0.9)])
        assert studio.wait()
        *_, refined = studio._painters.refined(studio.portrait, seconds=0.1)
        for changed in (studio.portrait, refined.portrait):
            differs = (changed.image != before).any(dim=1)[0]
            assert differs[105:, 10:30].any()
            assert not differs[:80].any()
            assert not differs[:, 60:].any()
        studio.keep_rest = False
        assert studio.wait()
        assert (studio.portrait.image != before).any(dim=1)[0, :80].any()
    finally:
        studio.close()
