"""Plain pickles: what NVIDIA's tools write comes back as plain values and records."""

import argparse
import collections
import pickle
import sys

import numpy as np
import pytest
import torch
from checkpoints.restricted.stand_ins import CODE, EasyDict, Network, Persistent, dumped
from numpy.testing import assert_array_equal

from smis_core.checkpoints.restricted import (
    Limits,
    PersistentObject,
    TensorFlowNetwork,
    UnsafeCheckpointError,
    read_pickle,
)

PROTOCOLS = [2, 3, 4, 5]


def generator():
    """A network of the shape of NVIDIA's: records in records, parameters, buffers."""
    torch.manual_seed(0)
    layer = Persistent(
        "SynthesisLayer",
        {
            "_parameters": collections.OrderedDict(weight=torch.nn.Parameter(torch.randn(3, 4))),
            "_buffers": {"noise_const": torch.randn(4, 4).half(), "none": None},
            "_modules": {},
            "_non_persistent_buffers_set": set(),
            "activation": "lrelu",
            "up": 2,
            "conv_clamp": 256.0,
        },
    )
    return Persistent(
        "Generator",
        {
            "_modules": collections.OrderedDict(synthesis=layer),
            "_init_args": (),
            "_init_kwargs": EasyDict(z_dim=8, kwargs=EasyDict(channel_base=64)),
            "training": False,
        },
    )


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_persistence_record(protocol):
    options = EasyDict(path="somewhere", resolution=8)
    written = dumped({"G_ema": generator(), "training_set_kwargs": options}, protocol)
    read = read_pickle(written)
    assert read["training_set_kwargs"] == {"path": "somewhere", "resolution": 8}
    assert type(read["training_set_kwargs"]) is dict
    network = read["G_ema"]
    assert isinstance(network, PersistentObject)
    assert network.class_name == "Generator"
    assert network.state["_init_kwargs"] == {"z_dim": 8, "kwargs": {"channel_base": 64}}
    layer = network.state["_modules"]["synthesis"]
    wanted = generator().meta["state"]["_modules"]["synthesis"].meta["state"]
    assert (layer.class_name, layer.state["activation"]) == ("SynthesisLayer", "lrelu")
    assert layer.state["_non_persistent_buffers_set"] == set()
    weight = layer.state["_parameters"]["weight"]
    assert type(weight) is torch.Tensor
    assert not weight.requires_grad
    assert torch.equal(weight, wanted["_parameters"]["weight"].detach())
    noise = layer.state["_buffers"]["noise_const"]
    assert noise.dtype == torch.float16
    assert torch.equal(noise, wanted["_buffers"]["noise_const"])
    assert layer.state["_buffers"]["none"] is None


def test_embedded_source_is_not_even_decoded():
    longer = Persistent("Generator", {}, module_src=CODE * 100_000)
    assert read_pickle(dumped(longer), limits=Limits(text_bytes=99)).state == {}
    no_text = dumped(Persistent("Generator", {}, module_src="y" * 9999)).replace(
        b"yyyy", b"\xff" * 4
    )
    assert read_pickle(no_text) == PersistentObject("Generator", {})


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_tensorflow_file(protocol):
    rng = np.random.default_rng(0)
    kernel = rng.standard_normal((3, 3, 2, 4)).astype(np.float32)
    mapping = Network(
        version=4,
        name="G_mapping",
        static_kwargs=EasyDict(latent_size=8),
        components={},
        build_module_src=CODE,
        build_func_name="G_mapping",
        variables=[("Dense0/weight", np.asfortranarray(kernel[0, 0]))],
    )
    network = Network(
        version=4,
        name="Gs",
        static_kwargs=EasyDict(num_channels=3, func="G_main"),
        components=EasyDict(mapping=mapping),
        build_module_src=CODE,
        build_func_name="G_main",
        variables=[("lod", np.float32(2.5)), ("conv/weight", kernel), ("empty", kernel[:0])],
    )
    read = read_pickle(dumped((network, network, network), protocol))
    assert isinstance(read, tuple)
    assert len(read) == 3
    found = read[2]
    assert isinstance(found, TensorFlowNetwork)
    assert (found.name, found.version, found.build_func_name) == ("Gs", 4, "G_main")
    assert found.static_kwargs == {"num_channels": 3, "func": "G_main"}
    assert_array_equal(found.variables["conv/weight"], kernel)
    assert found.variables["lod"] == np.float32(2.5)
    assert found.variables["lod"].shape == ()
    assert found.variables["empty"].shape == (0, 3, 2, 4)
    inner = found.components["mapping"]
    assert inner.static_kwargs == {"latent_size": 8}
    assert_array_equal(inner.variables["Dense0/weight"], kernel[0, 0])


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_plain_values(protocol):
    value = {
        "numbers": [0, -1, 255, 65536, -(2**31), 2**62, -(2**63), 2**100, 1.5, float("inf")],
        "texts": ["", "a", "é", "漢字", "😀", "\ud800", "long " * 5000],
        "bytes": [b"", b"\0\xff", bytes(range(256)) * 30],
        "truth": (True, False, None),
        "tuples": ((), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)),
        "set": {1, "a"},
        1: {2: []},
    }
    assert read_pickle(pickle.dumps(value, protocol=protocol)) == value
    others = [frozenset({1}), bytearray(b"abc"), collections.OrderedDict(b=1, a=2)]
    assert read_pickle(pickle.dumps(others, protocol=protocol)) == [{1}, b"abc", {"b": 1, "a": 2}]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_plain_values_of_torch(protocol):
    value = [torch.Size([1, 2]), torch.device("cuda:1"), torch.device("cpu"), torch.float16]
    read = read_pickle(pickle.dumps(value, protocol=protocol))
    assert read == [(1, 2), "cuda:1", "cpu", "torch.float16"]
    assert type(read[0]) is tuple


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.float32).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(6, dtype=">i4"),
        np.arange(6, dtype=">f8").reshape(3, 2),
        np.arange(3, dtype=np.float16),
        np.array([True, False]),
        np.arange(4, dtype=np.uint8),
        np.array(["a", "é😀"]),
        np.array([b"a", b"bc"]),
        np.zeros((0, 4)),
        np.array(3.5),
    ],
    ids=lambda array: f"{array.dtype.str}{array.shape}",
)
def test_arrays(array, protocol):
    read = read_pickle(pickle.dumps(array, protocol=protocol))
    assert type(read) is np.ndarray
    assert read.dtype == array.dtype.newbyteorder("=")
    assert read.dtype.isnative
    assert_array_equal(read, array, strict=False)
    assert read.shape == array.shape


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_numpy_scalars_and_dtypes(protocol):
    value = [np.float64(2.5), np.int32(-7), np.bool_(True), np.float16(0.5), np.dtype("f4")]
    read = read_pickle(pickle.dumps(value, protocol=protocol))
    assert read[:4] == value[:4]
    assert [type(scalar) for scalar in read[:4]] == [np.float64, np.int32, np.bool_, np.float16]
    assert read[4] == "float32"


@pytest.mark.parametrize("core", ["numpy.core", "numpy._core"])
def test_both_names_of_numpys_core(core):
    array = np.arange(5, dtype=np.int64)
    other = "numpy._core" if core == "numpy.core" else "numpy.core"
    written = pickle.dumps(array, protocol=2).replace(f"c{other}.".encode(), f"c{core}.".encode())
    assert core.encode() in written
    assert_array_equal(read_pickle(written), array)


def test_texts_and_arrays_of_python_2():
    # SHORT_BINSTRING and BINSTRING, with text and with what is none.
    assert read_pickle(b"\x80\x02U\x03abc.") == "abc"
    assert read_pickle(b"\x80\x02T\x03\0\0\0a\xffc.") == b"a\xffc"
    pairs = b"\x80\x02ccollections\nOrderedDict\n](]U\x01aK\x01e]U\x01bK\x02eea\x85R."
    pairs = pairs.replace(b"](]", b"](](").replace(b"e]U", b"e](U").replace(b"eea", b"ee")
    assert read_pickle(pairs) == {"a": 1, "b": 2}


def test_what_is_read_may_be_written_and_outlives_its_file(tmp_path):
    path = tmp_path / "file.pkl"
    path.write_bytes(dumped({"a": np.arange(4.0), "t": torch.arange(4.0)}))
    read = read_pickle(path)
    path.unlink()
    read["a"] += 1
    read["t"] += 1
    assert_array_equal(read["a"], [1, 2, 3, 4])
    assert read["t"].tolist() == [1, 2, 3, 4]
    assert read["t"].data_ptr() % 16 == 0


def test_paths_bytes_and_views(tmp_path):
    content = pickle.dumps({"a": torch.ones(3)})
    path = tmp_path / "file.pkl"
    path.write_bytes(content)
    for source in (path, str(path), content, bytearray(content), memoryview(content)):
        assert read_pickle(source)["a"].tolist() == [1, 1, 1]


def test_only_what_is_wanted_is_read():
    wanted, heavy = torch.ones(3), torch.zeros(1000)
    written = dumped({"G": generator(), "G_ema": wanted, "D": heavy})
    read = read_pickle(written, only=["G_ema", "absent"])
    assert read["G_ema"].tolist() == [1, 1, 1]
    assert (read["G"], read["D"]) == (None, None)
    assert read_pickle(dumped((heavy, heavy, wanted)), only=[2])[2].tolist() == [1, 1, 1]
    assert read_pickle(dumped([heavy, 5]), only=[1]) == [None, 5]
    assert read_pickle(dumped("text"), only=["a"]) == "text"


def test_attributes_set_on_dicts_are_dropped():
    ordered = collections.OrderedDict(a=1)
    ordered._metadata = {"version": 1}
    easy = EasyDict(b=2)
    easy.secret = 3
    read = read_pickle(dumped([ordered, easy, argparse.Namespace(path="x", weight=torch.ones(1))]))
    assert read == [{"a": 1}, {"b": 2}, None]


def test_shared_values_stay_shared():
    part = [1, 2]
    read = read_pickle(pickle.dumps({"a": part, "b": (part,)}))
    assert read["a"] is read["b"][0]
    array = np.arange(3)
    read = read_pickle(pickle.dumps([array, array]))
    assert read[0] is read[1]


def test_foreign_modules_are_not_imported():
    written = dumped({"G_ema": generator()})
    read_pickle(written)
    assert not {"torch_utils", "dnnlib", "dnnlib.tflib"} & set(sys.modules)


def test_refusals_say_what_and_why(tmp_path):
    path = tmp_path / "evil.pkl"
    path.write_bytes(b"\x80\x02cbuiltins\neval\n.")
    with pytest.raises(UnsafeCheckpointError) as caught:
        read_pickle(path)
    assert caught.value.reason == "builtins.eval is not something that weights need"
    assert str(caught.value).startswith(
        f"{path} was not opened: builtins.eval is not something that weights need: refused, "
        f"nothing was run; "
    )
    copied = pickle.loads(pickle.dumps(caught.value))
    assert (copied.reason, str(copied)) == (caught.value.reason, str(caught.value))


def test_limits_can_be_set():
    written = pickle.dumps([[[1]], "a text", 2**200])
    assert read_pickle(written, limits=Limits(integer_bytes=40))[2] == 2**200
    for limits, reason in [
        ({"opcodes": 9}, "more than 9 steps"),
        ({"containers": 2}, "more than 2 containers"),
        ({"integer_bytes": 8}, "a whole number of 26 bytes"),
        ({"depth": 2}, "more than 2 containers in each other"),
        ({"tree": 5}, "more than 5 values"),
        ({"memo": 1}, "under the number 2"),
    ]:
        with pytest.raises(UnsafeCheckpointError, match=reason):
            read_pickle(written, limits=Limits(**{"integer_bytes": 40, **limits}))


def test_sources_that_are_none(tmp_path):
    with pytest.raises(FileNotFoundError, match="check the path"):
        read_pickle(tmp_path / "missing.pkl")
    with pytest.raises(ValueError, match="is a folder"):
        read_pickle(tmp_path)
    with pytest.raises(TypeError, match="a path or bytes are wanted, but came int"):
        read_pickle(3)
    (tmp_path / "empty.pkl").touch()
    for empty in (tmp_path / "empty.pkl", b""):
        with pytest.raises(ValueError, match="it is empty"):
            read_pickle(empty)
    with pytest.raises(ValueError, match="damaged or was cut off: a pickle has no end"):
        read_pickle(pickle.dumps([1, 2], protocol=2)[:-1])
    with pytest.raises(ValueError, match="bytes are announced at 11, but 8 are left"):
        read_pickle(pickle.dumps([1, 2], protocol=4)[:-1])
    with pytest.raises(ValueError, match="byte 0x3c at 0 is no opcode"):
        read_pickle(b"<html>quota exceeded</html>")
