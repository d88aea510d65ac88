"""Modulated convolutions of finished networks on a CPU: no gradients, so less work.

Styles and demodulation go into the weights or onto the activations, whichever are fewer numbers;
weights are laid out once; what follows the convolution happens in place, because on a CPU fresh
memory costs more than an operation on it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ._geometry import Sides
from ._kernels import Kernels, Layout, kernels_of
from ._winograd import winograd_pays
from .upfirdn2d import _correlate

_FEW = 8
"""Up to so many output channels, a 1×1 convolution is a product of matrices that gives planes."""

Fir = tuple[Tensor, Sides]
"""What is correlated with the result of a transposed convolution, and the zeros around that."""


@dataclass(frozen=True)
class _Epilogue:
    """What follows the convolution."""

    offset: Tensor | None
    """`[out]`"""
    noise: Tensor | None
    """Broadcasts to the result, with as many dimensions."""
    slope: float | None
    clamp: float | None

    def finish(self, y: Tensor, *, sample: int | None = None, out: Tensor | None = None) -> Tensor:
        """Everything but the offset: in place, or of one sample into its place in a batch."""
        out = y if out is None else out
        if self.noise is not None:
            whole = sample is None or len(self.noise) == 1
            torch.add(y, self.noise if whole else self.noise[sample][None], out=out)
        elif out is not y:
            out.copy_(y)
        if self.slope is not None:
            F.leaky_relu_(out, self.slope)
        return out if self.clamp is None else out.clamp_(-self.clamp, self.clamp)


def can_draw(x: Tensor, weight: Tensor, *others: Tensor | None) -> bool:
    """Whether these are for drawing: plain tensors on a CPU, of which no gradient is wanted."""
    given = [x, weight, *(other for other in others if other is not None)]
    return (
        all(t.device.type == "cpu" and type(t) in (Tensor, nn.Parameter) for t in given)
        and x.numel() > 0
        and _dtype(x) in (torch.float32, torch.bfloat16)
        and (torch.is_autocast_enabled("cpu") or x.dtype == weight.dtype)
        and not (torch.is_grad_enabled() and any(t.requires_grad for t in given))
        and not torch.compiler.is_compiling()
        and not _transformed()
    )


def _transformed() -> bool:
    """Whether `torch.func` or forward-mode differentiation is at work.

    PyTorch has no public way to ask: one that lacks these names is taken to say yes, which costs
    time and nothing else.
    """
    peek = getattr(getattr(torch._C, "_functorch", None), "peek_interpreter_stack", None)
    level: int | None = getattr(torch.autograd.forward_ad, "_current_level", None)
    return peek is None or level is None or peek() is not None or level >= 0


def draw(
    x: Tensor,  # [N, in, H, W]
    weight: Tensor,  # [out, in, k, k]
    styles: Tensor,  # [N, in]
    bias: Tensor | None,  # [out]
    noise: Tensor | None,
    *,
    gain: float,
    up: int,
    padding: int,
    flip: bool,
    fir: Fir | None,
    demodulate: bool,
    slope: float | None,
    clamp: float | None,
) -> Tensor:
    """`[N, out, H', W']` in the dtype of the convolution; arguments as in `modulated_conv2d`."""
    dtype = _dtype(x)
    with torch.autocast("cpu", enabled=False), torch.no_grad():
        x = x.to(dtype, memory_format=torch.channels_last)
        offset = None if bias is None else (bias * gain).to(dtype)
        if noise is not None:
            noise = (noise * gain).to(dtype)
            noise = noise.view((1,) * (4 - noise.ndim) + noise.shape)
        epilogue = _Epilogue(offset, noise, slope, clamp)
        winograd = up == padding == 1 and winograd_pays(x, weight)
        fold = x[0].numel() >= weight.numel() and not winograd
        layout = Layout(dtype, up, flip, padding, fold, demodulate, winograd)
        kernels = kernels_of(weight, layout, size=x.shape)
        styles, scale = styles.float(), None
        if kernels.energy is None:
            styles = styles * gain
        else:
            scale = (styles.square() @ kernels.energy.T + 1e-8).rsqrt_().mul_(gain)
        if fold and len(weight) <= _FEW and weight.shape[2] == up == 1 and padding == 0:
            return epilogue.finish(_planes(x, kernels, styles, scale, offset))
        if fold:
            return _by_weights(x, kernels, styles, scale, fir, epilogue)
        y = kernels.convolve(x * _per_channel(styles, dtype), kernels.kernel, None)
        y = y if fir is None else _filtered(y, fir, None)
        shift = y.new_zeros(()) if offset is None else _per_channel(offset, dtype)
        if scale is not None:
            torch.addcmul(shift, y, _per_channel(scale, dtype), out=y)
        elif offset is not None:
            y.add_(shift)
        return epilogue.finish(y)


def _by_weights(
    x: Tensor, kernels: Kernels, styles: Tensor, scale: Tensor | None, fir: Fir | None,
    epilogue: _Epilogue,
) -> Tensor:  # fmt: skip
    """Every sample is convolved with weights of its own."""
    drawn = []
    whole: Tensor | None = None
    for i in range(len(x)):
        kernel = kernels.scaled(styles[i], None if scale is None else scale[i]).to(x.dtype)
        y = kernels.convolve(x[i : i + 1], kernel, epilogue.offset if fir is None else None)
        y = y if fir is None else _filtered(y, fir, epilogue.offset)
        if whole is None and len(x) > 1:
            shape = (len(x), *y.shape[1:])
            whole = torch.empty(shape, dtype=y.dtype, memory_format=torch.channels_last)
        out = None if whole is None else whole[i : i + 1]
        drawn.append(epilogue.finish(y, sample=i, out=out))
    return drawn[0] if whole is None else whole


def _planes(
    x: Tensor, kernels: Kernels, styles: Tensor, scale: Tensor | None, offset: Tensor | None
) -> Tensor:
    weights = kernels.kernel[:, :, 0, 0] * styles[:, None]  # [N, out, in]
    if scale is not None:
        weights.mul_(scale[:, :, None])
    y = torch.bmm(x.flatten(2).transpose(1, 2), weights.to(x.dtype).transpose(1, 2))
    y = y.transpose(1, 2).reshape(len(x), -1, *x.shape[2:])
    return y if offset is None else y.add_(_per_channel(offset, y.dtype))


def _filtered(y: Tensor, fir: Fir, bias: Tensor | None) -> Tensor:
    kernel, sides = fir
    return _correlate(y, kernel, (1, 1), (1, 1), sides, bias)


def _dtype(x: Tensor) -> torch.dtype:
    return torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else x.dtype


def _per_channel(values: Tensor, dtype: torch.dtype) -> Tensor:
    return values.to(dtype)[..., None, None]
