"""Stubs for the classes of NVIDIA's files and of Python itself."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arrays import ARRAYS, made_span
from .errors import shown
from .records import PersistentObject, TensorFlowNetwork
from .source import Source, Span
from .stubs import Buildable, OpenDict, Stub, fill, key
from .tensors import TENSORS


class Dropped(Buildable):
    """An object that is read over: nothing of it remains."""

    def build(self, source: Source, state: Any) -> None:
        pass


class Record:
    """A persistence record whose state is still to be unpacked."""

    def __init__(self, class_name: str, state: dict[str, Any]) -> None:
        self.parts: list[Any] = [state]
        self._class_name = class_name

    def value(self, source: Source, parts: list[Any]) -> PersistentObject:
        return PersistentObject(self._class_name, parts[0])


class Network(Buildable):
    """A TensorFlow network before and after its state was set."""

    def __init__(self) -> None:
        self.parts: list[Any] = []

    def build(self, source: Source, state: Any) -> None:
        if self.parts or type(state) not in (dict, OpenDict):
            raise source.refused("a TensorFlow network with an unknown state")
        source.charge(len(state))
        wanted = {"version": int, "name": str, "static_kwargs": dict, "variables": list}
        for name, kind in wanted.items():
            if not isinstance(state.get(name), kind):
                raise source.damaged(f"a TensorFlow network has no {name}")
        self.parts = [
            state["name"],
            state["version"],
            state["static_kwargs"],
            state.get("components") or {},
            state["variables"],
            state.get("build_func_name") or "",
        ]

    def value(self, source: Source, parts: list[Any]) -> TensorFlowNetwork:
        if not parts:
            raise source.damaged("a TensorFlow network never got its content")
        name, version, static_kwargs, components, variables, build_func_name = parts
        networks = isinstance(components, dict) and all(
            type(part) is TensorFlowNetwork for part in components.values()
        )
        if not networks or type(build_func_name) is not str:
            raise source.damaged(f"the components of the network {shown(name)!r} are none")
        found: dict[str, NDArray[Any]] = {}
        source.charge(len(variables))
        for pair in variables:
            if type(pair) not in (tuple, list) or len(pair) != 2 or type(pair[0]) is not str:
                raise source.damaged(f"a variable of the network {shown(name)!r} has no name")
            if not isinstance(pair[1], (np.ndarray, np.generic)):
                raise source.damaged(f"the variable {shown(pair[0])!r} is no array")
            found[pair[0]] = np.asarray(pair[1])
        return TensorFlowNetwork(
            name=name,
            version=version,
            static_kwargs=static_kwargs,
            components=components,
            variables=found,
            build_func_name=build_func_name,
        )


def _record(source: Source, arguments: tuple[Any, ...]) -> Record:
    meta: Any = arguments[0] if len(arguments) == 1 else None
    if type(meta) not in (dict, OpenDict) or meta.get("type") != "class":
        raise source.refused("a persistence record that is not of a class")
    name, state = meta.get("class_name"), meta.get("state")
    if type(name) is not str or not (name.isidentifier() and name.isascii()) or len(name) > 100:
        what = shown(name) if type(name) is str else type(name).__name__
        raise source.refused(f"a persistence record whose class is called {what!r}")
    if type(state) not in (dict, OpenDict):
        raise source.damaged(f"the record of {name} has no state")
    if any(type(attribute) is not str for attribute in state):
        raise source.damaged(f"an attribute of {name} has no name")
    return Record(name, state)


def _empty(source: Source, arguments: tuple[Any, ...], what: str) -> None:
    if arguments:
        raise source.refused(f"{what} is made with arguments")


def _easy_dict(source: Source, arguments: tuple[Any, ...]) -> OpenDict:
    _empty(source, arguments, "an EasyDict")
    return OpenDict()


def _namespace(source: Source, arguments: tuple[Any, ...]) -> Dropped:
    _empty(source, arguments, "a Namespace")
    return Dropped()


def _network(source: Source, arguments: tuple[Any, ...]) -> Network:
    _empty(source, arguments, "a TensorFlow network")
    return Network()


def _ordered_dict(source: Source, arguments: tuple[Any, ...]) -> OpenDict:
    """Empty, to be filled; Python 2 hands over the list of its pairs."""
    made = OpenDict()
    if len(arguments) > 1 or (arguments and type(arguments[0]) is not list):
        raise source.refused("an OrderedDict of something else than pairs")
    for pair in arguments[0] if arguments else ():
        source.charge(1)
        if type(pair) not in (list, tuple) or len(pair) != 2:
            raise source.damaged("an OrderedDict of something else than pairs")
        fill(source, made, list(pair))
    return made


def _set(source: Source, arguments: tuple[Any, ...]) -> set[Any]:
    values = arguments[0] if len(arguments) == 1 else ()
    if type(values) not in (list, tuple) or len(arguments) > 1:
        raise source.refused("a set of something else than a list")
    source.charge(len(values))
    return {key(source, value) for value in values}


def _bytes(source: Source, arguments: tuple[Any, ...]) -> Span:
    """Empty bytes as protocol 2 writes them; bytearrays bring their content."""
    if not arguments:
        return made_span(source, b"")
    if len(arguments) == 1 and type(arguments[0]) is Span and not arguments[0].text:
        span: Span = arguments[0]
        return span
    raise source.refused("bytes that are made of something else than bytes")


def _encode(source: Source, arguments: tuple[Any, ...]) -> Span:
    """Bytes as protocol 2 writes them: text of the letters up to 255."""
    if len(arguments) != 2 or arguments[1] not in ("latin1", "latin-1"):
        raise source.refused("_codecs.encode to something else than latin1")
    text = arguments[0].decode() if type(arguments[0]) is Span else arguments[0]
    if type(text) is not str:
        raise source.refused("_codecs.encode of something else than text")
    try:
        return made_span(source, text.encode("latin1"))
    except UnicodeEncodeError:
        raise source.damaged("a text that stands for bytes holds letters beyond 255") from None


_BUILTINS = {
    f"{module}.{name}": Stub(call)
    for module in ("builtins", "__builtin__")
    for name, call in [
        ("set", _set), ("frozenset", _set), ("bytes", _bytes), ("bytearray", _bytes),
    ]
}  # fmt: skip

_MADE_NEW = frozenset({"NEWOBJ"})

COMMON = {
    **ARRAYS,
    **TENSORS,
    **_BUILTINS,
    "_codecs.encode": Stub(_encode),
    "collections.OrderedDict": Stub(_ordered_dict, frozenset({"REDUCE", "NEWOBJ"})),
    "dnnlib.util.EasyDict": Stub(_easy_dict, _MADE_NEW),
    "argparse.Namespace": Stub(_namespace, _MADE_NEW),
}
"""What plain pickles and files of torch.save may both name."""

NVIDIA = {
    "torch_utils.persistence._reconstruct_persistent_obj": Stub(_record),
    "dnnlib.tflib.network.Network": Stub(_network, _MADE_NEW),
}
"""What only plain pickles may name."""
