"""A project is trained, goes on where it was interrupted, and an edit stays where it is made."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from killing import killed_once

from smis_core.checkpoints import fingerprint, load_network
from smis_core.fewshot import (
    Anchor,
    EncoderOptions,
    FewshotProject,
    ProjectSettings,
    ValidationOptions,
)
from smis_core.inversion import HybridOptions
from smis_core.labelling import QuickOptions, ThoroughOptions
from smis_core.labels import PORTRAITS, UNPAINTED, LabelClass, LabelMap, Palette
from smis_core.recipes import drain, fewshot_project
from smis_core.recipes.fewshot_project import invert_photograph, train_project
from smis_core.recipes.mirrors import mirrored, with_mirrors
from smis_core.recipes.region_change import change_region, changed_region

sys.path += [str(Path(__file__).parents[1] / room) for room in ("fewshot", "inversion")]
from inversion_world import stylegan1, stylegan3
from tiny_world import PALETTE, shades, tiny_generator

MARKS = Palette(
    "marks", (LabelClass(1, "dot", (255, 0, 0), "1"), LabelClass(2, "line", (0, 255, 0), "2"))
)
OPTIONS = EncoderOptions(pictures=48, batch=8)
WATCH = ValidationOptions(masks=4, interval_steps=2)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Few steps for the labeller and for the mirror image."""
    hurry(monkeypatch.setattr)


def hurry(put):
    thorough = ThoroughOptions(
        QuickOptions(steps=5, hidden=4, members=2, copies=2, pixels=400), rounds=1, samples=2
    )
    fit, find = fewshot_project.fit_thoroughly, fewshot_project.hybrid
    put(fewshot_project, "fit_thoroughly", lambda *a, **k: fit(*a, options=thorough, **k))

    def few(*arguments, **named):
        return find(*arguments, **{**named, "options": HybridOptions(steps=3)})

    put(fewshot_project, "hybrid", few)
    put(fewshot_project, "_STATE_INTERVAL_STEPS", 2)


@pytest.fixture
def project(tmp_path):
    made = FewshotProject.create(tmp_path / "mine", PALETTE, generator=tiny_generator())
    picture = made.add_sample(1)
    made.annotate(picture.name, LabelMap(shades(picture.image)[0].numpy(), PALETTE))
    return made


@pytest.fixture
def sparse(tmp_path):
    """A project of a dot and a line, whose labeller takes a moment."""
    made = FewshotProject.create(
        tmp_path / "marks", MARKS, generator=tiny_generator(), settings=ProjectSettings("sparse")
    )
    indices = np.full((32, 32), UNPAINTED, dtype=np.uint8)
    indices[5:7, 5:7], indices[20, 4:28] = 1, 2
    made.annotate(made.add_sample(1).name, LabelMap(indices, MARKS))
    return made


def train(project):
    return train_project(project, options=OPTIONS, validation=WATCH)


def test_a_project_is_trained_and_its_encoder_kept(project):
    steps = list(train(project))
    assert [*dict.fromkeys(step.phase for step in steps)] == ["mirror", "name", "train"]
    assert any(step.miou is not None for step in steps)
    assert project.encoder_state == "fresh"
    mask = project.pictures["seed-1"].annotation
    last = steps[-1].synthesizer.encode(mask).tensor
    opened = FewshotProject.open(project.folder, generator=project.generator)
    assert torch.allclose(opened.synthesizer().encode(mask).tensor, last, atol=1e-2)
    assert list(project.work.iterdir()) == []
    other = project.add_sample(2)
    project.annotate(other.name, LabelMap(shades(other.image)[0].numpy(), PALETTE))
    assert project.encoder_state == "stale"
    assert any("changed since" in note for note in project.notes())


MORTAL = """
import sys, time
from recipes import test_fewshot_project as tests
tests.hurry(setattr)
project = tests.FewshotProject.open(sys.argv[1], generator=tests.tiny_generator())
for _ in tests.train(project):
    time.sleep(60.0 * any(project.work.glob("*.state")))
"""


def test_a_training_whose_process_was_killed_goes_on(project):
    killed_once(project.work, "*.state", MORTAL, str(project.folder))
    assert project.encoder_state == "none"
    again = FewshotProject.open(project.folder, generator=project.generator)
    rest = list(train(again))
    assert "mirror" not in {step.phase for step in rest}, "the labeller is kept, too"
    assert next(step for step in rest if step.phase == "train").index > 1
    resumed = rest[-1].synthesizer.encoder.state_dict()
    whole = list(train(again))[-1].synthesizer.encoder.state_dict()
    assert all(torch.allclose(whole[name], resumed[name], atol=1e-5) for name in whole)


def test_a_labeller_that_a_power_cut_spoilt_is_fitted_anew(sparse):
    next(step for step in train(sparse) if step.phase == "train")
    (kept,) = sparse.work.glob("*.labeller.safetensors")
    fitted = fingerprint(load_network(kept).labeller)
    kept.write_bytes(kept.read_bytes()[:100])
    again = next(step for step in train(sparse) if step.phase == "train")
    assert again.index == 1
    assert fingerprint(load_network(kept).labeller) == fitted


def test_what_could_not_be_kept_is_said_and_the_training_goes_on(sparse, monkeypatch, capsys):
    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("smis_core.fewshot.train.write_state", full)
    last = drain(train(sparse))
    assert "No space left" in last.warning
    assert capsys.readouterr().err.count("No space left") == 1
    assert sparse.encoder_state == "fresh"


def test_a_sparse_project_draws_from_landmarks_and_lines(sparse):
    *_, last = train(sparse)
    sketch = sparse.pictures["seed-1"].annotation
    drawn = last.synthesizer.synthesize(sketch, style_seeds=(1, 2))
    assert drawn.images.shape == (2, 3, 32, 32)
    assert all(set(each) == {1, 2} for each in drawn.by_class)
    *_, step = last.synthesizer.refine(sketch, last.synthesizer.encode(sketch), steps=2)
    assert step.done == 1


@pytest.mark.parametrize("family", [stylegan1, stylegan3])
def test_every_family_is_annotated_trained_and_drawn(tmp_path, family):
    project = FewshotProject.create(tmp_path / "theirs", PALETTE, generator=family())
    picture = project.add_sample(1)
    mask = LabelMap(shades(picture.image)[0].numpy(), PALETTE)
    project.annotate(picture.name, mask)
    *_, last = train_project(project, options=EncoderOptions(pictures=16, batch=8))
    start = last.synthesizer.encode(mask)
    *_, step = last.synthesizer.refine(mask, start, steps=2)
    assert not torch.equal(step.wplus.tensor, start.tensor)
    assert last.synthesizer.draw(mask, step.wplus).images.shape == (1, 3, 32, 32)


def test_nothing_annotated_is_told_before_any_work(tmp_path):
    empty = FewshotProject.create(tmp_path / "empty", PALETTE, generator=tiny_generator())
    with pytest.raises(ValueError, match="annotated"):
        train_project(empty)


def test_a_photograph_gets_its_latent_and_quality(project):
    photo = project.add_photograph(project.pictures["seed-1"].image, name="photo.png")
    *_, last = invert_photograph(project, photo.name)
    assert last.index >= 1
    kept = FewshotProject.open(project.folder, generator=project.generator).pictures["photo"]
    assert kept.wplus is not None
    assert kept.quality > 0
    with pytest.raises(ValueError, match="seed-1"):
        invert_photograph(project, "nobody")


def test_a_mirror_image_has_left_and_right_exchanged():
    from smis_core.fewshot import AnnotatedPictures

    labels = torch.ones(1, 8, 8, dtype=torch.uint8)
    labels[0, 2, 1], labels[0, 2, 6] = 5, 13  # a right eye at the viewer's left, and hair
    images = torch.rand(1, 3, 8, 8)
    turned = mirrored(AnnotatedPictures(images, labels, PORTRAITS))
    assert int(turned.labels[0, 2, 6]) == 4
    assert int(turned.labels[0, 2, 1]) == 13
    assert torch.equal(turned.images, images.flip(3))


def test_mirror_images_that_the_generator_cannot_draw_are_left_out(project):
    annotated = project.annotated()
    wrong = type(annotated.wplus)(annotated.wplus.tensor.roll(1, dims=2) * 3)
    assert len(with_mirrors(project.generator, annotated, wrong).images) == 1


def test_an_edit_changes_its_region_and_nothing_else(project):
    synthesizer = list(train(project))[-1].synthesizer
    picture = project.pictures["seed-1"]
    kept = Anchor(picture.annotation, picture.wplus)
    indices = picture.annotation.indices.copy()
    indices[4:10, 4:10] = np.where(indices[4:10, 4:10] == 3, 0, 3)
    edited = LabelMap(indices, PALETTE)
    region = changed_region(kept.mask, edited)
    assert 36 <= float(region.sum()) < 200
    changed = change_region(synthesizer, kept, edited)
    with torch.no_grad():
        before = synthesizer.generator.synthesis(picture.wplus.tensor)
    outside = region == 0
    assert torch.equal(changed.images[0][:, outside], before[0][:, outside])
    assert not torch.equal(changed.images, before)
    untouched = change_region(synthesizer, kept, kept.mask)
    assert torch.equal(untouched.images, before)
    with pytest.raises(ValueError, match="one size"):
        changed_region(kept.mask, kept.mask.resized(16))


def test_a_project_is_trained_from_a_terminal(project, tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from smis_core.checkpoints.native import save_network
    from smis_core.cli import app

    save_network(tmp_path / "generator.safetensors", project.generator)
    project.set_settings(ProjectSettings(pictures=16))
    runner = CliRunner()
    refused = runner.invoke(app, ["fewshot", "project", str(project.folder)])
    assert refused.exit_code == 1
    assert "--generator" in refused.output
    named = ["--generator", str(tmp_path / "generator.safetensors"), "--device", "cpu"]
    done = runner.invoke(app, ["fewshot", "project", str(project.folder), *named])
    assert done.exit_code == 0, done.output
    assert "16 pictures" in done.output
    assert project.encoder_state == "fresh"
    refused = runner.invoke(app, ["fewshot", "project", str(tmp_path)])
    assert refused.exit_code == 1
    assert "project.json" in refused.output
