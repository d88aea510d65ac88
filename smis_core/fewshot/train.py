"""Training the encoder on pseudo-labelled samples."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..checkpoints.native import fingerprint
from ..devices import has_fast_bfloat16
from ..inversion import pixel_distance, pyramid
from ..inversion.encoder_state import follow, rate_share, read_state, write_state
from ..labelling import Labeller, first_fine_row, sample_ws
from ..labels import Palette
from ..networks.generator_base import GeneratorBase
from .augment import distort
from .encoder_options import EncoderOptions, EncoderStep
from .losses import balance, mask_consistency, one_hot, shrunk_targets
from .network import FewshotConfig, FewshotNetwork
from .pseudo import PictureLabeller, PseudoSampler, PseudoSamples
from .pyramid import EncoderConfig, build_encoder, encoder_config
from .validation import Validation, ValidationOptions, Validator

_STATISTICS_SAMPLES = 4_000
_BALANCE_SAMPLES = 64


def train_encoder(
    generator: GeneratorBase,
    labeller: Labeller,
    palette: Palette,
    *,
    options: EncoderOptions | None = None,
    folded: tuple[int, ...] = (),
    picture_labeller: PictureLabeller | None = None,
    encoder: EncoderConfig | None = None,
    validation: ValidationOptions | None = None,
    accelerator: Any = None,
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
        encoder: another shape than the small one's, see `encoder_config`.
        validation: takes validations and stops when they stall; None does neither.
        accelerator: an `accelerate.Accelerator`: its processes share the batch, and its precision
            holds for the encoder. The same on every process.
        state: a file from which training resumes exactly, written every `state_interval_steps` and
            removed by who keeps the result. None resumes nothing.

    Yields:
        A step; the last one's `network` is the result.

    Raises:
        ValueError: the labeller has other classes than the palette, the batch does not divide among
            the processes, or the state is of another run.
    """
    options = options or EncoderOptions()
    if labeller.config.num_classes != palette.num_classes:
        raise ValueError(
            f"labeller: wanted {palette.num_classes} classes as in palette {palette.name!r},"
            f" got {labeller.config.num_classes}"
        )
    processes = 1 if accelerator is None else accelerator.num_processes
    if options.batch % processes:
        raise ValueError(
            f"batch: wanted a multiple of {processes}, the processes, got {options.batch}"
        )
    shape = encoder or encoder_config(generator, palette.num_classes)
    config = FewshotConfig(shape, labeller.config, palette, folded)
    run = _Run(generator, labeller, config, options, picture_labeller, validation, accelerator)
    if state is not None and state.exists():
        run.load(state)
    return _steps(run, state, state_interval_steps)


def _steps(run: _Run, state: Path | None, interval: int) -> Iterator[EncoderStep]:
    # A run that stopped after its last step yields that one again, so that its result is not lost.
    finished = run.index == run.end
    warning = None
    while run.index < run.end or finished:
        taken = None
        if not finished:
            run.step()
            taken = run.validate()
            if state is not None and (run.index % interval == 0 or run.index == run.end):
                warning = _kept(run, state)
        pictures = run.index * run.options.batch
        yield EncoderStep(
            run.index - 1, pictures, run.total, run.losses, run.network, taken, run.end - 1, warning
        )
        finished = False


def _kept(run: _Run, state: Path) -> str | None:
    """Saves a run; a disk that fills, or goes away, does not end it."""
    try:
        run.save(state)
    except (OSError, RuntimeError) as error:  # torch's writer raises RuntimeError on full disks
        return (
            f"the training could not be kept in {state} ({error}); it goes on, but could not be"
            " taken up again from here: make room"
        )
    return None


class _Run:
    """A training run between two steps."""

    def __init__(
        self,
        generator: GeneratorBase,
        labeller: Labeller,
        config: FewshotConfig,
        options: EncoderOptions,
        picture_labeller: PictureLabeller | None,
        validation: ValidationOptions | None,
        accelerator: Any,
    ) -> None:
        self.generator, self.labeller, self.options = generator, labeller, options
        self.accelerator = accelerator
        self.processes = 1 if accelerator is None else accelerator.num_processes
        self.process = 0 if accelerator is None else accelerator.process_index
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
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(options.seed)
            self.encoder = build_encoder(config.encoder).to(self.device)
        with torch.no_grad():
            w = sample_ws(generator, _STATISTICS_SAMPLES, rng=rng)[:, 0]
            self.encoder.set_code_scale(w.std(dim=0).mean().expand(w.shape[1]))
        self.network = FewshotNetwork(config).to(self.device).requires_grad_(False).eval()
        self.network.encoder.load_state_dict(self.encoder.state_dict())
        self.network.labeller.load_state_dict(labeller.state_dict())
        shown = self.sampler.draw(_BALANCE_SAMPLES, rng=rng)
        self.weights = balance(shown.labels, config.palette.num_classes)
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
        self.validator = None
        if validation is not None:
            self.validator = Validator(
                generator, labeller, self.sampler, validation, agree=self._mains
            )
        self.trained: Any = self.encoder
        if accelerator is not None:
            self.trained, self.optimizer = accelerator.prepare(self.encoder, self.optimizer)
        self.index = 0
        self.end = options.steps
        self.stalled_at: int | None = None
        self.total = float("nan")
        self.losses: dict[str, float] = {}

    def step(self) -> None:
        """One batch."""
        options = self.options
        # A step's randomness follows from its number, so that a resumed run draws what it would
        # have drawn.
        seed = (options.seed + 1) * 1_000_003 + self.index + self.process * 7_919_000_003
        rng = torch.Generator().manual_seed(seed)
        batch = options.batch // self.processes
        samples = self.sampler.draw(batch, rng=rng)
        masks = distort(samples.labels, rng=rng, options=options.augment)
        masks = self.labeller.prepared(masks)
        own_colours = torch.rand(batch, generator=rng).to(self.device) < 0.5
        for group in self.optimizer.param_groups:
            group["lr"] = options.learning_rate * self._rate()
        with torch.enable_grad():
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.autocast):
                codes = self.trained(one_hot(masks, self.network.config.palette.num_classes))
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
            if self.accelerator is None:
                total.backward()  # type: ignore[no-untyped-call]
            else:
                self.accelerator.backward(total)
        torch.nn.utils.clip_grad_norm_(self.encoder.parameters(), 1.0)
        self.optimizer.step()
        self.index += 1
        self._average()
        self.total = float(total.detach())
        self.losses = {name: float(term.detach()) for name, term in losses.items()}

    def validate(self) -> Validation | None:
        """A validation where one is due, and at the end; when they stall, that comes near."""
        if self.validator is None:
            return None
        counts = self.index % self.validator.options.interval_steps == 0 or self.index == self.end
        if not counts and not self.validator.is_early(self.index):
            return None
        taken = self.validator.take(self.network, counts=counts)
        if self.validator.stalled and self.stalled_at is None:
            # The weights of a high learning rate are not the best that were reached: it falls to
            # zero before the end.
            cooldown = max(round(self.validator.options.cooldown * self.index), 1)
            self.stalled_at = self.index
            self.end = min(self.index + cooldown, self.end)
        return taken

    def _mains(self, figure: float) -> float:
        if self.processes == 1:
            return figure
        from accelerate.utils import broadcast

        told = torch.tensor(figure, dtype=torch.float64, device=self.device)
        return float(broadcast(told, from_process=0))

    def _rate(self) -> float:
        if self.stalled_at is None:
            return rate_share(self.index / self.options.steps)
        done = (self.index - self.stalled_at) / max(self.end - self.stalled_at, 1)
        return rate_share(self.stalled_at / self.options.steps) * (
            0.5 + 0.5 * math.cos(math.pi * done)
        )

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
        averaged, latest = self.network.encoder, self.encoder
        half_life = self.options.average_share * self.options.steps
        follow(averaged.parameters(), latest.parameters(), index=self.index, half_life=half_life)
        for kept, newest in zip(averaged.buffers(), latest.buffers(), strict=True):
            kept.copy_(newest)

    def _identity(self) -> dict[str, Any]:
        identity: dict[str, Any] = {
            "options": asdict(self.options),
            "generator": fingerprint(self.generator),
            "labeller": fingerprint(self.labeller),
        }
        shape = self.network.config.encoder
        if shape != encoder_config(self.generator, shape.num_classes):
            identity["encoder"] = shape.to_dict()
        if self.validator is not None:
            identity["validation"] = asdict(self.validator.options)
        if self.processes > 1:
            identity["processes"] = self.processes
        return identity

    def save(self, path: Path) -> None:
        """Everything that the next step depends on; a crash leaves the former file."""
        if self.process:
            return
        watched = {}
        if self.validator is not None:
            watched = {
                "best": self.validator.best,
                "misses": self.validator.misses,
                "stalled_at": self.stalled_at,
                "end": self.end,
            }
        values = {
            **watched,
            "index": self.index,
            "total": self.total,
            "losses": self.losses,
            "encoder": self.encoder.state_dict(),
            "average": self.network.encoder.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        write_state(path, self._identity(), values)

    def load(self, path: Path) -> None:
        """Continues from what `save` wrote; ValueError where it was another run."""
        saved = read_state(path, self._identity(), device=self.device)
        self.index, self.total, self.losses = saved["index"], saved["total"], saved["losses"]
        self.encoder.load_state_dict(saved["encoder"])
        self.network.encoder.load_state_dict(saved["average"])
        self.optimizer.load_state_dict(saved["optimizer"])
        if self.validator is not None:
            self.validator.best, self.validator.misses = saved["best"], saved["misses"]
            self.stalled_at, self.end = saved["stalled_at"], saved["end"]
