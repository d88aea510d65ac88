"""What the convolutions of a StyleGAN2 generator cost when nothing else is computed."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from smis_core.networks import GeneratorConfig

_LAYOUTS = (torch.contiguous_format, torch.channels_last)
_WARM_RUNS = 3
_ENOUGH_SECONDS = 20.0


@dataclass(frozen=True)
class Convolution:
    """A convolution of the synthesis network."""

    name: str
    in_channels: int
    out_channels: int
    kernel: int
    side: int
    """Of the input, in pixels."""
    up: int = 1
    """2: a transposed convolution of that stride."""

    @property
    def products(self) -> int:
        """Multiplications for one picture. A transposed convolution takes every input pixel
        `kernel²` times."""
        return self.in_channels * self.out_channels * self.kernel**2 * self.side**2

    @property
    def numbers(self) -> int:
        """What it reads and writes for one picture: input and output, without its weight."""
        side_out = self.side * self.up + self.up - 1
        return self.in_channels * self.side**2 + self.out_channels * side_out**2

    @property
    def weights(self) -> int:
        return self.in_channels * self.out_channels * self.kernel**2


def convolutions(config: GeneratorConfig) -> list[Convolution]:
    """Every convolution of a generator of the "skip" architecture, in order."""
    found = []
    for side in config.resolutions:
        channels = config.channels(side)
        if side > 4:
            before = config.channels(side // 2)
            found.append(Convolution(f"b{side}.conv0", before, channels, 3, side // 2, up=2))
        found.append(Convolution(f"b{side}.conv1", channels, channels, 3, side))
        found.append(Convolution(f"b{side}.torgb", channels, config.img_channels, 1, side))
    return found


def gigaflop(config: GeneratorConfig) -> float:
    """Of one picture, in units of 1e9: two for each product."""
    return 2e-9 * sum(each.products for each in convolutions(config))


def floor_seconds(
    config: GeneratorConfig, *, batch: int, dtype: torch.dtype, device: torch.device, repeats: int
) -> float:
    """Seconds that a batch's convolutions take: each alone, in the faster of both layouts.

    Args:
        config: of a generator.
        batch: pictures at once.
        dtype: of inputs and weights.
        device: where.
        repeats: runs of each convolution, whose median counts; fewer where they take long.
    """
    total = 0.0
    for each in convolutions(config):
        runs = [_run(each, batch, dtype, device, layout) for layout in _LAYOUTS]
        warm = [median_seconds(run, device, repeats=_WARM_RUNS) for run in runs]
        faster = runs[warm.index(min(warm))]
        total += median_seconds(faster, device, repeats=repeats)
    return total


def median_seconds(run: Callable[[], object], device: torch.device, *, repeats: int) -> float:
    """The median over runs after a first that does not count. Past twenty seconds three suffice."""
    run()
    seconds: list[float] = []
    while len(seconds) < repeats and (sum(seconds) < _ENOUGH_SECONDS or len(seconds) < _WARM_RUNS):
        _wait(device)
        start = time.perf_counter()
        run()
        _wait(device)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def _run(
    each: Convolution, batch: int, dtype: torch.dtype, device: torch.device,
    layout: torch.memory_format,
) -> Callable[[], Tensor]:  # fmt: skip
    ends = (each.in_channels, each.out_channels) if each.up > 1 else None
    ends = ends or (each.out_channels, each.in_channels)
    x = torch.randn(batch, each.in_channels, each.side, each.side, device=device)
    weight = torch.randn(*ends, each.kernel, each.kernel, device=device)
    x, weight = x.to(dtype, memory_format=layout), weight.to(dtype, memory_format=layout)
    if each.up > 1:
        return lambda: F.conv_transpose2d(x, weight, stride=each.up)
    return lambda: F.conv2d(x, weight, padding=each.kernel // 2)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
