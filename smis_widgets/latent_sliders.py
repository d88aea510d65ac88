"""Turn a generator's layers by hand, and see the picture follow."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import traitlets
from torch import Tensor

from smis_core.checkpoints import load_generator, source_of
from smis_core.editing import (
    Directions,
    EditState,
    History,
    Identity,
    Resolved,
    check_state,
    identify,
    rows_of,
)
from smis_core.jobs import Job
from smis_core.latents import WPlus
from smis_core.networks.generator_base import GeneratorBase
from smis_widgets.controls import MessageLine, styled
from smis_widgets.direction_finder import DirectionFinder, FindStep
from smis_widgets.filmstrip import Filmstrip
from smis_widgets.image_view import ImageView, png_bytes, with_plain_picture
from smis_widgets.shell import Shell
from smis_widgets.slider_acts import with_directions
from smis_widgets.slider_desk import SliderDesk, columns_of, first_columns
from smis_widgets.slider_files import DirectionFiles, again, code_of, save_state
from smis_widgets.slider_painter import SliderPainter, Wish
from smis_widgets.slider_panel import SliderPanel
from smis_widgets.slider_screen import SliderScreen
from smis_widgets.slider_states import How, Memory, Openable, carried, opened
from smis_widgets.strings import Strings


class LatentSliders(widgets.VBox):
    """A row of sliders for each layer, grouped from coarse to fine, and the picture beside them.

    Every row can be moved along directions, blended towards a second source, truncated, and its
    noise made louder. What was settled stays in a history that branches.

    Args:
        generator: of any family; None opens the bundled portraits. It is shared with jobs and
            other widgets, which take turns.
        directions: what rows can be moved along, or the file of such; None takes the bundled ones
            where they fit.
        state: what to open, as `load` takes it; None: two seeds, nothing turned.
        folder: where the save button writes.
        source: what `load_generator` opens to get this generator, for the lines of Python; None
            knows that of a generator that it opened.
        language: of the texts, see `smis_widgets.strings`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: directions or a state of another generator; the message says why.

    Attributes:
        panel, view, films, finder, message, shell: the parts.
        identity: the generator's.
        files: where its directions and pictures are kept.
        bare: latent of the newest whole picture without what dials add, which they start from.
        lock: guards state and history; a worker that holds it may set both.
    """

    generator = traitlets.Instance(GeneratorBase)
    """What draws. Another one may be set at any time."""

    state = traitlets.Instance(EditState)
    """All that decides the picture. Set from outside it is shown at once; one of another generator
    is refused."""

    directions = traitlets.Instance(Directions, allow_none=True)
    """What rows can be moved along, all of it; `add` leaves the others. Those of another generator
    are refused."""

    columns = traitlets.List(traitlets.Unicode())
    """What there are sliders for: "strength:NAME", "psi", "blend", "noise"."""

    value = traitlets.Instance(Resolved, allow_none=True, read_only=True)
    """W+ and noise of the newest whole picture, for whatever wants them; see `state` to set."""

    picture = traitlets.Instance(Tensor, allow_none=True, read_only=True)
    """The newest whole picture, `[1, 3, R, R]` in about [-1, 1]."""

    folder = traitlets.Unicode("pictures")
    """Where the save button writes."""

    _painter: SliderPainter | None = None

    def __init__(
        self,
        generator: GeneratorBase | None = None,
        *,
        directions: Directions | str | Path | None = None,
        state: Openable | None = None,
        folder: str | Path = "pictures",
        source: str | None = None,
        language: str = "en",
    ) -> None:
        self._strings = strings = Strings(language)
        self.lock = threading.RLock()
        self._how: How | None = None
        self.bare: WPlus | None = None
        self._screen = SliderScreen(self)
        self._behind = False
        generator = load_generator() if generator is None else generator
        self._source = source or source_of(generator)
        self.identity: Identity = identify(generator)
        self.files = DirectionFiles(self.identity)
        known = self.files.opened(directions)
        first = opened(state, self.identity, classes=generator.config.c_dim)
        known = with_directions(known, first.directions)
        self._memory = Memory(first, strings("film_first"))
        self._desk = desk = SliderDesk(self, strings)
        self.message, self.shell = MessageLine(), Shell(strings)
        on = self._guarded
        self.view = ImageView(language=language, on_save=on("saving", desk.save))
        self.panel = SliderPanel(on_act=on("turning", desk.act), strings=strings)
        self.films = Filmstrip(
            on_act=on("turning", desk.film_act), strings=strings, folder=str(folder)
        )
        self.finder = DirectionFinder(desk.search, message=self.message, strings=strings)
        self._painter = SliderPainter(generator, deliver=self._screen.show, fail=self._failed)
        super().__init__(
            generator=generator, directions=known, state=first, folder=str(folder),
            columns=first_columns(known),
        )  # fmt: skip
        for name in ("smis-panel", "smis-turn"):
            self.add_class(name)
        main = styled("smis-turn-main", self.panel, self.view, kind=widgets.Box)
        self.children = (self.shell, main, self.message, self.films, self.finder)
        self._connect()
        self.panel.show_generator(generator, rows_of(generator))
        self.panel.show_directions(known)
        self.panel.columns = self.columns
        self._follow()

    # What a program uses

    @property
    def history(self) -> History[EditState]:
        """Of the settled states."""
        return self._memory.history

    def load(self, what: Openable) -> None:
        """Open another picture; undo brings the one before back.

        Args:
            what: a state; a latent `[1, L, w]`, or one with its noise; a seed; a PNG that `save`
                wrote, as file or bytes.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: what came is damaged, or another generator's; the message says why.
        """
        state = opened(what, self.identity, classes=self.generator.config.c_dim)
        self.take(state, self._strings("film_opened"))

    def undo(self) -> None:
        """Back to the state before."""
        self._go(self.history.undo())

    def redo(self) -> None:
        """Forth to the state after, on the branch that was last visited."""
        self._go(self.history.redo())

    def go(self, number: int) -> None:
        """To any moment of the history.

        Raises:
            ValueError: there is none of this number.
        """
        self._go(self.history.go(number))

    def compare(self, number: int | None) -> None:
        """Lay a moment's picture beside the present one, with a wipe between; None: none.

        Raises:
            ValueError: there is none of this number.
        """
        if number is None:
            self.films.compared = -1
            self.view.compare(None)
            return

        def lay(image: Tensor) -> None:
            self.films.compared = number
            self.view.compare(image.clamp(-1, 1))

        self._painter.aside(self.history[number].state, lay)

    def find(self, method: str) -> Job[FindStep]:
        """Compute directions, or take those that were computed before; they join the others.

        Args:
            method: "sefa", "pca" or "features" (principal components of W, of a layer's features);
                the first two also for a group of layers: "sefa:coarse".

        Returns:
            The job, which has begun.

        Raises:
            ValueError: a method that there is not.
        """
        job = self._desk.search(method)
        self.finder.bar.show(job)
        job.start()
        return job

    def add(self, directions: Directions) -> None:
        """Offer more directions beside the others, of one name the new ones, and show sliders for
        the first of them.

        Raises:
            ValueError: they are another generator's; the message says why.
        """
        directions.check(self.identity)
        self._desk.join(directions)

    def save(self) -> Path:
        """Write the present picture as PNG with its latent, under the next free number.

        Raises:
            ValueError: the folder cannot be written.
        """
        with self.lock:
            state, image = self.state, self.picture if self._screen.pictured is self.state else None
        path = save_state(self.generator, state, Path(self.folder), image=image)
        self.files.pictures[path] = state
        self._say_again()
        return path

    def code(self) -> str:
        """The lines of Python that draw the present picture.

        Where they cannot name all that it is made from, the picture is saved first.

        Raises:
            ValueError: the picture has to be saved, and the folder cannot be written.
        """
        return code_of(self.state, self.files, generator=self._source, save=self.save)

    def wait(self, timeout: float = 30.0) -> bool:
        """Wait until the picture shows the state; returns whether it does. For programs."""
        return self._painter.wait(timeout)

    def close(self) -> None:
        """End the threads and remove the widgets."""
        if self._painter is not None:  # None where generator, directions or state were refused
            self.finder.bar.stop()
            self._painter.close()
        super().close()

    # From state to state

    def take(
        self, state: EditState, label: str, *, moving: bool = False, kept: bool = True
    ) -> None:
        """Show a state that a hand or a method made.

        Args:
            state: the generator's.
            label: what was done, in a few words.
            moving: whether the hand is still at it.
            kept: whether it becomes a moment of the history, once it is settled.
        """
        with self.lock:
            self._how = How(label, moving, kept)
            try:
                if state is self.state:
                    self._follow()
                self.state = state
            finally:
                self._how = None

    def refresh(self) -> None:
        """Show the settings and the history as they are."""
        self.panel.show_state(self.state, self._desk.locked)
        self.films.show(self.history, self._memory.labels)
        self._say_again()

    def _say_again(self) -> None:
        self.shell.again = again(self.state, self.files, generator=self._source)

    def _go(self, history: History[EditState]) -> None:
        with self.lock:
            self._memory.history = history
            self.take(history.state, "", kept=False)

    def _follow(self) -> None:
        """The state is another one: remember it, show its settings, draw it."""
        with self.lock:
            how = self._how or How(self._strings("film_opened"))
            joined = with_directions(self.directions, self.state.directions)
            if joined is not self.directions:
                self.directions = joined
            if how.moving:
                self.panel.show_state(self.state, self._desk.locked)
            else:
                if how.kept:
                    self._memory.add(self.state, how.label, linked=self._how is None)
                self.message.clear()
                self.refresh()
            self.wish(moving=how.moving)

    def wish(self, *, moving: bool) -> None:
        """Wish for the state's picture: one that keeps up with a hand, or the whole one."""
        # Nobody sees a movement that is scrolled away: the picture is drawn when it is back.
        self._behind = moving and not self.view.on_screen
        if self._behind:
            return
        self._painter.wish(Wish(self.state, moving, self._painter.epoch, self.history.current))
        if not moving:
            self.view.release()

    def small(self, state: EditState) -> Tensor | None:
        """A small picture of a state, at once, unless a hand moves; for the worker's thread."""
        return self._painter.small(state)

    def _failed(self, error: Exception) -> None:
        self.message.error(self._strings("rendering"), error, self._strings)

    # Traits

    def _connect(self) -> None:
        self.observe(lambda change: self._follow(), "state")
        self.observe(lambda change: self._replaced(), "generator")
        self.observe(lambda change: self._offer(), "directions")
        self.observe(lambda change: self.panel.set_trait("columns", change.new), "columns")
        self.observe(lambda change: self.films.set_trait("folder", change.new), "folder")
        self.view.observe(lambda change: self._back_on_screen(), "on_screen")

    def _back_on_screen(self) -> None:
        if self.view.on_screen and self._behind:
            self.wish(moving=False)

    def _offer(self) -> None:
        self.panel.show_directions(self.directions)
        known = columns_of(self.directions)
        self.columns = [each for each in self.columns if each in known]

    @traitlets.validate("state")
    def _check_state(self, proposal: Any) -> EditState:
        state: EditState = proposal["value"]
        with self.message.refusing("opening", self._strings):
            check_state(self.identity, state)
        return state

    @traitlets.validate("directions")
    def _check_directions(self, proposal: Any) -> Directions | None:
        found: Directions | None = proposal["value"]
        with self.message.refusing("opening", self._strings):
            if found is not None:
                found.check(self.identity)
        return found

    def _replaced(self) -> None:
        """Another generator: its own layers, and of the picture what still means the same."""
        with self.lock:
            generator = self.generator
            self.identity, self._source = identify(generator), source_of(generator)
            self._painter.take(generator)
            self.files, self.bare = DirectionFiles(self.identity), None
            bundled = self.files.opened(None)
            state = carried(self.state, self.identity, classes=generator.config.c_dim)
            told = "replaced_tuned" if state.edit is self.state.edit else "replaced"
            self._memory = Memory(state, self._strings("film_first"))
            self._desk.locked = set()
            self.films.begin()
            self.view.compare(None)
            self.panel.show_generator(generator, rows_of(generator))
            if not self.files.fit(self.directions):
                self.directions = bundled
                self.columns = first_columns(bundled)
            self.take(state, "", kept=False)
            self.message.note(self._strings(told))

    def _guarded(self, what: str, act: Callable[..., None]) -> Callable[..., None]:
        return self.message.guarding(act, what, self._strings)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live widget, and a plain picture for places without a kernel."""
        self.wait(10)
        bundle = super()._repr_mimebundle_(**kwargs)
        return with_plain_picture(bundle, b"" if self.picture is None else png_bytes(self.picture))
