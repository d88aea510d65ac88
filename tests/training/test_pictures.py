"""Pictures from folders and functions, kept on disk."""

import numpy as np
import pytest
import torch
from PIL import Image

from smis_core.training import PictureCache, find_pictures, folder_cache
from smis_core.training.randomness import PictureOrder, derived_seed, seeded


def numbered(indices):
    return torch.stack([torch.full((3, 8, 8), int(i) / 100 - 1) for i in indices])


def cache_of(folder, count=150, draw=numbered, description="numbers"):
    return PictureCache(draw, count=count, resolution=8, folder=folder, description=description)


def test_pictures_are_drawn_once_and_read_back(tmp_path):
    asked = []

    def draw(indices):
        asked.extend(indices)
        return numbered(indices)

    cache = cache_of(tmp_path, draw=draw)
    with pytest.raises(RuntimeError, match="fill"):
        cache.read([0])
    next(cache.fill())
    again = cache_of(tmp_path, draw=draw)
    assert not again.complete
    assert list(again.fill())[-1] == 150
    assert asked == list(range(150))
    assert len(again) == 150
    read = again.read(np.array([149, 3]))
    assert read.dtype == torch.float32
    assert read.shape == (2, 3, 8, 8)
    assert torch.allclose(read, numbered([149, 3]), atol=1 / 255)
    assert cache_of(tmp_path).complete
    assert not cache_of(tmp_path, description="others").complete


def test_what_cannot_be_used_is_refused(tmp_path):
    with pytest.raises(ValueError, match="at least one"):
        cache_of(tmp_path, count=0)
    with pytest.raises(ValueError, match=r"\[3, 8, 8\] are wanted"):
        list(cache_of(tmp_path, draw=lambda i: torch.zeros(len(i), 3, 4, 4)).fill())
    with pytest.raises(FileNotFoundError, match="not a folder"):
        find_pictures(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="no picture"):
        find_pictures(tmp_path)


def test_a_folder_is_searched_and_its_broken_files_are_named(tmp_path):
    folder = tmp_path / "data"
    (folder / "deep").mkdir(parents=True)
    Image.new("RGB", (20, 30), (255, 0, 0)).save(folder / "deep" / "red.png")
    Image.new("L", (16, 16), 255).save(folder / "white.jpg")
    Image.new("RGB", (5, 9), (0, 0, 255)).save(folder / "tiny.png")
    (folder / "broken.png").write_bytes(b"no picture")
    (folder / "cut.png").write_bytes((folder / "deep" / "red.png").read_bytes()[:60])
    (folder / "notes.txt").write_text("not looked at")
    cache = folder_cache(folder, resolution=16, scratch=tmp_path / "scratch")
    with pytest.warns(UserWarning, match="is left out|was enlarged") as caught:
        list(cache.fill())
    said = " ".join(str(warning.message) for warning in caught)
    assert all(name in said for name in ("broken.png", "cut.png", "tiny.png"))
    assert "white.jpg" not in said
    assert "red.png" not in said
    assert len(cache) == 3
    red, tiny, white = cache.read([0, 1, 2])
    assert torch.allclose(red.mean(dim=(1, 2)), torch.tensor([1.0, -1.0, -1.0]), atol=0.02)
    assert torch.allclose(tiny.mean(dim=(1, 2)), torch.tensor([-1.0, -1.0, 1.0]), atol=0.02)
    assert white.min() > 0.98


def test_a_folder_of_nothing_but_broken_files_is_refused(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "broken.png").write_bytes(b"")
    cache = folder_cache(tmp_path / "data", resolution=16, scratch=tmp_path / "scratch")
    with (
        pytest.warns(UserWarning, match="left out"),
        pytest.raises(ValueError, match="none of the 1 pictures"),
    ):
        list(cache.fill())


def test_every_epoch_shows_every_picture_once_in_another_order():
    order = PictureOrder(10, seed=4)
    first, second = order[slice(0, 10)], order[slice(10, 20)]
    assert sorted(first) == sorted(second) == list(range(10))
    assert list(first) != list(second)
    assert list(PictureOrder(10, seed=4)[slice(5, 25)]) == [
        *first[5:], *second, *order[slice(20, 25)],
    ]  # fmt: skip
    assert list(PictureOrder(10, seed=5)[slice(0, 10)]) != list(first)


def test_seeds_differ_with_every_part():
    assert derived_seed("step", 1, 12) != derived_seed("step", 11, 2)
    with seeded("a", 1, device=torch.device("cpu")):
        one = torch.rand(3)
    with seeded("a", 1, device=torch.device("cpu")):
        assert torch.equal(torch.rand(3), one)
