"""Principal components of W and of a layer's features (Härkönen et al. 2020, "GANSpace")."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..networks.generator_base import GeneratorBase
from .directions import Directions
from .distribution import SAMPLES, distribution_of_w, sample_w
from .identity import identify
from .rows import chosen_rows
from .scale import by_one_deviation, check_count, name_many, oriented, spread_over

_FEATURES = 2**14
"""More numbers a sample than this are averaged over patches before they are compared."""
_SEED = 2**20
_BATCH = 16


@dataclass(frozen=True, eq=False)
class DirectionStep:
    """A batch of samples seen."""

    index: int
    """from 1"""
    total: int
    directions: Directions | None
    """what was found, on the last step"""


def pca(
    generator: GeneratorBase,
    *,
    rows: Iterable[int] | None = None,
    count: int = 10,
    label: int | None = None,
    samples: int = SAMPLES,
    prefix: str = "pca",
) -> Directions:
    """Principal components of W (section 2.1 for StyleGAN), each a standard deviation long.

    Args:
        generator: of any family.
        rows: of W+ in which they act; None is all.
        count: how many, strongest first; at most the width of W.
        label: the class whose w are sampled.
        samples: how many w are drawn, seconds for ten thousand.
        prefix: they are called "pca 1", "pca 2", ….

    Raises:
        ValueError: rows, a count or a class that there are not, or fewer than two samples.
    """
    chosen = chosen_rows(rows, generator.num_ws)
    check_count(count, generator.config.w_dim)
    spread = distribution_of_w(generator, label=label, samples=samples)
    vectors = torch.linalg.eigh(spread.covariance.double())[1].flip(1)[:, :count].T.float()
    steps, normals = by_one_deviation(
        spread_over(oriented(vectors), chosen, generator.num_ws), spread.covariance
    )
    return Directions(
        names=name_many(prefix, count),
        steps=steps,
        normals=normals,
        centre=spread.mean,
        generator=identify(generator),
        method="PCA of W",
        settings={"rows": [*chosen], "label": label, "samples": samples},
    )


def feature_pca(
    generator: GeneratorBase,
    layer: str,
    *,
    rows: Iterable[int] | None = None,
    count: int = 10,
    label: int | None = None,
    samples: int = 1000,
    prefix: str | None = None,
) -> Iterator[DirectionStep]:
    """Directions whose effect are the principal components of a layer's features.

    GANSpace finds components of the features of an early layer and takes them back to the latents
    by regression (section 2.2, equation 3), here to w. Synthesis stops at the layer.

    Args:
        generator: of any family.
        layer: a name of `generator.synthesis.layers`, at 4² to 16² as a rule.
        rows: of W+ in which they act; None is the rows up to the layer's own, which are those
            that it can have heard of.
        count: how many, strongest first; at most half the samples and the width of W.
        label: the class whose w are sampled.
        samples: how many pictures are begun.
        prefix: None calls them "b8.conv1 1", "b8.conv1 2", … after the layer.

    Yields:
        A step a batch; the last one holds the directions. To cancel is to stop iterating.

    Raises:
        ValueError: a layer, rows, a count or a class that there are not.
    """
    known = {info.name: info for info in generator.synthesis.layers}
    if layer not in known:
        raise ValueError(f"layer: wanted one of {', '.join(known)}, got {layer!r}")
    chosen = chosen_rows(range(known[layer].w_row + 1) if rows is None else rows, generator.num_ws)
    check_count(count, min(samples // 2, generator.config.w_dim))
    spread = distribution_of_w(generator, label=label)

    def work() -> Iterator[DirectionStep]:
        total = -(-samples // _BATCH)
        features, codes = [], []
        drawn = sample_w(generator, samples, label=label, first_seed=_SEED, batch=_BATCH)
        for index, w in enumerate(drawn):
            features.append(_pooled(_output_of(generator, layer, w)))
            codes.append(w)
            if index + 1 < total:
                yield DirectionStep(index + 1, total, None)
        vectors = _regressed(torch.cat(features), torch.cat(codes), count)
        steps, normals = by_one_deviation(
            spread_over(vectors, chosen, generator.num_ws), spread.covariance
        )
        directions = Directions(
            names=name_many(prefix or layer, count),
            steps=steps,
            normals=normals,
            centre=spread.mean,
            generator=identify(generator),
            method="PCA of features",
            settings={"layer": layer, "rows": [*chosen], "label": label, "samples": samples},
        )
        yield DirectionStep(total, total, directions)

    return work()


class _Enough(Exception):
    """Thrown where synthesis has given what was wanted."""


@torch.no_grad()
def _output_of(generator: GeneratorBase, layer: str, w: Tensor) -> Tensor:
    kept: list[Tensor] = []

    def keep(module: nn.Module, inputs: object, output: Tensor) -> None:
        kept.append(output)
        raise _Enough

    hook = generator.synthesis.get_submodule(layer).register_forward_hook(keep)
    try:
        generator.synthesis(w.to(generator.mapping.w_avg.device)[:, None]
                            .expand(-1, generator.num_ws, -1))  # fmt: skip
    except _Enough:
        pass
    finally:
        hook.remove()
    return kept[0]


def _pooled(features: Tensor) -> Tensor:  # [N, C, H, W]
    channels, height, _ = features.shape[1:]
    side = max(1, min(height, math.isqrt(_FEATURES // channels)))
    return F.adaptive_avg_pool2d(features.float(), side).flatten(1).cpu()


def _regressed(features: Tensor, codes: Tensor, count: int) -> Tensor:
    """`[count, w]`: what w does on average when the features move along each component."""
    centred = (features - features.mean(dim=0)).double()
    # There are fewer samples than features: the small Gram matrix has the same components.
    values, vectors = torch.linalg.eigh(centred @ centred.T)
    strongest = values.flip(0)[:count].clamp_min(1e-12)
    places = vectors.flip(1)[:, :count] * strongest.sqrt()  # [N, count], the components' scores
    w = (codes - codes.mean(dim=0)).double()
    return oriented((places.T @ w / strongest[:, None]).float())
