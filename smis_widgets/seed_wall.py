"""The search for the one: a wall of seeds, what is like one of them, and what lies between some."""

from __future__ import annotations

import html
from collections.abc import Callable, Hashable
from typing import Any

import ipywidgets as widgets
import traitlets

from smis_core.editing import (
    GROUPS,
    BetweenPool,
    Directions,
    EditState,
    LikePool,
    SeedPool,
    Sieve,
    StatePool,
    group_rows,
    identify,
)
from smis_core.jobs.turns import turns_of
from smis_core.networks.generator_base import GeneratorBase
from smis_widgets.controls import MessageLine, SliderRow, icon_button, mark, styled, text_button
from smis_widgets.image_view import with_plain_picture
from smis_widgets.picture_wall import PictureWall
from smis_widgets.search_filters import Filters
from smis_widgets.search_parts import (
    SeedField,
    View,
    bundled_directions,
    group_field,
    lines_again,
    name_of,
)
from smis_widgets.shell import Shell
from smis_widgets.strings import Strings
from smis_widgets.thumbnails import WallFiller

_AT_FIRST = 60


class SeedWall(widgets.VBox):
    """A wall of seeds that fills as it scrolls.

    Click one: it is `chosen`; a double click or Enter makes it `opened`, too. Then look at more
    like it, coarse, middle or fine; choose some (Ctrl or Shift) and look between them; keep
    favourites; let only those through that lie where the sliders of the directions say.
    `traitlets.dlink((wall, "chosen"), (sliders, "state"))` opens what is chosen in the sliders,
    `traitlets.dlink((wall, "opened"), (studio, "opened"))` what is opened in the studio.

    Args:
        generator: of any family.
        seed: the first.
        directions: to filter by; by default the bundled ones where they fit.
        psi: truncation.
        label: the class, where the generator has classes.
        height: of the wall, in pixels of the page.
        language: of the texts, see `smis_widgets.strings`.

    Raises:
        ValueError: no seed, directions of another generator, a class that there is not.
    """

    chosen = traitlets.Instance(EditState)
    """What was clicked last; the first seed before that."""

    opened = traitlets.Instance(EditState, allow_none=True)
    """What was opened last, by a double click or Enter; None before that."""

    favourites = traitlets.Tuple()
    """States with a star, in the order in which they got it."""

    psi = traitlets.Float(0.7, min=0.0, max=1.5)
    """Truncation of the seeds: 0 is the average, 1 everything."""

    group = traitlets.Enum(("all", *GROUPS), "all")
    """The layers in which others like it differ."""

    radius = traitlets.Float(0.4, min=0.0, max=1.0)
    """How much they differ."""

    title = traitlets.Unicode()
    """What hangs on the wall."""

    _filler: WallFiller | None = None

    def __init__(
        self,
        generator: GeneratorBase,
        *,
        seed: int = 0,
        directions: Directions | None = None,
        psi: float = 0.7,
        label: int | None = None,
        height: int = 440,
        language: str = "en",
    ) -> None:
        self._strings = strings = Strings(language)
        self.generator = generator
        self._identity = identify(generator)
        if directions is not None:
            directions.check(self._identity)
        self.directions = directions or bundled_directions(self._identity)
        self._label = 0 if label is None and generator.config.c_dim else label
        pool = self._seeds(seed, psi)
        self._stars: dict[Hashable, EditState] = {}
        self._trail: list[View] = []
        self._clearing = False
        self.message, self.shell = MessageLine(), Shell(strings)
        self.wall = PictureWall(
            several=True, starred=True, captioned=True, height=height, hotkeys=["m", "b"],
            on_want=lambda places: self._filler.go(), on_key=self._guarded(self._press),
            on_open=self._guarded(self._open),
            label=strings("seed_wall"), empty=strings("nothing_left"), language=language,
        )  # fmt: skip
        with turns_of(generator):
            self.filters = (
                None if self.directions is None else Filters(self.directions, pool, strings)
            )
        self._make_controls(seed, psi)
        self._view = View(pool, "")
        self._sieve = Sieve(pool)
        super().__init__(psi=psi, chosen=pool.state(0))
        self.add_class("smis-panel")
        self.add_class("smis-search")
        self._filler = WallFiller(generator, [(self.wall, self._states)], self._failed)
        self.children = self._parts()
        self._connect()
        self._hang(View(pool, strings("seeds_from", seed=seed)))

    # What a program uses

    def start(self) -> None:
        """Hang the seeds from the field's number on.

        Raises:
            ValueError: no seed.
        """
        pool = self._seeds(self.seed_field.seed, self.psi)
        self._trail.clear()
        self._hang(View(pool, self._strings("seeds_from", seed=pool.first)))

    def more_like_this(self, state: EditState | None = None) -> None:
        """Others like one state, by default like what is chosen.

        Raises:
            ValueError: a state of another generator.
        """
        state = state or self.chosen
        rows = None if self.group == "all" else group_rows(self.generator, self.group)
        name = name_of(state)
        with turns_of(self.generator):
            pool = LikePool(
                self.generator, state, rows=rows, radius=self.radius, name=f"{name} ·",
                label=self._label, psi=self.psi, identity=self._identity,
            )  # fmt: skip
        group = self._strings(f"in_{self.group}")
        title = self._strings("like_title", name=name, group=group, radius=self.radius)
        self._go_on(View(pool, title))

    def between_these(self) -> None:
        """What lies between the chosen places.

        Raises:
            ValueError: fewer than two are chosen.
        """
        numbers = [self._sieve.number(place) for place in self.wall.selected]
        ends = [self._view.pool.state(number) for number in numbers if number is not None]
        if len(ends) < 2:
            raise ValueError(self._strings("choose_two"))
        name = self._strings("between")
        with turns_of(self.generator):
            pool = BetweenPool(self.generator, ends, name=name, identity=self._identity)
        names = ", ".join(name_of(state) for state in ends[:4])
        self._go_on(View(pool, self._strings("between_title", names=names)))

    def show_favourites(self) -> None:
        """Hang the favourites on the wall.

        Raises:
            ValueError: there are none.
        """
        if not self._stars:
            raise ValueError(self._strings("no_favourites"))
        pool = StatePool(self.generator, [*self._stars.values()], identity=self._identity)
        self._go_on(View(pool, self._strings("favourites"), (*self._stars,)))

    def back(self) -> None:
        """To what hung there before."""
        if self._trail:
            self._hang(self._trail.pop())

    def wait(self, timeout: float = 30.0) -> bool:
        """Wait until everything that a page wants is drawn; returns whether it is."""
        return self._filler.wait(timeout)

    def close(self) -> None:
        """End the thread and remove the widgets."""
        # A widget that was refused while it was made is closed, too.
        if self._filler is not None:
            self._filler.close()
            self.wall.close()
        super().close()

    # Parts

    def _make_controls(self, seed: int, psi: float) -> None:
        strings, on = self._strings, self._guarded
        self.seed_field = SeedField(seed, on_start=on(self.start), strings=strings)
        self.psi_row = SliderRow(
            widgets.FloatSlider(psi, min=0.0, max=1.5, step=0.05, continuous_update=False),
            label=strings("truncation"), tooltip=strings("truncation_tooltip"),
            strings=strings, show="{:.2f}",
        )  # fmt: skip
        classes = range(self.generator.config.c_dim)
        self.label_field = widgets.Dropdown(
            options=[(strings("class_number", number=each), each) for each in classes],
            value=self._label, tooltip=strings("seed_class_tooltip"),
        )  # fmt: skip
        self.label_field.add_class("smis-choice")
        self.like_button = text_button(
            strings("more_like_this"), strings("more_like_tooltip"), on(self.more_like_this)
        )
        self.between_button = text_button(
            strings("between_these"), strings("between_tooltip"), on(self.between_these)
        )
        self.group_field = group_field(self.generator, strings("group_tooltip"), strings)
        self.radius_row = SliderRow(
            widgets.FloatSlider(0.4, min=0.0, max=1.0, step=0.05),
            label=strings("strength"), tooltip=strings("radius_tooltip"),
            strings=strings, show="{:.2f}",
        )  # fmt: skip
        self.favourites_button = text_button(
            "★ 0", strings("favourites_tooltip"), on(self.show_favourites)
        )
        self.back_button = icon_button("arrow-left", strings("back_tooltip"), on(self.back))
        self.filter_button = text_button(
            strings("filters"), strings("filters_tooltip"), self._toggle_filters
        )
        self.heading = widgets.HTML()
        self.heading.add_class("smis-heading")

    def _parts(self) -> tuple[widgets.Widget, ...]:
        classes = [self.label_field] if self.generator.config.c_dim else []
        like = styled(
            "smis-group", self.like_button, self.group_field, self.radius_row, self.between_button
        )
        where = styled("smis-bar", self.back_button, self.heading)
        filters = [] if self.filters is None else [self.filter_button]
        top = styled(
            "smis-bar", self.seed_field, *classes, self.psi_row, *filters, self.favourites_button
        )
        boxes = [] if self.filters is None else [self.filters]
        if self.filters is not None:
            self.filters.add_class("smis-hidden")
        bar = styled("smis-bar", like)
        return (self.shell, top, *boxes, bar, where, self.wall, self.message)

    def _connect(self) -> None:
        on = self._guarded
        traitlets.link((self, "group"), (self.group_field, "value"))
        traitlets.link((self, "radius"), (self.radius_row.slider, "value"))
        traitlets.link((self, "psi"), (self.psi_row.slider, "value"))
        self.label_field.observe(on(lambda change: self._relabel(change.new)), "value")
        self.observe(on(lambda change: self._restart()), "psi")
        self.wall.observe(on(lambda change: self._choose(change.new)), "selected")
        self.wall.observe(on(self._star), "favourites")
        if self.filters is not None:
            self.filters.observe(on(lambda change: self._hang(self._view)), "ranges")

    def _guarded(self, act: Callable[..., None]) -> Callable[..., None]:
        return self.message.guarding(act, "searching", self._strings)

    # What hangs on the wall

    def _seeds(self, first: int, psi: float) -> SeedPool:
        identity = self._identity
        return SeedPool(self.generator, first=first, label=self._label, psi=psi, identity=identity)

    def _go_on(self, view: View) -> None:
        self._trail.append(self._view)
        self._hang(view)

    def _hang(self, view: View) -> None:
        ranges = {} if self.filters is None else self.filters.ranges
        # The worker puts pictures of the former view under the former edition: they are not shown.
        self._view, self._sieve = view, Sieve(view.pool, self.directions, ranges)
        size = self._sieve.size
        endless = size is None or size > _AT_FIRST
        self._clearing = True  # stars go from the wall, not from the favourites
        try:
            self.wall.clear(_AT_FIRST if endless else size)
        finally:
            self._clearing = False
        self.wall.endless = endless
        self.title = view.title
        self.heading.value = f"<b>{html.escape(view.title)}</b>"
        self.back_button.disabled = not self._trail
        mark(self.filter_button, "smis-on", bool(ranges))
        if isinstance(view.pool, SeedPool):
            self.shell.again = lines_again(
                "SeedWall", self.generator, seed=view.pool.first, psi=view.pool.psi,
                label=self._label,
            )  # fmt: skip
        self._refresh()
        self.message.clear()

    def _states(self, wanted: list[int]) -> list[tuple[int, EditState, str]]:
        view, sieve = self._view, self._sieve
        known = [(place, number) for place in wanted
                 if (number := sieve.number(place)) is not None]  # fmt: skip
        if not known:
            sieve.look()
        if sieve is self._sieve and sieve.size is not None and sieve.size < self.wall.count:
            self.wall.endless = False
            self.wall.count = sieve.size
        found = []
        for place, number in known[:8]:
            state = view.pool.state(number)
            if view.key(number) in self._stars and place not in self.wall.favourites:
                self.wall.favourites = [*self.wall.favourites, place]
            found.append((place, state, name_of(state)))
        return found

    def _choose(self, places: list[int]) -> None:
        self._refresh()
        if places and (number := self._sieve.number(places[-1])) is not None:
            self.message.clear()
            self.chosen = self._view.pool.state(number)
            self._refresh()

    def _open(self, place: int) -> None:
        if (number := self._sieve.number(place)) is not None:
            self.chosen = self.opened = self._view.pool.state(number)

    def _star(self, change: Any) -> None:
        if self._clearing:
            return
        gone, come = set(change.old) - set(change.new), set(change.new) - set(change.old)
        for place in sorted(gone | come):
            number = self._sieve.number(place)
            if number is None:
                continue
            key = self._view.key(number)
            if place in come:
                self._stars.setdefault(key, self._view.pool.state(number))
            else:
                self._stars.pop(key, None)
        self.favourites = (*self._stars.values(),)
        self._refresh()

    def _refresh(self) -> None:
        self.between_button.disabled = len(self.wall.selected) < 2
        self.favourites_button.description = f"★ {len(self._stars)}"
        self.favourites_button.disabled = not self._stars

    # What the hand does

    def _press(self, key: str, place: int) -> None:
        if key == "b":
            return self.between_these()
        number = self._sieve.number(place)
        if number is not None:
            self.more_like_this(self._view.pool.state(number))

    def _relabel(self, label: int) -> None:
        self._label = label
        self.start()

    def _restart(self) -> None:
        if isinstance(self._view.pool, SeedPool):
            self.start()

    def _toggle_filters(self) -> None:
        assert self.filters is not None
        mark(self.filters, "smis-hidden", "smis-hidden" not in self.filters._dom_classes)

    def _failed(self, error: Exception) -> None:
        self.message.error(self._strings("rendering"), error, self._strings)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live wall, and a plain picture for places without a kernel."""
        bundle = super()._repr_mimebundle_(**kwargs)
        return with_plain_picture(bundle, self.wall.still())
