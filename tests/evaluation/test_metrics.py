"""Distances and correlations against closed forms, brute force and scipy."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp

from smis_core.evaluation import (
    auc,
    blurred_by_one_pixel,
    circular_correlation,
    correlation,
    decibel,
    frechet_distance,
    highest_octave_energy,
    ks_distance,
    precision_recall,
)


def _normal(count, width, seed, dtype=torch.float64):
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def _whitened(count, width, seed):
    """Points whose mean is exactly zero and whose covariance is exactly the identity."""
    x = _normal(count, width, seed)
    x = x - x.mean(0)
    factor = torch.linalg.cholesky(torch.cov(x.T))
    return torch.linalg.solve_triangular(factor, x.T, upper=False).T


def test_frechet_distance_of_normal_distributions():
    a = _whitened(100, 4, 0)
    scale = torch.tensor([1.0, 2.0, 3.0, 0.5], dtype=torch.float64)
    shift = torch.tensor([1.0, 0.0, -2.0, 0.0], dtype=torch.float64)
    wanted = float((scale - 1).square().sum() + shift.square().sum())
    assert frechet_distance(a, _whitened(80, 4, 1) * scale + shift) == pytest.approx(wanted)
    assert frechet_distance(a, a.flip(0)) == pytest.approx(0, abs=1e-8)


def test_frechet_distance_of_correlated_features_is_symmetric():
    mix = _normal(4, 4, 2)
    a, b = _normal(50, 4, 3) @ mix, _normal(60, 4, 4)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a))
    rotation = torch.linalg.qr(_normal(4, 4, 5)).Q
    assert frechet_distance(a @ rotation, b @ rotation) == pytest.approx(frechet_distance(a, b))


def test_precision_and_recall_see_what_is_missing():
    left, right = _normal(200, 3, 0), _normal(200, 3, 1) + 50
    both = torch.cat([left, right])
    # Samples of one mode only: all of them are good, half of the modes are missing.
    precision, recall = precision_recall(both, _normal(400, 3, 2))
    assert precision > 0.8
    assert recall == pytest.approx(0.5, abs=0.08)
    assert precision_recall(left, right) == (0, 0)
    assert precision_recall(left, left) == (1, 1)


def test_precision_agrees_with_its_definition():
    real, fake = _normal(30, 2, 0), _normal(20, 2, 1) * 2
    inside = 0
    for point in fake:
        spheres = [
            (sorted((real - centre).norm(dim=1).tolist())[3], float((point - centre).norm()))
            for centre in real
        ]
        inside += any(distance <= radius for radius, distance in spheres)
    assert precision_recall(real, fake)[0] == pytest.approx(inside / 20)


def test_ks_distance_agrees_with_scipy():
    draw = np.random.default_rng(0)
    a, b = draw.normal(size=70), draw.normal(0.5, 2, size=90).round(1)
    assert ks_distance(a, b) == pytest.approx(ks_2samp(a, b).statistic)
    assert ks_distance(a, a) == 0
    assert ks_distance(a, a + 100) == 1


def test_auc_is_the_share_of_ordered_pairs():
    draw = np.random.default_rng(0)
    truth = draw.random(50) < 0.3
    scores = (draw.random(50) + 0.5 * truth).round(1)
    pairs = [(yes > no) + 0.5 * (yes == no) for yes in scores[truth] for no in scores[~truth]]
    assert auc(torch.tensor(scores), torch.tensor(truth)) == pytest.approx(np.mean(pairs))
    with pytest.raises(ValueError, match="both outcomes"):
        auc(scores, np.ones(50))


def test_circular_correlation_knows_no_seam():
    draw = np.random.default_rng(0)
    hues = draw.random(500)
    read = (hues + 0.02 * draw.normal(size=500)) % 1
    assert circular_correlation(hues, read) > 0.97
    near_red = (0.05 * draw.normal(size=500)) % 1
    close = (near_red + 0.005 * draw.normal(size=500)) % 1
    assert circular_correlation(near_red, close) > 0.98
    assert correlation(near_red, close) < circular_correlation(near_red, close)
    assert circular_correlation(hues, -read % 1) == pytest.approx(-circular_correlation(hues, read))
    assert abs(circular_correlation(hues, draw.random(500))) < 0.15


def test_correlation_agrees_with_numpy():
    draw = np.random.default_rng(0)
    a, b = draw.normal(size=(2, 40))
    assert correlation(a, b) == pytest.approx(np.corrcoef(a, b)[0, 1])
    assert correlation(a, np.ones(40)) == 0


def test_highest_octave_holds_what_halving_loses():
    places = torch.arange(64.0)
    slow = (2 * math.pi * places / 8).sin().expand(1, 3, 64, 64)
    quick = (2 * math.pi * 3 * places / 8).sin().expand(1, 3, 64, 64)
    assert highest_octave_energy(quick) == pytest.approx(0.5, rel=0.05)
    assert highest_octave_energy(slow) < 1e-4
    assert highest_octave_energy(quick.mT) == pytest.approx(highest_octave_energy(quick))
    loud = highest_octave_energy(torch.cat([quick, 2 * quick]))
    assert decibel(float(loud[1])) - decibel(float(loud[0])) == pytest.approx(20 * math.log10(2))
    assert decibel(0.0) == -math.inf


def test_blur_has_a_deviation_of_one_pixel():
    point = torch.zeros(1, 3, 15, 15)
    point[..., 7, 7] = 1
    spread = blurred_by_one_pixel(point)[0, 0]
    offsets = (torch.arange(15.0) - 7).square()
    assert spread.sum() == pytest.approx(1, abs=1e-5)
    assert (spread.sum(0) * offsets).sum() == pytest.approx(1, abs=0.02)
    flat = torch.full((1, 3, 9, 9), 0.3)
    torch.testing.assert_close(blurred_by_one_pixel(flat), flat)


@pytest.mark.parametrize(
    "call",
    [
        lambda: frechet_distance(torch.zeros(5, 3), torch.zeros(5, 4)),
        lambda: precision_recall(torch.zeros(3, 2), torch.zeros(9, 2)),
        lambda: precision_recall(torch.zeros(9, 2), torch.zeros(9, 2), k=0),
        lambda: ks_distance(torch.zeros(0), torch.zeros(3)),
        lambda: ks_distance(torch.tensor([float("nan")]), torch.zeros(3)),
        lambda: correlation(torch.zeros(3), torch.zeros(4)),
        lambda: highest_octave_energy(torch.zeros(1, 3, 4, 4)),
    ],
)
def test_what_cannot_be_measured_is_refused(call):
    with pytest.raises(ValueError, match="wanted"):
        call()
