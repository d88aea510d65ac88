"""The studio's pad: foreign masks are drawn by the names of their classes, or asked about."""

import numpy as np
import pytest
from widgets.fake_synthesizer import FakeSynthesizer
from widgets.page import PadPage
from widgets.upload import whole

from smis_core.labels import LabelClass, LabelMap, Palette
from smis_widgets import SketchStudio

FOREIGN = Palette("f", (LabelClass(1, "Hair", (1, 2, 3), ""), LabelClass(13, "sky", (4, 5, 6), "")))


@pytest.fixture
def synthesizer():
    return FakeSynthesizer(resolution=32)


@pytest.fixture
def studio(synthesizer, tmp_path):
    studio = SketchStudio(synthesizer, resolution=64, folder=tmp_path)
    yield studio
    studio.close()


def foreign(index):
    """A map whose indices the studio knows, too, as something else."""
    return LabelMap(np.full((64, 64), index, np.uint8), FOREIGN)


@pytest.fixture
def dropped(tmp_path):
    """Puts a map on the pad: as a program or a file."""

    def drop(studio, labels, how):
        if how == "value":
            studio.pad.value = labels
        elif how == "load":
            labels.save(tmp_path / "theirs.npz")
            studio.pad.load(tmp_path / "theirs.npz")
        else:
            labels.save(tmp_path / "theirs.png")
            page = PadPage(studio.pad)
            data = (tmp_path / "theirs.png").read_bytes()
            page.message({"ask": "file", "purpose": "any", **whole("theirs.png", data)}, data)

    return drop


@pytest.mark.parametrize("how", ["value", "load", "file"])
def test_a_mask_in_a_foreign_palette_is_drawn_by_its_names(studio, dropped, how):
    own = studio.pad.value
    dropped(studio, foreign(1), how)
    hair = LabelMap(np.full((64, 64), 13, np.uint8))
    assert studio.wait()
    assert studio.pad.value == studio.portrait.mask == hair
    studio.pad.undo()
    assert studio.pad.value == own


@pytest.mark.parametrize("how", ["value", "load", "file"])
def test_what_a_mask_shows_is_asked_before_it_is_drawn(studio, synthesizer, dropped, how):
    own = studio.pad.value
    dropped(studio, foreign(13), how)
    assert studio.question.asking
    assert studio.wait()
    assert studio.pad.value == own
    assert "smis-error" not in studio.message.value
    studio.question.fields["sky"].value = "background"
    studio.question.take.click()
    assert studio.wait()
    assert studio.portrait.mask == LabelMap(np.zeros((64, 64), np.uint8))
    assert not studio.question.asking
    assert all(mask.palette == synthesizer.palette for mask in synthesizer.masks)


def test_classes_edited_on_the_pad_stay_and_mean_the_same(studio, synthesizer):
    palette = synthesizer.palette.renamed(13, "Haar").added("crown")
    studio.pad.repaint(palette, np.arange(256, dtype=np.uint8))
    studio.pad.label = palette.by_name("crown").index
    studio.pad.stroke([(0.1, 0.1), (0.4, 0.4)])
    assert studio.wait()
    assert studio.pad.value.palette == palette
    assert not studio.question.asking
    drawn = studio.pad.value.indices
    crown = drawn == studio.pad.label
    assert crown.any()
    assert studio.portrait.mask.palette == synthesizer.palette
    assert (studio.portrait.mask.indices[crown] == 255).all()
    assert np.array_equal(studio.portrait.mask.indices[~crown], drawn[~crown])
