"""`smis convert IN OUT`."""

import torch
from golden_files import load_golden, state_of
from typer.testing import CliRunner

from smis_core.checkpoints import load_generator
from smis_core.cli import app


def test_a_state_dict_becomes_ours(tmp_path) -> None:
    golden = load_golden("stylegan2_ada_generator_uncond")[0]
    torch.save(state_of(golden), tmp_path / "g.pt")
    out = tmp_path / "g.safetensors"
    result = CliRunner().invoke(app, ["convert", str(tmp_path / "g.pt"), str(out)])
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(out)
    loaded = load_generator(out, device="cpu").state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in state_of(golden).items())


def test_refusals_are_one_line(tmp_path) -> None:
    (tmp_path / "page.pkl").write_text("<html></html>")
    source, out = str(tmp_path / "page.pkl"), str(tmp_path / "g.safetensors")
    for arguments, message in (
        ([source, out], "HTML page"),
        ([source, out, "--part", "optimiser"], "--part: one of generator"),
    ):
        result = CliRunner().invoke(app, ["convert", *arguments])
        assert result.exit_code == 1
        assert message in result.stderr
    assert not (tmp_path / "g.safetensors").exists()
