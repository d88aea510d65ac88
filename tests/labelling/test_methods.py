"""Labellers by the name of their method, on any layers."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from smis_core.labelling import (
    METHODS,
    ProbeOptions,
    QuickOptions,
    ThoroughOptions,
    fit_labeller,
    read_with_confidence,
    sample_ws,
)

sys.path += [str(Path(__file__).parents[1] / room) for room in ("fewshot", "inversion")]
from inversion_world import stylegan3
from tiny_world import shades, tiny_generator

QUICK = QuickOptions(steps=40, hidden=8, members=2, copies=4, pixels=2000, batch=256)
OPTIONS = {
    "probe": ProbeOptions(steps=20, hidden=8, members=2),
    "quick": QUICK,
    "thorough": ThoroughOptions(QUICK, rounds=1, samples=2),
}
BRIEF = {
    "probe": replace(OPTIONS["probe"], steps=2, batch=2),
    "quick": replace(QUICK, steps=2, copies=1),
    "thorough": ThoroughOptions(replace(QUICK, steps=2, copies=1), rounds=1, samples=2),
}


@pytest.fixture(scope="module")
def scenes():
    """Generator, a latent and labels of its picture: areas, and a landmark with a line."""
    found = {}
    for name, generator in (("2", tiny_generator()), ("3", stylegan3())):
        ws = sample_ws(generator, 1, rng=torch.Generator().manual_seed(1))
        marks = torch.full((1, 32, 32), 255, dtype=torch.uint8)
        marks[0, 8:10, 8:10], marks[0, 20, 4:28] = 1, 3
        found[name] = generator, ws, shades(generator.synthesis(ws)), marks
    return found


def fitted(scene, method, **named):
    generator, ws, areas, marks = scene
    labels = marks if method in ("marks", "sparse-topk") else areas
    arguments = {"num_classes": 6, "options": OPTIONS.get(method), **named}
    return list(fit_labeller(method, generator, ws, labels, **arguments))[-1].labeller


@pytest.mark.parametrize("family", ["2", "3"])
@pytest.mark.parametrize("method", METHODS)
def test_every_method_reads_the_layers_that_are_named(scenes, method, family):
    generator, ws, *_ = scene = scenes[family]
    names = [layer.name for layer in generator.synthesis.layers]
    for layers in ([names[0]], [names[-1], names[2]]):
        if method == "sparse-topk" and len(layers) > 1:
            continue
        labeller = fitted(scene, method, layers=layers, options=BRIEF.get(method))
        read = set(labeller.layers)
        assert read <= set(layers) if method == "prototype" else read == set(layers)
        assert read_with_confidence(generator, labeller, ws).labels.shape == (1, 32, 32)


@pytest.mark.parametrize("method", ["prototype", "probe", "quick", "thorough"])
def test_areas_are_named_as_they_were_annotated(scenes, method):
    generator, ws, areas, _ = scenes["2"]
    reading = read_with_confidence(generator, fitted(scenes["2"], method), ws)
    assert (reading.labels == areas).float().mean() > 0.5, "a third would be luck"


@pytest.mark.parametrize("method", ["marks", "sparse-topk"])
def test_marks_are_found_without_a_choice_of_layers(scenes, method):
    assert {1, 3} <= set(fitted(scenes["2"], method).classes)


@pytest.mark.parametrize(
    ("method", "named", "message"),
    [
        ("prototypes", {}, "method: wanted one of prototype, sparse-topk"),
        ("quick", {"layers": ["b9.conv0"]}, r"layers: wanted some of b4\.conv1.*got b9\.conv0"),
        ("marks", {"layers": []}, "got none"),
        ("sparse-topk", {"layers": ["b4.conv1", "b8.conv0"]}, "reads one layer"),
        ("quick", {"options": ProbeOptions()}, "quick takes QuickOptions, got ProbeOptions"),
        ("marks", {"options": QUICK}, "marks takes none"),
    ],
)
def test_refusals_come_before_the_first_step(scenes, method, named, message):
    generator, ws, areas, _ = scenes["2"]
    with pytest.raises(ValueError, match=message):
        fit_labeller(method, generator, ws, areas, num_classes=6, **named)
