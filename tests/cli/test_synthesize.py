"""`smis synthesize`: portraits and sheets from masks, and refusals before any work."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import smis_core.fewshot
from smis_core.cli import app
from smis_core.images import read_image
from smis_core.labels import PORTRAITS, LabelMap

RESOLUTION = 16


class Painter:
    """Stands in for a synthesizer: a picture's brightness tells its style."""

    palette = PORTRAITS
    resolution = RESOLUTION
    default_mix_from = 5

    def synthesize(self, mask, *, style_seeds):
        mask.resized(RESOLUTION)
        shades = torch.tensor([-1 + 0.1 * seed for seed in style_seeds])
        images = shades[:, None, None, None].expand(-1, 3, RESOLUTION, RESOLUTION)
        return SimpleNamespace(images=images, fidelity=[0.5] * len(style_seeds))


@pytest.fixture(autouse=True)
def painter(monkeypatch):
    loaded = []

    def load(**options):
        loaded.append(options)
        return Painter()

    monkeypatch.setattr(smis_core.fewshot, "load_synthesizer", load)
    return loaded


def smis(*arguments):
    return CliRunner().invoke(app, ["synthesize", *map(str, arguments)])


@pytest.fixture
def mask(tmp_path):
    indices = np.zeros((32, 32), dtype=np.uint8)
    indices[8:24, 8:24] = 13
    path = tmp_path / "face.png"
    LabelMap(indices).save(path)
    return path


def test_one_mask_in_six_styles(mask, tmp_path, painter):
    result = smis(mask, "-o", tmp_path / "out", "--seed", 3, "--shots", 5, "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert painter == [{"shots": 5, "device": "cpu"}]
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {f"face_style{seed}.png" for seed in range(3, 9)} | {"contact_sheet.png"}
    with Image.open(tmp_path / "out" / "face_style4.png") as portrait:
        assert portrait.size == (RESOLUTION, RESOLUTION)
        assert portrait.text["smis:mask"] == "face"
        assert portrait.text["smis:style_seed"] == "4"
        assert portrait.text["smis:mix_from"] == "5"


def test_the_sheet_shows_the_mask_and_then_its_styles(mask, tmp_path):
    smis(mask, "-o", tmp_path / "out", "--styles", 2)
    sheet = read_image(tmp_path / "out" / "contact_sheet.png")[0]
    assert sheet.shape == (3, 256, 3 * 256 + 2 * 6)
    colour = torch.tensor(PORTRAITS.by_name("hair").colour) / 127.5 - 1
    torch.testing.assert_close(sheet[:, 128, 128], colour, atol=1e-6, rtol=0)
    assert sheet[0, 128, 262 + 128].item() == pytest.approx(-1, abs=0.01)
    assert sheet[0, 128, 524 + 128].item() == pytest.approx(-0.9, abs=0.01)


def test_a_folder_is_read_with_its_sub_folders(mask, tmp_path):
    masks = tmp_path / "masks"
    for number in range(17):
        path = masks / f"part{number % 2}" / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(mask.read_bytes())
    (masks / "part0" / "photograph.jpg").write_bytes(b"left alone")
    result = smis("--masks", masks, "-o", tmp_path / "out", "--styles", 1)
    assert result.exit_code == 0, result.output
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert "part1-03_style0.png" in names
    assert {"contact_sheet.png", "contact_sheet_2.png"} <= names
    assert len(names) == 17 + 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["{mask}", "--masks", "{folder}", "-o", "{out}"], "exactly one"),
        (["-o", "{out}"], "exactly one"),
        (["{folder}", "-o", "{out}"], "use --masks"),
        (["--masks", "{mask}", "-o", "{out}"], "takes a folder"),
        (["{folder}/none.png", "-o", "{out}"], "no such file"),
        (["--masks", "{folder}/none", "-o", "{out}"], "takes a folder"),
        (["{mask}", "-o", "{folder}"], "among the masks"),
        (["{mask}", "-o", "{mask}"], "this is a file"),
        (["{mask}", "-o", "{mask}/deep"], "not a folder"),
        (["{mask}", "-o", "{out}", "--styles", "0"], "styles >= 1"),
        (["{mask}", "-o", "{out}", "--seed", "-1"], "seed >= 0"),
        (["--masks", "{empty}", "-o", "{out}"], "holds none"),
    ],
)
def test_refusals_come_before_any_work(arguments, words, mask, tmp_path):
    places = {"mask": mask, "folder": tmp_path, "out": tmp_path / "out", "empty": tmp_path / "none"}
    if "{empty}" in arguments:
        places["empty"].mkdir()
    before = mask.read_bytes()
    result = smis(*(argument.format(**places) for argument in arguments))
    assert result.exit_code == 1
    assert words in " ".join(result.output.split())
    assert "Traceback" not in result.output
    assert mask.read_bytes() == before
    assert not (tmp_path / "out").exists()


def test_one_bad_mask_in_a_folder_stops_before_the_first_picture(mask, tmp_path, painter):
    masks = tmp_path / "masks"
    masks.mkdir()
    (masks / "a.png").write_bytes(mask.read_bytes())
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(noise).save(masks / "b.png")
    result = smis("--masks", masks, "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "b.png" in result.output
    assert not painter
    assert not (tmp_path / "out").exists()


def test_two_masks_of_one_name_are_refused(mask, tmp_path):
    masks = tmp_path / "masks"
    (masks / "a").mkdir(parents=True)
    for name in ("a-b.png", "a/b.png"):
        (masks / name).write_bytes(mask.read_bytes())
    result = smis("--masks", masks, "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "rename one" in " ".join(result.output.split())


def test_nothing_is_overwritten_that_stands_in_the_way(mask, tmp_path):
    blocked = tmp_path / "out" / "contact_sheet.png"
    blocked.mkdir(parents=True)
    result = smis(mask, "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "this is a folder" in " ".join(result.output.split())
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["contact_sheet.png"]


def test_shots_that_do_not_ship_are_refused(mask, tmp_path, monkeypatch):
    monkeypatch.undo()
    result = smis(mask, "-o", tmp_path / "out", "--shots", 0)
    assert result.exit_code == 1
    assert "shots" in result.output
    assert not (tmp_path / "out").exists()
