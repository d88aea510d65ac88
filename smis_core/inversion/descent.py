"""Gradient descent on a code and its noise maps, a step at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..devices import has_fast_bfloat16
from ..latents import Noise
from ..networks.generator_base import GeneratorBase, SynthesisBase
from .losses import Objective, as_numbers
from .noise_maps import normalise_
from .spaces import Search
from .step import Latent
from .work import detached_noise


class Looked(NamedTuple):
    """What a code was, drew, and cost, before the optimiser moved it."""

    latent: Latent
    noise: Noise | None
    image: Tensor
    losses: dict[str, float]


class Descent:
    """Adam on what a `Search` moves.

    Args:
        search: the codes.
        objective: what is minimised.
        maps: noise maps that are found as well.
        betas: Adam's.
    """

    def __init__(
        self,
        search: Search,
        objective: Objective,
        *,
        maps: list[Tensor],
        betas: tuple[float, float],
    ) -> None:
        self.search, self.objective, self.maps = search, objective, maps
        self.optimizer = torch.optim.Adam([*search.offsets, *maps], betas=betas)
        self.has_bfloat16 = has_fast_bfloat16(search.begin[0].device)

    def step(
        self,
        learning_rate: float,  # 0 looks and does not move
        *,
        shake: float = 0.0,
        rng: torch.Generator | None = None,
        synthesis: SynthesisBase | None = None,
        correction: Tensor | None = None,  # [N, 3, r, r], added to what a shallow synthesis draws
        fast: bool = False,
    ) -> Looked:
        """Draws, compares, and moves. `fast` draws in bfloat16 where that is faster."""
        search, objective = self.search, self.objective
        device_type = search.begin[0].device.type
        # A worker thread shares the process's gradient mode with nobody: it is set here, not by
        # who drains us.
        with torch.set_grad_enabled(learning_rate > 0):
            codes = search.codes()
            clean = search.ws(codes)
            shaken = search.codes(shake, rng) if shake else codes
            ws = search.ws(shaken) if shake else clean
            use_fast = fast and self.has_bfloat16
            with torch.autocast(device_type, torch.bfloat16, enabled=use_fast):
                image = search.draw(shaken, ws, self.maps, synthesis)
                if correction is not None:
                    image = image + correction
                terms = objective.compare(image)
            terms |= objective.regularise(clean, self.maps, count=search.count)
            total = objective.total(terms)
            if learning_rate > 0:
                self.optimizer.zero_grad(set_to_none=True)
                total.sum().backward()  # type: ignore[no-untyped-call]
        looked = Looked(
            search.latent(codes),
            detached_noise(self.maps),
            image.detach(),
            as_numbers(terms, total),
        )
        if learning_rate > 0:
            for group in self.optimizer.param_groups:
                group["lr"] = learning_rate
            self.optimizer.step()
            search.constrain()
            normalise_(self.maps)
        return looked

    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on."""
        return {
            "begin": self.search.begin,
            "offsets": [each.detach() for each in self.search.offsets],
            "maps": [each.detach() for each in self.maps],
            "optimizer": self.optimizer.state_dict(),
        }

    @torch.no_grad()
    def restore(self, state: dict[str, Any]) -> None:
        """The inverse of `state`."""
        for mine, kept in zip(
            [*self.search.begin, *self.search.offsets, *self.maps],
            [*state["begin"], *state["offsets"], *state["maps"]],
            strict=True,
        ):
            mine.copy_(kept)
        self.optimizer.load_state_dict(state["optimizer"])


def new_maps(generator: GeneratorBase, count: int, rng: torch.Generator) -> list[Tensor]:
    """Normalised noise maps [N, 1, r, r], one a layer, ready to be optimised."""
    device = generator.mapping.w_avg.device
    sides: Sequence[int] = [layer.resolution for layer in generator.synthesis.layers]
    maps = [torch.randn(count, 1, side, side, generator=rng).to(device) for side in sides]
    normalise_(maps)
    for each in maps:
        each.requires_grad_(True)
    return maps


def uses_noise(generator: GeneratorBase) -> bool:
    """Whether noise maps change what a generator draws."""
    if not generator.synthesis.takes_noise:
        return False
    strengths = [
        value
        for name, value in generator.synthesis.named_parameters()
        if name.endswith("noise_strength")
    ]
    return any(bool(value.abs().max() > 0) for value in strengths)
