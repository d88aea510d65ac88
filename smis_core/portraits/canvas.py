"""Painter's algorithm on a batch of pictures: colour and class go down together, exactly."""

from __future__ import annotations

import torch
from torch import Tensor


class Canvas:
    """Pictures ``[N, 3, H, W]`` in [0, 1] and the class of every pixel, painted layer by layer.

    Args:
        picture: the background.
        pixel: side of a pixel in the units of the distances, ``[N, 1, 1, 1]``.
    """

    def __init__(self, picture: Tensor, pixel: Tensor) -> None:
        self.picture = picture
        self.labels = torch.zeros_like(picture[:, :1], dtype=torch.uint8)
        self._pixels_a_unit = 1.0 / pixel

    def coverage(self, distance: Tensor) -> Tensor:
        """The share of each pixel that lies inside, ``[N, 1, H, W]`` in [0, 1]."""
        return (distance * -self._pixels_a_unit).add_(0.5).clamp_(0.0, 1.0)

    def paint(
        self,
        distance: Tensor,  # [N, 1, H, W], negative inside
        colour: Tensor,  # [N, 3, 1 or H, 1 or W] in [0, 1]
        label: int | Tensor | None = None,
        *,
        outline: float = 0.0,
        opacity: Tensor | float | None = None,
    ) -> Tensor:
        """Lay one shape over what is there and return its coverage.

        ``outline`` is the width of the darker line inside the edge, in units. A shape without a
        label colours pixels and leaves their class alone.
        """
        coverage = self.coverage(distance)
        if outline:
            ink = (distance + outline).mul_(1.6 / outline).clamp_(0.0, 1.0).mul_(-0.5).add_(1.0)
            colour = colour * ink
        weight = coverage if opacity is None else coverage * opacity
        self.picture.lerp_(colour.expand_as(self.picture), weight.expand_as(self.picture))
        if label is not None:
            inside = weight >= 0.5
            if isinstance(label, int):
                self.labels.masked_fill_(inside, label)
            else:
                self.labels = torch.where(inside, label, self.labels)
        return coverage

    def shade(self, weight: Tensor, factor: Tensor | float) -> None:
        """Multiply the pictures by ``factor`` where ``weight`` is 1; leave them where it is 0."""
        self.picture.mul_(
            torch.addcmul(
                torch.ones((), device=weight.device), weight, torch.as_tensor(factor - 1.0)
            )
        )
