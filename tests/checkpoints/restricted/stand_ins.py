"""Classes of NVIDIA's tools that exist only while a file is written."""

import contextlib
import pickle
import sys
import types

import pytest

CODE = "raise SystemExit('code of the file was run')"


class EasyDict(dict):
    """dnnlib.util.EasyDict."""


class Network:
    """dnnlib.tflib.network.Network."""

    def __init__(self, **state):
        self.__dict__.update(state)


class Persistent:
    """A class that torch_utils.persistence decorates."""

    def __init__(self, class_name, state, **meta):
        self.meta = {
            "type": "class", "version": 6, "module_src": CODE, "class_name": class_name,
            "state": state, **meta,
        }  # fmt: skip

    def __reduce__(self):
        return _reconstruct_persistent_obj, (EasyDict(self.meta),)


def _reconstruct_persistent_obj(meta):
    raise AssertionError("a record was rebuilt by foreign code")


PLACES = {
    "torch_utils.persistence": _reconstruct_persistent_obj,
    "dnnlib.util": EasyDict,
    "dnnlib.tflib.network": Network,
}


@contextlib.contextmanager
def foreign_modules():
    """The modules that pickle looks into while it writes."""
    with pytest.MonkeyPatch.context() as patch:
        for module, thing in PLACES.items():
            parts = module.split(".")
            for length in range(1, len(parts) + 1):
                name = ".".join(parts[:length])
                if name not in sys.modules:
                    patch.setitem(sys.modules, name, types.ModuleType(name))
            setattr(sys.modules[module], thing.__name__, thing)
            patch.setattr(thing, "__module__", module)
        yield


def dumped(value, protocol=4):
    """A pickle as NVIDIA's tools write it."""
    with foreign_modules():
        return pickle.dumps(value, protocol=protocol)
