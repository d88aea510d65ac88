"""The pad on which a person draws a semantic mask."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import numpy as np
import traitlets

from smis_core.images import read_image, to_uint8
from smis_core.labels import PORTRAITS, UNPAINTED, LabelMap, Palette
from smis_widgets.controls import MessageLine
from smis_widgets.easel import Easel, Point
from smis_widgets.keepsakes import next_path, uploaded_mask
from smis_widgets.pad_tools import BRUSH_SIZES, TOOLS, PadActions, PadTools
from smis_widgets.palette_panel import PalettePanel
from smis_widgets.shell import Shell
from smis_widgets.sketch import Sketch
from smis_widgets.strings import Strings

WHEEL_STEP = 50
"""Travel of the wheel, as browsers count it, for one step in size: trackpads send tiny pieces."""


class MaskPad(widgets.VBox):
    """A palette and a canvas: what is drawn is a `LabelMap` of exact class indices.

    Args:
        value: the map to start with; by default an unpainted one.
        palette: of the unpainted map; ignored if a value is given.
        resolution: side of the unpainted map in pixels; ignored if a value is given.
        folder: where the save button writes `mask-0001.png`, `mask-0002.png` and so on.
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

    label = traitlets.Int()
    """Index of the class that brush and fill paint."""

    tool = traitlets.Enum(tuple(TOOLS), "brush")
    """brush, eraser (paints 255, not painted), fill or pick."""

    brush_size = traitlets.Int(12, min=BRUSH_SIZES[0], max=BRUSH_SIZES[1])
    """Diameter of brush and eraser in pixels of the map."""

    picture = traitlets.Any(None)
    """What lies underneath: None, or anything that `smis_core.images.read_image` takes."""

    opacity = traitlets.Float(0.6, min=0.0, max=1.0)
    """How much the mask covers the picture underneath; without one the mask is opaque."""

    folder = traitlets.Unicode(".")
    """Where the save button writes."""

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
        self._sketch = Sketch(value)
        self._pointer: Point | None = None
        self._underlay: np.ndarray | None = None
        self._wheel = 0.0
        self.message = MessageLine()
        self._easel = Easel(self._sketch, self._paint_failed)
        self._listen()
        self._panel = PalettePanel(value.palette, self._choose, self._strings)
        self.tools = self._make_tools()
        super().__init__(value=value, label=value.palette.classes[0].index, folder=str(folder))
        self.add_class("smis-pad")
        shell = Shell()
        shell.on_msg(self._on_shell_message)
        self.children = (self._layout_parts(), self.message, shell)
        traitlets.link((self, "brush_size"), (self.tools.size_row.slider, "value"))
        traitlets.link((self, "opacity"), (self.tools.opacity_row.slider, "value"))
        self._panel.choose(self.label)
        self._refresh()
        self._easel.redraw()

    # What a program uses

    def current(self) -> LabelMap:
        """The map as it is now, an unfinished stroke included."""
        return self._sketch.labels()

    @property
    def drawing(self) -> bool:
        """Whether a stroke is under way."""
        return self._sketch.drawing

    @property
    def origin(self) -> Any:
        """What `replace` was given with the map that this drawing began as; undo knows it too."""
        return self._sketch.origin

    def replace(self, value: LabelMap, *, origin: Any = None) -> None:
        """Replace the drawing, as setting `value` does, by one that comes from something."""
        self._refuse_oblong(value)
        if value.palette != self._sketch.palette:
            self._panel.show(value.palette)
        changed = self._sketch.replace(value, origin=origin)
        if self.label not in value.palette.indices:
            self.label = value.palette.classes[0].index
        self._panel.choose(self.label)
        self._edit(changed)

    def undo(self) -> None:
        """Take back the last stroke, fill, clearing or replacement."""
        self._edit(self._sketch.undo())

    def redo(self) -> None:
        """Do again what was undone last."""
        self._edit(self._sketch.redo())

    def clear(self) -> None:
        """Make everything unpainted."""
        self._edit(self._sketch.clear())

    def fill(self, x: float, y: float, *, label: int | None = None) -> None:
        """Fill the connected region around a position (fractions of the side)."""
        self._edit(self._sketch.fill(x, y, index=self.label if label is None else label))

    def stroke(self, points: Sequence[Point]) -> None:
        """Draw a line through positions (x, y) in fractions of the side, as the mouse would.

        Raises:
            ValueError: no position is given.
        """
        if not points:
            raise ValueError("stroke: at least one position (x, y) was wanted, got none")
        self._begin(points[0])
        for point in points[1:]:
            self._extend(point)
        self._end()

    def load(self, path: str | Path) -> None:
        """Replace the drawing by a mask file; `LabelMap.load` says what is accepted."""
        self.value = LabelMap.load(path, palette=self.value.palette)

    def save(self, path: str | Path) -> None:
        """Write the drawing as an indexed PNG, see `LabelMap.save`."""
        self.value.save(path)

    def press(self, key: str, *, ctrl: bool = False, shift: bool = False) -> None:
        """Do what a key does: choose a class or a tool, undo, redo, change the brush size."""
        lowered = key.lower()
        if ctrl:
            if lowered == "y" or (lowered == "z" and shift):
                self.redo()
            elif lowered == "z":
                self.undo()
            return
        by_key = {label.key: label.index for label in self.value.palette.classes}
        tools = {shortcut: tool for tool, (_, shortcut) in TOOLS.items()}
        if key in by_key:
            self._choose(by_key[key])
        elif lowered in tools:
            self.tool = tools[lowered]
        elif key in "[]":
            self._resize_brush(1 if key == "]" else -1)

    # Parts

    def _listen(self) -> None:
        canvas, place = self._easel.canvas, self._easel.place
        on = functools.partial(self._guarded, "drawing")
        canvas.on_client_ready(on(self._easel.redraw))
        canvas.on_mouse_down(on(lambda x, y: self._press_at(place(x, y))))
        canvas.on_mouse_move(on(lambda x, y: self._move_to(place(x, y))))
        canvas.on_mouse_up(on(lambda x, y: self._end()))
        canvas.on_mouse_out(on(lambda x, y: self._leave(place(x, y))))
        canvas.on_mouse_wheel(on(lambda x, y: self._turn_wheel(y)))
        canvas.on_touch_start(on(self._touch_start))
        canvas.on_touch_move(on(self._touch_move))
        canvas.on_touch_end(on(lambda touches: self._leave(None)))
        canvas.on_touch_cancel(on(lambda touches: self._leave(None)))
        canvas.on_key_down(
            on(lambda key, shift, ctrl, meta: self.press(key, ctrl=ctrl or meta, shift=shift))
        )

    def _make_tools(self) -> PadTools:
        guarded = functools.partial(self._guarded, "drawing")
        actions = PadActions(
            choose_tool=guarded(functools.partial(self.set_trait, "tool")),
            undo=guarded(self.undo),
            redo=guarded(self.redo),
            clear=guarded(self.clear),
            save=self._guarded("saving", self._save_next),
        )
        tools = PadTools(
            actions, brush_size=self.brush_size, opacity=self.opacity, strings=self._strings
        )
        loading = self._guarded("loading", lambda change: self._load_upload(change.new))
        tools.upload.observe(loading, "value")
        return tools

    def _layout_parts(self) -> widgets.Box:
        stage = widgets.Box([self._easel.canvas])
        stage.add_class("smis-stage")
        sheet = widgets.VBox([stage, self.tools])
        sheet.add_class("smis-sheet")
        main = widgets.Box([self._panel, sheet])
        main.add_class("smis-pad-main")
        return main

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
        if change.old is not traitlets.Undefined and change.new != self._sketch.labels():
            self.replace(change.new)

    @traitlets.observe("picture")
    def _on_picture(self, change: Any) -> None:
        self._underlay = None if change.new is None else to_uint8(read_image(change.new))[0]
        self._refresh()
        self._easel.show_picture(self._underlay, self.opacity)

    @traitlets.observe("opacity")
    def _on_opacity(self, change: Any) -> None:
        self._easel.show_picture(self._underlay, change.new)

    @traitlets.observe("label", "tool", "brush_size")
    def _on_tool(self, change: Any) -> None:
        self._panel.choose(self.label)
        self._refresh()
        self._outline()

    @traitlets.observe("folder")
    def _on_folder(self, change: Any) -> None:
        self.tools.show_folder(change.new)

    # Drawing with mouse, finger and pen

    def _press_at(self, point: Point) -> None:
        self.message.clear()
        self._pointer = point
        if self.tool == "fill":
            self.fill(*point)
        elif self.tool == "pick":
            index = self._sketch.at(*point)
            if index == UNPAINTED:
                self.tool = "eraser"
            else:
                self._choose(index)
        else:
            self._begin(point)

    def _move_to(self, point: Point) -> None:
        if self._sketch.drawing:
            self._extend(point)
        else:
            self._pointer = point
        self._outline()

    def _leave(self, point: Point | None) -> None:
        if point is not None and self._sketch.drawing:
            self._extend(point)
        self._end()
        self._pointer = None
        self._outline()

    def _touch_start(self, touches: Sequence[Point]) -> None:
        if len(touches) == 1:
            self._press_at(self._easel.place(*touches[0]))
        else:
            # A second finger is a gesture, not a stroke.
            self._leave(None)

    def _touch_move(self, touches: Sequence[Point]) -> None:
        if len(touches) == 1 and self._sketch.drawing:
            self._move_to(self._easel.place(*touches[0]))

    def _begin(self, point: Point) -> None:
        self._sketch.begin_stroke()
        self._ink(point, point)

    def _extend(self, point: Point) -> None:
        self._ink(self._pointer or point, point)

    def _ink(self, start: Point, end: Point) -> None:
        index = UNPAINTED if self.tool == "eraser" else self.label
        box = self._sketch.segment(start, end, index=index, diameter=self.brush_size)
        self._pointer = end
        self._easel.draw(box)
        self._outline()
        self.revision += 1

    def _end(self) -> None:
        if self._sketch.drawing and self._sketch.end_stroke():
            self._commit()

    def _edit(self, changed: bool) -> None:
        if changed:
            self._easel.redraw()
            self._commit()

    def _commit(self) -> None:
        self.value = self._sketch.labels()
        self.revision += 1
        self._refresh()

    def _choose(self, index: int) -> None:
        self.label = index
        if self.tool in ("eraser", "pick"):
            self.tool = "brush"

    def _resize_brush(self, direction: int) -> None:
        step = max(1, self.brush_size // 6)
        smallest, largest = BRUSH_SIZES
        self.brush_size = min(max(self.brush_size + direction * step, smallest), largest)

    def _turn_wheel(self, travel: float) -> None:
        self._wheel += travel
        if abs(self._wheel) >= WHEEL_STEP:
            self._resize_brush(-1 if self._wheel > 0 else 1)
            self._wheel = 0.0

    def _outline(self) -> None:
        inks = self.tool in ("brush", "eraser")
        self._easel.show_cursor(self._pointer if inks else None, self.brush_size)

    # Files

    def _save_next(self) -> None:
        path = next_path(Path(self.folder), "mask", ".png")
        self.save(path)
        self.message.note(self._strings("saved", path=path))

    def _load_upload(self, files: Any) -> None:
        if files:
            self.tools.upload.value = ()
            self.value = uploaded_mask(files[0], self.value.palette)

    # Messages

    def _on_shell_message(self, _: Any, content: dict[str, Any], __: Any) -> None:
        if "key" in content:
            self._guarded("drawing", self.press)(
                content["key"], ctrl=content["ctrl"], shift=content["shift"]
            )

    def _guarded(self, what: str, act: Callable[..., None]) -> Callable[..., None]:
        return self.message.guarding(act, what, self._strings)

    def _paint_failed(self, error: Exception) -> None:
        self.message.error(self._strings("drawing"), error, self._strings)

    def _refresh(self) -> None:
        self.tools.refresh(
            tool=self.tool,
            can_undo=self._sketch.can_undo,
            can_redo=self._sketch.can_redo,
            over_picture=self._underlay is not None,
        )
