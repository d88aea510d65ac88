"""StyleGAN3, T and R: agreement with the published networks, and what tools rely on."""

import json
import math

import pytest
import torch
from golden_files import load_golden, relative_error, state_of
from networks.contract import (
    gradients_reach_every_parameter_in_bfloat16,
    the_last_row_is_the_pictures,
)

from smis_core.networks.foreign_configs import StyleGAN3Config
from smis_core.networks.stylegan3 import StyleGAN3Generator
from smis_core.networks.stylegan3_layers import design_lowpass_filter

LIMIT = 1e-5


def golden_generator(name: str) -> tuple[StyleGAN3Generator, dict[str, torch.Tensor]]:
    tensors, texts = load_golden(f"stylegan3_{name}_generator")
    published = dict(texts["config"])
    published["resolution"] = published.pop("img_resolution")
    published["mapping_layers"] = published.pop("mapping_kwargs")["num_layers"]
    published.pop("num_fp16_res")
    return StyleGAN3Generator(StyleGAN3Config(**published)), tensors


def tiny(**changes) -> StyleGAN3Config:
    values = {
        "resolution": 32, "z_dim": 6, "w_dim": 8, "c_dim": 3, "channel_base": 128,
        "channel_max": 8, "num_layers": 5, "num_critical": 2, "margin_size": 2,
    }  # fmt: skip
    return StyleGAN3Config(**{**values, **changes})


@pytest.fixture(scope="module", params=["t", "r"])
def generator(request: pytest.FixtureRequest, device: torch.device) -> StyleGAN3Generator:
    torch.manual_seed(0)
    radial = {"conv_kernel": 1, "use_radial_filters": True} if request.param == "r" else {}
    return StyleGAN3Generator(tiny(**radial)).to(device)


@pytest.fixture
def z(device: torch.device) -> torch.Tensor:
    return torch.randn(2, 6, generator=torch.Generator().manual_seed(1)).to(device)


@pytest.fixture
def c(device: torch.device) -> torch.Tensor:
    return torch.eye(3, device=device)[:2]


@pytest.mark.parametrize("name", ["t", "r"])
def test_golden(name: str, device: torch.device) -> None:
    generator, golden = golden_generator(name)
    generator.load_state_dict(state_of(golden))
    generator.to(device)
    z = golden["z"].to(device)
    ws = generator.mapping(z)
    ours = {
        "ws": ws,
        "ws_psi0.7": generator.mapping(z, truncation_psi=0.7),
        "image": generator.synthesis(ws),
        "image_from_ws_mixed": generator.synthesis(golden["ws_mixed"].to(device)),
    }
    generator.synthesis.input.transform.copy_(golden["user_transform"])
    ours["image_transformed"] = generator(z)
    errors = {key: relative_error(value, golden[key]) for key, value in ours.items()}
    assert max(errors.values()) <= LIMIT, errors


@pytest.mark.parametrize("name", ["t", "r"])
def test_fresh_filters_are_those_of_the_published_networks(name: str) -> None:
    generator, golden = golden_generator(name)
    fresh = generator.state_dict()
    errors = {
        key: relative_error(fresh[key], value)
        for key, value in state_of(golden).items()
        if key.endswith("_filter")
    }
    assert len(errors) == 12
    assert max(errors.values()) <= 1e-6, errors


def test_a_band_passes_below_its_cutoff_and_not_above() -> None:
    for radial in (False, True):
        f = design_lowpass_filter(48, cutoff=4, half_width=2, sampling_rate=32, radial=radial)
        line = f.sum(dim=0) if radial else f
        response = torch.fft.rfft(line, 512).abs()  # bins of 1/16
        assert response[0] == pytest.approx(1, abs=1e-5)
        assert response[4 * 16] == pytest.approx(0.5, abs=0.05)
        assert response[8 * 16 :].max() < 0.02
    assert torch.allclose(f, f.T)
    for values, message in [
        ({"taps": 1}, "taps must be at least 2"),
        ({"taps": 7, "radial": True}, "even for a radial"),
        ({"cutoff": 16}, "cutoff must lie between 0 and 16"),
    ]:
        with pytest.raises(ValueError, match=message):
            design_lowpass_filter(
                **{"taps": 8, "cutoff": 4, "half_width": 2, "sampling_rate": 32, **values}
            )


def test_layers_describe_their_features(generator: StyleGAN3Generator, z, c) -> None:
    layers = generator.synthesis.layers
    assert [layer.name for layer in layers] == [
        "input", "L0_20_8", "L1_20_8", "L2_36_8", "L3_36_4", "L4_32_4",
    ]  # fmt: skip
    assert [layer.w_row for layer in layers] == list(range(generator.num_ws - 1))
    assert [layer.resolution for layer in layers] == [16, 16, 16, 32, 32, 32]
    assert [layer.group for layer in layers] == ["coarse"] * 3 + ["middle"] * 3
    names = [layer.name for layer in layers]
    image, features = generator.synthesis(generator.mapping(z, c), features=names[::-1])
    assert image.shape == (2, 3, 32, 32)
    assert image.dtype == torch.float32
    assert [*features] == names[::-1]
    for layer in layers:
        side = layer.resolution
        assert features[layer.name].shape == (2, layer.channels, side, side)


def test_layers_of_the_published_sizes() -> None:
    config = StyleGAN3Config(resolution=1024)
    assert config.num_ws == 16
    assert [band.size for band in config.bands] == [
        36, 36, 52, 52, 84, 148, 148, 276, 276, 532, 1044, 1044, 1044, 1024, 1024,
    ]  # fmt: skip
    assert [band.channels for band in config.bands[6:]] == [
        512, 323, 203, 128, 81, 51, 32, 32, 3,
    ]  # fmt: skip


def test_a_row_moves_its_layer_and_nothing_before(generator: StyleGAN3Generator, z, c) -> None:
    # A fresh input ignores its row, since nothing is turned or moved at the start.
    with torch.no_grad():
        generator.synthesis.input.affine.weight.normal_()
    the_last_row_is_the_pictures(generator, generator.mapping(z, c))


def test_features_show_the_same_part_as_the_picture(device: torch.device) -> None:
    """A shift of the scene by a grid step of the first layers is one sample of their features."""
    torch.manual_seed(2)
    network = StyleGAN3Generator(tiny(c_dim=0, margin_size=6)).to(device)
    names = ["input", "L0_28_8"]
    ws = network.mapping(torch.randn(1, 6, device=device))
    _, before = network.synthesis(ws, features=names)
    network.synthesis.input.transform[0, 2] = 1 / 16
    _, after = network.synthesis(ws, features=names)
    for name in names:
        inside = before[name][..., 3:-2], after[name][..., 2:-3]
        assert torch.allclose(*inside, atol=1e-3), name
        assert not torch.allclose(before[name], after[name], atol=1e-1)


def test_a_sample_does_not_depend_on_its_batch(generator: StyleGAN3Generator, z, c) -> None:
    both = generator(z, c)
    assert torch.allclose(generator(z[:1], c[:1]), both[:1], atol=1e-5)


def test_gradients_reach_every_parameter_in_bfloat16(generator: StyleGAN3Generator, device) -> None:
    generator.zero_grad()
    z, c = torch.randn(3, 6, device=device), torch.eye(3, device=device)
    gradients_reach_every_parameter_in_bfloat16(generator, z, c)


def test_bfloat16_draws_nearly_the_same_picture(generator: StyleGAN3Generator, z, c) -> None:
    ws = generator.mapping(z, c)
    exact = generator.synthesis(ws)
    with torch.autocast(z.device.type, torch.bfloat16):
        rough, features = generator.synthesis(ws, features=["L4_32_4"])
    assert features["L4_32_4"].dtype == torch.bfloat16
    assert relative_error(rough, exact.detach().cpu()) < 0.05


def test_magnitude_divides_what_a_layer_takes(generator: StyleGAN3Generator, z, c) -> None:
    """Four times the magnitude halves a layer's response, before its bias."""
    network, ws = generator.synthesis, generator.mapping(z, c)
    name = network.layers[2].name
    layer = network.get_submodule(name)
    x = torch.randn(2, 8, 20, 20, device=z.device)
    with torch.no_grad():
        layer.bias.zero_()
        full = layer(x, ws[:, 2])
        layer.magnitude_ema.fill_(4)
        half = layer(x, ws[:, 2])
        assert torch.allclose(half, full / 2, atol=1e-5)
        layer.bias.fill_(1)
        # Far from the border a bias passes the filters unchanged.
        silent = layer(torch.zeros_like(x), ws[:, 2])
        assert silent[..., 8:12, 8:12].mean().item() == pytest.approx(math.sqrt(2), rel=0.01)
        layer.magnitude_ema.fill_(1)
        layer.bias.zero_()


def test_noise_is_accepted_by_name_alone(generator: StyleGAN3Generator, z, c) -> None:
    ws = generator.mapping(z, c)
    const = generator.synthesis(ws)
    for noise in ("none", "random"):
        assert torch.equal(generator.synthesis(ws, noise=noise), const)
    for noise, message in [
        ([torch.zeros(4, 4)], "StyleGAN3 has no noise.*1 maps came"),
        ("fresh", "'fresh' came"),
    ]:
        with pytest.raises(ValueError, match=message):
            generator.synthesis(ws, noise=noise)


def test_bad_input(generator: StyleGAN3Generator, z, c) -> None:
    ws = generator.mapping(z, c)
    refused = [
        (lambda: generator.mapping(z[:, :5], c), r"z must be \[N, 6\].*\[2, 5\] came"),
        (lambda: generator.mapping(z), r"c must be \[N, 3\].*nothing came"),
        (lambda: generator.synthesis(ws[:, :4]), r"ws must be \[N, 7, 8\]"),
        (lambda: generator.synthesis(ws, features=["b8"]), r"came with \['b8'\]"),
    ]
    for call, message in refused:
        with pytest.raises(ValueError, match=message):
            call()


def test_config() -> None:
    again = StyleGAN3Config.from_dict(json.loads(json.dumps(tiny().to_dict())))
    assert again == tiny()
    for values, message in [
        ({"resolution": 48}, "power of two"),
        ({"num_critical": 5}, "num_critical must be from 0 to 4"),
        ({"conv_kernel": 2}, "conv_kernel must be odd"),
        ({"lrelu_upsampling": 1}, "lrelu_upsampling must be even"),
        ({"margin_size": -1}, "margin_size must not"),
        ({"channel_base": 8}, "channel_base must be at least"),
        ({"first_cutoff": 5.0}, "first_cutoff and first_stopband must rise"),
        ({"last_stopband_rel": 1.0}, "last_stopband_rel must exceed 1"),
        ({"conv_clamp": 0.0}, "conv_clamp must be positive"),
        ({"w_avg_beta": 1.0}, "w_avg_beta must be in"),
    ]:
        with pytest.raises(ValueError, match=message):
            tiny(**values)
