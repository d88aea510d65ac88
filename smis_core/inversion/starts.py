"""Where a descent begins: the average, the nearest sample, the class that fits."""

from __future__ import annotations

import torch
from torch import Tensor

from ..networks.generator_base import GeneratorBase
from .losses import LossWeights, Objective
from .perceptual import Perceptual
from .statistics import class_labels

_BATCH = 16
_CLASS_SAMPLES = 256


@torch.no_grad()
def class_means(
    generator: GeneratorBase,
    labels: Tensor | None,  # [N, c_dim]
    count: int,
    mean: Tensor,  # [w]
) -> Tensor:
    """[N, w]: the average code of each target's class."""
    if labels is None:
        return mean.expand(count, -1)
    draws = torch.Generator().manual_seed(0)
    z = torch.randn(_CLASS_SAMPLES, generator.config.z_dim, generator=draws).to(mean.device)
    means: dict[int, Tensor] = {}
    for label in labels:
        key = int(label.argmax())
        if key not in means:
            rows = generator.mapping(z, label.expand(len(z), -1))
            means[key] = rows[:, 0].mean(dim=0)
    return torch.stack([means[int(label.argmax())] for label in labels])


@torch.no_grad()
def find_classes(
    generator: GeneratorBase,
    target: Tensor,  # [N, 3, R, R]
    perceptual: Perceptual | None,
    *,
    seed: int,
    samples: int = 4,
) -> list[int]:
    """For each target the class whose average and samples come nearest to it.

    The randomness is its own: a run that is taken up again, and knows its classes, draws
    everything else as the first one did.
    """
    rng = torch.Generator().manual_seed(seed)
    known = generator.config.c_dim
    objective = Objective(target, LossWeights(), perceptual=perceptual)
    z = torch.randn(samples, generator.config.z_dim, generator=rng).to(target.device)
    nearest = torch.full((len(target), known), torch.inf, device=target.device)
    for index in range(known):
        labels = class_labels(generator, [index] * samples)
        assert labels is not None
        drawn = generator.mapping(z, labels)
        average = class_means(generator, labels[:1], 1, drawn[0, 0])
        ws = torch.cat([average[:, None].expand(-1, generator.num_ws, -1), drawn])
        images = generator.synthesis(ws)
        for number, image in enumerate(images):
            terms = objective.compare(image[None].expand_as(target))
            # The average stands for the whole class, a sample for one picture of it.
            total = objective.total(terms) * (1.0 if number == 0 else 1.05)
            nearest[:, index] = torch.minimum(nearest[:, index], total)
    return [int(each) for each in nearest.argmin(dim=1)]


@torch.no_grad()
def best_samples(
    generator: GeneratorBase,
    objective: Objective,
    candidates: int,
    *,
    labels: Tensor | None,  # [N, c_dim]
    rng: torch.Generator,
    count: int,
    mean: Tensor | None,  # [w]; None leaves the average out
) -> tuple[Tensor, Tensor]:
    """For each target the nearest of random samples, and of the average: z [N, z], ws [N, L, w]."""
    config = generator.config
    device = objective.target.device
    best_z = torch.zeros(count, config.z_dim, device=device)
    best_ws = torch.zeros(count, generator.num_ws, config.w_dim, device=device)
    lowest = torch.full((count,), torch.inf, device=device)
    groups: list[tuple[Tensor, Tensor, Tensor | None]] = []
    if mean is not None:
        row = mean.expand(1, generator.num_ws, -1)
        groups.append((torch.zeros(1, config.z_dim, device=device), row, None))
    candidates = max(candidates, count)
    z = torch.randn(candidates, config.z_dim, generator=rng).to(device)
    c = None if labels is None else labels[torch.arange(candidates, device=device) % len(labels)]
    for at in range(0, candidates, _BATCH):
        part, part_c = z[at : at + _BATCH], None if c is None else c[at : at + _BATCH]
        groups.append((part, generator.mapping(part, part_c), part_c))
    for some_z, some_ws, some_c in groups:
        images = generator.synthesis(some_ws)
        for index in range(len(images)):
            distance = objective.nearness(images[index : index + 1])
            if labels is not None and some_c is not None:
                own = labels.argmax(dim=1) == some_c[index].argmax()
                distance = distance.where(own, distance.new_tensor(torch.inf))
            better = distance < lowest
            lowest = torch.where(better, distance, lowest)
            best_z[better], best_ws[better] = some_z[index], some_ws[index]
    return best_z, best_ws
