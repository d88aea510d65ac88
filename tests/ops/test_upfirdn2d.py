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
        ((1, 3, 8, 8), (4, 4), {"impl": "native"}, "impl must be one of"),
    ],
)
def test_bad_input(x_shape, f_shape, arguments, message) -> None:
    with pytest.raises(ValueError, match=message):
        upfirdn2d(torch.zeros(x_shape), torch.ones(f_shape), **arguments)


def test_filter_of_nothing() -> None:
    with pytest.raises(ValueError, match="sum other than 0"):
        setup_filter([1, -1])
