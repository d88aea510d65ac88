"""Convolutions of StyleGAN2: resampling and style-modulated ones."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from . import _drawing
from ._choice import Impl, chosen
from ._geometry import Sides
from ._native import choose
from .bias_act import ACTIVATIONS, bias_act
from .conv_epilogue import conv_epilogue
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
    impl: Impl = "auto",
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
        impl: of the filter, as in `upfirdn2d`.

    Raises:
        ValueError: both factors, or a factor without a filter.
    """
    if (resample_filter is None and up + down > 2) or (up > 1 and down > 1):
        raise ValueError(
            f"resampling needs a filter and one factor, but came with up={up}, down={down} and "
            f"{'no' if resample_filter is None else 'a'} filter"
        )
    if up > 1:
        assert resample_filter is not None
        x = _spread(x, weight, up=up, flip=flip_weight)
        sides = _sides_after(resample_filter, weight, up, padding)
        x = upfirdn2d(x, resample_filter, padding=sides, gain=up**2, impl=impl)
        return x if bias is None else x + _per_channel(bias, x)
    weight = weight if flip_weight else weight.flip(2, 3)
    if down == 1:
        return F.conv2d(x, weight, bias, padding=padding)
    assert resample_filter is not None
    taps = resample_filter.shape[-1]
    around = (padding + (taps - down + 1) // 2, padding + (taps - down) // 2)
    x = upfirdn2d(x, resample_filter, padding=around * 2, impl=impl)
    return F.conv2d(x, weight, bias, stride=down)


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
    styled: bool = False,
    next_styles: Tensor | None = None,  # [N, out]
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
        styled: x has been multiplied by its styles already; they only demodulate.
        next_styles: styles of the convolution that follows, put on where it alone reads this
            result. Where `folds_styles`, that saves it a pass over its input.
        impl: "auto" or "reference".

    Returns:
        `[N, out, H', W']`, in the dtype of the convolution.

    Raises:
        ValueError: shapes that do not fit.
    """
    impl = chosen(impl)
    if weight.shape[1] != x.shape[1] or styles.shape != x.shape[:2]:
        raise ValueError(
            f"x {[*x.shape]} wants a weight of [out, {x.shape[1]}, k, k] and styles of "
            f"{[*x.shape[:2]]}, but they are {[*weight.shape]} and {[*styles.shape]}"
        )
    if next_styles is not None and next_styles.shape != (len(x), len(weight)):
        raise ValueError(
            f"next_styles must be {[len(x), len(weight)]}, but is {[*next_styles.shape]}"
        )
    if act not in ("linear", "lrelu"):
        raise ValueError(f"act must be 'linear' or 'lrelu', but is {act!r}")
    if up > 1 and resample_filter is None:
        raise ValueError(f"up={up} needs a filter, but resample_filter is None")
    folded = styled or next_styles is not None
    others = (weight, styles, bias, noise)
    if impl == "auto" and down == 1 and not folded and _drawing.can_draw(x, *others):
        fir = None
        if resample_filter is not None and up > 1:
            f = (
                resample_filter
                if resample_filter.ndim == 2
                else torch.outer(resample_filter, resample_filter)
            )
            fir = f.flip(0, 1) * up**2, _sides_after(f, weight, up, padding)
        return _drawing.draw(
            x, weight, styles, bias, noise, gain=gain, up=up, padding=padding, fir=fir,
            demodulate=demodulate, flip=flip_weight == (up > 1),
            slope=ACTIVATIONS["lrelu"].alpha if act == "lrelu" else None, clamp=clamp,
        )  # fmt: skip
    native, scale = choose(impl, x) and down == 1, None
    # The epilogue's kernel has the gain, and no gain of the filter.
    factor = up**2 if native else gain
    with torch.autocast(x.device.type, enabled=False):
        styles = styles.float()
        if demodulate:
            energy = weight.float().square().sum(dim=(2, 3))  # [out, in]
            scale = (styles.square() @ energy.T + 1e-8).rsqrt() * factor
        elif styled:
            scale = styles.new_full((len(x), len(weight)), factor)
        else:
            styles = styles * factor
    if not styled:
        x = x * _per_channel(styles, x)
    if native and up > 1:
        assert resample_filter is not None
        return conv_epilogue(
            _spread(x, weight, up=up, flip=flip_weight), f=resample_filter,
            padding=_sides_after(resample_filter, weight, up, padding),
            scale=scale, bias=bias, noise=noise, gain=gain, act=act, clamp=clamp,
            next_styles=next_styles, impl=impl,
        )  # fmt: skip
    y = conv2d_resample(
        x, weight, up=up, down=down, padding=padding, resample_filter=resample_filter,
        flip_weight=flip_weight, impl=impl,
    )  # fmt: skip
    if native:
        return conv_epilogue(
            y, scale=scale, bias=bias, noise=noise, gain=gain, act=act, clamp=clamp,
            next_styles=next_styles, impl=impl,
        )  # fmt: skip
    offset = y.new_zeros(()) if bias is None else _per_channel(bias * gain, y)
    y = y + offset if scale is None else torch.addcmul(offset, y, _per_channel(scale, y))
    y = y if noise is None else y + (noise * gain).to(y.dtype)
    y = bias_act(y, act=act, gain=1, clamp=clamp, impl=impl)
    return y if next_styles is None else y * _per_channel(next_styles, y)


def folds_styles(x: Tensor) -> bool:
    """Whether `modulated_conv2d` on x puts `next_styles` on in a pass that it makes anyway."""
    return choose("auto", x)


def _spread(x: Tensor, weight: Tensor, *, up: int, flip: bool) -> Tensor:
    """The strided transposed convolution on the way up, which convolves unless flipped."""
    weight = weight.flip(2, 3) if flip else weight
    return F.conv_transpose2d(x, weight.transpose(0, 1), stride=up)


def _sides_after(f: Tensor, weight: Tensor, up: int, padding: int) -> Sides:
    """Zeros around the result of `_spread`, which has kernel - 1 border pixels on each side but
    not the up - 1 zeros that inserting leaves at the end."""
    taps, kernel = f.shape[-1], weight.shape[-1]
    before = padding + (taps + up - 1) // 2 - (kernel - 1)
    after = padding + (taps - up) // 2 - (kernel - up)
    return before, after, before, after


def _per_channel(values: Tensor, x: Tensor) -> Tensor:
    """`[C]` or `[N, C]`, ready to meet `x` in its dtype."""
    return values.to(x.dtype)[..., None, None]
