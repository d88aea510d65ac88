"""The resampling filter beyond the golden tensors: gradients of every order, dtypes, bad input."""

import pytest
import torch

from smis_core.ops import downsample2d, setup_filter, upfirdn2d, upsample2d

CASES = [
    {"padding": 1},
    {"up": 2, "padding": (2, 1, 2, 1), "gain": 4.0},
    {"down": 2, "padding": (1, 1, 1, 1)},
    {"up": (2, 1), "down": (1, 3), "padding": (4, 0, -1, 5), "flip_filter": True},
    {"up": 3, "down": 2, "padding": (-2, 3, 1, -1)},
]


@pytest.mark.parametrize("case", CASES)
def test_first_and_second_gradients(case: dict) -> None:
    x = torch.randn(1, 2, 5, 6, dtype=torch.float64, requires_grad=True)
    f = torch.randn(3, 4, dtype=torch.float64)

    def op(x: torch.Tensor) -> torch.Tensor:
        return upfirdn2d(x, f, **case)

    assert torch.autograd.gradcheck(op, x)
    # Of a linear op only a product with itself has a second gradient worth checking.
    assert torch.autograd.gradgradcheck(lambda x: op(x).square(), x)


@pytest.mark.parametrize("up", [(2, 2), (3, 1), (1, 4)])
def test_upsampling_is_what_its_definition_says(up: tuple[int, int], device: torch.device) -> None:
    torch.manual_seed(0)
    for _ in range(40):
        width, height, taps_x, taps_y = torch.randint(1, 7, (4,)).tolist()
        x0, x1, y0, y1 = torch.randint(-1, 6, (4,)).tolist()
        x = torch.randn(2, 3, height, width, dtype=torch.float64, device=device)
        f = torch.randn(taps_y, taps_x, dtype=torch.float64, device=device)
        spread = x.new_zeros(2, 3, height * up[1], width * up[0])
        spread[:, :, :: up[1], :: up[0]] = x
        spread = torch.nn.functional.pad(spread, (x0, x1, y0, y1))
        if spread.shape[2] < taps_y or spread.shape[3] < taps_x:
            continue
        one = spread.flatten(0, 1)[:, None]
        expected = torch.nn.functional.conv2d(one, f.flip(0, 1)[None, None])
        y = upfirdn2d(x, f, up=up, padding=(x0, x1, y0, y1))
        assert torch.allclose(y, expected.view(y.shape), atol=1e-12)


@pytest.mark.parametrize("resample", [upsample2d, downsample2d])
def test_brightness_is_kept(resample, device: torch.device) -> None:
    flat = torch.ones(1, 3, 12, 12, device=device)
    y = resample(flat, setup_filter().to(device))
    assert torch.allclose(y[:, :, 2:-2, 2:-2], torch.ones((), device=device), atol=1e-6)


def test_pictures_keep_their_dtype_under_autocast(device: torch.device) -> None:
    with torch.autocast(device.type, torch.bfloat16):
        y = upsample2d(torch.randn(1, 3, 8, 8, device=device), setup_filter().to(device))
    assert y.dtype == torch.float32


@pytest.mark.parametrize(
    ("x_shape", "f_shape", "arguments", "message"),
    [
        ((3, 8, 8), (4, 4), {}, r"\[N, C, H, W\]"),
        ((1, 3, 8, 8), (1, 4, 4), {}, "a line or a plane"),
        ((1, 3, 8, 8), (4, 4), {"up": 0}, "positive"),
        ((1, 3, 8, 8), (4, 4), {"impl": "native"}, "wants x on cuda"),
    ],
)
def test_bad_input(x_shape, f_shape, arguments, message) -> None:
    with pytest.raises(ValueError, match=message):
        upfirdn2d(torch.zeros(x_shape), torch.ones(f_shape), **arguments)


def test_filter_of_nothing() -> None:
    with pytest.raises(ValueError, match="sum other than 0"):
        setup_filter([1, -1])
