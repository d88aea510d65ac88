"""Turn a generator's layers by hand, and see the picture follow."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import traitlets
from torch import Tensor

from smis_core.checkpoints import load_generator
from smis_core.editing import (
    Directions,
    Edit,
    EditState,
    Found,
    History,
    Resolved,
    Seeded,
    check_state,
    extract,
    identify,
    rows_of,
)
from smis_core.jobs import Job
from smis_core.latents import WPlus
from smis_core.networks.generator_base import GeneratorBase
from smis_widgets.controls import MessageLine, styled
from smis_widgets.direction_finder import DirectionFinder, FindStep, find_directions
from smis_widgets.filmstrip import Filmstrip
from smis_widgets.image_view import ImageView, png_bytes, with_plain_picture
from smis_widgets.shell import Shell
from smis_widgets.slider_acts import SECOND_SEED, Panel, act_on, alike, with_directions
from smis_widgets.slider_files import DirectionFiles, again, code_of, read_directions, save_state
from smis_widgets.slider_painter import Painted, SliderPainter, Wish
from smis_widgets.slider_panel import SliderPanel
from smis_widgets.strings import Strings

FIRST_SEED = 42
LINKED_REST_SECONDS = 0.4
"""States that come from other widgets sooner than this after one another are one moment of the
history: somebody turns something there."""


@dataclass(frozen=True)
class _How:
    """How a state came about."""

    label: str
    moving: bool = False
    """a hand is still at it"""
    kept: bool = True
    """whether it becomes a moment of the history"""


class LatentSliders(widgets.VBox):
    """A row of sliders for each layer, grouped from coarse to fine, and the picture beside them.

    Every row can be moved along directions, blended towards a second source, truncated, and its
    noise made louder. What was settled stays in a history that branches.

    Args:
        generator: of any family; None opens the bundled portraits. It is shared with jobs and
            other widgets, which take turns.
        directions: what rows can be moved along, or the file of such; None takes the bundled ones
            where they fit.
        state: what to open, as `open` takes it; None: two seeds, nothing turned.
        folder: where the save button writes.
        source: what `load_generator` opens to get this generator, for the lines of Python; None
            knows the bundled one.
        language: of the texts, see `smis_widgets.strings`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: directions or a state of another generator; the message says why.

    Attributes:
        panel, view, films, finder, message: the parts.
    """

    generator = traitlets.Instance(GeneratorBase)
    """What draws. Another one may be set at any time."""

    state = traitlets.Instance(EditState)
    """All that decides the picture. Set from outside it is shown at once; one of another generator
    is refused."""

    directions = traitlets.Instance(Directions, allow_none=True)
    """What rows can be moved along; those of another generator are refused."""

    columns = traitlets.List(traitlets.Unicode())
    """What there are sliders for: "strength:NAME", "psi", "blend", "noise"."""

    value = traitlets.Instance(Resolved, allow_none=True, read_only=True)
    """W+ and noise of the newest whole picture, for whatever wants them; see `state` to set."""

    picture = traitlets.Instance(Tensor, allow_none=True, read_only=True)
    """The newest whole picture, `[1, 3, R, R]` in about [-1, 1]."""

    history = traitlets.Instance(History)
    """Of the settled states."""

    folder = traitlets.Unicode("pictures")
    """Where the save button writes."""

    def __init__(
        self,
        generator: GeneratorBase | None = None,
        *,
        directions: Directions | str | Path | None = None,
        state: EditState | WPlus | Resolved | int | str | Path | bytes | None = None,
        folder: str | Path = "pictures",
        source: str | None = None,
        language: str = "en",
    ) -> None:
        self._strings = strings = Strings(language)
        self._lock = threading.RLock()
        self._how: _How | None = None
        self._linked: tuple[float, History[EditState]] | None = None
        self._locked: set[int] = set()
        self._labels: dict[int, str] = {0: strings("film_first")}
        self._pictured: EditState | None = None
        self._behind = False
        self._source = source
        generator = load_generator() if generator is None else generator
        self._identity = identify(generator)
        self._files = DirectionFiles(self._identity)
        known = self._files.opened(directions)
        first = self._opened(state, generator, known)
        known = with_directions(known, first.directions)
        self.message = MessageLine()
        self.panel = SliderPanel(on_act=self._guarded("turning", self._act), strings=strings)
        save = self._guarded("saving", self._save_and_tell)
        self.view = ImageView(language=language, on_save=save)
        self.films = Filmstrip(
            on_act=self._guarded("turning", self._film_act), strings=strings, folder=str(folder)
        )
        self.finder = DirectionFinder(self._search, message=self.message, strings=strings)
        self._painter = SliderPainter(generator, deliver=self._show, fail=self._failed)
        super().__init__(
            generator=generator, directions=known, state=first, folder=str(folder),
            history=History.start(first), columns=_first_columns(known),
        )  # fmt: skip
        self.add_class("smis-panel")
        self.add_class("smis-turn")
        main = styled("smis-turn-main", self.panel, self.view, kind=widgets.Box)
        self.children = (Shell(), main, self.films, self.message, self.finder)
        self._connect()
        self.panel.show_generator(generator, rows_of(generator))
        self.panel.show_directions(known)
        self.panel.columns = self.columns
        self._refresh()
        self._wish(moving=False)

    # What a program uses

    def open(self, what: EditState | WPlus | Resolved | int | str | Path | bytes) -> None:
        """Open another picture; undo brings the one before back.

        Args:
            what: a state; a latent `[1, L, w]`, or one with its noise; a seed; a PNG that `save`
                wrote, as file or bytes.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: what came is damaged, or another generator's; the message says why.
        """
        self._take(self._opened(what, self.generator, self.directions), self._strings("film_opened"))

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
        self._painter.aside(self.history[number].state, lambda image: self._lay(number, image))

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
        job = self._search(method)
        self.finder.bar.show(job)
        job.start()
        return job

    def save(self) -> Path:
        """Write the present picture as PNG with its latent, under the next free number.

        Raises:
            ValueError: the folder cannot be written.
        """
        with self._lock:
            state, image = self.state, self.picture if self._pictured is self.state else None
        path = save_state(self.generator, state, Path(self.folder), image=image)
        self._files.pictures[path] = state
        return path

    def code(self) -> str:
        """The lines of Python that draw the present picture.

        Where they cannot name all that it is made from, the picture is saved first.

        Raises:
            ValueError: the picture has to be saved, and the folder cannot be written.
        """
        return code_of(self.state, self._files, generator=self._source, save=self.save)

    def wait(self, timeout: float = 30.0) -> bool:
        """Wait until the picture shows the state; returns whether it does. For programs."""
        return self._painter.wait(timeout)

    def close(self) -> None:
        """End the threads and remove the widgets."""
        self.finder.bar.stop()
        self._painter.close()
        super().close()

    # What a page asks for

    def _act(self, name: str, content: dict[str, Any], buffers: list[Any]) -> None:
        moving = content.get("more") is True
        if not moving:
            self.message.clear()
        simple = {"undo": self.undo, "redo": self.redo, "rest": lambda: self._wish(moving=False)}
        if name in simple:
            simple[name]()
        elif name == "column":
            self._toggle(str(content.get("column")), content.get("on") is True)
        elif name == "lock":
            rows = {row for row in content["rows"] if row in range(self._identity.num_ws)}
            self._locked = self._locked | rows if content.get("on") else self._locked - rows
            self._refresh()
        elif name == "open":
            self._open_file(str(content.get("name")), bytes(buffers[0]))
        else:
            with self._lock:
                state, label = act_on(self.state, name, content, self._reading())
                self._take(state, label, moving=moving)

    def _film_act(self, name: str, content: dict[str, Any]) -> None:
        self.message.clear()
        number = content.get("number")
        if name in ("undo", "redo"):
            getattr(self, name)()
        elif name == "save":
            self._guarded("saving", self._save_and_tell)()
        elif name == "code":
            self.films.show_code(self.code())
        elif name == "go" and isinstance(number, int):
            self.go(number)
        elif name == "compare" and isinstance(number, int):
            self.compare(None if self.films.compared == number else number)

    def _toggle(self, column: str, on: bool) -> None:
        names = () if self.directions is None else self.directions.names
        known = [*(f"strength:{name}" for name in names), "blend", "psi", "noise"]
        wanted = {*self.columns, column} if on else {*self.columns} - {column}
        self.columns = [each for each in known if each in wanted]

    def _open_file(self, name: str, data: bytes) -> None:
        strings = self._strings
        try:
            if name.lower().endswith(".safetensors"):
                found = read_directions(data, name, self._identity)
                self._join(found)
                names = ", ".join(found.names)
                self.message.note(strings("opened_directions", name=name, names=names))
            else:
                self.open(data)
                self.message.note(strings("opened_picture", name=name))
        except ValueError as problem:
            self.message.error(strings("opening"), problem, strings)

    def _save_and_tell(self) -> None:
        self.message.note(self._strings("saved_latent", path=self.save()))

    def _search(self, method: str) -> Job[FindStep]:
        label = self.state.a.label if isinstance(self.state.a, Seeded) else None
        if self.generator.config.c_dim and label is None:
            label = 0
        steps = find_directions(self.generator, self._identity, method, label=label)
        epoch = self._painter.epoch
        # Only features are computed with hooks in the network that draws.
        shares = self.generator if method == "features" else None
        return Job(steps, shares=shares, on_step=lambda step: self._found(step, epoch))

    def _found(self, step: FindStep, epoch: int) -> None:
        found = step.directions
        with self._lock:
            if found is None or epoch != self._painter.epoch:
                return
            self._files.add(found, step.path)
            self._join(found)
        names = ", ".join(found.names)
        self.message.note(self._strings("found", count=len(found), names=names))

    def _join(self, found: Directions) -> None:
        with self._lock:
            self.directions = with_directions(self.directions, found)
            self._toggle(f"strength:{found.names[0]}", True)

    # From state to state

    def _opened(
        self, what: Any, generator: GeneratorBase, directions: Directions | None
    ) -> EditState:
        label = 0 if generator.config.c_dim else None
        b = Seeded(SECOND_SEED, label=label)
        edit = Edit.neutral(self._identity.num_ws)
        if isinstance(what, (str, Path, bytes)):
            return extract(what, self._identity)  # type: ignore[arg-type]
        if isinstance(what, EditState):
            check_state(self._identity, what)
            return what
        if isinstance(what, WPlus):
            a: Seeded | Found = Found(what)
        elif isinstance(what, Resolved):
            a = Found(what.wplus, what.noise)
        else:
            a = Seeded(FIRST_SEED if what is None else what, label=label)
        return EditState(generator=self._identity, a=a, b=b, edit=edit)

    def _reading(self) -> Panel:
        generator = self.generator
        return Panel(
            rows_of(generator), self.directions, self._locked, generator.config.c_dim, self._strings
        )

    def _take(
        self, state: EditState, label: str, *, moving: bool = False, kept: bool = True
    ) -> None:
        with self._lock:
            self._how = _How(label, moving, kept)
            try:
                if state is self.state:
                    self._follow()
                else:
                    self.state = state
            finally:
                self._how = None

    def _go(self, history: History[EditState]) -> None:
        with self._lock:
            self.history = history
            self._take(history.state, "", kept=False)

    def _follow(self) -> None:
        """The state is another one: remember it, show its settings, draw it."""
        with self._lock:
            how = self._how or _How(self._strings("film_opened"))
            joined = with_directions(self.directions, self.state.directions)
            if joined is not self.directions:
                self.directions = joined
            if how.kept and not how.moving and not alike(self.history.state, self.state):
                self._remember(how)
            self._refresh(again=not how.moving)
            self._wish(moving=how.moving)

    def _remember(self, how: _How) -> None:
        now, before = time.monotonic(), self.history
        if self._how is not None:
            self._linked = None
        elif self._linked and now - self._linked[0] < LINKED_REST_SECONDS:
            before = self._linked[1]
        if self._how is None:
            self._linked = (now, before)
        self.history = before.add(self.state)
        self._labels[self.history.current] = how.label

    def _refresh(self, *, again: bool = True) -> None:
        self.panel.show_state(self.state, self._locked)
        if again:
            self.films.show(self.history, self._labels)
            self._say_again()

    def _say_again(self) -> None:
        self.panel.again = again(self.state, self._files, generator=self._source)

    def _wish(self, *, moving: bool) -> None:
        # Nobody sees a movement that is scrolled away: the picture is drawn when it is back.
        self._behind = moving and not self.view.on_screen
        if self._behind:
            return
        self._painter.wish(Wish(self.state, moving, self._painter.epoch, self.history.current))
        if not moving:
            self.view.release()

    # Pictures, on the worker's thread

    def _show(self, painted: Painted) -> None:
        wish = painted.wish
        image = painted.image.clamp(-1, 1)
        number = self.view.show(image, moving=wish.moving)
        if wish.moving:
            # One picture may be on its way while the next is drawn.
            self.view.wait_painted(number - 1)
            return
        with self._lock:
            self._pictured = wish.state
            self.set_trait("value", painted.resolved)
            self.set_trait("picture", image)
        self._fill_strip(wish, image)

    def _fill_strip(self, wish: Wish, image: Tensor) -> None:
        history = self.history
        known = {moment.number: moment.state for moment in history.moments}
        if known.get(wish.moment) is wish.state:
            self.films.picture(wish.moment, image)
        for number, state in known.items():
            # Moments that were overtaken before they were drawn get theirs while nothing else is
            # wanted.
            if number in self.films.pictured or self.state is not wish.state:
                continue
            self.films.picture(number, self._painter.small(state))

    def _lay(self, number: int, image: Tensor) -> None:
        self.films.compared = number
        self.view.compare(image.clamp(-1, 1))

    def _failed(self, error: Exception) -> None:
        self.message.error(self._strings("rendering"), error, self._strings)

    # Traits

    def _connect(self) -> None:
        self.observe(lambda change: self._follow(), "state")
        self.observe(lambda change: self._replaced(), "generator")
        self.observe(lambda change: self.panel.show_directions(change.new), "directions")
        self.observe(lambda change: self._prune(), "directions")
        self.observe(lambda change: self.panel.set_trait("columns", change.new), "columns")
        self.observe(lambda change: self.films.set_trait("folder", change.new), "folder")
        self.view.observe(lambda change: self._back_on_screen(), "on_screen")

    def _back_on_screen(self) -> None:
        if self.view.on_screen and self._behind:
            self._wish(moving=False)

    def _prune(self) -> None:
        names = () if self.directions is None else self.directions.names
        known = {f"strength:{name}" for name in names} | {"blend", "psi", "noise"}
        self.columns = [each for each in self.columns if each in known]

    @traitlets.validate("state")
    def _check_state(self, proposal: Any) -> EditState:
        return self._checked(proposal, lambda state: check_state(self._identity, state))

    @traitlets.validate("directions")
    def _check_directions(self, proposal: Any) -> Directions | None:
        def check(directions: Directions | None) -> None:
            if directions is not None:
                directions.check(self._identity)

        return self._checked(proposal, check)

    def _checked(self, proposal: Any, check: Callable[[Any], None]) -> Any:
        try:
            check(proposal["value"])
        except ValueError as problem:
            self.message.error(self._strings("opening"), problem, self._strings)
            raise traitlets.TraitError(str(problem)) from None
        return proposal["value"]

    def _replaced(self) -> None:
        """Another generator: its own layers, and of the picture what still means the same."""
        with self._lock:
            before, self._identity = self._identity, identify(self.generator)
            self._painter.take(self.generator)
            self._files = DirectionFiles(self._identity)
            self._locked = set()
            self._labels = {0: self._strings("film_first")}
            state = self._carried(before)
            self.directions = self._carried_directions(before)
            self.films.begin()
            self.view.compare(None)
            self.panel.show_generator(self.generator, rows_of(self.generator))
            self.history = History.start(state)
            self._take(state, "", kept=False)
            if not self.columns:
                self.columns = _first_columns(self.directions)

    def _carried(self, before: Any) -> EditState:
        old, mine = self.state, self._identity
        if mine.mapping == before.mapping and mine.num_ws == before.num_ws:
            return replace(old, generator=mine)
        classes = self.generator.config.c_dim

        def seeded(source: Any, seed: int) -> Seeded:
            label = 0 if classes else None
            if not isinstance(source, Seeded):
                return Seeded(seed, label=label)
            known = source.label is not None and source.label < classes
            return replace(source, label=source.label if known else label)

        a, b = seeded(old.a, FIRST_SEED), seeded(old.b, SECOND_SEED)
        return EditState(generator=mine, a=a, b=b, edit=Edit.neutral(mine.num_ws))

    def _carried_directions(self, before: Any) -> Directions | None:
        try:
            if self.directions is not None:
                self.directions.check(self._identity)
                return self.directions
        except ValueError:
            pass
        return self._files.opened(None)

    def _guarded(self, what: str, act: Callable[..., None]) -> Callable[..., None]:
        return self.message.guarding(act, what, self._strings)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live widget, and a plain picture for places without a kernel."""
        self.wait(10)
        bundle = super()._repr_mimebundle_(**kwargs)
        return with_plain_picture(bundle, b"" if self.picture is None else png_bytes(self.picture))


def _first_columns(directions: Directions | None) -> list[str]:
    first = [] if directions is None else [f"strength:{directions.names[0]}"]
    return [*first, "blend", "psi"]
