"""Bundled weights by name."""

import pytest

from smis_core.checkpoints import bundled_path, zoo


def test_names_lead_to_files(tmp_path, monkeypatch) -> None:
    weights = tmp_path / "portraits" / "weights"
    weights.mkdir(parents=True)
    (weights / "generator.safetensors").touch()
    monkeypatch.setattr(zoo, "files", lambda _: tmp_path)
    assert bundled_path("portraits/generator") == weights / "generator.safetensors"
    for name in ("portraits/judge", "generator", "cats/generator", "../portraits/generator"):
        with pytest.raises(FileNotFoundError, match=r"there are: portraits/generator$"):
            bundled_path(name)
