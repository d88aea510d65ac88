"""Files that name what would run code, or call what may be named in a way that would."""

import pickle

from security.assembler import (
    APPENDS,
    BINPERSID,
    BUILD,
    DUP,
    EMPTY_DICT,
    EMPTY_LIST,
    EMPTY_TUPLE,
    MARK,
    NEWOBJ,
    NEWOBJ_EX,
    NONE,
    OBJ,
    REDUCE,
    STACK_GLOBAL,
    TUPLE1,
    array_of,
    call,
    data,
    dict_of,
    get,
    list_of,
    name,
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

SHELL = "echo attacked > canary.txt"
PYTHON = "open('canary.txt', 'w').write('attacked')"

CALLS = [
    ("os", "system", SHELL), ("posix", "system", SHELL), ("nt", "system", SHELL),
    ("os", "popen", SHELL), ("os", "remove", "canary.txt"), ("os", "truncate", "canary.txt"),
    ("subprocess", "Popen", SHELL), ("subprocess", "check_output", SHELL),
    ("subprocess", "getoutput", SHELL), ("_posixsubprocess", "fork_exec", SHELL),
    ("builtins", "exec", PYTHON), ("builtins", "eval", PYTHON), ("__builtin__", "eval", PYTHON),
    ("builtins", "compile", PYTHON), ("builtins", "__import__", "os"),
    ("builtins", "open", "canary.txt"), ("io", "open", "canary.txt"),
    ("_io", "FileIO", "canary.txt"), ("builtins", "getattr", "os"), ("builtins", "type", "x"),
    ("builtins", "map", "x"), ("builtins", "vars", "x"), ("builtins", "breakpoint", "x"),
    ("builtins", "input", "x"), ("builtins", "list", "x"), ("builtins", "dict", "x"),
    ("operator", "attrgetter", "system"), ("operator", "methodcaller", "system"),
    ("functools", "partial", "os"), ("functools", "reduce", "os"),
    ("importlib", "import_module", "os"), ("importlib.machinery", "SourceFileLoader", "x"),
    ("runpy", "run_path", "canary.txt"), ("runpy", "_run_code", PYTHON),
    ("pty", "spawn", SHELL), ("webbrowser", "open", "file:///"), ("pydoc", "pipepager", SHELL),
    ("pydoc", "locate", "os"), ("timeit", "timeit", PYTHON), ("timeit", "main", PYTHON),
    ("cProfile", "run", PYTHON), ("profile", "Profile.run", PYTHON), ("trace", "Trace", PYTHON),
    ("pdb", "run", PYTHON), ("bdb", "Bdb.run", PYTHON), ("code", "InteractiveInterpreter", "x"),
    ("doctest", "debug_script", PYTHON), ("ctypes", "CDLL", "libc.so.6"),
    ("socket", "create_connection", "localhost"), ("urllib.request", "urlopen", "file:///"),
    ("shutil", "rmtree", "."), ("pathlib", "PosixPath", "canary.txt"),
    ("pickle", "loads", "x"), ("_pickle", "loads", "x"), ("pickle", "Unpickler", "x"),
    ("marshal", "loads", "x"), ("types", "FunctionType", "x"), ("types", "CodeType", "x"),
    ("dill._dill", "_create_function", "x"), ("dill", "loads", "x"), ("joblib", "load", "x"),
    ("cloudpickle.cloudpickle", "_make_function", "x"), ("cloudpickle", "loads", "x"),
    ("copyreg", "_reconstructor", "x"), ("copy_reg", "_reconstructor", "x"),
    ("copyreg", "__newobj__", "x"), ("copyreg", "add_extension", "x"),
    ("copyreg", "pickle", "x"), ("numpy", "load", "canary.txt"),
    ("numpy", "fromfile", "canary.txt"), ("numpy", "memmap", "canary.txt"),
    ("numpy.testing._private.utils", "runstring", PYTHON), ("numpy", "vectorize", "x"),
    ("torch", "load", "canary.txt"), ("torch.jit", "load", "canary.txt"),
    ("torch.jit.unsupported_tensor_ops", "execWrapper", PYTHON),
    ("torch._utils_internal", "get_file_path", "x"), ("torch.hub", "load", "x"),
    ("torch.utils.cpp_extension", "load", "x"), ("torch.serialization", "load", "x"),
    ("torch._tensor", "_rebuild_from_type_v2", "x"), ("torch._utils", "_rebuild_qtensor", "x"),
    ("torch._utils", "_rebuild_sparse_tensor", "x"), ("torch", "ComplexFloatStorage", "x"),
    ("torch._utils", "_rebuild_meta_tensor_no_storage", "x"), ("torch", "QInt8Storage", "x"),
    ("torch._utils", "_rebuild_wrapper_subclass", "x"), ("torch.nn.modules.linear", "Linear", "x"),
    ("multiprocessing.util", "spawnv_passfds", SHELL), ("uuid", "_get_command_stdout", SHELL),
    ("logging.config", "fileConfig", "x"), ("ensurepip", "_run_pip", "x"), ("venv", "create", "x"),
    ("asyncio", "create_subprocess_shell", SHELL), ("codecs", "encode", "x"),
    ("codecs", "open", "canary.txt"), ("_codecs", "decode", "x"), ("sys", "settrace", "x"),
    ("sys", "modules", "x"), ("signal", "alarm", "x"), ("atexit", "register", "x"),
    ("threading", "Thread", "x"), ("collections", "defaultdict", "x"),
    ("torch_utils.persistence", "_src_to_module", "x"),
    ("torch_utils.persistence", "import_hook", "x"),
    ("dnnlib.tflib.network", "import_handler", "x"), ("dnnlib.util", "call_func_by_name", "x"),
    ("dnnlib.util", "get_obj_by_name", "os.system"), ("argparse", "FileType", "x"),
]  # fmt: skip

ALIKE = {
    "a Cyrillic letter": ("bu\u0456ltins", "eval", r"bu\\u0456ltins.eval"),
    "full-width letters": ("builtins", "\uff45val", r"builtins.\\uff45val"),
    "a letter without width": ("collections\u200b", "OrderedDict", r"collections\\u200b"),
    "text turned around": ("\u202etorch", "Size", r"\\u202etorch.Size"),
    "a zero byte": ("os\0", "system", r"os\\x00.system"),
    "a lone surrogate": ("os\ud800", "system", r"os\\ud800.system"),
    "a space at the end": ("collections ", "OrderedDict", "collections .OrderedDict"),
    "another case": ("Torch", "size", "Torch.size"),
    "a name of a name": ("torch", "Size.__class__", "torch.Size.__class__"),
    "a split elsewhere": ("torch", "_utils._rebuild_parameter", "torch._utils._rebuild_param"),
    "an attribute of what may be": ("numpy.dtype", "__reduce__", "numpy.dtype.__reduce__"),
    "an empty module": ("", "eval", r"\.eval"),
}

NOT_NEEDED = "is not something that weights need"


def attacks():
    """All of them by name."""
    found = {f"{m}.{n}": _called(m, n, argument) for m, n, argument in CALLS}
    for title, (module, attribute, shown) in ALIKE.items():
        content = pickled(name(module, attribute), tuple_of(text(SHELL)), REDUCE)
        found[f"a name with {title}"] = Attack(content, f"^{shown}.* {NOT_NEEDED}")
    return found | _chains() | _opcodes() | _calls_of_what_may_be_named() | _records() | _numpy()


def _called(module, attribute, argument):
    content = pickled(name(module, attribute), tuple_of(text(argument)), REDUCE)
    return Attack(content, f"^{module}.{attribute} {NOT_NEEDED}".replace(".", r"\."))


class _Reduced:
    def __init__(self, *parts):
        self.parts = parts

    def __reduce__(self):
        return self.parts


def _chains():
    """Calls of what calls returned, as Python itself pickles them."""
    inner = call("builtins", "getattr", call("builtins", "__import__", text("os")), text("system"))
    return {
        "__reduce__ to eval": Attack(
            pickle.dumps(_Reduced(eval, (PYTHON,)), protocol=4), "^builtins.eval "
        ),
        "__reduce__ with a setter of the state": Attack(
            pickle.dumps(_Reduced(dict, (), {"a": 1}, None, None, exec), protocol=4),
            r"^builtins\.",
        ),
        "getattr of an import, called": Attack(
            pickled(inner, tuple_of(text(SHELL)), REDUCE), "^builtins.getattr "
        ),
        "a call within allowed calls": Attack(
            pickled(
                call(
                    "collections",
                    "OrderedDict",
                    list_of(tuple_of(text("a"), call("os", "system", text(SHELL)))),
                )
            ),
            "^os.system ",
        ),
        "a call in what is dropped": Attack(
            pickled(
                name("argparse", "Namespace"),
                EMPTY_TUPLE,
                NEWOBJ,
                dict_of(a=call("os", "system", text(SHELL))),
                BUILD,
            ),
            "^os.system ",
        ),
        "a call on the way to the memo": Attack(
            pickled(call("os", "system", text(SHELL)), put(0), b"0", NONE), "^os.system "
        ),
        "a name from the memo": Attack(
            pickled(
                text("system"),
                put(1),
                b"0",
                text("os"),
                get(1),
                STACK_GLOBAL,
                text(SHELL),
                TUPLE1,
                REDUCE,
            ),
            "^os.system ",
        ),
        "a call in an array's state": Attack(
            pickled(array_of(data(b"1234"), state_tail=call("os", "system", text(SHELL)))),
            "^os.system ",
        ),
    }


def _opcodes():
    found = {
        "protocol 0": Attack(f"cos\nsystem\n(S'{SHELL}'\ntR.".encode(), "^os.system "),
        "protocol 0 INST": Attack(f"(S'{SHELL}'\nios\nsystem\n.".encode(), "STRING of protocol 0"),
        "INST": Attack(pickled(MARK, text(SHELL), b"ios\nsystem\n"), "^os.system "),
        "INST of an allowed function": Attack(
            pickled(MARK, text("x"), b"itorch\nSize\n"), "^NEWOBJ of torch.Size "
        ),
        "OBJ": Attack(pickled(MARK, name("os", "system"), text(SHELL), OBJ), "^os.system "),
        "STACK_GLOBAL": Attack(pickled(text("os"), text("system"), STACK_GLOBAL), "^os.system "),
        "STACK_GLOBAL of what is no text": Attack(
            pickled(EMPTY_LIST, text("system"), STACK_GLOBAL), "whose name is not text"
        ),
        "STACK_GLOBAL of bytes": Attack(
            pickled(data(b"os"), data(b"system"), STACK_GLOBAL), "whose name is not text"
        ),
        "PERSID": Attack(pickled(b"Pname\n"), "^the opcode PERSID "),
        "BINPERSID in a plain pickle": Attack(pickled(storage_id()), r"^torch\.FloatStorage "),
        "BINPERSID of text in a plain pickle": Attack(
            pickled(text("name"), BINPERSID), "^BINPERSID outside"
        ),
        "NEWOBJ_EX with keywords": Attack(
            pickled(name("argparse", "Namespace"), EMPTY_TUPLE, dict_of(a=NONE), NEWOBJ_EX),
            "NEWOBJ_EX with keyword arguments",
        ),
    }
    for code, title in [
        (b"\x82\x01", "EXT1"), (b"\x83\x01\x00", "EXT2"), (b"\x84\x01\x00\x00\x00", "EXT4"),
        (b"\x97", "NEXT_BUFFER"), (b"\x98", "READONLY_BUFFER"),
    ]:  # fmt: skip
        found[title] = Attack(pickled(code), f"^the opcode {title} {NOT_NEEDED}")
    return found


def _calls_of_what_may_be_named():
    ordered = call("collections", "OrderedDict")
    return {
        "REDUCE of text": Attack(
            pickled(text("os.system"), tuple_of(text(SHELL)), REDUCE), "^REDUCE of a str"
        ),
        "REDUCE of a dict": Attack(pickled(ordered, EMPTY_TUPLE, REDUCE), "^REDUCE of a OpenDict"),
        "REDUCE with a list": Attack(
            pickled(name("collections", "OrderedDict"), EMPTY_LIST, REDUCE), "no tuple"
        ),
        "REDUCE of a mere name": Attack(
            pickled(name("numpy", "ndarray"), tuple_of(number(9)), REDUCE),
            "REDUCE of numpy.ndarray",
        ),
        "NEWOBJ of a function": Attack(
            pickled(name("torch._utils", "_rebuild_parameter"), EMPTY_TUPLE, NEWOBJ), "^NEWOBJ of"
        ),
        "NEWOBJ of a class with arguments": Attack(
            pickled(name("dnnlib.util", "EasyDict"), tuple_of(text("x")), NEWOBJ), "with arguments"
        ),
        "BUILD of a dict": Attack(
            pickled(EMPTY_DICT, dict_of(__class__=text("x")), BUILD), "^BUILD of a dict"
        ),
        "BUILD of a class": Attack(
            pickled(name("collections", "OrderedDict"), dict_of(__setitem__=text("x")), BUILD),
            "^BUILD of a Name",
        ),
        "BUILD of a list": Attack(pickled(EMPTY_LIST, DUP, BUILD), "^BUILD of a list"),
        "entries set in a class": Attack(
            pickled(name("torch", "Size"), text("__reduce__"), NONE, b"s"), "what is no dict"
        ),
        "values appended to a class": damaged(
            pickled(name("torch", "Size"), MARK, NONE, APPENDS), "to what is no list"
        ),
        "a class as a value": Attack(pickled(name("numpy", "ndarray")), "^numpy.ndarray itself"),
        "a function as a value": Attack(
            pickled(list_of(name("torch._utils", "_rebuild_tensor_v2"))), "itself, not a value"
        ),
        "_codecs.encode to another code": Attack(
            pickled(call("_codecs", "encode", text("x"), text("rot13"))), "else than latin1"
        ),
        "_codecs.encode of what is no text": Attack(
            pickled(call("_codecs", "encode", NONE, text("latin1"))), "else than text"
        ),
        "bytes of a number": Attack(
            pickled(call("builtins", "bytes", number(2**31 - 1))), "else than bytes"
        ),
        "bytearray of a number": Attack(
            pickled(call("builtins", "bytearray", number(2**31 - 1))), "else than bytes"
        ),
        "a set of a text": Attack(
            pickled(call("builtins", "set", text("abc"))), "else than a list"
        ),
        "a device that is a path": Attack(
            pickled(call("torch", "device", text("../../dev"))), "torch.device that is none"
        ),
        "a hook on a tensor": Attack(
            pickled(call("torch._utils", "_rebuild_parameter", NONE, NONE, NONE)), "not of a tensor"
        ),
        "a tensor of text": Attack(pickled(tensor_of(text("x"))), "a tensor without a storage"),
    }


def _records():
    found = {
        f"a record called {title!r}": Attack(pickled(record(title)), "whose class is called")
        for title in (
            "../../evil", "os.system", "Generator\nimport os", "__import__('os')",
            "Gen\u200berator", "",
            "G" * 200,
        )
    }  # fmt: skip
    found["a record whose name is bytes"] = Attack(
        pickled(record(data(b"Generator"))), "whose class is called 'Span'"
    )
    found["a record of a function"] = Attack(
        pickled(record("system", kind="function")), "not of a class"
    )
    found["a record without a state"] = damaged(
        pickled(record("Generator", NONE)), "record of Generator has no state"
    )
    found["a call in a record's state"] = Attack(
        pickled(record("Generator", dict_of(a=call("os", "system", text(SHELL))), source=PYTHON)),
        "^os.system ",
    )
    network = name("dnnlib.tflib.network", "Network") + EMPTY_TUPLE + NEWOBJ
    state = {
        "version": number(4), "name": text("Gs"), "static_kwargs": EMPTY_DICT,
        "variables": EMPTY_LIST, "build_module_src": text(PYTHON),
    }  # fmt: skip
    for title, change, reason in [
        ("whose components are text", {"components": text(PYTHON)}, "components of the network"),
        ("whose variables are text", {"variables": text(PYTHON)}, "has no variables"),
        ("whose variable is text", {"variables": list_of(tuple_of(text("a"), text("b")))},
         "variable 'a' is no array"),
        ("with no name", {"name": NONE}, "has no name"),
    ]:  # fmt: skip
        content = pickled(network, dict_of(**{**state, **change}), BUILD)
        found[f"a TensorFlow network {title}"] = damaged(content, reason)
    found["a TensorFlow network with a call"] = Attack(
        pickled(network, dict_of(**state, x=call("os", "system", text(SHELL))), BUILD),
        "^os.system ",
    )
    found["a TensorFlow network with two states"] = Attack(
        pickled(network, dict_of(**state), BUILD, dict_of(**state), BUILD), "unknown state"
    )
    return found


def _numpy():
    found = {
        f"a numpy dtype {code!r}": Attack(
            pickled(array_of(data(b"12345678"), dtype=code)), "the numpy dtype"
        )
        for code in (
            "O", "O8", "|O", "V8", "c8", "M8[s]", "f4,f4", "U", "U99999999", "i3", "object",
            "(2,3)f4", "os.system",
        )
    }  # fmt: skip
    found["a numpy array of objects"] = Attack(
        pickled(array_of(list_of(call("builtins", "set", EMPTY_LIST)))), "of Python objects"
    )
    found["a numpy dtype with fields"] = Attack(
        pickled(
            call("numpy", "dtype", text("f4")),
            tuple_of(number(3), text("<"), NONE, tuple_of(text("a")), EMPTY_DICT), BUILD,
        ),
        "with fields",
    )  # fmt: skip
    found["a numpy array of a foreign class"] = Attack(
        pickled(call("numpy.core.multiarray", "_reconstruct", text("os"), tuple_of(), data(b"b"))),
        "unknown class",
    )
    found["a numpy array without content"] = damaged(
        pickled(
            call(
                "numpy._core.multiarray", "_reconstruct", name("numpy", "ndarray"), tuple_of(),
                data(b"b"),
            )
        ),
        "never got its content",
    )  # fmt: skip
    return found
