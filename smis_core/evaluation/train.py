"""Training a judge on renders, as a generator function that yields steps and resumes exactly."""

from __future__ import annotations

import copy
import hashlib
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from smis_core.devices import has_fast_bfloat16, resolve_device

from .attributes import AttributeSpec
from .augment import augmented
from .judge import Judge, JudgeConfig
from .losses import attribute_loss, patches_of, segmentation_loss
from .renders import Array, Render, RenderCache


@dataclass(frozen=True)
class JudgeOptions:
    """How a judge is trained.

    Raises:
        ValueError: a number is out of range.
    """

    pictures: int = 100_000
    """pictures seen in all"""
    renders: int = 12_000
    """different renders among them"""
    first_seed: int = 2_000_000
    """seed of the first of these renders"""
    batch: int = 24
    """pictures a step"""
    learning_rate: float = 3e-3
    """at its highest, after a twentieth of the pictures; a cosine leads it to zero"""
    weight_decay: float = 0.02
    """of AdamW, on matrices and convolutions"""
    attribute_weight: float = 0.7
    """of the attributes' loss beside the classes'"""
    ema_pictures: int = 4_000
    """pictures over which the averaged weights remember"""
    save_interval_pictures: int = 8_000
    """how often the state is written"""
    seed: int = 0
    """of the weights, the order and the augmentation"""
    bf16: bool | None = None
    """convolutions in bfloat16; None: where the hardware is fast at it"""

    def __post_init__(self) -> None:
        for name in ("pictures", "renders", "batch", "ema_pictures", "save_interval_pictures"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: wanted at least 1, got {getattr(self, name)}")
        if self.batch < 2 or self.renders < self.batch:
            raise ValueError(
                f"batch: wanted 2 to {self.renders} pictures (the renders there are), "
                f"got {self.batch}"
            )
        if not self.learning_rate > 0 or min(self.weight_decay, self.attribute_weight) < 0:
            raise ValueError(
                "learning_rate must be positive, weight_decay and attribute_weight not negative"
            )

    @property
    def steps(self) -> int:
        """Optimiser steps in all."""
        return math.ceil(self.pictures / self.batch)


@dataclass(frozen=True)
class JudgeStep:
    """One chunk of renders drawn, or one step of training."""

    phase: Literal["render", "train"]
    index: int
    """renders drawn, or steps taken, so far"""
    total: int
    """of how many"""
    pictures_seen: int
    losses: dict[str, float]
    """'classes' and 'attributes'; empty while renders are drawn"""
    judge: Judge | None
    """the averaged judge, on the last step"""


def train_judge(
    render: Render,
    *,
    source: str,
    scratch: str | Path,
    config: JudgeConfig | None = None,
    options: JudgeOptions | None = None,
    device: str | torch.device = "auto",
) -> Iterator[JudgeStep]:
    """Train a judge.

    The order of the renders and their augmentation are functions of seed and step, so a run that
    was interrupted and one that was not give the same weights. Renders and state lie in the scratch
    folder; a state of other options is not touched but refused.

    Args:
        render: seeds and a side in pixels -> renders.
        source: what draws the renders and its version; renders of another source are drawn anew.
        scratch: folder for renders and state.
        config: the judge's shape; default: `JudgeConfig()`.
        options: see `JudgeOptions`.
        device: where to train.

    Yields:
        A step for each chunk of renders, then one for each batch; the last one holds the judge.

    Raises:
        ValueError: the scratch folder holds the state of another training.
        OSError: the scratch folder cannot be written.
    """
    config, options, target = (
        config or JudgeConfig(),
        options or JudgeOptions(),
        resolve_device(device),
    )
    if options.bf16 is None:
        # Before the state is looked for: what was trained one way is not continued the other way.
        options = replace(options, bf16=has_fast_bfloat16(target))
    cache = RenderCache(
        Path(scratch) / "renders",
        count=options.renders,
        resolution=config.resolution,
        first_seed=options.first_seed,
        specs=config.attributes,
        num_classes=config.num_classes,
        source=source,
    )
    trainer = _Trainer(config, options, target, Path(scratch) / "judge.state.pt", source)
    for filled in cache.fill(render):
        yield JudgeStep("render", filled, cache.count, trainer.step * options.batch, {}, None)
    trainer.weights = class_weights(cache, config.num_classes).to(target)
    if trainer.step == options.steps:
        yield trainer.report({})
    while trainer.step < options.steps:
        losses = trainer.advance(cache)
        if (
            trainer.step == options.steps
            or trainer.step % max(1, options.save_interval_pictures // options.batch) == 0
        ):
            trainer.save()
        yield trainer.report(losses)


def class_weights(cache: RenderCache, num_classes: int) -> Tensor:
    """Weights of the classes' pixels in the cross entropy, [num_classes]: share of the pixels to
    the power of -1/4.

    A compromise between pixels, of which the background has most, and classes, which the figure
    counts alike.
    """
    rows = np.linspace(0, cache.count - 1, min(cache.count, 512)).astype(int)
    counts = torch.bincount(cache.read(rows)[1].flatten().long(), minlength=num_classes).double()
    shares = (counts / counts.sum()).clamp_min(1e-4)
    return shares.pow(-0.25).float()


class _Trainer:
    """Weights, their average and the optimiser at one step."""

    def __init__(
        self,
        config: JudgeConfig,
        options: JudgeOptions,
        device: torch.device,
        state: Path,
        source: str,
    ) -> None:
        self.options, self.device, self._state = options, device, state
        self.specs: tuple[AttributeSpec, ...] = config.attributes
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(_derived_seed("weights", options.seed))
            judge = Judge(config)
        self.judge = judge.to(device).train()
        # Channels-last weights and pictures: the layout in which convolutions are fastest.
        for parameter in self.judge.parameters():
            if parameter.ndim == 4:
                parameter.data = parameter.data.to(memory_format=torch.channels_last)
        self.averaged = copy.deepcopy(self.judge)
        self.optimizer = _optimizer(self.judge, options)
        self.weights = torch.ones(config.num_classes, device=device)
        self.step = 0
        self._order = _Order(options.renders, options.seed)
        self._identity = {"config": config.to_dict(), "options": asdict(options), "source": source}
        if state.exists():
            self._load()

    def advance(self, cache: RenderCache) -> dict[str, float]:
        """One step of the optimiser."""
        options = self.options
        start = self.step * options.batch
        randomness = torch.Generator(self.device).manual_seed(
            _derived_seed("augment", options.seed, self.step)
        )
        images, labels, attributes = cache.read(self._order.rows(start, start + options.batch))
        pictures, classes, truth = augmented(
            images.to(self.device),
            labels.to(self.device),
            {name: values.to(self.device) for name, values in attributes.items()},
            specs=self.specs,
            generator=randomness,
        )
        for group in self.optimizer.param_groups:
            group["lr"] = options.learning_rate * _schedule(self.step / options.steps)
        with torch.autocast(self.device.type, torch.bfloat16) if options.bf16 else nullcontext():
            reading = self.judge.raw(pictures)
        by_class = segmentation_loss(reading.patches, patches_of(classes), self.weights)
        by_attribute = attribute_loss(reading.attributes, truth, self.specs)
        self.optimizer.zero_grad(set_to_none=True)
        (by_class + options.attribute_weight * by_attribute).backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.step += 1
        self._average()
        return {"classes": by_class.item(), "attributes": by_attribute.item()}

    def report(self, losses: dict[str, float]) -> JudgeStep:
        """The step just taken; with the averaged judge if it was the last."""
        done = self.step == self.options.steps
        return JudgeStep(
            "train",
            self.step,
            self.options.steps,
            self.step * self.options.batch,
            losses,
            self.averaged.eval().requires_grad_(False) if done else None,
        )

    @torch.no_grad()
    def _average(self) -> None:
        memory = 0.5 ** (self.options.batch / self.options.ema_pictures)
        memory = min(memory, self.step / (self.step + 10))
        theirs = self.judge.state_dict()
        for name, mine in self.averaged.state_dict().items():
            if mine.is_floating_point():
                mine.lerp_(theirs[name], 1 - memory)
            else:
                mine.copy_(theirs[name])

    def save(self) -> None:
        """Write the state so that a crash leaves the old one or the new one."""
        record = {
            "identity": self._identity,
            "step": self.step,
            "judge": self.judge.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        partial = self._state.with_suffix(".partial")
        torch.save(record, partial)
        os.replace(partial, self._state)

    def _load(self) -> None:
        record: Mapping[str, Any] = torch.load(
            self._state, map_location=self.device, weights_only=True
        )
        if record["identity"] != self._identity:
            raise ValueError(
                f"{self._state}: wanted the state of a training with these options, "
                f"got that of another one (step {record['step']}); "
                "choose another scratch folder or delete the file"
            )
        self.judge.load_state_dict(record["judge"])
        self.averaged.load_state_dict(record["averaged"])
        self.optimizer.load_state_dict(record["optimizer"])
        self.step = record["step"]


class _Order:
    """An endless order of renders, each epoch permuted anew, as a function of position."""

    def __init__(self, count: int, seed: int) -> None:
        self._count, self._seed = count, seed
        self._permutations: dict[int, Array] = {}

    def rows(self, start: int, stop: int) -> Array:
        """Rows int [stop - start] at these positions."""
        epochs = range(start // self._count, (stop - 1) // self._count + 1)
        kept = {epoch: self._permutations[epoch] for epoch in epochs if epoch in self._permutations}
        for epoch in epochs:
            if epoch not in kept:
                draw = np.random.default_rng(_derived_seed("order", self._seed, epoch))
                kept[epoch] = draw.permutation(self._count)
        self._permutations = kept
        joined = np.concatenate([kept[epoch] for epoch in epochs])
        return joined[start - epochs.start * self._count :][: stop - start]


def _optimizer(judge: Judge, options: JudgeOptions) -> torch.optim.Optimizer:
    parameters = [parameter for parameter in judge.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": options.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=options.learning_rate, betas=(0.9, 0.99))


def _schedule(progress: float) -> float:
    """Share of the highest learning rate: a linear rise over a twentieth, then a cosine to zero."""
    if progress < 0.05:
        return max(progress / 0.05, 0.01)
    return 0.5 + 0.5 * math.cos(math.pi * (progress - 0.05) / 0.95)


def _derived_seed(*parts: int | str) -> int:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "little") >> 1
