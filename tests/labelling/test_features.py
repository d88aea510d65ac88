"""Reading features, whole or from a part of the generator."""

import pytest
import torch

from smis_core.labelling import (
    convolution_layers,
    first_fine_row,
    read_features,
    restyle,
    sample_ws,
    shallow_synthesis,
)
from smis_core.latents import WPlus
from smis_core.networks import Generator, GeneratorConfig


def tiny(**options):
    torch.manual_seed(0)
    config = GeneratorConfig(
        resolution=32,
        channel_base=128,
        channel_max=8,
        z_dim=8,
        w_dim=8,
        mapping_layers=2,
        **options,
    )
    return Generator(config).eval().requires_grad_(False)


@pytest.fixture
def generator():
    return tiny()


def test_any_layers_are_read(generator):
    ws = sample_ws(generator, 2, rng=torch.Generator().manual_seed(1))
    reading = read_features(generator, WPlus(ws), ["b4.conv1", "b16.conv0"])
    assert torch.equal(reading.image, generator.synthesis(ws))
    assert {name: tuple(each.shape) for name, each in reading.features.items()} == {
        "b4.conv1": (2, 8, 4, 4),
        "b16.conv0": (2, 8, 16, 16),
    }
    with pytest.raises(ValueError, match="b64"):
        read_features(generator, ws, ["b64.conv1"])
    with pytest.raises(ValueError, match="at least one"):
        read_features(generator, ws, [])


def test_a_shallow_synthesis_computes_the_same_and_stops(generator):
    ws = sample_ws(generator, 2, rng=torch.Generator().manual_seed(1))
    shallow = shallow_synthesis(generator, 16)
    names = [layer.name for layer in convolution_layers(generator, max_resolution=16)]
    whole, part = (read_features(network, ws, names) for network in (generator, shallow))
    assert part.image.shape == (2, 3, 16, 16)
    for name in names:
        assert torch.equal(whole.features[name], part.features[name]), name
    assert shallow.get_submodule("b16") is generator.synthesis.get_submodule("b16")


def test_only_a_skip_generator_has_smaller_pictures():
    generator = tiny(architecture="resnet")
    assert shallow_synthesis(generator, 16) is generator.synthesis
    with pytest.raises(ValueError, match="resolution"):
        shallow_synthesis(generator, 64)


def test_samples_depend_on_the_random_state_alone(generator):
    a, b, c = (
        sample_ws(generator, 3, rng=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


def test_restyling_keeps_the_layout_rows(generator):
    rng = torch.Generator().manual_seed(3)
    ws = sample_ws(generator, 64, rng=rng)
    styled = restyle(generator, ws, mix_from=5, rng=rng)
    changed = (styled != ws).any(dim=2)
    assert not changed[:, :5].any()
    assert changed[:, -1].float().mean() > 0.5
    assert not changed.any(dim=1).all()


def test_the_fine_rows_begin_above_32():
    generator = Generator(GeneratorConfig(resolution=128, channel_base=256, channel_max=4))
    assert first_fine_row(generator) == 7
    assert first_fine_row(tiny()) == tiny().num_ws - 1
