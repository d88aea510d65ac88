"""'Keep this, change only that': a sketch's edit shows inside a region and nowhere else."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional as F

from smis_core.editing import blend_region
from smis_core.fewshot import Anchor, Synthesis, Synthesizer
from smis_core.labels import LabelMap
from smis_core.latents import WPlus

_MARGIN = 0.04


def changed_region(before: LabelMap, after: LabelMap, *, margin: float = _MARGIN) -> Tensor:
    """Where two sketches differ, with some room around it.

    Args:
        before, after: of one size.
        margin: in sides of the picture.

    Returns:
        float32 [H, H], 1 where a picture may change.

    Raises:
        ValueError: sketches of different sizes.
    """
    if before.indices.shape != after.indices.shape:
        raise ValueError(
            f"sketches: wanted one size, got {before.width} x {before.height} and"
            f" {after.width} x {after.height}; bring one to the other's with `resized`"
        )
    differs = before.indices != after.indices
    if not differs.any():
        return torch.zeros(differs.shape)
    distance = ndimage.distance_transform_edt(~differs)
    return torch.from_numpy(distance <= margin * differs.shape[0]).float()


@torch.no_grad()
def change_region(
    synthesizer: Synthesizer,
    kept: Anchor,
    mask: LabelMap,
    *,
    region: Tensor | None = None,  # [H, H] in [0, 1]
    styles: WPlus | None = None,
    softness: float = 0.03,
) -> Synthesis:
    """Portraits that follow a sketch inside a region, and are the kept portrait outside of it.

    Args:
        synthesizer: what draws.
        kept: the portrait, and the sketch that shows it before the edit.
        mask: the edited sketch.
        region: where the picture may change; None: where the sketches differ, and a little around.
        styles: [N, L, w], whose colours the region takes; None keeps the portrait's own.
        softness: width of the region's edge, in sides of the picture.

    Returns:
        One picture a style. Outside of the region each is the kept one, bit by bit; `wplus` are
        the codes of what is inside; fidelity is read from the codes on either side.

    Raises:
        ValueError: see `Synthesizer.encode`, `Synthesizer.synthesize` and `blend_region`.
    """
    rows = synthesizer.num_ws if styles is None else None
    drawn = synthesizer.synthesize(
        mask, anchor=kept, styles=kept.wplus if styles is None else styles, mix_from=rows
    )
    return within(synthesizer, kept, drawn.wplus, mask, region=region, softness=softness)


@torch.no_grad()
def within(
    synthesizer: Synthesizer,
    kept: Anchor,
    wplus: WPlus,  # [N, L, w]
    mask: LabelMap,
    *,
    region: Tensor | None = None,  # [H, H] in [0, 1]
    softness: float = 0.03,
) -> Synthesis:
    """Pictures of known codes inside a region, and the kept portrait outside of it.

    Args:
        synthesizer: what draws.
        kept: the portrait, and the sketch that shows it before the edit.
        wplus: what is drawn inside.
        mask: the edited sketch, with which the result is compared.
        region, softness: as in `change_region`.

    Raises:
        ValueError: see `blend_region`.
    """
    if region is None:
        side = max(kept.mask.height, mask.height)
        region = changed_region(kept.mask.resized(side), mask.resized(side))
    images = blend_region(synthesizer.generator, kept.wplus, wplus, region, softness=softness)
    size = synthesizer.resolution
    inside = F.interpolate(region[None, None].float(), size=(size, size), mode="area")[0, 0] > 0.5
    outer, *_ = synthesizer.label(kept.wplus)
    found = np.stack([each.indices for each in synthesizer.label(wplus)])
    labels = np.where(inside.cpu().numpy(), found, outer.indices)
    fidelity, by_class = synthesizer.measure(mask, torch.from_numpy(labels).to(synthesizer.device))
    return Synthesis(images, wplus, fidelity, by_class)
