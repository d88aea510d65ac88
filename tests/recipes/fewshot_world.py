"""Tiny bundled networks on disk: a generator, its discriminator and a judge of portraits."""

import torch

from smis_core.checkpoints import save_network
from smis_core.evaluation import Judge, JudgeConfig
from smis_core.networks import Discriminator, DiscriminatorConfig, Generator, GeneratorConfig
from smis_core.portraits.renderer import RENDERER_VERSION

SIZE = 32


def write_networks(folder):
    """Writes `generator`, `discriminator` and `judge` in their shipped format."""
    torch.manual_seed(0)
    made_from = {"made_from": {"renderer": RENDERER_VERSION}}
    widths = {"resolution": SIZE, "channel_base": 256, "channel_max": 8}
    generator = Generator(GeneratorConfig(**widths, z_dim=8, w_dim=8, mapping_layers=2))
    generator.mapping.w_avg.copy_(generator.mapping(torch.randn(200, 8))[:, 0].mean(0).detach())
    networks = {
        "generator": generator,
        "discriminator": Discriminator(DiscriminatorConfig(**widths)),
        "judge": Judge(JudgeConfig(resolution=SIZE, widths=(16, 16, 16, 16), depths=(0, 0, 0))),
    }
    for name, network in networks.items():
        save_network(folder / f"{name}.safetensors", network, card=made_from, half=True)
    return {name: folder / f"{name}.safetensors" for name in networks}
