"""Training a generator from pictures alone: StyleGAN2's two players, one step at a time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from smis_core.devices import has_fast_bfloat16, resolve_device
from smis_core.images import image_grid
from smis_core.networks.stylegan2 import Generator
from smis_core.training.options import GanOptions, Precision
from smis_core.training.pictures import PictureSource
from smis_core.training.randomness import PictureOrder, seeded
from smis_core.training.shards import holds_state
from smis_core.training.state import GanState, set_rates
from smis_core.training.work import Result, Work

CPU_SHARDS = 2
PATH_LENGTH_DECAY = 0.01
PATH_LENGTH_BATCH_SHRINK = 2
AUTOENCODER_BETA1 = 0.9


@dataclass(frozen=True)
class GanStep:
    """What one step of training reports."""

    index: int
    """Steps done, this one included."""
    pictures: int
    """Real pictures from which the networks have learnt so far."""
    losses: Mapping[str, float]
    """'generator', 'discriminator', the mean logits 'real' and 'fake'; 'r1', 'path' and
    'reconstruction' when due, the last alone while the generator begins as an autoencoder."""
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
    2020). Each player learns from a generated batch of its own, the generator first. Before the
    game the generator learns layouts as the decoder of a variational autoencoder, which a game
    of a few thousand steps never finds by itself, and goes on with it at times (Larsen et al.
    2016).

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
        share = state.options.mbstd_group_size * CPU_SHARDS
        self.shards = CPU_SHARDS if device.type == "cpu" and not state.options.batch % share else 1
        self.work = Work(state, chosen_precision(state.options.precision, device), self.shards)

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
        state, options, work = self.state, self.options, self.work
        begins = (
            state.encoder is not None
            and not state.grown_from
            and state.pictures < options.autoencoder_pictures
        )
        with seeded("step", options.seed, state.step, device=self.device):
            reals = self.reals().chunk(self.shards)
            draws, others = work.draws(options.batch), work.draws(options.batch)
            path_draws = (
                work.draws(max(self.shards, options.batch // PATH_LENGTH_BATCH_SHRINK), path=True)
                if options.path_length_weight
                and not state.step % options.path_length_interval_steps
                else []
            )
        with torch.no_grad():
            state.generator.mapping(torch.cat([draw.z for draw in draws]), update_w_avg=True)
        if begins:
            losses = self.descend(self.share(work.reconstruct, draws, reals), begins=True)
            if state.pictures + options.batch >= options.autoencoder_pictures:
                # Its gradients are small: the first steps of the game, measured by them, would
                # throw away what was learnt.
                state.generator_optimizer.state.clear()
        else:
            state.discriminator.requires_grad_(False)
            moves = self.share(work.fool, draws)
            if state.encoder is not None and not state.step % options.reconstruction_interval_steps:
                moves += self.share(work.reconstruct, others, reals)
            if path_draws:
                moves += self.share(work.even_paths, path_draws)
            losses = self.descend(moves)
            state.discriminator.requires_grad_(True)
            # Fakes of their own: where one batch serves both players, each answers the other's
            # last step instead of the distribution, and they chase one another in circles.
            due = bool(options.r1_gamma) and not state.step % options.r1_interval_steps
            told = self.share(partial(work.tell_apart, flatten=due), others, reals)
            losses |= self.descend(told)
        if (length := losses.pop("length", None)) is not None:
            state.path_length += PATH_LENGTH_DECAY * (length - state.path_length)
        state.step += 1
        state.pictures += options.batch
        self.update_average()
        if not all(map(math.isfinite, losses.values())):
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

    def share(self, work: Callable[..., Result], *parts: Sequence[Any]) -> list[Result]:
        """`work` on each shard, in threads; one shard stays in this thread."""
        if self.shards == 1:
            return [work(*shard) for shard in zip(*parts, strict=True)]
        return list(self.crew.map(work, *parts))

    def descend(self, results: Sequence[Result], *, begins: bool = False) -> dict[str, float]:
        """A step of every network for which there are gradients, along their sum.

        Args:
            results: of any works on all shards.
            begins: at the learning rate and momentum of the autoencoder.

        Returns:
            Losses by name, means over the shards.
        """
        options = self.options
        for name, network, optimizer in self.state.optimized():
            shares = [result.gradients[name] for result in results if name in result.gradients]
            if not shares:
                continue
            parameters = list(network.parameters())
            for parameter, parts in zip(parameters, zip(*shares, strict=True), strict=True):
                there = [part for part in parts if part is not None]
                parameter.grad = sum(there[1:], there[0]) if there else None
            lr = options.discriminator_lr if name == "discriminator" else options.generator_lr
            settled = name != "encoder" and not begins
            set_rates(
                optimizer,
                options.autoencoder_lr if begins else lr * self.cooled(),
                (options.beta1 if settled else AUTOENCODER_BETA1, options.beta2),
            )
            optimizer.step()
            for parameter in parameters:
                parameter.grad = None
        losses: dict[str, float] = {}
        for result in results:
            for name, value in result.values.items():
                losses[name] = losses.get(name, 0.0) + value / self.shards
        return losses

    def cooled(self) -> float:
        """The share of the learning rates that this step has."""
        over = self.options.cooldown_pictures
        return cooldown((self.options.pictures - self.state.pictures) / over) if over else 1.0

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


def cooldown(left: float) -> float:
    """Half a cosine from 1 to 0 while the share of the cooldown that is left falls from 1 to 0."""
    return 0.5 - 0.5 * math.cos(math.pi * min(max(left, 0.0), 1.0))


def chosen_precision(wanted: Precision, device: torch.device) -> Precision:
    """'auto' resolved: bfloat16 where the hardware multiplies it, float32 elsewhere."""
    if wanted != "auto":
        return wanted
    return "bfloat16" if has_fast_bfloat16(device) else "float32"
