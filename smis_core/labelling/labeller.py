"""What every way of naming a generator's features has in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..labels import UNPAINTED

_ABSENT = -30.0  # the logit of a class that no annotation shows: e^-30, and finite in every dtype


@dataclass(frozen=True)
class LabellerConfig:
    """What a labeller needs in order to be built again before its tensors are loaded.

    Raises:
        ValueError: the kind is unknown, the classes are not increasing indices below `num_classes`,
        or layers and
            channels do not match.
    """

    kind: str
    """"prototype", "sparse-topk", "probe" or "marks" """
    num_classes: int
    """channels of the logits: the palette's highest index plus one"""
    classes: tuple[int, ...]
    """the classes that the annotations show"""
    layers: tuple[str, ...]
    """names of the layers that are read, as `synthesis` names them"""
    channels: tuple[int, ...]
    """channels of those layers"""
    vectors: int = 0
    """annotated pixels or spots that a "sparse-topk" or "marks" labeller keeps"""
    top_k: int = 3
    """pixels that an annotated pixel claims ("sparse-topk")"""
    min_cosine: float = 0.5
    """similarity that a claim must exceed ("sparse-topk", "marks")"""
    hidden: int = 0
    """hidden units of each member of a "probe"; 0 is a linear probe"""
    members: int = 1
    """probes whose votes are averaged"""
    dots: tuple[int, ...] = ()
    """classes whose marks are landmarks ("marks")"""
    marks: int = 0
    """separate marks of the annotations ("marks")"""
    side: int = 0
    """of the annotations in pixels ("marks")"""

    def __post_init__(self) -> None:
        for name in ("classes", "layers", "channels", "dots"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if self.kind not in _KINDS_WANTED:
            raise ValueError(f"kind: wanted one of {', '.join(_KINDS_WANTED)}, got {self.kind!r}")
        ordered = all(a < b for a, b in zip(self.classes, self.classes[1:], strict=False))
        if (
            not self.classes
            or not ordered
            or self.classes[0] < 0
            or self.classes[-1] >= self.num_classes
        ):
            raise ValueError(
                f"classes: wanted increasing indices below {self.num_classes}, got {self.classes}"
            )
        if not self.layers or len(self.layers) != len(self.channels):
            raise ValueError(
                f"layers: wanted one channel count for each, got {self.layers} and {self.channels}"
            )

    def to_dict(self) -> dict[str, Any]:
        """The constructor's arguments, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> LabellerConfig:
        """The inverse of `to_dict`."""
        return cls(**values)


_KINDS_WANTED = ("prototype", "sparse-topk", "probe", "marks")
_CLASSES: dict[str, type[Labeller]] = {}


class Labeller(nn.Module):
    """Names every pixel of a generated picture from the features that made it.

    Sub-classes give `logits`; `labels` follows from it. A labeller is a module, so that it is saved
    beside the encoder that was trained with it.
    """

    config: LabellerConfig
    unknown: int | None = None
    """the class that means 'not painted', where labels are sparse"""

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers that `logits` wants to see."""
        return self.config.layers

    @property
    def classes(self) -> tuple[int, ...]:
        """The classes that can come out."""
        return self.config.classes

    def logits(
        self,
        features: Mapping[str, Tensor],  # layer name -> [N, C, H, W]
        size: int,
    ) -> Tensor:
        """Soft labels, differentiable with respect to the features.

        Returns:
            float32 [N, num_classes, size, size]; their softmax is a probability. Classes that no
            annotation shows get -30.
        """
        raise NotImplementedError

    def labels(self, features: Mapping[str, Tensor], size: int) -> Tensor:
        """The class of every pixel.

        Returns:
            uint8 [N, size, size].
        """
        with torch.no_grad():
            return self.logits(features, size).argmax(dim=1).to(torch.uint8)

    def sketched(self, features: Mapping[str, Tensor], size: int) -> Tensor:
        """`labels` as a person would paint them: uint8 [N, size, size], 255 where nothing is
        known."""
        found = self.labels(features, size)
        return (
            found if self.unknown is None else found.masked_fill(found == self.unknown, UNPAINTED)
        )

    def prepared(self, labels: Tensor) -> Tensor:
        """A sketch, uint8 [N, S, S], in the form in which samples are labelled."""
        return labels

    def comparable(self, labels: Tensor) -> Tensor:
        """Labels, uint8 [N, S, S], in the form in which agreement with others is measured."""
        return labels

    def _spread(self, logits: Tensor) -> Tensor:
        """[N, K, …] for the shown classes → [N, num_classes, …]."""
        count, indices = self.config.num_classes, list(self.config.classes)
        if indices == list(range(count)):
            return logits
        spread = logits.new_full((logits.shape[0], count, *logits.shape[2:]), _ABSENT)
        spread[:, indices] = logits
        return spread

    def _gather(self, features: Mapping[str, Tensor]) -> list[Tensor]:
        """The wanted features in order; a clear error where one is missing or of another width."""
        found = []
        for name, channels in zip(self.config.layers, self.config.channels, strict=True):
            if name not in features:
                raise ValueError(f"features: wanted layer {name!r}, got {sorted(features)}")
            if features[name].ndim != 4 or features[name].shape[1] != channels:
                raise ValueError(
                    f"features[{name!r}]: wanted [N, {channels}, H, W], got"
                    f" {list(features[name].shape)};"
                    " this labeller belongs to another generator"
                )
            found.append(features[name])
        return found


def register_labeller(kind: str) -> Callable[[type[Labeller]], type[Labeller]]:
    """Names a class of labellers, so that `build_labeller` finds it."""

    def register(cls: type[Labeller]) -> type[Labeller]:
        _CLASSES[kind] = cls
        return cls

    return register


def build_labeller(config: LabellerConfig) -> Labeller:
    """An empty labeller of a configuration, for its tensors to be loaded into."""
    return _CLASSES[config.kind](config)


def shown_classes(labels: Tensor | Sequence[Tensor]) -> tuple[int, ...]:
    """The class indices that occur in label maps, in order and without 255."""
    maps = [labels] if isinstance(labels, Tensor) else list(labels)
    found = sorted({int(index) for each in maps for index in torch.unique(each)})
    return tuple(index for index in found if index != UNPAINTED)
