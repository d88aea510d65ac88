"""Fitting a probe to one or a few annotated pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ..networks.generator_base import GeneratorBase
from .features import (
    chosen_layers,
    first_fine_row,
    read_features,
    restyle,
    sample_ws,
    seeded_noise,
    synthesis_to,
)
from .labeller import LabellerConfig, shown_classes
from .probe import ProbeLabeller

_STANDARDISING_SAMPLES = 32


@dataclass(frozen=True)
class ProbeOptions:
    """How a probe is fitted."""

    steps: int = 300
    """steps of Adam"""
    batch: int = 4
    """pictures a step: augmented copies of the annotated ones"""
    learning_rate: float = 0.01
    """falls to zero along a cosine"""
    weight_decay: float = 1e-3
    """decoupled; few pixels, many features"""
    hidden: int = 32
    """hidden units of a member; 0 fits a linear probe"""
    members: int = 4
    """probes whose votes are averaged; 1 for a linear probe"""
    dropout: float = 0.2
    """share of hidden units that a step switches off"""
    max_resolution: int | None = 64
    """finest layers that are read, as in the paper; None reads all"""
    mix_from: int | None = None
    """first row of W+ that augmentation may swap; by default where the fine layers begin"""
    seed: int = 0
    """of the probe's first weights and of the augmentation"""


@dataclass(frozen=True, eq=False)
class ProbeStep:
    """One step of the fit."""

    index: int
    """from 0"""
    total: float
    """balanced cross-entropy, in nats"""
    accuracy: float
    """share of the painted pixels that were named as annotated"""
    labeller: ProbeLabeller
    """the probe as it stands; it goes on changing until the last step"""


def class_weights(
    labels: Tensor,  # uint8 [K, H, W]
    classes: tuple[int, ...],
) -> Tensor:
    """Inverse square roots of the classes' frequencies, averaging to 1 over the painted pixels.

    Returns:
        float32 [len(classes)].
    """
    counts = torch.stack([(labels == index).sum() for index in classes]).float().clamp_min(1)
    weights = counts.rsqrt()
    return weights * counts.sum() / (weights * counts).sum()


def fit_probe(
    generator: GeneratorBase,
    wplus: Tensor,  # [K, L, w] of the annotated pictures
    labels: Tensor,  # uint8 [K, H, W] at the generator's resolution; 255 is not painted
    *,
    num_classes: int,
    layers: Sequence[str] | None = None,
    options: ProbeOptions | None = None,
) -> Iterator[ProbeStep]:
    """Fits a `ProbeLabeller`, a step at a time.

    A picture keeps its layout when noise is redrawn and its fine layers take another style, so its
    annotation stays
    true: every step sees the annotated pictures in other clothes.

    Args:
        layers: names of those that are read; None: all up to `ProbeOptions.max_resolution`.

    Yields:
        A step; the last one's `labeller` is the result.

    Raises:
        ValueError: labels of another size than the generator's pictures, nothing painted, or an
            unknown layer.
    """
    options = options or ProbeOptions()
    side = generator.config.resolution
    if labels.ndim != 3 or tuple(labels.shape[1:]) != (side, side) or len(labels) != len(wplus):
        raise ValueError(
            f"labels: wanted [{len(wplus)}, {side}, {side}], one label map a latent at the"
            " generator's resolution,"
            f" got {list(labels.shape)}"
        )
    classes = shown_classes(labels)
    if not classes:
        raise ValueError("labels: wanted at least one painted pixel, got only 255 (not painted)")
    device = wplus.device
    infos = chosen_layers(generator, layers, max_resolution=options.max_resolution)
    names = tuple(info.name for info in infos)
    synthesis = synthesis_to(generator, names)
    rng = torch.Generator().manual_seed(options.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        probe = ProbeLabeller(
            LabellerConfig(
                "probe",
                num_classes,
                classes,
                names,
                tuple(info.channels for info in infos),
                hidden=options.hidden,
                members=options.members,
            )
        ).to(device)
    lookup = torch.full((256,), -1, device=device)
    lookup[list(classes)] = torch.arange(len(classes), device=device)
    targets = lookup[labels.to(device).long()]
    weights = class_weights(labels, classes).to(device)
    mix_from = first_fine_row(generator) if options.mix_from is None else options.mix_from
    with torch.no_grad():
        samples = sample_ws(generator, _STANDARDISING_SAMPLES, rng=rng)
        probe.standardise(read_features(synthesis, samples, names).features)
    fitted = [each for each in probe.parameters() if each.requires_grad]
    optimizer = torch.optim.AdamW(
        fitted, lr=options.learning_rate, weight_decay=options.weight_decay, betas=(0.9, 0.99)
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, options.steps)
    for index in range(options.steps):
        chosen = torch.randint(len(wplus), (options.batch,), generator=rng)
        with torch.no_grad():
            ws = restyle(generator, wplus[chosen.to(device)], mix_from=mix_from, rng=rng)
            noise = seeded_noise(synthesis, options.batch, rng) if index % 2 else "const"
            features = read_features(synthesis, ws, names, noise=noise).features
        keep = torch.rand(options.batch, options.hidden * options.members, generator=rng)
        keep = (keep >= options.dropout).to(device, torch.float32) / (1 - options.dropout)
        votes = probe.member_logits(features, keep=keep).flatten(0, 1)
        if votes.shape[-1] != side:
            votes = F.interpolate(votes, size=(side, side), mode="bilinear", align_corners=False)
        wanted = targets[chosen.to(device)].repeat_interleave(options.members, dim=0)
        loss = F.cross_entropy(votes, wanted, weight=weights, ignore_index=-1)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            painted = wanted >= 0
            right = (votes.argmax(dim=1) == wanted) & painted
            accuracy = float(right.sum() / painted.sum())
        if index == options.steps - 1:
            optimizer.zero_grad(set_to_none=True)
            probe.requires_grad_(False)
        yield ProbeStep(index, float(loss.detach()), accuracy, probe)
