"""Draws states off the main thread: the newest first, small while a hand moves, whole at rest."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

import torch
from torch import Tensor

from smis_core.devices import resolve_precision
from smis_core.editing import (
    EditState,
    Resolved,
    Seeded,
    Source,
    draw,
    latent_of,
    placed,
    resolve,
)
from smis_core.jobs import LatestWorker, turns_of
from smis_core.jobs.threads import torch_threads
from smis_core.latents import WPlus
from smis_core.networks import Overtaken, SynthesisSession
from smis_core.networks.generator_base import GeneratorBase
from smis_widgets.pace import Pace

QUICK_FIRST_SECONDS = 0.2
"""Where the exact picture takes longer than this, a rounded one stands in for it meanwhile."""
_CROWDED, _FREE = 0.7, 0.9
"""Shares of its threads' time that a picture gets: below, others were at the cores; above, none."""
_SMALL = 128
_HELD_BYTES = 2**29
_HELD_SEEDS = 2
"""Of a state; their latents need not be mapped again for every picture of a movement."""


@dataclass(frozen=True, eq=False)
class Wish:
    """A picture that is wanted."""

    state: EditState
    moving: bool
    """whether a hand is still at it"""
    epoch: int
    """of the generator"""
    moment: int
    """number in the history"""


@dataclass(frozen=True, eq=False)
class Painted:
    """A picture that was drawn."""

    wish: Wish
    image: Tensor
    """[1, 3, S, S], smaller than the generator's where it is a preview"""
    resolved: Resolved
    seconds: float
    final: bool
    """whether it is the whole picture, bit for bit what `draw` gives"""


class Crew:
    """How many cores draw a picture at rest: all, unless others were at them the last time.

    A page that rests leaves its core alone, but where a core is taken every step of the picture
    would wait for the slower one.
    """

    def __init__(self) -> None:
        self._all = os.cpu_count() or 1
        self.count = self._all

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Inside, torch takes so many threads."""
        wall, own = time.perf_counter(), time.process_time()
        with torch_threads(self.count):
            yield
        self.note(time.process_time() - own, time.perf_counter() - wall)

    def note(self, own: float, wall: float) -> None:
        """A picture took so many seconds of the cores, and so many by the clock."""
        if own < _CROWDED * self.count * wall:
            self.count = max(1, self._all - 1)
        elif own > _FREE * self.count * wall:
            self.count = self._all


@dataclass(eq=False)
class _Now:
    epoch: int
    generator: GeneratorBase
    quick: SynthesisSession
    exact: SynthesisSession
    pace: Pace
    exact_seconds: float = 0.0
    """what whole pictures took lately"""
    mapped: dict[Seeded, WPlus] = field(default_factory=dict)
    """latents of the last seeds, until the next picture at rest"""

    def latent(self, generator: GeneratorBase, source: Source) -> WPlus:
        """As `latent_of`, and the last seeds' at once."""
        if not isinstance(source, Seeded):
            return latent_of(generator, source)
        found = self.mapped.pop(source, None)
        self.mapped[source] = latent_of(generator, source) if found is None else found
        while len(self.mapped) > _HELD_SEEDS:
            del self.mapped[next(iter(self.mapped))]
        return self.mapped[source]


class SliderPainter:
    """One generator, under the lock that jobs use too.

    Args:
        generator: whose pictures are drawn.
        deliver: called on the worker's thread with each picture.
        fail: called on a worker's thread with what went wrong.
    """

    def __init__(
        self,
        generator: GeneratorBase,
        *,
        deliver: Callable[[Painted], None],
        fail: Callable[[Exception], None],
    ) -> None:
        self._deliver, self._fail = deliver, fail
        self.epoch = 0
        self._newest: Wish | None = None
        self._crew = Crew()
        self.take(generator)
        self._pictures = LatestWorker(self._render, self._done)
        self._asides = LatestWorker(self._aside, self._aside_done)

    def take(self, generator: GeneratorBase) -> None:
        """Another generator from now on; what was wished for of the one before is dropped."""
        # A picture that moves may be rounded; one at rest is what `draw` gives, bit for bit.
        quick = exact = SynthesisSession(generator, memory_limit=_HELD_BYTES)
        if resolve_precision("auto", generator.mapping.w_avg.device) != torch.float32:
            exact = SynthesisSession(generator, precision="float32", memory_limit=_HELD_BYTES)
        pace = Pace((*quick.previews, generator.config.resolution))
        self.epoch += 1
        # In one piece: the worker must not see the sessions of one and the number of another.
        self._now = _Now(self.epoch, generator, quick, exact, pace)

    def wish(self, wish: Wish) -> None:
        """Wish for a picture, in place of one that is still waited for.

        A hand interrupts a whole picture that is being drawn, and coming to rest interrupts what
        was drawn for the hand; nobody would see it.
        """
        self._newest = wish
        self._pictures.submit(wish)

    def aside(self, state: EditState, show: Callable[[Tensor], None]) -> None:
        """Draw a state beside the present one, and show it."""
        self._asides.submit((state, show))

    def small(self, state: EditState) -> Tensor | None:
        """A small picture of a state, at once, unless a hand moves; for the worker's own thread."""
        now = self._now
        sides = now.pace.sides
        side = next((each for each in sides if each >= _SMALL), sides[-1])
        try:
            return self._draw(now, now.quick, state, side, self._at_rest)[0]
        except Overtaken:
            return None

    def wait(self, timeout: float) -> bool:
        """Wait until every wish is granted or dropped; returns whether it is."""
        deadline = time.monotonic() + timeout
        workers = (self._pictures, self._asides)
        return all(each.wait(max(0.0, deadline - time.monotonic())) for each in workers)

    def close(self) -> None:
        """End the threads."""
        self._pictures.close()
        self._asides.close()

    def _render(self, wish: Wish) -> Painted | None:
        now = self._now
        if wish.epoch != now.epoch:
            return None
        try:
            return self._follow(now, wish) if wish.moving else self._rest(now, wish)
        except Overtaken:
            return None

    def _follow(self, now: _Now, wish: Wish) -> Painted:
        side = now.pace.side(time.monotonic())
        painted = self._paint(now, wish, now.quick, side, lambda: not self._at_rest())
        now.pace.note(side, painted.seconds, time.monotonic())
        return painted

    def _rest(self, now: _Now, wish: Wish) -> Painted:
        whole = now.generator.config.resolution
        wanted = self._at_rest
        # Weights may have been trained further since the last one.
        now.mapped.clear()
        with self._crew.at_work():
            if now.exact is not now.quick and now.exact_seconds > QUICK_FIRST_SECONDS:
                self._deliver(self._paint(now, wish, now.quick, whole, wanted))
                # Something of this wish has been seen: now it gives way to any other.
                wanted = partial(self._is_newest, wish)
            painted = self._paint(now, wish, now.exact, whole, wanted)
        now.exact_seconds += 0.4 * (painted.seconds - now.exact_seconds)
        return replace(painted, final=True)

    def _at_rest(self) -> bool:
        return self._newest is None or not self._newest.moving

    def _is_newest(self, wish: Wish) -> bool:
        return self._newest is wish

    def _paint(
        self, now: _Now, wish: Wish, session: SynthesisSession, side: int,
        wanted: Callable[[], bool],
    ) -> Painted:  # fmt: skip
        started = time.perf_counter()
        image, resolved = self._draw(now, session, wish.state, side, wanted)
        return Painted(wish, image, resolved, time.perf_counter() - started, final=False)

    @staticmethod
    def _draw(
        now: _Now, session: SynthesisSession, state: EditState, side: int,
        wanted: Callable[[], bool],
    ) -> tuple[Tensor, Resolved]:  # fmt: skip
        generator = now.generator
        preview = None if side == generator.config.resolution else side
        with turns_of(generator):
            resolved = resolve(generator, state, latent=now.latent)
            # Maps that are the network's own need not be compared with those of the last picture.
            plain = resolved.noise is None or _stored_noise(state)
            noise = "const" if plain else resolved.noise.maps
            with placed(generator, state.placement):
                image = session.draw(
                    resolved.wplus.tensor, noise=noise, preview=preview, wanted=wanted
                )
        return image, resolved

    def _aside(
        self, wish: tuple[EditState, Callable[[Tensor], None]]
    ) -> tuple[Tensor, Callable[[Tensor], None]]:
        state, show = wish
        generator = self._now.generator
        with turns_of(generator):
            return draw(generator, state), show

    def _aside_done(
        self, done: tuple[Tensor, Callable[[Tensor], None]] | None, error: Exception | None
    ) -> None:
        if done is not None:
            image, show = done
            show(image)
        elif error is not None:
            self._fail(error)

    def _done(self, done: Painted | None, error: Exception | None) -> None:
        try:
            if error is not None:
                raise error
            if done is not None and done.wish.epoch == self.epoch:
                self._deliver(done)
        except Exception as failure:
            self._fail(failure)


def _stored_noise(state: EditState) -> bool:
    """Whether a state leaves the noise that is stored with the weights as it is."""
    given = not isinstance(state.a, Seeded) and state.a.noise is not None
    return not given and all(row.noise == 1 for row in state.edit.rows)
