"""JSON files as plain objects, with errors that name the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from smis_core.images import PathLike

_MOST_BYTES = 512 * 2**20


def read_document(path: PathLike, wanted: str) -> dict[str, Any]:
    """The object of a JSON file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is none.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"{wanted} was wanted, but there is no file at {file}")
    if file.stat().st_size > _MOST_BYTES:
        raise ValueError(f"{file}: {wanted} was wanted, but this file is larger than 512 MiB")
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as problem:
        raise ValueError(f"{file}: {wanted} was wanted, but this is no JSON ({problem})") from None
    if not isinstance(document, dict):
        raise ValueError(
            f"{file}: {wanted} was wanted, but this JSON is a {type(document).__name__}"
        )
    return document
