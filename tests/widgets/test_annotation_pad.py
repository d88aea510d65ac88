"""Annotating pictures of a project: what is drawn is what the folder holds."""

import numpy as np
import pytest
from fewshot.conftest import PALETTE, tiny_generator
from PIL import Image
from widgets.upload import whole

from smis_core.fewshot import FewshotProject
from smis_core.images import to_uint8
from smis_core.labels import UNPAINTED, LabelClass, LabelMap, Palette
from smis_widgets.annotation_pad import AnnotationPad
from smis_widgets.palette_question import PaletteQuestion
from smis_widgets.strings import Strings

SIDE = 256
FOREIGN = Palette(
    "foreign",
    (LabelClass(7, "Light", (1, 2, 3), "l"), LabelClass(9, "shadow", (4, 5, 6), "s")),
)


@pytest.fixture(scope="module")
def generator():
    return tiny_generator()


@pytest.fixture
def project(generator, tmp_path):
    project = FewshotProject.create(tmp_path / "p", PALETTE, generator=generator)
    for seed in (1, 2):
        project.add_sample(seed)
    return project


@pytest.fixture
def pad(project):
    photographs = []
    pad = AnnotationPad(
        project, on_photograph=photographs.append, question=PaletteQuestion(Strings())
    )
    pad.photographs = photographs
    return pad


def painted(index, *, side=SIDE, palette=PALETTE):
    indices = np.full((side, side), UNPAINTED, np.uint8)
    indices[: side // 2] = index
    return LabelMap(indices, palette)


def in_folder(project, name):
    return FewshotProject.open(project.folder, generator=project.generator).pictures[name]


def test_what_is_drawn_is_saved_at_once_with_its_palette(project, pad):
    pad.annotate("seed-1")
    assert pad.shown == "seed-1"
    pad.brush_size, pad.label = 40, 1
    pad.stroke([(0.2, 0.2), (0.8, 0.2)])
    assert project.pictures["seed-1"].annotation == pad.value
    assert in_folder(project, "seed-1").annotation == pad.value
    assert in_folder(project, "seed-2").annotation is None


def test_an_erased_annotation_is_taken_away_and_undo_brings_it_back(project, pad):
    pad.annotate("seed-1")
    pad.stroke([(0.2, 0.2)])
    drawn = pad.value
    pad.clear()
    assert project.pictures["seed-1"].annotation is None
    pad.undo()
    assert project.pictures["seed-1"].annotation == drawn


def test_undo_goes_back_over_pictures_and_never_paints_on_another(project, pad):
    pad.annotate("seed-1")
    pad.stroke([(0.2, 0.2), (0.5, 0.5)])
    pad.clear()
    pad.undo()
    first = pad.value
    pad.annotate("seed-2")
    pad.stroke([(0.7, 0.2)])
    second = pad.value
    pad.undo()
    pad.undo()
    assert pad.shown == "seed-1"
    assert pad.value == first == project.pictures["seed-1"].annotation
    assert np.array_equal(np.asarray(pad.picture), to_uint8(project.pictures["seed-1"].image)[0])
    assert project.pictures["seed-2"].annotation is None
    pad.redo()
    pad.redo()
    assert (pad.shown, pad.value) == ("seed-2", second)
    assert project.pictures["seed-2"].annotation == second


def test_opening_again_shows_the_annotation_as_it_was(project, pad):
    pad.annotate("seed-1")
    pad.stroke([(0.2, 0.2)])
    drawn = pad.value
    pad.annotate("seed-2")
    assert pad.value.present() == ()
    pad.annotate("seed-1")
    assert pad.value == drawn


def test_proposed_labels_count_once_they_are_kept_or_drawn_on(project, pad):
    pad.annotate("seed-1", painted(1, side=32))
    assert pad.value.present() == (1,)
    assert project.pictures["seed-1"].annotation is None
    pad.keep()
    assert project.pictures["seed-1"].annotation.present() == (1,)
    pad.annotate("seed-2", painted(1, side=32))
    pad.label = 3
    pad.stroke([(0.5, 0.9)])
    assert project.pictures["seed-2"].annotation.present() == (1, 3)


def test_what_is_open_is_filled_in(project, pad):
    pad.annotate("seed-1")
    pad.label = 3
    pad.stroke([(0.5, 0.9)])
    pad.fill_in(LabelMap(np.full((32, 32), 1, np.uint8), PALETTE))
    assert pad.value.present() == (1, 3)
    assert UNPAINTED not in pad.value.indices
    pad.undo()
    assert pad.value.present() == (3,)
    assert pad.shown == "seed-1"


def test_without_a_picture_a_drawing_is_kept_nowhere_and_that_is_said(project, pad):
    pad.stroke([(0.2, 0.2)])
    assert "Choose a picture first" in pad.message.value
    assert all(each.annotation is None for each in project.pictures.values())


def test_the_palette_is_edited_for_all_pictures(project, pad):
    pad.annotate("seed-1")
    pad.value = painted(1)
    pad.annotate("seed-2")
    pad.value = painted(3)
    pad.repaint(*pad.value.palette.merged(1, 3))
    assert project.pictures["seed-1"].annotation.present() == (1,)
    assert project.pictures["seed-2"].annotation.present() == (1,)
    assert 3 not in project.palette.indices
    pad.repaint(pad.value.palette.renamed(1, "grey"), np.arange(256, dtype=np.uint8))
    assert in_folder(project, "seed-1").annotation.palette.by_index(1).name == "grey"
    pad.undo()
    assert project.palette.by_index(1).name == "middle"


def test_a_class_that_another_picture_shows_is_not_deleted(project, pad):
    pad.annotate("seed-1")
    pad.value = painted(1)
    pad.annotate("seed-2")
    with pytest.raises(ValueError, match="seed-1 shows 'middle'"):
        pad.repaint(*pad.value.palette.deleted(1))
    assert project.palette == PALETTE == pad.value.palette
    assert project.pictures["seed-1"].annotation == painted(1)


def test_the_first_mask_from_elsewhere_brings_its_palette(project, pad):
    pad.annotate("seed-1")
    pad.value = painted(7, palette=FOREIGN)
    assert project.palette == FOREIGN
    assert project.pictures["seed-1"].annotation == painted(7, palette=FOREIGN)


def test_later_ones_are_translated_by_name(project, pad):
    pad.annotate("seed-1")
    pad.value = painted(1)
    pad.annotate("seed-2")
    pad.value = painted(7, palette=FOREIGN)
    assert project.palette == PALETTE
    assert pad.value == painted(3) == project.pictures["seed-2"].annotation


def test_where_names_do_not_match_it_is_asked(project, pad):
    pad.annotate("seed-1")
    pad.value = painted(1)
    pad.annotate("seed-2")
    foreign = painted(9, palette=FOREIGN)
    pad.value = foreign
    question = pad._question
    assert question.asking
    assert list(question.fields) == ["shadow"]
    assert pad.value == foreign
    assert project.pictures["seed-2"].annotation is None
    question.fields["shadow"].value = "dark"
    question.take.click()
    assert not question.asking
    assert pad.value == painted(0) == project.pictures["seed-2"].annotation


def test_a_photograph_that_is_dropped_is_handed_on(pad, tmp_path):
    pad.annotate("seed-1")
    assert pad.photographs == []
    picture = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    path = tmp_path / "x.png"
    Image.fromarray(picture).save(path)
    data = path.read_bytes()
    content = {"ask": "file", "purpose": "any", **whole("x.png", data)}
    pad._front._handle_custom_msg(content, [memoryview(data)])
    assert len(pad.photographs) == 1
    assert np.array_equal(pad.photographs[0], picture)
