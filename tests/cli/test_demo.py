"""`smis demo`: the shipped masks become portraits, a sheet and figures."""

import json

from PIL import Image
from typer.testing import CliRunner

from smis_core.cli import app
from smis_core.recipes.demo import MASKS


def test_the_demo_draws_what_it_measures(tmp_path):
    masks = sorted(path.stem for path in MASKS.glob("*.png"))
    out = tmp_path / "demo"
    result = CliRunner().invoke(app, ["demo", "-o", str(out), "--styles", "2", "--device", "cpu"])
    assert result.exit_code == 0, result.output
    figures = json.loads((out / "figures.json").read_text(encoding="utf-8"))
    assert sorted(figures["masks"]) == masks
    for name, row in figures["masks"].items():
        assert row["portraits"] == [f"{name}_style0.png", f"{name}_style1.png"]
        assert all((out / portrait).is_file() for portrait in row["portraits"])
        # Pictures of anything but a portrait stay below this.
        assert row["miou"] > 0.4
        assert {"hair", "eyes", "mouth"} <= set(row["by_class"])
        assert name in result.output
    with Image.open(out / "contact_sheet.png") as sheet:
        assert sheet.size == (3 * 256 + 2 * 6, len(masks) * (256 + 6) - 6)


def test_the_demo_refuses_a_place_it_cannot_write(tmp_path):
    (tmp_path / "file").write_bytes(b"kept")
    result = CliRunner().invoke(app, ["demo", "-o", str(tmp_path / "file")])
    assert result.exit_code == 1
    assert "this is a file" in " ".join(result.output.split())
    assert (tmp_path / "file").read_bytes() == b"kept"
