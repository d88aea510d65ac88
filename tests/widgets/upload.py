"""Files as `static/files.js` sends them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def pieces(
    name: str, data: bytes, *, length: int = 4 << 20, upload: str = "0123"
) -> Iterator[tuple[dict[str, Any], bytes]]:
    """What is said of each piece, and the piece."""
    for at in range(0, max(1, len(data)), length):
        about = {"name": name, "size": len(data), "upload": upload, "at": at}
        yield about, data[at : at + length]


def whole(name: str, data: bytes) -> dict[str, Any]:
    """What is said of a file of one piece."""
    return next(pieces(name, data, length=max(1, len(data))))[0]
