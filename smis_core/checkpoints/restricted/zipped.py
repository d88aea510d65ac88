"""The zip container of torch.save: a list of members that lie, stored as they are, in one file.

After the description of the format by PKWARE (APPNOTE 6.3): the record at the end leads to the
central directory, which leads to the members. Nothing is unpacked to disk, nothing is inflated.
"""

from __future__ import annotations

import re
import struct
from typing import NamedTuple

from .errors import shown
from .source import Source, Span

_END = struct.Struct("<4s4H2IH")
_END_64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR_64 = struct.Struct("<4sIQI")
_ENTRY = struct.Struct("<4s6H3I5H2I")
_LOCAL = struct.Struct("<4s5H3I2H")

_KNOWN = re.compile(
    r"data\.pkl|version|byteorder|data/[0-9A-Za-z]{1,40}"
    r"|\.data/serialization_id|\.format_version|\.storage_alignment"
)


class _Entry(NamedTuple):
    name: str
    flags: int
    method: int
    packed: int
    size: int
    offset: int


def names(source: Source) -> list[str]:
    """The names of all members, whatever they are, of a container of a bounded number of them.

    Raises:
        ValueError: no zip container, or too large a one.
    """
    return [entry.name for entry in _entries(source, *_directory(source))]


def members(source: Source) -> dict[str, Span]:
    """The members by name, without the folder that all of them share.

    Raises:
        UnsafeCheckpointError: a compressed or encrypted member, a name that leaves the folder or
            that torch.save does not write, or two members of one name.
        ValueError: a directory that does not fit the file.
    """
    count, size, start = _directory(source)
    found: dict[str, Span] = {}
    folders = set()
    for entry in _entries(source, count, size, start):
        folder, _, name = entry.name.partition("/")
        parts = entry.name.split("/")
        if "\\" in entry.name or ":" in entry.name or not {"", ".", ".."}.isdisjoint(parts):
            raise source.refused(f"the zip member {shown(entry.name)} leaves its folder")
        if name.startswith("code/") or name == "constants.pkl":
            raise source.refused("a TorchScript archive holds code, not weights alone")
        if not _KNOWN.fullmatch(name):
            raise source.refused(f"the zip member {shown(entry.name)} is not torch.save's")
        if name in found:
            raise source.refused(f"two zip members are called {shown(name)}")
        if entry.flags & 1 or entry.method or entry.packed != entry.size:
            raise source.refused(f"the zip member {shown(name)} is compressed or encrypted")
        folders.add(folder)
        found[name] = _member(source, entry, start)
    if len(folders) > 1:
        raise source.refused("the zip members lie in more than one folder")
    _check_overlaps(source, found)
    return found


def _directory(source: Source) -> tuple[int, int, int]:
    """Number of entries, length and position of the central directory."""
    view = source.view
    tail = max(0, len(view) - _END.size - 0xFFFF)
    position = bytes(view[tail:]).rfind(b"PK\x05\x06") + tail
    if position < tail or position + _END.size > len(view):
        raise source.damaged("the directory at the end of the zip container is missing")
    _, disk, first, here, count, size, start, comment = _END.unpack_from(view, position)
    if position + _END.size + comment != len(view):
        raise source.damaged("the zip container goes on after its end")
    end = position
    short = (here, count, size, start)
    locator = position - _LOCATOR_64.size
    if locator >= 0 and bytes(view[locator : locator + 4]) == b"PK\x06\x07":
        # torch.save writes the long record always, and readers must not disagree on it.
        end, here, count, size, start = _directory_64(source, locator)
        for told, true in zip(short, (here, count, size, start), strict=True):
            if told != true and told not in (0xFFFF, 0xFFFFFFFF):
                raise source.damaged("the two directories of the zip container differ")
    if disk or first or here != count:
        raise source.refused("a zip container in several files")
    if count > source.limits.members:
        raise source.refused(f"a zip container of {count:,} members")
    if start + size != end:
        raise source.damaged("the zip container's directory is not where its end says")
    return count, size, start


def _directory_64(source: Source, locator: int) -> tuple[int, int, int, int, int]:
    _, _, end, _ = _LOCATOR_64.unpack_from(source.view, locator)
    if end + _END_64.size > locator:
        raise source.damaged("the zip container's long directory is missing")
    mark, _, _, _, disk, first, here, count, size, start = _END_64.unpack_from(source.view, end)
    if mark != b"PK\x06\x06" or disk or first:
        raise source.damaged("the zip container's long directory is missing")
    return end, here, count, size, start


def _entries(source: Source, count: int, size: int, start: int) -> list[_Entry]:
    entries = []
    position, end = start, start + size
    for _ in range(count):
        if position + _ENTRY.size > end:
            raise source.damaged("the zip container's directory is cut off")
        (mark, _, _, flags, method, _, _, _, packed, full, name_size, extra_size, note_size, *_,
         offset) = _ENTRY.unpack_from(source.view, position)  # fmt: skip
        name_start = position + _ENTRY.size
        extra_start = name_start + name_size
        position = extra_start + extra_size + note_size
        if mark != b"PK\x01\x02" or position > end:
            raise source.damaged("the zip container's directory is cut off")
        if name_size > source.limits.name_bytes:
            raise source.refused(f"a zip member whose name has {name_size:,} bytes")
        name = bytes(source.view[name_start:extra_start]).decode("utf-8", "backslashreplace")
        extra = bytes(source.view[extra_start : extra_start + extra_size])
        full, packed, offset = _long_sizes(source, extra, [full, packed, offset])
        entries.append(_Entry(name, flags, method, packed, full, offset))
    if position != end:
        raise source.damaged("the zip container's directory is longer than its entries")
    return entries


def _long_sizes(source: Source, extra: bytes, sizes: list[int]) -> list[int]:
    """Sizes and position, those that do not fit 32 bits from the field that holds the long ones."""
    if 0xFFFFFFFF not in sizes:
        return sizes
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, position)
        if kind == 1:
            field = extra[position + 4 : position + 4 + length]
            wanted = [index for index, size in enumerate(sizes) if size == 0xFFFFFFFF]
            if len(field) < 8 * len(wanted):
                break
            for place, index in enumerate(wanted):
                (sizes[index],) = struct.unpack_from("<Q", field, 8 * place)
            return sizes
        position += 4 + length
    raise source.damaged("a zip member's long size is missing")


def _member(source: Source, entry: _Entry, directory: int) -> Span:
    """Where a member's content lies, after the header that repeats its name."""
    if entry.offset + _LOCAL.size > directory:
        raise source.damaged(f"the zip member {shown(entry.name)} begins behind the directory")
    mark, _, _, method, _, _, _, _, _, name_size, extra_size = _LOCAL.unpack_from(
        source.view, entry.offset
    )
    name_start = entry.offset + _LOCAL.size
    name = bytes(source.view[name_start : name_start + name_size])
    if mark != b"PK\x03\x04" or name.decode("utf-8", "backslashreplace") != entry.name or method:
        raise source.damaged(f"the zip member {shown(entry.name)} is not where the directory says")
    start = name_start + name_size + extra_size
    if start + entry.size > directory:
        raise source.damaged(f"the zip member {shown(entry.name)} is longer than the file")
    return Span(source, start, entry.size)


def _check_overlaps(source: Source, found: dict[str, Span]) -> None:
    position = 0
    for name, span in sorted(found.items(), key=lambda item: item[1].start):
        if span.start < position:
            raise source.refused(f"the zip member {shown(name)} lies within another")
        position = span.start + span.size
