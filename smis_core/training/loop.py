"""Training a generator from pictures alone: StyleGAN2's two players, one step at a time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from smis_core.devices import has_fast_bfloat16, resolve_device
from smis_core.images import image_grid
from smis_core.networks.stylegan2 import Generator
from smis_core.training.losses import (
    discriminator_loss,
    generator_loss,
    path_lengths,
    r1_penalty,
)
from smis_core.training.options import GanOptions, Precision
from smis_core.training.pictures import PictureSource
from smis_core.training.randomness import PictureOrder, seeded
from smis_core.training.shards import holds_state
from smis_core.training.state import GanState

CPU_SHARDS = 2
PATH_LENGTH_DECAY = 0.01
PATH_LENGTH_BATCH_SHRINK = 2


@dataclass(frozen=True)
class GanStep:
    """What one step of training reports."""

    index: int
    """Steps done, this one included."""
    pictures: int
    """Real pictures shown to the discriminator so far."""
    losses: Mapping[str, float]
    """'generator', 'discriminator', the mean logits 'real' and 'fake'; 'r1' and 'path' when due."""
    pictures_per_second: float
    """Over the last steps of this call."""
    average: Generator
    """The averaged generator itself, not a copy: it changes with the next step."""
    preview: Tensor | None = None
    """Now and then: a sheet of samples of it, [3, H, W] in [-1, 1]."""
    saved: bool = False
    """Whether the state on disk is now that of this step."""


def train_gan(
    pictures: PictureSource,
    *,
    options: GanOptions,
    state: Path | None = None,
    start: GanState | None = None,
    minutes: float | None = None,
    device: str | torch.device = "auto",
) -> Iterator[GanStep]:
    """Train a StyleGAN2 on pictures.

    Non-saturating loss with lazy R1, minibatch standard deviation, an averaged generator, and
    where the options ask for it style mixing and path-length regularisation (Karras et al.
    2020). Each player learns from a generated batch of its own, the generator first.

    Steps depend on the options' seed and their number alone, so a training that was stopped
    and resumed makes the same steps as one that was not. To stop is to stop iterating; the
    state is saved then too.

    Args:
        pictures: at the options' resolution.
        options: sizes, losses, schedule.
        state: folder for the state; what an earlier call left there is resumed. None keeps
            nothing.
        start: networks to begin with where nothing is to be resumed, as `grown` gives them.
        minutes: ends after about so long, with the state saved.
        device: where to train.

    Yields:
        One `GanStep` for each step, until `options.pictures` have been seen.

    Raises:
        ValueError: pictures of another size or none, or a state of another architecture or
            other pictures.
        OSError: the state folder cannot be written.
    """
    target = resolve_device(device)
    if pictures.resolution != options.resolution:
        raise ValueError(
            f"pictures of {options.resolution}² are wanted, but these are "
            f"{pictures.resolution}²: draw them at the resolution of the options"
        )
    if len(pictures) == 0:
        raise ValueError("there is no picture to train on: the source is empty")
    if minutes is not None and minutes <= 0:
        raise ValueError(f"minutes must be positive; got {minutes}")
    if state is not None and holds_state(state):
        current = GanState.load(state, target, options=options)
        if current.data != pictures.description:
            raise ValueError(
                f"{state} was trained on other pictures ({current.data}; now "
                f"{pictures.description}): give the same ones, or another folder"
            )
    else:
        current = start or GanState.create(options, target)
        current.data = pictures.description
        if state is not None:
            current.save(state)
    return _Training(pictures, current, target).run(state, minutes)


Gradients = Sequence[Tensor | None]


@dataclass(frozen=True)
class _Draw:
    """What is random in one shard's generated pictures."""

    z: Tensor  # [N, z]
    other: Tensor  # [N, z], for the later rows
    later: Tensor  # bool [N, L], rows that come from `other`
    probe: Tensor  # [N, 3, H, W], for path lengths
    noise: Sequence[Tensor]


@dataclass(frozen=True)
class _Result:
    """What a shard gives back."""

    values: Mapping[str, float]
    gradients: Gradients


class _Training:
    """The step, and what it needs beside the state.

    On a CPU a batch is worked on in shards, one thread each, whose gradients are added: at
    these sizes that is faster than two threads inside every operation, most of all when other
    programs use the cores too, and the sums do not depend on how many cores there are.
    """

    def __init__(self, pictures: PictureSource, state: GanState, device: torch.device) -> None:
        self.pictures = pictures
        self.state = state
        self.options = state.options
        self.device = device
        self.order = PictureOrder(len(pictures), state.options.seed)
        self.precision = chosen_precision(state.options.precision, device)
        share = state.options.mbstd_group_size * CPU_SHARDS
        self.shards = CPU_SHARDS if device.type == "cpu" and not state.options.batch % share else 1
        self.generator_parameters = list(state.generator.parameters())
        self.discriminator_parameters = list(state.discriminator.parameters())

    def run(self, folder: Path | None, minutes: float | None) -> Iterator[GanStep]:
        state, options = self.state, self.options
        began = saved_at = time.monotonic()
        recent: list[float] = []
        stale = False
        threads = torch.get_num_threads()
        each = max(1, threads // self.shards)
        self.crew = ThreadPoolExecutor(
            min(self.shards, threads), "smis-train", torch.set_num_threads, (each,)
        )
        try:
            while state.pictures < options.pictures:
                before = time.monotonic()
                losses = self.step()
                now = time.monotonic()
                state.seconds += now - before
                recent = [*recent[-31:], now - before]
                stale = True
                due = state.pictures // options.preview_every_pictures
                previous = (state.pictures - options.batch) // options.preview_every_pictures
                last = state.pictures >= options.pictures
                over = minutes is not None and now - began > minutes * 60
                save = last or over or now - saved_at > options.save_every_minutes * 60
                if save and folder is not None:
                    state.save(folder)
                    stale, saved_at = False, time.monotonic()
                yield GanStep(
                    index=state.step,
                    pictures=state.pictures,
                    losses=losses,
                    pictures_per_second=options.batch * len(recent) / sum(recent),
                    average=state.average,
                    preview=self.preview() if due > previous or last or over else None,
                    saved=not stale and folder is not None,
                )
                if over:
                    return
        except GeneratorExit:
            if stale and folder is not None:
                state.save(folder)
            raise
        finally:
            self.crew.shutdown()
            torch.set_num_threads(threads)

    def step(self) -> dict[str, float]:
        """One update of each network, with the regularisers where they are due."""
        state, options = self.state, self.options
        with seeded("step", options.seed, state.step, device=self.device):
            reals = self.reals().chunk(self.shards)
            draws, others = self.draws(options.batch), self.draws(options.batch)
            path_draws = (
                self.draws(max(self.shards, options.batch // PATH_LENGTH_BATCH_SHRINK), path=True)
                if options.path_length_weight
                and not state.step % options.path_length_interval_steps
                else []
            )
        with torch.no_grad():
            state.generator.mapping(torch.cat([draw.z for draw in draws]), update_w_avg=True)
        state.discriminator.requires_grad_(False)
        fooled = self.share(self.fool, draws)
        self.descend("generator", [result.gradients for result in fooled])
        state.discriminator.requires_grad_(True)
        # Fakes of their own: where one batch serves both players, each answers the other's last
        # step instead of the distribution, and they chase one another in circles.
        told = self.share(self.tell_apart, others, reals)
        self.descend("discriminator", [result.gradients for result in told])
        losses = {
            name: sum(result.values[name] for result in told) / self.shards
            for name in told[0].values
        }
        if options.r1_gamma and state.step % options.r1_interval_steps == 0:
            flat = self.share(self.flatten_at, reals)
            self.descend("discriminator", [result.gradients for result in flat])
            losses["r1"] = sum(result.values["r1"] for result in flat) / self.shards
        losses["generator"] = sum(result.values["generator"] for result in fooled) / self.shards
        if path_draws:
            even = self.share(self.even_paths, path_draws)
            self.descend("generator", [result.gradients for result in even])
            losses["path"] = sum(result.values["path"] for result in even) / self.shards
            mean = sum(result.values["length"] for result in even) / self.shards
            state.path_length += PATH_LENGTH_DECAY * (mean - state.path_length)
        state.step += 1
        state.pictures += options.batch
        self.update_average()
        if not math.isfinite(losses["generator"] + losses["discriminator"]):
            raise FloatingPointError(
                f"the losses of step {state.step} are not finite ({losses}): lower the learning "
                f"rates, or raise r1_gamma, and resume from the state saved before"
            )
        return losses

    def reals(self) -> Tensor:
        span = slice(self.state.pictures, self.state.pictures + self.options.batch)
        reals = self.pictures.read(self.order[span]).to(
            device=self.device, memory_format=torch.channels_last
        )
        if self.options.flip:
            mirrored = torch.rand(len(reals), 1, 1, 1, device=self.device) < 0.5
            reals = torch.where(mirrored, reals.flip(3), reals)
        return reals

    def draws(self, count: int, *, path: bool = False) -> list[_Draw]:
        """All that is random in `count` generated pictures, divided among the shards."""
        config, device = self.state.generator.config, self.device
        z, other = torch.randn(2, count, config.z_dim, device=device)
        rows = config.num_ws
        cutoff = torch.randint(1, rows, (count, 1), device=device)
        mixed = torch.rand(count, 1, device=device) < self.options.style_mixing
        later = mixed & (torch.arange(rows, device=device) >= cutoff)
        layers = self.state.generator.synthesis.layers if self.options.noise_inputs else ()
        sides = [layer.resolution for layer in layers]
        noise = [torch.randn(count, 1, side, side, device=device) for side in sides]
        side = config.resolution
        probe = torch.randn(count, 3, side, side, device=device) if path else z
        divided = [each.chunk(self.shards) for each in (z, other, later, probe, *noise)]
        return [
            _Draw(z, other, later, probe, maps)
            for z, other, later, probe, *maps in zip(*divided, strict=True)
        ]

    def codes(self, draw: _Draw) -> Tensor:
        """Latent codes [N, L, w], part of them mixed from two."""
        mapping = self.state.generator.mapping
        ws: Tensor = mapping(draw.z)
        if not self.options.style_mixing:
            return ws
        return torch.where(draw.later[:, :, None], mapping(draw.other), ws)

    def fakes(self, draw: _Draw) -> Tensor:
        pictures: Tensor = self.state.generator.synthesis(
            self.codes(draw), noise=draw.noise or "none"
        )
        return pictures

    def tell_apart(self, draw: _Draw, reals: Tensor) -> _Result:
        state = self.state
        with self.autocast():
            with torch.no_grad():
                fakes = self.fakes(draw)
            real_logits = state.discriminator(reals)
            fake_logits = state.discriminator(fakes)
        loss = discriminator_loss(real_logits, fake_logits)
        values = {
            "discriminator": float(loss.detach()),
            "real": float(real_logits.detach().mean()),
            "fake": float(fake_logits.detach().mean()),
        }
        return _Result(values, self.gradients("discriminator", loss))

    def flatten_at(self, reals: Tensor) -> _Result:
        """The lazy gradient penalty."""
        reals = reals.detach().requires_grad_(True)
        with self.autocast():
            penalty = r1_penalty(self.state.discriminator(reals), reals)
        weight = self.options.r1_gamma / 2 * self.options.r1_interval_steps
        return _Result(
            {"r1": float(penalty.detach())}, self.gradients("discriminator", penalty * weight)
        )

    def fool(self, draw: _Draw) -> _Result:
        with self.autocast():
            loss = generator_loss(self.state.discriminator(self.fakes(draw)))
        return _Result({"generator": float(loss.detach())}, self.gradients("generator", loss))

    def even_paths(self, draw: _Draw) -> _Result:
        """The lazy path-length penalty (Karras et al. 2020, equation 4)."""
        ws = self.codes(draw)
        with self.autocast():
            fakes = self.state.generator.synthesis(ws, noise=draw.noise or "none")
            lengths = path_lengths(fakes, ws, draw.probe)
        penalty = (lengths - self.state.path_length).square().mean()
        weight = self.options.path_length_weight * self.options.path_length_interval_steps
        values = {"path": float(penalty.detach()), "length": float(lengths.detach().mean())}
        return _Result(values, self.gradients("generator", penalty * weight))

    def share(self, work: Callable[..., _Result], *parts: Sequence[Any]) -> list[_Result]:
        """`work` on each shard, in threads; one shard stays in this thread."""
        if self.shards == 1:
            return [work(*shard) for shard in zip(*parts, strict=True)]
        return list(self.crew.map(work, *parts))

    def gradients(self, network: Literal["generator", "discriminator"], loss: Tensor) -> Gradients:
        parameters: list[Tensor] = getattr(self, f"{network}_parameters")
        gradients: Gradients = torch.autograd.grad(
            loss / self.shards, parameters, allow_unused=True
        )
        return gradients

    def descend(
        self, network: Literal["generator", "discriminator"], shards: Sequence[Gradients]
    ) -> None:
        parameters = getattr(self, f"{network}_parameters")
        for parameter, parts in zip(parameters, zip(*shards, strict=True), strict=True):
            there = [part for part in parts if part is not None]
            parameter.grad = sum(there[1:], there[0]) if there else None
        getattr(self.state, f"{network}_optimizer").step()
        for parameter in parameters:
            parameter.grad = None

    @torch.no_grad()
    def update_average(self) -> None:
        state, options = self.state, self.options
        half_life = options.ema_half_life_pictures
        if options.ema_rampup is not None and not state.grown_from:
            half_life = min(half_life, state.pictures * options.ema_rampup)
        towards = 1 - 0.5 ** (options.batch / max(half_life, 1e-8))
        torch._foreach_lerp_(
            list(state.average.parameters()), list(state.generator.parameters()), towards
        )
        pairs = zip(state.average.buffers(), state.generator.buffers(), strict=True)
        for average, buffer in pairs:
            average.copy_(buffer)

    @torch.no_grad()
    def preview(self) -> Tensor:
        """Always the same codes, at truncation 1."""
        count, batch = self.options.preview_count, self.options.batch
        with seeded("preview", self.options.seed, device=self.device):
            z = torch.randn(count, self.options.z_dim, device=self.device)
        images = [self.state.average(part).float().cpu() for part in torch.split(z, batch)]
        return image_grid(torch.cat(images).clamp(-1, 1), columns=math.ceil(math.sqrt(1.5 * count)))

    def autocast(self) -> torch.autocast:
        on = self.precision == "bfloat16"
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=on)


def chosen_precision(wanted: Precision, device: torch.device) -> Precision:
    """'auto' resolved: bfloat16 where the hardware multiplies it, float32 elsewhere."""
    if wanted != "auto":
        return wanted
    return "bfloat16" if has_fast_bfloat16(device) else "float32"
