"""What follows a modulated convolution, in one pass over the activations."""

from collections.abc import MutableMapping

import torch
from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary

from ._choice import Impl
from ._geometry import Sides
from ._native import choose
from .bias_act import ACTIVATIONS, bias_act
from .upfirdn2d import upfirdn2d

_LINE = 4
"""Taps of the filters that the kernel knows."""


def conv_epilogue(
    x: Tensor,  # [N, C, H, W]
    *,
    f: Tensor | None = None,  # [fh, fw]
    padding: Sides = (0, 0, 0, 0),
    scale: Tensor | None = None,  # [N, C]
    bias: Tensor | None = None,  # [C]
    noise: Tensor | None = None,
    gain: float = 1.0,
    act: str = "linear",
    clamp: float | None = None,
    next_styles: Tensor | None = None,  # [N, C]
    impl: Impl = "auto",
) -> Tensor:
    """`next_styles · clip(act(gain · (scale · filter(x) + bias + noise)), -clamp, clamp)`.

    StyleGAN2 (Karras et al. 2020), section 2.2: what a synthesis layer does after its convolution.
    `bias_act` without its own gain, `gain` being inside.

    Args:
        x: what a convolution returned; of an upsampling one, what the transposed convolution
            returned, and the low-pass filter is part of this pass.
        f: that filter, convolved; None for none. The kernel takes separable ones of 4 × 4; others
            are filtered first.
        padding: (x0, x1, y0, y1) of the filter.
        scale: factors that demodulate.
        bias: added to each channel.
        noise: anything that broadcasts to the result.
        gain: factor before the activation.
        act: "linear" or "lrelu", with the slope of `ACTIVATIONS`.
        clamp: largest magnitude before the styles; None leaves it free.
        next_styles: styles of the convolution that follows, where it alone reads this result.
        impl: "native" is one kernel on CUDA, "auto" takes it where it is built, "reference" is
            plain torch.

    Returns:
        `[N, C, H', W']` in the dtype of `x`.

    Raises:
        ValueError: an argument that does not fit x.
        NativeUnavailable: "native" was asked for and cannot be had.
    """
    native = choose(impl, x)
    _check(x, scale=scale, next_styles=next_styles, bias=bias, noise=noise)
    if act not in ("linear", "lrelu"):
        raise ValueError(f"act must be 'linear' or 'lrelu', but is {act!r}")
    if clamp is not None and clamp < 0:
        raise ValueError(f"clamp must be a magnitude or None, but is {clamp}")
    lines = None
    if f is not None:
        lines = separable_lines(f) if native else None
        if lines is None:
            x = upfirdn2d(x, f, padding=padding, impl=impl)
    operands = (lines, scale, bias, noise, next_styles, clamp)
    if act == "linear" and gain == 1 and all(each is None for each in operands):
        return x  # ToRGB without a bias has nothing left to do
    if native:
        return _native(x, lines, padding, scale, bias, noise, gain, act, clamp, next_styles)
    if scale is not None:
        x = x * scale.to(x.dtype)[..., None, None]
    if bias is not None:
        x = x + bias.to(x.dtype)[:, None, None]
    if noise is not None:
        x = x + noise.to(x.dtype)
    x = bias_act(x * gain if gain != 1 else x, act=act, gain=1, clamp=clamp, impl="reference")
    return x if next_styles is None else x * next_styles.to(x.dtype)[..., None, None]


def separable_lines(f: Tensor) -> Tensor | None:
    """The lines along y and along x whose outer product is `f` turned round, `[2, 4]` on its
    device; None where `f` is no such product or has another size.

    The answer is remembered: to find it out waits for the device.
    """
    if torch.compiler.is_compiling():
        return None
    version = 0 if f.is_inference() else f._version
    if f not in _known or _known[f][0] != version:
        _known[f] = version, _split(f)
    return _known[f][1]


_known: MutableMapping[Tensor, tuple[int, Tensor | None]] = WeakIdKeyDictionary()


def _split(f: Tensor) -> Tensor | None:
    if f.shape != (_LINE, _LINE):
        return None
    plane = f.detach().double().cpu().flip(0, 1)
    if plane.sum() == 0:
        return None
    lines = torch.stack([plane.sum(1) / plane.sum(), plane.sum(0)])
    if not torch.allclose(torch.outer(lines[0], lines[1]), plane, rtol=1e-5, atol=1e-7):
        return None
    return lines.to(f.device)


def _native(
    x: Tensor, lines: Tensor | None, padding: Sides, scale: Tensor | None, bias: Tensor | None,
    noise: Tensor | None, gain: float, act: str, clamp: float | None, next_styles: Tensor | None,
) -> Tensor:  # fmt: skip
    wide = torch.float64 if x.dtype == torch.float64 else torch.float32

    def widened(operand: Tensor | None) -> Tensor | None:
        return None if operand is None else operand.to(wide).contiguous()

    if noise is not None:
        noise = noise.to(wide)
        noise = noise.view((1,) * (4 - noise.ndim) + noise.shape)
    alpha = ACTIVATIONS[act].alpha if act == "lrelu" else 1.0
    result: Tensor = torch.ops.smis.conv_epilogue(
        x, widened(lines), widened(scale), widened(bias), noise, widened(next_styles),
        padding if lines is not None else (0, 0, 0, 0), alpha, gain,
        -1.0 if clamp is None else clamp,
    )  # fmt: skip
    return result


def _check(x: Tensor, **operands: Tensor | None) -> None:
    if x.ndim != 4 or not x.is_floating_point():
        raise ValueError(f"x must be floating-point [N, C, H, W], but is {x.dtype} {[*x.shape]}")
    shapes = {"scale": x.shape[:2], "next_styles": x.shape[:2], "bias": x.shape[1:2]}
    for name, operand in operands.items():
        if operand is None:
            continue
        if operand.device != x.device or not operand.is_floating_point():
            raise ValueError(
                f"{name} must be a floating-point tensor on {x.device}, but is {operand.dtype} "
                f"on {operand.device}"
            )
        if name in shapes and operand.shape != shapes[name]:
            raise ValueError(f"{name} must be {[*shapes[name]]}, but is {[*operand.shape]}")
