"""What the operations of `extensions/ops.cpp` leave to Python: shapes of results, and gradients.

Gradients of every order are made of the same operations: the adjoint of `upfirdn2d` is itself, and
`bias_act_grad` has the first and the second derivative.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ._geometry import Pair, Sides, adjoint_sides, filtered_size

Grads = tuple[Tensor | None, ...]

_HIGHEST_ORDER = 2
_LRELU = 2
"""Of `enum smis_activation` in `extensions/cuda/launchers.h`."""


def register() -> None:
    """Tell torch; once, after the library is loaded."""
    torch.library.register_fake("smis::upfirdn2d", _fake_upfirdn2d)
    torch.library.register_fake("smis::bias_act", _fake_bias_act)
    torch.library.register_fake("smis::bias_act_grad", _fake_bias_act_grad)
    torch.library.register_fake("smis::conv_epilogue", _fake_conv_epilogue)
    for name, backward, keep in (
        ("upfirdn2d", _backward_of_upfirdn2d, _keep_for_upfirdn2d),
        ("bias_act", _backward_of_bias_act, _keep_for_bias_act),
        ("bias_act_grad", _backward_of_bias_act_grad, _keep_for_bias_act_grad),
        ("conv_epilogue", _backward_of_conv_epilogue, _keep_for_conv_epilogue),
    ):
        torch.library.register_autograd(f"smis::{name}", backward, setup_context=keep)


def _fake_upfirdn2d(
    x: Tensor, taps: Tensor, up: Sequence[int], down: Sequence[int], padding: Sequence[int]
) -> Tensor:
    return _like(x, *filtered_size(x, taps.shape, _pair(up), _pair(down), _four(padding)))


def _fake_bias_act(
    x: Tensor, b: Tensor | None, act: int, alpha: float, gain: float, clamp: float
) -> Tensor:
    return torch.empty_like(x)


def _fake_bias_act_grad(
    g: Tensor, x: Tensor, b: Tensor | None, act: int, alpha: float, gain: float, clamp: float,
    order: int,
) -> Tensor:  # fmt: skip
    return torch.empty_like(x)


def _fake_conv_epilogue(
    x: Tensor, lines: Tensor | None, scale: Tensor | None, bias: Tensor | None,
    noise: Tensor | None, next: Tensor | None, padding: Sequence[int], alpha: float, gain: float,
    clamp: float,
) -> Tensor:  # fmt: skip
    taps = torch.Size((1, 1) if lines is None else (4, 4))
    return _like(x, *filtered_size(x, taps, (1, 1), (1, 1), _four(padding)))


def _keep_for_upfirdn2d(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, taps, up, down, padding = inputs
    ctx.save_for_backward(taps)
    ctx.up, ctx.down = _pair(up), _pair(down)
    ctx.sides = adjoint_sides(x, output, taps.shape, ctx.up, ctx.down, _four(padding))


def _backward_of_upfirdn2d(ctx: Any, g: Tensor) -> Grads:
    (taps,) = ctx.saved_tensors
    flipped = taps.flip(0, 1)
    return torch.ops.smis.upfirdn2d(g, flipped, ctx.down, ctx.up, ctx.sides), *[None] * 4


def _keep_for_bias_act(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, b, *ctx.numbers = inputs
    ctx.save_for_backward(x, b)


def _backward_of_bias_act(ctx: Any, g: Tensor) -> Grads:
    x, b = ctx.saved_tensors
    dx = torch.ops.smis.bias_act_grad(g, x, b, *ctx.numbers, 1)
    return dx, None if b is None else _sum_to_channels(dx, b.dtype), *[None] * 4


def _keep_for_bias_act_grad(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    g, x, b, *ctx.numbers, ctx.order = inputs
    ctx.save_for_backward(g, x, b)


def _backward_of_bias_act_grad(ctx: Any, gg: Tensor) -> Grads:
    g, x, b = ctx.saved_tensors
    dg = torch.ops.smis.bias_act_grad(gg, x, b, *ctx.numbers, ctx.order)
    if ctx.numbers[0] <= _LRELU or not any(ctx.needs_input_grad[1:3]):  # no curvature, or no need
        return dg, *[None] * 7
    if ctx.order == _HIGHEST_ORDER:
        raise NotImplementedError(
            "the native bias_act has two derivatives: pass impl='reference' for a third one"
        )
    dx = torch.ops.smis.bias_act_grad(gg * g, x, b, *ctx.numbers, ctx.order + 1)
    return dg, dx, None if b is None else _sum_to_channels(dx, b.dtype), *[None] * 5


def _keep_for_conv_epilogue(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    *tensors, padding, ctx.alpha, ctx.gain, ctx.clamp = inputs
    ctx.save_for_backward(*tensors)
    ctx.padding, ctx.output = _four(padding), output.shape


def _backward_of_conv_epilogue(ctx: Any, g: Tensor) -> Grads:
    x, lines, scale, bias, noise, following = ctx.saved_tensors
    wide = torch.float64 if x.dtype == torch.float64 else torch.float32
    taps = None if lines is None else torch.outer(lines[0], lines[1])
    ones = (1, 1)
    filtered = x if taps is None else torch.ops.smis.upfirdn2d(x, taps, ones, ones, ctx.padding)
    before = filtered.to(wide)
    for operand, grow in ((scale, torch.mul), (bias, torch.add)):
        before = before if operand is None else grow(before, _spread(operand, before))
    before = before if noise is None else before + noise
    numbers = (_LRELU, ctx.alpha, 1.0, ctx.clamp)
    arguments = before * ctx.gain
    g = g.to(wide)
    dnext = None
    if following is not None:
        result = torch.ops.smis.bias_act(arguments, None, *numbers)
        dnext = (g * result).sum(dim=(2, 3)).view_as(following)
        g = g * _spread(following, g)
    d = torch.ops.smis.bias_act_grad(g, arguments, None, *numbers, 1) * ctx.gain
    dscale = None if scale is None else (d * filtered).sum(dim=(2, 3)).view_as(scale)
    dbias = None if bias is None else d.sum(dim=(0, 2, 3))
    dnoise = None if noise is None else d.sum_to_size(noise.shape)
    dx = (d if scale is None else d * _spread(scale, d)).to(x.dtype)
    if taps is not None:
        sides = adjoint_sides(x, dx, taps.shape, ones, ones, ctx.padding)
        dx = torch.ops.smis.upfirdn2d(dx, taps.flip(0, 1), ones, ones, sides)
    return dx, None, dscale, dbias, dnoise, dnext, *[None] * 4


def _like(x: Tensor, height: int, width: int) -> Tensor:
    last = x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()
    return torch.empty(
        (*x.shape[:2], height, width), dtype=x.dtype, device=x.device,
        memory_format=torch.channels_last if last else torch.contiguous_format,
    )  # fmt: skip


def _spread(operand: Tensor, x: Tensor) -> Tensor:
    """`[C]` or `[N, C]` for meeting `x`."""
    return operand.view(-1, x.shape[1], 1, 1)


def _sum_to_channels(x: Tensor, dtype: torch.dtype) -> Tensor:
    return x.sum(dim=[i for i in range(x.ndim) if i != 1], dtype=dtype)


def _pair(values: Sequence[int]) -> Pair:
    return values[0], values[1]


def _four(values: Sequence[int]) -> Sides:
    return values[0], values[1], values[2], values[3]
