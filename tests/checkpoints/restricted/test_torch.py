"""Files of torch.save, zip and legacy: what torch wrote comes back as torch would read it."""

import argparse
import io
import pickle
import zipfile

import numpy as np
import pytest
import torch

from smis_core.checkpoints.restricted import UnsafeCheckpointError, read_pickle, read_torch

DTYPES = [
    torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32,
    torch.int16, torch.int8, torch.uint8, torch.bool,
]  # fmt: skip


@pytest.fixture(params=["zip", "legacy"])
def saved(request):
    """torch.save in one of its layouts, as bytes."""

    def save(value, **more):
        file = io.BytesIO()
        torch.save(value, file, _use_new_zipfile_serialization=request.param == "zip", **more)
        return file.getvalue()

    return save


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_dtypes(saved, dtype):
    tensor = (torch.arange(-3, 9).view(3, 4)).to(dtype)
    read = read_torch(saved({"a": tensor, "empty": tensor[:0], "one": tensor[1, 2]}))
    assert read["a"].dtype == dtype
    assert torch.equal(read["a"], tensor)
    assert read["empty"].shape == (0, 4)
    assert read["one"].shape == ()
    assert read["one"] == tensor[1, 2]


def test_views_share_their_storage(saved):
    base = torch.arange(24.0)
    views = [base, base.view(4, 6).t(), base[3:9:2], base.view(2, 3, 4).permute(2, 0, 1)[1]]
    read = read_torch(saved(views))
    for ours, theirs in zip(read, views, strict=True):
        assert torch.equal(ours, theirs)
        assert ours.stride() == theirs.stride()
    read[0][4] = 99
    assert read[1][4, 0] == 99
    assert len({tensor.untyped_storage().data_ptr() for tensor in read}) == 1


def test_the_popular_ports_file(saved):
    layer = torch.nn.Linear(3, 2)
    optimiser = torch.optim.Adam(layer.parameters())
    layer(torch.ones(1, 3)).sum().backward()
    optimiser.step()
    read = read_torch(
        saved(
            {
                "g_ema": layer.state_dict(),
                "g_optim": optimiser.state_dict(),
                "args": argparse.Namespace(size=256, path="somewhere"),
                "latent_avg": torch.ones(4),
                "ada_aug_p": 0.0,
            }
        )
    )
    assert read["args"] is None
    assert type(read["g_ema"]) is dict
    assert torch.equal(read["g_ema"]["weight"], layer.weight)
    assert not read["g_ema"]["weight"].requires_grad
    moments = read["g_optim"]["state"][0]["exp_avg"]
    assert torch.equal(moments, optimiser.state_dict()["state"][0]["exp_avg"])
    assert read["latent_avg"].tolist() == [1, 1, 1, 1]


def test_options_as_encoders_have_them(saved):
    options = {
        "learn_in_w": False, "lr": 1e-4, "stylegan_size": 1024, "weights": None, "list": [1, "a"],
        "numpy": np.float64(0.5), "array": np.arange(3), "size": torch.Size([3]),
        "device": torch.device("cuda"), "dtype": torch.float32,
        "parameter": torch.nn.Parameter(torch.ones(2)),
    }  # fmt: skip
    read = read_torch(saved({"opts": options}))["opts"]
    assert read.pop("array").tolist() == [0, 1, 2]
    assert read.pop("parameter").tolist() == [1, 1]
    assert read == {
        "learn_in_w": False, "lr": 1e-4, "stylegan_size": 1024, "weights": None, "list": [1, "a"],
        "numpy": 0.5, "size": (3,), "device": "cuda", "dtype": "torch.float32",
    }  # fmt: skip


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_protocols(saved, protocol):
    read = read_torch(saved({"a": torch.ones(2), "b": b"bytes"}, pickle_protocol=protocol))
    assert read["a"].tolist() == [1, 1]
    assert read["b"] == b"bytes"


def test_a_storage_by_itself(saved):
    tensor = torch.arange(4, dtype=torch.int16)
    assert read_torch(saved(tensor.untyped_storage())).tolist() == [0, 0, 1, 0, 2, 0, 3, 0]


def test_storages_of_the_gpu():
    file = io.BytesIO()
    torch.save({"a": torch.ones(3)}, file, _use_new_zipfile_serialization=False)
    written = file.getvalue().replace(b"ctorch\nFloat", b"ctorch.cuda\nFloat")
    written = written.replace(b"X\x03\0\0\0cpu", b"X\x06\0\0\0cuda:0")
    assert read_torch(written)["a"].tolist() == [1, 1, 1]


def test_from_a_path_that_then_goes(saved, tmp_path):
    path = tmp_path / "weights.pt"
    path.write_bytes(saved({"a": torch.ones(3)}))
    read = read_torch(path)
    path.unlink()
    assert (read["a"] + 1).tolist() == [2, 2, 2]


def test_only_what_is_wanted_is_read(saved):
    read = read_torch(saved({"g_ema": torch.ones(2), "g_optim": torch.ones(9)}), only={"g_ema"})
    assert read["g_ema"].tolist() == [1, 1]
    assert read["g_optim"] is None


REFUSED = {
    "module": (lambda: torch.nn.Linear(2, 2), "torch.nn.modules|persistent id"),
    "complex": (lambda: torch.ones(2, dtype=torch.complex64), "ComplexFloatStorage"),
    "sparse": (lambda: torch.eye(2).to_sparse(), "_rebuild_sparse_tensor"),
    "meta": (lambda: torch.empty(2, device="meta"), "_rebuild_meta_tensor_no_storage"),
    "quantised": (
        lambda: torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8),
        "_rebuild_qtensor",
    ),
    "objects": (lambda: np.array([{}]), "the numpy dtype 'O8'"),
    "class": (lambda: argparse.ArgumentParser, r"argparse\.ArgumentParser"),
}


# Torch warns that quantised tensors go; the files that hold them stay.
@pytest.mark.filterwarnings("ignore:.*quantize_per_tensor.*:UserWarning")
@pytest.mark.parametrize("title", REFUSED)
def test_what_weights_do_not_need(saved, title):
    make, reason = REFUSED[title]
    with pytest.raises(UnsafeCheckpointError, match=reason):
        read_torch(saved({"a": make()}))


def test_the_wrong_reader_names_the_right_one(saved):
    with pytest.raises(ValueError, match="open it with read_torch"):
        read_pickle(saved([1]))
    with pytest.raises(ValueError, match="open a plain pickle with read_pickle"):
        read_torch(pickle.dumps([1]))
    with pytest.raises(ValueError, match=r"does not begin as a file of torch\.save"):
        read_torch(b"<html></html>")


def test_a_zip_container_of_something_else(tmp_path):
    with zipfile.ZipFile(tmp_path / "pictures.zip", "w") as file:
        file.writestr("folder/picture.png", b"picture")
    with pytest.raises(UnsafeCheckpointError, match=r"zip member folder/picture.png is not torch"):
        read_torch(tmp_path / "pictures.zip")


def test_numbers_that_are_cut_off(saved):
    written = saved({"a": torch.ones(1000)})
    for length in (len(written) - 1, len(written) // 2, 100):
        with pytest.raises(ValueError, match="damaged or was cut off"):
            read_torch(written[:length])
