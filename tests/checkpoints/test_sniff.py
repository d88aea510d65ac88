"""Files are told by their content, whatever they are called."""

import pickle
import zipfile

import pytest
import torch
from checkpoints.foreign_files import Record, tensorflow_network, write_pickle
from PIL import Image
from safetensors.torch import save_file

from smis_core.checkpoints import bundled_path, sniff


def written(folder, kind):
    path = folder / "file"
    if kind == "smis":
        return bundled_path("portraits/generator")
    if kind == "safetensors":
        save_file({"a": torch.zeros(3)}, path)
    elif kind in ("torch-zip", "torch-legacy"):
        torch.save({"a": torch.zeros(3)}, path, _use_new_zipfile_serialization=kind == "torch-zip")
    elif kind == "nvidia-torch":
        write_pickle(path, {"G_ema": Record("Generator", {})})
    elif kind == "nvidia-tensorflow":
        write_pickle(path, (tensorflow_network("G", {}, {}),) * 3, protocol=3)
    else:
        path.write_bytes(PLAIN[kind])
    return path


PLAIN = {
    "pickle": pickle.dumps({"a": 1}),
    "html": b"\xef\xbb\xbf \n<!doctype HTML><p>Too many users have viewed this file",
    "text": "Zugriff verweigert – später nochmals\n".encode(),
    "archive": b"\x1f\x8b\x08\0\0\0\0\0",
    "empty": b"",
    "unknown": bytes(range(200, 256)) * 9,
}
ALL = [
    "smis", "safetensors", "torch-zip", "torch-legacy", "nvidia-torch", "nvidia-tensorflow", *PLAIN
]  # fmt: skip


@pytest.mark.parametrize("kind", ALL)
def test_kinds(tmp_path, kind) -> None:
    found = sniff(written(tmp_path, kind))
    assert found.kind == kind
    weights = {"smis", "safetensors", "torch-zip", "torch-legacy", "pickle"}
    assert found.can_hold_weights == (kind in weights or kind.startswith("nvidia"))


@pytest.mark.parametrize("name", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WebP"])
def test_pictures(tmp_path, name) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "x.pt", name)
    found = sniff(tmp_path / "x.pt")
    assert (found.kind, found.description) == ("picture", f"a {name} picture")


@pytest.mark.parametrize("protocol", range(6))
def test_pickles_of_all_protocols(tmp_path, protocol) -> None:
    (tmp_path / "x").write_bytes(pickle.dumps({"a": [1, 2.5]}, protocol=protocol))
    assert sniff(tmp_path / "x").kind == "pickle"


def test_zip_archives(tmp_path) -> None:
    path = tmp_path / "x"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("model/data.pkl", b"")
        file.writestr("model/code/__torch__.py", b"")
    assert sniff(path).description == "a TorchScript program"
    torch.save({"a": torch.zeros(3)}, path)
    path.write_bytes(path.read_bytes()[:-30])
    assert sniff(path).description == "a damaged torch file"
    path.write_bytes(b"PK\x03\x04" + bytes(40))
    assert sniff(path).description == "a damaged zip archive"


def test_a_safetensors_header_longer_than_what_is_read(tmp_path) -> None:
    names = {f"tensor-{'x' * 200}-{i}": torch.zeros(1) for i in range(5_000)}
    save_file(names, tmp_path / "x", metadata={"format": "smis-1"})
    assert sniff(tmp_path / "x").kind == "smis"
    save_file(names, tmp_path / "x", metadata={"format": "pt"})
    assert sniff(tmp_path / "x").kind == "safetensors"


def test_places(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match="no such file"):
        sniff(tmp_path / "missing")
    with pytest.raises(ValueError, match="this is a folder"):
        sniff(tmp_path)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_torch_files_of_the_old_kind_by_any_protocol(tmp_path, protocol):
    path = tmp_path / "old.pt"
    torch.save(
        {"a": torch.zeros(3)}, path,
        _use_new_zipfile_serialization=False, pickle_protocol=protocol,
    )  # fmt: skip
    assert sniff(path).kind == "torch-legacy"
