"""The native operations against plain torch in float64: on a GPU with `--device cuda`, elsewhere
the same kernels and the same binding compiled for the host."""

import importlib

import pytest
import torch
import torch.nn.functional as F

from smis_core.networks import Generator, GeneratorConfig
from smis_core.ops import (
    ACTIVATIONS,
    _build,
    bias_act,
    build_native,
    conv_epilogue,
    setup_filter,
    upfirdn2d,
)

TOLERANCE = {
    torch.float64: 1e-12,
    torch.float32: 2e-6,
    torch.float16: 2e-3,
    torch.bfloat16: 1.6e-2,
}
DTYPES = list(TOLERANCE)
LAYOUTS = ["planes", "channels_last", "strided"]


@pytest.fixture(scope="session")
def native(device: torch.device, request: pytest.FixtureRequest) -> torch.device:
    """Where native operations compute."""
    if device.type == "cuda":
        try:
            _build.check_tools("cuda")
        except _build.BuildFailure as missing:
            pytest.skip(str(missing))
        build_native("cuda")
        return device
    request.getfixturevalue("host_ops")
    return torch.device("cpu")


@pytest.fixture
def doors(native: torch.device, monkeypatch: pytest.MonkeyPatch) -> torch.device:
    """The public functions take the native operations wherever these compute."""
    for name in ("bias_act", "upfirdn2d", "conv_epilogue"):
        module = importlib.import_module(f"smis_core.ops.{name}")
        monkeypatch.setattr(module, "choose", lambda impl, x, **_: impl != "reference")
    return native


def picture(shape: tuple[int, ...], device: torch.device, layout: str = "planes") -> torch.Tensor:
    """Random numbers in float64."""
    x = torch.randn(shape, dtype=torch.float64, device=device)
    if layout == "channels_last" and len(shape) == 4:
        return x.contiguous(memory_format=torch.channels_last)
    if layout == "strided":
        wide = torch.zeros((*shape[:-1], 2 * shape[-1] + 1), dtype=torch.float64, device=device)
        wide[..., 1::2] = x
        return wide[..., 1::2]
    return x


def in_dtype(x: torch.Tensor, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """`x` in a dtype with its strides, and what that dtype made of it in float64."""
    narrow = torch.empty_strided(x.shape, x.stride(), dtype=dtype, device=x.device).copy_(x)
    return narrow, narrow.double()


def assert_close(ours: torch.Tensor, expected: torch.Tensor, dtype: torch.dtype) -> None:
    assert ours.dtype == dtype
    assert ours.shape == expected.shape
    difference = (ours.double() - expected).abs().max() if expected.numel() else torch.zeros(())
    largest = expected.abs().max() if expected.numel() else torch.ones(())
    assert float(difference) <= TOLERANCE[dtype] * max(float(largest), 1.0)


FILTERS = [
    {},
    {"up": 2, "padding": (2, 1, 2, 1), "gain": 4.0},
    {"down": 2, "padding": 1},
    {"padding": (2, 1, 1, 2), "flip_filter": True},
    {"up": (2, 1), "down": (1, 3), "padding": (4, 0, -1, 5)},
    {"up": 3, "down": 2, "padding": (-2, 3, 1, -1)},
    {"up": 2, "down": 2, "padding": 5},
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("case", range(len(FILTERS)))
def test_upfirdn2d(case: int, layout: str, dtype: torch.dtype, doors: torch.device) -> None:
    torch.manual_seed(case)
    filters = [(4, 4), (3, 5), (1, 4), (12, 1)]
    shapes = [(2, 8, 13, 12), (1, 3, 12, 17), (3, 5, 14, 13)]
    for taps in filters[: 2 if case > 3 else 4]:
        f = torch.randn(taps, device=doors)
        for shape in shapes:
            x, wide = in_dtype(picture(shape, doors, layout), dtype)
            ours = upfirdn2d(x, f, **FILTERS[case])
            expected = upfirdn2d(wide, f.double(), impl="reference", **FILTERS[case])
            scale = float(f.double().abs().sum()) * FILTERS[case].get("gain", 1.0)
            assert_close(ours / max(scale, 1), expected / max(scale, 1), dtype)
            last = x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()
            assert not last or ours.is_contiguous(memory_format=torch.channels_last)


def test_a_line_of_taps_and_a_filter_beyond_the_picture(doors: torch.device) -> None:
    x = picture((1, 2, 3, 3), doors)
    line = torch.tensor([1.0, 3.0, 3.0, 1.0], device=doors)
    ours = upfirdn2d(x, line, up=2, padding=(2, 1, 2, 1), gain=4)
    expected = upfirdn2d(x, line, up=2, padding=(2, 1, 2, 1), gain=4, impl="reference")
    assert torch.allclose(ours, expected)
    with pytest.raises(ValueError, match=r"f \[4, 4\] is longer than the padded x"):
        upfirdn2d(x, setup_filter().to(doors))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("act", ACTIVATIONS)
def test_bias_act(act: str, dtype: torch.dtype, doors: torch.device) -> None:
    torch.manual_seed(0)
    for shape in [
        (2, 8),
        (5, 3),
        (2, 8, 4, 4),
        (3, 5, 7, 3),
        (1, 1, 6, 6),
        (2, 3, 4),
        (2, 4, 2, 2, 2),
    ]:
        for layout in LAYOUTS:
            x, wide = in_dtype(picture(shape, doors, layout) * 3, dtype)
            b = torch.randn(shape[1], device=doors)
            for bias, clamp in ((b, None), (None, 1.3), (b, 0.7)):
                ours = bias_act(x, bias, act=act, clamp=clamp)
                expected = bias_act(
                    wide, None if bias is None else bias.double(), act=act, clamp=clamp,
                    impl="reference",
                )  # fmt: skip
                assert_close(ours, expected, dtype)


@pytest.mark.parametrize("clamp", [None, 0.7])
@pytest.mark.parametrize("act", ACTIVATIONS)
def test_derivatives_of_bias_act(act: str, clamp: float | None, doors: torch.device) -> None:
    torch.manual_seed(1)
    x = picture((2, 3, 3, 2), doors, "channels_last").requires_grad_()
    b = torch.randn(3, dtype=torch.float64, device=doors, requires_grad=True)
    results = []
    for impl in ("native", "reference"):
        y = bias_act(x, b, act=act, clamp=clamp, alpha=0.3, impl=impl)
        first = torch.autograd.grad(y.square().sum(), [x, b], create_graph=True)
        total = sum(g.square().sum() for g in first)
        results.append([y, *first, *torch.autograd.grad(total, [x, b])])
    for ours, expected in zip(*results, strict=True):
        assert torch.allclose(ours, expected, rtol=1e-9, atol=1e-11)


def test_a_third_derivative_is_refused_and_not_wrong(doors: torch.device) -> None:
    x = torch.randn(2, 3, dtype=torch.float64, device=doors, requires_grad=True)
    g = bias_act(x, act="tanh").sum()
    for _ in range(2):
        (g,) = torch.autograd.grad(g.sum(), x, create_graph=True)
    with pytest.raises(NotImplementedError, match="impl='reference'"):
        torch.autograd.grad(g.sum(), x)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("filtered", [False, True])
def test_conv_epilogue(
    filtered: bool, layout: str, dtype: torch.dtype, doors: torch.device
) -> None:
    torch.manual_seed(2)
    for shape in [(2, 8, 9, 11), (1, 3, 17, 5), (3, 4, 21, 8), (2, 16, 8, 9)]:
        x, wide = in_dtype(picture(shape, doors, layout), dtype)
        arguments = epilogue_arguments(shape, filtered, doors)
        for absent in [(), ("scale",), ("bias", "clamp"), ("noise", "next_styles")]:
            given = {k: v for k, v in arguments.items() if k not in absent}
            ours = conv_epilogue(x, **given)
            doubled = {
                k: v.double() if isinstance(v, torch.Tensor) else v for k, v in given.items()
            }
            assert_close(ours, conv_epilogue(wide, impl="reference", **doubled), dtype)


def epilogue_arguments(shape: tuple[int, ...], filtered: bool, device: torch.device) -> dict:
    batch, channels, height, width = shape
    arguments = {
        "scale": torch.randn(batch, channels, device=device),
        "bias": torch.randn(channels, device=device),
        "noise": torch.randn(height - filtered, width - filtered, device=device),
        "gain": 1.7,
        "act": "lrelu",
        "clamp": 2.0,
        "next_styles": torch.randn(batch, channels, device=device),
    }
    if filtered:
        uneven = torch.outer(torch.tensor([1.0, 2, 3, 1]), torch.tensor([2.0, -1, 4, 1]))
        arguments |= {"f": (uneven / uneven.sum() * 4).to(device), "padding": (1, 1, 2, 0)}
    return arguments


@pytest.mark.parametrize("noise", [(1, 1, 7, 6), (2, 1, 7, 6), (2, 4, 7, 6), (6,), ()])
def test_noise_of_every_shape_that_broadcasts(noise: tuple[int, ...], doors: torch.device) -> None:
    x, maps = picture((2, 4, 7, 6), doors, "channels_last"), picture((*noise, 1), doors)[..., 0]
    ours = conv_epilogue(x, noise=maps)
    assert torch.allclose(ours, x + maps)


def test_filters_that_are_no_product_of_lines(doors: torch.device) -> None:
    x = picture((1, 4, 9, 9), doors)
    for taps in [(4, 4), (3, 3), (6, 6)]:
        f = torch.randn(taps, dtype=torch.float64, device=doors)
        ours = conv_epilogue(x, f=f, padding=(1, 1, 1, 1), act="lrelu")
        expected = conv_epilogue(x, f=f, padding=(1, 1, 1, 1), act="lrelu", impl="reference")
        assert torch.allclose(ours, expected)


@pytest.mark.parametrize("filtered", [False, True])
def test_derivatives_of_conv_epilogue(filtered: bool, doors: torch.device) -> None:
    torch.manual_seed(3)
    shape = (2, 3, 6, 5)
    x = picture(shape, doors).requires_grad_()
    arguments = epilogue_arguments(shape, filtered, doors)
    leaves = [x]
    for name in ("scale", "bias", "noise", "next_styles"):
        arguments[name] = arguments[name].double().requires_grad_()
        leaves.append(arguments[name])
    results = []
    for impl in ("native", "reference"):
        y = conv_epilogue(x, impl=impl, **arguments)
        first = torch.autograd.grad(y.square().sum(), leaves, create_graph=True)
        total = sum(g.square().sum() for g in first)
        results.append([y, *first, *torch.autograd.grad(total, leaves)])
    for ours, expected in zip(*results, strict=True):
        assert torch.allclose(ours, expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("case", FILTERS[1:6])
def test_derivatives_of_upfirdn2d(case: dict, doors: torch.device) -> None:
    x = picture((1, 2, 5, 6), doors).requires_grad_()
    f = torch.randn(4, 4, dtype=torch.float64, device=doors)
    assert torch.autograd.gradcheck(lambda x: upfirdn2d(x, f, **case), x)
    assert torch.autograd.gradgradcheck(lambda x: upfirdn2d(x, f, **case).square(), x)


def test_torch_finds_the_operations_well_made(native: torch.device) -> None:
    x = torch.randn(2, 4, 6, 6, device=native, requires_grad=True)
    b = torch.randn(4, device=native, requires_grad=True)
    taps, lines = torch.randn(4, 4, device=native), torch.randn(2, 4, device=native)
    scale = torch.rand(2, 4, device=native, requires_grad=True)
    noise = torch.randn(1, 1, 5, 5, device=native)
    ops = torch.ops.smis
    calls = [
        (ops.upfirdn2d, (x, taps, [2, 2], [1, 1], [2, 1, 2, 1])),
        (ops.bias_act, (x, b, 2, 0.2, 1.4, 0.9)),
        (ops.bias_act, (x, None, 8, 0.0, 1.4, -1.0)),
        (ops.bias_act_grad, (x.detach(), x, b, 3, 0.0, 1.0, -1.0, 1)),
        (ops.conv_epilogue, (x, lines, scale, b, noise, None, [1, 1, 1, 1], 0.2, 1.4, 2.0)),
        (ops.conv_epilogue, (x, None, scale, None, None, scale, [0, 0, 0, 0], 0.2, 1.4, -1.0)),
    ]
    for op, arguments in calls:
        torch.library.opcheck(op.default, arguments)
        last = x.detach().contiguous(memory_format=torch.channels_last).requires_grad_()
        torch.library.opcheck(op.default, (last, *arguments[1:]), test_utils="test_faketensor")


def test_nothing_in_nothing_out(doors: torch.device) -> None:
    for shape in [(0, 4, 8, 8), (2, 0, 8, 8)]:
        x = torch.zeros(shape, device=doors)
        assert upfirdn2d(x, setup_filter().to(doors), up=2, padding=2).shape == (*shape[:2], 17, 17)
        assert bias_act(x, torch.zeros(shape[1], device=doors), act="lrelu").shape == shape
        assert conv_epilogue(x, scale=torch.zeros(shape[:2], device=doors)).shape == shape


@pytest.mark.parametrize("act", ["linear", "relu", "lrelu"])
def test_what_is_no_number_stays_none(act: str, doors: torch.device) -> None:
    x = torch.tensor([[float("nan"), float("inf"), -float("inf"), 1.0]], device=doors)
    ours, expected = (bias_act(x, act=act, clamp=9.0, impl=i) for i in ("native", "reference"))
    assert torch.equal(ours.nan_to_num(77), expected.nan_to_num(77))
    scale = torch.full((1, 4), float("nan"), device=doors)
    assert conv_epilogue(torch.ones(1, 4, 2, 2, device=doors), scale=scale, clamp=1.0).isnan().all()


def test_bfloat16_rounds_to_the_nearest_even(doors: torch.device) -> None:
    values = torch.randn(1, 1, 64, 64, device=doors) * 100
    ones = torch.ones(1, 1, device=doors)
    for dtype in (torch.float16, torch.bfloat16):
        ours = bias_act(values.to(dtype), act="linear", gain=1.0 / 3.0)
        expected = (values.to(dtype).float() * torch.tensor(1.0 / 3.0, device=doors)).to(dtype)
        assert torch.equal(ours, expected)
    assert torch.equal(upfirdn2d(values, ones), values)


def test_refusals(doors: torch.device) -> None:
    x, f = torch.zeros(1, 3, 8, 8, device=doors), setup_filter().to(doors)
    with pytest.raises(ValueError, match="floating-point"):
        upfirdn2d(x.int(), f)
    with pytest.raises(ValueError, match=r"x must be floating-point \[N, C, ...\]"):
        bias_act(x.long())
    with pytest.raises(ValueError, match=r"x must be floating-point \[N, C, ...\]"):
        bias_act(x[0, 0, 0])
    with pytest.raises(ValueError, match=r"b must be \[3\]"):
        bias_act(x, torch.zeros(4, device=doors))
    with pytest.raises(ValueError, match="clamp must be a magnitude"):
        bias_act(x, clamp=-1.0)
    with pytest.raises(ValueError, match=r"scale must be \[1, 3\]"):
        conv_epilogue(x, scale=torch.zeros(1, 4, device=doors))
    with pytest.raises(ValueError, match="bias must be a floating-point tensor"):
        conv_epilogue(x, bias=torch.zeros(3, dtype=torch.int64, device=doors))
    with pytest.raises(ValueError, match=r"x must be floating-point \[N, C, H, W\]"):
        conv_epilogue(x[0])
    with pytest.raises(ValueError, match="act must be"):
        conv_epilogue(x, act="tanh")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("upfirdn2d", lambda x: (x, x[0, 0].double(), [1, 1], [1, 1], [0] * 4)),
        ("upfirdn2d", lambda x: (x, x[0, 0], [1, 1], [0, 1], [0] * 4)),
        ("upfirdn2d", lambda x: (x[:, :, :2], x[0, 0], [1, 1], [1, 1], [0] * 4)),
        ("bias_act", lambda x: (x, x[0, :, 0, 0], 2, 0.2, 1.0, -1.0)),
        ("bias_act", lambda x: (x, None, 99, 0.2, 1.0, -1.0)),
        ("bias_act_grad", lambda x: (x[:, :2], x, None, 2, 0.2, 1.0, -1.0, 1)),
        ("conv_epilogue", lambda x: (x, None, x[0, 0], *[None] * 3, [0] * 4, 1.0, 1.0, -1.0)),
        ("conv_epilogue", lambda x: (x, *[None] * 5, [1, 0, 0, 0], 1.0, 1.0, -1.0)),
    ],
)
def test_the_binding_guards_memory(name: str, arguments, native: torch.device) -> None:
    x = torch.zeros(1, 3, 4, 4, device=native).expand(2, 3, 4, 4)
    with pytest.raises(RuntimeError):
        getattr(torch.ops.smis, name)(*arguments(x))


def test_a_layer_is_the_same_either_way(doors: torch.device) -> None:
    """A transposed convolution with its epilogue, as a synthesis layer calls it."""
    torch.manual_seed(5)
    x = torch.randn(2, 6, 8, 8, dtype=torch.float64, device=doors)
    weight = torch.randn(6, 8, 3, 3, dtype=torch.float64, device=doors)
    f = setup_filter().double().to(doors)
    y = F.conv_transpose2d(x, weight, stride=2)
    scale = torch.rand(2, 8, dtype=torch.float64, device=doors)
    noise = torch.randn(16, 16, dtype=torch.float64, device=doors)
    arguments = {
        "f": f * 4,
        "padding": (1, 1, 1, 1),
        "scale": scale,
        "noise": noise,
        "act": "lrelu",
    }
    ours = conv_epilogue(y, clamp=1.0, gain=2**0.5, **arguments)
    assert ours.shape == (2, 8, 16, 16)
    expected = conv_epilogue(y, clamp=1.0, gain=2**0.5, impl="reference", **arguments)
    assert torch.allclose(ours, expected)


def test_a_network_is_the_same_either_way(
    doors: torch.device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pictures and gradients, with styles that the layer before puts on."""
    convolution = importlib.import_module("smis_core.ops.modulated_conv")
    torch.manual_seed(6)
    config = GeneratorConfig(resolution=16, z_dim=8, w_dim=8, channel_base=128, channel_max=8)
    synthesis = Generator(config).to(doors).synthesis
    ws = torch.randn(2, config.num_ws, 8, device=doors, requires_grad=True)
    plain = synthesis(ws)
    with monkeypatch.context() as native:
        native.setattr(convolution, "choose", lambda impl, x, **_: impl != "reference")
        assert convolution.folds_styles(ws)
        ours = synthesis(ws)
    assert torch.allclose(ours, plain, rtol=1e-5, atol=1e-6)
    (expected,) = torch.autograd.grad(plain.square().mean(), ws)
    (gradient,) = torch.autograd.grad(ours.square().mean(), ws)
    assert torch.allclose(gradient, expected, rtol=1e-4, atol=1e-6 * float(expected.abs().max()))
