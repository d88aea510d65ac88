"""A tiny generator with a labeller, an encoder and a palette of four classes."""

from types import SimpleNamespace

import pytest
import torch

from smis_core.fewshot import FewshotConfig, FewshotNetwork, Synthesizer
from smis_core.labelling import ProbeOptions, fit_probe, sample_ws
from smis_core.labels import LabelClass, Palette
from smis_core.networks import Generator, GeneratorConfig
from smis_core.networks.encoders import MaskEncoderConfig

PALETTE = Palette(
    "shades",
    tuple(
        LabelClass(index, name, (index * 9, 0, 0), name[0])
        for index, name in ((0, "dark"), (1, "middle"), (3, "light"), (5, "jewel"))
    ),
)


def tiny_generator(seed=0):
    torch.manual_seed(seed)
    config = GeneratorConfig(
        resolution=32, channel_base=256, channel_max=16, z_dim=8, w_dim=8, mapping_layers=2
    )
    network = Generator(config).eval().requires_grad_(False)
    network.mapping.w_avg.copy_(network.mapping(torch.randn(500, 8))[:, 0].mean(0))
    return network


def shades(images):
    """uint8 labels 0, 1, 3 by brightness, smoothed: a truth that a picture shows."""
    grey = torch.nn.functional.avg_pool2d(images.mean(1, keepdim=True), 5, 1, 2)[:, 0]
    low, high = grey.flatten().quantile(torch.tensor([0.33, 0.67]).to(grey))
    labels = (grey > low).to(torch.uint8) + 2 * (grey > high).to(torch.uint8)
    return labels


@pytest.fixture(scope="session")
def world():
    """`generator`, its `labeller`, and an untrained `network`; none of them is to be changed."""
    generator = tiny_generator()
    ws = sample_ws(generator, 4, rng=torch.Generator().manual_seed(1))
    labels = shades(generator.synthesis(ws))
    *_, step = fit_probe(
        generator, ws, labels, num_classes=6, options=ProbeOptions(steps=40, hidden=8, members=2)
    )
    config = FewshotConfig(
        MaskEncoderConfig(6, 32, generator.num_ws, 8), step.labeller.config, PALETTE, (5,)
    )
    torch.manual_seed(3)
    network = FewshotNetwork(config).eval().requires_grad_(False)
    network.labeller.load_state_dict(step.labeller.state_dict())
    torch.nn.init.normal_(network.encoder.base.weight, std=0.05)
    return SimpleNamespace(
        generator=generator,
        labeller=step.labeller,
        network=network,
        palette=PALETTE,
        synthesizer=Synthesizer(generator, network),
    )
