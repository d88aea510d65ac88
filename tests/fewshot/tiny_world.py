"""A tiny generator, a palette of four classes, and a truth that pictures show."""

import torch

from smis_core.labels import LabelClass, Palette
from smis_core.networks import Generator, GeneratorConfig

PALETTE = Palette(
    "shades",
    tuple(
        LabelClass(index, name, (index * 9, 0, 0), name[0])
        for index, name in ((0, "dark"), (1, "middle"), (3, "light"), (5, "jewel"))
    ),
)


def tiny_generator(seed=0, c_dim=0):
    torch.manual_seed(seed)
    config = GeneratorConfig(
        resolution=32, channel_base=256, channel_max=16, z_dim=8, w_dim=8, mapping_layers=2,
        c_dim=c_dim,
    )  # fmt: skip
    network = Generator(config).eval().requires_grad_(False)
    classes = torch.eye(c_dim)[torch.arange(500) % c_dim] if c_dim else None
    network.mapping.w_avg.copy_(network.mapping(torch.randn(500, 8), classes)[:, 0].mean(0))
    return network


def shades(images):
    """uint8 labels 0, 1, 3 by brightness, smoothed: a truth that a picture shows."""
    grey = torch.nn.functional.avg_pool2d(images.mean(1, keepdim=True), 5, 1, 2)[:, 0]
    low, high = grey.flatten().quantile(torch.tensor([0.33, 0.67]).to(grey))
    labels = (grey > low).to(torch.uint8) + 2 * (grey > high).to(torch.uint8)
    return labels
