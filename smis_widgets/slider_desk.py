"""What pages ask of the sliders, and what is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smis_core.editing import Directions, Seeded, rows_of
from smis_core.jobs import Job
from smis_widgets.direction_finder import FindStep, find_directions
from smis_widgets.slider_acts import Panel, act_on, with_directions
from smis_widgets.slider_files import read_directions
from smis_widgets.strings import Strings
from smis_widgets.uploads import Uploads

if TYPE_CHECKING:
    from smis_widgets.latent_sliders import LatentSliders


class SliderDesk:
    """Reads the messages of panel and filmstrip, and does what they say.

    Args:
        sliders: that they belong to.
        strings: the texts.

    Attributes:
        locked: rows that groups, resets and 'only this' leave alone.
    """

    def __init__(self, sliders: LatentSliders, strings: Strings) -> None:
        self._sliders, self._strings = sliders, strings
        self.locked: set[int] = set()
        self._uploads = Uploads()

    def act(self, name: str, content: dict[str, Any], buffers: list[Any]) -> None:
        """What the panel asks for."""
        sliders = self._sliders
        moving = content.get("more") is True
        if not moving:
            sliders.message.clear()
        if name in ("undo", "redo"):
            getattr(sliders, name)()
        elif name == "rest":
            sliders.wish(moving=False)
        elif name == "column":
            self.toggle(str(content.get("column")), content.get("on") is True)
        elif name == "lock":
            rows = {row for row in content["rows"] if row in range(sliders.generator.num_ws)}
            self.locked = self.locked | rows if content.get("on") else self.locked - rows
            sliders.refresh()
        elif name == "open":
            self._open_file(content, buffers)
        else:
            with sliders.lock:
                state, label = act_on(sliders.state, name, content, self._reading())
                sliders.take(state, label, moving=moving)

    def film_act(self, name: str, content: dict[str, Any]) -> None:
        """What the filmstrip asks for."""
        sliders = self._sliders
        sliders.message.clear()
        number = content.get("number")
        if name in ("undo", "redo"):
            getattr(sliders, name)()
        elif name == "save":
            self.save()
        elif name == "code":
            sliders.films.show_code(sliders.code())
        elif name == "go" and isinstance(number, int):
            sliders.go(number)
        elif name == "compare" and isinstance(number, int):
            sliders.compare(None if sliders.films.compared == number else number)

    def save(self) -> None:
        """Save, and say where."""
        path = self._sliders.save()
        self._sliders.message.note(self._strings("saved_latent", path=path))

    def toggle(self, column: str, on: bool) -> None:
        """Show or hide the sliders of a column."""
        sliders = self._sliders
        wanted = {*sliders.columns, column} if on else {*sliders.columns} - {column}
        sliders.columns = [each for each in columns_of(sliders.directions) if each in wanted]

    def search(self, method: str) -> Job[FindStep]:
        """A job that finds directions, see `LatentSliders.find`."""
        sliders = self._sliders
        generator, source = sliders.generator, sliders.state.a
        label = source.label if isinstance(source, Seeded) else None
        if generator.config.c_dim and label is None:
            label = 0
        steps = find_directions(generator, sliders.identity, method, label=label)
        # Only features are computed with hooks in the network that draws.
        shares = generator if method == "features" else None
        return Job(steps, shares=shares, on_step=lambda step: self._found(step, generator))

    def _found(self, step: FindStep, generator: object) -> None:
        sliders, found = self._sliders, step.directions
        with sliders.lock:
            if found is None or sliders.generator is not generator:
                return
            sliders.files.add(found, step.path)
            self.join(found)
        names = ", ".join(found.names)
        sliders.message.note(self._strings("found", count=len(found), names=names))

    def join(self, found: Directions) -> None:
        """Offer directions beside the others, see `LatentSliders.add`."""
        self._sliders.directions = with_directions(self._sliders.directions, found)
        self.toggle(f"strength:{found.names[0]}", True)

    def _open_file(self, content: dict[str, Any], buffers: list[Any]) -> None:
        sliders, strings = self._sliders, self._strings
        try:
            data = self._uploads.take(content, buffers)
            if data is None:
                return
            name = str(content["name"])
            if name.lower().endswith(".safetensors"):
                found = read_directions(data, name, sliders.identity)
                self.join(found)
                names = ", ".join(found.names)
                sliders.message.note(strings("opened_directions", name=name, names=names))
            else:
                sliders.load(data)
                sliders.message.note(strings("opened_picture", name=name))
        except ValueError as problem:
            sliders.message.error(strings("opening"), problem, strings)

    def _reading(self) -> Panel:
        sliders = self._sliders
        generator = sliders.generator
        return Panel(
            rows_of(generator), sliders.directions, self.locked, generator.config.c_dim,
            self._strings, sliders.bare,
        )  # fmt: skip


def columns_of(directions: Directions | None) -> list[str]:
    """All columns that there can be, in their order."""
    names = () if directions is None else directions.names
    return [*(f"strength:{name}" for name in names), "blend", "psi", "noise"]


def first_columns(directions: Directions | None) -> list[str]:
    """Those that are shown at first."""
    first = columns_of(directions)[: 0 if directions is None else 1]
    return [*first, "blend", "psi"]
