"""Named directions of a generator's W+."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from ..latents import WPlus
from ..networks.generator_base import GeneratorBase
from .identity import Identity, check_same_space, identify
from .rows import chosen_rows

_LONGEST_NAME = 80


@dataclass(frozen=True, eq=False, kw_only=True)
class Directions:
    """What latents can be moved along. Raises ValueError for parts that do not fit together."""

    names: tuple[str, ...]
    steps: Tensor
    """float32 [K, L, w] on the CPU: what strength 1 adds; zero in the rows where it does not act.
    Of SeFa, PCA, boundaries and pairs the row that moves most moves by one standard deviation of W
    along it; of the bundled ones a step is at most a standard deviation of the attribute"""
    normals: Tensor
    """float32 [K, L, w]: what a latent's position along each is read with, in steps"""
    centre: Tensor
    """float32 [w]: the mean of W, where readings are 0"""
    generator: Identity
    """whose W+ it is"""
    method: str
    """how they were found, as "SeFa" """
    settings: Mapping[str, Any] = field(default_factory=dict)
    """with what settings and from what, as plain values"""
    circles: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """pairs of directions that span a circle, such as a hue's cosine and sine, by its name"""
    middles: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """where the middle of a circle lies along its two directions, in steps from the average; (0, 0)
    where nothing is said. The average hair is not grey"""

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))
        object.__setattr__(self, "circles", {k: tuple(v) for k, v in self.circles.items()})
        for name in self.names:
            if not isinstance(name, str) or not name.strip() or len(name) > _LONGEST_NAME:
                raise ValueError(
                    f"names: wanted 1 to {_LONGEST_NAME} letters each, got {name!r:.100}"
                )
            if not name.isprintable():
                raise ValueError(f"names: wanted letters that can be shown, got {name!r}")
        if len(set(self.names)) != len(self.names) or not self.names:
            raise ValueError(f"names: wanted at least one, each once, got {[*self.names]}")
        wanted = (len(self.names), self.generator.num_ws, self.generator.w_dim)
        for part, shape in (("steps", wanted), ("normals", wanted), ("centre", wanted[2:])):
            tensor = getattr(self, part)
            if tuple(tensor.shape) != shape or not tensor.is_floating_point():
                raise ValueError(
                    f"{part}: wanted floats {[*shape]} for {len(self.names)} directions of this "
                    f"generator, got {tensor.dtype} {[*tensor.shape]}"
                )
            if not bool(torch.isfinite(tensor).all()):
                raise ValueError(f"{part}: wanted finite numbers, got NaN or infinities")
            object.__setattr__(self, part, tensor.detach().cpu().float().contiguous())
        for circle, pair in self.circles.items():
            if len(pair) != 2 or set(pair) - set(self.names):
                raise ValueError(
                    f"circles: wanted two of the directions for {circle!r}, got {[*pair]}"
                )
        object.__setattr__(self, "middles", {k: tuple(v) for k, v in self.middles.items()})
        for circle, middle in self.middles.items():
            whole = circle in self.circles and len(middle) == 2
            if not whole or not all(math.isfinite(each) for each in middle):
                raise ValueError(
                    f"middles: wanted two numbers for each of some circles, got {circle!r}: "
                    f"{[*middle]}"
                )

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, name: str) -> Tensor:
        """`[L, w]`, what strength 1 adds.

        Raises:
            ValueError: no such direction.
        """
        return self.steps[self.index(name)]

    def __repr__(self) -> str:
        return f"Directions({', '.join(self.names)}; {self.method})"

    def index(self, name: str) -> int:
        """Place of a direction.

        Raises:
            ValueError: no such direction.
        """
        if name not in self.names:
            raise ValueError(f"no direction is called {name!r}; there are {', '.join(self.names)}")
        return self.names.index(name)

    def rows(self, name: str) -> tuple[int, ...]:
        """The rows of W+ in which a direction acts."""
        moved = self[name].abs().amax(dim=1)
        return tuple(int(row) for row in moved.nonzero()[:, 0])

    def select(self, names: Iterable[str]) -> Directions:
        """Some of them, in the order given; circles that lose a member are dropped.

        Raises:
            ValueError: no such direction.
        """
        chosen = tuple(names)
        at = [self.index(name) for name in chosen]
        circles = {k: v for k, v in self.circles.items() if not set(v) - set(chosen)}
        middles = {circle: self.middles[circle] for circle in circles if circle in self.middles}
        return replace(
            self, names=chosen, steps=self.steps[at], normals=self.normals[at], circles=circles,
            middles=middles,
        )  # fmt: skip

    def renamed(self, names: Mapping[str, str]) -> Directions:
        """The same under other names: old to new, the rest as it is.

        Raises:
            ValueError: no such direction, or two of one name.
        """
        for old in names:
            self.index(old)
        return replace(
            self,
            names=tuple(names.get(name, name) for name in self.names),
            circles={k: (names.get(a, a), names.get(b, b)) for k, (a, b) in self.circles.items()},
        )

    def within(self, rows: Iterable[int]) -> Directions:
        """The same, acting in some rows only.

        Raises:
            ValueError: no such row, or a direction that does nothing there.
        """
        kept = chosen_rows(rows, self.generator.num_ws)
        mask = torch.zeros(self.generator.num_ws)
        mask[list(kept)] = 1
        steps = self.steps * mask[:, None]
        if still := [n for n, step in zip(self.names, steps, strict=True) if not step.any()]:
            raise ValueError(
                f"rows: {still[0]!r} does nothing in {[*kept]}; it acts in {[*self.rows(still[0])]}"
            )
        gain = (steps * self.normals).sum((1, 2))
        # A reading that the rows left barely move would be all noise: it is kept as it is then.
        gain = torch.where(gain > 0.05, gain, torch.ones_like(gain))
        return replace(self, steps=steps, normals=self.normals / gain[:, None, None])

    def joined(self, other: Directions) -> Directions:
        """These, then the others.

        Raises:
            ValueError: another generator, or a name that both have.
        """
        check_same_space("the other set", other.generator, self.generator)
        if both := sorted(set(self.names) & set(other.names)):
            raise ValueError(f"both sets have {', '.join(both)}: rename one with `renamed`")
        method = self.method if self.method == other.method else f"{self.method}, {other.method}"
        return replace(
            self,
            names=self.names + other.names,
            steps=torch.cat([self.steps, other.steps]),
            normals=torch.cat([self.normals, other.normals]),
            method=method,
            settings={**self.settings, **other.settings},
            circles={**self.circles, **other.circles},
            middles={**self.middles, **other.middles},
        )

    def read(self, wplus: WPlus) -> Tensor:
        """Where latents lie along each direction, float32 `[N, K]`, in steps from the average.

        Raises:
            ValueError: latents of another shape.
        """
        ws = wplus.tensor.detach().cpu().float()
        if tuple(ws.shape[1:]) != tuple(self.steps.shape[1:]):
            raise ValueError(
                f"wplus: wanted [N, {self.generator.num_ws}, {self.generator.w_dim}], got "
                f"{[*ws.shape]}"
            )
        return torch.einsum("nlw,klw->nk", ws - self.centre, self.normals)

    def around(self, circle: str, read: Tensor) -> Tensor:
        """Where latents lie around the middle of a circle, `[N, 2]`, in steps.

        Args:
            circle: a name of `circles`.
            read: what `read` gave of them, `[N, K]`.

        Raises:
            ValueError: no such circle.
        """
        if circle not in self.circles:
            there = ", ".join(self.circles) or "none"
            raise ValueError(f"no circle is called {circle!r}; there are: {there}")
        at = [self.index(name) for name in self.circles[circle]]
        return read[:, at] - torch.tensor(self.middles.get(circle, (0.0, 0.0)))

    def towards(
        self, circle: str, turns: float, *, wplus: WPlus | None = None, radius: float = 2.0
    ) -> dict[str, float]:
        """The strengths that bring a latent to a place on a circle, such as a hue.

        Args:
            circle: a name of `circles`.
            turns: where on it; 1 is the full circle.
            wplus: the one latent to be moved `[1, L, w]`: what it shows already is made up for.
                None moves from the average.
            radius: how far from the middle, in steps.

        Returns:
            Strengths by direction, for `Edit.changed`.

        Raises:
            ValueError: no such circle, several latents, or a number that is not finite.
        """
        if not math.isfinite(turns) or not math.isfinite(radius):
            raise ValueError(f"turns and radius: wanted numbers, got {turns} and {radius}")
        if wplus is not None and len(wplus) != 1:
            raise ValueError(f"wplus: wanted one latent, got {len(wplus)}")
        read = torch.zeros(1, len(self)) if wplus is None else self.read(wplus)
        now = self.around(circle, read)[0].tolist()
        goal = (math.cos(2 * math.pi * turns), math.sin(2 * math.pi * turns))
        pair = self.circles[circle]
        return {name: radius * g - n for name, g, n in zip(pair, goal, now, strict=True)}

    def check(self, generator: GeneratorBase | Identity) -> None:
        """Refuse another generator.

        Raises:
            ValueError: the reason, and what to do.
        """
        check_same_space(f"this set of directions ({self.method})", self.generator,
                         identify(generator))  # fmt: skip
