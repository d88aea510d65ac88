"""Features and style mixing work on StyleGAN 1 and 3 as they do on StyleGAN2."""

import pytest
import torch

from smis_core.labelling import (
    ProbeOptions,
    QuickOptions,
    best_prototypes,
    first_fine_row,
    fit_probe,
    fit_quickly,
    read_features,
    sample_ws,
)
from smis_core.latents import WPlus, mix_styles
from smis_core.networks import (
    StyleGAN1Config,
    StyleGAN1Generator,
    StyleGAN3Config,
    StyleGAN3Generator,
)

SIZES = {"resolution": 32, "z_dim": 6, "w_dim": 8, "channel_base": 128, "channel_max": 8}


def stylegan1() -> StyleGAN1Generator:
    return StyleGAN1Generator(StyleGAN1Config(**SIZES, mapping_layers=2))


def stylegan3() -> StyleGAN3Generator:
    return StyleGAN3Generator(StyleGAN3Config(**SIZES, num_layers=5, num_critical=2, margin_size=2))


@pytest.fixture(params=[stylegan1, stylegan3], ids=["1", "3"])
def generator(request):
    torch.manual_seed(0)
    return request.param().eval().requires_grad_(False)


@pytest.fixture
def ws(generator):
    return sample_ws(generator, 2, rng=torch.Generator().manual_seed(1))


def test_features_of_any_layer_name_the_picture(generator, ws):
    layers = [layer.name for layer in generator.synthesis.layers]
    reading = read_features(generator, ws, layers)
    assert [*reading.features] == layers
    labels = (reading.image[:, 0] > reading.image[:, 0].median()).to(torch.uint8)
    labeller = best_prototypes(generator, ws, labels, num_classes=2)
    named = labeller.labels(reading.features, 32)
    assert (named == labels).float().mean() > 0.6


@pytest.mark.parametrize(
    ("fit", "options"),
    [
        (fit_quickly, QuickOptions(steps=60, hidden=8, members=2, copies=2, pixels=1000)),
        (fit_probe, ProbeOptions(steps=40, hidden=8, members=2)),
    ],
    ids=["quickly", "probe"],
)
def test_probes_are_fitted_with_noise_or_without(generator, ws, fit, options):
    grey = generator.synthesis(ws).mean(1)
    labels = (grey > grey.median()).to(torch.uint8)
    *_, last = fit(generator, ws[:1], labels[:1], num_classes=2, options=options)
    named = last.labeller.labels(read_features(generator, ws, last.labeller.layers).features, 32)
    assert (named[:1] == labels[:1]).float().mean() > 0.6


def test_styles_mix(generator, ws):
    first, second = WPlus(ws[:1]), WPlus(ws[1:])
    row = first_fine_row(generator)
    assert 0 < row < generator.num_ws
    mixed = generator.synthesis(mix_styles(first, second, row).tensor)
    for other in (first, second):
        assert not torch.allclose(mixed, generator.synthesis(other.tensor), atol=1e-3)
