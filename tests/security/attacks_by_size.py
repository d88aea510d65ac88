"""Small files that would take much time or memory, and structures that never end."""

import struct

from security.assembler import (
    APPEND,
    APPENDS,
    BEGIN,
    DUP,
    EMPTY_DICT,
    EMPTY_LIST,
    EMPTY_SET,
    EMPTY_TUPLE,
    MARK,
    MEMOIZE,
    NONE,
    POP,
    SETITEM,
    SETITEMS,
    TENSOR,
    TUPLE,
    TUPLE1,
    array_of,
    call,
    container,
    data,
    dict_of,
    get,
    legacy,
    list_of,
    name,
    nested,
    number,
    pickled,
    put,
    record,
    storage_id,
    tensor_of,
    text,
    tuple_of,
)  # fmt: skip
from security.attack import Attack, damaged

MILLION = 1_000_000


def attacks():
    """All of them by name."""
    return _announced() | _counted() | _deep() | _repeated() | _tensors()


def _announced():
    """Sizes that are announced and not there."""
    sizes = {
        "BINBYTES": b"B" + struct.pack("<I", 2**32 - 1),
        "BINBYTES8": b"\x8e" + struct.pack("<Q", 2**63),
        "BINBYTES8 of all ones": b"\x8e" + b"\xff" * 8,
        "BINUNICODE": b"X" + struct.pack("<I", 2**32 - 1),
        "BINUNICODE8": b"\x8d" + struct.pack("<Q", 2**62),
        "BYTEARRAY8": b"\x96" + struct.pack("<Q", 2**40),
        "BINSTRING": b"T" + struct.pack("<i", 2**31 - 1),
        "LONG4": b"\x8b" + struct.pack("<i", 2**31 - 1),
        "FRAME": b"\x95" + struct.pack("<Q", 2**60),
    }
    found = {
        f"{title} without its content": damaged(pickled(code, b"abc"), "bytes are announced")
        for title, code in sizes.items()
    }
    for title, code in {"LONG4": b"\x8b", "BINSTRING": b"T"}.items():
        found[f"{title} of negative length"] = damaged(
            pickled(code, struct.pack("<i", -1)), "negative length"
        )
    found["a long whole number"] = Attack(
        pickled(b"\x8b", struct.pack("<i", MILLION), b"\x7f" * MILLION), "a whole number of 1,000,"
    )
    found["a long text"] = Attack(pickled(text("a" * (17 * 2**20))), r"a text of 17,825,792 bytes")
    found["a long name"] = damaged(pickled(name("o" * MILLION, "system")), "a name has no end")
    found["a long key"] = Attack(pickled(EMPTY_DICT, text("k" * 9999), NONE, SETITEM), "long text")
    found["a memo number"] = Attack(pickled(NONE, put(2**32 - 1)), "the number 4,294,967,295")
    found["a memo number that was never given"] = damaged(pickled(get(7)), "under the number 7")
    return found


def _counted():
    """As many values as fit."""
    steps = "^more than 1,000,000 steps"
    containers = "^more than 200,000 containers"
    integer = b"J\x01\x02\x03\x04"
    return {
        "a stack of nothing": Attack(BEGIN + NONE * 3 * MILLION, steps),
        "a stack of numbers": Attack(BEGIN + integer * 3 * MILLION, steps),
        "a stack of floats": Attack(BEGIN + (b"G" + b"\x40" * 8) * 3 * MILLION, steps),
        "a stack of copies": Attack(BEGIN + EMPTY_LIST + DUP * 3 * MILLION, steps),
        "a stack from the memo": Attack(BEGIN + NONE + MEMOIZE + b"h\0" * 3 * MILLION, steps),
        "a memo of copies": Attack(BEGIN + EMPTY_DICT + MEMOIZE * 3 * MILLION, steps),
        "a memo of numbers": Attack(BEGIN + (integer + MEMOIZE) * 2 * MILLION, steps),
        "a dict of numbers": Attack(
            BEGIN + EMPTY_DICT + MARK
            + b"".join(b"J" + struct.pack("<i", i) + b"K\0" for i in range(490_000))
            + SETITEMS + NONE * MILLION,
            steps,
        ),
        "a stack of frames": Attack(BEGIN + (b"\x95" + b"\0" * 8) * 2 * MILLION, steps),
        "a stack of marks": Attack(BEGIN + MARK * 3 * MILLION, "^more than 200 open marks"),
        "lists": Attack(BEGIN + EMPTY_LIST * 3 * MILLION, containers),
        "dicts": Attack(BEGIN + EMPTY_DICT * 3 * MILLION, containers),
        "sets": Attack(BEGIN + EMPTY_SET * 3 * MILLION, containers),
        "records": Attack(
            BEGIN + name("argparse", "Namespace") + MEMOIZE
            + (b"h\0" + EMPTY_TUPLE + b"\x81" + POP) * MILLION,
            containers,
        ),
    }  # fmt: skip


def _deep():
    """Structures that are deep, contain themselves or are dear to hash."""
    climb = b"".join(put(0) + POP + EMPTY_LIST + get(0) + APPEND for _ in range(50_000))
    colliding = b"".join(
        b"\x8a\x10" + ((2**61 - 1) * (i + 1)).to_bytes(16, "little") + NONE for i in range(20_000)
    )
    return {
        "lists in lists": Attack(
            pickled(EMPTY_LIST * 50_000, APPEND * 49_999), "containers in each other"
        ),
        "tuples in tuples": Attack(
            pickled(EMPTY_TUPLE, TUPLE1 * 100_000), "containers in each other"
        ),
        "lists in lists through the memo": Attack(
            pickled(EMPTY_LIST, climb), "containers in each other"
        ),
        "dicts in dicts": Attack(
            pickled((EMPTY_DICT + text("k")) * 50_000, NONE, SETITEM * 50_000),
            "containers in each other",
        ),
        "open tuples": Attack(pickled(MARK * 100_000, TUPLE * 100_000), "open marks"),
        "records in records": Attack(
            pickled(*_nested_records(300)), "containers in each other"
        ),
        "a deep tuple as a key": Attack(
            pickled(EMPTY_DICT, EMPTY_TUPLE, TUPLE1 * 100_000, NONE, SETITEM), "the key of a dict"
        ),
        "a deep tuple in a set": Attack(
            pickled(EMPTY_SET, MARK, EMPTY_TUPLE, TUPLE1 * 100_000, b"\x90"), "or in a set"
        ),
        "keys of one hash": Attack(pickled(EMPTY_DICT, MARK, colliding, SETITEMS), "long int"),
        "a list in itself": Attack(pickled(EMPTY_LIST, put(0), get(0), APPEND), "contains itself"),
        "a dict in itself": Attack(
            pickled(EMPTY_DICT, put(0), text("me"), get(0), SETITEM), "contains itself"
        ),
        "a tuple in its list": Attack(
            pickled(EMPTY_LIST, put(0), get(0), TUPLE1, APPEND), "contains itself"
        ),
        "a record in itself": Attack(
            pickled(
                EMPTY_DICT, put(0), POP, record("Generator", get(0)), put(1), POP,
                get(0), text("me"), get(1), SETITEM,
            ),
            "contains itself",
        ),
        "values from below a mark": damaged(pickled(NONE, MARK, POP, POP, POP), "takes more"),
        "a mark that hides a value": damaged(
            pickled(EMPTY_LIST, MARK, APPEND), "takes more values"
        ),
    }  # fmt: skip


def _nested_records(depth):
    start = b"".join(
        name("torch_utils.persistence", "_reconstruct_persistent_obj") + MARK + EMPTY_DICT
        + text("type") + text("class") + SETITEM + text("class_name") + text("G") + SETITEM
        + text("state") + EMPTY_DICT + text("part")
        for _ in range(depth // 2)
    )  # fmt: skip
    return start, NONE, (SETITEM + SETITEM + TUPLE + b"R") * (depth // 2)


def _repeated():
    """One thing, used again and again."""
    laughs = EMPTY_LIST + put(0) + POP
    for level in range(30):
        laughs += EMPTY_LIST + MARK + get(level) * 10 + APPENDS + put(level + 1) + POP
    many = list_of(*[number(i) for i in range(50_000)])
    repeat = "copied again and again"
    text_once = text("\xff" * 100_000) + put(0) + POP
    stored = legacy(
        pickled(storage_id(count=MILLION)),
        storages=[struct.pack("<q", MILLION), bytes(4 * MILLION)],
    )
    return {
        "a billion laughs": Attack(pickled(laughs, get(30)), "if shared ones are repeated"),
        "a list made a set again and again": Attack(
            pickled(many, put(0), POP, EMPTY_LIST, MARK,
                    call("builtins", "set", get(0)) * 1000, APPENDS),
            "^more than 1,000,000 steps",
        ),
        "pairs made a dict again and again": Attack(
            pickled(
                list_of(*[tuple_of(number(i), NONE) for i in range(20_000)]), put(0), POP,
                EMPTY_LIST, MARK, call("collections", "OrderedDict", get(0)) * 1000, APPENDS,
            ),
            "^more than 1,000,000 steps",
        ),
        "variables of a thousand networks": Attack(
            pickled(
                array_of(data(b"1234")), put(1), POP,
                list_of(*[tuple_of(text("a"), get(1)) for _ in range(20_000)]), put(0), POP,
                EMPTY_LIST, MARK,
                (name("dnnlib.tflib.network", "Network") + EMPTY_TUPLE + b"\x81"
                 + dict_of(version=number(4), name=text("G"), static_kwargs=EMPTY_DICT,
                           variables=get(0)) + b"b") * 1000,
                APPENDS,
            ),
            "^more than 1,000,000 steps",
        ),
        "a text unpacked again and again": Attack(
            pickled(text_once, EMPTY_LIST, MARK,
                    call("_codecs", "encode", get(0), text("latin1")) * 20_000, APPENDS),
            repeat,
        ),
        "a storage unpacked again and again": Attack(
            pickled(
                data(stored), put(0), POP, EMPTY_LIST, MARK,
                tensor_of(call("torch.storage", "_load_from_bytes", get(0))) * 1000, APPENDS,
            ),
            repeat,
        ),
    }  # fmt: skip


def _tensors():
    """Tensors and arrays that are larger than what they are made of."""
    long = b"\x8a\x08" + struct.pack("<q", 2**62)
    found = {}
    for title, change, reason in [
        ("spread over one number", {"sizes": (2**31 - 1, 2**31 - 1), "strides": (0, 0)},
         "a tensor of the shape"),
        ("of a billion copies", {"sizes": (2**30,), "strides": (0,)}, "storage holds 1"),
        ("beyond its storage", {"sizes": (2,)}, "wants 2 numbers, but its storage holds 1"),
        ("before its storage", {"offset": -1}, "begins outside"),
        ("behind its storage", {"offset": 1}, "wants 2 numbers"),
        ("of negative size", {"sizes": (-1,)}, "negative size"),
        ("that runs backwards", {"strides": (-1,)}, "negative size"),
        ("of two lengths", {"sizes": (1, 1)}, "strides of another length"),
        ("of forty dimensions", {"sizes": (1,) * 40, "strides": (1,) * 40}, "40 dimensions"),
    ]:  # fmt: skip
        kind = Attack if "shape" in reason or "dimensions" in reason else damaged
        found[f"a tensor {title}"] = kind(
            container(pickled(tensor_of(storage_id(), **change))), reason, reader="torch"
        )
    wide = call(
        "torch._utils", "_rebuild_tensor", storage_id(), number(0), tuple_of(long, long),
        tuple_of(long, long),
    )  # fmt: skip
    found["a tensor whose size overflows"] = Attack(
        container(pickled(wide)), "a tensor of the shape", "torch"
    )
    found["a tensor with hooks"] = Attack(
        container(pickled(call(
            "torch._utils", "_rebuild_tensor_v2", storage_id(), number(0), tuple_of(number(1)),
            tuple_of(number(1)), b"\x89", dict_of(a=NONE)))),
        "with hooks", "torch",
    )  # fmt: skip
    found["a tensor with metadata"] = Attack(
        container(pickled(tensor_of(storage_id(), tail=dict_of(conj=b"\x88")))),
        "more than numbers", "torch",
    )  # fmt: skip
    found["a storage of 2^31 numbers"] = damaged(
        container(pickled(tensor_of(storage_id(count=2**31 - 1)))), "wants 8,589,934,588 bytes",
        reader="torch",
    )  # fmt: skip
    found["a storage of a negative size"] = damaged(
        container(pickled(tensor_of(storage_id(count=-1)))), "has no size", reader="torch"
    )
    found["a nested storage of 2^31 numbers"] = damaged(
        pickled(tensor_of(nested(legacy(pickled(storage_id(count=2**31 - 1)))))),
        "a storage announces",
    )
    for title, shape, reason, kind in [
        ("too large for its bytes", (2**20, 2**10), "wants 4,294,967,296 bytes", damaged),
        ("of none, yet too large", (0, 2**31 - 1, 2**31 - 1), "of the shape", Attack),
        ("of negative size", (-1, -1), "negative size", damaged),
    ]:
        found[f"an array {title}"] = kind(pickled(array_of(data(b"1234"), shape=shape)), reason)
    found["an array of what is no letter"] = damaged(
        pickled(array_of(data(b"\xff\xff\xff\x7f"), dtype="U1")), "no letter"
    )
    found["a tensor without end"] = damaged(
        legacy(TENSOR[:-1]), "no opcode|no end|left over|announced|takes more", reader="torch"
    )
    return found
