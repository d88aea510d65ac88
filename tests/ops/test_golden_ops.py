"""Agreement of the ops with the published ones."""

import pytest
import torch
from golden_files import load_golden, relative_error

from smis_core.ops import ACTIVATIONS, bias_act, modulated_conv2d, setup_filter, upfirdn2d

TENSORS, TEXTS = load_golden("stylegan2_ops")
CASES = TEXTS["upfirdn2d/cases"]


@pytest.mark.parametrize("index", range(len(CASES)))
def test_upfirdn2d(index: int, device: torch.device) -> None:
    case = CASES[index]
    y = upfirdn2d(
        TENSORS["upfirdn2d/x"].to(device),
        TENSORS[f"upfirdn2d/{index}/filter"].to(device),
        up=case["up"],
        down=case["down"],
        padding=case["padding_x0x1y0y1"],
        flip_filter=case["flip_filter"],
        gain=case["gain"],
    )
    assert relative_error(y, TENSORS[f"upfirdn2d/{index}/y"]) <= 1e-5


@pytest.mark.parametrize("clamp", [None, 0.7])
@pytest.mark.parametrize("act", ACTIVATIONS)
def test_bias_act(act: str, clamp: float | None, device: torch.device) -> None:
    x = TENSORS["bias_act/x"].to(device).requires_grad_()
    b = TENSORS["bias_act/b"].to(device).requires_grad_()
    y = bias_act(x, b, act=act, clamp=clamp)
    dx, db = torch.autograd.grad(y.sum(), [x, b])
    key = f"bias_act/{act}/{'noclamp' if clamp is None else f'clamp{clamp}'}"
    for name, ours in {"y": y, "dx": dx, "db": db}.items():
        assert relative_error(ours, TENSORS[f"{key}/{name}"]) <= 1e-5, name


@pytest.mark.parametrize("demodulate", [True, False])
@pytest.mark.parametrize("up", [1, 2])
@pytest.mark.parametrize("kernel", [1, 3])
def test_modulated_conv2d(kernel: int, up: int, demodulate: bool, device: torch.device) -> None:
    key = f"modulated_conv2d/k{kernel}"
    y = modulated_conv2d(
        TENSORS["modulated_conv2d/x"].to(device),
        TENSORS[f"{key}/weight"].to(device),
        TENSORS[f"{key}/styles"].to(device),
        up=up,
        padding=kernel // 2,
        resample_filter=setup_filter([1, 3, 3, 1]).to(device),
        demodulate=demodulate,
        flip_weight=up == 1,
    )
    assert relative_error(y, TENSORS[f"{key}/up{up}/{'' if demodulate else 'no'}demod/y"]) <= 1e-5
