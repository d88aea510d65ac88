"""A drawing with its history as bytes, so that it survives a reload or a new kernel."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np

from smis_core.drawing.drawing import Drawing
from smis_core.drawing.history import MAX_STEPS, Patch, Sheet, Step, unpacked
from smis_core.drawing.operations import Box
from smis_core.images import MAX_SIDE, UInt8Array
from smis_core.labels import UNPAINTED, LabelMap, Palette

_MAGIC = b"SMISDRAW1\n"
_MAX_HEADER = 64 << 20


def to_bytes(drawing: Drawing) -> bytes:
    """The map, its palette and its steps; an open step is not in it.

    Args:
        drawing: what to keep.

    Returns:
        What ``from_bytes`` reads.
    """
    sheet = Sheet.of(drawing.labels().indices)
    palettes: list[str] = []
    blobs = [sheet.data]

    def number(palette: Palette) -> int:
        text = palette.to_json()
        if text not in palettes:
            palettes.append(text)
        return palettes.index(text)

    def record(step: Step) -> dict[str, Any]:
        blobs.extend(step.blobs)
        kept: dict[str, Any] = {"sizes": [len(blob) for blob in step.blobs]}
        if isinstance(step.change, Patch):
            box = step.change.box
            kept["box"] = [box.top, box.left, box.bottom, box.right]
        elif step.change is not None:
            kept["shapes"] = [each.shape for each in step.change]
        if step.palettes is not None:
            kept["palettes"] = [number(each) for each in step.palettes]
        if step.origins is not None:
            kept["origins"] = step.origins
        return kept

    header = {
        "shape": sheet.shape,
        "size": len(sheet.data),
        "palette": number(drawing.palette),
        "origin": drawing.origin,
        "done": [record(step) for step in drawing.history.done],
        "undone": [record(step) for step in drawing.history.undone],
        "palettes": palettes,
    }
    text = json.dumps(header).encode()
    return b"".join([_MAGIC, struct.pack("<I", len(text)), text, *blobs])


def from_bytes(data: bytes) -> Drawing:
    """Read what ``to_bytes`` wrote.

    Args:
        data: from anywhere; every step is tried before the drawing is returned.

    Raises:
        ValueError: the data is none of ours, damaged, or leads to a map that its palette does not
            know.
    """
    start = len(_MAGIC) + 4
    if data[: len(_MAGIC)] != _MAGIC or len(data) < start:
        raise ValueError("drawing: bytes written by drawing.to_bytes were wanted, got others")
    (length,) = struct.unpack("<I", data[len(_MAGIC) : start])
    if length > _MAX_HEADER:
        raise ValueError("drawing: the header is too long; the bytes are damaged")
    try:
        header = json.loads(data[start : start + length])
    except ValueError as error:
        raise ValueError("drawing: the bytes are cut short or damaged") from error
    try:
        return _read(header, data[start + length :])
    except (KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise ValueError(f"drawing: the bytes are damaged ({type(error).__name__})") from error


def _read(header: dict[str, Any], blobs: bytes) -> Drawing:
    palettes = [Palette.from_json(text) for text in header["palettes"]]
    place = 0

    def blob(size: object) -> bytes:
        nonlocal place
        if type(size) is not int or not 0 <= size <= len(blobs) - place:
            raise ValueError("drawing: the bytes are cut short or damaged")
        place += size
        return blobs[place - size : place]

    def pick(number: object) -> Palette:
        if type(number) is not int or not 0 <= number < len(palettes):
            raise ValueError("drawing: a step names a palette that is not there")
        return palettes[number]

    def step(record: dict[str, Any]) -> Step:
        data = [blob(size) for size in record["sizes"]]
        change: Patch | tuple[Sheet, Sheet] | None = None
        if "box" in record:
            change = Patch(_box(record["box"]), *data)
        elif "shapes" in record:
            before, after = map(_shape, record["shapes"])
            change = Sheet(before, data[0]), Sheet(after, data[1])
        named = record.get("palettes")
        origins = record.get("origins")
        return Step(
            change,
            None if named is None else (pick(named[0]), pick(named[1])),
            None if origins is None else (str(origins[0]), str(origins[1])),
        )

    indices = unpacked(blob(header["size"]), _shape(header["shape"]))
    drawing = Drawing(LabelMap(indices, pick(header["palette"])), origin=str(header["origin"]))
    if len(header["done"]) + len(header["undone"]) > MAX_STEPS:
        raise ValueError(f"drawing: at most {MAX_STEPS} steps were wanted, got more")
    drawing.history.done = [step(record) for record in header["done"]]
    drawing.history.undone = [step(record) for record in header["undone"]]
    _try(drawing)
    return drawing


def _try(drawing: Drawing) -> None:
    """Walk through all steps and back to the present: each must lead to a map that is known."""
    behind, ahead = len(drawing.history.done), len(drawing.history.undone)
    for move, times in (
        (drawing.undo, behind),
        (drawing.redo, behind + ahead),
        (drawing.undo, ahead),
    ):
        for _ in range(times):
            step = (drawing.history.done if move == drawing.undo else drawing.history.undone)[-1]
            _fits(step, drawing)
            box = move()
            if box is not None:
                _known(drawing.patch(box), drawing.palette)


def _fits(step: Step, drawing: Drawing) -> None:
    if isinstance(step.change, Patch):
        box, (height, width) = step.change.box, drawing.shape
        if not (0 <= box.top < box.bottom <= height and 0 <= box.left < box.right <= width):
            raise ValueError("drawing: a step lies outside of the map; the bytes are damaged")


def _known(indices: UInt8Array, palette: Palette) -> None:
    counts = np.bincount(indices.ravel(), minlength=256)
    counts[[*palette.indices, UNPAINTED]] = 0
    if counts.any():
        raise ValueError("drawing: a step leads to a class that the palette has not")


def _box(value: Any) -> Box:
    if len(value) != 4 or not all(type(each) is int for each in value):
        raise ValueError("drawing: a step's box is no box; the bytes are damaged")
    return Box(*value)


def _shape(value: Any) -> tuple[int, int]:
    height, width = value
    if not all(type(each) is int and 1 <= each <= MAX_SIDE for each in (height, width)):
        raise ValueError(f"drawing: sides of 1 to {MAX_SIDE} pixels were wanted, got {value!r:.60}")
    return height, width
