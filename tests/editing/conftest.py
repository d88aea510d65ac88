"""Tiny generators of every family."""

import pytest
import torch

from smis_core.networks import (
    Generator,
    GeneratorConfig,
    StyleGAN1Config,
    StyleGAN1Generator,
    StyleGAN3Config,
    StyleGAN3Generator,
)

SIZES = {"resolution": 32, "z_dim": 6, "w_dim": 8, "channel_base": 128, "channel_max": 8}


def stylegan2(seed=0, **options):
    torch.manual_seed(seed)
    generator = Generator(GeneratorConfig(**SIZES, mapping_layers=2, **options))
    return prepared(generator)


def stylegan3(**options):
    torch.manual_seed(0)
    config = StyleGAN3Config(**SIZES, num_layers=5, num_critical=2, margin_size=2, **options)
    return prepared(StyleGAN3Generator(config))


def prepared(generator):
    """Frozen, with an average that is that of its w, and noise that shows."""
    generator.eval().requires_grad_(False)
    config = generator.config
    c = torch.eye(config.c_dim)[torch.arange(500) % config.c_dim] if config.c_dim else None
    generator.mapping.w_avg.copy_(
        generator.mapping(torch.randn(500, config.z_dim), c)[:, 0].mean(0)
    )
    for name, value in generator.synthesis.named_parameters():
        if name.endswith("noise_strength"):
            value.fill_(0.1)
    return generator


FAMILIES = {
    "2": stylegan2,
    "2 with classes": lambda: stylegan2(c_dim=3, architecture="resnet"),
    "1": lambda: prepared(StyleGAN1Generator(StyleGAN1Config(**SIZES, mapping_layers=2))),
    "3": stylegan3,
}


@pytest.fixture(params=FAMILIES.values(), ids=FAMILIES.keys())
def anyone(request):
    """A generator of each family."""
    torch.manual_seed(0)
    return request.param()


@pytest.fixture
def generator():
    """A StyleGAN2."""
    return stylegan2()


def a_class(generator):
    """What `label` has to be for a generator."""
    return 1 if generator.config.c_dim else None
