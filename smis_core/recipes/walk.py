"""A walk through latent space: from seed to seed, as frames or as a film."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from smis_core.devices import inference_precision
from smis_core.images import to_uint8
from smis_core.latents import WPlus, Z, check_seeds, sample_z
from smis_core.networks import GeneratorBase
from smis_core.recipes.drawing import DrawOptions, as_rgb, check_new_file, device_of, one_by_one
from smis_core.recipes.video import VideoWriter, check_video

Space = Literal["w", "z"]
_MOST_FRAMES = 100_000


@dataclass(frozen=True, kw_only=True)
class WalkOptions(DrawOptions):
    """How a walk goes."""

    frames: int = 60
    """from one seed to the next"""
    space: Space = "w"
    """"w": a spline through the codes, smooth everywhere; "z": along great circles, which stay
    where samples are, resting at each seed"""
    loop: bool = True
    """back to the first seed, so that the film can be repeated without a jump"""

    def check(self, generator: GeneratorBase) -> None:
        """Raise ValueError where they do not fit a generator."""
        super().check(generator)
        if self.frames < 1:
            raise ValueError(f"frames: at least 1 from seed to seed was wanted, got {self.frames}")
        if self.space not in get_args(Space):
            raise ValueError(f"space: one of {get_args(Space)} was wanted, got {self.space!r}")
        if self.noise == "random":
            raise ValueError("noise: fresh maps would flicker from frame to frame; use 'const'")


@dataclass(frozen=True, eq=False)
class WalkStep:
    """One frame is drawn."""

    index: int
    """from 1"""
    total: int
    """how many frames there are"""
    position: float
    """0 at the first seed, 1 at the second, …"""
    image: Tensor
    """float32 [1, C, R, R] in about [-1, 1], on the CPU"""
    wplus: WPlus
    """[1, L, w], on the CPU"""


def walk(
    generator: GeneratorBase, *, seeds: Sequence[int], options: WalkOptions | None = None
) -> Iterator[WalkStep]:
    """Draw the frames of a walk from seed to seed.

    Args:
        generator: of any family.
        seeds: two or more, see `smis_core.latents.sample_z`; the codes that are passed.
        options: see `WalkOptions`.

    Returns:
        The steps, one a frame. A loop ends one frame before its beginning. Arguments are checked
        before the first.

    Raises:
        ValueError: fewer than two seeds, one out of range, more than 100,000 frames, or options
            that do not fit the generator.
        MemoryError: while drawing, not even one picture fits.
    """
    options = options or WalkOptions()
    checked = _check(generator, seeds, options)
    return _walk(generator, checked, options)


def save_walk(
    generator: GeneratorBase,
    path: str | Path,
    *,
    seeds: Sequence[int],
    fps: float = 30.0,
    options: WalkOptions | None = None,
    overwrite: bool = False,
) -> Iterator[WalkStep]:
    """Draw a walk into a film.

    Args:
        generator, seeds, options: as in `walk`.
        path: ends in .mp4 (needs the extra `video`), .webp or .gif.
        fps: frames a second.
        overwrite: replace the file where it exists.

    Returns:
        The steps of `walk`; the file is there when they have ended.

    Raises:
        ValueError: as in `walk` and `VideoWriter`; or, without `overwrite`, the file is there.
        MemoryError: as in `walk`.
    """
    path, options = Path(path), options or WalkOptions()
    checked = _check(generator, seeds, options)
    check_video(path, fps=fps)
    check_new_file(path, overwrite=overwrite)

    def film() -> Iterator[WalkStep]:
        with VideoWriter(path, fps=fps) as video:
            for step in _walk(generator, checked, options):
                video.add(to_uint8(as_rgb(step.image))[0])
                yield step

    return film()


def slerp(
    start: Tensor,  # [N, z]
    end: Tensor,  # [N, z]
    t: Tensor,  # [N] in [0, 1]
) -> Tensor:
    """Along the great circle between two directions, the length going evenly from one to the other.

    Opposite directions have no one circle between them; a straight line serves there.
    """
    lengths = start.norm(dim=1, keepdim=True), end.norm(dim=1, keepdim=True)
    first, second = start / lengths[0], end / lengths[1]
    cosine = (first * second).sum(dim=1, keepdim=True).clamp(-1, 1)
    angle, t = cosine.acos(), t[:, None]
    straight = angle.sin() < 1e-4
    sine = torch.where(straight, 1.0, angle.sin())
    weights = ((1 - t) * angle).sin() / sine, (t * angle).sin() / sine
    along = torch.where(straight, first.lerp(second, t), weights[0] * first + weights[1] * second)
    path: Tensor = along * lengths[0].lerp(lengths[1], t)
    return path


def _check(generator: GeneratorBase, seeds: Sequence[int], options: WalkOptions) -> list[int]:
    checked = check_seeds(seeds)
    options.check(generator)
    if len(checked) < 2:
        raise ValueError(f"seeds: a walk goes through two or more, got {checked}")
    if len(checked) * options.frames > _MOST_FRAMES:
        raise ValueError(
            f"seeds: {len(checked)} with {options.frames} frames to the next are more than "
            f"{_MOST_FRAMES:,} frames; give fewer"
        )
    return checked


def _walk(generator: GeneratorBase, seeds: list[int], options: WalkOptions) -> Iterator[WalkStep]:
    device = device_of(generator)
    total = len(seeds) * options.frames if options.loop else (len(seeds) - 1) * options.frames + 1
    positions = np.arange(total) / options.frames
    keys = sample_z(seeds, generator.config.z_dim)
    path = (_in_w if options.space == "w" else _in_z)(generator, keys, options)

    def draw(part: range) -> tuple[Tensor, Tensor]:
        ws = path(positions[part.start : part.stop]).to(device)
        with inference_precision(options.precision, device):
            return generator.synthesis(ws, noise=options.noise), ws

    drawn = one_by_one(generator, draw, total, batch=options.batch)
    for index, (image, ws) in enumerate(drawn):
        yield WalkStep(index + 1, total, float(positions[index]), image, WPlus(ws))


_Path = Callable[[np.ndarray[tuple[int], np.dtype[np.float64]]], Tensor]


def _in_w(generator: GeneratorBase, keys: Z, options: WalkOptions) -> _Path:
    from scipy.interpolate import CubicSpline

    with torch.no_grad():
        codes = options.codes(generator, keys.tensor).double().cpu().numpy()
    if options.loop:
        codes = np.concatenate([codes, codes[:1]])
    # It sets out from and comes to rest at its ends, unless it has none.
    ends = "periodic" if options.loop else "clamped"
    spline = CubicSpline(np.arange(len(codes)), codes, bc_type=ends)
    return lambda at: torch.from_numpy(spline(at)).float()


def _in_z(generator: GeneratorBase, keys: Z, options: WalkOptions) -> _Path:
    def codes(at: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Tensor:
        before = torch.from_numpy(at).long().clamp(max=len(keys) - 1)
        t = torch.from_numpy(at) - before
        eased = (t * t * (3 - 2 * t)).float()
        z = slerp(keys.tensor[before], keys.tensor[(before + 1) % len(keys)], eased)
        return options.codes(generator, z)

    return codes
