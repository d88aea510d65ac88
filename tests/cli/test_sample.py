"""`smis sample` and `smis walk`, with the bundled generator and with a file."""

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from smis_core.checkpoints import bundled_path, fingerprint, save_network
from smis_core.cli import app
from smis_core.cli.sample import parse_seeds
from smis_core.networks import Generator, GeneratorConfig


def smis(*arguments):
    return CliRunner().invoke(app, [*map(str, arguments), "--device", "cpu"])


@pytest.fixture
def checkpoint(tmp_path):
    torch.manual_seed(0)
    config = GeneratorConfig(
        resolution=16, z_dim=6, w_dim=8, c_dim=2, channel_base=128, channel_max=8, mapping_layers=2
    )
    save_network(tmp_path / "tiny.safetensors", Generator(config))
    return tmp_path / "tiny.safetensors"


def test_the_bundled_generator_by_default(tmp_path) -> None:
    result = smis("sample", "--seeds", "7", "-o", tmp_path / "faces")
    assert result.exit_code == 0, result.output
    with Image.open(tmp_path / "faces" / "seed0007.png") as picture:
        assert picture.info["smis:generator"] == fingerprint(bundled_path("portraits/generator"))
        assert picture.info["smis:truncation_psi"] == "0.7"


def test_a_folder_of_a_checkpoint(checkpoint, tmp_path) -> None:
    def run(*more):
        return smis("sample", "--seeds", "0-2,9", "-o", tmp_path / "out", "--generator", checkpoint,
                    "--class", 1, *more)  # fmt: skip

    result = run("--psi", 0.4)
    assert result.exit_code == 0, result.output
    assert "4 pictures in" in result.stdout
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["seed0000.png", "seed0001.png", "seed0002.png", "seed0009.png"]
    assert "0 pictures in" in run("--psi", 0.4).stdout
    refused = run("--psi", 0.5)
    assert refused.exit_code == 1
    assert "holds another picture" in refused.stderr
    assert "4 pictures in" in run("--psi", 0.5, "--overwrite").stdout


def test_a_sheet(checkpoint, tmp_path) -> None:
    result = smis("sample", "--seeds", "0-5", "--grid", "--columns", 3, "-o", tmp_path / "s.png",
                  "--generator", checkpoint, "--class", 0)  # fmt: skip
    assert result.exit_code == 0, result.output
    with Image.open(tmp_path / "s.png") as picture:
        assert picture.size == (3 * 18 - 2, 2 * 18 - 2)


def test_a_film_of_random_seeds_says_which(checkpoint, tmp_path) -> None:
    result = smis("walk", "-o", tmp_path / "w.gif", "--seconds", 0.2, "--fps", 10,
                  "--generator", checkpoint, "--class", 0)  # fmt: skip
    assert result.exit_code == 0, result.output
    seeds = result.stderr.split("--seeds ")[1].split()[0]
    assert len(seeds.split(",")) == 6
    again = smis("walk", "-o", tmp_path / "again.gif", "--seconds", 0.2, "--fps", 10,
                 "--seeds", seeds, "--generator", checkpoint, "--class", 0)  # fmt: skip
    assert again.exit_code == 0, again.output
    assert (tmp_path / "w.gif").read_bytes() == (tmp_path / "again.gif").read_bytes()


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("3", [3]), ("0-3", [0, 1, 2, 3]), ("5,1, 7-8,1", [5, 1, 7, 8]), ("9-9", [9])],
)
def test_seeds(text, seeds) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "numbers and ranges"), ("a", "numbers and ranges"), ("-5", "numbers and ranges"),
        ("3-", "numbers and ranges"), ("9-3", "ends before it begins"),
        ("0-99999999", "at most 1,000,000"), (str(2**63), "below 2\\^63"),
    ],
)  # fmt: skip
def test_refused_seeds(text, message) -> None:
    with pytest.raises(ValueError, match=message):
        parse_seeds(text)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("sample", "--seeds", "1", "-o", "x.png"), "add --grid"),
        (("sample", "--seeds", "1", "-o", "x", "--columns", "2"), "belongs to --grid"),
        (("sample", "--seeds", "1", "-o", "x", "--batch", "0"), "batch: at least 1"),
        (("walk", "-o", "x.gif", "--seconds", "0"), "--seconds"),
        (("walk", "-o", "x.gif", "--fps", "0"), "--fps"),
        (("walk", "-o", "x.gif", "--seeds", "1"), "two or more"),
    ],
)
def test_a_refusal_is_one_line(arguments, message, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = smis(*arguments)
    assert result.exit_code == 1
    assert message in result.stderr
    assert "Traceback" not in result.output
    assert not [*tmp_path.iterdir()]
