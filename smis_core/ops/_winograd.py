"""3×3 convolutions with 16 products for every 36: Lavin and Gray 2015, F(2×2, 3×3).

Four outputs along an axis pair cost 4×4 products of transformed inputs and weights. The products
of all tiles are sixteen products of matrices, which a CPU computes at its full rate.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_WIDTH = 256
_SIDES = range(16, 65)

# G of the paper's section 4.1: weights of 3 taps to 4.
_WEIGHTS = torch.tensor([[1.0, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])


def winograd_pays(x: Tensor, weight: Tensor) -> bool:
    """Whether the products that are saved outweigh the memory that the transforms move. Weights
    that are made anew for each picture would cost a transform each time."""
    return (
        isinstance(weight, nn.Parameter)
        and x.dtype == torch.float32
        and weight.shape[2] == 3
        and min(weight.shape[:2]) >= _WIDTH
        and all(side in _SIDES and side % 2 == 0 for side in x.shape[2:])
    )


def transformed(weight: Tensor) -> Tensor:
    """`[out, in, 3, 3]` to `[16, in, out]`: four across times four down."""
    taps = _WEIGHTS.to(weight.dtype)
    spread = torch.einsum("as,bt,oits->abio", taps, taps, weight)
    return spread.reshape(16, *spread.shape[2:]).contiguous()


def convolve(x: Tensor, kernel: Tensor) -> Tensor:
    """`[N, in, H, W]` inside a border of zeros, with a transformed kernel: `[N, out, H, W]`."""
    batch, channels, height, width = x.shape
    down, across = height // 2, width // 2
    padded = x.new_zeros(batch, height + 2, width + 2, channels)
    padded[:, 1:-1, 1:-1] = x.permute(0, 2, 3, 1)
    lines = _inputs(padded, 1, down)  # [4, N, H / 2, W + 2, in]
    tiles = _inputs(lines, 3, across)  # [4, 4, N, H / 2, W / 2, in]
    products = torch.bmm(tiles.view(16, -1, channels), kernel)
    columns = x.new_empty(4, batch, down, across, 2, kernel.shape[2])
    _outputs(products.view(4, 4, batch, down, across, -1), columns, 4)
    y = x.new_empty(batch, down, 2, width, kernel.shape[2])
    _outputs(columns.view(4, batch, down, width, -1), y, 2)
    return y.view(batch, height, width, -1).permute(0, 3, 1, 2)


def _inputs(x: Tensor, axis: int, tiles: int) -> Tensor:
    """Bᵀ of the paper along an axis: overlapping fours of it to a new first axis."""
    first, second, third, fourth = (
        x.narrow(axis, start, 2 * tiles - 1).unfold(axis, 1, 2).squeeze(-1) for start in range(4)
    )
    result = x.new_empty(4, *first.shape)
    torch.sub(first, third, out=result[0])
    torch.add(second, third, out=result[1])
    torch.sub(third, second, out=result[2])
    torch.sub(second, fourth, out=result[3])
    return result


def _outputs(products: Tensor, y: Tensor, axis: int) -> None:
    """Aᵀ of the paper: fours along the first axis to pairs along an axis of y."""
    first, second, third, fourth = products
    even, odd = y.unbind(axis)
    torch.add(first, second, out=even).add_(third)
    torch.sub(second, third, out=odd).sub_(fourth)
