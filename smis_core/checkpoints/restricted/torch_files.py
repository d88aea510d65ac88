"""Files of torch.save: the zip container, the legacy layout, and storages nested in pickles.

The layouts are described in torch's serialisation notes and fixed by what torch.save writes.
"""

from __future__ import annotations

import struct
from typing import Any

from .machine import Machine
from .objects import COMMON, NVIDIA
from .source import Source, Span
from .stubs import Stub
from .tensors import STORAGES, Storage, storage_of
from .zipped import members

_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PROTOCOL = 1001
_HEAD_BYTES = 1024
_COUNT = struct.Struct("<q")

ZIP_START = b"PK\x03\x04"


def read_zip(source: Source) -> Any:
    """What data.pkl of a zip container holds; its storages are the members data/0, data/1, …."""
    found = members(source)
    main = found.get("data.pkl")
    if main is None:
        raise source.damaged("the zip container holds no data.pkl as torch.save writes it")
    order = found.get("byteorder")
    if order is not None and (order.size > 16 or order.tobytes() != b"little"):
        raise source.refused("numbers in big-endian byte order")
    storages: dict[str, Storage] = {}

    def persistent(source: Source, identity: Any) -> Storage:
        storage, name = _storage(source, identity, storages)
        if storage.span is None:
            span = found.get(f"data/{name}")
            if span is None:
                raise source.damaged(f"the zip container lacks the member data/{name}")
            storage.place(source, span, f"the member data/{name}")
        return storage

    table = {**COMMON, **STORAGES}
    machine = Machine(
        source, main.start, main.start + main.size, table=table, persistent=persistent
    )
    value = machine.run()
    if machine.position != main.start + main.size:
        raise source.damaged("data.pkl goes on after its end")
    return value


def read_legacy(source: Source, start: int, end: int, *, storage_only: bool = False) -> Any:
    """The legacy layout: magic number, protocol, system, value, storage names, storages."""
    storages: dict[str, Storage] = {}

    def persistent(source: Source, identity: Any) -> Storage:
        return _storage(source, identity, storages)[0]

    table: dict[str, Stub] = dict(STORAGES) if storage_only else {**COMMON, **STORAGES}
    position = _after_head(source, start, end)
    main = Machine(source, position, end, table=table, persistent=persistent)
    value = main.run()
    names = Machine(source, main.position, end, table={})
    listed = names.run()
    named = type(listed) is list and all(type(name) is str for name in listed)
    if not named or sorted(listed) != sorted(storages):
        raise source.damaged("the list of its storages does not fit the tensors")
    position = names.position
    for name in listed:
        position = _place(source, position, end, storages[name])
    if position != end:
        raise source.damaged(f"{end - position:,} bytes are left over at its end")
    return value


def _after_head(source: Source, start: int, end: int) -> int:
    """The position behind magic number, protocol and system."""
    # A plain pickle repeats the same head, byte for byte, before each of its storages.
    known = source.legacy_head
    if known and bytes(source.view[start : min(start + len(known), end)]) == known:
        return start + len(known)
    position = start
    heads = []
    for _ in range(3):
        head = Machine(source, position, end, table={})
        heads.append(head.run())
        position = head.position
    if heads[:2] != [_MAGIC, _LEGACY_PROTOCOL] or type(heads[2]) is not dict:
        raise source.damaged("it does not begin as torch.save's legacy layout does")
    if heads[2].get("little_endian") is not True:
        raise source.refused("numbers in big-endian byte order")
    if position - start <= _HEAD_BYTES:
        source.legacy_head = bytes(source.view[start:position])
    return position


def _place(source: Source, position: int, end: int, storage: Storage) -> int:
    if end - position < _COUNT.size:
        raise source.damaged("the numbers of a tensor are missing")
    (count,) = _COUNT.unpack_from(source.view, position)
    start = position + _COUNT.size
    if count != storage.count or storage.size > end - start:
        raise source.damaged(
            f"a storage announces {count:,} numbers and {storage.count:,} are wanted, but "
            f"{end - start:,} bytes are left"
        )
    storage.place(source, Span(source, start, storage.size), "a storage")
    return start + storage.size


def _storage(source: Source, identity: Any, storages: dict[str, Storage]) -> tuple[Storage, str]:
    """The storage of a persistent id, one for all that name it."""
    if type(identity) is not tuple or not identity or identity[0] != "storage":
        raise source.refused("a persistent id that is not of a storage")
    if len(identity) not in (5, 6) or (len(identity) == 6 and identity[5] is not None):
        raise source.refused("a storage in a layout before torch 1.0")
    _, kind, name, _, count = identity[:5]
    if type(name) is not str or not name.isascii() or not name.isalnum() or len(name) > 40:
        raise source.refused("a storage whose name is no number")
    made = storage_of(source, kind, count)
    storage = storages.setdefault(name, made)
    if (storage.dtype, storage.count) != (made.dtype, made.count):
        raise source.damaged(f"the storage {name} is of two kinds")
    return storage, name


def _nested(source: Source, arguments: tuple[Any, ...]) -> Storage:
    """A storage in the legacy layout within a plain pickle, which holds nothing else."""
    content = arguments[0] if len(arguments) == 1 else None
    if type(content) is not Span or content.text:
        raise source.refused("a nested storage that is not bytes")
    source = content.source
    if bytes(source.view[content.start : content.start + 4]) == ZIP_START:
        raise source.refused("a nested zip container is not something that weights need")
    value = read_legacy(source, content.start, content.start + content.size, storage_only=True)
    if type(value) is not Storage:
        raise source.refused("a nested file that holds something else than one storage")
    return value


PLAIN = {**COMMON, **NVIDIA, "torch.storage._load_from_bytes": Stub(_nested)}
"""What a plain pickle may name."""
