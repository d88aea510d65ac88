"""The pad on which a person draws a semantic mask."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import numpy as np
import traitlets

from smis_core.drawing import UNIT, Box, Bucket, Operation, Receipt, Stroke
from smis_core.images import read_image, to_uint8
from smis_core.labels import PORTRAITS, UNPAINTED, LabelMap, Palette
from smis_core.palettes import PRESETS
from smis_widgets.controls import MessageLine
from smis_widgets.easel import Easel
from smis_widgets.keepsakes import FORMATS, next_path
from smis_widgets.pad_files import PadFiles, open_mask
from smis_widgets.pad_front import PadFront
from smis_widgets.pad_settings import PadSettings
from smis_widgets.palette_edits import edited
from smis_widgets.sketch import Change, Point, Sketch
from smis_widgets.still import Still
from smis_widgets.strings import Strings


class MaskPad(PadSettings, widgets.VBox):
    """A palette and a canvas: what is drawn is a `LabelMap` of exact class indices.

    Ink shows in the browser at once; the map here is the truth, and what the browser shows is
    corrected to it. docs/drawing.md says which pixels a tool covers.

    Args:
        value: the map to start with; by default an unpainted one.
        palette: of the unpainted map; ignored if a value is given.
        resolution: side of the unpainted map in pixels; ignored if a value is given.
        folder: where the save buttons write `mask-0001.png`, `mask-0002.png` and so on.
        language: of the texts, see `smis_widgets.strings`.

    Raises:
        traitlets.TraitError: the value is no square `LabelMap`.
    """

    value = traitlets.Instance(LabelMap)
    """The finished drawing: set at the end of each stroke and by every tool.

    Setting it replaces the drawing, and undo brings the former one back."""

    revision = traitlets.Int(0)
    """Counts every change, those within a stroke too; `current` gives the map that belongs to
    it."""

    picture = traitlets.Any(None)
    """What lies underneath: None, or anything that `smis_core.images.read_image` takes."""

    ghost = traitlets.Instance(LabelMap, allow_none=True)
    """A map that is outlined over the drawing where `look["ghost"]` is set, of any square size."""

    folder = traitlets.Unicode(".")
    """Where the save buttons write."""

    def __init__(
        self,
        value: LabelMap | None = None,
        *,
        palette: Palette = PORTRAITS,
        resolution: int = 256,
        folder: str | Path = ".",
        language: str = "en",
    ) -> None:
        self._strings = Strings(language)
        if value is None:
            value = LabelMap(np.full((resolution, resolution), UNPAINTED, np.uint8), palette)
        self._refuse_oblong(value)
        self._sketch = Sketch(value)
        self._incoming = threading.RLock()
        self._settling = {id(value)}
        self.message = MessageLine()
        self._easel = Easel(lambda error: self._failed("drawing", error))
        self._front = PadFront(self._strings, presets=list(PRESETS))
        self._front.show_palette(value.palette)
        self._files = PadFiles(self, self._strings)
        super().__init__(value=value, label=value.palette.classes[0].index, folder=str(folder))
        self._settling.clear()
        self._still = Still(self)
        self.add_class("smis-pad")
        self._share()
        self._front.on_msg(self._on_message)
        stage = widgets.Box([self._easel.canvas])
        stage.add_class("smis-stage")
        main = widgets.Box([stage, self._front])
        main.add_class("smis-pad-main")
        self.children = (main, self.message)

    # What a program uses

    def current(self) -> LabelMap:
        """The map as it is now, an unfinished stroke included."""
        return self._sketch.labels()

    @property
    def drawing(self) -> bool:
        """Whether a stroke is under way."""
        return self._sketch.drawing

    @property
    def landmarks(self) -> list[Point]:
        """The numbered points on the map, one class each."""
        return self._sketch.points()

    @property
    def origin(self) -> Any:
        """What `replace` was given with the map that this drawing began as; undo knows it too."""
        return self._sketch.origin

    def replace(self, value: LabelMap, *, origin: Any = None) -> None:
        """Replace the drawing, as setting `value` does, by one that comes from something."""
        self._refuse_oblong(value)
        self._become(lambda: self._sketch.replace(value, origin=origin))

    def repaint(self, palette: Palette, mapping: np.ndarray) -> None:
        """Take an edited palette; `mapping`, uint8 [256], gives the new index of each old one."""
        self._become(lambda: self._sketch.repaint(palette, mapping))

    def draw(self, operation: Operation) -> None:
        """Carry out an operation of `smis_core.drawing`, as a tool would.

        Raises:
            ValueError: it cannot be done on this map.
        """
        change = self._do(lambda: self._sketch.draw(operation))
        if change.refusal:
            raise ValueError(change.refusal)

    def undo(self) -> None:
        """Take back the last stroke, fill, clearing, replacement or change of the palette."""
        self._do(self._sketch.undo)

    def redo(self) -> None:
        """Do again what was undone last."""
        self._do(self._sketch.redo)

    def clear(self) -> None:
        """Make everything unpainted."""
        self._become(self._sketch.clear)

    def fill(self, x: float, y: float, *, label: int | None = None) -> None:
        """Fill the connected region around a position (fractions of the side)."""
        index = self.label if label is None else label
        self.draw(Bucket(index=index, at=self._points([(x, y)])[0], gap=self.gap))

    def stroke(self, points: Sequence[tuple[float, float]]) -> None:
        """Draw a line through positions (x, y) in fractions of the side, as the mouse would.

        Raises:
            ValueError: no position is given.
        """
        if not points:
            raise ValueError("stroke: at least one position (x, y) was wanted, got none")
        self.draw(
            Stroke(
                index=UNPAINTED if self.tool == "eraser" else self.label,
                points=self._points(points),
                sizes=np.int32(self.brush_size * UNIT),
                brush=self.brush_shape,
                only=None if self.over < 0 else (self.over,),
                protect=tuple(self.protected),
            )
        )

    def load(self, path: str | Path) -> None:
        """Replace the drawing by a mask file, as if it were dropped on the pad.

        `LabelMap.load` and `smis_core.annotations.read_annotation` say what is accepted. A file
        that brings its palette keeps it; any other is read in the pad's classes.
        """
        self.value = open_mask(Path(path), self.value.palette).cropped()

    def save(self, path: str | Path) -> None:
        """Write the drawing, see `LabelMap.save`."""
        self.value.save(path)

    # Traits

    @traitlets.validate("value")
    def _square(self, proposal: Any) -> LabelMap:
        value: LabelMap = proposal.value
        self._refuse_oblong(value)
        return value

    def _refuse_oblong(self, value: LabelMap) -> None:
        if value.height != value.width:
            raise traitlets.TraitError(
                self._strings("not_square", height=value.height, width=value.width)
            )

    @traitlets.validate("label")
    def _known(self, proposal: Any) -> int:
        known = self._sketch.palette.indices
        if proposal.value not in known:
            raise traitlets.TraitError(
                self._strings("unknown_class", known=known, got=proposal.value)
            )
        return int(proposal.value)

    @traitlets.observe("value")
    def _on_value(self, change: Any) -> None:
        if id(change.new) not in self._settling:
            self.replace(change.new)

    @traitlets.observe("picture")
    def _on_picture(self, change: Any) -> None:
        picture = None if change.new is None else to_uint8(read_image(change.new))[0]
        self._sketch.look_at(picture)
        self._easel.show(picture)
        self._front.has_picture = picture is not None

    @traitlets.observe("ghost")
    def _on_ghost(self, change: Any) -> None:
        ghost = change.new
        self._front.show_ghost(None if ghost is None else ghost.resized(self._sketch.side))

    def _share(self) -> None:
        traitlets.link((self, "folder"), (self._front, "folder"))
        for name in PadSettings.class_own_traits():
            setattr(self._front, name, getattr(self, name))
            self.observe(lambda change: setattr(self._front, change.name, change.new), name)
            self._front.observe(self._from_browser, name)

    def _from_browser(self, change: Any) -> None:
        try:
            setattr(self, change.name, change.new)
        except traitlets.TraitError as error:
            self._failed("drawing", error)
            setattr(self._front, change.name, getattr(self, change.name))

    # Messages of the browser

    def _on_message(self, _: Any, content: dict[str, Any], buffers: list[Any]) -> None:
        try:
            if "hello" in content:
                self._sketch.open(content["hello"])
                with self._sketch.lock:
                    self._front.send_map(self._sketch.patch(self._sketch.whole()))
            elif "ask" in content:
                self.message.clear()
                self._answer(content, buffers)
            else:
                self._receive(content)
        except Exception as error:
            self._failed("drawing", error)

    def _receive(self, content: object) -> None:
        # Commands of one page keep their order even if its messages come on several threads.
        with self._incoming:
            receipt, changes = self._sketch.receive(content)
            if receipt.refusals:
                self._failed("drawing", ValueError(receipt.refusals[0]))
            elif receipt.commands:
                self.message.clear()
            for _ in receipt.commands:
                self._do(lambda: next(changes), receipt)
            if not receipt.commands:
                with self._sketch.lock:
                    self._front.send_patch(None, None, receipt)

    def _answer(self, content: dict[str, Any], buffers: list[Any]) -> None:
        what = content["ask"]
        asked: dict[str, tuple[str, Callable[[], None]]] = {
            "palette": (
                "editing",
                lambda: self.repaint(
                    *edited(self.value.palette, content["what"], content["values"], self._strings)
                ),
            ),
            "save": ("saving", lambda: self._save_next(content["format"])),
            "file": ("loading", lambda: self._files.take(content, buffers)),
        }
        if what not in asked:
            raise ValueError(f"ask: one of {', '.join(asked)} was wanted, got {ascii(what)[:40]}")
        name, act = asked[what]
        try:
            act()
        except Exception as error:
            self._failed(name, error)

    def _save_next(self, form: str) -> None:
        if form not in FORMATS:
            known = ", ".join(FORMATS)
            raise ValueError(f"format: one of {known} was wanted, got {ascii(form)[:40]}")
        path = next_path(Path(self.folder), "mask", FORMATS[form])
        self.value.save(path, colours=form == "rgb")
        self.message.note(self._strings("saved", path=path))

    # Changes

    def _do(self, act: Callable[[], Change], receipt: Receipt | None = None) -> Change:
        """Change the map, tell the browser, then whoever observes."""
        with self._sketch.lock:
            change = act()
            pixels = None if change.box is None else self._sketch.patch(change.box)
            if change.whole:
                self._show_palette()
                self._front.send_map(self._sketch.patch(self._sketch.whole()), receipt)
            else:
                self._front.send_patch(change.box, pixels, receipt)
        if change.refusal:
            self._failed("drawing", ValueError(change.refusal))
        self._tell(changed=change.box is not None)
        return change

    def _become(self, act: Callable[[], bool]) -> None:
        """Take another map, perhaps of another size or palette."""

        def whole() -> Change:
            box: Box | None = self._sketch.whole() if act() else None
            return Change(box, whole=box is not None)

        self._do(whole)

    def _show_palette(self) -> None:
        palette = self._sketch.palette
        known = palette.indices
        if self.label not in known:
            self.label = palette.classes[0].index
        self.protected = [index for index in self.protected if index in known]
        if self.over not in (-1, UNPAINTED, *known):
            self.over = -1
        self._front.show_palette(palette)

    def _tell(self, *, changed: bool) -> None:
        front, sketch = self._front, self._sketch
        front.can_undo, front.can_redo = sketch.can_undo, sketch.can_redo
        front.has_previous = sketch.has_previous
        front.landmarks = [
            {"number": each.number, "index": each.index, "at": [each.x, each.y]}
            for each in sketch.points()
        ]
        if not sketch.drawing:
            settled = sketch.labels()
            self._settling.add(id(settled))
            try:
                self.value = settled
            finally:
                self._settling.discard(id(settled))
        if changed:
            self.revision += 1

    def _points(self, places: Sequence[tuple[float, float]]) -> np.ndarray:
        side = self._sketch.side * UNIT
        return np.floor(np.array(places, dtype=np.float64) * side).astype(np.int32)

    def _failed(self, what: str, error: Exception) -> None:
        self.message.error(self._strings(what), error, self._strings)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live pad, and a plain picture of its drawing for places without a kernel."""
        return self._still.beside(super()._repr_mimebundle_(**kwargs))

    def _ipython_display_(self) -> None:
        self._still.display(self._repr_mimebundle_())
