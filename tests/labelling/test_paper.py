"""The paper's labelling, dense and sparse, against its published implementation."""

import pytest
import torch
from golden_files import load_golden

from smis_core.labelling import build_labeller, fit_prototypes, fit_sparse, resize_as_the_paper

LAYER = "b64.conv1"


@pytest.fixture(scope="module")
def golden():
    return load_golden("fewshot_pseudo_labels")[0]


@pytest.fixture
def annotated(golden):
    return golden["train_features"], golden["train_labels"]


@pytest.fixture
def sample(golden):
    return {LAYER: golden["test_features"]}


def test_prototypes_agree(golden, annotated):
    labeller = fit_prototypes(*annotated, layer=LAYER, num_classes=4)
    wanted = golden["prototypes"]
    assert (labeller.prototypes - wanted).norm() / wanted.norm() < 1e-5


def test_dense_labels_agree(golden, annotated, sample):
    labeller = fit_prototypes(*annotated, layer=LAYER, num_classes=4)
    found = labeller.labels(sample, 256)
    assert torch.equal(found, golden["dense_labels_256"][:, 0])


@pytest.mark.parametrize(("top_k", "min_cosine"), [(3, 0.5), (1, 0.2), (5, 0.0)])
def test_sparse_labels_agree(golden, annotated, sample, top_k, min_cosine):
    labeller = fit_sparse(
        *annotated, layer=LAYER, num_classes=4, top_k=top_k, min_cosine=min_cosine
    )
    wanted = golden[f"sparse_labels_256/topk{top_k}_cos{min_cosine}"][:, 0]
    assert torch.equal(labeller.labels(sample, 256), wanted)


@pytest.mark.parametrize("fit", [fit_prototypes, fit_sparse])
def test_a_labeller_is_rebuilt_from_its_configuration(annotated, sample, fit):
    labeller = fit(*annotated, layer=LAYER, num_classes=6)
    again = build_labeller(type(labeller.config).from_dict(labeller.config.to_dict()))
    again.load_state_dict(labeller.state_dict())
    assert torch.equal(again.labels(sample, 32), labeller.labels(sample, 32))
    logits = again.logits(sample, 16)
    assert logits.shape == (3, 6, 16, 16)
    assert set(logits.argmax(1).unique().tolist()) <= set(labeller.classes)


def test_a_picture_weighs_the_same_however_much_of_a_class_it_shows():
    features = torch.zeros(2, 2, 4, 4)
    features[0, 0], features[1, 1] = 1, 1
    labels = torch.full((2, 4, 4), 255, dtype=torch.uint8)
    labels[0], labels[1, 0, 0] = 1, 1
    labeller = fit_prototypes(features, labels, layer=LAYER, num_classes=2)
    assert labeller.classes == (1,)
    assert torch.allclose(labeller.prototypes, torch.full((1, 2), 0.5**0.5))


def test_soft_labels_pull_features_towards_their_class(annotated, sample):
    labeller = fit_prototypes(*annotated, layer=LAYER, num_classes=4)
    features = sample[LAYER].clone().requires_grad_(True)
    before = labeller.logits({LAYER: features}, 16).softmax(1)[:, 2].mean()
    (slope,) = torch.autograd.grad(before, features)
    moved = features + 1e3 * slope
    assert labeller.logits({LAYER: moved}, 16).softmax(1)[:, 2].mean() > before


def test_masks_shrink_like_the_papers():
    labels = torch.zeros(1, 512, 512, dtype=torch.uint8)
    labels[0, 1, 1] = 3  # what the first of both steps takes, and so the second
    assert resize_as_the_paper(labels, 16)[0, 0, 0] == 3


@pytest.mark.parametrize(
    ("options", "message"), [({"top_k": 0}, "top_k"), ({"min_cosine": 1.0}, "min_cosine")]
)
def test_sparse_options_are_checked(annotated, options, message):
    with pytest.raises(ValueError, match=message):
        fit_sparse(*annotated, layer=LAYER, num_classes=4, **options)


def test_an_annotation_without_paint_is_refused(annotated):
    features, labels = annotated
    with pytest.raises(ValueError, match="annotated pixel"):
        fit_prototypes(features, torch.full_like(labels, 255), layer=LAYER, num_classes=4)
    with pytest.raises(ValueError, match="class 1"):
        fit_sparse(features, torch.zeros_like(labels), layer=LAYER, num_classes=4)


def test_features_of_another_generator_are_refused(annotated, sample):
    labeller = fit_prototypes(*annotated, layer=LAYER, num_classes=4)
    with pytest.raises(ValueError, match="another generator"):
        labeller.labels({LAYER: sample[LAYER][:, :5]}, 16)
    with pytest.raises(ValueError, match=r"wanted layer 'b64\.conv1'"):
        labeller.labels({"b32.conv1": sample[LAYER]}, 16)
