"""A PNG that brings its latent: dropped back in, everything is restored.

The state travels in a chunk of its own, private and ancillary, which viewers skip. Reading one
decodes no pixels.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from ..images import ImageSource, read_image, to_pil
from ..networks.generator_base import GeneratorBase
from .draw import check_state
from .identity import Identity
from .state import EditState

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHUNK = b"smLt"  # ancillary, private, and lost when a program changes the pixels
LARGEST = 256 * 2**20
"""Bytes of a PNG that is read."""


def embed(picture: ImageSource, state: EditState) -> bytes:
    """A picture as PNG with the state that made it.

    Args:
        picture: anything that `smis_core.images.read_image` takes.
        state: of the sliders.

    Returns:
        The bytes of a PNG that every viewer opens.

    Raises:
        TypeError, ValueError: as `read_image`.
    """
    plain = io.BytesIO()
    to_pil(read_image(picture)).save(plain, format="PNG")
    data = plain.getvalue()
    payload = state.to_bytes()
    if len(payload) > LARGEST // 2:
        raise ValueError(
            f"the state has {len(payload) >> 20} MiB, more than a PNG of ours may bring: leave out "
            "the noise maps"
        )
    chunk = _CHUNK + payload
    framed = struct.pack(">I", len(payload)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    end = len(_SIGNATURE) + 25  # behind the header, which has to come first
    return data[:end] + framed + data[end:]


def extract(
    source: bytes | str | os.PathLike[str],
    generator: GeneratorBase | Identity | None = None,
) -> EditState:
    """The state in a PNG of `embed`.

    Args:
        source: the bytes of the PNG, or its file.
        generator: the one that will draw it; None reads the state of any.

    Returns:
        The state, as it was.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: no PNG, one without a latent, a damaged one, one that is too large, or one that
            another generator made; the message says which, and what to do.
    """
    data, name = _bytes_of(source)
    if not data.startswith(_SIGNATURE):
        raise ValueError(
            f"{name}: wanted a PNG that was saved with its latent, this is no PNG: other formats "
            "do not keep it; save the picture again from the sliders"
        )
    found = [payload for kind, payload in _chunks(data, name) if kind == _CHUNK]
    if not found:
        raise ValueError(
            f"{name}: this PNG has no latent: it was made elsewhere, or another program saved it "
            "again and left the latent out; to get one, invert the picture"
        )
    if len(found) > 1:
        raise ValueError(f"{name}: wanted one latent, this PNG has {len(found)}; save it again")
    try:
        state = EditState.from_bytes(found[0])
        if generator is not None:
            check_state(generator, state)
    except ValueError as problem:
        raise ValueError(f"{name}: {problem}") from None
    return state


def brings_latent(path: str | os.PathLike[str]) -> bool:
    """Whether a file is a PNG that `extract` finds a latent in, sound or not."""
    with Path(path).open("rb") as file:
        if file.read(len(_SIGNATURE)) != _SIGNATURE:
            return False
    data, name = _bytes_of(path)
    return any(kind == _CHUNK for kind, _ in _chunks(data, name))


def _bytes_of(source: bytes | str | os.PathLike[str]) -> tuple[bytes, str]:
    if isinstance(source, bytes):
        data, name, size = source, "picture", len(source)
    else:
        path = Path(source)
        if not path.is_file():
            raise FileNotFoundError(f"{path}: there is no such file; check the path")
        name, size = str(path), path.stat().st_size
        data = b"" if size > LARGEST else path.read_bytes()
    if size > LARGEST:
        raise ValueError(
            f"{name}: has {size >> 20} MiB, pictures of ours have at most {LARGEST >> 20} MiB"
        )
    return data, name


def _chunks(data: bytes, name: str) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of each chunk; what is not ours comes without its content."""
    place = len(_SIGNATURE)
    while place < len(data):
        head = data[place : place + 8]
        if len(head) < 8:
            raise ValueError(f"{name}: this PNG is cut short; get it again")
        (length,), kind = struct.unpack(">I", head[:4]), head[4:]
        end = place + 12 + length
        if end > len(data):
            raise ValueError(
                f"{name}: a part of this PNG says that it has {length} bytes, but only "
                f"{max(len(data) - place - 12, 0)} are there: it is cut short or damaged; get it "
                "again"
            )
        content = b""
        if kind == _CHUNK:
            content = data[place + 8 : end - 4]
            (wanted,) = struct.unpack(">I", data[end - 4 : end])
            if zlib.crc32(kind + content) != wanted:
                raise ValueError(
                    f"{name}: the latent in this PNG is damaged (its checksum is wrong); get the "
                    "file again, or invert the picture"
                )
        yield kind, content
        if kind == b"IEND":
            return
        place = end
