"""Any annotation that came as one file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from smis_core.images import PathLike
from smis_core.labels import PORTRAITS, LabelMap, Palette

from .coco import read_coco
from .documents import read_document
from .labelme import read_labelme
from .masks import read_mask


def read_annotation(
    path: PathLike,
    palette: Palette = PORTRAITS,
    *,
    mapping: Mapping[str, str | None] | None = None,
    extend: bool = False,
) -> LabelMap:
    """A mask file, Labelme's JSON, or a COCO file of one picture, told apart by content.

    Of an oblong picture JSON gives an oblong map: see `LabelMap.cropped`.

    Args:
        path: the file.
        palette: the classes that are wanted; see `read_mask` for files with their own.
        mapping: decisions on names that do not match; see `match_names`.
        extend: names in JSON that the palette lacks become classes of the map's palette instead.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is none of these.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"{file}: there is no such file; an annotation was wanted")
    with file.open("rb") as opened:
        start = opened.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start.startswith(b"{"):
        return read_mask(file, palette, mapping=mapping)
    if "shapes" in read_document(file, "an annotation"):
        return read_labelme(file, palette, mapping=mapping, extend=extend)
    return read_coco(file, palette, mapping=mapping, extend=extend)
