"""Latent codes as types, sampling, truncation, style mixing."""

import pytest
import torch

from smis_core.latents import (
    Noise,
    W,
    WPlus,
    Z,
    mix_styles,
    sample_noise,
    sample_z,
    truncate,
    w_statistics,
)
from smis_core.networks import Generator, GeneratorConfig


@pytest.mark.parametrize(
    ("space", "shape"), [(Z, (2, 3, 4)), (W, (4,)), (WPlus, (2, 4)), (WPlus, (1, 2, 3, 4))]
)
def test_a_space_refuses_other_shapes(space, shape) -> None:
    with pytest.raises(ValueError, match=f"{space.__name__} holds floats"):
        space(torch.zeros(shape))


def test_a_space_refuses_whole_numbers() -> None:
    with pytest.raises(ValueError, match=r"torch.int64"):
        W(torch.zeros(2, 3, dtype=torch.int64))


def test_noise_refuses_what_is_no_map() -> None:
    with pytest.raises(ValueError, match=r"map 1 is torch.float32"):
        Noise((torch.zeros(4, 4), torch.zeros(8)))


def test_w_is_broadcast_to_rows() -> None:
    w = W(torch.randn(2, 3))
    wplus = w.broadcast(5)
    assert len(wplus) == 2
    assert all(torch.equal(wplus.tensor[:, row], w.tensor) for row in range(5))


def test_a_seed_gives_its_code_at_any_batch_size() -> None:
    together = sample_z(range(6), 16).tensor
    assert together.dtype == torch.float32
    for seed in range(6):
        assert torch.equal(sample_z([seed], 16).tensor[0], together[seed])
    assert len({tuple(row.tolist()) for row in together}) == 6
    many = sample_z(range(500), 16).tensor
    assert abs(many.mean()) < 0.05
    assert abs(many.std() - 1) < 0.05


@pytest.mark.parametrize("seeds", [[], [-1], [3, -7], [2**63], [0.5], [True]])
def test_refused_seeds(seeds) -> None:
    with pytest.raises(ValueError, match="whole numbers from 0 up"):
        sample_z(seeds, 4)


def test_a_seed_gives_its_noise_at_any_batch_size() -> None:
    config = GeneratorConfig(
        resolution=8, z_dim=4, w_dim=6, channel_base=64, channel_max=8, mapping_layers=2
    )
    generator = Generator(config)
    together = sample_noise([4, 2**63 - 1], generator).maps
    assert [tuple(each.shape) for each in together] == [(2, 1, 4, 4), (2, 1, 8, 8), (2, 1, 8, 8)]
    for index, seed in enumerate([4, 2**63 - 1]):
        alone = sample_noise([seed], generator).maps
        pairs = zip(alone, together, strict=True)
        assert all(torch.equal(one, both[index : index + 1]) for one, both in pairs)
    # Independent of the code of the same seed.
    assert not torch.isin(sample_z([4], 16).tensor, together[0]).any()


def test_truncation() -> None:
    wplus, average = WPlus(torch.randn(2, 6, 3)), torch.randn(3)
    near = truncate(wplus, average, 0.5).tensor
    assert torch.allclose(near, (wplus.tensor + average) / 2)
    part = truncate(wplus, average, 0.5, cutoff=2).tensor
    assert torch.equal(part[:, :2], near[:, :2])
    assert torch.equal(part[:, 2:], wplus.tensor[:, 2:])
    assert torch.allclose(truncate(wplus, average, 0).tensor, average.expand(2, 6, 3))
    assert torch.allclose(truncate(wplus, average, 1).tensor, wplus.tensor)


def test_styles_are_mixed_from_a_layer_on() -> None:
    mask, styles = WPlus(torch.randn(1, 6, 3)), WPlus(torch.randn(4, 6, 3))
    mixed = mix_styles(mask, styles, 2).tensor
    assert torch.equal(mixed[:, :2], mask.tensor[:, :2].expand(4, -1, -1))
    assert torch.equal(mixed[:, 2:], styles.tensor[:, 2:])
    assert torch.equal(mix_styles(mask, styles, 0).tensor, styles.tensor)
    assert torch.equal(mix_styles(mask, styles, 6).tensor, mask.tensor.expand(4, -1, -1))


def test_refused_mixtures() -> None:
    code = WPlus(torch.randn(1, 6, 3))
    with pytest.raises(ValueError, match="same rows and width"):
        mix_styles(code, WPlus(torch.randn(1, 8, 3)), 2)
    with pytest.raises(ValueError, match="from 0 to 6, but is 7"):
        mix_styles(code, code, 7)
    with pytest.raises(ValueError, match="2 and 3"):
        mix_styles(WPlus(torch.randn(2, 6, 3)), WPlus(torch.randn(3, 6, 3)), 2)


def test_statistics_of_w(device: torch.device) -> None:
    torch.manual_seed(0)
    config = GeneratorConfig(
        resolution=8, z_dim=4, w_dim=6, channel_base=64, channel_max=8, mapping_layers=2
    )
    generator = Generator(config).to(device)
    mean, spread = w_statistics(generator, samples=4000)
    w = generator.mapping(torch.randn(4000, 4, device=device))[:, 0]
    assert mean.tensor.shape == (1, 6)
    assert not mean.tensor.requires_grad
    assert torch.allclose(mean.tensor[0], w.mean(dim=0), atol=0.1)
    assert torch.allclose(spread, w.var(dim=0, correction=0).sum().sqrt(), rtol=0.1)
