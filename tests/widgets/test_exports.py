"""Files of an inversion, read back."""

import builtins
import csv
import importlib

import numpy as np
import pytest
from PIL import Image
from widgets.fake_inversion import fake_inversion, picture

from smis_core.jobs import Job
from smis_widgets.exports import difference, save_curves, save_timelapse, sheet
from smis_widgets.recording import Recording, picture_of

TARGET = picture(32)


@pytest.fixture(scope="module")
def recordings():
    made = {}
    for name, steps in (("hybrid", 12), ("W", 30)):
        recording = made[name] = Recording(Job(iter(())))
        for step in fake_inversion(TARGET, steps=steps):
            recording.add(step)
    return made


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_curves_are_a_figure(recordings, tmp_path, ending):
    path = save_curves(tmp_path / "new" / f"curves.{ending}", recordings)
    if ending == "png":
        assert np.array(Image.open(path).convert("L")).std() > 3
    else:
        assert "<svg" in path.read_text(encoding="utf-8")
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_curves_are_a_table(recordings, tmp_path):
    path = save_curves(tmp_path / "curves.csv", recordings)
    rows = list(csv.DictReader(path.open(encoding="utf-8")))
    assert len(rows) == 42
    assert rows[-1]["run"] == "W"
    assert float(rows[-1]["total"]) == pytest.approx(1 / 30)
    assert float(rows[-1]["seconds"]) == pytest.approx(3)


@pytest.mark.parametrize("ending", ["gif", "webp"])
def test_the_time_lapse_ends_with_the_last_step(recordings, tmp_path, ending):
    kept = recordings["W"].kept()
    path = save_timelapse(tmp_path / f"film.{ending}", kept, target=picture_of(TARGET), seconds=1.5)
    film = Image.open(path)
    assert film.n_frames == len(kept)
    durations = []
    for frame in range(film.n_frames):
        film.seek(frame)
        film.load()
        durations.append(film.info["duration"])
    # Beside the target the last step shows the same: both halves agree.
    last = np.array(film.convert("RGB")).astype(int)
    half = (last.shape[1] - 4) // 2
    assert np.abs(last[:, :half] - last[:, -half:]).mean() < 8
    assert durations[-1] > 5 * durations[0]


def test_the_time_lapse_is_a_video(recordings, tmp_path):
    av = pytest.importorskip("av", reason="mp4 needs PyAV, of the extra 'video'")
    path = save_timelapse(tmp_path / "film.mp4", recordings["W"].kept(), seconds=1.0)
    with av.open(str(path)) as file:
        frames = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    assert len(frames) == 24 + 36
    shown = Image.fromarray(picture_of(TARGET)).resize((256, 256), Image.BICUBIC)
    assert np.abs(frames[-1].astype(int) - np.array(shown)).mean() < 8


@pytest.mark.parametrize(("ending", "module"), [("mp4", "av"), ("png", "matplotlib.figure")])
def test_a_missing_library_is_named(recordings, tmp_path, monkeypatch, ending, module):
    real = importlib.import_module

    def without(name, *args):
        if name == module:
            raise ImportError(name)
        return real(name, *args)

    monkeypatch.setattr(importlib, "import_module", without)
    save = save_timelapse if ending == "mp4" else save_curves
    given = recordings["W"].kept() if ending == "mp4" else recordings
    with pytest.raises(ImportError, match=r"pip install 'smis\["):
        save(tmp_path / f"x.{ending}", given)
    assert list(tmp_path.iterdir()) == []


def test_refusals_leave_what_is_there(recordings, tmp_path):
    path = tmp_path / "film.gif"
    path.write_bytes(b"mine")
    with pytest.raises(ValueError, match="at least one step"):
        save_timelapse(path, [])
    with pytest.raises(ValueError, match="seconds"):
        save_timelapse(path, recordings["W"].kept(), seconds=0)
    with pytest.raises(ValueError, match="ending in one of"):
        save_timelapse(tmp_path / "film.avi", recordings["W"].kept())
    with pytest.raises(ValueError, match="at least one step"):
        save_curves(tmp_path / "x.csv", {"empty": Recording(Job(iter(())))})
    assert path.read_bytes() == b"mine"
    assert [each.name for each in tmp_path.iterdir()] == ["film.gif"]


@pytest.mark.parametrize("plots", [True, False])
def test_the_sheet_is_a_picture_with_and_without_matplotlib(recordings, monkeypatch, plots):
    if not plots:
        monkeypatch.setattr(
            importlib, "import_module", lambda name: builtins.__import__("no_" + name)
        )
    png = sheet(
        recordings,
        shown=recordings["W"].result(),
        film=recordings["W"].kept(),
        target=picture_of(TARGET),
    )
    assert png.startswith(b"\x89PNG")


def test_the_difference_is_black_where_nothing_differs():
    target = picture_of(TARGET)
    assert difference(target, target).max() == 0
    assert difference(target, 255 - target).mean() > 50
    half = np.ones((32, 32), np.float32)
    half[:, :16] = 0
    assert difference(target, 255 - target, half)[:, :16].max() == 0
    coarse = picture_of(torch_half(TARGET))
    assert difference(target, coarse).shape == target.shape
    assert difference(target, coarse).mean() < 20


def torch_half(image):
    return image[..., ::2, ::2]
