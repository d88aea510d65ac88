"""Files as other programs write them, with weights of our choosing.

The programs' classes exist only while a file is written: reading it has to do without.
"""

import argparse
import contextlib
import pickle
import sys
import types
import zlib
from pathlib import Path

import numpy as np
import torch

PARAMETERS = ("weight", "bias", "const", "noise_strength")
SOURCE = "raise SystemExit('code of the file was run')"


@contextlib.contextmanager
def foreign_modules():
    """`torch_utils.persistence` and `dnnlib`, as far as pickles name them."""
    names = ("torch_utils", "torch_utils.persistence", "dnnlib", "dnnlib.util",
             "dnnlib.tflib", "dnnlib.tflib.network")  # fmt: skip
    modules = {name: types.ModuleType(name) for name in names}
    reconstruct.__module__ = "torch_utils.persistence"
    reconstruct.__qualname__ = reconstruct.__name__ = "_reconstruct_persistent_obj"
    modules["torch_utils.persistence"]._reconstruct_persistent_obj = reconstruct
    for kind, module in ((EasyDict, "dnnlib.util"), (Network, "dnnlib.tflib.network")):
        kind.__module__ = module
        setattr(modules[module], kind.__name__, kind)
    kept = {name: sys.modules.get(name) for name in names}
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name, module in kept.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


def reconstruct(meta):
    raise AssertionError("a record was rebuilt")


class EasyDict(dict):
    """A dict of NVIDIA's tools."""


class Network:
    """A TensorFlow network of NVIDIA's tools."""


class Record:
    """A module of NVIDIA's PyTorch networks."""

    def __init__(self, class_name, state):
        self.class_name, self.state = class_name, state

    def __reduce__(self):
        meta = EasyDict(type="class", version=6, module_src=SOURCE, class_name=self.class_name)
        meta["state"] = self.state
        return reconstruct, (meta,)


def record(class_name, state, attributes=None, path=""):
    """A tree of records from a state dict, with each module's attributes by path."""
    attributes = attributes or {}
    inside = {"_parameters": {}, "_buffers": {}, "_modules": {}, "training": False}
    inside |= {"_backward_hooks": {}, "_non_persistent_buffers_set": set()}
    inside |= attributes.get(path, {})
    children = {}
    for name, value in state.items():
        head, _, rest = name.partition(".")
        if rest:
            children.setdefault(head, {})[rest] = value
        elif head in PARAMETERS:
            inside["_parameters"][head] = torch.nn.Parameter(value.clone(), requires_grad=False)
        else:
            inside["_buffers"][head] = value.clone()
    for head, part in children.items():
        below = f"{path}.{head}" if path else head
        inside["_modules"][head] = record("Part", part, attributes, below)
    return Record(class_name, inside)


def write_pickle(path: Path, content, protocol=4) -> Path:
    """A plain pickle."""
    with foreign_modules():
        path.write_bytes(pickle.dumps(content, protocol=protocol))
    return path


def stylegan2_attributes(state, *, conv_clamp=None, w_avg_beta=0.995):
    """What NVIDIA's modules of a StyleGAN2 keep beside their tensors, as far as it matters."""
    attributes = {"": {"_init_kwargs": EasyDict(synthesis_kwargs=EasyDict())}}
    attributes["mapping"] = {"w_avg_beta": w_avg_beta, "num_layers": 3}
    for name in state:
        path = name.rpartition(".")[0]
        own = attributes.setdefault(path, {})
        if ".fc" in f".{path}" and "mapping" in path:
            own |= {"bias_gain": 0.01, "activation": "lrelu"}
        elif path.endswith(("conv0", "conv1", "conv")):
            own |= {"conv_clamp": conv_clamp, "activation": "lrelu", "use_noise": True}
        elif path.endswith(("torgb", "fromrgb")):
            own["conv_clamp"] = None if path == "b4.fromrgb" else conv_clamp
        elif path.endswith("skip"):
            own |= {"conv_clamp": None, "activation": "linear"}
        elif path.endswith("affine"):
            own |= {"bias_gain": 1, "activation": "linear"}
    return attributes


def tensorflow_network(name, variables, static_kwargs, components=None, version=4):
    """A network as its class keeps it."""
    network = Network()
    network.__dict__ |= {
        "version": version,
        "name": name,
        "static_kwargs": EasyDict(static_kwargs),
        "components": EasyDict(components or {}),
        "build_module_src": SOURCE,
        "build_func_name": "G_main",
        "variables": [(key, value) for key, value in variables.items()],
    }
    return network


def normal(name, shape):
    """The numbers that weights too large to keep are made of."""
    source = np.random.Generator(np.random.PCG64(zlib.crc32(name.encode())))
    return source.standard_normal(shape).astype(np.float32)


def port_state(shapes):
    """The state dict of the popular port that its golden pictures were drawn with."""
    state = {}
    for name, shape in shapes.items():
        n = normal(name, shape)
        if name.startswith("style."):
            n = n * (100 if name.endswith("weight") else 20)
        elif name.endswith("kernel"):
            line = np.array([1, 3, 3, 1], np.float32)
            n = np.outer(line, line) / 64 * 4
        elif name.endswith("noise.weight"):
            n = 0.1 * n + 0.2
        elif "modulation.bias" in name:
            n = 1 + 0.2 * n
        elif name.endswith("bias"):
            n = 0.2 * n
        state[name] = torch.from_numpy(np.asarray(n, np.float32))
    return state


def training_file(path: Path, state, **more) -> Path:
    """A training file of the popular port, with optimiser and arguments beside the weights."""
    optimiser = {"state": {0: {"step": 3, "exp_avg": torch.zeros(4)}}, "param_groups": [{"lr": 1}]}
    args = argparse.Namespace(size=8, path="somewhere")
    content = {"g": state, "g_ema": state, "g_optim": optimiser, "d_optim": optimiser, "args": args}
    torch.save({**content, **more}, path)
    return path
