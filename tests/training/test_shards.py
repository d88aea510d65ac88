"""The folder of a state: bounded files, replaced as a whole."""

import json
import os

import pytest
import torch

from smis_core.training import shards
from smis_core.training.shards import holds_state, read_folder, write_folder


def test_what_was_written_is_read_in_files_of_bounded_size(tmp_path):
    generator = torch.Generator().manual_seed(0)
    tensors = {
        "a/large": torch.randn(50, 41, generator=generator),
        "a/channels_last": torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last),
        "a/scalar": torch.tensor(3.0),
        "b/whole": torch.arange(5),
    }
    write_folder(tmp_path / "state", tensors, {"step": 7}, limit=2048)
    files = sorted(p.name for p in (tmp_path / "state").glob("*.safetensors"))
    assert files[-1] == "b-00.safetensors"
    assert len(files) >= 6
    assert all(p.stat().st_size < 2048 + 700 for p in (tmp_path / "state").glob("*.safetensors"))
    found, facts = read_folder(tmp_path / "state")
    assert facts == {"step": 7}
    assert all(torch.equal(found[name], tensor) for name, tensor in tensors.items())
    assert found.keys() == tensors.keys()
    assert found["b/whole"].dtype == torch.int64


def test_the_bound_leaves_room_for_the_header():
    assert shards.SHARD_BYTES <= 15 * 2**20


def test_a_death_between_the_renamings_loses_nothing(tmp_path, monkeypatch):
    folder = tmp_path / "state"
    write_folder(folder, {"a/x": torch.ones(2)}, {"step": 1})
    real, calls = os.replace, []

    def dying(source, target):
        calls.append(target)
        if len(calls) == 2:
            raise KeyboardInterrupt
        real(source, target)

    monkeypatch.setattr(os, "replace", dying)
    with pytest.raises(KeyboardInterrupt):
        write_folder(folder, {"a/x": torch.zeros(2)}, {"step": 2})
    monkeypatch.setattr(os, "replace", real)
    assert holds_state(folder)
    assert read_folder(folder)[1] == {"step": 1}
    write_folder(folder, {"a/x": torch.zeros(2)}, {"step": 2})
    assert read_folder(folder)[1] == {"step": 2}
    assert [p.name for p in tmp_path.iterdir()] == ["state"]


def test_damage_is_named(tmp_path):
    folder = tmp_path / "state"
    with pytest.raises(FileNotFoundError, match="no training state"):
        read_folder(folder)
    write_folder(folder, {"a/x": torch.ones(200), "b/y": torch.ones(2)}, {})
    file = folder / "a-00.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[:300])
    with pytest.raises(ValueError, match="missing or damaged"):
        read_folder(folder)
    file.unlink()
    with pytest.raises(ValueError, match="missing or damaged"):
        read_folder(folder)
    file.write_bytes(whole)
    (folder / "state.json").write_text(json.dumps({"step": 1}))
    with pytest.raises(ValueError, match="missing or damaged"):
        read_folder(folder)
