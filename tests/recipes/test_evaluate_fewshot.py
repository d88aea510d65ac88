"""The comparison of methods, with tiny networks and runs of a few steps."""

import json
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from smis_core.checkpoints import read_card
from smis_core.evaluation import Interval, MiouMeter
from smis_core.fewshot import EncoderOptions
from smis_core.inversion import ProjectionOptions
from smis_core.labelling import ProbeOptions, QuickOptions, ThoroughOptions
from smis_core.labels import LabelMap
from smis_core.recipes import fewshot_figures, fewshot_methods
from smis_core.recipes.evaluate_fewshot import evaluate_fewshot, method_path
from smis_core.recipes.fewshot_figures import ExtraFigures
from smis_core.recipes.fewshot_methods import ComparisonOptions, MethodMaker, only_shown
from smis_core.recipes.fewshot_report import FewshotReport
from smis_core.recipes.real_masks import evaluate_real_masks
from smis_core.recipes.train_fewshot import FewshotOptions

sys.path.append(str(Path(__file__).parent))
from fewshot_world import write_networks

OPTIONS = ComparisonOptions(
    pictures=16,
    tuning_pictures=8,
    learning_rates=(1e-3, 2e-3, 4e-3),
    common=FewshotOptions(
        projection=ProjectionOptions(steps=2, candidates=2),
        labelling=ThoroughOptions(
            QuickOptions(steps=3, hidden=4, members=2, copies=2, pixels=200), rounds=1, samples=2
        ),
        encoder=EncoderOptions(pictures=16, batch=8),
    ),
    ceiling_probe=ProbeOptions(steps=3, hidden=4, members=2),
)


EXTRA = ExtraFigures(
    refined_masks=2, refined_seconds=0.05, styled_masks=2, styles=3, realism_pictures=6
)


@pytest.fixture(scope="module", autouse=True)
def few_tuning_masks():
    with pytest.MonkeyPatch.context() as patch:
        for module in (fewshot_methods, fewshot_figures):
            patch.setattr(module, "TUNING_MASKS", 2)
        yield


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    return write_networks(tmp_path_factory.mktemp("weights"))


def evaluate(networks, folder, shots=1, **options):
    return evaluate_fewshot(
        shots,
        masks=4,
        weights=folder / "weights",
        scratch=folder / "work",
        options=OPTIONS,
        generator_path=networks["generator"],
        discriminator_path=networks["discriminator"],
        judge_path=networks["judge"],
        shipped_path=folder / "none",
        extra=EXTRA,
        device="cpu",
        **options,
    )


@pytest.fixture(scope="module")
def retrained(networks, tmp_path_factory):
    """The steps of a retraining whose scores rise up to a learning rate of 8e-3."""
    folder = tmp_path_factory.mktemp("comparison")
    scores = {1e-3: 0.1, 2e-3: 0.2, 4e-3: 0.3, 8e-3: 0.4, 16e-3: 0.35}
    with pytest.MonkeyPatch.context() as patch:
        tried = iter(list(scores.values()) * 3)
        patch.setattr(MethodMaker, "_tuning_score", lambda self, network: next(tried))
        steps = list(evaluate(networks, folder, retrain=True))
    return folder, steps


def test_the_learning_rate_is_never_at_an_end_of_the_grid(retrained):
    folder, _ = retrained
    for method in ("default", "paper", "ceiling"):
        card = read_card(method_path(folder / "weights", 1, method))
        assert card["learning_rate"] == 8e-3
        assert set(card["tuning"]) == {"0.001", "0.002", "0.004", "0.008", "0.016"}
        assert card["pictures"] == 16
        weights = {name: card["options"][f"{name}_weight"] for name in ("latent", "mask")}
        assert (weights["mask"] == 0) == (method == "paper")


def test_the_ceiling_serves_all_numbers_of_annotated_pictures(retrained, networks, monkeypatch):
    folder, _ = retrained
    ceiling = method_path(folder / "weights", 5, "ceiling")
    assert ceiling == method_path(folder / "weights", 1, "ceiling")
    made = []
    monkeypatch.setattr(
        MethodMaker, "make", lambda self, method, *_, **__: made.append(method) or ()
    )
    for fresh, wanted in ((True, ["default", "paper"]), (False, ["default", "paper", "ceiling"])):
        made.clear()
        if not fresh:
            monkeypatch.setattr(MethodMaker, "is_fresh", lambda *_: False)
        with pytest.raises(FileNotFoundError, match="fewshot_5_default"):
            list(evaluate(networks, folder, shots=5, retrain=True))
        assert made == wanted


def test_another_choice_of_pictures_takes_the_rates_of_the_first(retrained, networks):
    folder, _ = retrained
    before = {path.name for path in (folder / "weights").iterdir()}
    report = list(evaluate(networks, folder, choice=2, retrain=True))[-1].report
    assert {path.name for path in (folder / "weights").iterdir()} == before
    card = read_card(folder / "work" / "shots_1_choice_2" / "fewshot_1_default.safetensors")
    assert card["learning_rate"] == 8e-3
    assert not card["tuning"]
    assert card["choice"] == 2
    assert report.to_dict()["about"]["choice"] == 2
    assert {"default", "paper", "ceiling", "floor"} == set(report.miou)
    with pytest.raises(FileNotFoundError, match="--choice 3 --retrain"):
        evaluate(networks, folder, choice=3)
    with pytest.raises(ValueError, match="choice: wanted 1 or more"):
        evaluate(networks, folder, choice=0)


def test_methods_share_everything_but_labels_and_losses(retrained):
    folder, _ = retrained
    cards = [
        read_card(method_path(folder / "weights", 1, method))["options"]
        for method in ("default", "paper", "ceiling")
    ]
    for name in ("pictures", "batch", "weight_decay", "augment", "seed", "style_mixing"):
        assert cards[0][name] == cards[1][name] == cards[2][name], name


def test_the_report_holds_what_was_asked_for(retrained):
    _, steps = retrained
    report = steps[-1].report
    assert [step.report for step in steps[:-1]] == [None] * (len(steps) - 1)
    values = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert values["shots"] == 1
    assert values["masks"] == 4
    assert set(values["miou"]) == {"default", "paper", "floor", "ceiling", "refined"}
    assert set(values["by_class"]["eyes"]) == set(values["miou"]) - {"refined"}
    assert values["miou"]["refined"] == values["refined"]["after"]
    assert values["refined"]["masks"] == 2
    assert values["diversity"]["styles"] == 3
    assert values["diversity"]["of_random"]["value"] > 0
    assert values["realism"]["pictures"] == 6
    assert set(values["floor_to_ceiling"]) == {"default", "paper"}
    soon = values["early"]
    assert soon["tuning_masks"] == 2
    for method in ("default", "paper"):
        assert soon[method]["after 8 pictures"] == 0.4, "of the rate that was chosen"
    ahead = 0.4 - soon["paper"]["after 16 pictures"]
    assert soon["ahead"] == pytest.approx(ahead, abs=1e-4)
    assert soon["passed"] == (ahead > 0)
    assert "left eye" in values["by_class"]
    assert not {"hat", "glasses"} & set(values["by_class"]), "the annotations show neither"
    assert "paper" in report.table()


def test_kept_weights_give_the_same_figures(retrained, networks):
    folder, steps = retrained
    *_, last = evaluate(networks, folder)
    before, after = steps[-1].report.to_dict(), last.report.to_dict()
    for values in (before, after):  # how far seconds of refinement come is the machine's affair
        del values["refined"], values["miou"]["refined"]
    assert after == before


def test_missing_or_foreign_weights_are_refused(retrained, networks, tmp_path):
    folder, _ = retrained
    with pytest.raises(FileNotFoundError, match="--retrain"):
        evaluate(networks, tmp_path)
    (tmp_path / "other").mkdir()
    other = write_networks(tmp_path / "other")
    torch.manual_seed(9)
    from smis_core.checkpoints import load_network, save_network

    changed = load_network(other["generator"], device="cpu")
    changed.synthesis.b4.const.add_(1)
    save_network(other["generator"], changed)
    with pytest.raises(ValueError, match="another generator"):
        evaluate(other, folder)
    with pytest.raises(ValueError, match="shots"):
        evaluate_fewshot(3)


def report(default, paper, ceiling):
    miou = {"default": default, "paper": paper, "floor": 0.4, "ceiling": ceiling}
    closed = (default - paper) / (ceiling - paper)
    return FewshotReport(
        shots=1,
        masks=200,
        miou=miou,
        intervals={name: (value, value) for name, value in miou.items()},
        unmerged=miou,
        by_class={},
        gap_closed=Interval(closed, closed, closed),
        about={},
    )


@pytest.mark.parametrize(
    ("default", "paper", "ceiling", "passed"),
    [
        (0.63, 0.50, 0.68, True),  # two thirds of the gap
        (0.60, 0.50, 0.68, False),  # less
        (0.62, 0.60, 0.63, True),  # a small gap, and near the ceiling
        (0.60, 0.60, 0.63, False),  # a small gap, and too far below
        (0.59, 0.50, 0.60, False),  # the ceiling is too low
        (0.57, 0.40, 0.64, False),  # ours is too low
    ],
)
def test_what_counts_as_reached(default, paper, ceiling, passed):
    assert report(default, paper, ceiling).passed == passed


def test_classes_that_annotations_do_not_show_are_not_painted():
    labels = torch.tensor([[[0, 3], [14, 13]]], dtype=torch.uint8)
    assert only_shown(labels, (0, 13)).tolist() == [[[0, 255], [255, 13]]]


def test_real_masks_are_drawn_one_by_one(retrained, networks, tmp_path, monkeypatch):
    from smis_core.evaluation import load_judge
    from smis_core.fewshot import load_synthesizer_files
    from smis_core.recipes import real_masks
    from smis_core.recipes.annotations import annotated_renders

    folder, _ = retrained
    indices = annotated_renders(1, size=64).labels[0].numpy().copy()
    indices[:6, :6], indices[20:24, 20:24] = 14, 16  # a hat, and a necklace to be folded
    LabelMap(indices).save(tmp_path / "one.png")
    LabelMap(indices[:, ::-1].copy()).save(tmp_path / "two.png")
    monkeypatch.setattr(
        real_masks, "load_judge", lambda **_: load_judge(networks["judge"], device="cpu")
    )
    synthesizer = load_synthesizer_files(
        networks["generator"], method_path(folder / "weights", 1, "default"), device="cpu"
    )
    *_, last = evaluate_real_masks(tmp_path, synthesizer=synthesizer, device="cpu")
    values = last.report.to_dict()
    assert set(values["masks"]) == {"one", "two"}
    for row in values["masks"].values():
        assert all(0 <= row[name] <= 1 for name in ("miou", "miou_unmerged", "fidelity"))
    assert "one" in last.report.table()


def test_figures_are_sums_over_masks():
    """A picture in which a class is large weighs more than one in which it is small."""
    wanted = torch.zeros(2, 4, 4, dtype=torch.uint8)
    wanted[0, :2], wanted[1, 0, 0] = 1, 1
    found = wanted.clone()
    found[1, 0, 0] = 0
    meter = fewshot_methods.score(found, wanted, (0, 1), merged=False)
    assert isinstance(meter, MiouMeter)
    assert meter.result().by_class["skin"] == pytest.approx(8 / 9)


def test_scribbles_of_another_palette_are_drawn_by_their_names(
    retrained, networks, tmp_path, monkeypatch
):
    from smis_core.evaluation import load_judge
    from smis_core.fewshot import load_synthesizer_files
    from smis_core.recipes import real_masks

    folder, _ = retrained
    indices = torch.zeros(32, 32, dtype=torch.uint8).numpy()
    indices[4:8], indices[12, 8:12] = 7, 4  # hair, and an eye
    Image.fromarray(indices).save(tmp_path / "print.png")
    monkeypatch.setattr(
        real_masks, "load_judge", lambda **_: load_judge(networks["judge"], device="cpu")
    )
    synthesizer = load_synthesizer_files(
        networks["generator"], method_path(folder / "weights", 1, "default"), device="cpu"
    )
    *_, last = evaluate_real_masks(
        tmp_path, classes="ukiyo-e", synthesizer=synthesizer, device="cpu"
    )
    assert 0 <= last.report.to_dict()["masks"]["print"]["miou"] <= 1
    with pytest.raises(ValueError, match="ukiyo-e"):
        evaluate_real_masks(tmp_path, classes="prints")
