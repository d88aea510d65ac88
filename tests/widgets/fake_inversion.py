"""Steps of an inversion without a network: a picture that fades in, and losses that fall."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import torch
from torch import Tensor

from smis_core.inversion import InversionStep
from smis_core.latents import WPlus

PATIENCE = 60.0


def picture(side: int = 16, seed: int = 0) -> Tensor:
    """[1, 3, side, side] in [-1, 1]: a smooth one."""
    coarse = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return torch.nn.functional.interpolate(coarse, size=side, mode="bilinear")


def fake_step(
    index: int,
    total: int | None = 100,
    *,
    image: Tensor | None = None,
    losses: dict[str, float] | None = None,
    **changes: object,
) -> InversionStep:
    return InversionStep(
        index=index,
        total=total,
        phase="optimise",
        losses=losses or {"total": 1 / index, "pixels": 0.5 / index},
        latent=WPlus(torch.full((1, 10, 4), float(index))),
        noise=None,
        image=image,
        seconds=index / 10,
        best=True,
        **changes,
    )


def fake_inversion(
    target: Tensor, *, steps: int = 100, seconds: float = 0.0, scale: float = 1.0
) -> Iterator[InversionStep]:
    """As `smis_core.inversion` does it, every second step with a picture."""
    for index in range(1, steps + 1):
        time.sleep(seconds)
        image = target * (index / steps) if index % 2 == 0 or index == steps else None
        losses = {"total": scale / index, "pixels": 0.5 * scale / index}
        yield fake_step(index, steps, image=image, losses=losses)


class Gated:
    """A fake inversion that makes a step for each permit."""

    def __init__(self, target: Tensor, *, steps: int = 100, failing_at: int | None = None) -> None:
        self.permits = threading.Semaphore(0)
        self.target = target
        self.steps = steps
        self.failing_at = failing_at
        self.begun = 0

    def __call__(self) -> Iterator[InversionStep]:
        self.begun += 1
        for index in range(1, self.steps + 1):
            assert self.permits.acquire(timeout=PATIENCE)
            if index == self.failing_at:
                raise ArithmeticError("the loss is not a number")
            yield fake_step(index, self.steps, image=self.target * (index / self.steps))
