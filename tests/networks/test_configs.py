"""Configurations: what they derive, how they are saved, what they refuse."""

import json

import pytest

from smis_core.networks import DiscriminatorConfig, GeneratorConfig


def test_derived_sizes() -> None:
    config = GeneratorConfig(resolution=1024, channel_base=32768, channel_max=512)
    assert config.num_ws == 18
    assert config.resolutions == (4, 8, 16, 32, 64, 128, 256, 512, 1024)
    assert [config.channels(r) for r in (4, 64, 128, 1024)] == [512, 512, 256, 32]


@pytest.mark.parametrize(
    "config",
    [
        GeneratorConfig(resolution=64, c_dim=3, conv_clamp=256.0, architecture="resnet"),
        DiscriminatorConfig(resolution=32, cmap_dim=16, architecture="orig"),
    ],
)
def test_to_json_and_back(config) -> None:
    assert type(config).from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"resolution": 96}, "power of two, at least 8, but is 96"),
        ({"resolution": 4}, "power of two"),
        ({"resolution": 0}, "power of two"),
        ({"resolution": 64, "architecture": "unet"}, "architecture must be one of"),
        ({"resolution": 64, "conv_clamp": 0.0}, "conv_clamp must be positive"),
        ({"resolution": 64, "c_dim": -1}, "c_dim must be 0 or"),
        ({"resolution": 64, "channel_base": 32}, "channel_base must be at least"),
        ({"resolution": 64, "img_channels": 0}, "img_channels must be at least 1"),
        ({"resolution": 64, "depth": 3}, r"came with \['depth'\]"),
        ({}, "needs a resolution"),
    ],
)
@pytest.mark.parametrize("kind", [GeneratorConfig, DiscriminatorConfig])
def test_refusals(kind, values, message) -> None:
    with pytest.raises(ValueError, match=message):
        kind.from_dict(values)


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        (GeneratorConfig, {"z_dim": 0}, "z_dim must be at least 1"),
        (GeneratorConfig, {"w_avg_beta": 1.0}, "w_avg_beta must be in"),
        (DiscriminatorConfig, {"mbstd_group_size": 0}, "mbstd_group_size must be at least 1"),
        (DiscriminatorConfig, {"mbstd_channels": 7}, "must divide the 128 channels"),
        (DiscriminatorConfig, {"cmap_dim": 0}, "cmap_dim must be at least 1"),
    ],
)
def test_refusals_of_one_kind(kind, values, message) -> None:
    with pytest.raises(ValueError, match=message):
        kind(resolution=64, **values)
