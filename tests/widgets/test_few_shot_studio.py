"""From a picture to a pad that sketches, with a generator of 32²."""

import io
import shutil
import time

import numpy as np
import pytest
from fewshot.conftest import PALETTE, shades, tiny_generator
from PIL import Image
from widgets.fake_inversion import PATIENCE
from widgets.upload import pieces

from smis_core.checkpoints import save_network
from smis_core.fewshot import FewshotProject, ProjectSettings
from smis_core.images import to_uint8
from smis_core.labels import UNPAINTED, LabelClass, LabelMap, Palette
from smis_widgets.few_shot_desk import open_project, read_sketch
from smis_widgets.few_shot_studio import SAMPLES, FewShotStudio

SHORT = ProjectSettings(pictures=48, patience=0)


@pytest.fixture(scope="module")
def generator():
    return tiny_generator()


@pytest.fixture
def made(generator, tmp_path):
    studios = []

    def make(folder=None, **options):
        options = {"palette": PALETTE, "settings": SHORT, **options}
        studios.append(FewShotStudio(generator, folder=folder or tmp_path / "p", **options))
        look(studios[-1])
        return studios[-1]

    yield make
    for studio in studios:
        studio.close()


def look(studio, count=8):
    """Stand for a page that shows the first samples."""
    want = [[place, 0] for place in range(count)]
    content = {"view": "v", "epoch": studio.wall.epoch, "want": want}
    studio.wall._handle_custom_msg(content, [])


def annotated(studio, seed=3):
    """A picture, annotated by brightness in two classes."""
    picture = studio.choose(seed)
    shade = shades(picture.image)[0].numpy()
    studio.pad.value = LabelMap(np.where(shade > 1, 1, shade), PALETTE).resized(256)
    return picture


@pytest.fixture(scope="module")
def trained_folder(generator, tmp_path_factory):
    """A project with an encoder: trained once for all."""
    folder = tmp_path_factory.mktemp("trained") / "p"
    studio = FewShotStudio(generator, folder=folder, palette=PALETTE, settings=SHORT)
    annotated(studio)
    studio.training.progress.start()
    assert studio.training.progress.wait(PATIENCE)
    assert studio.sketch.studio is not None
    # However short, it ends with its results on the wall.
    assert 0 <= studio.training.progress.result.score <= 1
    assert studio.training.progress.pictures.given.data != b""
    studio.close()
    return folder


def overlays(studio):
    return {place: tile.overlay for place, tile in studio.wall._tiles.items()}


def test_samples_are_drawn_where_the_page_looks(made):
    studio = made()
    assert studio.wait(PATIENCE)
    assert studio.wall.count == SAMPLES
    assert [bool(studio.wall.picture(place)) for place in range(10)] == [True] * 8 + [False] * 2
    assert "No labels yet" in studio.reading.value
    picture = studio.choose(2)
    drawn = np.array(Image.open(io.BytesIO(studio.wall.picture(2))))
    assert np.abs(drawn.astype(int) - to_uint8(picture.image)[0]).max() <= 1  # of 255


def test_a_click_brings_a_sample_to_the_pad_and_into_the_project(made):
    studio = made()
    assert studio.wait(PATIENCE)
    studio.wall.selected = [3]
    assert studio.pad.shown == "seed-3"
    assert list(studio.project.pictures) == ["seed-3"]
    assert studio.shelf.count == 1
    studio.wall.selected = [4]
    studio.shelf.selected = [0]
    assert studio.pad.shown == "seed-3"
    assert studio.wall.selected == [3]


def test_the_samples_are_labelled_as_soon_as_one_is_annotated(made):
    studio = made()
    annotated(studio)
    assert studio.wait(PATIENCE)
    assert "8 samples, labelled from 1 annotated" in studio.reading.value
    before = overlays(studio)
    assert all(before[place] for place in range(8))
    seed = studio.labels.seed_at(5)
    read = studio.labels._read[seed]
    assert set(read.labels.present()) <= {0, 1}
    assert 0 < read.confidence <= 1
    # Another annotation, other labels.
    studio.pad.value = LabelMap(1 - studio.pad.value.indices, PALETTE)
    assert studio.wait(PATIENCE)
    assert overlays(studio)[5] != before[5]


def test_uncertain_places_are_striped_and_left_open(made):
    studio = made()
    annotated(studio)
    assert studio.wait(PATIENCE)
    read = studio.labels._read[studio.labels.seed_at(5)]
    read.unsure[:4, :4] = True
    assert (read.certain().indices[:4, :4] == UNPAINTED).all()
    striped, plain = read.overlay(marked=True), read.overlay(marked=False)
    assert (striped[:4, :4] != plain[:4, :4]).any()
    marked = overlays(studio)[5]
    studio.mark_button.click()
    assert not studio.marked
    assert overlays(studio)[5] == studio.wall._tiles[5].overlay
    studio.mark_button.click()
    assert overlays(studio)[5] != b"" != marked


def test_a_click_on_a_labelled_sample_brings_its_labels_to_be_corrected(made):
    studio = made()
    annotated(studio)
    assert studio.wait(PATIENCE)
    studio.wall.selected = [5]
    assert studio.pad.shown == "seed-5"
    assert set(studio.pad.value.present()) <= {0, 1} != set()
    assert "Proposed" in studio.pad.message.value
    assert studio.project.pictures["seed-5"].annotation is None
    studio.pad.label = 3
    studio.pad.stroke([(0.5, 0.5)])
    assert 3 in studio.project.pictures["seed-5"].annotation.present()
    assert studio.wait(PATIENCE)
    assert "labelled from 2 annotated" in studio.reading.value
    # Nothing is left unpainted after filling in.
    studio.fill_button.click()
    assert UNPAINTED not in studio.pad.value.indices


def test_the_least_certain_come_first(made):
    studio = made()
    annotated(studio)
    assert studio.wait(PATIENCE)
    known = {seed: read.confidence for seed, read in studio.labels._read.items()}
    studio.sort_button.click()
    look(studio)
    assert studio.wait(PATIENCE)
    order = [studio.labels.seed_at(place) for place in range(8)]
    assert order == sorted(known, key=known.get)
    assert all(overlays(studio)[place] for place in range(8))


def test_a_project_is_opened_as_it_was_left(made, tmp_path):
    studio = made()
    annotated(studio)
    studio.choose(9)
    studio.first_seed = 100
    studio.close()
    again = made()
    assert again.pad.shown == "seed-9"
    assert again.first_seed == 100
    assert list(again.project.pictures) == ["seed-3", "seed-9"]
    assert again.wait(PATIENCE)
    assert again.labels.labeller is not None


def test_a_project_of_ones_own_generator_says_what_opens_it(generator, tmp_path, monkeypatch):
    for folder in ("handed", "named", "elsewhere"):
        (tmp_path / folder).mkdir()
    open_project(generator, tmp_path / "handed", PALETTE, SHORT)
    with pytest.raises(ValueError, match="generator="):
        FewShotStudio(folder=tmp_path / "handed")
    save_network(tmp_path / "own.safetensors", generator)
    monkeypatch.chdir(tmp_path)
    open_project("own.safetensors", tmp_path / "named", PALETTE, SHORT)
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert open_project(None, tmp_path / "named", PALETTE, None).resolution == 32


def test_a_desk_edited_by_hand_is_no_harm(made, tmp_path):
    made().choose(3)
    (tmp_path / "p" / "desk.json").write_text('{"first_seed": -4, "shown": 7}')
    again = made()
    assert (again.first_seed, again.pad.shown) == (0, "")
    (tmp_path / "p" / "desk.json").write_text('{"first_seed": 4, "shown": "", "order": [1, "b"]}')
    assert made().labels.order == tuple(range(4, 4 + SAMPLES))
    (tmp_path / "p" / "desk.json").write_text("{")
    assert made().pad.shown == ""


def test_what_cannot_be_read_is_told_and_left_alone(made, tmp_path):
    studio = made()
    annotated(studio)
    studio.choose(9)
    studio.close()
    path = tmp_path / "p" / "annotations" / "seed-3.png"
    path.write_bytes(b"half a file")
    again = made()
    assert "seed-3.png" in again.message.value
    assert path.read_bytes() == b"half a file"


def test_a_picture_is_taken_out_of_the_project(made):
    studio = made()
    annotated(studio)
    studio.choose(9)
    studio.remove_button.click()
    assert list(studio.project.pictures) == ["seed-3"]
    assert studio.pad.shown == "seed-3"
    studio.remove_button.click()
    assert studio.project.pictures == {}
    assert studio.pad.shown == ""
    assert studio.wait(PATIENCE)
    assert "No labels yet" in studio.reading.value
    assert not any(overlays(studio).values())


def test_a_photograph_is_inverted_and_its_quality_shown(made):
    studio = made()
    photograph = np.random.default_rng(0).integers(0, 256, (50, 40, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(photograph).save(buffer, "PNG")
    for name, data in (("me.png", buffer.getvalue()), ("text.png", b"no picture")):
        for about, piece in pieces(name, data, length=1000):
            studio.photographs.upload._handle_custom_msg(about, [memoryview(piece)])
    assert studio.pad.shown == "me"
    assert "Reading the photograph failed" in studio.message.value
    assert studio.photographs.bar.job.wait(PATIENCE)
    picture = studio.project.pictures["me"]
    assert picture.wplus is not None
    assert studio.wall.count == SAMPLES
    assert studio.shelf._tiles[0].mark == f"{picture.quality:.0f} dB"


def test_what_is_missing_is_said_before_training(made):
    studio = made()
    studio.training.progress.start()
    assert "wanted at least one annotated picture" in studio.training.progress.message.value
    picture = studio.choose(3)
    studio.pad.value = LabelMap(np.full((256, 256), 1, np.uint8), PALETTE)
    studio.training.progress.start()
    assert "paint at least one more class" in studio.training.progress.message.value
    assert studio.project.pictures[picture.name].annotation is not None


def test_a_setting_that_does_not_fit_is_refused_and_set_back(made):
    studio = made()
    studio.training.fields["kind"].value = "sparse"
    assert "class 0" in studio.training.message.value
    assert studio.training.fields["kind"].value == "dense" == studio.project.settings.kind
    studio.training.fields["pictures"].value = 5_000
    assert studio.training.message.value == ""
    again = FewshotProject.open(studio.project.folder, generator=studio.project.generator)
    assert again.settings.pictures == 5_000


def test_after_the_training_one_sketches(made, trained_folder, tmp_path):
    shutil.copytree(trained_folder, tmp_path / "p")
    studio = made()
    sketch = studio.sketch.studio
    assert sketch.synthesizer.palette == PALETTE
    before = sketch.portrait
    sketch.pad.brush_size, sketch.pad.label = 120, 1
    sketch.pad.stroke([(0.2, 0.2), (0.8, 0.2)])
    assert sketch.wait(PATIENCE)
    assert sketch.portrait.mask == sketch.pad.value
    assert (sketch.portrait.image - before.image).abs().max() > 0
    assert set(sketch.portrait.by_class) <= set(PALETTE.indices)
    assert "middle" in sketch.fidelity.value


def test_the_style_of_a_picture_of_the_project_is_taken(made, trained_folder, tmp_path):
    shutil.copytree(trained_folder, tmp_path / "p")
    studio = made()
    sketch = studio.sketch.studio
    studio.sketch.references.selected = [0]
    assert sketch.wait(PATIENCE)
    wplus = studio.project.pictures["seed-3"].wplus.tensor
    rows = sketch.mix_from
    assert np.allclose(sketch.portrait.wplus.tensor[:, rows:], wplus[:, rows:])
    sketch.choose_style(2)
    assert studio.sketch.references.selected == []
    assert sketch.wait(PATIENCE)
    assert not np.allclose(sketch.portrait.wplus.tensor[:, rows:], wplus[:, rows:])


def test_the_sketch_its_look_and_the_order_of_the_wall_are_as_they_were_left(
    made, trained_folder, tmp_path
):
    shutil.copytree(trained_folder, tmp_path / "p")
    studio = made()
    assert studio.wait(PATIENCE)
    studio.sort_button.click()
    order, sketch = studio.labels.order, studio.sketch.studio
    assert order != tuple(sorted(order))
    sketch.pad.brush_size, sketch.pad.label = 120, 1
    sketch.pad.stroke([(0.2, 0.2), (0.8, 0.2)])
    sketch.choose_style(3)
    sketch.truncation, sketch.mix_from = 0.4, 2
    studio.sketch.references.selected = [0]
    assert sketch.wait(PATIENCE)
    image = sketch.portrait.image
    studio.close()
    again = made()
    assert again.labels.order == order
    found = again.sketch.studio
    assert found.pad.value == sketch.pad.value
    assert found.pad.origin is not None, "still drawn upon the character"
    assert (found.style_seed, found.truncation, found.mix_from) == (3, 0.4, 2)
    assert again.sketch.references.selected == [0]
    assert found.wait(PATIENCE)
    assert np.allclose(found.portrait.image, image, atol=1e-4)
    again.sketch.load()  # as after another training
    assert again.sketch.studio is not found
    assert again.sketch.studio.pad.value == sketch.pad.value
    assert again.sketch.studio.reference is not None
    sketches = tmp_path / "p" / "sketches"
    assert read_sketch(sketches).reference == "seed-3"
    (sketches / ".last.json").write_text('{"seed": "x"')
    assert read_sketch(sketches) is None


def test_a_sketch_in_a_foreign_palette_is_translated_or_asked_about(made, trained_folder, tmp_path):
    shutil.copytree(trained_folder, tmp_path / "p")
    studio = made()
    pad = studio.sketch.studio.pad
    names = Palette(
        "f", (LabelClass(7, "Middle", (1, 2, 3), ""), LabelClass(9, "sky", (4, 5, 6), ""))
    )
    pad.value = LabelMap(np.full((64, 64), 7, np.uint8), names)
    assert pad.value == LabelMap(np.full((64, 64), 1, np.uint8), PALETTE)
    pad.value = LabelMap(np.full((64, 64), 9, np.uint8), names)
    assert studio.sketch.studio.question.asking
    studio.sketch.studio.question.fields["sky"].value = "dark"
    studio.sketch.studio.question.take.click()
    assert pad.value == LabelMap(np.full((64, 64), 0, np.uint8), PALETTE)


def test_an_interrupted_training_goes_on(made):
    studio = made(settings=ProjectSettings(pictures=992, patience=0))
    annotated(studio)
    progress = studio.training.progress
    progress.start()
    while not list(studio.project.work.glob("*.state")):
        assert progress.job.state == "running"
        time.sleep(0.02)
    progress.stop()
    assert progress.wait(PATIENCE)
    reached = progress.job.result.source.index
    studio.close()
    again = made(settings=None)
    assert "interrupted" in again.training.notes.value
    again.training.progress.start()
    first = None
    while first is None or first.phase != "train":
        first = again.training.progress.job.result
        time.sleep(0.002)
    assert 50 < first.source.index <= reached + 25
    again.training.progress.stop()
    assert again.training.progress.wait(PATIENCE)
