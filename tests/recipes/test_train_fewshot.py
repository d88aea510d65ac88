"""From annotated pictures to an encoder on disk."""

import json
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from smis_core.checkpoints import fingerprint, read_card, save_network
from smis_core.cli import app
from smis_core.fewshot import EncoderOptions, ValidationOptions, load_synthesizer_files
from smis_core.inversion import ProjectionOptions
from smis_core.labelling import QuickOptions, ThoroughOptions
from smis_core.labels import PORTRAITS, LabelClass, LabelMap, Palette
from smis_core.recipes.annotations import annotated_files, annotated_renders
from smis_core.recipes.train_fewshot import FewshotOptions, make_encoder

sys.path.append(str(Path(__file__).parent))
from fewshot_world import SIZE, write_networks

sys.path.append(str(Path(__file__).parents[1] / "fewshot"))
from tiny_world import tiny_generator

LABELLING = ThoroughOptions(
    QuickOptions(steps=4, hidden=4, members=2, copies=2, pixels=200), rounds=1, samples=2
)
OPTIONS = FewshotOptions(
    projection=ProjectionOptions(steps=4, candidates=4),
    labelling=LABELLING,
    encoder=EncoderOptions(pictures=16, batch=4),
)


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    return write_networks(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def annotated():
    return annotated_renders(2, size=SIZE)


def make(out, annotated, networks, scratch, options=OPTIONS, **named):
    return make_encoder(
        out,
        annotated,
        generator=networks["generator"],
        discriminator=networks["discriminator"],
        scratch=scratch,
        options=options,
        command="a test",
        device="cpu",
        **named,
    )


def test_annotated_renders_show_every_class_but_glasses_and_hat(annotated):
    for mask in annotated.labels:
        assert set(mask.unique().tolist()) == set(PORTRAITS.indices) - {3, 14, 15, 16}
    assert torch.equal(annotated_renders(1, size=SIZE).labels, annotated.labels[:1])
    assert torch.equal(annotated_renders(1, size=SIZE, choice=2).labels, annotated.labels[1:])
    with pytest.raises(ValueError, match="at least 1"):
        annotated_renders(0, size=SIZE)


def test_an_encoder_is_made_and_draws(annotated, networks, tmp_path):
    out = tmp_path / "encoder.safetensors"
    steps = list(make(out, annotated, networks, tmp_path / "work"))
    phases = dict(Counter(step.phase for step in steps))
    assert phases == {"invert": 4, "invert mirror images": 4, "name": 8, "train": 4}
    assert [step.network is None for step in steps] == [True] * (len(steps) - 1) + [False]
    assert all(1 <= step.index <= step.total for step in steps)
    card = read_card(out)
    assert card["made_from"]["generator"] == fingerprint(networks["generator"])
    assert card["shots"] == 2
    synthesizer = load_synthesizer_files(networks["generator"], out, device="cpu")
    assert synthesizer.labeller.classes == annotated.classes
    drawn = synthesizer.synthesize(LabelMap(annotated.labels[0].numpy()), style_seeds=(0, 1))
    assert drawn.images.shape == (2, 3, SIZE, SIZE)
    assert not (tmp_path / "work" / "encoder.state").exists()


def test_an_interrupted_run_ends_with_the_same_encoder(annotated, networks, tmp_path):
    whole, parts = tmp_path / "whole.safetensors", tmp_path / "parts.safetensors"
    list(make(whole, annotated, networks, tmp_path / "a"))
    for stop in (6, 10):  # while naming, while training
        steps = make(parts, annotated, networks, tmp_path / "b")
        for _ in range(stop):
            if next(steps, None) is None:
                break
        steps.close()
        assert not parts.exists() or stop == 10
    assert any((tmp_path / "b").iterdir())
    last = list(make(parts, annotated, networks, tmp_path / "b"))
    assert [step.phase for step in last][:1] == ["invert"]
    assert sum(step.phase == "invert" for step in last) == 1, "found latents are kept"
    assert fingerprint(whole) == fingerprint(parts)


def test_a_training_ends_when_it_learns_nothing_more(annotated, networks, tmp_path):
    out = tmp_path / "encoder.safetensors"
    options = replace(OPTIONS, encoder=EncoderOptions(pictures=160, batch=4))
    stall = ValidationOptions(masks=2, interval_steps=1, patience=2, least_gain=0.99, cooldown=0.5)
    steps = list(make(out, annotated, networks, tmp_path / "work", options, validation=stall))
    trained = [step for step in steps if step.phase == "train"]
    assert trained[0].total == 40
    assert trained[-1].index == trained[-1].total == 3
    assert read_card(out)["pictures"] == 12


def test_a_conditional_generator_is_refused(annotated, networks, tmp_path):
    save_network(tmp_path / "classes.safetensors", tiny_generator(c_dim=2))
    theirs = networks | {"generator": tmp_path / "classes.safetensors"}
    with pytest.raises(ValueError, match="unconditional one, got one with 2 classes"):
        make(tmp_path / "encoder.safetensors", annotated, theirs, tmp_path / "work")


def test_other_options_do_not_reuse_what_was_kept(annotated, networks, tmp_path):
    out = tmp_path / "encoder.safetensors"
    list(make(out, annotated, networks, tmp_path / "work"))
    other = replace(OPTIONS, labelling=replace(LABELLING, rounds=2))
    phases = [step.phase for step in make(out, annotated, networks, tmp_path / "work", other)]
    assert phases.count("invert") == 1
    assert phases.count("name") == 12


def test_pictures_of_another_size_or_a_wrong_file_are_refused(annotated, networks, tmp_path):
    out, work = tmp_path / "encoder.safetensors", tmp_path / "work"
    with pytest.raises(ValueError, match="32²"):
        make(out, annotated_renders(1, size=64), networks, work)
    with pytest.raises(ValueError, match="a generator was wanted"):
        make(out, annotated, networks | {"generator": networks["judge"]}, work)
    with pytest.raises(ValueError, match="wanted a discriminator"):
        make(out, annotated, networks | {"discriminator": networks["judge"]}, work)
    assert not out.exists()


@pytest.fixture
def folders(tmp_path):
    pictures, masks = tmp_path / "pictures", tmp_path / "masks"
    pictures.mkdir()
    masks.mkdir()
    for name in ("anna", "ben"):
        noise = np.random.default_rng(0).integers(0, 256, (48, 48, 3), dtype=np.uint8)
        Image.fromarray(noise).save(pictures / f"{name}.jpg")
        indices = np.ones((48, 48), np.uint8)
        indices[10:20] = 13
        LabelMap(indices).save(masks / f"{name}.png")
    return pictures, masks


def test_anyones_pictures_are_paired_by_name(folders):
    annotated = annotated_files(*folders, size=32)
    assert annotated.images.shape == (2, 3, 32, 32)
    assert annotated.classes == (1, 13)


def test_annotations_of_other_programs_are_read_by_their_names(folders):
    pictures, masks = folders
    Image.fromarray(np.zeros((48, 80, 3), np.uint8)).save(pictures / "ben.jpg")
    (masks / "ben.png").unlink()
    shapes = [
        {"label": "Hair", "shape_type": "rectangle", "points": [[0, 0], [79, 23]]},
        {"label": "skin", "shape_type": "rectangle", "points": [[16, 24], [63, 47]]},
    ]
    document = {"shapes": shapes, "imageWidth": 80, "imageHeight": 48}
    (masks / "ben.json").write_text(json.dumps(document))
    theirs = Palette("t", (LabelClass(1, "hair", (1, 2, 3), ""),))
    LabelMap(np.ones((48, 48), np.uint8), theirs).save(masks / "anna.png")
    annotated = annotated_files(pictures, masks, size=48)
    assert (annotated.labels[0] == 13).all(), "hair is 1 in their palette"
    assert (annotated.labels[1, :24] == 13).all()
    assert (annotated.labels[1, 24:] == 1).all(), "the middle of the picture, cropped alike"


def test_every_annotation_counts(folders):
    pictures, masks = folders
    (masks / "ben.png").rename(masks / "carla.png")
    with pytest.raises(ValueError, match=r"ben.*carla|carla.*ben"):
        annotated_files(pictures, masks, size=32)
    (masks / "carla.png").rename(masks / "ben.png")
    whole = (pictures / "ben.jpg").read_bytes()
    (pictures / "ben.jpg").write_bytes(whole[: -len(whole) // 3])
    with pytest.raises(ValueError, match=r"ben\.jpg"):
        annotated_files(pictures, masks, size=32)
    (pictures / "ben.jpg").write_bytes(whole)
    (masks / "ben.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"ben\.png"):
        annotated_files(pictures, masks, size=32)


def test_folders_without_squares_or_files_are_refused(folders, tmp_path):
    pictures, masks = folders
    Image.fromarray(np.zeros((48, 40, 3), np.uint8)).save(pictures / "ben.jpg")
    with pytest.raises(ValueError, match="square"):
        annotated_files(pictures, masks, size=32)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ValueError, match="pictures: wanted at least one"):
        annotated_files(empty, masks, size=32)
    with pytest.raises(FileNotFoundError, match="masks"):
        annotated_files(pictures, tmp_path / "none", size=32)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--shots", "0"], "at least 1"),
        (["--pictures", "."], "--masks"),
        (["--pictures", ".", "--masks", ".", "--shots", "1"], "choose"),
        (["--generator", "missing.safetensors"], "missing.safetensors"),
        (["--patience", "-1"], "patience"),
    ],
)
def test_the_command_refuses_before_any_work(tmp_path, arguments, message):
    out = tmp_path / "encoder.safetensors"
    result = CliRunner().invoke(app, ["fewshot", "train", "--out", str(out), *arguments])
    assert result.exit_code == 1
    assert message in result.output
    assert not any(tmp_path.iterdir())
