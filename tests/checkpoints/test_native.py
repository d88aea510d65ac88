"""Our checkpoint format: what goes in comes out, and what is wrong is named."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from smis_core.checkpoints import fingerprint, load_network, read_card, save_network
from smis_core.networks import Discriminator, DiscriminatorConfig, Generator, GeneratorConfig

CONFIG = GeneratorConfig(
    resolution=8, z_dim=4, w_dim=6, channel_base=64, channel_max=8, mapping_layers=2
)


@pytest.fixture
def generator() -> Generator:
    torch.manual_seed(0)
    return Generator(CONFIG)


@pytest.fixture
def saved(generator: Generator, tmp_path: Path) -> Path:
    path = tmp_path / "new folder" / "generator.safetensors"
    save_network(path, generator, card={"data": "noise", "figures": {"fid": 3.5}})
    return path


def test_a_generator_comes_back(generator: Generator, saved: Path, device: torch.device) -> None:
    loaded = load_network(saved, device=device)
    assert isinstance(loaded, Generator)
    assert loaded.config == CONFIG
    assert not loaded.training
    assert not any(p.requires_grad for p in loaded.parameters())
    assert all(v.device.type == device.type for v in loaded.state_dict().values())
    for name, value in generator.state_dict().items():
        assert torch.equal(loaded.state_dict()[name].cpu(), value), name


def test_a_discriminator_in_channels_last_and_half(tmp_path: Path) -> None:
    config = DiscriminatorConfig(resolution=8, channel_base=64, channel_max=8)
    network = Discriminator(config).to(memory_format=torch.channels_last)
    path = tmp_path / "half.safetensors"
    save_network(path, network, half=True)
    assert {v.dtype for v in load_file(path).values()} == {torch.float16}
    loaded = load_network(path, device="cpu")
    pictures = torch.randn(4, 3, 8, 8)
    assert isinstance(loaded, Discriminator)
    assert {v.dtype for v in loaded.state_dict().values()} == {torch.float32}
    assert torch.allclose(loaded(pictures), network(pictures), atol=0.02)


def test_the_card_travels(saved: Path, generator: Generator, tmp_path: Path) -> None:
    assert read_card(saved) == {"data": "noise", "figures": {"fid": 3.5}}
    save_network(tmp_path / "bare.safetensors", generator)
    assert read_card(tmp_path / "bare.safetensors") == {}


def test_the_fingerprint_is_of_the_weights(generator: Generator, saved: Path, tmp_path) -> None:
    assert fingerprint(saved) == fingerprint(generator) == fingerprint(load_network(saved))
    save_network(tmp_path / "again.safetensors", generator, card={"data": "other"})
    assert fingerprint(tmp_path / "again.safetensors") == fingerprint(saved)
    save_network(tmp_path / "half.safetensors", generator, half=True)
    half = load_network(tmp_path / "half.safetensors", device="cpu")
    assert fingerprint(tmp_path / "half.safetensors") == fingerprint(half)
    with torch.no_grad():
        generator.mapping.w_avg[0] += 1e-3
    assert fingerprint(generator) != fingerprint(saved)


def test_a_failed_write_leaves_the_old_file(saved: Path, generator, monkeypatch) -> None:
    before = saved.read_bytes()
    monkeypatch.setattr("smis_core.checkpoints.native.os.replace", _fail)
    with pytest.raises(OSError, match="no space"):
        save_network(saved, generator, card={"data": "new"})
    assert saved.read_bytes() == before
    assert [*saved.parent.iterdir()] == [saved]


def _fail(*_: object) -> None:
    raise OSError("no space")


def test_refused_files(saved: Path, generator: Generator, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no weights at .*missing"):
        load_network(tmp_path / "missing.safetensors")
    content = saved.read_bytes()
    for length in (0, 5, 200, len(content) - 10):
        saved.write_bytes(content[:length])
        for read in (load_network, read_card, fingerprint):
            with pytest.raises(ValueError, match="not a whole safetensors file"):
                read(saved)
    foreign = tmp_path / "foreign.safetensors"
    save_file({"weight": torch.zeros(2)}, foreign)
    with pytest.raises(ValueError, match="of another program"):
        load_network(foreign)


def test_weights_of_another_architecture(saved: Path, generator: Generator) -> None:
    def rewrite(kind: str, config: GeneratorConfig) -> None:
        metadata = {"format": "smis-1", "kind": kind, "card": "{}"}
        metadata["config"] = json.dumps(config.to_dict())
        save_file(generator.state_dict(), saved, metadata=metadata)

    rewrite("stylegan2-generator", replace(CONFIG, resolution=16))
    with pytest.raises(ValueError, match=r"differ, first 'synthesis.b16.conv0.affine.bias'"):
        load_network(saved)
    rewrite("diffusion", CONFIG)
    with pytest.raises(ValueError, match=r"kind 'diffusion', but known are .*stylegan2-generator"):
        load_network(saved)


def test_refused_networks_and_places(generator: Generator, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="came Linear"):
        save_network(tmp_path / "linear.safetensors", nn.Linear(2, 2))
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ValueError, match="file is not a folder"):
        save_network(tmp_path / "file" / "generator.safetensors", generator)
    assert (tmp_path / "file").read_text() == "in the way"
