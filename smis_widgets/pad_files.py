"""Files that come into the pad: chosen, dropped or pasted."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from smis_core.annotations import read_annotation
from smis_core.images import open_picture
from smis_core.labels import LabelMap, Palette
from smis_core.palettes import from_colours
from smis_widgets.controls import MessageLine
from smis_widgets.strings import Strings
from smis_widgets.uploads import Uploads


class Receiver(Protocol):
    """What the files are for."""

    value: LabelMap
    picture: Any
    message: MessageLine

    def replace(self, value: LabelMap) -> None: ...


class PadFiles:
    """Takes files from the page and gives them to a pad.

    Args:
        pad: gets masks and pictures, and shows what was read.
        strings: the texts.
    """

    def __init__(self, pad: Receiver, strings: Strings) -> None:
        self._pad = pad
        self._strings = strings
        self._uploads = Uploads()

    def take(self, content: dict[str, Any], buffers: list[Any]) -> None:
        """Take a piece of a file, and read the file with its last one.

        Args:
            content: as `Uploads` takes it, and `purpose`: "mask", "palette" (the classes of its
                colours) or "any" (a mask if it is one, otherwise a picture to lie underneath).
            buffers: the piece.

        Raises:
            ValueError: it is nothing of that kind, too large, or incomplete.
        """
        data = self._uploads.take(content, buffers)
        if data is None:
            return
        name, purpose = Path(str(content["name"])).name[-100:] or "file", content["purpose"]
        with tempfile.TemporaryDirectory() as folder:
            # The name that a stranger chose names no file here, only its ending counts.
            path = Path(folder) / f"file{Path(name).suffix.lower()[:8]}"
            path.write_bytes(data)
            try:
                self._read(path, purpose, name)
            except ValueError as error:
                raise ValueError(str(error).replace(str(path), name)) from None

    def _read(self, path: Path, purpose: str, name: str) -> None:
        palette = self._pad.value.palette
        if purpose == "palette":
            labels = from_colours(np.array(open_picture(path).convert("RGB")))
            self._pad.replace(labels)
            count = len(labels.palette.classes)
            self._pad.message.note(self._strings("classes_read", count=count, name=name))
        elif purpose == "mask" or _is_mask(path):
            labels = open_mask(path, palette)
            square = labels.cropped()
            self._pad.replace(square)
            told = "mask_read" if square == labels else "mask_cropped"
            self._pad.message.note(self._strings(told, name=name))
        else:
            self._pad.picture = np.array(open_picture(path).convert("RGB"))
            self._pad.message.note(self._strings("picture_read", name=name))


def open_mask(path: Path, palette: Palette) -> LabelMap:
    """A file's mask under the palette that is written in it, or else under this one.

    Annotation files (JSON) bring names alone: those that the palette lacks are added to it.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no mask.
    """
    if path.suffix.lower() == ".json":
        return read_annotation(path, palette, extend=True)
    try:
        return LabelMap.load(path, None)
    except ValueError:
        return LabelMap.load(path, palette)


def _is_mask(path: Path) -> bool:
    """Whether a file is meant as class indices: photographs are neither indexed nor grey."""
    if path.suffix in (".npz", ".svg", ".json"):
        return True
    return open_picture(path).mode in ("P", "L", "LA", "1")
