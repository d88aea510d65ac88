"""Pickles and containers put together byte by byte, so that they can say what no library would.

Every function returns opcodes; a pickle is their sum between `BEGIN` and `STOP`.
"""

import io
import pickle
import struct
import zipfile

BEGIN = b"\x80\x02"
STOP = b"."
MARK = b"("
NONE = b"N"
TRUE = b"\x88"
EMPTY_TUPLE, EMPTY_LIST, EMPTY_DICT, EMPTY_SET = b")", b"]", b"}", b"\x8f"
APPEND, APPENDS, SETITEM, SETITEMS = b"a", b"e", b"s", b"u"
TUPLE, TUPLE1, TUPLE2, TUPLE3 = b"t", b"\x85", b"\x86", b"\x87"
REDUCE, NEWOBJ, NEWOBJ_EX, OBJ, BUILD = b"R", b"\x81", b"\x92", b"o", b"b"
MEMOIZE, STACK_GLOBAL, BINPERSID, DUP, POP = b"\x94", b"\x93", b"Q", b"2", b"0"

NUMBER = struct.pack("<f", 2.5)
COUNTED = struct.pack("<q", 1) + NUMBER
"""The content of a storage of one number: in zip containers, and in the legacy layout."""

MAGIC = 0x1950A86A20F9469CFC6C


def pickled(*parts):
    return BEGIN + b"".join(parts) + STOP


def _raw(value):
    return value.encode("utf-8", "surrogatepass")


def name(module, attribute):
    """GLOBAL."""
    return b"c" + _raw(module) + b"\n" + _raw(attribute) + b"\n"


def text(value):
    raw = _raw(value)
    return b"X" + struct.pack("<I", len(raw)) + raw


def data(value):
    return b"B" + struct.pack("<I", len(value)) + value


def number(value):
    return b"J" + struct.pack("<i", value)


def get(index):
    return b"j" + struct.pack("<I", index)


def put(index):
    return b"r" + struct.pack("<I", index)


def tuple_of(*parts):
    return MARK + b"".join(parts) + TUPLE


def list_of(*parts):
    return EMPTY_LIST + MARK + b"".join(parts) + APPENDS


def dict_of(**entries):
    return EMPTY_DICT + MARK + b"".join(text(k) + v for k, v in entries.items()) + SETITEMS


def call(module, attribute, *arguments):
    return name(module, attribute) + tuple_of(*arguments) + REDUCE


def storage_id(*, kind="FloatStorage", key="0", count=1, module="torch"):
    """What stands for a storage in files of torch.save."""
    return (
        tuple_of(text("storage"), name(module, kind), text(key), text("cpu"), number(count))
        + BINPERSID
    )


def tensor_of(storage, *, offset=0, sizes=(1,), strides=(1,), tail=b""):
    return call(
        "torch._utils", "_rebuild_tensor_v2", storage, number(offset),
        tuple_of(*map(number, sizes)), tuple_of(*map(number, strides)), b"\x89",
        call("collections", "OrderedDict"), tail,
    )  # fmt: skip


def legacy(main, *, keys=("0",), storages=(COUNTED,), little=True):
    """The legacy layout of torch.save around a pickle."""
    heads = [MAGIC, 1001, {"protocol_version": 1001, "little_endian": little, "type_sizes": {}}]
    start = b"".join(pickle.dumps(head, protocol=2) for head in heads)
    return start + main + pickle.dumps([*keys], protocol=2) + b"".join(storages)


def nested(content):
    """A storage in a plain pickle."""
    return call("torch.storage", "_load_from_bytes", data(content))


def array_of(content, *, dtype="f4", shape=(1,), state_tail=b"", core="numpy.core"):
    made = call(
        f"{core}.multiarray", "_reconstruct", name("numpy", "ndarray"), tuple_of(number(0)),
        data(b"b"),
    )  # fmt: skip
    order = tuple_of(number(3), text("<"), NONE, NONE, NONE, number(-1), number(-1), number(0))
    described = call("numpy", "dtype", text(dtype), b"\x89", TRUE) + order + BUILD
    shapes = tuple_of(*map(number, shape))
    return made + tuple_of(number(1), shapes, described, b"\x89", content, state_tail) + BUILD


def record(class_name, state=EMPTY_DICT, *, source="", kind="class"):
    """A persistence record of NVIDIA's PyTorch files."""
    return call(
        "torch_utils.persistence", "_reconstruct_persistent_obj",
        dict_of(type=text(kind), version=number(6), module_src=text(source),
                class_name=class_name if isinstance(class_name, bytes) else text(class_name),
                state=state),
    )  # fmt: skip


def container(main, *, members=(("data/0", NUMBER),), folder="archive",
              method=zipfile.ZIP_STORED, order=b"little"):  # fmt: skip
    """The zip container of torch.save around a pickle."""
    every = [("data.pkl", main), ("byteorder", order), ("version", b"3\n"), *members]
    prefix = f"{folder}/" if folder else ""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as file:
        for member, content in every:
            file.writestr(prefix + member, content)
    return made.getvalue()


TENSOR = pickled(tensor_of(storage_id()))
"""One tensor of one number, as it stands in files of torch.save."""
