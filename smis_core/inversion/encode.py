"""Finding the code of a picture at a glance: by an encoder, which may look again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from torch.nn import functional as F

from ..checkpoints.inversion_encoder import InversionEncoder
from ..devices import has_fast_bfloat16
from ..latents import WPlus
from ..networks import SynthesisSession
from ..networks.generator_base import GeneratorBase
from ..networks.strided import AnyDiscriminator
from .checks import TargetLike, checked_perceptual, checked_target
from .image_encoder import ImageEncoder
from .losses import LossWeights, Objective, as_numbers
from .perceptual import Perceptual
from .step import InversionStep
from .work import Recorder

AnyImageEncoder = ImageEncoder | InversionEncoder
"""Ours, or one of pSp or e4e, also as ReStyle trains them (six channels)."""

_SMALL_INPUT = 256
_HELD_BYTES = 2**26
_beginnings: WeakKeyDictionary[GeneratorBase, SynthesisSession] = WeakKeyDictionary()
"""Every look begins at the same picture of a generator: a third of a glance is spared."""


def encode(
    generator: GeneratorBase,
    target: TargetLike,  # [N, 3, R, R] in [-1, 1]
    encoder: AnyImageEncoder,
    *,
    refinements: int | None = None,
    perceptual: Perceptual | AnyDiscriminator | None = None,
    weight: Tensor | None = None,  # [N or 1, 1, R, R]
) -> Iterator[InversionStep]:
    """Inverts pictures by an encoder, a look a step (ReStyle, Alaluf et al. 2021, section 3).

    Args:
        generator: the one that the encoder was trained with.
        target: at the generator's resolution, see `prepare_target`.
        encoder: see `load_image_encoder`.
        refinements: how often it looks again; None: once, or not at all where an encoder cannot.
        perceptual: joins the losses; with it a look costs more than a picture.
        weight: how much each pixel matters to the losses; where it is 0 the encoder sees what it
            drew itself.

    Returns:
        The steps. A look that makes a picture worse is not taken for it.

    Raises:
        ValueError: before any work: an encoder of another generator, or one that cannot look
            again; else as `project`.
    """
    images, matters = checked_target(generator, target, weight)
    distance = checked_perceptual(generator, perceptual)
    check_encoder(generator, encoder)
    looks_again = isinstance(encoder, ImageEncoder) or encoder.config.img_channels == 6
    refinements = (1 if looks_again else 0) if refinements is None else refinements
    if refinements < 0 or (refinements and not looks_again):
        raise ValueError(
            "refinements: wanted 0 or more, and 0 for an encoder that was not trained to look"
            f" again (ReStyle's read six channels), got {refinements}"
        )
    return _encode(generator, images, matters, encoder, refinements, distance)


def _encode(
    generator: GeneratorBase,
    target: Tensor,
    matters: Tensor | None,
    encoder: AnyImageEncoder,
    refinements: int,
    perceptual: Perceptual | None,
) -> Iterator[InversionStep]:
    recorder = Recorder()
    weights = LossWeights(prior=0, rows=0, noise=0)
    objective = Objective(target, weights, perceptual=perceptual, matters=matters)
    look, ws, image = _first(generator, encoder, len(target))
    fast = has_fast_bfloat16(target.device)
    lowest: Tensor | None = None
    for index in range(1, refinements + 2):
        with torch.no_grad():
            # What does not matter looks as if it were already found.
            shown = target if matters is None else image + (target - image) * matters
            with torch.autocast(target.device.type, torch.bfloat16, enabled=fast):
                tried = look(shown, image, ws)
            drawn = generator.synthesis(tried)
            terms = objective.compare(drawn)
            total = objective.total(terms)
            if lowest is None:
                ws, image, lowest, kept = tried, drawn, total, terms
            else:
                better = total < lowest
                ws = torch.where(better[:, None, None], tried, ws)
                image = torch.where(better[:, None, None, None], drawn, image)
                kept = {name: torch.where(better, terms[name], kept[name]) for name in terms}
                lowest = torch.minimum(total, lowest)
            losses = as_numbers(kept, lowest)
        step = InversionStep(index, refinements + 1, "encode", losses, WPlus(ws), None, image)
        yield recorder.hold(step)
        recorder.go()


def check_encoder(generator: GeneratorBase, encoder: AnyImageEncoder) -> None:
    """Raises ValueError for an encoder whose codes the generator cannot take."""
    config = encoder.config
    wanted, found = (
        (generator.num_ws, generator.config.w_dim),
        (config.num_ws, config.w_dim),
    )
    if wanted != found:
        raise ValueError(
            f"encoder: wanted codes of [{wanted[0]}, {wanted[1]}], as the generator takes them, got"
            f" an encoder of [{found[0]}, {found[1]}]"
        )
    if isinstance(encoder, ImageEncoder):
        if encoder.config.resolution != generator.config.resolution:
            raise ValueError(
                f"encoder: wanted one for pictures of {generator.config.resolution}², got one for"
                f" {encoder.config.resolution}²"
            )
    elif encoder.config.img_channels not in (3, 6):
        raise ValueError(
            "encoder: wanted one that reads pictures, of 3 or 6 channels, got one of"
            f" {encoder.config.img_channels}"
        )


def _first(
    generator: GeneratorBase, encoder: AnyImageEncoder, count: int
) -> tuple[Callable[[Tensor, Tensor, Tensor], Tensor], Tensor, Tensor]:
    """How to look, and what is there before the first look: a code and its picture."""
    if isinstance(encoder, ImageEncoder):
        ours = encoder

        def look(target: Tensor, drawn: Tensor, ws: Tensor) -> Tensor:
            step: Tensor = ours(target, drawn)
            return ws + step

        ws = encoder.start(count)
    else:
        theirs = encoder

        def look(target: Tensor, drawn: Tensor, ws: Tensor) -> Tensor:
            seen = _at_256(target)
            if theirs.config.img_channels == 3:
                code: Tensor = theirs(seen)
                return code
            step: Tensor = theirs.encoder(torch.cat([seen, _at_256(drawn)], dim=1))
            return ws + step

        ws = encoder.latent_avg.expand(count, -1, -1)
    if generator not in _beginnings:
        _beginnings[generator] = SynthesisSession(
            generator, precision="float32", memory_limit=_HELD_BYTES
        )
    image = _beginnings[generator].draw(ws[:1])
    return look, ws, image.expand(count, -1, -1, -1)


def _at_256(images: Tensor) -> Tensor:
    side = images.shape[-1]
    if side == _SMALL_INPUT:
        return images
    size = (_SMALL_INPUT, _SMALL_INPUT)
    if side > _SMALL_INPUT:
        return F.interpolate(images, size=size, mode="area")
    return F.interpolate(images, size=size, mode="bilinear", align_corners=False)
