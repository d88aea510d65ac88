"""`smis train` from the command line: begins, resumes, grows, and refuses."""

import shutil

import pytest
from PIL import Image
from typer.testing import CliRunner

from smis_core.checkpoints.native import load_network, read_card
from smis_core.cli import app

SMALL = ["--batch", "4", "--channels", "64", "--device", "cpu"]


def smis(*arguments):
    return CliRunner().invoke(app, ["train", *map(str, arguments)])


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    for number in range(6):
        Image.new("RGB", (24, 24), (40 * number, 0, 255)).save(folder / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory, data):
    out = tmp_path_factory.mktemp("run") / "out"
    result = smis("--data", data, "-o", out, "--resolution", 8, "--pictures", 8, *SMALL)
    assert result.exit_code == 0, result.output
    return out


def test_it_leaves_networks_with_a_card_previews_and_a_state(trained):
    generator = load_network(trained / "generator.safetensors", device="cpu")
    assert generator.config.resolution == 8
    card = read_card(trained / "generator.safetensors")
    assert card["pictures_seen"] == 8
    assert card["seed"] == 0
    assert "6 files" in card["data"]
    assert load_network(trained / "discriminator.safetensors", device="cpu").config.resolution == 8
    assert [p.name for p in (trained / "previews").iterdir()] == ["00000008.png"]


def test_it_goes_on_only_when_asked_to(trained, data, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(trained, out)
    refused = smis("--data", data, "-o", out, "--resolution", 8)
    assert refused.exit_code == 1
    assert "--resume" in refused.output
    more = smis("--data", data, "-o", out, "--resume", "--pictures", 12, "--device", "cpu")
    assert more.exit_code == 0, more.output
    assert read_card(out / "generator.safetensors")["pictures_seen"] == 12


def test_it_grows_a_former_training(trained, data, tmp_path):
    out = tmp_path / "grown"
    result = smis("--data", data, "-o", out, "--grow", trained, "--pictures", 4, "--device", "cpu")
    assert result.exit_code == 0, result.output
    card = read_card(out / "generator.safetensors")
    assert card["options"]["resolution"] == 16
    assert card["options"]["channel_base"] == 64
    assert card["grown_from"].startswith("8², 8 pictures")


def test_portraits_are_drawn_under_a_progress_bar(tmp_path):
    out = tmp_path / "out"
    result = smis(
        "-o", out, "--resolution", 16, "--pictures", 4, "--renders", 8, "--minutes", 1, *SMALL
    )
    assert result.exit_code == 0, result.output
    assert "seeds 0 to 7" in read_card(out / "generator.safetensors")["data"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--resolution", 48], "power of two"),
        (["--batch", 6], "multiple of mbstd_group_size"),
        (["--data", "nowhere"], "not a folder"),
        (["--resume"], "nothing to resume"),
        (["--grow", "nowhere"], "no training state"),
        (["--grow", "nowhere", "--resume"], "one of them"),
    ],
)
def test_refusals_come_before_any_work(tmp_path, arguments, said):
    out = tmp_path / "out"
    result = smis("-o", out, *arguments)
    assert result.exit_code == 1
    assert said in " ".join(result.output.split())
    assert not out.exists()


def test_an_output_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "out").write_text("kept")
    result = smis("-o", tmp_path / "out")
    assert result.exit_code == 1
    assert (tmp_path / "out").read_text() == "kept"
