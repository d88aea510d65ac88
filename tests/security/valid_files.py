"""Small files of each format that is read, for tests that cut them off and mutate them."""

import io
import pickle
import struct

import numpy as np
import torch
from security.assembler import (
    EMPTY_DICT,
    TENSOR,
    array_of,
    container,
    data,
    dict_of,
    legacy,
    nested,
    number,
    pickled,
    record,
    storage_id,
    tensor_of,
    text,
    tuple_of,
)  # fmt: skip


def valid_files():
    """One small file of each format that is read."""
    part = nested(legacy(pickled(storage_id())))
    state = dict_of(_parameters=dict_of(weight=tensor_of(part)), _modules=EMPTY_DICT, n=number(3))
    variables = tuple_of(text("a"), array_of(data(struct.pack("<f", 1.5))))
    network = (
        b"cdnnlib.tflib.network\nNetwork\n)\x81"
        + dict_of(version=number(4), name=text("Gs"), static_kwargs=EMPTY_DICT,
                  variables=b"](" + variables + b"e")
        + b"b"
    )  # fmt: skip
    return {
        "zip": (container(TENSOR), "torch"),
        "legacy": (legacy(TENSOR), "torch"),
        "persistence": (pickled(dict_of(G_ema=record("Generator", state, source="x"))), "pickle"),
        "tensorflow": (pickled(tuple_of(network, network)), "pickle"),
    }


def written_files():
    """The same formats as torch and pickle write them, with more in them."""
    base = torch.arange(24.0)
    content = {
        "g_ema": {"a": base.view(4, 6).t(), "b": base[3:9], "half": torch.ones(3).half()},
        "steps": [1, 2.5, None, True, "text", b"bytes", (1, 2), {3, 4}, 2**62],
        "array": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "scalar": np.float64(2.5),
        "dtype": torch.float16,
    }
    found = {}
    for title, new in (("zip", True), ("legacy", False)):
        file = io.BytesIO()
        torch.save(content, file, _use_new_zipfile_serialization=new)
        found[f"torch.save {title}"] = (file.getvalue(), "torch")
    for protocol in (2, 3, 4, 5):
        found[f"protocol {protocol}"] = (pickle.dumps(content, protocol=protocol), "pickle")
    return found
