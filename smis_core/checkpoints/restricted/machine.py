"""An interpreter of pickle opcodes that can build values, and can call nothing but our stubs.

The opcodes are those of Python's `pickletools` documentation (protocols 2 to 5). Classes and
functions are looked up by name in a table of stubs; no module is imported and no attribute is
read. Long bytes and texts stay in the file until somebody wants them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from .errors import shown
from .source import Source
from .stack import BYTE, DOUBLE, INT, QUAD, SHORT, WORD, Stack
from .stubs import Buildable, Name, OpenDict, Stub


class Machine(Stack):
    """One pickle, from `start` on; after `run`, `position` is where it ended.

    Args:
        source: the file.
        start: where the pickle begins.
        end: where what may belong to it ends.
        table: what GLOBAL finds, by dotted name.
        persistent: makes a value of the tuple of a BINPERSID opcode; none: refused.
    """

    def __init__(
        self,
        source: Source,
        start: int,
        end: int,
        *,
        table: Mapping[str, Stub],
        persistent: Callable[[Source, Any], Any] | None = None,
    ) -> None:
        super().__init__(source, start, end)
        self._table = table
        self._persistent = persistent

    def run(self) -> Any:
        """The value that the pickle ends with."""
        view, charge, operations = self._view, self._source.charge, _OPERATIONS
        while self.position < self._end:
            charge(1)
            code = view[self.position]
            self.position += 1
            if code == 0x2E:
                value = self._pop()
                if self._stack or self._marks:
                    raise self._source.damaged("values are left over at a pickle's end")
                return value
            operation = operations.get(code)
            if operation is None:
                self._refuse_opcode(code)
            operation(self)
        raise self._source.damaged("a pickle has no end")

    def _refuse_opcode(self, code: int) -> NoReturn:
        name = _REFUSED.get(code)
        if name is None:
            raise self._source.damaged(f"byte {code:#04x} at {self.position - 1:,} is no opcode")
        raise self._source.refused(f"the opcode {name} is not something that weights need")

    def _find(self, module: Any, name: Any) -> Name:
        if type(module) is not str or type(name) is not str:
            raise self._source.refused("a class whose name is not text")
        dotted = f"{module}.{name}"
        stub = self._table.get(dotted)
        # 'a.b' + 'c' and 'a' + 'b.c' are different things with one dotted name.
        if stub is None or "." in name or len(dotted) > self._source.limits.name_bytes:
            raise self._source.refused(f"{shown(dotted)} is not something that weights need")
        return Name(dotted, stub)

    def _global(self) -> None:
        module = self._line()
        self._stack.append(self._find(module, self._line()))

    def _stack_global(self) -> None:
        name, module = self._pop(), self._pop()
        self._stack.append(self._find(module, name))

    def _call(self, verb: str, called: Any, arguments: Any) -> None:
        if type(called) is not Name:
            raise self._source.refused(f"{verb} of a {type(called).__name__}, not of a class")
        if called.stub.call is None or verb not in called.stub.verbs:
            raise self._source.refused(f"{verb} of {called.name} is not what weights need")
        if type(arguments) is not tuple:
            raise self._source.refused(f"{verb} of {called.name} with no tuple of arguments")
        self._push_container(called.stub.call(self._source, arguments))

    def _reduce(self, verb: str) -> None:
        arguments, called = self._pop(), self._pop()
        self._call(verb, called, arguments)

    def _newobj_ex(self) -> None:
        keywords, arguments, called = self._pop(), self._pop(), self._pop()
        if type(keywords) is not dict or keywords:
            raise self._source.refused("NEWOBJ_EX with keyword arguments")
        self._call("NEWOBJ", called, arguments)

    def _obj(self) -> None:
        values = self._since_mark()
        if not values:
            raise self._source.damaged("OBJ without a class")
        self._call("NEWOBJ", values[0], tuple(values[1:]))

    def _inst(self) -> None:
        module = self._line()
        called = self._find(module, self._line())
        self._call("NEWOBJ", called, tuple(self._since_mark()))

    def _build(self) -> None:
        state, target = self._pop(), self._top()
        if type(target) is OpenDict:
            return
        if not isinstance(target, Buildable):
            raise self._source.refused(
                f"BUILD of a {type(target).__name__} is not something that weights need"
            )
        target.build(self._source, state)

    def _persistent_id(self) -> None:
        if self._persistent is None:
            raise self._source.refused("BINPERSID outside a file of torch.save")
        self._stack.append(self._persistent(self._source, self._pop()))


def _push(value: Any) -> Callable[[Machine], None]:
    return lambda m: m._stack.append(value)


def _new(kind: Callable[[], Any]) -> Callable[[Machine], None]:
    return lambda m: m._push_container(kind())


_OPERATIONS: dict[int, Callable[[Machine], Any]] = {
    0x80: Machine._protocol,
    0x95: Machine._frame,
    ord("("): Machine._mark,
    ord("0"): Machine._discard,
    ord("1"): Machine._since_mark,
    ord("2"): lambda m: m._stack.append(m._top()),
    ord("N"): _push(None),
    0x88: _push(True),
    0x89: _push(False),
    ord("J"): lambda m: m._stack.append(m._number(INT)),
    ord("K"): lambda m: m._stack.append(m._number(BYTE)),
    ord("M"): lambda m: m._stack.append(m._number(SHORT)),
    ord("G"): lambda m: m._stack.append(m._number(DOUBLE)),
    0x8A: lambda m: m._integer(m._number(BYTE)),
    0x8B: lambda m: m._integer(m._number(INT)),
    0x8C: lambda m: m._text(m._number(BYTE)),
    ord("X"): lambda m: m._text(m._number(WORD)),
    0x8D: lambda m: m._text(m._number(QUAD)),
    ord("U"): lambda m: m._old_text(m._number(BYTE)),
    ord("T"): lambda m: m._old_text(m._number(INT)),
    ord("C"): lambda m: m._data(m._number(BYTE)),
    ord("B"): lambda m: m._data(m._number(WORD)),
    0x8E: lambda m: m._data(m._number(QUAD)),
    0x96: lambda m: m._data(m._number(QUAD)),
    ord(")"): _push(()),
    0x85: lambda m: m._tuple(1),
    0x86: lambda m: m._tuple(2),
    0x87: lambda m: m._tuple(3),
    ord("t"): lambda m: m._push_container(tuple(m._since_mark())),
    ord("]"): _new(list),
    ord("l"): lambda m: m._push_container(m._since_mark()),
    ord("a"): lambda m: m._append([m._pop()]),
    ord("e"): lambda m: m._append(m._since_mark()),
    ord("}"): _new(dict),
    ord("d"): Machine._new_dict,
    ord("s"): Machine._set_item,
    ord("u"): lambda m: m._set_items(m._since_mark()),
    0x8F: _new(set),
    0x90: Machine._add,
    0x91: Machine._new_set,
    ord("q"): lambda m: m._remember(m._number(BYTE)),
    ord("r"): lambda m: m._remember(m._number(WORD)),
    0x94: lambda m: m._remember(len(m._memo)),
    ord("h"): lambda m: m._recall(m._number(BYTE)),
    ord("j"): lambda m: m._recall(m._number(WORD)),
    ord("c"): Machine._global,
    0x93: Machine._stack_global,
    ord("R"): lambda m: m._reduce("REDUCE"),
    0x81: lambda m: m._reduce("NEWOBJ"),
    0x92: Machine._newobj_ex,
    ord("o"): Machine._obj,
    ord("i"): Machine._inst,
    ord("b"): Machine._build,
    ord("Q"): Machine._persistent_id,
}

_REFUSED = {
    ord("P"): "PERSID",
    0x82: "EXT1",
    0x83: "EXT2",
    0x84: "EXT4",
    0x97: "NEXT_BUFFER",
    0x98: "READONLY_BUFFER",
    **{
        ord(code): f"{name} of protocol 0"
        for code, name in [
            ("F", "FLOAT"), ("I", "INT"), ("L", "LONG"), ("S", "STRING"), ("V", "UNICODE"),
            ("g", "GET"), ("p", "PUT"),
        ]
    },
}  # fmt: skip
