"""A tiny generator with a labeller, an encoder and a palette of four classes."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from smis_core.fewshot import FewshotConfig, FewshotNetwork, Synthesizer
from smis_core.labelling import ProbeOptions, fit_probe, sample_ws
from smis_core.networks.encoders import MaskEncoderConfig

sys.path.append(str(Path(__file__).parent))
from tiny_world import PALETTE, shades, tiny_generator


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
