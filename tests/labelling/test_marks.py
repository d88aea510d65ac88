"""Landmarks, lines and scribbles are found again where the same features lie."""

import pytest
import torch
from torch.nn import functional as F

from smis_core.labelling import build_labeller, fit_marks
from smis_core.labelling.marks_geometry import affine_fit, redotted, warped
from smis_core.networks import Generator, GeneratorConfig

SIDE = 64


@pytest.fixture(scope="module")
def scene():
    torch.manual_seed(0)
    config = GeneratorConfig(
        resolution=SIDE, channel_base=512, channel_max=16, z_dim=8, w_dim=8, mapping_layers=2
    )
    generator = Generator(config).eval().requires_grad_(False)
    ws = generator.mapping(torch.randn(2, 8))
    labels = torch.full((1, SIDE, SIDE), 255, dtype=torch.uint8)
    labels[0, 20:22, 30:32] = 1  # a landmark
    labels[0, 40, 10:50] = 2  # a line
    return generator, ws, labels


def features_of(generator, ws, layers, shift=(0, 0)):
    _, features = generator.synthesis(ws, features=layers)
    moved = {}
    for name, values in features.items():
        cells = [round(each * values.shape[-1] / SIDE) for each in shift]
        moved[name] = values.roll(cells, dims=(2, 3))
    return moved


def centre(labels, index):
    spots = (labels[0] == index).nonzero().float()
    return (spots.amin(dim=0) + spots.amax(dim=0)) / 2


def test_marks_are_found_where_they_were_painted(scene):
    generator, ws, labels = scene
    labeller = fit_marks(generator, ws[:1], labels, num_classes=3)
    assert labeller.classes == (0, 1, 2)
    assert labeller.config.dots == (1,)
    found = labeller.sketched(features_of(generator, ws[:1], labeller.layers), SIDE)
    for index in (1, 2):
        assert torch.dist(centre(found, index), centre(labels, index)) < 1.5
    line = (found[0] == 2).nonzero()
    assert line[:, 1].max() - line[:, 1].min() > 35, "the whole line, not crumbs of it"
    assert set(found.unique().tolist()) == {1, 2, 255}


@pytest.mark.parametrize("shift", [(8, 0), (-4, 8)])
def test_marks_move_with_the_features(scene, shift):
    generator, ws, labels = scene
    labeller = fit_marks(generator, ws[:1], labels, num_classes=3)
    found = labeller.sketched(features_of(generator, ws[:1], labeller.layers, shift), SIDE)
    for index in (1, 2):
        moved = centre(labels, index) + torch.tensor(shift)
        assert torch.dist(centre(found, index), moved) < 3


def test_half_precision_around_it_moves_no_mark(scene):
    """Training draws in bfloat16 where that is fast; places are fractions of a feature's cell."""
    generator, ws, labels = scene
    labeller = fit_marks(generator, ws[:1], labels, num_classes=3)
    features = features_of(generator, ws, labeller.layers)
    with torch.autocast("cpu", torch.bfloat16):
        found = labeller.places(features), labeller.labels(features, SIDE)
        logits = labeller.logits(features, 32)
    assert torch.equal(found[0], labeller.places(features))
    assert torch.equal(found[1], labeller.labels(features, SIDE))
    assert torch.equal(logits, labeller.logits(features, 32))


def test_logits_are_the_highest_mean_cosines_of_a_class(scene):
    """Compared with features brought to length 1 and enlarged one by one."""
    generator, ws, labels = scene
    labeller = fit_marks(generator, ws, labels.repeat(2, 1, 1), num_classes=3)
    features = features_of(generator, ws, labeller.layers)
    cosines = 0
    parts = labeller.vectors.split(labeller.config.channels, dim=1)
    side = max(values.shape[-1] for values in features.values())
    for name, vectors in zip(labeller.layers, parts, strict=True):
        alike = torch.einsum("mc,nchw->nmhw", vectors, F.normalize(features[name], dim=1))
        cosines = cosines + F.interpolate(alike, size=(side, side), mode="bicubic") / len(parts)
    owners = labeller.mark_classes[labeller.owners]
    logits = labeller.logits(features, side)
    for index in (1, 2):
        wanted = cosines[:, owners == index].amax(dim=1) / 0.05
        assert torch.allclose(logits[:, index], wanted, atol=1e-4)


def test_a_labeller_is_built_again_from_its_configuration(scene):
    generator, ws, labels = scene
    labeller = fit_marks(generator, ws[:1], labels, num_classes=3)
    again = build_labeller(labeller.config)
    again.load_state_dict(labeller.state_dict())
    features = features_of(generator, ws, labeller.layers)
    assert torch.equal(again.labels(features, SIDE), labeller.labels(features, SIDE))
    logits = again.logits(features, 32)
    assert logits.shape == (2, 3, 32, 32)


def test_an_affine_fit_lets_nobody_lead_it_astray():
    spots = torch.rand(12, 2, generator=torch.Generator().manual_seed(0))
    turn = torch.tensor([[0.9, -0.2], [0.2, 0.9]])
    places = (spots @ turn.T + 0.05)[None].clone()
    places[0, 3] += 0.5
    matrix = affine_fit(spots, places, torch.ones(1, 12))
    fitted = spots @ matrix[0, :, :2].T + matrix[0, :, 2]
    error = (fitted - places[0]).norm(dim=1)
    error[3] = 0
    assert error.max() < 0.03
    alone = affine_fit(spots[:1], places[:, :1], torch.ones(1, 1))
    assert torch.allclose(alone[0, :, :2], torch.eye(2)), "one spot only shifts"


def test_a_mark_is_warped_as_spots_are():
    area = torch.zeros(SIDE, SIDE, dtype=torch.uint8)
    area[10:14, 20:24] = 1
    matrix = torch.tensor([[[1.0, 0.0, 0.25], [0.0, 1.0, 0.125]]])
    rows, columns = warped(area, matrix, SIDE)[0].nonzero(as_tuple=True)
    assert (int(rows.min()), int(columns.min())) == (18, 36)


def test_dots_of_any_size_become_alike():
    small = torch.full((1, SIDE, SIDE), 255, dtype=torch.uint8)
    large = small.clone()
    small[0, 20, 20], large[0, 16:25, 16:25] = 1, 1
    assert torch.equal(redotted(small, (1,), 0.05), redotted(large, (1,), 0.05))


def test_dense_annotations_and_blank_ones_are_refused(scene):
    generator, ws, labels = scene
    with pytest.raises(ValueError, match="not painted"):
        fit_marks(generator, ws[:1], torch.zeros_like(labels), num_classes=3)
    noise = torch.full_like(labels, 255)
    noise[:, ::2, ::2] = 1
    with pytest.raises(ValueError, match="separate marks"):
        fit_marks(generator, ws[:1], noise, num_classes=3)
