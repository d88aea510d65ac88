"""Finding the latent of a picture by descent."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ..labelling import sample_ws
from ..latents import Noise, WPlus
from ..networks.generator_base import GeneratorBase
from ..networks.strided import AnyDiscriminator
from .noise_maps import autocorrelation, normalise_
from .perceptual import critic_features, feature_distance, pixel_distance, pyramid

_STATISTICS_SAMPLES = 4_000
_CANDIDATE_BATCH = 32


@dataclass(frozen=True)
class ProjectionOptions:
    """How a picture is inverted."""

    steps: int = 300
    """steps of Adam"""
    space: Literal["wplus", "w"] = "wplus"
    """whether every layer may have a latent of its own"""
    learning_rate: float = 0.1
    """in units of w's spread; ramps up over the first 5% and falls along a cosine over the last
    half"""
    candidates: int = 256
    """random samples among which the start is looked for; 0 starts at the average"""
    feature_weight: float = 0.5
    """of the discriminator's features, where one is given"""
    prior_weight: float = 0.01
    """of the distance from the latents that the mapping network gives: what keeps features
    readable"""
    row_weight: float = 0.01
    """of the distance between the rows of W+"""
    exploration: float = 0.05
    """noise on the latent at the start, in units of w's spread; gone after three quarters of the
    steps"""
    optimise_noise: bool = False
    """whether the noise maps are found as well, one a layer"""
    noise_weight: float = 1e3
    """of the noise maps' autocorrelation"""
    seed: int = 0
    """of the statistics, the candidates and the exploration"""


@dataclass(frozen=True, eq=False)
class ProjectionStep:
    """One step of an inversion."""

    index: int
    """from 0"""
    total: float
    """the sum that is minimised, averaged over the targets"""
    losses: dict[str, float]
    """unweighted terms by name: "pixels", "features", "prior", "rows", "noise" """
    latent: WPlus
    """[N, L, w] so far"""
    image: Tensor
    """[N, 3, R, R], what the latent (with this step's exploration) gave"""
    noise: Noise | None
    """the maps so far, where they are optimised"""


class _Prior:
    """The distribution of w as a Gaussian."""

    def __init__(self, generator: GeneratorBase, rng: torch.Generator) -> None:
        w = sample_ws(generator, _STATISTICS_SAMPLES, rng=rng)[:, 0].double()
        self.mean = w.mean(dim=0)
        centred = w - self.mean
        covariance = centred.T @ centred / len(w)
        width = covariance.shape[0]
        # Directions that w hardly takes are free to a hundredth of the mean variance, or they would
        # forbid everything.
        ridge = covariance.diagonal().mean() * 1e-2 + 1e-12
        eye = torch.eye(width, dtype=w.dtype, device=w.device)
        self.whitening = torch.linalg.cholesky(torch.linalg.inv(covariance + ridge * eye)).float()
        self.mean = self.mean.float()
        self.spread = float(covariance.diagonal().mean().clamp_min(1e-12).sqrt())

    def distance(self, difference: Tensor) -> Tensor:
        """[…, w] → […]: the mean square in whitened coordinates, 1 for a sample."""
        squares: Tensor = (difference @ self.whitening).square()
        return squares.mean(dim=-1)


def project(
    generator: GeneratorBase,
    target: Tensor,  # [N, 3, R, R] in [-1, 1]; several pictures are inverted side by side
    *,
    discriminator: AnyDiscriminator | None = None,
    start: WPlus | None = None,
    options: ProjectionOptions | None = None,
) -> Iterator[ProjectionStep]:
    """Inverts pictures, a step at a time.

    The reference projector's schedule (Karras et al., 2020, appendix D) with a start that is looked
    for among samples, a pyramid of pixel differences, and the discriminator in place of VGG.

    Args:
        generator: unconditional.
        target: at the generator's resolution.
        discriminator: of the same domain and size, for perceptual features.
        start: where to begin; by default the best of `options.candidates` samples.
        options: see `ProjectionOptions`.

    Yields:
        A step; the last one's `latent` is the result. To cancel is to stop iterating.

    Raises:
        ValueError: a target of another shape or out of range, or options out of range.
    """
    options = options or ProjectionOptions()
    _check(generator, target, discriminator, start, options)
    return _project(generator, target, discriminator, start, options)


def _project(
    generator: GeneratorBase,
    target: Tensor,
    discriminator: AnyDiscriminator | None,
    start: WPlus | None,
    options: ProjectionOptions,
) -> Iterator[ProjectionStep]:
    device = generator.mapping.w_avg.device
    rng = torch.Generator().manual_seed(options.seed)
    with torch.no_grad():
        prior = _Prior(generator, rng)
        levels = pyramid(target.to(device))
        seen = critic_features(discriminator, target.to(device)) if discriminator else []
        begin = (
            start.tensor.to(device)
            if start is not None
            else _best_start(generator, levels, prior, options.candidates, rng)
        )
        if options.space == "w":
            begin = begin.mean(dim=1, keepdim=True)
    offset = torch.zeros_like(begin).requires_grad_(True)
    maps = [
        torch.randn(len(begin), 1, layer.resolution, layer.resolution, generator=rng).to(device)
        for layer in generator.synthesis.layers
        if options.optimise_noise
    ]
    normalise_(maps)
    for each in maps:
        each.requires_grad_(True)
    optimizer = torch.optim.Adam([offset, *maps], betas=(0.9, 0.99))
    rows = generator.num_ws
    for index in range(options.steps):
        done = index / options.steps
        for group in optimizer.param_groups:
            group["lr"] = options.learning_rate * _ramp(done)
        with torch.enable_grad():
            ws = begin + offset * prior.spread
            strength = options.exploration * prior.spread * max(0.0, 1 - done / 0.75) ** 2
            shaken = ws + torch.randn(ws.shape, generator=rng).to(device) * strength
            # float32 throughout: a few hundred steps are short, and bf16's noise is as large as the
            # last of them.
            image = generator.synthesis(shaken.expand(-1, rows, -1), noise=maps or "const")
            losses = {"pixels": pixel_distance(pyramid(image), levels)}
            if discriminator:
                losses["features"] = feature_distance(critic_features(discriminator, image), seen)
            losses["prior"] = prior.distance(ws - prior.mean).mean(dim=1)
            losses["rows"] = prior.distance(ws - ws.mean(dim=1, keepdim=True)).mean(dim=1)
            if maps:
                losses["noise"] = autocorrelation(maps) / len(begin)
            weights = {
                "pixels": 1.0,
                "features": options.feature_weight,
                "prior": options.prior_weight,
                "rows": options.row_weight,
                "noise": options.noise_weight,
            }
            total = sum(
                (weights[name] * term.sum() for name, term in losses.items()), offset.new_zeros(())
            )
            optimizer.zero_grad(set_to_none=True)
            total.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        normalise_(maps)
        latent = (begin + offset.detach() * prior.spread).expand(-1, rows, -1).contiguous()
        yield ProjectionStep(
            index,
            float(total.detach()) / len(begin),
            {name: float(term.detach().mean()) for name, term in losses.items()},
            WPlus(latent),
            image.detach(),
            Noise(tuple(each.detach().clone() for each in maps)) if maps else None,
        )


def _ramp(done: float) -> float:
    """The reference projector's schedule with a longer fall, since there are fewer steps."""
    return min(1.0, (done + 0.005) / 0.05) * (
        0.5 - 0.5 * math.cos(math.pi * min(1.0, 2 * (1 - done)))
    )


@torch.no_grad()
def _best_start(
    generator: GeneratorBase,
    levels: list[Tensor],
    prior: _Prior,
    candidates: int,
    rng: torch.Generator,
) -> Tensor:
    """[N, L, w]: for each target the nearest of the average and random samples."""
    count, rows = len(levels[0]), generator.num_ws
    best = prior.mean.expand(count, rows, -1).clone()
    lowest = torch.full((count,), torch.inf, device=best.device)
    found: list[Tensor] = [prior.mean.expand(1, rows, -1)]
    while candidates > 0:
        found.append(sample_ws(generator, min(candidates, _CANDIDATE_BATCH), rng=rng))
        candidates -= _CANDIDATE_BATCH
    for ws in found:
        drawn = pyramid(generator.synthesis(ws))
        for index in range(count):
            wanted = [
                each[index : index + 1].expand_as(ours)
                for each, ours in zip(levels, drawn, strict=True)
            ]
            distances = pixel_distance(drawn, wanted)
            nearest = int(distances.argmin())
            if distances[nearest] < lowest[index]:
                lowest[index] = distances[nearest]
                best[index] = ws[nearest]
    return best


def _check(
    generator: GeneratorBase,
    target: Tensor,
    discriminator: AnyDiscriminator | None,
    start: WPlus | None,
    options: ProjectionOptions,
) -> None:
    side = generator.config.resolution
    if target.ndim != 4 or tuple(target.shape[1:]) != (3, side, side) or not len(target):
        raise ValueError(
            f"target: wanted [N, 3, {side}, {side}], got {list(target.shape)}; resize it with"
            f" smis_core.images.read_image(…, size={side})"
        )
    if not bool(torch.isfinite(target).all()) or float(target.abs().max()) > 1.01:
        raise ValueError(
            f"target: wanted values in [-1, 1], got {float(target.min()):.3g} to"
            f" {float(target.max()):.3g}"
        )
    if options.optimise_noise and not generator.synthesis.takes_noise:
        raise ValueError(
            "optimise_noise: wanted False for this generator, whose layers add no noise, got True"
        )
    if generator.config.c_dim:
        raise ValueError(
            f"generator: wanted an unconditional one, got one with {generator.config.c_dim} classes"
        )
    if discriminator is not None and discriminator.config.resolution != side:
        raise ValueError(
            f"discriminator: wanted one of {side}², the generator's size, got"
            f" {discriminator.config.resolution}²"
        )
    if start is not None and start.tensor.shape != (
        len(target),
        generator.num_ws,
        generator.config.w_dim,
    ):
        raise ValueError(
            f"start: wanted [{len(target)}, {generator.num_ws}, {generator.config.w_dim}],"
            f" got {list(start.tensor.shape)}"
        )
    if options.steps < 1 or options.learning_rate <= 0 or options.candidates < 0:
        raise ValueError(
            "options: wanted steps of at least 1, a positive learning_rate and candidates of at"
            " least 0, got"
            f" {options.steps}, {options.learning_rate} and {options.candidates}"
        )
