"""Tiny networks and pictures that every test of inversion works on."""

import torch

from smis_core.inversion import ImageEncoder, ImageEncoderConfig
from smis_core.networks import (
    Discriminator,
    DiscriminatorConfig,
    Generator,
    GeneratorConfig,
    StyleGAN1Config,
    StyleGAN1Generator,
    StyleGAN3Config,
    StyleGAN3Generator,
)

SIDE = 32
SIZES = {"resolution": SIDE, "z_dim": 6, "w_dim": 8, "channel_base": 128, "channel_max": 8}


def stylegan2(**changes):
    torch.manual_seed(0)
    config = GeneratorConfig(**{**SIZES, "mapping_layers": 2, **changes})
    return ready(Generator(config))


def stylegan1(**changes):
    torch.manual_seed(0)
    return ready(StyleGAN1Generator(StyleGAN1Config(**SIZES, mapping_layers=2, **changes)))


def stylegan3(**changes):
    torch.manual_seed(0)
    config = StyleGAN3Config(**SIZES, num_layers=5, num_critical=2, margin_size=2, **changes)
    return ready(StyleGAN3Generator(config))


def ready(network):
    network = network.eval().requires_grad_(False)
    config = network.config
    z = torch.randn(400, config.z_dim)
    c = torch.eye(config.c_dim)[torch.arange(400) % config.c_dim] if config.c_dim else None
    network.mapping.w_avg.copy_(network.mapping(z, c)[:, 0].mean(0))
    return network


def discriminator(side=SIDE):
    torch.manual_seed(1)
    config = DiscriminatorConfig(resolution=side, channel_base=128, channel_max=8)
    return Discriminator(config).eval().requires_grad_(False)


def pictures(generator, count, seed=11):
    """Samples, as targets."""
    config = generator.config
    rng = torch.Generator().manual_seed(seed)
    z = torch.randn(count, config.z_dim, generator=rng)
    c = torch.eye(config.c_dim)[torch.arange(count) % config.c_dim] if config.c_dim else None
    return generator.synthesis(generator.mapping(z, c)).clamp(-1, 1)


def encoder(generator):
    torch.manual_seed(2)
    config = ImageEncoderConfig(
        generator.config.resolution,
        generator.num_ws,
        generator.config.w_dim,
        widths=(8, 8, 8),
        bottleneck=4,
        hidden=16,
        rank=4,
    )
    return ImageEncoder(config).eval().requires_grad_(False)


def drained(steps):
    """All steps of a run."""
    return list(steps)
