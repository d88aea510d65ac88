"""Encoder and labeller in one file, and the synthesizers that are loaded from it."""

import numpy as np
import pytest
import torch

from smis_core.checkpoints import fingerprint, load_network, save_network
from smis_core.fewshot import (
    AnnotatedPictures,
    FewshotConfig,
    load_synthesizer,
    load_synthesizer_files,
)
from smis_core.labels import PORTRAITS, LabelMap


@pytest.fixture
def files(world, tmp_path):
    generator, encoder = tmp_path / "generator.safetensors", tmp_path / "encoder.safetensors"
    save_network(generator, world.generator)
    card = {"made_from": {"generator": fingerprint(generator)}}
    save_network(encoder, world.network, card=card, half=True)
    return generator, encoder


def test_a_file_holds_encoder_labeller_and_palette(world, files):
    network = load_network(files[1], device="cpu")
    assert network.config == world.network.config
    assert network.config.palette == world.palette
    one_hot = torch.rand(1, 6, 32, 32)
    assert torch.allclose(network(one_hot), world.network(one_hot), atol=1e-2)


def test_a_synthesizer_draws_from_files(world, files):
    loaded = load_synthesizer_files(*files, device="cpu")
    mask = LabelMap(np.ones((32, 32), np.uint8), world.palette)
    ours, theirs = (each.synthesize(mask).images for each in (loaded, world.synthesizer))
    assert (ours - theirs).abs().mean() < 0.02


def test_files_that_do_not_belong_together_are_refused(world, files, tmp_path):
    generator, encoder = files
    with pytest.raises(ValueError, match="wanted an encoder"):
        load_synthesizer_files(generator, generator, device="cpu")
    save_network(encoder, world.network, card={"made_from": {"generator": "another"}})
    with pytest.raises(ValueError, match="make models"):
        load_synthesizer_files(generator, encoder, device="cpu")
    save_network(encoder, world.network)
    with pytest.raises(ValueError, match="a generator was wanted"):
        load_synthesizer_files(encoder, encoder, device="cpu")
    with pytest.raises(FileNotFoundError):
        load_synthesizer_files(tmp_path / "none", encoder, device="cpu")


def test_only_shipped_shots_are_bundled():
    with pytest.raises(ValueError, match=r"wanted one of .*got 3"):
        load_synthesizer(shots=3)


def test_parts_of_different_palettes_are_refused(world):
    config = world.network.config
    with pytest.raises(ValueError, match="same number of classes"):
        FewshotConfig(config.encoder, config.labeller, PORTRAITS)


def annotated(**values):
    sound = {
        "images": torch.zeros(2, 3, 8, 8),
        "labels": torch.ones(2, 8, 8, dtype=torch.uint8),
        "palette": PORTRAITS,
    }
    return AnnotatedPictures(**sound | values)


def test_annotations_know_their_classes():
    labels = torch.full((2, 8, 8), 255, dtype=torch.uint8)
    labels[0, 0, 0], labels[1, 0, 0] = 13, 4
    assert annotated(labels=labels).classes == (4, 13)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"images": torch.zeros(0, 3, 8, 8)}, "images"),
        ({"labels": torch.ones(1, 8, 8, dtype=torch.uint8)}, "one mask a picture"),
        ({"labels": torch.ones(2, 8, 8)}, "uint8"),
        ({"labels": torch.full((2, 8, 8), 99, dtype=torch.uint8)}, "99"),
        ({"labels": torch.full((2, 8, 8), 255, dtype=torch.uint8)}, "painted pixel"),
    ],
)
def test_broken_annotations_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        annotated(**values)
