"""Any annotation that came as one file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from smis_core.images import PathLike
from smis_core.labels import PORTRAITS, LabelMap, Palette

from .coco import read_coco
from .documents import read_document
from .labelme import read_labelme


def read_annotation(
    path: PathLike,
    palette: Palette = PORTRAITS,
    *,
    mapping: Mapping[str, str | None] | None = None,
) -> LabelMap:
    """A mask picture, Labelme's JSON, or a COCO file of one picture, told apart by content.

    Args:
        path: the file.
        palette: what its classes mean.
        mapping: decisions on names that do not match; see `match_names`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is none of these.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"an annotation was wanted, but there is no file at {file}")
    with file.open("rb") as opened:
        start = opened.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start.startswith(b"{"):
        return LabelMap.load(file, palette)
    if "shapes" in read_document(file, "an annotation"):
        return read_labelme(file, palette, mapping=mapping)
    return read_coco(file, palette, mapping=mapping)
