"""Convolutions of StyleGAN2: resampling and style-modulated ones."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from . import _drawing
from ._choice import Impl, check_impl
from .bias_act import ACTIVATIONS, bias_act
from .upfirdn2d import upfirdn2d


def conv2d_resample(
    x: Tensor,  # [N, in, H, W]
    weight: Tensor,  # [out, in, k, k]
    bias: Tensor | None = None,  # [out]
    *,
    up: int = 1,
    down: int = 1,
    padding: int = 0,
    resample_filter: Tensor | None = None,
    flip_weight: bool = True,
) -> Tensor:
    """A convolution on the way up or down, together with its low-pass filter.

    Up: strided transposed convolution, then the filter. Down: the filter, then a strided
    convolution. Of all orders that give the same numbers this one needs the fewest operations.

    Args:
        x: features.
        weight: kernel.
        bias: added to each channel of the result.
        up, down: factors; one of them is 1.
        padding: zeros on each side of the upsampled picture.
        resample_filter: `[fh, fw]`, needed where up or down is not 1.
        flip_weight: True correlates (as `torch.nn.functional.conv2d` does), False convolves.

    Raises:
        ValueError: both factors, or a factor without a filter.
    """
    if flip_weight == (up > 1):  # transposed convolutions convolve, ordinary ones correlate
        weight = weight.flip(2, 3)
    if up == down == 1:
        return F.conv2d(x, weight, bias, padding=padding)
    if resample_filter is None or (up > 1 and down > 1):
        raise ValueError(
            f"resampling needs a filter and one factor, but came with up={up}, down={down} and "
            f"{'no' if resample_filter is None else 'a'} filter"
        )
    taps, kernel = resample_filter.shape[-1], weight.shape[-1]
    if down > 1:
        sides = (padding + (taps - down + 1) // 2, padding + (taps - down) // 2)
        x = upfirdn2d(x, resample_filter, padding=sides * 2)
        return F.conv2d(x, weight, bias, stride=down)
    # The transposed convolution returns kernel - 1 border pixels on each side, without the up - 1
    # zeros that inserting leaves at the end.
    x = F.conv_transpose2d(x, weight.transpose(0, 1), stride=up)
    sides = _sides_after(taps, kernel, up, padding)
    x = upfirdn2d(x, resample_filter, padding=sides * 2, gain=up**2)
    return x if bias is None else x + _per_channel(bias, x)


def modulated_conv2d(
    x: Tensor,  # [N, in, H, W]
    weight: Tensor,  # [out, in, k, k]
    styles: Tensor,  # [N, in]
    bias: Tensor | None = None,  # [out]
    *,
    noise: Tensor | None = None,
    gain: float = 1.0,
    up: int = 1,
    down: int = 1,
    padding: int = 0,
    resample_filter: Tensor | None = None,
    demodulate: bool = True,
    flip_weight: bool = True,
    act: Literal["linear", "lrelu"] = "linear",
    clamp: float | None = None,
    impl: Impl = "auto",
) -> Tensor:
    """A convolution whose input channels each sample scales by its own styles.

    StyleGAN2 (Karras et al. 2020), section 2.2, equations 1 and 3, in the equivalent form that
    scales activations instead of weights: one ordinary convolution serves the whole batch. The
    scales are computed in float32, also under autocast.

    Where no gradient is wanted, on a CPU, "auto" does less work: see `_drawing`.

    Args:
        x: features.
        weight: kernel, shared by the batch.
        styles: factor of each input channel.
        bias: added to each channel of the result.
        noise: added to the result; anything that broadcasts to it.
        gain: factor of the result before the activation, bias and noise included. Here it costs
            nothing: it goes into the small factors.
        up, down, padding, resample_filter, flip_weight: as in `conv2d_resample`.
        demodulate: divide by the expected standard deviation of the result.
        act: "lrelu" for a leaky ReLU with the slope of `ACTIVATIONS`; its gain is the caller's.
        clamp: largest magnitude of the result; None leaves it free.
        impl: "auto" or "reference".

    Returns:
        `[N, out, H', W']`, in the dtype of the convolution.

    Raises:
        ValueError: shapes that do not fit.
    """
    check_impl(impl)
    if weight.shape[1] != x.shape[1] or styles.shape != x.shape[:2]:
        raise ValueError(
            f"x {[*x.shape]} wants a weight of [out, {x.shape[1]}, k, k] and styles of "
            f"{[*x.shape[:2]]}, but they are {[*weight.shape]} and {[*styles.shape]}"
        )
    if act not in ("linear", "lrelu"):
        raise ValueError(f"act must be 'linear' or 'lrelu', but is {act!r}")
    if impl == "auto" and down == 1 and _drawing.can_draw(x, weight, styles, bias, noise):
        return _drawing.draw(
            x, weight, styles, bias, noise, gain=gain, up=up, padding=padding,
            fir=_fir(weight.shape[2], up, padding, resample_filter), demodulate=demodulate,
            flip=flip_weight == (up > 1),
            slope=ACTIVATIONS["lrelu"].alpha if act == "lrelu" else None, clamp=clamp,
        )  # fmt: skip
    with torch.autocast(x.device.type, enabled=False):
        styles, scale = styles.float(), None
        if demodulate:
            energy = weight.float().square().sum(dim=(2, 3))  # [out, in]
            scale = (styles.square() @ energy.T + 1e-8).rsqrt() * gain
        else:
            styles = styles * gain
    y = conv2d_resample(
        x * _per_channel(styles, x), weight, up=up, down=down, padding=padding,
        resample_filter=resample_filter, flip_weight=flip_weight,
    )  # fmt: skip
    offset = y.new_zeros(()) if bias is None else _per_channel(bias * gain, y)
    y = y + offset if scale is None else torch.addcmul(offset, y, _per_channel(scale, y))
    y = y if noise is None else y + (noise * gain).to(y.dtype)
    return bias_act(y, act=act, gain=1, clamp=clamp, impl=impl)


def _fir(kernel: int, up: int, padding: int, f: Tensor | None) -> _drawing.Fir | None:
    if up == 1:
        return None
    if f is None:
        raise ValueError(f"resampling needs a filter, but came with up={up} and none")
    plane = f if f.ndim == 2 else torch.outer(f, f)
    return plane.flip(0, 1) * up**2, _sides_after(f.shape[-1], kernel, up, padding) * 2


def _sides_after(taps: int, kernel: int, up: int, padding: int) -> tuple[int, int]:
    """Zeros around a transposed convolution, before its filter."""
    before = padding + (taps + up - 1) // 2 - (kernel - 1)
    return before, padding + (taps - up) // 2 - (kernel - up)


def _per_channel(values: Tensor, x: Tensor) -> Tensor:
    """`[C]` or `[N, C]`, ready to meet `x` in its dtype."""
    return values.to(x.dtype)[..., None, None]
