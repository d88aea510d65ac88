"""Style mixing as a grid: what each layer brings, seen on many at once."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as widgets
import traitlets

from smis_core.editing import EditState, MixPool, Seeded, identify, read_source, rows_of
from smis_core.editing.mixing import Readable
from smis_core.editing.state import Source
from smis_core.jobs.turns import turns_of
from smis_core.networks.generator_base import GeneratorBase
from smis_widgets.controls import MessageLine, icon_button, styled
from smis_widgets.image_view import with_plain_picture
from smis_widgets.picture_wall import PictureWall
from smis_widgets.search_parts import LARGEST_DICE, lines_again, name_of, named, text_field
from smis_widgets.shell import Shell
from smis_widgets.slider_acts import seed_text
from smis_widgets.strings import Strings
from smis_widgets.thumbnails import WallFiller

MOST = 24
"""Sources on a side."""


class StyleGrid(widgets.VBox):
    """The picture of each row with the chosen layers of each column.

    The range slider says which layers come from the columns. A click on a picture makes it
    `chosen`, with both sources and the blend of its layers, so that the sliders open it as a
    pairing; those at the edges can be chosen too.

    Args:
        generator: of any family.
        down: what the rows begin with: seeds, latents, states, or pictures saved with their state.
        across: what the columns bring.
        layers: first and last row of W+ that comes from the columns; by default the coarse half.
        psi: truncation of all.
        label: the class of seeds, where the generator has classes.
        tile: side of a picture at most, in pixels of the page.
        language: of the texts, see `smis_widgets.strings`.

    Raises:
        ValueError, TypeError: as `smis_core.editing.read_source` says, too many or no sources.
    """

    chosen = traitlets.Instance(EditState)
    """What was clicked last; the first mixture before that."""

    layers = traitlets.Tuple(traitlets.Int(), traitlets.Int())
    """First and last row of W+ that comes from the columns; rows that there are not are
    refused."""

    _filler: WallFiller | None = None

    def __init__(
        self,
        generator: GeneratorBase,
        down: Sequence[Readable] = (0, 1, 2, 3),
        across: Sequence[Readable] = (10, 11, 12, 13, 14, 15),
        *,
        layers: tuple[int, int] | None = None,
        psi: float = 0.7,
        label: int | None = None,
        tile: int = 128,
        language: str = "en",
    ) -> None:
        self._strings = strings = Strings(language)
        self.generator = generator
        self._identity = identify(generator)
        self._label = 0 if label is None and generator.config.c_dim else label
        self._psi = psi
        self._rows = rows_of(generator)
        last = generator.num_ws - 1
        first, until = layers or (0, max(generator.num_ws // 3 - 1, 0))
        self._check_range((first, until))
        self._sources = {"down": self._read(down), "across": self._read(across)}
        self._typing = True
        self.message, self.shell = MessageLine(), Shell(strings)
        self.wall = PictureWall(
            headed=True, captioned=True, tile=tile, height=900,
            on_want=lambda places: self._filler.go(), label=strings("grid"), language=language,
        )  # fmt: skip
        self._pool = self._mixed((first, until))
        self.fields = {side: self._field(side) for side in self._sources}
        self.slider = widgets.IntRangeSlider(
            value=(first, until), min=0, max=last, readout=False, tooltip=strings("layers_tooltip"),
            layout=widgets.Layout(width="auto", flex="1 1 160px", margin="0", min_width="100px"),
        )  # fmt: skip
        self.reading = widgets.Label()
        self.reading.add_class("smis-value")
        super().__init__(layers=(first, until), chosen=self._pool.state(0))
        self.add_class("smis-panel")
        self.add_class("smis-search")
        self.add_class("smis-grid")
        self._filler = WallFiller(generator, [(self.wall, self._states)], self._failed)
        name = named(strings("from_columns"), strings("layers_tooltip"))
        row = styled("smis-row", name, self.slider, self.reading)
        self.children = (
            self.shell, styled("smis-bar", *self.fields.values()), row, self.wall, self.message,
        )  # fmt: skip
        traitlets.link((self, "layers"), (self.slider, "value"))
        self.observe(self._guarded(lambda change: self._renew(mixed_only=True)), "layers")
        self.wall.observe(self._guarded(lambda change: self._choose(change.new)), "selected")
        self._renew()

    # What a program uses

    def set_sources(
        self, *, down: Sequence[Readable] | None = None, across: Sequence[Readable] | None = None
    ) -> None:
        """Other sources at an edge, or at both.

        Raises:
            ValueError, TypeError: as the class says; the grid stays as it was.
        """
        given = {"down": down, "across": across}
        read = {side: self._read(each) for side, each in given.items() if each is not None}
        self._sources.update(read)
        self._typing = False
        try:
            for side in read:
                self.fields[side].children[1].value = self._text(side)
        finally:
            self._typing = True
        self._renew()

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

    # Sources

    def _read(self, given: Sequence[Readable]) -> tuple[Source, ...]:
        if not 1 <= len(given) <= MOST:
            raise ValueError(f"wanted 1 to {MOST} sources on a side, got {len(given)}")
        with turns_of(self.generator):
            return tuple(read_source(self.generator, each, label=self._label) for each in given)

    def _field(self, side: str) -> widgets.Box:
        strings = self._strings
        field = text_field(self._text(side), strings("grid_seeds_tooltip"))
        field.add_class("smis-wide")
        field.observe(self._guarded(lambda change: self._type(side, change.new)), "value")
        dice = icon_button("dice", strings("other_seeds"), self._guarded(lambda: self._roll(side)))
        return styled("smis-group", named(strings(f"grid_{side}")), field, dice)

    def _text(self, side: str) -> str:
        return ", ".join(name_of(source) for source in self._sources[side])

    def _type(self, side: str, text: str) -> None:
        if not self._typing or text == self._text(side):
            return
        here = {name_of(source): source for source in self._sources[side]}
        words = [word for word in re.split(r"[,;\s]+", text) if word]
        titles = [word.strip() for word in re.split(r"[,;]", text) if word.strip()]
        # Names of pictures may have spaces; where there is one, only commas part.
        parts = titles if any(each in here for each in titles) else words
        self.set_sources(**{side: [here.get(part, part) for part in parts]})

    def _roll(self, side: str) -> None:
        dice = random.SystemRandom()
        seeds = [dice.randrange(LARGEST_DICE + 1) for _ in self._sources[side]]
        self.set_sources(**{side: seeds})

    # The grid

    def _check_range(self, layers: tuple[int, int]) -> None:
        first, until = layers
        last = self.generator.num_ws - 1
        if not 0 <= first <= until <= last:
            raise ValueError(f"layers: wanted first and last from 0 to {last}, got {layers}")

    @traitlets.validate("layers")
    def _check_layers(self, proposal: Any) -> tuple[int, int]:
        layers: tuple[int, int] = proposal["value"]
        with self.message.refusing("mixing", self._strings):
            self._check_range(layers)
        return layers

    def _mixed(self, layers: tuple[int, int]) -> MixPool:
        return MixPool(
            self.generator, self._sources["down"], self._sources["across"], psi=self._psi,
            rows=range(layers[0], layers[1] + 1), identity=self._identity,
        )  # fmt: skip

    def _renew(self, *, mixed_only: bool = False) -> None:
        self._pool = self._mixed(self.layers)
        first, last = (self._rows[place] for place in self.layers)
        self.reading.value = self._strings(
            "layers_reading", first=first.index, last=last.index,
            low=first.resolution, high=last.resolution,
        )  # fmt: skip
        self.shell.again = self._again()
        down, across = (len(self._sources[side]) for side in ("down", "across"))
        count = (down + 1) * (across + 1)
        if (self.wall.columns, self.wall.count) != (across + 1, count):
            self.wall.columns = across + 1
            self.wall.clear(count)
        else:
            cells = [place for place in range(count) if self._state(place) is not None]
            edges = {*range(across + 1), *range(0, count, across + 1)} if mixed_only else set()
            self.wall.renew(place for place in cells if place not in edges)
        self._choose(self.wall.selected)
        self.message.clear()

    def _again(self) -> str:
        sides = self._sources.values()
        if not all(isinstance(each, Seeded) for side in sides for each in side):
            return ""  # a latent has no name that a line could say
        down, across = ([seed_text(each) for each in side] for side in sides)  # type: ignore[arg-type]
        return lines_again(
            "StyleGrid", self.generator, down, across, layers=self.layers, psi=self._psi,
            label=self._label,
        )  # fmt: skip

    def _state(self, place: int) -> EditState | None:
        across = len(self._sources["across"])
        row, column = divmod(place, across + 1)
        if row == column == 0:
            return None
        if row == 0 or column == 0:
            return self._pool.edge(max(row, column) - 1, across=row == 0)
        return self._pool.state((row - 1) * across + column - 1)

    def _states(self, wanted: list[int]) -> list[tuple[int, EditState, str]]:
        found = []
        for place in wanted[:4]:
            state = self._state(place)
            if state is not None:
                edge = state.b is None
                found.append((place, state, name_of(state.a) if edge else ""))
        return found

    def _choose(self, places: list[int]) -> None:
        if places and (state := self._state(places[-1])) is not None:
            self.chosen = state

    def _guarded(self, act: Callable[..., None]) -> Callable[..., None]:
        return self.message.guarding(act, "mixing", self._strings)

    def _failed(self, error: Exception) -> None:
        self.message.error(self._strings("rendering"), error, self._strings)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live grid, and a plain picture for places without a kernel."""
        return with_plain_picture(super()._repr_mimebundle_(**kwargs), self.wall.still())
