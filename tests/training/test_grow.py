"""Growing: the same function at first, free to learn, with what Adam knew."""

from dataclasses import replace
from itertools import islice

import pytest
import torch
from torch.nn import functional as F

from smis_core.networks import (
    Discriminator,
    DiscriminatorConfig,
    Generator,
    GeneratorConfig,
    StridedConfig,
    StridedDiscriminator,
)
from smis_core.ops import downsample2d, setup_filter, upsample2d
from smis_core.training import GanState, grow, grown, train_gan

CPU = torch.device("cpu")
SIZES = {"resolution": 16, "channel_base": 256, "channel_max": 16}


def test_a_grown_generator_gives_the_upsampled_picture_and_can_learn():
    torch.manual_seed(0)
    small = Generator(GeneratorConfig(**SIZES, z_dim=8, w_dim=8, mapping_layers=2))
    large = grow(small, 32)
    z = torch.randn(3, 8)
    former = small(z)
    picture = large(z)
    assert torch.allclose(picture, upsample2d(former, setup_filter()), atol=1e-5)
    optimizer = torch.optim.SGD(large.parameters(), lr=0.1)
    target = torch.randn_like(picture)
    for _ in range(2):
        optimizer.zero_grad()
        (large(z) - target).square().mean().backward()
        optimizer.step()
    block = large.synthesis.b32
    for layer in (block.torgb, block.conv0, block.conv1):
        assert layer.weight.grad.abs().sum() > 0


def test_a_grown_discriminator_judges_the_downsampled_picture_and_can_learn():
    torch.manual_seed(0)
    small = Discriminator(DiscriminatorConfig(**SIZES))
    large = grow(small, 32)
    pictures = torch.randn(4, 3, 32, 32)
    expected = small(downsample2d(pictures, setup_filter()))
    assert torch.allclose(large(pictures), expected, atol=1e-4)
    optimizer = torch.optim.SGD(large.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        large(pictures).square().mean().backward()
        optimizer.step()
    for layer in (large.b32.fromrgb, large.b32.conv0, large.b32.conv1):
        assert layer.weight.grad.abs().sum() > 0


def test_a_grown_strided_discriminator_does_so_too():
    torch.manual_seed(0)
    small = StridedDiscriminator(StridedConfig(**SIZES))
    large = grow(small, 32)
    pictures = torch.randn(4, 3, 32, 32)
    assert torch.allclose(large(pictures), small(F.avg_pool2d(pictures, 2)), atol=1e-5)
    optimizer = torch.optim.SGD(large.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        large(pictures).square().mean().backward()
        optimizer.step()
    for layer in (large.fromrgb["32"], large.halving["16"]):
        assert layer.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("resolution", [16, 24, 64])
def test_only_the_next_resolution(resolution):
    with pytest.raises(ValueError, match="from 16 to 32"):
        grow(Discriminator(DiscriminatorConfig(**SIZES)), resolution)


def test_only_skip_networks():
    network = Discriminator(DiscriminatorConfig(**SIZES, architecture="resnet"))
    with pytest.raises(ValueError, match="'skip'"):
        grow(network, 32)


def test_stylegan2s_discriminator_grows_with_its_moments(discs, small_options):
    options = replace(small_options, discriminator="skip", autoencoder_pictures=0)
    state = GanState.create(options, CPU)
    list(islice(train_gan(discs, options=options, start=state, device="cpu"), 2))
    larger = grown(state, replace(options, resolution=32), CPU)
    old, new = state.discriminator.b8.conv0.weight, larger.discriminator.b8.conv0.weight
    assert torch.equal(old, new)
    moments = larger.discriminator_optimizer.state[new]["exp_avg_sq"]
    assert torch.equal(moments, state.discriminator_optimizer.state[old]["exp_avg_sq"])
    assert larger.encoder is None


def test_a_training_grows_with_its_moments(tmp_path, discs, small_options):
    state = GanState.create(small_options, CPU)
    steps = train_gan(discs, options=small_options, start=state, device="cpu")
    list(islice(steps, 4))
    options = replace(small_options, resolution=32)
    with pytest.raises(ValueError, match="channel_max is 16, wanted is 8"):
        grown(state, replace(options, channel_max=8), CPU)
    larger = grown(state, options, CPU)
    assert larger.step == larger.pictures == 0
    assert "16², 32 pictures of 40 discs" in larger.grown_from
    old, new = state.generator.synthesis.b8.conv0, larger.generator.synthesis.b8.conv0
    before = state.generator_optimizer.state[old.weight]
    after = larger.generator_optimizer.state[new.weight]
    for moment in ("step", "exp_avg", "exp_avg_sq"):
        assert torch.equal(before[moment], after[moment])
    assert after["step"] == 2
    old, new = (each.discriminator.conv.weight for each in (state, larger))
    before = state.discriminator_optimizer.state[old]["exp_avg"]
    assert torch.equal(larger.discriminator_optimizer.state[new]["exp_avg"], before)
    assert torch.equal(larger.encoder.trunk.b4.out.weight, state.encoder.trunk.b4.out.weight)
    assert larger.encoder.side == 16
    assert larger.generator.synthesis.b32.conv0.weight not in larger.generator_optimizer.state
    z = torch.randn(2, 8)
    up = upsample2d(state.average(z), setup_filter())
    assert torch.allclose(larger.average(z), up, atol=1e-5)
    wide = type(discs)(resolution=32)
    first = train_gan(wide, options=options, start=larger, state=tmp_path / "state", device="cpu")
    assert all("discriminator" in step.losses for step in islice(first, 2))  # not begun anew
    first.close()
    again = GanState.load(tmp_path / "state", CPU)
    assert again.step == 2
    assert again.grown_from == larger.grown_from


def test_what_was_carried_over_can_learn_more_slowly_than_what_is_new(discs, small_options):
    former = GanState.create(small_options, CPU)
    options = replace(small_options, resolution=32, carried_lr_share=0.0)
    larger = grown(former, options, CPU)
    wide = type(discs)(resolution=32)
    list(islice(train_gan(wide, options=options, start=larger, device="cpu"), 2))
    changed = {
        name
        for name, parameter in larger.generator.named_parameters()
        if (before := dict(former.generator.named_parameters()).get(name)) is not None
        and not torch.equal(parameter, before)
    }
    assert changed == set()
    assert larger.generator.synthesis.b32.torgb.weight.abs().sum() > 0
