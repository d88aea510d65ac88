"""Upsample, filter, downsample: the resampling of StyleGAN2."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ._choice import Impl
from ._geometry import Pair, Sides, adjoint_sides, filtered_size
from ._native import choose


def setup_filter(taps: Sequence[float] = (1, 3, 3, 1)) -> Tensor:
    """The outer product of `taps` with itself, summing to one: float32 `[T, T]`."""
    line = torch.tensor(taps, dtype=torch.float32)
    if line.ndim != 1 or line.sum() == 0:
        raise ValueError(f"taps must be a list of numbers with a sum other than 0, but are {taps}")
    return torch.outer(line, line) / line.sum() ** 2


def upfirdn2d(
    x: Tensor,  # [N, C, H, W]
    f: Tensor,  # [fh, fw], or [taps] for a separable filter
    *,
    up: int | Sequence[int] = 1,
    down: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    flip_filter: bool = False,
    gain: float = 1.0,
    impl: Impl = "auto",
) -> Tensor:
    """Insert zeros, pad, convolve each channel with `f`, keep every `down`-th pixel.

    The filter runs as a depthwise convolution: on a CPU it is several times faster than sums of
    shifted slices or repeated pooling, in float32 and bfloat16, forward and backward. The dtype
    of `x` is kept, under autocast too, so that pictures stay in float32.

    Args:
        x: pictures or features.
        f: the filter, a constant; a line is applied along x and along y.
        up, down: factors, one number or (x, y).
        padding: on the zero-inserted picture, one number, (x, y) or (x0, x1, y0, y1); negative
            numbers crop.
        flip_filter: correlate instead of convolving.
        gain: factor of the result.
        impl: "native" is one kernel on CUDA; "auto" takes it where it is built; "reference" is
            plain torch.

    Returns:
        `[N, C, (H·up_y + y0 + y1 - fh) // down_y + 1, the same for W]`.

    Raises:
        ValueError: a shape, a dtype or a factor that the definition does not allow, or a filter
            longer than the padded picture.
        NativeUnavailable: "native" was asked for and cannot be had.
    """
    native = choose(impl, x)
    if x.ndim != 4 or f.ndim not in (1, 2):
        raise ValueError(
            f"x must be [N, C, H, W] and f a line or a plane, but are {[*x.shape]}, {[*f.shape]}"
        )
    if not (x.is_floating_point() and f.is_floating_point()) or f.device != x.device:
        raise ValueError(
            "x and f must be floating-point tensors on one device, but are "
            f"{x.dtype} on {x.device} and {f.dtype} on {f.device}"
        )
    (up_x, up_y), (down_x, down_y) = _pair(up), _pair(down)
    x0, x1, y0, y1 = _sides(padding)
    if f.ndim == 1:
        x = upfirdn2d(
            x, f[None], up=(up_x, 1), down=(down_x, 1), padding=(x0, x1, 0, 0),
            flip_filter=flip_filter, gain=gain**0.5, impl=impl,
        )  # fmt: skip
        return upfirdn2d(
            x, f[:, None], up=(1, up_y), down=(1, down_y), padding=(0, 0, y0, y1),
            flip_filter=flip_filter, gain=gain**0.5, impl=impl,
        )  # fmt: skip
    factors, sides = ((up_x, up_y), (down_x, down_y)), (x0, x1, y0, y1)
    if min(filtered_size(x, f.shape, *factors, sides)) < 1:
        raise ValueError(
            f"f {[*f.shape]} is longer than the padded x: {[*x.shape]} with up={up} and "
            f"padding={padding}"
        )
    kernel = (f if flip_filter else f.flip(0, 1)) * gain
    if native:
        kernel = kernel.to(torch.float64 if x.dtype == torch.float64 else torch.float32)
        result: Tensor = torch.ops.smis.upfirdn2d(x, kernel.contiguous(), *factors, sides)
        return result
    return _differentiable(x, kernel, *factors, sides)


class _UpFirDn(torch.autograd.Function):
    """The adjoint of the op is the op itself, which makes every order of gradient fast: torch
    differentiates a depthwise convolution twice by a loop over channels."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: Tensor, up: Pair, down: Pair, sides: Sides) -> Tensor:
        y = _correlate(x, kernel, up, down, sides)
        ctx.save_for_backward(kernel)
        ctx.up, ctx.down = up, down
        ctx.adjoint = adjoint_sides(x, y, kernel.shape, up, down, sides)
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (kernel,) = ctx.saved_tensors
        dx = _differentiable(grads[0], kernel.flip(0, 1), ctx.down, ctx.up, ctx.adjoint)
        return dx, None, None, None, None


_differentiable: Callable[[Tensor, Tensor, Pair, Pair, Sides], Tensor] = _UpFirDn.apply


def _correlate(
    x: Tensor, kernel: Tensor, up: Pair, down: Pair, sides: Sides, bias: Tensor | None = None
) -> Tensor:
    batch, channels, height, width = x.shape
    kernel = kernel.to(x.dtype)
    with torch.autocast(x.device.type, enabled=False):
        if max(up) > 1:
            if x.device.type == "cpu" and max(down) == 1 and bias is None:
                wide = torch.promote_types(x.dtype, torch.float32)
                # In float32, because in bfloat16 oneDNN's takes five times as long.
                y = _scatter(x.to(wide), kernel.to(wide).flip(0, 1), up, sides)
                return y.to(x.dtype)
            x = F.pad(x[:, :, :, None, :, None], (0, up[0] - 1, 0, 0, 0, up[1] - 1))
            x = x.reshape(batch, channels, height * up[1], width * up[0])
        # What both sides share is left to the convolution, which pads without a copy.
        x0, x1, y0, y1 = sides
        pad_x, pad_y = max(min(x0, x1), 0), max(min(y0, y1), 0)
        rest = (x0 - pad_x, x1 - pad_x, y0 - pad_y, y1 - pad_y)
        if any(rest):
            x = F.pad(x, rest)
        taps = kernel.expand(channels, 1, *kernel.shape)
        return F.conv2d(x, taps, bias, (down[1], down[0]), (pad_y, pad_x), groups=channels)


def _scatter(x: Tensor, kernel: Tensor, up: Pair, sides: Sides) -> Tensor:
    """Inserting zeros and filtering as a transposed convolution, which multiplies no zeros."""
    channels = x.shape[1]
    rest, paddings, extras = [], [], []
    for axis in (0, 1):
        # The whole result has so many pixels at each end that are not wanted, or lacks some.
        taps = kernel.shape[1 - axis]
        first = taps - 1 - sides[2 * axis]
        last = taps - up[axis] - sides[2 * axis + 1]
        extra = first - last if last >= 0 and 0 < first - last < up[axis] else 0
        padding = first if extra else max(min(first, last), 0)
        rest += [padding - first, padding - extra - last]
        paddings.append(padding)
        extras.append(extra)
    y = F.conv_transpose2d(
        x, kernel.expand(channels, 1, *kernel.shape), stride=(up[1], up[0]),
        padding=(paddings[1], paddings[0]), output_padding=(extras[1], extras[0]), groups=channels,
    )  # fmt: skip
    return F.pad(y, rest) if any(rest) else y


def upsample2d(x: Tensor, f: Tensor) -> Tensor:
    """Twice the size, aligned at pixel edges: `[N, C, H, W]` to `[N, C, 2H, 2W]`."""
    size = f.shape[-1]
    return upfirdn2d(x, f, up=2, padding=((size + 1) // 2, (size - 2) // 2) * 2, gain=4)


def downsample2d(x: Tensor, f: Tensor) -> Tensor:
    """Half the size, aligned at pixel edges: `[N, C, H, W]` to `[N, C, H / 2, W / 2]`."""
    size = f.shape[-1]
    return upfirdn2d(x, f, down=2, padding=((size - 1) // 2, (size - 2) // 2) * 2)


def _pair(value: int | Sequence[int]) -> Pair:
    x, y = (value, value) if isinstance(value, int) else value
    if x < 1 or y < 1:
        raise ValueError(f"up and down must be positive, but one is {value}")
    return x, y


def _sides(padding: int | Sequence[int]) -> Sides:
    if isinstance(padding, int):
        padding = (padding, padding)
    if len(padding) == 2:
        padding = (padding[0], padding[0], padding[1], padding[1])
    x0, x1, y0, y1 = padding
    return x0, x1, y0, y1
