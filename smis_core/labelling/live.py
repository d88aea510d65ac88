"""A labeller while a person still annotates: fitted in seconds, and it says where it is unsure.

The generator draws the annotated pictures a few times in other clothes, once; a probe is then
fitted on single pixels of those drawings, so that a step costs no picture. What comes out is an
ordinary `ProbeLabeller`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ..labels import UNPAINTED
from ..networks.generator_base import GeneratorBase, SynthesisBase
from ..networks.stylegan2 import LayerInfo
from .features import (
    chosen_layers,
    first_fine_row,
    read_features,
    restyle,
    sample_ws,
    seeded_noise,
    synthesis_to,
)
from .labeller import Labeller, LabellerConfig, shown_classes
from .probe import ProbeLabeller

_STANDARDISING_SAMPLES = 16
_READING_BATCH = 16
TEMPERATURE = 2.0
"""Divides the logits before they count as probabilities: a probe that saw one picture is surer than
it should be. Measured on samples of the bundled generator against its judge."""


@dataclass(frozen=True)
class QuickOptions:
    """How a probe is fitted while somebody waits."""

    steps: int = 120
    """steps of Adam"""
    copies: int = 8
    """drawings of the annotated pictures, in other clothes"""
    pixels: int = 16_000
    """painted pixels kept of all drawings, rare classes first"""
    batch: int = 1_024
    """pixels a step"""
    learning_rate: float = 0.01
    """falls to zero along a cosine"""
    weight_decay: float = 1e-3
    """decoupled"""
    hidden: int = 32
    """hidden units of a member"""
    members: int = 4
    """probes whose votes are averaged"""
    dropout: float = 0.2
    """share of hidden units that a step switches off"""
    max_resolution: int | None = 64
    """finest layers that are read; None reads all"""
    seed: int = 0
    """of everything random"""

    def __post_init__(self) -> None:
        for name in ("steps", "copies", "pixels", "batch", "hidden", "members"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: wanted at least 1, got {getattr(self, name)}")


@dataclass(frozen=True, eq=False)
class QuickStep:
    """One step of the quick fit."""

    index: int
    """from 1"""
    total: int
    """steps in all"""
    loss: float
    """cross-entropy, in nats"""
    labeller: Labeller
    """as it stands; it goes on changing until the last step"""


@dataclass(frozen=True, eq=False)
class ConfidentReading:
    """Labels, and how far each can be trusted."""

    labels: Tensor
    """uint8 [N, R, R]"""
    confidence: Tensor
    """float32 [N, R, R]: the probability that the labeller gives the class that it names"""


def fit_quickly(
    generator: GeneratorBase,
    wplus: Tensor,  # [K, L, w] of the annotated pictures
    labels: Tensor,  # uint8 [K, R, R]; 255 is not painted
    *,
    num_classes: int,
    layers: Sequence[str] | None = None,
    options: QuickOptions | None = None,
) -> Iterator[QuickStep]:
    """Fits a `ProbeLabeller` to areas, scribbles, lines or points, in seconds.

    Args:
        generator: what drew the pictures.
        wplus: their latents.
        labels: their annotations at the generator's resolution.
        num_classes: of the palette.
        layers: names of those that are read; None: all up to `QuickOptions.max_resolution`.
        options: see `QuickOptions`.

    Yields:
        A step; the last one's `labeller` is the result.

    Raises:
        ValueError: labels of another shape, nothing painted, or an unknown layer.
    """
    check_annotation(generator, wplus, labels)
    options = options or QuickOptions()
    infos = chosen_layers(generator, layers, max_resolution=options.max_resolution)
    return _fit(generator, wplus, labels, num_classes, infos, options)


def check_annotation(generator: GeneratorBase, wplus: Tensor, labels: Tensor) -> None:
    """ValueError where labels are not one map a latent at the generator's resolution, or blank."""
    side = generator.config.resolution
    if labels.ndim != 3 or tuple(labels.shape) != (len(wplus), side, side):
        raise ValueError(
            f"labels: wanted [{len(wplus)}, {side}, {side}], one label map a latent at the"
            f" generator's resolution, got {list(labels.shape)}"
        )
    if not bool((labels != UNPAINTED).any()):
        raise ValueError("labels: wanted at least one painted pixel, got only 255 (not painted)")


def _fit(
    generator: GeneratorBase,
    wplus: Tensor,
    labels: Tensor,
    num_classes: int,
    infos: tuple[LayerInfo, ...],
    options: QuickOptions,
) -> Iterator[QuickStep]:
    device = wplus.device
    names = tuple(info.name for info in infos)
    synthesis = synthesis_to(generator, names)
    rng = torch.Generator().manual_seed(options.seed)
    classes = shown_classes(labels)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        probe = ProbeLabeller(
            LabellerConfig(
                "probe", num_classes, classes, names, tuple(info.channels for info in infos),
                hidden=options.hidden, members=options.members,
            )
        ).to(device)  # fmt: skip
    with torch.no_grad():
        samples = sample_ws(generator, _STANDARDISING_SAMPLES, rng=rng)
        probe.standardise(read_features(synthesis, samples, names).features)
        pixels, targets = _pixels(generator, synthesis, wplus, labels, probe, options, rng)
    # The layers' weights are one matrix while pixels are rows; they are views of it in the probe.
    joined = torch.cat([weight.detach() for weight in probe.weights], dim=1).requires_grad_(True)
    assert probe.heads is not None
    fitted = [joined, probe.bias, *probe.heads.parameters()]
    optimizer = torch.optim.AdamW(
        fitted, lr=options.learning_rate, weight_decay=options.weight_decay, betas=(0.9, 0.99)
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, options.steps)
    for index in range(options.steps):
        with torch.enable_grad():
            lot = torch.randint(len(targets), (options.batch,), generator=rng).to(device)
            hidden = F.leaky_relu(pixels[lot] @ joined.T + probe.bias, 0.1)
            keep = torch.rand(hidden.shape, generator=rng) >= options.dropout
            hidden = hidden * keep.to(device) / (1 - options.dropout)
            votes = probe.heads(hidden[:, :, None, None]).view(-1, options.members, len(classes))
            wanted = targets[lot].repeat_interleave(options.members)
            loss = F.cross_entropy(votes.flatten(0, 1), wanted)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            parts = torch.split(joined.detach(), list(probe.config.channels), dim=1)
            for weight, part in zip(probe.weights, parts, strict=True):
                weight.copy_(part)
        if index + 1 == options.steps:
            optimizer.zero_grad(set_to_none=True)
            probe.requires_grad_(False)
        yield QuickStep(index + 1, options.steps, float(loss.detach()), probe)


def _pixels(
    generator: GeneratorBase,
    synthesis: SynthesisBase,
    wplus: Tensor,
    labels: Tensor,
    probe: ProbeLabeller,
    options: QuickOptions,
    rng: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Standardised features [P, all channels] and class positions [P] of painted pixels."""
    device = wplus.device
    copies = -(-options.copies // len(wplus))  # of each picture
    spots = _spots(labels, probe.classes, options.pixels // (copies * len(wplus)) or 1, rng)
    mix_from = first_fine_row(generator)
    rows: list[Tensor] = []
    targets: list[Tensor] = []
    for _ in range(copies):
        ws = restyle(generator, wplus, mix_from=mix_from, rng=rng)
        noise = seeded_noise(synthesis, len(ws), rng)
        features = read_features(synthesis, ws, probe.layers, noise=noise).features
        for picture, (places, target) in enumerate(spots):
            grid = places.to(device)[None, None]
            columns = [
                (
                    F.grid_sample(
                        features[name][picture : picture + 1].float(), grid,
                        mode="bilinear", padding_mode="border", align_corners=False,
                    )[0, :, 0].T - mean
                ) * scale
                for name, mean, scale in zip(probe.layers, probe.means, probe.scales, strict=True)
            ]  # fmt: skip
            rows.append(torch.cat(columns, dim=1))
            targets.append(target.to(device))
    return torch.cat(rows), torch.cat(targets)


def _spots(
    labels: Tensor, classes: tuple[int, ...], budget: int, rng: torch.Generator
) -> list[tuple[Tensor, Tensor]]:
    """For each picture places [P, 2] in [-1, 1] and classes [P]; shares follow square roots of
    areas."""
    found = []
    side = labels.shape[-1]
    for mask in labels.cpu():
        areas = torch.stack([(mask == index).sum() for index in classes]).float()
        shares = areas.sqrt() / areas.sqrt().sum().clamp_min(1)
        places, targets = [], []
        for position, index in enumerate(classes):
            spots = (mask == index).nonzero()
            if not len(spots):
                continue
            wanted = max(round(budget * float(shares[position])), 1)
            chosen = spots[torch.randint(len(spots), (wanted,), generator=rng)]
            places.append((chosen.flip(1) + 0.5) / side * 2 - 1)
            targets.append(torch.full((wanted,), position))
        if places:
            found.append((torch.cat(places), torch.cat(targets)))
        else:
            found.append((torch.zeros(0, 2), torch.zeros(0, dtype=torch.long)))
    return found


@torch.no_grad()
def read_with_confidence(
    generator: GeneratorBase,
    labeller: Labeller,
    wplus: Tensor,  # [N, L, w]
    *,
    temperature: float = TEMPERATURE,
) -> ConfidentReading:
    """What a labeller names in pictures of latents, and how sure it may be.

    A probe's members vote with probabilities of their own, so that a place on which they disagree
    is uncertain even where each of them is sure (deep ensembles: Lakshminarayanan et al. 2017);
    logits are first divided by a temperature (Guo et al. 2017).

    Args:
        generator: what draws.
        labeller: of that generator.
        wplus: latents.
        temperature: above 1 makes less sure; see `TEMPERATURE`.

    Returns:
        Labels and confidence at the generator's resolution.

    Raises:
        ValueError: a temperature that is not positive.
    """
    if temperature <= 0:
        raise ValueError(f"temperature: wanted a positive number, got {temperature}")
    side = generator.config.resolution
    finest = max(
        info.resolution for info in generator.synthesis.layers if info.name in labeller.layers
    )
    synthesis = synthesis_to(generator, labeller.layers)
    names, sure = [], []
    for part in torch.split(wplus, _READING_BATCH):
        features = read_features(synthesis, part, labeller.layers).features
        if isinstance(labeller, ProbeLabeller):
            votes = labeller.member_logits(features) / temperature
            shares = votes.softmax(dim=2).mean(dim=1)
            indices = torch.tensor(labeller.classes, device=votes.device, dtype=torch.uint8)
        else:
            shares = (labeller.logits(features, finest) / temperature).softmax(dim=1)
            indices = torch.arange(shares.shape[1], device=shares.device, dtype=torch.uint8)
        if shares.shape[-1] != side:
            shares = F.interpolate(shares, size=(side, side), mode="bilinear", align_corners=False)
        best, winner = shares.max(dim=1)
        names.append(indices[winner])
        sure.append(best.float())
    return ConfidentReading(torch.cat(names), torch.cat(sure))


def uncertain(
    reading: ConfidentReading,
    *,
    below: float = 0.6,
) -> Tensor:
    """Places to be marked for a person who annotates: bool [N, R, R], confidence below a bound.

    Raises:
        ValueError: a bound outside (0, 1].
    """
    if not 0 < below <= 1:
        raise ValueError(f"below: wanted a number in (0, 1], got {below}")
    return reading.confidence < below
