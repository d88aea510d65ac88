"""Training a judge: it learns, resumes exactly, and refuses what does not fit."""

from types import SimpleNamespace

import pytest
import torch

from smis_core.evaluation import AttributeSpec, JudgeConfig, JudgeOptions, MiouMeter, train_judge
from smis_core.evaluation.renders import RenderCache

SPECS = (
    AttributeSpec("height", "continuous"),
    AttributeSpec("hue", "circular"),
    AttributeSpec("dark", "binary"),
)
CONFIG = JudgeConfig(
    resolution=16, widths=(16, 16, 16, 16), depths=(0, 0, 0), num_classes=14, attributes=SPECS
)
OPTIONS = JudgeOptions(
    pictures=48, renders=24, batch=8, save_interval_pictures=8, ema_pictures=16, bf16=False
)


def draw(seeds, size):
    """A band of 'hair' at a height, in a colour, over a background that may be dark."""
    rolls = torch.stack([torch.rand(3, generator=torch.Generator().manual_seed(s)) for s in seeds])
    height, hue, dark = rolls[:, 0], rolls[:, 1], (rolls[:, 2] > 0.5).float()
    rows = torch.linspace(0, 1, size)[None, :, None].expand(len(rolls), size, size)
    band = (rows - height[:, None, None]).abs() < 0.2
    angle = 2 * torch.pi * (hue[:, None] + torch.tensor([0, 1 / 3, 2 / 3]))
    colour = (0.5 * angle.cos())[:, :, None, None]
    back = (0.4 - 1.2 * dark)[:, None, None, None].expand(-1, 3, size, size)
    return SimpleNamespace(
        images=torch.where(band[:, None], colour, back),
        labels=(13 * band).to(torch.uint8),
        attributes={"height": height, "hue": hue, "dark": dark},
    )


def _train(scratch, options=OPTIONS, render=draw, **changes):
    return train_judge(
        render,
        source="bands",
        scratch=scratch,
        config=CONFIG,
        options=options,
        device="cpu",
        **changes,
    )


def test_learns_classes_and_attributes(tmp_path):
    options = JudgeOptions(
        pictures=1600, renders=160, batch=16, ema_pictures=64, learning_rate=0.01, bf16=False
    )
    *_, last = _train(tmp_path, options)
    fresh = draw(range(5000, 5040), 16)
    reading = last.judge(fresh.images)
    meter = MiouMeter([0, 13])
    meter.update(reading.labels, fresh.labels)
    assert meter.result().miou > 0.75
    pair = torch.stack([reading.attributes["height"], fresh.attributes["height"]])
    assert torch.corrcoef(pair)[0, 1] > 0.8
    assert ((reading.attributes["dark"] > 0.5) == (fresh.attributes["dark"] > 0.5)).all()


def test_steps_tell_how_far_it_is(tmp_path):
    steps = list(_train(tmp_path))
    assert [step.phase for step in steps] == ["render"] + ["train"] * 6
    assert [step.index for step in steps[1:]] == [1, 2, 3, 4, 5, 6]
    assert all(step.total == 6 for step in steps[1:])
    assert steps[-1].pictures_seen == 48
    assert set(steps[1].losses) == {"classes", "attributes"}
    assert [step.judge is not None for step in steps] == [False] * 6 + [True]
    assert not steps[-1].judge.training


def test_an_interrupted_training_gives_the_same_weights(tmp_path):
    *_, whole = _train(tmp_path / "whole")
    for step in _train(tmp_path / "parts"):
        if step.phase == "train" and step.index == 3:
            break
    resumed = list(_train(tmp_path / "parts"))
    assert [step.index for step in resumed] == [4, 5, 6]
    wanted, got = whole.judge.state_dict(), resumed[-1].judge.state_dict()
    assert all(torch.equal(wanted[name], got[name]) for name in wanted)


def test_a_training_that_is_done_still_gives_its_judge(tmp_path):
    *_, first = _train(tmp_path)
    *_, again = _train(tmp_path)
    assert torch.equal(again.judge.head.weight, first.judge.head.weight)


def test_another_seed_gives_another_judge(tmp_path):
    *_, one = _train(tmp_path / "0", JudgeOptions(pictures=8, renders=8, batch=8, seed=0))
    *_, two = _train(tmp_path / "1", JudgeOptions(pictures=8, renders=8, batch=8, seed=1))
    assert not torch.equal(one.judge.head.weight, two.judge.head.weight)


@pytest.mark.parametrize("fast", [True, False])
def test_arithmetic_follows_the_hardware(tmp_path, monkeypatch, fast):
    """The state says which it was, as it always did where bfloat16 is fast."""
    monkeypatch.setattr("smis_core.evaluation.train.has_fast_bfloat16", lambda device: fast)
    list(_train(tmp_path, JudgeOptions(pictures=8, renders=8, batch=8)))
    state = torch.load(tmp_path / "judge.state.pt", weights_only=True)
    assert state["identity"]["options"]["bf16"] is fast
    (again,) = (
        step
        for step in _train(tmp_path, JudgeOptions(pictures=8, renders=8, batch=8, bf16=fast))
        if step.phase == "train"
    )
    assert again.judge is not None


def test_the_state_of_another_training_is_refused_and_kept(tmp_path):
    list(_train(tmp_path))
    state = (tmp_path / "judge.state.pt").read_bytes()
    with pytest.raises(ValueError, match="another scratch folder"):
        list(_train(tmp_path, JudgeOptions(pictures=96, renders=24, batch=8)))
    assert (tmp_path / "judge.state.pt").read_bytes() == state


def test_renders_are_drawn_once_and_again_for_another_source(tmp_path):
    calls = []

    def counted(seeds, size):
        calls.extend(seeds)
        return draw(seeds, size)

    list(_cache(tmp_path, "one").fill(counted))
    list(_cache(tmp_path, "one").fill(counted))
    assert calls == list(range(7, 307))
    list(_cache(tmp_path, "two").fill(counted))
    assert len(calls) == 600


def test_a_cache_that_was_interrupted_goes_on_where_it_was(tmp_path):
    first = _cache(tmp_path, "one").fill(draw)
    assert next(first) == 128
    second = _cache(tmp_path, "one")
    assert second.filled == 128
    assert list(second.fill(draw)) == [256, 300]
    images, labels, attributes = second.read([0, 299])
    fresh = draw([7, 306], 16)
    assert (images.permute(0, 3, 1, 2) / 127.5 - 1 - fresh.images).abs().max() <= 0.5 / 127.5 + 1e-6
    assert torch.equal(labels, fresh.labels)
    assert torch.equal(attributes["hue"], fresh.attributes["hue"])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda drawn: drawn.attributes.pop("hue"), "hue"),
        (lambda drawn: drawn.labels.fill_(200), "200"),
        (lambda drawn: setattr(drawn, "images", drawn.images[:, :, :8]), "images"),
    ],
)
def test_renders_that_do_not_fit_are_refused(tmp_path, spoil, message):
    def broken(seeds, size):
        drawn = draw(seeds, size)
        spoil(drawn)
        return drawn

    with pytest.raises(ValueError, match=message):
        list(_train(tmp_path, render=broken))


@pytest.mark.parametrize(
    "changes",
    [{"pictures": 0}, {"batch": 1}, {"renders": 8, "batch": 16}, {"learning_rate": 0.0}],
)
def test_options_that_cannot_be_are_refused(changes):
    with pytest.raises(ValueError, match=next(iter(changes)) if len(changes) == 1 else "batch"):
        JudgeOptions(**changes)


def _cache(folder, source):
    return RenderCache(
        folder, count=300, resolution=16, first_seed=7, specs=SPECS, num_classes=14, source=source
    )
