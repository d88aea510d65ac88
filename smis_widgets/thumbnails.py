"""Small pictures of many states, on the walls that want them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from smis_core.editing import EditState, placed, resolve
from smis_core.images import to_uint8
from smis_core.jobs import LatestWorker
from smis_core.jobs.turns import turns_of
from smis_core.networks.generator_base import GeneratorBase
from smis_core.networks.session import SynthesisSession
from smis_widgets.picture_wall import PictureWall
from smis_widgets.wall_files import LARGEST_SIDE

BATCH = 2
"""Pictures between which something more urgent may come."""


class Thumbnails:
    """Draws states small: a large generator stops at the first picture on its way that is large
    enough, where its family has such.

    Args:
        generator: of any family; it has to be the caller's turn.
    """

    def __init__(self, generator: GeneratorBase) -> None:
        self.generator = generator
        self._session = SynthesisSession(generator, memory_limit=0)
        enough = [side for side in self._session.previews if side >= LARGEST_SIDE]
        self._preview = min(enough, default=None)

    @torch.no_grad()
    def __call__(self, state: EditState) -> np.ndarray:
        """The picture of a state, uint8 [H, W, 3]."""
        found = resolve(self.generator, state)
        noise = "const" if found.noise is None else found.noise.maps
        with placed(self.generator, state.placement):
            picture = self._session.draw(found.wplus.tensor, noise=noise, preview=self._preview)
        return pixels(picture)


def pixels(picture: Tensor) -> np.ndarray:  # [1, 3, H, W] in [-1, 1]
    """As uint8 [H, W, 3]."""
    return np.asarray(to_uint8(picture.clamp(-1, 1))[0])


States = Callable[[list[int]], list[tuple[int, EditState, str]]]
"""Of the places that a wall wants, what is to be drawn there and its caption; those that are not
known yet may be left out, and the wall is asked again."""


class WallFiller:
    """Draws what walls want on a thread of its own, the most urgent first.

    After each few pictures it looks again at what is wanted: a wall that was scrolled on or
    cleared does not wait for what nobody looks at any more.

    Args:
        generator: what draws; others that use it take turns.
        walls: to be filled, their `on_want` calls `go`, with what stands at which place; that is
            called with the generator's turn. Earlier walls come first.
        on_error: called on the worker's thread.
    """

    def __init__(
        self,
        generator: GeneratorBase,
        walls: Sequence[tuple[PictureWall, States]],
        on_error: Callable[[Exception], None],
    ) -> None:
        self._walls, self._on_error = tuple(walls), on_error
        self._draw = Thumbnails(generator)
        self._turns = turns_of(generator)
        self._closed = False
        self._worker: LatestWorker[None, None] = LatestWorker(self._fill, self._done)

    def go(self) -> None:
        """Something is wanted."""
        if not self._closed:
            self._worker.submit(None)

    def wait(self, timeout: float = 30.0) -> bool:
        """Wait until nothing more is wanted; returns whether nothing is."""
        return self._worker.wait(timeout)

    def close(self) -> None:
        """End the thread."""
        self._closed = True
        self._worker.close()

    def _fill(self, _: None) -> None:
        while not self._closed and any(self._fill_some(*each) for each in self._walls):
            pass

    def _fill_some(self, wall: PictureWall, states: States) -> bool:
        edition, wanted = wall.edition, wall.wanted
        if not wanted:
            return False
        with self._turns:
            found = states(wanted)[:BATCH]
            drawn = [(place, self._draw(state), caption) for place, state, caption in found]
        for place, picture, caption in drawn:
            wall.put(place, picture, caption=caption, edition=edition)
        return True

    def _done(self, _: None, error: Exception | None) -> None:
        if error is not None:
            self._on_error(error)
