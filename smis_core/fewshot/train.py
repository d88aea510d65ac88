"""Training the encoder on pseudo-labelled samples."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..checkpoints.native import fingerprint
from ..devices import has_fast_bfloat16
from ..inversion import pixel_distance, pyramid
from ..labelling import Labeller, first_fine_row, sample_ws
from ..labels import Palette
from ..networks.encoders import MaskEncoder, MaskEncoderConfig
from ..networks.generator_base import GeneratorBase
from .augment import AugmentOptions, distort
from .losses import balance, mask_consistency, one_hot, shrunk_targets
from .network import FewshotConfig, FewshotNetwork
from .pseudo import PictureLabeller, PseudoSampler, PseudoSamples

_STATISTICS_SAMPLES = 4_000
_BALANCE_SAMPLES = 64


@dataclass(frozen=True)
class EncoderOptions:
    """How an encoder is trained."""

    pictures: int = 100_000
    """pseudo-labelled samples seen in all"""
    batch: int = 16
    """samples a step"""
    learning_rate: float = 2e-3
    """AdamW's; ramps up over the first 3% and falls to zero along a cosine"""
    weight_decay: float = 0.01
    """decoupled"""
    latent_weight: float = 1.0
    """of the distance between codes, the paper's loss (its equation 4)"""
    mask_weight: float = 1.0
    """of the disagreement between the mask that went in and the labeller's reading of what came
    out"""
    image_weight: float = 0.5
    """of the pixel pyramid"""
    feature_weight: float = 0.5
    """of the distance between features, each channel in units of its spread"""
    truncation_psi: float = 1.0
    """of the samples"""
    style_mixing: float = 0.1
    """share of samples made of two latents"""
    average_share: float = 0.03
    """half-life of the running average of the weights, as a share of the run"""
    augment: AugmentOptions = field(default_factory=AugmentOptions)
    """distortion of the masks"""
    seed: int = 0
    """of everything random"""

    def __post_init__(self) -> None:
        if self.batch < 1 or self.pictures < self.batch:
            raise ValueError(
                "pictures and batch: wanted at least one picture a batch and one batch, got"
                f" {self.pictures} and"
                f" {self.batch}"
            )
        if self.learning_rate <= 0:
            raise ValueError(f"learning_rate: wanted a positive number, got {self.learning_rate}")
        weights = (self.latent_weight, self.mask_weight, self.image_weight, self.feature_weight)
        if min(weights) < 0 or max(weights) == 0:
            raise ValueError(f"loss weights: wanted none negative and one positive, got {weights}")

    @property
    def steps(self) -> int:
        """Optimiser steps of the whole run."""
        return self.pictures // self.batch

    def paper(self) -> EncoderOptions:
        """The paper's loss: codes alone."""
        return replace(
            self, latent_weight=1.0, mask_weight=0.0, image_weight=0.0, feature_weight=0.0
        )


@dataclass(frozen=True, eq=False)
class EncoderStep:
    """One step of the training."""

    index: int
    """from 0; a resumed run goes on where it stopped"""
    pictures: int
    """seen so far"""
    total: float
    """the weighted sum"""
    losses: dict[str, float]
    """unweighted terms by name: "latent", "mask", "image", "features" """
    network: FewshotNetwork
    """the running average of the encoder, with the labeller; it goes on changing until the last"
    " step"""


def train_encoder(
    generator: GeneratorBase,
    labeller: Labeller,
    palette: Palette,
    *,
    options: EncoderOptions | None = None,
    folded: tuple[int, ...] = (),
    picture_labeller: PictureLabeller | None = None,
    state: Path | None = None,
    state_interval_steps: int = 250,
) -> Iterator[EncoderStep]:
    """Trains a mask encoder, a step at a time.

    Endo and Kanamori (2021), section 3.3, with three more losses of ours: what the predicted code
    draws is compared with the sample (pixels, features) and with the mask (the labeller reads it
    back). For half of the samples the
    drawing takes the sample's own fine rows, since no mask says what colour hair has.

    Args:
        generator: without gradients of its own; nothing of it changes.
        labeller: names the samples and reads back what is drawn.
        palette: what the labeller's classes mean.
        options: see `EncoderOptions`.
        folded: classes that the domain never shows.
        picture_labeller: names the samples in place of the labeller.
        state: a file from which training resumes exactly, written every `state_interval_steps` and
            removed by who keeps the result. None resumes nothing.

    Yields:
        A step; the last one's `network` is the result.

    Raises:
        ValueError: the labeller has other classes than the palette, or the state is of another run.
    """
    options = options or EncoderOptions()
    if labeller.config.num_classes != palette.num_classes:
        raise ValueError(
            f"labeller: wanted {palette.num_classes} classes as in palette {palette.name!r},"
            f" got {labeller.config.num_classes}"
        )
    run = _Run(generator, labeller, palette, options, folded, picture_labeller)
    if state is not None and state.exists():
        run.load(state)
    return _steps(run, options, state, state_interval_steps)


def _steps(
    run: _Run, options: EncoderOptions, state: Path | None, interval: int
) -> Iterator[EncoderStep]:
    # A run that stopped after its last step yields that one again, so that its result is not lost.
    finished = run.index == options.steps
    while run.index < options.steps or finished:
        if not finished:
            run.step()
            if state is not None and (run.index % interval == 0 or run.index == options.steps):
                run.save(state)
        pictures = run.index * options.batch
        yield EncoderStep(run.index - 1, pictures, run.total, run.losses, run.network)
        finished = False


class _Run:
    """A training run between two steps."""

    def __init__(
        self,
        generator: GeneratorBase,
        labeller: Labeller,
        palette: Palette,
        options: EncoderOptions,
        folded: tuple[int, ...],
        picture_labeller: PictureLabeller | None,
    ) -> None:
        self.generator, self.labeller, self.options = generator, labeller, options
        self.device = generator.mapping.w_avg.device
        self.autocast = has_fast_bfloat16(self.device)
        self.sampler = PseudoSampler(
            generator,
            labeller,
            picture_labeller=picture_labeller,
            truncation_psi=options.truncation_psi,
            style_mixing=options.style_mixing,
            autocast=self.autocast,
        )
        self.mix_from = first_fine_row(generator)
        rng = torch.Generator().manual_seed(options.seed)
        config = FewshotConfig(
            MaskEncoderConfig(
                num_classes=palette.num_classes,
                resolution=generator.config.resolution,
                num_ws=generator.num_ws,
                w_dim=generator.config.w_dim,
            ),
            labeller.config,
            palette,
            folded,
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(options.seed)
            self.encoder = MaskEncoder(config.encoder).to(self.device)
        with torch.no_grad():
            w = sample_ws(generator, _STATISTICS_SAMPLES, rng=rng)[:, 0]
            self.encoder.set_code_scale(w.std(dim=0).mean().expand(w.shape[1]))
        self.network = FewshotNetwork(config).to(self.device).requires_grad_(False).eval()
        self.network.encoder.load_state_dict(self.encoder.state_dict())
        self.network.labeller.load_state_dict(labeller.state_dict())
        shown = self.sampler.draw(_BALANCE_SAMPLES, rng=rng)
        self.weights = balance(shown.labels, palette.num_classes)
        self.spreads = {
            name: values.float().std(dim=(0, 2, 3)).clamp_min(1e-3)[:, None, None]
            for name, values in shown.features.items()
        }
        self.optimizer = torch.optim.AdamW(
            self.encoder.parameters(),
            weight_decay=options.weight_decay,
            betas=(0.9, 0.99),
            fused=self.device.type in ("cpu", "cuda"),
        )
        self.index = 0
        self.total = float("nan")
        self.losses: dict[str, float] = {}

    def step(self) -> None:
        """One batch."""
        options = self.options
        # A step's randomness follows from its number, so that a resumed run draws what it would
        # have drawn.
        rng = torch.Generator().manual_seed((options.seed + 1) * 1_000_003 + self.index)
        samples = self.sampler.draw(options.batch, rng=rng)
        masks = distort(samples.labels, rng=rng, options=options.augment)
        own_colours = torch.rand(options.batch, generator=rng).to(self.device) < 0.5
        for group in self.optimizer.param_groups:
            group["lr"] = options.learning_rate * _schedule(self.index / options.steps)
        with torch.enable_grad():
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.autocast):
                codes = self.encoder(one_hot(masks, self.network.config.palette.num_classes))
            ws = self.generator.mapping.w_avg + codes
            scale = self.encoder.code_scale
            losses = {"latent": ((ws - samples.ws) / scale).square().mean()}
            if options.mask_weight or options.image_weight or options.feature_weight:
                losses |= self._drawn(ws, samples, masks, own_colours)
            weights = {
                "latent": options.latent_weight,
                "mask": options.mask_weight,
                "image": options.image_weight,
                "features": options.feature_weight,
            }
            total = torch.stack([weights[name] * term for name, term in losses.items()]).sum()
            self.optimizer.zero_grad(set_to_none=True)
            total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.encoder.parameters(), 1.0)
        self.optimizer.step()
        self.index += 1
        self._average()
        self.total = float(total.detach())
        self.losses = {name: float(term.detach()) for name, term in losses.items()}

    def _drawn(
        self, ws: Tensor, samples: PseudoSamples, masks: Tensor, own_colours: Tensor
    ) -> dict[str, Tensor]:
        """The losses on what the codes draw."""
        sampler = self.sampler
        fine = torch.arange(ws.shape[1], device=ws.device) >= self.mix_from
        borrowed = fine[None] & ~own_colours[:, None]
        mixed = torch.where(borrowed[..., None], samples.ws, ws)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.autocast):
            image, features = sampler.synthesis(
                mixed[:, : sampler.synthesis.num_ws], features=self.labeller.layers
            )
            logits = self.labeller.logits(features, sampler.side)
        targets = shrunk_targets(masks, self.weights.shape[0], sampler.side)
        losses = {"mask": mask_consistency(logits, targets, self.weights)}
        comparable = (~own_colours).float()
        share = comparable.sum().clamp_min(1)
        difference = pixel_distance(pyramid(image), pyramid(samples.image.float()))
        losses["image"] = (difference * comparable).sum() / share
        terms = []
        for name, values in features.items():
            gap = (values.float() - samples.features[name].float()) / self.spreads[name]
            terms.append((gap.square().mean(dim=(1, 2, 3)) * comparable).sum() / share)
        losses["features"] = torch.stack(terms).mean()
        return losses

    @torch.no_grad()
    def _average(self) -> None:
        half_life = max(self.options.average_share * self.options.steps, 1.0)
        # While few steps are done, the average looks back at as few.
        half_life = min(half_life, max(self.index / 8, 0.5))
        keep = 0.5 ** (1 / half_life)
        averaged: list[Tensor] = list(self.network.encoder.parameters())
        latest: list[Tensor] = list(self.encoder.parameters())
        torch._foreach_lerp_(averaged, latest, 1 - keep)

    def _identity(self) -> dict[str, Any]:
        return {
            "options": asdict(self.options),
            "generator": fingerprint(self.generator),
            "labeller": fingerprint(self.labeller),
        }

    def save(self, path: Path) -> None:
        """Everything that the next step depends on; a crash leaves the former file."""
        partial = path.with_name(path.name + ".part")
        torch.save(
            {
                "identity": self._identity(),
                "index": self.index,
                "total": self.total,
                "losses": self.losses,
                "encoder": self.encoder.state_dict(),
                "average": self.network.encoder.state_dict(),
                "optimizer": self.optimizer.state_dict(),
            },
            partial,
        )
        os.replace(partial, path)

    def load(self, path: Path) -> None:
        """Continues from what `save` wrote; ValueError where it was another run."""
        try:
            saved = torch.load(path, map_location=self.device, weights_only=True)
        except Exception as error:
            raise ValueError(
                f"{path}: wanted the state of an encoder's training, got a file that does not"
                f" open ({error});"
                " delete it to start again"
            ) from error
        if saved["identity"] != self._identity():
            raise ValueError(
                f"{path}: wanted the state of this run, got one with other options, another"
                " generator or another"
                " labeller; delete it to start again"
            )
        self.index, self.total, self.losses = saved["index"], saved["total"], saved["losses"]
        self.encoder.load_state_dict(saved["encoder"])
        self.network.encoder.load_state_dict(saved["average"])
        self.optimizer.load_state_dict(saved["optimizer"])


def _schedule(done: float) -> float:
    return min(1.0, (done + 1e-3) / 0.03) * (0.5 + 0.5 * math.cos(math.pi * done))
