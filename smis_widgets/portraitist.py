"""Renders portraits off the main thread: the newest wish first, thumbnails when idle."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from torch import Tensor

from smis_core.editing import EditState, resolve
from smis_core.fewshot.synthesis import Anchor, Character, RefineStep, Synthesis, Synthesizer
from smis_core.jobs import LatestWorker, turns_of
from smis_core.labels import LabelMap
from smis_core.latents import WPlus
from smis_core.recipes.region_change import change_region, within

REFINE_SHOW_SHARE = 0.05
"""A refinement is shown after every so great a share of its seconds: showing costs about as much as
a step."""


@dataclass(frozen=True)
class Look:
    """What a portrait depends on beside its mask."""

    style: int
    """seed of the colours"""
    mix_from: int
    """row of W+ from which the style comes"""
    truncation: float
    """0 to 1"""
    anchor: Anchor | None = None
    """the character that the mask is an edit of"""
    reference: WPlus | None = None
    """[1, L, w], whose colours are taken in place of the seed's"""
    keep_rest: bool = False
    """whether the picture changes only where the mask does; without an anchor it has no effect"""


@dataclass(frozen=True, eq=False)
class Portrait:
    """A finished rendering."""

    image: Tensor
    """[1, 3, R, R] in [-1, 1]"""
    wplus: WPlus
    """[1, L, w]"""
    fidelity: float
    """how well it shows the mask, 0 to 1"""
    by_class: dict[int, float]
    """the same by class index"""
    mask: LabelMap
    look: Look
    seconds: float
    """how long the rendering took"""
    final: bool
    """whether it shows a finished stroke rather than one under way"""


@dataclass(frozen=True, eq=False)
class Refined:
    """A portrait on its way to its mask."""

    index: int
    """hundredths of the time that are spent"""
    portrait: Portrait
    total: int = 100


@dataclass(frozen=True, eq=False)
class _Wish:
    mask: Callable[[], LabelMap]
    look: Look
    final: bool


class Listener(Protocol):
    """Who wants the results; called on worker threads."""

    def portrait_done(self, portrait: Portrait) -> None: ...

    def character_done(self, seed: int, character: Character) -> None: ...

    def style_done(self, seed: int, image: Tensor) -> None: ...

    def rendering_failed(self, error: Exception) -> None: ...


class Portraitist:
    """One synthesizer under its generator's lock, with a worker for each kind of wish.

    A wish that a newer one of its kind has overtaken is dropped. Thumbnails are rendered one at a
    time, and give way as soon as a portrait is wished for.
    """

    def __init__(self, synthesizer: Synthesizer, listener: Listener) -> None:
        self._synthesizer = synthesizer
        self._listener = listener
        self._lock = turns_of(synthesizer.generator)
        self.wishes = 0
        """How many portraits were wished for."""
        self._last: Portrait | None = None
        self._portraits = LatestWorker(self._render, self._deliver)
        self._characters = LatestWorker(self._sample, self._deliver)
        self._styles = LatestWorker(self._thumbnails, self._deliver)

    def portrait(self, mask: Callable[[], LabelMap], look: Look, *, final: bool) -> None:
        """Wish for a portrait; `mask` is called when its turn comes, so that it is the newest."""
        self.wishes += 1
        self._portraits.submit(_Wish(mask, look, final))

    def character(self, seed: int, truncation: float) -> None:
        """Wish for another character."""
        self._characters.submit((seed, truncation))

    def styles(self, mask: LabelMap, look: Look, seeds: Sequence[int]) -> None:
        """Wish for thumbnails of one drawing in several styles."""
        self._styles.submit((mask, look, tuple(seeds), self.wishes))

    def sample(self, seed: int, truncation: float) -> Character:
        """A character, at once."""
        with self._lock:
            return self._synthesizer.sample(seed, truncation_psi=truncation)

    def opened(self, state: EditState) -> Anchor:
        """A state's latent and the mask that the labeller reads in it, at once."""
        with self._lock:
            wplus = resolve(self._synthesizer.generator, state).wplus
            return Anchor(self._synthesizer.label(wplus)[0], wplus)

    def paint(self, mask: LabelMap, look: Look, *, final: bool = True) -> Portrait:
        """A portrait, at once."""
        started = time.perf_counter()
        with self._lock:
            made = self._synthesize(mask, look, look.style, look.reference)
        seconds = time.perf_counter() - started
        fits = made.fidelity[0], made.by_class[0]
        return Portrait(made.images, made.wplus, *fits, mask, look, seconds, final)

    def refined(self, portrait: Portrait, *, seconds: float) -> Iterator[Refined]:
        """The portrait as it is refined, ever closer to its mask."""
        started = time.perf_counter()
        mask, look = portrait.mask, portrait.look
        with self._lock:
            kept = self._kept(look, look.style, look.reference)
        process: Iterator[RefineStep] = self._synthesizer.refine(
            mask, portrait.wplus, seconds=seconds, mix_from=look.mix_from
        )
        shown = 0.0
        while True:
            with self._lock:
                step = next(process, None)
                if step is None:
                    return
                last = step.done >= 1
                if not last and step.done - shown < REFINE_SHOW_SHARE:
                    continue
                shown = step.done
                made = self._draw(step.wplus, mask, kept)
            taken = time.perf_counter() - started
            fits = made.fidelity[0], made.by_class[0]
            now = Portrait(made.images, step.wplus, *fits, mask, look, taken, last)
            yield Refined(round(100 * step.done), now)

    def read(self, portrait: Portrait) -> LabelMap:
        """What the labeller reads in a portrait: its pseudo labels, at the picture's size."""
        with self._lock:
            return self._synthesizer.label(portrait.wplus)[0]

    def wait(self, timeout: float = 30.0) -> bool:
        """Wait until every wish is granted or dropped; returns whether it is."""
        workers = (self._characters, self._portraits, self._styles)
        deadline = time.monotonic() + timeout
        return all(each.wait(max(0.0, deadline - time.monotonic())) for each in workers)

    def close(self) -> None:
        """End the threads."""
        for worker in (self._characters, self._portraits, self._styles):
            worker.close()

    def _synthesize(
        self, mask: LabelMap, look: Look, seed: int, reference: WPlus | None = None
    ) -> Synthesis:
        kept = self._kept(look, seed, reference)
        if kept is not None:
            return change_region(self._synthesizer, kept, mask)
        return self._plain(mask, look, seed, reference)

    def _kept(self, look: Look, seed: int, reference: WPlus | None) -> Anchor | None:
        """The portrait before its mask was edited, in the chosen style; None where all changes."""
        if not look.keep_rest or look.anchor is None:
            return None
        drawn = self._plain(look.anchor.mask, look, seed, reference)
        return Anchor(look.anchor.mask, drawn.wplus)

    def _plain(self, mask: LabelMap, look: Look, seed: int, reference: WPlus | None) -> Synthesis:
        return self._synthesizer.synthesize(
            mask,
            anchor=look.anchor,
            style_seeds=(seed,),
            styles=reference,
            mix_from=look.mix_from,
            truncation_psi=look.truncation,
        )

    def _draw(self, wplus: WPlus, mask: LabelMap, kept: Anchor | None) -> Synthesis:
        if kept is not None:
            return within(self._synthesizer, kept, wplus, mask)
        return self._synthesizer.draw(mask, wplus)

    def _render(self, wish: _Wish) -> Callable[[], None]:
        mask, last = wish.mask(), self._last
        if last is not None and last.look == wish.look and last.mask == mask:
            # The hand rested before it was lifted: what was drawn then is what is wanted now.
            portrait = replace(last, final=wish.final)
        else:
            portrait = self._last = self.paint(mask, wish.look, final=wish.final)
        return lambda: self._listener.portrait_done(portrait)

    def _sample(self, wish: tuple[int, float]) -> Callable[[], None]:
        seed, truncation = wish
        character = self.sample(seed, truncation)
        return lambda: self._listener.character_done(seed, character)

    def _thumbnails(self, wish: tuple[LabelMap, Look, tuple[int, ...], int]) -> Callable[[], None]:
        mask, look, seeds, wishes = wish
        for seed in seeds:
            if self.wishes != wishes:
                break
            with self._lock:
                made = self._synthesize(mask, look, seed)
            self._listener.style_done(seed, made.images)
        return lambda: None

    def _deliver(self, done: Callable[[], None] | None, error: Exception | None) -> None:
        try:
            if error is not None:
                raise error
            if done is not None:
                done()
        except Exception as failure:
            self._listener.rendering_failed(failure)
