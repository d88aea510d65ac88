"""Z, W, W+ and noise as types: which space a tensor lives in is part of a function's signature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor


@dataclass(frozen=True, eq=False)
class _Code:
    tensor: Tensor
    _layout: ClassVar[str]
    _dimensions: ClassVar[int]

    def __post_init__(self) -> None:
        if self.tensor.ndim != self._dimensions or not self.tensor.is_floating_point():
            raise ValueError(
                f"{type(self).__name__} holds floats {self._layout}, but came with "
                f"{self.tensor.dtype} {[*self.tensor.shape]}"
            )

    def __len__(self) -> int:
        return len(self.tensor)


@dataclass(frozen=True, eq=False)
class Z(_Code):
    """`[N, z]`, standard normal: what a mapping network takes."""

    _layout = "[N, z]"
    _dimensions = 2


@dataclass(frozen=True, eq=False)
class W(_Code):
    """`[N, w]`: one intermediate code for all layers."""

    _layout = "[N, w]"
    _dimensions = 2

    def broadcast(self, num_ws: int) -> WPlus:
        """The same code for each of `num_ws` rows."""
        return WPlus(self.tensor[:, None].repeat(1, num_ws, 1))


@dataclass(frozen=True, eq=False)
class WPlus(_Code):
    """`[N, L, w]`: an intermediate code for each layer (Abdal et al. 2019)."""

    _layout = "[N, L, w]"
    _dimensions = 3


@dataclass(frozen=True, eq=False)
class StyleSpace:
    """What modulates each layer, in the order of drawing (Wu et al. 2021): one `[N, C]` a layer,
    those of ToRGB included."""

    styles: tuple[Tensor, ...]

    def __post_init__(self) -> None:
        for index, style in enumerate(self.styles):
            if (
                style.ndim != 2
                or not style.is_floating_point()
                or len(style) != len(self.styles[0])
            ):
                raise ValueError(
                    f"StyleSpace holds floats [N, C] with one N, but style {index} is "
                    f"{style.dtype} {[*style.shape]}"
                )
        if not self.styles:
            raise ValueError("StyleSpace holds at least one style, but came with none")

    def __len__(self) -> int:
        return len(self.styles[0])


@dataclass(frozen=True, eq=False)
class Noise:
    """One map a layer, coarsest first, each broadcasting to `[N, 1, H, W]`."""

    maps: tuple[Tensor, ...]

    def __post_init__(self) -> None:
        for index, noise in enumerate(self.maps):
            if noise.ndim < 2 or not noise.is_floating_point():
                raise ValueError(
                    f"Noise holds float maps [..., H, W], but map {index} is {noise.dtype} "
                    f"{[*noise.shape]}"
                )
