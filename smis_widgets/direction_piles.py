"""A direction of one's own: samples sorted by hand into two piles, or paired."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import ipywidgets as widgets
import traitlets

from smis_core.editing import (
    GROUPS,
    Directions,
    Edit,
    EditState,
    Pool,
    SeedPool,
    StatePool,
    group_rows,
    identify,
    read_source,
    save_directions,
)
from smis_core.editing.mixing import Readable
from smis_core.jobs import LatestWorker
from smis_core.jobs.turns import turns_of
from smis_core.networks.generator_base import GeneratorBase
from smis_widgets.controls import MessageLine, icon_button, mark, styled, text_button
from smis_widgets.direction_strip import DirectionStrip, Pile, Sorted, direction_of
from smis_widgets.image_view import with_plain_picture
from smis_widgets.picture_wall import PictureWall
from smis_widgets.search_parts import (
    SeedField,
    group_field,
    lines_again,
    name_of,
    named,
    text_field,
)
from smis_widgets.shell import Shell
from smis_widgets.strings import Strings
from smis_widgets.thumbnails import WallFiller

Side = Literal["less", "more"]
_SIDES: tuple[Side, Side] = ("less", "more")
_KEYS = {"1": "less", "2": "more"}
_AWAY = ("0", "Delete", "Backspace")


class DirectionPiles(widgets.VBox):
    """Sort samples into two piles; what tells the piles apart becomes a direction.

    Drag samples, or press 1 (less), 2 (more) and 0 (away again). With a few on each side the
    direction is there, is shown as a strip from -3 to +3, and becomes better with every further
    sample. In pairs, the first of the left belongs to the first of the right, and so on.

    `traitlets.dlink((piles, "direction"), …)` hands it on; the save button writes it as
    safetensors, bound to its generator.

    Args:
        generator: of any family.
        sources: what is sorted: seeds, latents, states, or pictures saved with their state; by
            default all seeds.
        seed: the first one.
        psi: truncation of seeds.
        label: the class, where the generator has classes.
        folder: where the save button writes.
        language: of the texts, see `smis_widgets.strings`.

    Raises:
        ValueError, TypeError: as `smis_core.editing.read_source` and `SeedPool` say.
    """

    direction = traitlets.Instance(Directions, allow_none=True)
    """What tells the piles apart; None while one is empty."""

    chosen = traitlets.Instance(EditState)
    """What was clicked last; a place of the strip is the state with that strength."""

    name = traitlets.Unicode("mine")
    """What the direction is called."""

    paired = traitlets.Bool(False)
    """Whether the piles are the two sides of pairs."""

    group = traitlets.Enum(("all", *GROUPS), "all")
    """The layers in which to look and to act."""

    folder = traitlets.Unicode("directions")
    """Where the save button writes."""

    _finder: LatestWorker[Sorted, Directions | None] | None = None

    def __init__(
        self,
        generator: GeneratorBase,
        *,
        sources: Sequence[Readable] | None = None,
        seed: int = 0,
        psi: float = 0.7,
        label: int | None = None,
        folder: str | Path = "directions",
        language: str = "en",
    ) -> None:
        self._strings = Strings(language)
        self.generator = generator
        self._identity = identify(generator)
        self._label = 0 if label is None and generator.config.c_dim else label
        self._psi = psi
        self._own = sources is not None
        self._pool = self._seeds(seed) if sources is None else self._given(sources)
        self._known: dict[int, EditState] = {}
        self._base = self.sample(0)
        self.message, self.shell = MessageLine(), Shell(self._strings)
        self._make_walls(language)
        self._make_controls(seed)
        super().__init__(folder=str(folder), chosen=self.sample(0))
        self.add_class("smis-panel")
        self.add_class("smis-search")
        self.add_class("smis-sorting")
        self._filler = WallFiller(
            generator,
            [(self.strip, self.strip.states), (self.wall, self._sample_states),
             *((pile.wall, pile.shown) for pile in self.piles.values())],
            self._failed,
        )  # fmt: skip
        self._finder = LatestWorker(
            lambda piles: direction_of(generator, piles, self._label), self._found
        )
        self.children = self._parts()
        self._connect()
        self._hang()
        self._refresh()

    # What a program uses

    def sort(self, state: EditState, side: Side | None) -> None:
        """Lay a state on a pile, or away (None)."""
        for name, pile in self.piles.items():
            at = pile.place(state)
            if name != side and at is not None:
                del pile.states[at]
            elif name == side and at is None:
                pile.states.append(state)
        self._sorted()

    def start(self) -> None:
        """Hang the seeds from the field's number on; the piles stay.

        Raises:
            ValueError: no seed.
        """
        self._pool = self._seeds(self.seed_field.seed)
        self._known.clear()
        self._hang()

    def clear(self) -> None:
        """Empty both piles."""
        for pile in self.piles.values():
            pile.states.clear()
        self._sorted()

    def save(self) -> Path:
        """Write the direction in `folder`; an older one of the same name is kept.

        Raises:
            ValueError: there is none yet, or the folder cannot be written.
        """
        if self.direction is None:
            raise ValueError(self._strings("no_direction"))
        stem = re.sub(r"[^\w-]+", "_", self.name).strip("_") or "direction"
        path = Path(self.folder) / f"{stem}.safetensors"
        number = 1
        while path.exists():
            number += 1
            path = path.with_name(f"{stem}_{number}.safetensors")
        save_directions(path, self.direction)
        return path

    def wait(self, timeout: float = 30.0) -> bool:
        """Wait until the direction is found and what pages want is drawn."""
        return self._finder.wait(timeout) and self._filler.wait(timeout)

    def close(self) -> None:
        """End the threads and remove the widgets."""
        # A widget that was refused while it was made is closed, too.
        if self._finder is not None:
            self._finder.close()
            self._filler.close()
            for wall in (self.wall, self.strip, *(pile.wall for pile in self.piles.values())):
                wall.close()
        super().close()

    # Parts

    def _make_walls(self, language: str) -> None:
        strings, on = self._strings, self._guarded

        def wanting(places: list[int]) -> None:
            self._filler.go()

        self.wall = PictureWall(
            several=True, captioned=True, draggable=True, accepts=True, height=280, tile=80,
            hotkeys=[*_KEYS, *_AWAY], on_want=wanting, on_key=on(self._press_sample),
            on_drop=on(lambda wall, places: self._dropped(wall, places, None)),
            label=strings("samples"), language=language,
        )  # fmt: skip
        self.piles: dict[Side, Pile] = {}
        for side in _SIDES:
            wall = PictureWall(
                several=True, draggable=True, accepts=True, height=180, tile=64,
                hotkeys=[*_KEYS, *_AWAY], on_want=wanting,
                on_key=on(lambda key, place, side=side: self._press_pile(side, key, place)),
                on_drop=on(lambda wall, places, side=side: self._dropped(wall, places, side)),
                empty=strings(f"empty_{side}"), language=language,
            )  # fmt: skip
            self.piles[side] = Pile(wall, named(""))
        self.strip = DirectionStrip(strings, on_want=wanting, language=language)

    def _make_controls(self, seed: int) -> None:
        strings, on = self._strings, self._guarded
        self.seed_field = SeedField(seed, on_start=on(self.start), strings=strings)
        self.name_field = text_field("mine", strings("called"))
        self.group_field = group_field(self.generator, strings("acts_tooltip"), strings)
        self.pair_button = text_button(strings("pairs"), strings("pairs_tooltip"), self._pair)
        self.clear_button = icon_button("trash", strings("clear_piles"), on(self.clear))
        self.save_button = icon_button("save", strings("save_direction"), on(self._save_and_tell))

    def _parts(self) -> tuple[widgets.Widget, ...]:
        strings = self._strings

        how = styled("smis-group", self.pair_button, self.group_field, self.clear_button)
        called = styled(
            "smis-group", named(strings("direction_name")), self.name_field, self.save_button
        )
        top = styled("smis-bar", *([] if self._own else [self.seed_field]), how, called)
        piles = styled(
            "smis-piles",
            *(styled("smis-pile", pile.title, pile.wall, kind=widgets.VBox)
              for pile in self.piles.values()),
        )  # fmt: skip
        return (self.shell, top, self.wall, piles, self.strip, self.message)

    def _connect(self) -> None:
        on = self._guarded
        traitlets.link((self, "name"), (self.name_field, "value"))
        traitlets.link((self, "group"), (self.group_field, "value"))
        self.observe(on(lambda change: self._sorted()), ["name", "group", "paired"])
        self.wall.observe(on(lambda change: self._choose(change.new, self.sample)), "selected")
        for pile in self.piles.values():
            pile.wall.observe(
                on(lambda change, pile=pile: self._choose(change.new, pile.states.__getitem__)),
                "selected",
            )
        self.strip.observe(on(lambda change: self._choose_strength(change.new)), "selected")

    # Samples and piles

    def _seeds(self, first: int) -> Pool:
        identity = self._identity
        return SeedPool(
            self.generator, first=first, label=self._label, psi=self._psi, identity=identity
        )

    def _given(self, sources: Sequence[Readable]) -> Pool:
        neutral = Edit.neutral(self.generator.num_ws)
        with turns_of(self.generator):
            states = [
                EditState(
                    generator=self._identity, edit=neutral,
                    a=read_source(self.generator, each, label=self._label),
                )
                for each in sources
            ]  # fmt: skip
        return StatePool(self.generator, states, identity=self._identity)

    def _hang(self) -> None:
        if isinstance(self._pool, SeedPool):
            self.shell.again = lines_again(
                "DirectionPiles", self.generator, seed=self._pool.first, psi=self._psi,
                label=self._label,
            )  # fmt: skip
        size = self._pool.size or 0
        self.wall.clear(min(size, 60))
        self.wall.endless = size > 60

    def sample(self, place: int) -> EditState:
        """What hangs at a place of the wall of samples."""
        if place not in self._known:
            self._known[place] = self._pool.state(place)
        return self._known[place]

    def _press_sample(self, key: str, place: int) -> None:
        places = self.wall.selected if place in self.wall.selected else [place]
        for each in places:
            self.sort(self.sample(each), _KEYS.get(key))

    def _press_pile(self, side: Side, key: str, place: int) -> None:
        self.sort(self.piles[side].states[place], _KEYS.get(key))

    def _dropped(self, wall: PictureWall, places: list[int], side: Side | None) -> None:
        come_from = {self.wall: self.sample}
        come_from |= {pile.wall: pile.states.__getitem__ for pile in self.piles.values()}
        if wall in come_from:
            for state in [come_from[wall](place) for place in places]:
                self.sort(state, side)

    def _sorted(self) -> None:
        """The piles are others: show them, and find what tells them apart."""
        for pile in self.piles.values():
            pile.wall.clear(len(pile.states))
        for place, state in [*self._known.items()]:
            if place < self.wall.count:
                self.wall.put(place, mark=self._mark(state))
        self._refresh()
        less, more = (tuple(self.piles[side].states) for side in _SIDES)
        rows = None if self.group == "all" else group_rows(self.generator, self.group)
        self._finder.submit(Sorted(less, more, self.name, self.paired, rows))

    def _sign(self, side: Side) -> str:
        return self._strings(f"{'pair' if self.paired else 'pile'}_{side}")

    def _mark(self, state: EditState) -> str:
        sides = (side for side, pile in self.piles.items() if pile.place(state) is not None)
        return next((self._sign(side) for side in sides), "")

    def _refresh(self) -> None:
        for side, pile in self.piles.items():
            pile.title.value = f"{self._sign(side)} · {len(pile.states)}"
            pile.wall.label = self._sign(side)
        mark(self.pair_button, "smis-on", self.paired)
        self.save_button.disabled = self.direction is None

    # The direction

    def _found(self, direction: Directions | None, error: Exception | None) -> None:
        if error is not None:
            self.message.error(self._strings("finding_one"), error, self._strings)
            direction = None
        elif self.paired and len({len(pile.states) for pile in self.piles.values()}) > 1:
            self.message.note(self._strings("uneven"))
        else:
            self.message.clear()
        self.direction = direction
        self._refresh()
        self._show_strip()

    def _show_strip(self) -> None:
        self.strip.show(self._base, self.direction)

    # What the walls show

    def _sample_states(self, wanted: list[int]) -> list[tuple[int, EditState, str]]:
        edition, size = self.wall.edition, self._pool.size or 0
        if size < self.wall.count:
            self.wall.count = size
        states = [(place, self.sample(place)) for place in wanted[:4] if place < size]
        for place, state in states:
            self.wall.put(place, mark=self._mark(state), edition=edition)
        return [(place, state, name_of(state)) for place, state in states]

    def _choose(self, places: list[int], state_at: Callable[[int], EditState]) -> None:
        if places:
            self._base = self.chosen = state_at(places[-1])
            self._show_strip()

    def _choose_strength(self, places: list[int]) -> None:
        if places and places[-1] < len(self.strip.moved):
            self.chosen = self.strip.moved[places[-1]]

    # What the hand does

    def _pair(self) -> None:
        self.paired = not self.paired

    def _save_and_tell(self) -> None:
        self.message.note(self._strings("saved", path=self.save()))

    def _guarded(self, act: Callable[..., None]) -> Callable[..., None]:
        return self.message.guarding(act, "sorting", self._strings)

    def _failed(self, error: Exception) -> None:
        self.message.error(self._strings("rendering"), error, self._strings)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live piles, and the strip as a plain picture for places without a kernel."""
        return with_plain_picture(super()._repr_mimebundle_(**kwargs), self.strip.still())
