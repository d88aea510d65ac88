"""Modulated convolution against its definition, and its extra arguments."""

import pytest
import torch
import torch.nn.functional as F
from golden_files import relative_error

from smis_core.ops import bias_act, conv2d_resample, modulated_conv2d, setup_filter


@pytest.fixture
def inputs(device: torch.device) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    shapes = {"x": (3, 6, 8, 8), "weight": (5, 6, 3, 3), "styles": (3, 6), "bias": (5,)}
    return {name: torch.randn(shape, device=device) for name, shape in shapes.items()}


@pytest.mark.parametrize("demodulate", [True, False])
def test_is_a_convolution_with_weights_of_each_sample(inputs, demodulate: bool) -> None:
    y = modulated_conv2d(
        inputs["x"], inputs["weight"], inputs["styles"], padding=1, demodulate=demodulate
    )
    for i in range(3):
        weight = inputs["weight"] * inputs["styles"][i][None, :, None, None]
        if demodulate:
            weight = weight / (weight.square().sum(dim=(1, 2, 3), keepdim=True) + 1e-8).sqrt()
        expected = F.conv2d(inputs["x"][i : i + 1], weight, padding=1)
        assert relative_error(y[i : i + 1], expected.cpu()) <= 1e-5


@pytest.mark.parametrize("demodulate", [True, False])
@pytest.mark.parametrize("up", [1, 2])
def test_gain_scales_bias_and_noise_too(inputs, up: int, demodulate: bool, device) -> None:
    x, weight, styles, bias = inputs.values()
    noise = torch.randn(8 * up, 8 * up, device=device)
    keywords = {
        "up": up,
        "padding": 1,
        "resample_filter": setup_filter().to(device),
        "demodulate": demodulate,
    }
    plain = modulated_conv2d(x, weight, styles, **keywords)
    full = modulated_conv2d(x, weight, styles, bias, noise=noise, gain=1.7, **keywords)
    expected = 1.7 * (plain + noise + bias[:, None, None])
    assert relative_error(full, expected.cpu()) <= 1e-5


@pytest.mark.parametrize("demodulate", [True, False])
def test_styles_put_on_by_the_convolution_before(inputs, demodulate: bool, device) -> None:
    x, weight, styles, bias = inputs.values()
    next_styles, next_weight = torch.randn(3, 5, device=device), torch.randn(4, 5, 3, 3).to(device)
    first = {"act": "lrelu", "clamp": 1.0, "up": 2, "resample_filter": setup_filter().to(device)}
    second = {"gain": 1.7, "demodulate": demodulate}
    y = modulated_conv2d(x, weight, styles, bias, padding=1, **first)
    expected = modulated_conv2d(y, next_weight, next_styles, padding=1, **second)
    y = modulated_conv2d(x, weight, styles, bias, padding=1, next_styles=next_styles, **first)
    ours = modulated_conv2d(y, next_weight, next_styles, padding=1, styled=True, **second)
    assert relative_error(ours, expected.cpu()) <= 1e-5


def test_demodulation_forgets_the_size_of_styles(inputs) -> None:
    x, weight, styles, _ = inputs.values()
    small = modulated_conv2d(x, weight, styles, padding=1)
    large = modulated_conv2d(x, weight, styles * 100, padding=1)
    assert relative_error(large, small.cpu()) <= 1e-5


def test_steps_between_convolutions_stay_in_bfloat16(inputs) -> None:
    x, weight, styles, bias = inputs.values()
    with torch.autocast(x.device.type, torch.bfloat16):
        y = modulated_conv2d(x, weight, styles, bias, noise=torch.ones_like(x[:1, :1]), padding=1)
        y = bias_act(y, bias, act="lrelu", clamp=1.0)
    assert y.dtype == torch.bfloat16


@pytest.mark.parametrize("up", [1, 2])
def test_bias_of_a_resampled_convolution(inputs, up: int, device) -> None:
    f = setup_filter().to(device)
    plain = conv2d_resample(inputs["x"], inputs["weight"], up=up, padding=1, resample_filter=f)
    biased = conv2d_resample(
        inputs["x"], inputs["weight"], inputs["bias"], up=up, padding=1, resample_filter=f
    )
    assert relative_error(biased, (plain + inputs["bias"][:, None, None]).cpu()) <= 1e-5


def test_bad_input(inputs) -> None:
    x, weight, styles, bias = inputs.values()
    with pytest.raises(ValueError, match="wants a weight of"):
        modulated_conv2d(x, weight[:, :4], styles)
    with pytest.raises(ValueError, match="wants a weight of"):
        modulated_conv2d(x, weight, styles[:2])
    with pytest.raises(ValueError, match="next_styles must be"):
        modulated_conv2d(x, weight, styles, next_styles=styles)
    with pytest.raises(ValueError, match="needs a filter"):
        conv2d_resample(x, weight, down=2)
    with pytest.raises(ValueError, match="needs a filter"):
        conv2d_resample(x, weight, up=2, down=2, resample_filter=setup_filter())
    with pytest.raises(ValueError, match="act must be one of"):
        bias_act(x, act="gelu")
    with pytest.raises(ValueError, match="one a channel"):
        bias_act(x, bias)
    with pytest.raises(ValueError, match="impl must be one of"):
        modulated_conv2d(x, weight, styles, impl="cuda")  # type: ignore[arg-type]
