"""What a file is, by its content. Names lie: community models come as .pkl, .pt, .bin or none."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .restricted.limits import Limits
from .restricted.reader import starts_as_legacy
from .restricted.source import Source, opened
from .restricted.zipped import names

Kind = Literal[
    "smis", "safetensors", "torch-zip", "torch-legacy", "nvidia-torch", "nvidia-tensorflow",
    "pickle", "picture", "html", "text", "archive", "empty", "unknown",
]  # fmt: skip

_LOOKED_AT = 2**20
_PICTURES = {
    b"\x89PNG\r\n\x1a\n": "PNG", b"\xff\xd8\xff": "JPEG", b"GIF8": "GIF",
    b"II*\0": "TIFF", b"MM\0*": "TIFF",
}  # fmt: skip
_ARCHIVES = {
    b"\x1f\x8b": "gzip", b"7z\xbc\xaf": "7z", b"\xfd7zXZ": "xz", b"Rar!": "RAR", b"BZh": "bzip2",
}  # fmt: skip
_PROTOCOLS = tuple(bytes((0x80, protocol)) for protocol in range(2, 6))
_OLD_PICKLE = re.compile(rb"\(?[dlt]?(p0\n|c[\w.]+\n[\w.]+\n|i[\w.]+\n[\w.]+\n)|[}\]]q")


@dataclass(frozen=True)
class Sniffed:
    """What `sniff` found."""

    kind: Kind
    description: str
    """The same for a person, with its article: "a PNG picture"."""

    @property
    def can_hold_weights(self) -> bool:
        """Whether opening it as a checkpoint makes sense."""
        return self.kind in (
            "smis", "safetensors", "torch-zip", "torch-legacy", "nvidia-torch",
            "nvidia-tensorflow", "pickle",
        )  # fmt: skip


def sniff(path: str | os.PathLike[str]) -> Sniffed:
    """Tell what a file is from its first mebibyte; nothing of it is run or kept.

    Args:
        path: the file.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a folder.
    """
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"{path}: a checkpoint file was wanted, this is a folder; name a file")
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file; check the path")
    with path.open("rb") as file:
        head = file.read(_LOOKED_AT)
    if not head:
        return Sniffed("empty", "an empty file")
    return (
        _as_safetensors(head, path.stat().st_size)
        or _as_zip(path, head)
        or _as_picture(head)
        or _as_archive(head)
        or _as_pickle(head)
        or _as_text(head)
        or Sniffed("unknown", "a binary file of an unknown kind")
    )


def _as_safetensors(head: bytes, size: int) -> Sniffed | None:
    if len(head) < 10 or head[8:9] != b"{":
        return None
    length = int.from_bytes(head[:8], "little")
    if length > max(size, 100 * 2**20):
        return None
    try:
        header = json.loads(head[8 : 8 + length])
        metadata = header.get("__metadata__", {})
    except (ValueError, AttributeError, RecursionError):
        # A long header may end outside of what was read, but the metadata come first.
        metadata = {"format": "smis-1"} if b'"smis-1"' in head[:4096] else {}
    if isinstance(metadata, dict) and str(metadata.get("format", "")).startswith("smis"):
        return Sniffed("smis", "a safetensors file of SMIS")
    return Sniffed("safetensors", "a safetensors file of another program")


def _as_zip(path: Path, head: bytes) -> Sniffed | None:
    if not head.startswith(b"PK"):
        return None
    try:
        with opened(path, Limits()) as source:
            inside = names(source)
    except (OSError, ValueError):
        # What is wrong with a torch file is told by who reads it.
        if b"data.pkl" in head[:4096]:
            return Sniffed("torch-zip", "a damaged torch file")
        return Sniffed("archive", "a damaged zip archive")
    if any(name == "data.pkl" or name.endswith("/data.pkl") for name in inside):
        if any("/code/" in name for name in inside):
            return Sniffed("archive", "a TorchScript program")
        return Sniffed("torch-zip", "a torch file")
    return Sniffed("archive", "a zip archive")


def _as_picture(head: bytes) -> Sniffed | None:
    name = next((name for magic, name in _PICTURES.items() if head.startswith(magic)), None)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        name = "WebP"
    if head[:2] == b"BM" and head[6:10] == bytes(4):
        name = "BMP"
    if head[4:8] == b"ftyp" and head[8:12] in (b"avif", b"heic", b"mif1"):
        name = "AVIF or HEIC"
    return Sniffed("picture", f"a {name} picture") if name else None


def _as_archive(head: bytes) -> Sniffed | None:
    name = next((name for magic, name in _ARCHIVES.items() if head.startswith(magic)), None)
    if head[257:262] == b"ustar":
        name = "tar"
    return Sniffed("archive", f"a {name} archive") if name else None


def _as_pickle(head: bytes) -> Sniffed | None:
    if starts_as_legacy(Source("the file", memoryview(head), Limits())):
        return Sniffed("torch-legacy", "a torch file of the old kind")
    if not (head.startswith(_PROTOCOLS) or _OLD_PICKLE.match(head)):
        return None
    if b"dnnlib.tflib.network" in head:
        return Sniffed("nvidia-tensorflow", "a pickle of NVIDIA's TensorFlow networks")
    if b"torch_utils.persistence" in head or b"_reconstruct_persistent_obj" in head:
        return Sniffed("nvidia-torch", "a pickle of NVIDIA's PyTorch networks")
    return Sniffed("pickle", "a pickle")


def _as_text(head: bytes) -> Sniffed | None:
    start = head[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")) or b"<html" in start:
        return Sniffed("html", "an HTML page, as a refused or unconfirmed download leaves it")
    if head.startswith(b"version https://git-lfs"):
        return Sniffed("text", "a Git LFS pointer, which stands for a file that was not fetched")
    return Sniffed("text", "a text file") if _is_text(head) else None


def _is_text(head: bytes) -> bool:
    if b"\0" in head:
        return False
    try:
        head[:4096].decode("utf-8")
    except UnicodeDecodeError as problem:
        return problem.start > 4090  # a character cut in two by the limit
    return all(byte >= 32 or byte in b"\t\n\r\f\x1b" for byte in head[:4096])
