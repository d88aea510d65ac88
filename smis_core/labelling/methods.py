"""Every way to name a generator's features, by its name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor

from ..networks.generator_base import GeneratorBase
from .features import chosen_layers, read_features
from .fit_probe import ProbeOptions, fit_probe
from .labeller import Labeller
from .live import QuickOptions, check_annotation, fit_quickly
from .marks import fit_marks
from .prototypes import best_prototypes
from .sparse import SparseLabeller, fit_sparse
from .thorough import ThoroughOptions, fit_thoroughly

FitOptions = ProbeOptions | QuickOptions | ThoroughOptions
_OPTIONS: dict[str, type[FitOptions] | None] = {
    "prototype": None,
    "sparse-topk": None,
    "marks": None,
    "probe": ProbeOptions,
    "quick": QuickOptions,
    "thorough": ThoroughOptions,
}
METHODS = tuple(_OPTIONS)
"""The paper's two, ours for landmarks and lines, and probes: by steps, in moments, self-taught."""


@dataclass(frozen=True, eq=False)
class FitStep:
    """One step of a fit."""

    index: int
    """from 1"""
    labeller: Labeller
    """as it stands; the last step's is the result"""


def fit_labeller(
    method: str,
    generator: GeneratorBase,
    wplus: Tensor,  # [K, L, w] of the annotated pictures
    labels: Tensor,  # uint8 [K, R, R]; 255 is not painted
    *,
    num_classes: int,
    layers: Sequence[str] | None = None,
    options: FitOptions | None = None,
) -> Iterator[FitStep]:
    """Fits a labeller by the name of its method.

    Args:
        method: one of `METHODS`.
        generator: what drew the pictures.
        wplus: their latents.
        labels: their annotations at the generator's resolution.
        num_classes: of the palette.
        layers: names of the layers that are read; by default the method's own choice. Of several,
            "prototype" takes the one that labels the annotated pictures best.
        options: of the method, where it has some.

    Yields:
        A step; methods that take a moment have one.

    Raises:
        ValueError: an unknown method or layer, options of another method, labels of another shape,
            or nothing painted.
    """
    if method not in _OPTIONS:
        raise ValueError(f"method: wanted one of {', '.join(METHODS)}, got {method!r}")
    kind = _OPTIONS[method]
    if options is not None and (kind is None or not isinstance(options, kind)):
        wanted = "none" if kind is None else kind.__name__
        raise ValueError(f"options: {method} takes {wanted}, got {type(options).__name__}")
    chosen_layers(generator, layers)
    if method == "sparse-topk" and layers is not None and len(layers) > 1:
        raise ValueError(f"layers: sparse-topk reads one layer, got {', '.join(layers)}")
    check_annotation(generator, wplus, labels)
    chosen = options or (None if kind is None else kind())
    return _fit(method, generator, wplus, labels, num_classes, layers, chosen)


def _fit(
    method: str,
    generator: GeneratorBase,
    wplus: Tensor,
    labels: Tensor,
    num_classes: int,
    layers: Sequence[str] | None,
    options: FitOptions | None,
) -> Iterator[FitStep]:
    known = (generator, wplus, labels)
    if isinstance(options, ProbeOptions):
        for probed in fit_probe(*known, num_classes=num_classes, layers=layers, options=options):
            yield FitStep(probed.index + 1, probed.labeller)
    elif isinstance(options, QuickOptions):
        for quick in fit_quickly(*known, num_classes=num_classes, layers=layers, options=options):
            yield FitStep(quick.index, quick.labeller)
    elif isinstance(options, ThoroughOptions):
        for step in fit_thoroughly(*known, num_classes=num_classes, layers=layers, options=options):
            yield FitStep(step.index, step.labeller)
    elif method == "prototype":
        yield FitStep(1, best_prototypes(*known, num_classes=num_classes, layers=layers))
    elif method == "sparse-topk":
        yield FitStep(1, _sparse(*known, num_classes, layers))
    else:
        yield FitStep(1, fit_marks(*known, num_classes=num_classes, layers=layers))


def _sparse(
    generator: GeneratorBase,
    wplus: Tensor,
    labels: Tensor,
    num_classes: int,
    layers: Sequence[str] | None,
) -> SparseLabeller:
    """The paper's at one layer: the last of a quarter of the picture's side, as 64² is of 256²."""
    if layers is None:
        side = max(generator.config.resolution // 4, 8)
        there = [each for each in generator.synthesis.layers if each.resolution <= side]
        layers = [(there or list(generator.synthesis.layers))[-1].name]
    (layer,) = layers
    features = read_features(generator, wplus, layers).features[layer]
    return fit_sparse(features, labels, layer=layer, num_classes=num_classes)
