"""The judge's figures, the agreement of two judges, and the making of the one that ships."""

import json

import pytest
import torch
from typer.testing import CliRunner

from smis_core.checkpoints.native import read_card, save_network
from smis_core.cli.evaluate import evaluate
from smis_core.evaluation import Judge, JudgeConfig, JudgeOptions, JudgeReading, load_judge
from smis_core.networks.configs import GeneratorConfig
from smis_core.networks.stylegan2 import Generator
from smis_core.portraits.renderer import RENDERER_VERSION, render
from smis_core.recipes import drain
from smis_core.recipes.evaluate_judge import evaluate_agreement, evaluate_judge
from smis_core.recipes.train_judge import make_judge

TINY = JudgeConfig(resolution=32, widths=(16, 16, 16, 16), depths=(0, 0, 0))
OPTIONS = JudgeOptions(pictures=16, renders=16, batch=8, bf16=False)


class _Oracle(Judge):
    """Knows the truth about the renders from seed 7 on, and reads them in that order."""

    def __init__(self):
        super().__init__(TINY)
        self.truth = render(range(7, 107), size=32)
        self.position = 0

    def forward(self, images):
        rows = slice(self.position, self.position + len(images))
        self.position += len(images)
        logits = torch.nn.functional.one_hot(self.truth.labels[rows].long(), 19).permute(0, 3, 1, 2)
        attributes = {name: values[rows] for name, values in self.truth.attributes.items()}
        return JudgeReading(logits.float(), attributes, torch.zeros(len(images), 4))


def _figures(judge, **options):
    *_, last = evaluate_judge(judge, renders=100, first_seed=7, device="cpu", **options)
    return last.report


def test_a_judge_that_knows_the_truth_passes():
    report = _figures(_Oracle())
    assert report.passed
    assert report["mIoU merged"].value == 1
    assert report["mIoU unmerged"].value == 1
    for figure in report.figures[2:]:
        assert figure.value == pytest.approx(1), figure.name
    names = {figure.name for figure in report.figures}
    assert {"yaw correlation", "hair_hue correlation", "glasses AUC", "hat AUC"} <= names


def test_a_judge_that_learnt_nothing_does_not():
    torch.manual_seed(0)
    report = _figures(Judge(TINY))
    assert not report.passed
    assert report["mIoU merged"].value < 0.3
    assert report.about["renderer"] == RENDERER_VERSION


def test_made_judge_carries_its_card(tmp_path):
    out = tmp_path / "judge.safetensors"
    steps = make_judge(
        out, scratch=tmp_path / "runs", config=TINY, options=OPTIONS, renders=50, device="cpu"
    )
    phases = []
    for last in steps:
        phases.append(last.phase)
        assert out.exists() == (last.report is not None)
    assert phases == ["render", "train", "train", "judge"]
    card = read_card(out)
    assert card["kind"] == "judge"
    assert card["made_from"] == {"renderer": RENDERER_VERSION}
    assert (card["pictures"], card["seed"]) == (16, 0)
    assert card["hardware"]
    assert "mIoU merged" in card["figures"]["figures"]
    *_, again = evaluate_judge(load_judge(out, device="cpu"), renders=50, device="cpu")
    assert again.report.to_dict()["figures"] == card["figures"]["figures"]
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["judge.safetensors"]


def test_two_judges_are_compared_on_samples(tmp_path):
    torch.manual_seed(0)
    config = GeneratorConfig(
        resolution=32, z_dim=8, w_dim=8, channel_base=128, channel_max=8, mapping_layers=1
    )
    second = JudgeConfig(
        resolution=32, widths=(16, 16, 16, 16), depths=(0, 0, 0), architecture="dilated"
    )
    last = drain(
        evaluate_agreement(
            Judge(TINY),
            Generator(config).eval(),
            scratch=tmp_path,
            samples=60,
            options=OPTIONS,
            config=second,
            device="cpu",
        ),
        quiet=True,
    )
    (figure,) = last.report.figures
    assert 0 <= figure.value <= 1
    assert figure.at_least == 0.85
    assert last.report.about["second_architecture"] == "dilated"


def test_command_prints_one_object(tmp_path):
    save_network(tmp_path / "j.safetensors", Judge(TINY), card={})
    arguments = [
        "judge",
        "--renders",
        "50",
        "--device",
        "cpu",
        "--judge",
        str(tmp_path / "j.safetensors"),
    ]
    result = CliRunner().invoke(evaluate, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout)
    assert record["about"]["renders"] == 50
    assert record["passed"] is False


def test_too_few_renders_are_refused():
    with pytest.raises(ValueError, match="at least 50"):
        next(evaluate_judge(Judge(TINY), renders=20))


def test_work_without_steps_is_refused():
    with pytest.raises(ValueError, match="at least one step"):
        drain([], quiet=True)
