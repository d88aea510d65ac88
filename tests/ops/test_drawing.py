"""Drawing without gradients on a CPU: other arithmetic, the same numbers as the reference."""

import gc
import weakref
from itertools import product

import pytest
import torch
from golden_files import relative_error
from torch import nn

from smis_core.ops import _kernels, _winograd, modulated_conv2d, setup_filter

FEW, MANY = 4, 24
"""Sides: with fewer pixels than weights styles go onto the pixels, else into the weights."""


def arguments(side=MANY, *, batch=2, kernel=3, up=1, demodulate=True, out=12) -> dict:
    torch.manual_seed(0)
    return {
        "x": torch.randn(batch, 16, side, side),
        "weight": nn.Parameter(torch.randn(out, 16, kernel, kernel)),
        "styles": torch.randn(batch, 16),
        "bias": torch.randn(out),
        "noise": torch.randn(side * up, side * up),
        "gain": 1.3,
        "up": up,
        "padding": kernel // 2,
        "resample_filter": setup_filter(),
        "flip_weight": up == 1,
        "demodulate": demodulate,
        "act": "lrelu",
        "clamp": 2.5,
    }


def error(given: dict, **changes) -> float:
    with torch.no_grad():
        drawn = modulated_conv2d(**given | changes)
        expected = modulated_conv2d(**given | changes, impl="reference")
    assert drawn.shape == expected.shape
    assert drawn.dtype == expected.dtype
    return relative_error(drawn.float(), expected.float())


@pytest.mark.parametrize(
    ("side", "batch", "kernel", "up"), [*product([FEW, MANY], [1, 3], [1, 3], [1, 2])]
)
def test_numbers_are_those_of_the_reference(side, batch, kernel, up) -> None:
    for demodulate, out in product([True, False], [3, 12]):
        given = arguments(side, batch=batch, kernel=kernel, up=up, demodulate=demodulate, out=out)
        assert error(given) <= 2e-6
        with torch.autocast("cpu", torch.bfloat16):
            assert error(given) <= 2e-2


@pytest.mark.parametrize("phases", [True, False])
@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("side", [FEW, MANY])
def test_every_layout(side, packed, phases, monkeypatch) -> None:
    monkeypatch.setattr(_kernels, "_has_packed_ops", lambda: packed)
    monkeypatch.setattr(_kernels, "_phases_pay", lambda layout, kernel: phases)
    for flip in (True, False):
        assert error(arguments(side, up=2), flip_weight=flip) <= 2e-6


@pytest.mark.parametrize("batch", [1, 3])
def test_sixteen_products_for_thirty_six(batch, monkeypatch) -> None:
    monkeypatch.setattr(_winograd, "_WIDTH", 1)
    laid_out = []
    monkeypatch.setattr(_winograd, "transformed", lambda w, f=_winograd.transformed: (
        laid_out.append(w.shape) or f(w)
    ))  # fmt: skip
    for sides in ((16, 16), (18, 24)):
        given = arguments(batch=batch)
        given["x"] = torch.randn(batch, 16, *sides)
        given["noise"] = torch.randn(sides)
        for flip in (True, False):
            assert error(given, flip_weight=flip) <= 2e-6
        assert error(given, demodulate=False) <= 2e-6
    assert len(laid_out) == 6
    assert error(given, x=torch.randn(batch, 16, 17, 17), noise=None) <= 2e-6  # odd: direct
    assert len(laid_out) == 6


@pytest.mark.parametrize("side", [FEW, MANY])
def test_extras_may_be_missing_or_of_each_sample(side) -> None:
    given = arguments(side)
    assert error(given, noise=None, bias=None, act="linear", clamp=None) <= 2e-6
    assert error(given, noise=torch.randn(2, 1, side, side)) <= 2e-6
    assert error(given, noise=torch.randn(1, 12, 1, side)) <= 2e-6
    assert error(given, x=given["x"].contiguous(memory_format=torch.channels_last)) <= 2e-6
    assert error(given, x=given["x"][:, :, ::2, ::2], noise=None) <= 2e-6


@pytest.mark.parametrize("side", [FEW, MANY])
def test_networks_in_bfloat16(side) -> None:
    given = arguments(side)
    half = {name: given[name].bfloat16() for name in ("x", "weight", "bias")}
    assert error(given, **half) <= 2e-2


@pytest.mark.parametrize("side", [FEW, MANY])
def test_what_comes_in_is_left_alone(side) -> None:
    given = arguments(side)
    before = {name: value.clone() for name, value in given.items() if torch.is_tensor(value)}
    with torch.no_grad():
        modulated_conv2d(**given)
    assert all(torch.equal(given[name], value) for name, value in before.items())


@pytest.mark.parametrize("side", [FEW, MANY])
def test_changed_weights_are_seen(side) -> None:
    given = arguments(side)
    weight = given["weight"]
    assert error(given) <= 2e-6
    with torch.no_grad():
        weight.mul_(-1.5)
    assert error(given) <= 2e-6
    weight.data.mul_(0.3).add_(0.1)  # leaves the version as it was
    assert error(given) <= 2e-6
    weight.data = torch.randn_like(weight)
    assert error(given) <= 2e-6


def test_layouts_go_with_their_parameter() -> None:
    given = arguments(FEW)
    error(given)
    kept = weakref.ref(_kernels._kept[given["weight"]][1][torch.float32])
    assert kept() is not None
    del given
    gc.collect()
    assert kept() is None


def test_precisions_in_turn_lay_weights_out_once(monkeypatch) -> None:
    given = arguments(FEW)
    half = {name: given[name].bfloat16() for name in ("x", "bias")}
    lay_out, laid = _kernels._lay_out, []
    monkeypatch.setattr(
        _kernels, "_lay_out", lambda *args, **kwargs: laid.append(1) or lay_out(*args, **kwargs)
    )
    with torch.no_grad():
        for _ in range(3):
            modulated_conv2d(**given)
            with torch.autocast("cpu", torch.bfloat16):
                modulated_conv2d(**given | half)
    assert len(laid) == 2


def test_gradients_go_through_the_reference() -> None:
    given = arguments(FEW)
    y = modulated_conv2d(**given)
    assert y.requires_grad
    assert torch.equal(y, modulated_conv2d(**given, impl="reference"))


def test_transformed_functions_go_through_the_reference() -> None:
    given = arguments(FEW, batch=1)
    del given["styles"]

    def drawn(styles: torch.Tensor) -> torch.Tensor:
        return modulated_conv2d(**given, styles=styles[None])

    styles = torch.randn(3, 16)
    with torch.no_grad():
        together = torch.vmap(drawn)(styles)
        _, tangent = torch.func.jvp(drawn, (styles[0],), (torch.ones(16),))
        one_by_one = torch.stack([drawn(each) for each in styles])
    assert relative_error(together, one_by_one) <= 1e-5
    assert tangent.abs().max() > 0


def test_nan_stays_visible() -> None:
    given = arguments(MANY, batch=2)
    given["styles"][0, 0] = torch.nan
    with torch.no_grad():
        y = modulated_conv2d(**given)
    assert y[0].isnan().any()
    assert y[1].isfinite().all()


def test_no_picture_of_no_sample() -> None:
    given = arguments(MANY)
    with torch.no_grad():
        y = modulated_conv2d(**given | {"x": given["x"][:0], "styles": given["styles"][:0]})
    assert y.shape == (0, 12, MANY, MANY)


def test_a_torch_that_cannot_tell_of_transforms_draws_by_the_reference(monkeypatch) -> None:
    given = arguments()
    monkeypatch.delattr(torch.autograd.forward_ad, "_current_level")
    with torch.no_grad():
        drawn = modulated_conv2d(**given)
        assert torch.equal(drawn, modulated_conv2d(**given, impl="reference"))
