"""Weights of convolutions, laid out once for drawing on a CPU and kept until they change."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.weak import WeakTensorKeyDictionary

from . import _winograd

# [phase, tap of two, tap of three]: a transposed convolution of stride 2 gives pixels of two
# phases (along each axis), each of which is an ordinary convolution of the input.
_PHASES = torch.tensor([[[0.0, 0, 1], [1, 0, 0]], [[0, 0, 0], [0, 1, 0]]])


Form = Literal["ordinary", "transposed", "phases", "winograd"]


class Layout(NamedTuple):
    """In what form a weight is wanted."""

    dtype: torch.dtype
    up: int
    """1: an ordinary convolution; more: a transposed one of this stride."""
    flip: bool
    padding: int
    """Of the ordinary convolution."""
    fold: bool
    """Whether each sample scales it: then it stays in float32 until that has been done."""
    demodulate: bool
    winograd: bool


@dataclass(frozen=True)
class Kernels:
    """A weight in a layout."""

    form: Form
    layout: Layout
    kernel: Tensor
    """`[out, in, k, k]`, transposed `[in, out, k, k]`, phases `[4·out, in, 2, 2]`,
    winograd `[16, in, out]`."""
    energy: Tensor | None
    """`[out, in]`, what demodulation needs of it."""

    def scaled(self, styles: Tensor, scale: Tensor | None) -> Tensor:
        """The kernel of a sample with its styles `[in]` and the factors `[out]` of its results."""
        if self.form == "transposed":
            kernel = self.kernel * styles[:, None, None, None]
            return kernel if scale is None else kernel.mul_(scale[:, None, None])
        kernel = self.kernel * styles[:, None, None]
        if scale is not None:
            scale = scale.repeat(4) if self.form == "phases" else scale
            kernel.mul_(scale[:, None, None, None])
        return kernel

    def convolve(self, x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
        """The convolution of `x` with this kernel or a scaled one, fresh and channels-last.

        A bias is added to the ordinary form only.
        """
        up, padding = self.layout.up, self.layout.padding
        if self.form == "transposed":
            if kernel.is_mkldnn:
                y: Tensor = _mkldnn()._convolution_transpose_pointwise(
                    x, kernel, None, [0, 0], [0, 0], [up, up], [1, 1], 1, "none", [], ""
                )
                return y
            return F.conv_transpose2d(x, kernel, stride=up)
        if self.form == "phases":
            return _interleaved(_ordinary(x, kernel, None, 1))
        if self.form == "winograd":
            return _winograd.convolve(x, kernel)
        return _ordinary(x, kernel, bias, padding)


_kept: MutableMapping[Tensor, tuple[object, dict[torch.dtype, Kernels]]] = WeakTensorKeyDictionary()


def kernels_of(
    weight: Tensor,  # [out, in, k, k]
    layout: Layout,
    *,
    size: torch.Size,  # of the input
) -> Kernels:
    """A weight in a layout.

    That of a parameter is kept, the last layout of each precision, until the parameter dies or
    changes: whoever draws a picture rounded first and then exactly uses both in turn. A change
    through `parameter.data` leaves no trace but the numbers, so some are compared.
    """
    if not isinstance(weight, nn.Parameter):
        return _lay_out(weight, layout, size=size, prepack=False)
    rows, columns = 1 + weight.shape[0] // 8, 1 + weight.shape[1] // 8
    mark = (
        None if weight.is_inference() else weight._version,
        weight.data_ptr(),
        weight.shape,
        weight.detach()[::rows, ::columns].tolist(),
    )
    kept = _kept.get(weight)
    if kept is None or kept[0] != mark:
        kept = _kept[weight] = mark, {}
    kernels = kept[1].get(layout.dtype)
    if kernels is None or kernels.layout != layout:
        kernels = _lay_out(weight, layout, size=size, prepack=not layout.fold)
        kept[1][layout.dtype] = kernels
    return kernels


def _lay_out(weight: Tensor, layout: Layout, *, size: torch.Size, prepack: bool) -> Kernels:
    weight = weight.detach()
    energy = weight.float().square().sum(dim=(2, 3)) if layout.demodulate else None
    kernel = weight.float() if layout.fold else weight.to(layout.dtype)
    kernel = kernel.flip(2, 3) if layout.flip else kernel
    form: Form = "ordinary"
    if layout.winograd:
        return Kernels("winograd", layout, _winograd.transformed(kernel), energy)
    if layout.up > 1:
        form = "phases" if _phases_pay(layout, kernel.shape[2]) else "transposed"
    if form == "transposed":
        kernel = kernel.transpose(0, 1)
    elif form == "phases":
        taps = _PHASES.to(kernel.dtype)
        kernel = torch.einsum("pas,qbt,oist->pqoiab", taps, taps, kernel)
        kernel = kernel.reshape(-1, *kernel.shape[3:])
    kernel = kernel.contiguous(memory_format=torch.channels_last)
    if prepack and _mkldnn() is not None:
        kernel = _prepacked(kernel, form, layout, [*size])
    return Kernels(form, layout, kernel, energy)


def _prepacked(kernel: Tensor, form: str, layout: Layout, size: list[int]) -> Tensor:
    packed: Tensor
    if form == "transposed":
        packed = _mkldnn()._reorder_convolution_transpose_weight(
            kernel.contiguous(), [0, 0], [0, 0], [layout.up] * 2, [1, 1], 1, size
        )
    else:
        padding = 1 if form == "phases" else layout.padding
        packed = _mkldnn()._reorder_convolution_weight(
            kernel.contiguous(), [padding] * 2, [1, 1], [1, 1], 1, size
        )
    return packed


def _ordinary(x: Tensor, kernel: Tensor, bias: Tensor | None, padding: int) -> Tensor:
    if not kernel.is_mkldnn:
        return F.conv2d(x, kernel, bias, padding=padding)
    y: Tensor = _mkldnn()._convolution_pointwise(
        x, kernel, bias, [padding] * 2, [1, 1], [1, 1], 1, "none", [], ""
    )
    return y


def _interleaved(phases: Tensor) -> Tensor:
    """`[N, 4·C, H + 1, W + 1]` to `[N, C, 2·H + 1, 2·W + 1]`."""
    batch, channels, height, width = phases.shape
    shape = (batch, channels // 4, 2 * height - 1, 2 * width - 1)
    y = torch.empty(shape, dtype=phases.dtype, memory_format=torch.channels_last)
    for index, phase in enumerate(phases.chunk(4, dim=1)):
        down, across = divmod(index, 2)
        y[:, :, down::2, across::2] = phase[:, :, : height - down, : width - across]
    return y


def _phases_pay(layout: Layout, side: int) -> bool:
    """Sixteen products in place of nine, at five times the rate: matrix tiles serve ordinary
    convolutions only."""
    return layout.up == 2 and side == 3 and layout.dtype == torch.bfloat16 and _has_tiles()


@cache
def _has_tiles() -> bool:
    return bool(torch.cpu._is_amx_tile_supported())


def _mkldnn() -> Any:
    """oneDNN with weights that it has laid out itself, or None where this torch has no such ops."""
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return None
    return torch.ops.mkldnn if _has_packed_ops() else None


@cache
def _has_packed_ops() -> bool:
    names = ("_convolution_pointwise", "_convolution_transpose_pointwise",
             "_reorder_convolution_weight", "_reorder_convolution_transpose_weight")  # fmt: skip
    return all(hasattr(torch.ops.mkldnn, name) for name in names)
