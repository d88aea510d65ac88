"""The strided discriminator and the encoder of latents: shapes, features, what is refused."""

import pytest
import torch

from smis_core.networks import LatentEncoder, StridedConfig, StridedDiscriminator


def tiny(**values) -> StridedDiscriminator:
    torch.manual_seed(0)
    return StridedDiscriminator(
        StridedConfig(resolution=32, channel_base=64, channel_max=8, **values)
    )


def test_logits_and_features_finest_first():
    images = torch.randn(4, 3, 32, 32)
    logits, maps = tiny()(images, features=True)
    assert logits.shape == (4, 1)
    assert [tuple(each.shape[1:]) for each in maps] == [
        (4, 16, 16), (8, 8, 8), (8, 4, 4), (8, 4, 4),
    ]  # fmt: skip
    assert torch.equal(tiny()(images), logits)


def test_only_the_statistic_lets_it_compare_pictures():
    images = torch.randn(4, 3, 32, 32)
    repeated = torch.cat([images[:1]] * 4)
    assert not torch.allclose(tiny()(images)[0], tiny()(repeated)[0])
    alone = tiny(mbstd_group_size=1)
    assert torch.allclose(alone(images)[0], alone(repeated)[0], atol=1e-6)


def test_configurations_travel_as_plain_values():
    config = tiny().config
    assert StridedConfig.from_dict(config.to_dict()) == config
    with pytest.raises(ValueError, match="mbstd"):
        StridedConfig(resolution=32, mbstd_group_size=0)
    with pytest.raises(ValueError, match="power of two"):
        StridedConfig(resolution=48)
    with pytest.raises(ValueError, match="at least half the resolution"):
        StridedConfig(resolution=64, channel_base=16)
    with pytest.raises(ValueError, match="needs a resolution"):
        StridedConfig.from_dict({"channel_max": 4})
    with pytest.raises(ValueError, match="'colour'"):
        StridedConfig.from_dict({"resolution": 32, "colour": 4})


def test_pictures_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"\[N, 3, 32, 32\].*\[2, 3, 16, 16\]"):
        tiny()(torch.randn(2, 3, 16, 16))


def test_the_encoder_reads_larger_pictures_averaged_down():
    torch.manual_seed(0)
    encoder = LatentEncoder(16, 5)
    images = torch.randn(2, 3, 16, 16)
    mean, log_variance = encoder(images)
    assert mean.shape == log_variance.shape == (2, 5)
    larger, _ = encoder(images.repeat_interleave(2, 2).repeat_interleave(2, 3))
    assert torch.allclose(larger, mean, atol=1e-6)
