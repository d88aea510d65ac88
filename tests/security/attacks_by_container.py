"""Zip containers, legacy files and safetensors that lie about what they hold."""

import io
import json
import pickle
import struct
import zipfile

from security.assembler import (
    BINPERSID,
    COUNTED,
    EMPTY_DICT,
    NONE,
    TENSOR,
    call,
    container,
    legacy,
    list_of,
    name,
    nested,
    number,
    pickled,
    storage_id,
    text,
    tuple_of,
)  # fmt: skip
from security.attack import Attack, damaged

SHELL = "echo attacked > canary.txt"
SYSTEM = pickled(call("os", "system", text(SHELL)))

END = b"PK\x05\x06"
ENTRY = b"PK\x01\x02"


def attacks():
    """All of them by name."""
    return _second_pickles() | _members() | _directories() | _legacies() | _safetensors()


def _second_pickles():
    """Pickles within pickles, of which only the known one is read."""
    inner = pickle.dumps({"a": 1}, protocol=2)
    loads = ("torch.storage", "_load_from_bytes")
    return {
        "os.system in a nested storage": Attack(pickled(nested(legacy(SYSTEM))), "^os.system "),
        "os.system before a nested storage": Attack(pickled(nested(SYSTEM)), "^os.system "),
        "a nested pickle": damaged(pickled(nested(inner)), "a pickle has no end"),
        "a nested dict": Attack(
            pickled(nested(legacy(pickled(EMPTY_DICT), keys=(), storages=()))), "than one storage"
        ),
        "a nested tensor": Attack(
            pickled(nested(legacy(TENSOR))), "^torch._utils._rebuild_tensor_v2 "
        ),
        "a nested zip container": Attack(
            pickled(nested(container(TENSOR))), "^a nested zip container"
        ),
        "a nested storage in a nested storage": Attack(
            pickled(nested(legacy(pickled(nested(legacy(pickled(storage_id()))))))),
            "^torch.storage._load_from_bytes ",
        ),
        "a nested storage in a zip container": Attack(
            container(pickled(nested(legacy(pickled(storage_id()))))),
            "^torch.storage._load_from_bytes ", "torch",
        ),
        "a nested storage from a number": Attack(pickled(call(*loads, number(3))), "not bytes"),
        "os.system in data.pkl": Attack(container(SYSTEM), "^os.system ", "torch"),
        "os.system behind data.pkl": damaged(
            container(TENSOR + SYSTEM), "data.pkl goes on", reader="torch"
        ),
        "os.system in the byte order": Attack(
            container(TENSOR, order=SYSTEM), "big-endian", "torch"
        ),
        "os.system in the version": Attack(
            container(SYSTEM, members=[("data/0", SYSTEM)]), "^os.system ", "torch"
        ),
        "os.system behind a plain pickle": damaged(pickled(NONE) + SYSTEM, "bytes follow its end"),
        "a network record in a file of torch.save": Attack(
            container(pickled(name("dnnlib.tflib.network", "Network"))), "^dnnlib.tflib", "torch"
        ),
        "a whole module": Attack(
            container(pickled(tuple_of(text("module"), NONE, text("x.py"), NONE), BINPERSID)),
            "not of a storage", "torch",
        ),
        "a persistent id of text": Attack(
            container(pickled(text(SHELL), BINPERSID)), "not of a storage", "torch"
        ),
        "a storage called like a path": Attack(
            container(pickled(storage_id(key="../../canary.txt"))), "name is no number", "torch"
        ),
        "a storage that is missing": damaged(
            container(pickled(storage_id(key="7"))), "lacks the member data/7", reader="torch"
        ),
        "a storage of complex numbers": Attack(
            container(pickled(storage_id(kind="ComplexFloatStorage"))),
            "^torch.ComplexFloatStorage ", "torch",
        ),
        "a storage of a function": Attack(
            container(pickled(
                tuple_of(text("storage"), name("torch", "Size"), text("0"), text("cpu"), number(1)),
                BINPERSID)),
            "storage of an unknown class", "torch",
        ),
        "a storage of two kinds": damaged(
            container(pickled(list_of(storage_id(), storage_id(kind="IntStorage")))), "two kinds",
            reader="torch",
        ),
    }  # fmt: skip


def _members():
    """Names of members, and ways in which they are stored."""
    found = {}
    for member in (
        "../../evil.py", "data/../../evil", "/etc/cron.d/evil", "//host/share", "..\\evil",
        "C:/evil", "data/./0", "data//0",
    ):  # fmt: skip
        content = container(TENSOR, members=[(member, b"1234")], folder="archive")
        found[f"the zip member {member}"] = Attack(content, "leaves its folder", "torch")
    absolute = container(TENSOR, folder="/etc")
    found["an absolute folder"] = Attack(absolute, "leaves its folder", "torch")
    found["a folder above"] = Attack(container(TENSOR, folder=".."), "leaves its folder", "torch")
    for member in ("evil.so", "data/0.pkl", "data/a/b", "torch.py", "data.pkl/x"):
        content = container(TENSOR, members=[(member, b"1234")])
        found[f"the zip member {member}"] = Attack(content, "is not torch.save's", "torch")
    for member in ("code/__torch__.py", "constants.pkl"):
        content = container(TENSOR, members=[(member, b"1234")])
        found[f"TorchScript's {member}"] = Attack(content, "TorchScript archive", "torch")
    found["no folder"] = Attack(container(TENSOR, folder=""), "is not torch.save's", "torch")
    found["two folders"] = Attack(
        container(TENSOR).replace(b"archive/version", b"another/version"), "more than one folder",
        "torch",
    )  # fmt: skip
    found["two members of one name"] = Attack(
        container(TENSOR, members=[("data/0", b"1234"), ("data/1", b"1234")]).replace(
            b"archive/data/1", b"archive/data/0"
        ),
        "two zip members", "torch",
    )  # fmt: skip
    bomb = container(
        pickled(storage_id(kind="ByteStorage", count=2**29)),
        members=[("data/0", bytes(2**24))], method=zipfile.ZIP_DEFLATED,
    )  # fmt: skip
    found["a zip bomb"] = Attack(bomb, "compressed or encrypted", "torch")
    flags = bytearray(container(TENSOR))
    flags[flags.index(ENTRY) + 8] |= 1
    found["an encrypted member"] = Attack(bytes(flags), "compressed or encrypted", "torch")
    many = io.BytesIO()
    with zipfile.ZipFile(many, "w") as file:
        for index in range(51_000):
            file.writestr(zipfile.ZipInfo(f"a/data/{index}"), b"")
    found["many members"] = Attack(many.getvalue(), "container of 51,000 members", "torch")
    return found


def _patched(content, mark, offset, layout, value):
    """A container with one field changed in the first record that a mark begins."""
    changed = bytearray(content)
    struct.pack_into(layout, changed, changed.index(mark) + offset, value)
    return bytes(changed)


def _directories():
    """Central directories that lie."""
    good = container(TENSOR)
    cases = {
        "fewer entries than there are": (END, 8, "<HH", (2, 2)),
        "more entries than there are": (END, 8, "<HH", (9, 9)),
        "a directory elsewhere": (END, 16, "<I", (4,)),
        "a directory behind the end": (END, 16, "<I", (2**31,)),
        "a short directory": (END, 12, "<I", (20,)),
        "a comment that is missing": (END, 20, "<H", (500,)),
        "a member behind the directory": (ENTRY, 42, "<I", (2**31,)),
        "a member elsewhere": (ENTRY, 42, "<I", (3,)),
        "a member longer than the file": (ENTRY, 20, "<II", (2**31, 2**31)),
        "a member with a long name": (ENTRY, 28, "<H", (60_000,)),
        "a long size that is missing": (ENTRY, 20, "<II", (2**32 - 1, 2**32 - 1)),
    }
    found = {}
    for title, (mark, offset, layout, values) in cases.items():
        changed = bytearray(good)
        struct.pack_into(layout, changed, changed.index(mark) + offset, *values)
        found[title] = damaged(bytes(changed), "zip (container|member)", reader="torch")
    found["sizes that differ"] = Attack(
        _patched(good, ENTRY, 24, "<I", 2**30), "compressed or encrypted", "torch"
    )
    found["a second disk"] = damaged(
        _patched(good, END, 4, "<H", 1), "directory|in several files", reader="torch"
    )._replace(kind="UnsafeCheckpointError")
    inner = container(TENSOR, members=[("data/0", b"1234"), ("data/1", b"1234567890" * 20)])
    local = inner.index(b"PK\x03\x04", inner.index(b"archive/data/1") - 40)
    start = local + 30 + len("archive/data/1")
    fake = struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, 0, 0, 0, 0, 0, 4, 4, 14, 0)
    lying = bytearray(inner)
    lying[start : start + 44] = fake + b"archive/data/0"
    entry = inner.index(ENTRY, inner.index(ENTRY))
    while inner[entry + 46 : entry + 60] != b"archive/data/0":
        entry = inner.index(ENTRY, entry + 4)
    struct.pack_into("<I", lying, entry + 42, start)
    found["a member within another"] = Attack(bytes(lying), "lies within another", "torch")
    found["no directory"] = damaged(
        good[: good.index(ENTRY)], "directory at the end", reader="torch"
    )
    found["bytes behind the end"] = damaged(good + b"\0", "goes on after|missing", reader="torch")
    found["no data.pkl"] = damaged(
        good.replace(b"archive/data.pkl", b"archive/data/zzz"), "holds no data.pkl", reader="torch"
    )
    found["a storage of another length"] = damaged(
        container(TENSOR, members=[("data/0", b"12345678")]), "wants 4 bytes, but 8", reader="torch"
    )
    found["numbers in big-endian order"] = Attack(
        container(TENSOR, order=b"big"), "big-endian", "torch"
    )
    return found


def _legacies():
    one = COUNTED
    tampered = {
        "os.system in the value": SYSTEM,
        "os.system in a tuple": pickled(tuple_of(call("os", "system", text(SHELL)))),
    }
    found = {
        f"legacy: {title}": Attack(legacy(main), "^os.system ", "torch")
        for title, main in tampered.items()
    }
    good = legacy(TENSOR)
    magic = pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2)
    found |= {
        "legacy: os.system in the system's description": Attack(
            magic + pickle.dumps(1001, protocol=2) + SYSTEM, "^os.system ", "torch"
        ),
        "legacy: os.system in the protocol": Attack(magic + SYSTEM, "^os.system ", "torch"),
        "legacy: os.system in the list of storages": Attack(
            good[: -len(one) - len(pickle.dumps(["0"], protocol=2))] + SYSTEM,
            "^os.system ", "torch",
        ),
        "legacy: big-endian numbers": Attack(legacy(TENSOR, little=False), "big-endian", "torch"),
        "legacy: storages that nobody names": damaged(
            legacy(TENSOR, keys=("0", "1")), "does not fit the tensors", reader="torch"
        ),
        "legacy: a storage named twice": damaged(
            legacy(TENSOR, keys=("0", "0"), storages=(one, one)), "does not fit the tensors",
            reader="torch",
        ),
        "legacy: storages by number": damaged(
            legacy(TENSOR, keys=(0,)), "does not fit the tensors", reader="torch"
        ),
        "legacy: a storage that counts 2^62": damaged(
            legacy(TENSOR, storages=(struct.pack("<qf", 2**62, 1),)), "announces 4,611,",
            reader="torch",
        ),
        "legacy: a storage that counts -1": damaged(
            legacy(TENSOR, storages=(struct.pack("<qf", -1, 1),)), "announces -1", reader="torch"
        ),
        "legacy: bytes behind the end": damaged(good + SYSTEM, "left over", reader="torch"),
        "legacy: a view of a storage": Attack(
            legacy(pickled(tuple_of(
                text("storage"), name("torch", "FloatStorage"), text("0"), text("cpu"), number(1),
                tuple_of(text("0"), number(0), number(1))), BINPERSID)),
            "layout before torch 1.0", "torch",
        ),
        "a plain pickle for torch": damaged(
            pickle.dumps([1], protocol=2), "does not begin as a file of torch.save", reader="torch"
        ),
        "a file of torch.save as a plain pickle": damaged(good, "open it with read_torch"),
    }  # fmt: skip
    return found


def safetensors(header, content=b"", *, length=None):
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw) if length is None else length) + raw + content


def _safetensors():
    metadata = {
        "format": "smis-1", "kind": "stylegan2-generator", "card": "{}",
        "config": json.dumps({"resolution": 8, "z_dim": 4, "w_dim": 6}),
    }  # fmt: skip
    entry = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}

    def file(content=b"1234", **changes):
        tensors = {"a": {**entry, **changes}}
        return safetensors({"__metadata__": metadata, **tensors}, content)

    cases = {
        "a header of 2^63 bytes": safetensors({"a": entry}, b"1234", length=2**63),
        "a header of 2^40 bytes": safetensors({"a": entry}, b"1234", length=2**40),
        "a header that is longer than the file": safetensors({}, length=500),
        "a header that is no JSON": safetensors(b"{'a': os.system}"),
        "a header that is a pickle": safetensors(SYSTEM),
        "a deep header": safetensors(b'{"a":' * 100_000),
        "a deep list in the header": safetensors(b'{"a":' + b"[" * 100_000),
        "a negative shape": file(shape=[-1]),
        "a shape that overflows": file(shape=[2**63, 2**63]),
        "a shape that does not fit": file(shape=[2**40]),
        "an unknown dtype": file(dtype="OBJECT"),
        "offsets beyond the file": file(data_offsets=[0, 2**40]),
        "offsets that run backwards": file(data_offsets=[4, 0]),
        "bytes that nobody names": file(b"1234" * 9),
        "overlapping tensors": safetensors({"a": entry, "b": entry}, b"1234"),
        "metadata that is no text": safetensors({"__metadata__": {"a": 1}, "a": entry}, b"1234"),
    }  # fmt: skip
    found = {
        f"safetensors: {title}": damaged(content, "not a whole safetensors file", reader="network")
        for title, content in cases.items()
    }

    def ours(**changes):
        return safetensors({"__metadata__": {**metadata, **changes}, "a": entry}, b"1234")

    found |= {
        "safetensors: another format": damaged(
            ours(format="other"), "but smis-1 is wanted", reader="network"
        ),
        "safetensors: a kind that is a class": damaged(
            ours(kind="os.system"), "kind 'os.system'", reader="network"
        ),
        "safetensors: a small network announced": damaged(
            ours(), "does not hold the network", reader="network"
        ),
        "safetensors: a gigantic network announced": damaged(
            ours(config=json.dumps({"resolution": 2**12, "channel_base": 2**30,
                                    "channel_max": 2**14, "w_dim": 2**14, "z_dim": 2**14})),
            "makes no network|does not hold the network", reader="network",
        ),
        "safetensors: a network of a billion layers": damaged(
            ours(config=json.dumps({"resolution": 8, "mapping_layers": 10**9})),
            "makes no network", reader="network",
        ),
        "safetensors: pictures of a gigantic size": damaged(
            ours(config=json.dumps({"resolution": 2**9000, "channel_base": 2**9000})),
            "makes no network", reader="network",
        ),
        "safetensors: a configuration of lists in lists": damaged(
            ours(config="[" * 50_000), "makes no network", reader="network"
        ),
        "safetensors: a configuration of code": damaged(
            ours(config=json.dumps({"resolution": "__import__('os')"})),
            "makes no network", reader="network",
        ),
        "safetensors: a configuration that is no JSON": damaged(
            ours(config="os.system('x')"), "makes no network", reader="network"
        ),
    }  # fmt: skip
    return found
