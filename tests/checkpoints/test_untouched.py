"""Networks built for weights that are about to come."""

import torch

from smis_core.checkpoints.untouched import Untouched
from smis_core.networks import Generator, GeneratorConfig


def test_nothing_is_drawn_and_filters_are_right() -> None:
    config = GeneratorConfig(resolution=8, z_dim=64, w_dim=64, channel_base=512, channel_max=64)
    torch.manual_seed(0)
    wanted = Generator(config)
    before = torch.get_rng_state()
    with Untouched():
        built = Generator(config)
        torch.nn.Conv2d(64, 64, 3)
        grid = torch.arange(10_000.0) / 100
    assert torch.equal(torch.get_rng_state(), before)
    assert {k: v.shape for k, v in built.state_dict().items()} == {
        k: v.shape for k, v in wanted.state_dict().items()
    }
    assert torch.equal(grid, torch.arange(10_000.0) / 100)
    for name, value in wanted.state_dict().items():
        if name.endswith("resample_filter"):
            assert torch.equal(built.state_dict()[name], value), name
    built.load_state_dict(wanted.state_dict(), assign=True)
    z = torch.randn(2, 64)
    assert torch.equal(built(z), wanted(z))
