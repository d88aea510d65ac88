"""From a state to latents and to the picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from ..latents import Noise, WPlus
from ..networks.generator_base import GeneratorBase
from ..networks.stylegan3 import StyleGAN3Synthesis
from .distribution import one_hot
from .edit import apply, scaled_noise
from .identity import Identity, identify
from .seeds import walk_z
from .state import EditState, Placement, Seeded, Source


@dataclass(frozen=True, eq=False)
class Resolved:
    """What synthesis takes."""

    wplus: WPlus
    """[1, L, w]"""
    noise: Noise | None
    """None for a generator without noise"""


@torch.no_grad()
def latent_of(generator: GeneratorBase, source: Source) -> WPlus:
    """The latent `[1, L, w]` that a source stands for, on the generator's device.

    Raises:
        ValueError: a class is missing or unknown, or the latent has another shape.
    """
    device = generator.mapping.w_avg.device
    if isinstance(source, Seeded):
        z = walk_z(source.seed, source.fraction, generator.config.z_dim).tensor.to(device)
        return WPlus(generator.mapping(z, one_hot(generator, source.label, 1)))
    wanted = (1, generator.num_ws, generator.config.w_dim)
    if tuple(source.wplus.tensor.shape) != wanted:
        raise ValueError(
            f"{source.name!r:.60}: wanted a latent {[*wanted]} for this generator, got "
            f"{[*source.wplus.tensor.shape]}"
        )
    return WPlus(source.wplus.tensor.to(device, torch.float32))


def check_state(generator: GeneratorBase | Identity, state: EditState) -> None:
    """Refuse a state of another generator.

    Raises:
        ValueError: the reason.
    """
    mine, theirs = identify(generator), state.generator
    if mine == theirs:
        return
    tuned = mine.mapping == theirs.mapping
    raise ValueError(
        f"the picture was made by the generator {theirs.network[:12]}…, but this is "
        f"{mine.network[:12]}…"
        + (", another tuning of the same one" if tuned else "")
        + ": open the generator that it was made by"
    )


def resolve(
    generator: GeneratorBase,
    state: EditState,
    *,
    latent: Callable[[GeneratorBase, Source], WPlus] = latent_of,
) -> Resolved:
    """The latents and the noise of a state.

    The state is taken for the generator's; `check_state` finds out, and takes as long as hashing
    the weights does.

    Args:
        generator: of any family.
        state: of it.
        latent: gives a source's latent `[1, L, w]`, for whoever has it already. The second source
            is asked for where a row blends towards it.

    Raises:
        ValueError: a class or a shape that the generator does not have.
    """
    first = latent(generator, state.a)
    second = None
    if state.b is not None and any(row.blend for row in state.edit.rows):
        second = latent(generator, state.b)
    wplus, factors = apply(
        first, state.edit, state.directions, second=second, w_avg=generator.mapping.w_avg
    )
    found = None if isinstance(state.a, Seeded) else state.a.noise
    return Resolved(wplus, scaled_noise(generator, factors, noise=found))


@torch.no_grad()
def draw(generator: GeneratorBase, state: EditState) -> Tensor:
    """The picture of a state, float32 `[1, 3, R, R]` in about [-1, 1].

    Raises:
        ValueError: as `resolve` and `placed`.
    """
    resolved = resolve(generator, state)
    noise = {} if resolved.noise is None else {"noise": resolved.noise.maps}
    with placed(generator, state.placement):
        image: Tensor = generator.synthesis(resolved.wplus.tensor, **noise)
    return image


@contextmanager
def placed(generator: GeneratorBase, placement: Placement) -> Iterator[None]:
    """Inside, StyleGAN3 draws moved and turned (Karras et al. 2021, appendix F).

    Its input's transform is put back on the way out; a generator is used by one thread at a time.

    Raises:
        ValueError: another family is to be moved or turned.
    """
    if placement == Placement():
        yield
        return
    synthesis = generator.synthesis
    if not isinstance(synthesis, StyleGAN3Synthesis):
        raise ValueError("placement: only StyleGAN3 moves and turns its picture")
    transform = synthesis.input.transform
    before = transform.clone()
    # The transform leads from the picture to the scene, so it is the inverse of the movement.
    angle = -2 * math.pi * placement.turn
    sine, cosine = math.sin(angle), math.cos(angle)
    back = torch.tensor([
        [cosine, -sine, -cosine * placement.x + sine * placement.y],
        [sine, cosine, -sine * placement.x - cosine * placement.y],
        [0, 0, 1],
    ])  # fmt: skip
    try:
        transform.copy_(before @ back.to(before))
        yield
    finally:
        transform.copy_(before)
