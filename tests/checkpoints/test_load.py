"""Opening by path and by name, and what is said of files that are no checkpoints."""

import copy
import gzip
import pickle
import warnings
import zipfile

import pytest
import torch
from checkpoints.foreign_files import record, stylegan2_attributes, write_pickle
from golden_files import load_golden, relative_error, state_of
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from smis_core.checkpoints import (
    CheckpointNote,
    UnsafeCheckpointError,
    bundled_path,
    fingerprint,
    load_checkpoint,
    load_generator,
    save_network,
    source_of,
    zoo,
)
from smis_core.networks import Discriminator, DiscriminatorConfig


@pytest.fixture(scope="module")
def golden():
    return load_golden("stylegan2_ada_generator_cond")[0]


@pytest.fixture
def pickled(tmp_path, golden):
    state = state_of(golden)
    network = record("Generator", state, stylegan2_attributes(state))
    return write_pickle(tmp_path / "g.pkl", {"G_ema": network})


def test_nothing_is_the_bundled_portraits(device) -> None:
    generator = load_generator(device=device)
    assert fingerprint(generator) == fingerprint(bundled_path("portraits/generator"))
    assert next(generator.parameters()).device.type == device.type
    assert source_of(generator) == "portraits/generator"
    by_name = load_checkpoint("portraits/generator", device="cpu")
    assert by_name.licence == "MIT"
    assert by_name.format == "smis"


def test_a_name_of_the_zoo_is_fetched_once(tmp_path, pickled, monkeypatch) -> None:
    monkeypatch.setenv("SMIS_CACHE", str(tmp_path / "cache"))
    place = zoo.place_of(zoo.model_named("ffhq-1024"))
    place.parent.mkdir()
    pickled.rename(place)
    checkpoint = load_checkpoint("ffhq-1024", device="cpu")
    assert checkpoint.path == place
    assert checkpoint.licence == "Nvidia Source Code License (non-commercial)"


def test_a_name_that_nothing_has(tmp_path) -> None:
    for source in ("ffhq-1025", "no/such.pkl", tmp_path / "missing.pkl"):
        with pytest.raises(FileNotFoundError, match=r"missing|ffhq-1025|no/such"):
            load_generator(source)


def test_it_is_known_how_a_generator_was_opened(pickled) -> None:
    generator = load_generator(pickled, device="cpu")
    assert source_of(generator) == str(pickled)
    assert source_of(load_checkpoint(str(pickled), device="cpu").generator) == str(pickled)
    # A copy may be tuned; so may the network itself.
    assert source_of(copy.deepcopy(generator)) is None
    generator.synthesis.requires_grad_(True)
    assert source_of(generator) == str(pickled)
    with torch.no_grad():
        next(generator.synthesis.parameters()).mul_(1.5)
    assert source_of(generator) is None
    assert source_of(nn.Linear(2, 2)) is None


def test_notes_are_told_where_the_caller_is(tmp_path, pickled, golden) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", CheckpointNote)
        load_generator(pickled)
    path = tmp_path / "state.pt"
    torch.save(state_of(golden), path)
    with pytest.warns(CheckpointNote, match=r"state.pt: a bare state dict") as told:
        generator = load_generator(path, device="cpu")
    assert told[0].filename == __file__
    image = generator.synthesis(generator.mapping(golden["z"], golden["c"]))
    assert relative_error(image, golden["image_noise_const"]) <= 1e-5
    save_file({k: v.contiguous() for k, v in state_of(golden).items()}, tmp_path / "s.safetensors")
    checkpoint = load_checkpoint(tmp_path / "s.safetensors", device="cpu")
    assert fingerprint(checkpoint.generator) == fingerprint(generator)


def test_opening_leaves_the_file_and_its_memory_alone(pickled) -> None:
    """A generator may be trained further, and its file be replaced, after it was opened."""
    before = pickled.read_bytes()
    generator = load_generator(pickled, device="cpu").requires_grad_(True)
    pickled.unlink()
    with torch.no_grad():
        for value in generator.parameters():
            value.add_(1)
    pickled.write_bytes(before)
    again = load_generator(pickled, device="cpu")
    for name, value in again.named_parameters():
        assert torch.equal(value + 1, generator.get_parameter(name)), name


def not_checkpoints(folder):
    def at(name, content):
        (folder / name).write_bytes(content)
        return folder / name

    picture = folder / "face.pkl"
    Image.new("RGB", (8, 8)).save(picture, "PNG")
    archive = folder / "models.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("ffhq.pkl", b"\x80\x04N.")
    page = b"<!DOCTYPE html><html><title>Google Drive - Quota exceeded</title></html>"
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n"
    return [
        (picture, r"this is a PNG picture: to find the latent code"),
        (at("a.pkl", page), r"this is an HTML page.*open the address in a browser"),
        (at("b.pt", b"Not found\n"), r"this is a text file"),
        (at("c.pt", pointer), r"a Git LFS pointer"),
        (at("d.pkl", b""), r"this is an empty file.*get it again"),
        (archive, r"this is a zip archive: unpack it"),
        (at("e.pkl.gz", gzip.compress(b"abc")), r"this is a gzip archive: unpack it"),
        (at("f.bin", bytes(range(128, 256)) * 4), r"a binary file of an unknown kind"),
        (at("g.pkl", pickle.dumps([1, 2])), r"a pickle that holds a list"),
        (at("h.pkl", pickle.dumps({"weights": 3})), r"a pickle with 'weights' in it"),
    ]


def test_what_is_no_checkpoint_is_called_what_it_is(tmp_path) -> None:
    for path, message in not_checkpoints(tmp_path):
        with pytest.raises(ValueError, match=message) as caught:
            load_generator(path)
        assert str(path) in str(caught.value)
    with pytest.raises(ValueError, match="this is a folder"):
        load_generator(tmp_path)


def test_code_is_refused_by_name(tmp_path) -> None:
    path = tmp_path / "evil.pkl"
    path.write_bytes(b"\x80\x04cos\nsystem\n\x8c\x04true\x85R.")
    with pytest.raises(UnsafeCheckpointError, match=r"system") as caught:
        load_generator(path)
    assert "system" in caught.value.reason


def test_other_programs_files(tmp_path) -> None:
    torch.save({"state_dict": nn.Linear(2, 2).state_dict()}, tmp_path / "linear.pt")
    with pytest.raises(ValueError, match=r"a torch file with 'state_dict' in it"):
        load_generator(tmp_path / "linear.pt")
    save_file({"weight": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match=r"safetensors file of another program with 'weight'"):
        load_generator(tmp_path / "other.safetensors")


def test_a_truncated_file(tmp_path, pickled) -> None:
    content = pickled.read_bytes()
    for length in (40, len(content) // 2, len(content) - 1):
        pickled.write_bytes(content[:length])
        with pytest.raises(ValueError, match=r"damaged|cut off"):
            load_generator(pickled)


def test_our_own_discriminator_is_no_generator(tmp_path) -> None:
    network = Discriminator(DiscriminatorConfig(resolution=8, channel_base=64, channel_max=8))
    save_network(tmp_path / "d.safetensors", network)
    with pytest.raises(ValueError, match="discriminator only"):
        load_generator(tmp_path / "d.safetensors")


def test_a_stylegan3_needs_its_attributes(tmp_path) -> None:
    torch.save(state_of(load_golden("stylegan3_t_generator")[0]), tmp_path / "s.pt")
    with pytest.raises(ValueError, match=r"bare state of a StyleGAN3.*\.pkl instead"):
        load_generator(tmp_path / "s.pt")
