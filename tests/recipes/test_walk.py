"""A walk is smooth, returns, and becomes a film that players open."""

import numpy as np
import pytest
import torch
from PIL import Image

from smis_core.latents import sample_z
from smis_core.networks import Generator, GeneratorConfig
from smis_core.recipes.video import VideoWriter
from smis_core.recipes.walk import WalkOptions, save_walk, slerp, walk


@pytest.fixture
def generator(device):
    torch.manual_seed(0)
    config = GeneratorConfig(
        resolution=16, z_dim=6, w_dim=8, channel_base=128, channel_max=8, mapping_layers=2
    )
    return Generator(config).to(device).eval().requires_grad_(False)


def codes_of(generator, seeds, psi=0.7):
    z = sample_z(seeds, 6).tensor.to(generator.mapping.w_avg.device)
    return generator.mapping(z, truncation_psi=psi).cpu()


def walked(generator, seeds, **options):
    steps = list(walk(generator, seeds=seeds, options=WalkOptions(**options)))
    assert all(step.total == len(steps) for step in steps)
    return steps, torch.cat([step.wplus.tensor for step in steps])


@pytest.mark.parametrize("space", ["w", "z"])
@pytest.mark.parametrize("seeds", [[4, 9], [4, 9, 1]])
def test_a_loop_passes_its_seeds_and_returns(generator, seeds, space) -> None:
    steps, ws = walked(generator, seeds, frames=8, space=space)
    assert len(steps) == 8 * len(seeds)
    assert torch.allclose(ws[::8], codes_of(generator, seeds), atol=1e-4)
    closed = torch.cat([ws, ws[:1]])
    jumps = (closed[1:] - closed[:-1]).norm(dim=(1, 2))
    assert jumps[-1] < 2.5 * jumps.mean()
    assert [step.position for step in steps[::8]] == [*range(len(seeds))]
    image = generator.synthesis(ws[3:4].to(generator.mapping.w_avg.device)).cpu()
    assert torch.allclose(steps[3].image, image, atol=1e-4)


@pytest.mark.parametrize("space", ["w", "z"])
def test_without_a_loop_it_ends_at_the_last_seed(generator, space) -> None:
    steps, ws = walked(generator, [4, 9, 1], frames=5, space=space, loop=False)
    assert len(steps) == 11
    assert torch.allclose(ws[::5], codes_of(generator, [4, 9, 1]), atol=1e-4)


def test_the_spline_has_no_corner(generator) -> None:
    _, ws = walked(generator, [4, 9, 1, 7], frames=50)
    closed = torch.cat([ws[-1:], ws, ws[:1]]).double()
    speed = closed[1:] - closed[:-1]
    bends = (speed[1:] - speed[:-1]).norm(dim=(1, 2))
    # At a corner the direction of a step would turn by about the step itself.
    assert bends.max() < 0.2 * speed.norm(dim=(1, 2)).max()


def test_great_circles_keep_their_length() -> None:
    first, second = torch.nn.functional.normalize(torch.randn(2, 4, 32), dim=2).unbind(0)
    assert torch.allclose(slerp(first, second, torch.zeros(4)), first, atol=1e-6)
    assert torch.allclose(slerp(first, second, torch.ones(4)), second, atol=1e-6)
    middle = slerp(first, second, torch.full((4,), 0.5))
    assert torch.allclose(middle.norm(dim=1), torch.ones(4), atol=1e-5)
    assert torch.allclose((middle * first).sum(dim=1), (middle * second).sum(dim=1), atol=1e-5)
    assert slerp(first, -first, torch.full((4,), 0.3)).isfinite().all()
    assert torch.allclose(slerp(first, first, torch.full((4,), 0.3)), first, atol=1e-6)


def frames_of(path):
    if path.suffix != ".mp4":
        with Image.open(path) as film:
            assert film.info.get("loop") == 0
            frames, durations = [], []
            for index in range(film.n_frames):
                film.seek(index)
                frames.append(np.array(film.convert("RGB")))
                durations.append(film.info["duration"])
        return frames, sum(durations) / 1000
    av = pytest.importorskip("av")
    with av.open(str(path)) as film:
        (stream,) = film.streams.video
        frames = [frame.to_ndarray(format="rgb24") for frame in film.decode(stream)]
        return frames, float(len(frames) / stream.average_rate)


@pytest.mark.parametrize("suffix", [".mp4", ".webp", ".gif"])
def test_a_film(generator, tmp_path, suffix) -> None:
    path = tmp_path / "new" / f"walk{suffix}"
    options = WalkOptions(frames=6)
    steps = list(save_walk(generator, path, seeds=[4, 9], fps=24, options=options))
    assert [*path.parent.iterdir()] == [path]
    frames, seconds = frames_of(path)
    assert len(frames) == len(steps) == 12
    assert frames[0].shape == (16, 16, 3)
    assert seconds == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("suffix", [".mp4", ".webp", ".gif"])
def test_colours_survive(tmp_path, suffix) -> None:
    colours = [(200, 40, 40), (40, 160, 60), (50, 60, 200)]
    path = tmp_path / f"colours{suffix}"
    with VideoWriter(path, fps=10) as video:
        for colour in colours:
            video.add(np.full((32, 32, 3), colour, dtype=np.uint8))
    frames, _ = frames_of(path)
    for frame, colour in zip(frames, colours, strict=True):
        assert abs(frame[8:24, 8:24].astype(int) - colour).max() <= 12


@pytest.mark.parametrize("suffix", [".mp4", ".webp", ".gif"])
def test_refused_frames(tmp_path, suffix) -> None:
    path = tmp_path / f"film{suffix}"
    frame = np.zeros((16, 16, 3), dtype=np.uint8)
    wrong = [[frame, frame[:8]], [frame[..., 0]], [frame.astype(float)], []]

    def film(frames) -> None:
        with VideoWriter(path) as video:
            for each in frames:
                video.add(each)

    for frames in wrong + ([[frame[:15]]] if suffix == ".mp4" else []):
        with pytest.raises(ValueError, match=r"was wanted|even sides"):
            film(frames)
        assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("suffix", [".mp4", ".webp", ".gif"])
def test_who_stops_leaves_what_was_there(generator, tmp_path, suffix) -> None:
    path = tmp_path / f"walk{suffix}"
    path.write_bytes(b"before")
    with pytest.raises(ValueError, match="is there already"):
        save_walk(generator, path, seeds=[1, 2])
    steps = save_walk(generator, path, seeds=[1, 2], overwrite=True)
    next(steps)
    steps.close()
    assert path.read_bytes() == b"before"
    assert [*tmp_path.iterdir()] == [path]


def test_mp4_without_its_library_names_the_extra(generator, tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(ValueError, match=r"pip install 'smis\[video\]'"):
        save_walk(generator, tmp_path / "a.mp4", seeds=[1, 2])


def test_bad_input_before_any_work(generator, tmp_path) -> None:
    def film(name="a.gif", seeds=(1, 2), fps=30.0, **options):
        return save_walk(
            generator, tmp_path / name, seeds=seeds, fps=fps, options=WalkOptions(**options)
        )

    refused = [
        (lambda: film(seeds=[1]), "two or more"),
        (lambda: film(seeds=[1, -2]), "got -2"),
        (lambda: film(frames=0), "frames: at least 1"),
        (lambda: film(frames=60_000), "more than 100,000 frames"),
        (lambda: film(space="x"), "space: one of"),
        (lambda: film(noise="random"), "flicker"),
        (lambda: film("a.avi"), r"ending in .mp4, .webp, .gif"),
        (lambda: film(fps=0), "fps: above 0"),
        (lambda: film(fps=60), "at most 50 were wanted for .gif"),
    ]
    for call, message in refused:
        with pytest.raises(ValueError, match=message):
            call()
    assert not [*tmp_path.iterdir()]
