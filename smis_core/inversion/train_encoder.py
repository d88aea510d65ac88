"""Training an image encoder on a domain's pictures and on what the generator draws."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..checkpoints.native import fingerprint
from ..devices import has_fast_bfloat16
from ..labelling import restyle, sample_ws, shallow_synthesis
from ..networks.generator_base import GeneratorBase
from .encoder_state import follow, rate_share, read_state, write_state
from .image_encoder import ImageEncoder, ImageEncoderConfig
from .pyramid import pixel_distance, pyramid
from .statistics import WStatistics

Pictures = Callable[[int, int], Tensor]
"""First number and how many → pictures [n, 3, R, R] of the domain in [-1, 1]; the same number gives
the same picture."""
Features = Callable[[Tensor], list[Tensor]]
"""[N, 3, R, R] → maps of unit length along their channels, see `perceptual`."""


@dataclass(frozen=True)
class ImageEncoderOptions:
    """How an image encoder is trained."""

    pictures: int = 36_000
    """seen in all: half of the domain, half samples"""
    batch: int = 16
    """pictures a step"""
    learning_rate: float = 2e-3
    """AdamW's; ramps up over the first 3% and falls to zero along a cosine"""
    weight_decay: float = 0.01
    """decoupled"""
    latent_weight: float = 0.3
    """of the distance between the codes of samples and ours, in units of w's spread"""
    feature_weight: float = 0.5
    """of the perceptual distance, where features are given"""
    prior_weight: float = 0.01
    """of the distance from the latents that the mapping network gives"""
    row_weight: float = 0.01
    """of the distance between the rows of W+ (e4e's delta loss)"""
    refinements: int = 1
    """how many further looks are trained (ReStyle); a step trains one of the looks"""
    coarse_share: float = 0.5
    """the beginning that is drawn at half the resolution, where the generator has one; a quarter of
    the cost"""
    average_share: float = 0.03
    """half-life of the running average of the weights, as a share of the run"""
    seed: int = 0
    """of everything random"""

    def __post_init__(self) -> None:
        if self.batch < 2 or self.batch % 2 or self.pictures < self.batch:
            raise ValueError(
                "pictures and batch: wanted an even batch and at least one of it, got"
                f" {self.pictures} and {self.batch}"
            )
        if self.learning_rate <= 0 or self.refinements < 0 or not 0 <= self.coarse_share <= 1:
            raise ValueError(
                "wanted a positive learning_rate, refinements from 0 and a coarse_share in [0, 1],"
                f" got {self.learning_rate}, {self.refinements} and {self.coarse_share}"
            )

    @property
    def steps(self) -> int:
        """Optimiser steps of the whole run."""
        return self.pictures // self.batch


@dataclass(frozen=True, eq=False)
class ImageEncoderStep:
    """One step of the training."""

    index: int
    """from 1; a resumed run goes on where it stopped"""
    total: int
    losses: dict[str, float]
    """unweighted terms by name, and their weighted sum as "total" """
    encoder: ImageEncoder
    """the running average; it goes on changing until the last step"""


def train_image_encoder(
    generator: GeneratorBase,
    pictures: Pictures,
    *,
    features: Features | None = None,
    options: ImageEncoderOptions | None = None,
    state: Path | None = None,
    state_interval_seconds: float = 30.0,
) -> Iterator[ImageEncoderStep]:
    """Trains an encoder for a generator, a step at a time.

    Pictures of the domain teach what samples cannot: what the generator draws only nearly. Samples
    bring their codes. Losses are those of pSp (Richardson et al. 2021, section 3.2) with the
    discriminator in place of LPIPS, after each look that ReStyle takes.

    Args:
        generator: unconditional, frozen; nothing of it changes.
        pictures: the domain's.
        features: a perceptual distance's maps.
        options: see `ImageEncoderOptions`.
        state: a file from which training resumes exactly. None resumes nothing.
        state_interval_seconds: how often it is written.

    Yields:
        A step; the last one's `encoder` is the result.

    Raises:
        ValueError: a conditional generator, pictures of another size, or the state of another run.
    """
    side = generator.config.resolution
    if generator.config.c_dim:
        raise ValueError(
            f"generator: wanted an unconditional one, got one with {generator.config.c_dim} classes"
        )
    shown = pictures(0, 1)
    if tuple(shown.shape) != (1, 3, side, side):
        raise ValueError(
            f"pictures: wanted [1, 3, {side}, {side}] of one, the generator's size, got"
            f" {list(shown.shape)}"
        )
    run = _Run(generator, pictures, features, options or ImageEncoderOptions())
    if state is not None and state.exists():
        run.load(state)
    return _steps(run, state, state_interval_seconds)


def _steps(run: _Run, state: Path | None, interval: float) -> Iterator[ImageEncoderStep]:
    total, saved = run.options.steps, time.monotonic()
    # A run that stopped after its last step yields that one again, so that its result is not lost.
    finished = run.index == total
    while run.index < total or finished:
        if not finished:
            run.step()
            due = run.index == total or time.monotonic() - saved >= interval
            if state is not None and due:
                run.save(state)
                saved = time.monotonic()
        yield ImageEncoderStep(run.index, total, run.losses, run.average)
        finished = False


class _Run:
    """A training run between two steps."""

    def __init__(
        self,
        generator: GeneratorBase,
        pictures: Pictures,
        features: Features | None,
        options: ImageEncoderOptions,
    ) -> None:
        self.generator, self.pictures, self.features = generator, pictures, features
        self.options = options
        self.device = generator.mapping.w_avg.device
        self.fast = has_fast_bfloat16(self.device)
        config = generator.config
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(options.seed)
            self.encoder, self.average = (
                ImageEncoder(
                    ImageEncoderConfig(config.resolution, generator.num_ws, config.w_dim)
                ).to(self.device)
                for _ in range(2)
            )
        self.statistics = WStatistics(generator, torch.Generator().manual_seed(options.seed))
        self.encoder.set_statistics(self.statistics.mean, self.statistics.basis)
        self.average.load_state_dict(self.encoder.state_dict())
        self.average.eval().requires_grad_(False)
        half = config.resolution // 2
        self.coarse = shallow_synthesis(generator, half) if half >= 16 else generator.synthesis
        with torch.no_grad():
            self.begin = generator.synthesis(self.encoder.start(1))
        self.optimizer = torch.optim.AdamW(
            self.encoder.parameters(),
            weight_decay=options.weight_decay,
            betas=(0.9, 0.99),
            fused=self.device.type in ("cpu", "cuda"),
        )
        self.index = 0
        self.losses: dict[str, float] = {}

    def step(self) -> None:
        """One batch, one look."""
        options = self.options
        # A step's randomness follows from its number, so that a resumed run draws what it would
        # have drawn.
        rng = torch.Generator().manual_seed((options.seed + 1) * 1_000_003 + self.index)
        half = options.batch // 2
        look = int(torch.randint(options.refinements + 1, (), generator=rng))
        done = self.index / options.steps
        with torch.no_grad(), self._autocast():
            known = sample_ws(self.generator, half, rng=rng)
            # Mixed styles show codes whose rows differ.
            known = restyle(self.generator, known, mix_from=1, rng=rng, keep=0.5)
            drawn = self.generator.synthesis(known).clamp(-1, 1)
            real = self.pictures(self.index * half, half).to(self.device)
            target = torch.cat([real, drawn])
            ws = self.encoder.start(len(target))
            seen = self.begin.expand_as(target)
            for _ in range(look):
                ws = ws + self.encoder(target, seen)
                seen = self.generator.synthesis(ws)
        for group in self.optimizer.param_groups:
            group["lr"] = options.learning_rate * rate_share(done)
        with torch.enable_grad():
            losses = self._losses(ws, target, seen, known, coarse=done < options.coarse_share)
            weights = {
                "pixels": 1.0,
                "features": options.feature_weight,
                "latent": options.latent_weight,
                "prior": options.prior_weight,
                "rows": options.row_weight,
            }
            total = torch.stack([weights[name] * term for name, term in losses.items()]).sum()
            self.optimizer.zero_grad(set_to_none=True)
            total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.encoder.parameters(), 1.0)
        self.optimizer.step()
        self.index += 1
        self._average()
        self.losses = {name: float(term.detach()) for name, term in losses.items()}
        self.losses["total"] = float(total.detach())

    def _losses(
        self, ws: Tensor, target: Tensor, seen: Tensor, known: Tensor, *, coarse: bool
    ) -> dict[str, Tensor]:
        synthesis = self.coarse if coarse else self.generator.synthesis
        with self._autocast():
            ws = ws + self.encoder(target, seen)
            image = synthesis(ws[:, : synthesis.num_ws])
        wanted = pyramid(target)[int(image.shape[-1] < target.shape[-1]) :]
        losses = {"pixels": pixel_distance(pyramid(image), wanted).mean()}
        if self.features is not None and not coarse:
            with self._autocast():
                ours = self.features(image)
                with torch.no_grad():
                    theirs = self.features(target)
            gaps = [(a - b).square().sum(dim=1).mean() for a, b in zip(ours, theirs, strict=True)]
            losses["features"] = torch.stack(gaps).mean()
        statistics = self.statistics
        gap = (ws[len(target) - len(known) :] - known) / statistics.spread
        losses["latent"] = gap.square().mean()
        losses["prior"] = statistics.distance(ws - statistics.mean).mean()
        losses["rows"] = statistics.distance(ws - ws.mean(dim=1, keepdim=True)).mean()
        return losses

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.fast)

    @torch.no_grad()
    def _average(self) -> None:
        half_life = self.options.average_share * self.options.steps
        follow(
            self.average.parameters(), self.encoder.parameters(),
            index=self.index, half_life=half_life,
        )  # fmt: skip

    def _identity(self) -> dict[str, Any]:
        return {"options": asdict(self.options), "generator": fingerprint(self.generator)}

    def save(self, path: Path) -> None:
        """Everything that the next step depends on; a crash leaves the former file."""
        values = {
            "index": self.index,
            "losses": self.losses,
            "encoder": self.encoder.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        write_state(path, self._identity(), values)

    def load(self, path: Path) -> None:
        """Continues from what `save` wrote; ValueError where it was another run."""
        saved = read_state(path, self._identity(), device=self.device)
        self.index, self.losses = saved["index"], saved["losses"]
        self.encoder.load_state_dict(saved["encoder"])
        self.average.load_state_dict(saved["average"])
        self.optimizer.load_state_dict(saved["optimizer"])
