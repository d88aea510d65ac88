"""Our probe: it learns from one annotation what holds for other pictures."""

import pytest
import torch

from smis_core.labelling import (
    ProbeLabeller,
    ProbeOptions,
    class_weights,
    fit_probe,
    read_features,
    sample_ws,
)
from smis_core.labelling.labeller import LabellerConfig
from smis_core.networks import Generator, GeneratorConfig


@pytest.fixture(scope="module")
def generator():
    torch.manual_seed(0)
    config = GeneratorConfig(
        resolution=16, channel_base=256, channel_max=16, z_dim=8, w_dim=8, mapping_layers=2
    )
    return Generator(config).eval().requires_grad_(False)


def truth(generator, ws):
    """Classes that a hidden linear function of the features decides: 1, 4 and, often, 6."""
    name = "b16.conv0"
    values = read_features(generator, ws, [name], noise="none").features[name]
    many = sample_ws(generator, 64, rng=torch.Generator().manual_seed(6))
    middle = read_features(generator, many, [name], noise="none").features[name]
    values = values - middle.mean(dim=(0, 2, 3), keepdim=True)
    return torch.tensor([1, 4, 6], dtype=torch.uint8)[values[:, :3].argmax(dim=1)]


@pytest.fixture(scope="module")
def annotated(generator):
    ws = sample_ws(generator, 5, rng=torch.Generator().manual_seed(4))
    return ws, truth(generator, ws)


def fit(generator, annotated, **options):
    steps = list(fit_probe(generator, *annotated, num_classes=8, options=ProbeOptions(**options)))
    return steps


@pytest.mark.parametrize(("hidden", "members"), [(0, 1), (8, 2)])
def test_it_names_pictures_that_it_never_saw(generator, annotated, hidden, members):
    steps = fit(generator, annotated, steps=80, hidden=hidden, members=members, dropout=0.0)
    assert [step.index for step in steps] == list(range(80))
    assert steps[-1].total < steps[0].total
    labeller = steps[-1].labeller
    assert labeller.classes == (1, 4, 6)
    ws = sample_ws(generator, 8, rng=torch.Generator().manual_seed(5))
    features = read_features(generator, ws, labeller.layers).features
    right = (labeller.labels(features, 16) == truth(generator, ws)).float().mean()
    assert right > 0.7, float(right)


def test_unpainted_pixels_teach_nothing(generator, annotated):
    ws, labels = annotated
    hidden = labels.clone()
    hidden[labels == 6] = 255
    assert fit(generator, (ws, hidden), steps=1)[-1].labeller.classes == (1, 4)
    with pytest.raises(ValueError, match="painted pixel"):
        fit(generator, (ws, torch.full_like(labels, 255)), steps=1)
    with pytest.raises(ValueError, match="one label map a latent"):
        fit(generator, (ws, labels[:, :8]), steps=1)


def test_the_same_seed_gives_the_same_probe(generator, annotated):
    a, b, c = (
        fit(generator, annotated, steps=3, seed=seed)[-1].labeller.state_dict()
        for seed in (0, 0, 1)
    )
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert not torch.equal(a["bias"], c["bias"])


def test_projecting_before_upsampling_is_projecting_after_it():
    torch.manual_seed(0)
    config = LabellerConfig("probe", 3, (0, 1, 2), ("b4.conv1", "b8.conv1"), (5, 4))
    probe = ProbeLabeller(config)
    features = {"b4.conv1": torch.randn(2, 5, 4, 4), "b8.conv1": torch.randn(2, 4, 8, 8)}
    probe.standardise(features)
    stacked = []
    for values in features.values():
        deviation, mean = torch.std_mean(values, dim=(0, 2, 3), keepdim=True)
        stacked.append(
            torch.nn.functional.interpolate((values - mean) / deviation, (8, 8), mode="bilinear")
        )
    weight = torch.cat(list(probe.weights), dim=1)
    wanted = torch.einsum("kc,nchw->nkhw", weight, torch.cat(stacked, dim=1))
    assert torch.allclose(probe.logits(features, 8), wanted, atol=1e-4)


def test_soft_labels_reach_every_layer():
    config = LabellerConfig(
        "probe", 5, (1, 3), ("b4.conv1", "b8.conv1"), (5, 4), hidden=3, members=2
    )
    probe = ProbeLabeller(config)
    features = {
        "b4.conv1": torch.randn(2, 5, 4, 4, requires_grad=True),
        "b8.conv1": torch.randn(2, 4, 8, 8, requires_grad=True),
    }
    logits = probe.logits(features, 16)
    assert logits.shape == (2, 5, 16, 16)
    assert (logits[:, [0, 2, 4]] == -30).all()
    logits[:, 1].sum().backward()
    assert all(values.grad.abs().sum() > 0 for values in features.values())


def test_rare_classes_weigh_more():
    labels = torch.zeros(1, 10, 10, dtype=torch.uint8)
    labels[0, 0, 0] = 7
    labels[0, 5] = 255
    weights = class_weights(labels, (0, 7))
    assert weights[1] / weights[0] == pytest.approx(89**0.5)
    assert (weights[0] * 89 + weights[1]) / 90 == pytest.approx(1)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kind": "magic"}, "kind"),
        ({"classes": (4, 1)}, "classes"),
        ({"classes": (9,)}, "classes"),
        ({"channels": (1, 2)}, "layers"),
    ],
)
def test_configurations_are_checked(values, message):
    sound = {
        "kind": "probe",
        "num_classes": 8,
        "classes": (1, 4),
        "layers": ("b4.conv1",),
        "channels": (4,),
    }
    with pytest.raises(ValueError, match=message):
        LabellerConfig(**sound | values)
    with pytest.raises(ValueError, match="linear probe"):
        ProbeLabeller(LabellerConfig(**sound, members=2))
