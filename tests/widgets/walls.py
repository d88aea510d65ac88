"""What a page would say to the walls of the search, and a small generator to search with."""

from __future__ import annotations

import torch

from smis_core.editing import pca
from smis_core.networks import Generator, GeneratorConfig
from smis_widgets.picture_wall import PictureWall


def small_generator(seed: int = 0, **options: int) -> Generator:
    """A StyleGAN2 of 16² with random weights."""
    torch.manual_seed(seed)
    config = GeneratorConfig(
        resolution=16, z_dim=6, w_dim=8, channel_base=64, channel_max=8, mapping_layers=2, **options
    )
    generator = Generator(config).eval().requires_grad_(False)
    c = torch.eye(config.c_dim)[torch.arange(200) % config.c_dim] if config.c_dim else None
    w = generator.mapping(torch.randn(200, config.z_dim), c)[:, 0]
    generator.mapping.w_avg.copy_(w.mean(0))
    return generator


def small_directions(generator: Generator, count: int = 3):
    """Some of its own."""
    return pca(generator, count=count)


def say(wall: PictureWall, **content: object) -> None:
    """A message of a page."""
    wall._handle_custom_msg({"view": "page", "epoch": wall.epoch, **content}, [])


def look(wall: PictureWall, count: int | None = None, first: int = 0) -> None:
    """A page scrolls to some places."""
    until = wall.count if count is None else first + count
    say(wall, want=[[place, 0] for place in range(first, until)])
