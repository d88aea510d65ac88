"""A labeller fitted in moments, and what it is sure of."""

import sys
from pathlib import Path

import pytest
import torch

from smis_core.labelling import (
    QuickOptions,
    ThoroughOptions,
    fit_quickly,
    fit_thoroughly,
    read_with_confidence,
    sample_ws,
    uncertain,
)

sys.path.append(str(Path(__file__).parents[1] / "fewshot"))
from tiny_world import shades, tiny_generator

QUICK = QuickOptions(steps=60, hidden=8, members=3, copies=4, pixels=2000, batch=256)


@pytest.fixture(scope="module")
def scene():
    generator = tiny_generator()
    ws = sample_ws(generator, 5, rng=torch.Generator().manual_seed(1))
    return generator, ws, shades(generator.synthesis(ws))


def fitted(scene, labels, options=QUICK):
    generator, ws, _ = scene
    *_, last = fit_quickly(generator, ws[:1], labels, num_classes=6, options=options)
    assert last.index == last.total == options.steps
    return last.labeller


def accuracy(reading, truth):
    return float((reading.labels == truth).float().mean())


def test_one_picture_names_the_others(scene):
    generator, ws, truth = scene
    reading = read_with_confidence(generator, fitted(scene, truth[:1]), ws[1:])
    assert reading.labels.shape == truth[1:].shape
    assert accuracy(reading, truth[1:]) > 0.5, "a third would be luck"


def test_scribbles_are_enough_and_nothing_else_is_looked_at(scene):
    generator, ws, truth = scene
    scribbles = torch.full_like(truth[:1], 255)
    scribbles[:, 3::7] = truth[:1, 3::7]
    reading = read_with_confidence(generator, fitted(scene, scribbles), ws[1:])
    assert accuracy(reading, truth[1:]) > 0.5


def test_what_it_is_sure_of_is_right_more_often(scene):
    generator, ws, truth = scene
    reading = read_with_confidence(generator, fitted(scene, truth[:1]), ws[1:])
    assert float(reading.confidence.min()) >= 0
    assert float(reading.confidence.max()) <= 1
    right = (reading.labels == truth[1:]).float()
    bound = float(reading.confidence.median())
    doubtful = uncertain(reading, below=bound)
    assert right[~doubtful].mean() > right[doubtful].mean() + 0.05


def test_a_higher_temperature_is_less_sure(scene):
    generator, ws, truth = scene
    labeller = fitted(scene, truth[:1])
    cold = read_with_confidence(generator, labeller, ws, temperature=0.5).confidence.mean()
    warm = read_with_confidence(generator, labeller, ws, temperature=4.0).confidence.mean()
    assert warm < cold
    with pytest.raises(ValueError, match="temperature"):
        read_with_confidence(generator, labeller, ws, temperature=0)


def test_the_same_seed_gives_the_same_labeller(scene):
    first, second = (fitted(scene, scene[2][:1]).state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_one_class_alone_is_no_error(scene):
    generator, ws, truth = scene
    labels = torch.full_like(truth[:1], 3)
    reading = read_with_confidence(generator, fitted(scene, labels), ws)
    assert bool((reading.labels == 3).all())


def test_bad_labels_are_refused_before_any_work(scene):
    generator, ws, truth = scene
    with pytest.raises(ValueError, match="labels"):
        fit_quickly(generator, ws[:2], truth[:1], num_classes=6)
    with pytest.raises(ValueError, match="not painted"):
        fit_quickly(generator, ws[:1], torch.full_like(truth[:1], 255), num_classes=6)


def test_a_labeller_that_teaches_itself_is_no_worse(scene):
    generator, ws, truth = scene
    options = ThoroughOptions(QUICK, rounds=1, samples=8, confidence=0.7)
    steps = list(fit_thoroughly(generator, ws[:1], truth[:1], num_classes=6, options=options))
    assert [step.index for step in steps] == list(range(1, 121))
    assert {step.total for step in steps} == {120}
    alone = accuracy(read_with_confidence(generator, steps[59].labeller, ws[1:]), truth[1:])
    taught = accuracy(read_with_confidence(generator, steps[-1].labeller, ws[1:]), truth[1:])
    assert taught > alone - 0.05
