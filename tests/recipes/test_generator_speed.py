"""The benchmark's arithmetic: counts, rows, and what is measured; never how long it took."""

import json
from dataclasses import fields
from itertools import pairwise

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from smis_core.networks import Generator, GeneratorConfig
from smis_core.ops import preferring
from smis_core.recipes import generator_speed as speed
from smis_core.recipes.floor import convolutions, floor_seconds, gigaflop, median_seconds

CPU = torch.device("cpu")
TINY = GeneratorConfig(
    resolution=16, z_dim=8, w_dim=8, mapping_layers=1, channel_base=64, channel_max=8
)
WANTED = (
    "device", "resolution", "batch", "precision", "impl", "ms_per_image", "floor_ms", "ratio",
    "gflops", "peak_mib",
)  # fmt: skip


@pytest.fixture
def tiny(monkeypatch) -> None:
    monkeypatch.setattr(speed, "benchmark_config", lambda resolution: TINY)
    monkeypatch.setattr(speed, "peak_mebibytes", lambda *args: 1.0)


def test_analytic_count_is_what_torch_counts() -> None:
    generator = Generator(TINY).requires_grad_(False)
    ws = torch.zeros(1, TINY.num_ws, TINY.w_dim)
    with FlopCounterMode(display=False) as counter, preferring("reference"):
        generator.synthesis(ws, noise="none")
    counted = sum(
        count for op, count in counter.get_flop_counts()["Global"].items() if "conv" in str(op)
    )
    filters = counted / 1e9 - gigaflop(TINY)
    assert 0 <= filters < 0.2 * counted / 1e9  # the counter sees the depthwise filters too


def test_convolutions_are_those_of_the_network() -> None:
    generator = Generator(TINY)
    for each in convolutions(TINY):
        weight = generator.synthesis.get_parameter(f"{each.name}.weight")
        assert weight.shape == (each.out_channels, each.in_channels, each.kernel, each.kernel)
        assert each.weights == weight.numel()
    for before, after in pairwise(each for each in convolutions(TINY) if each.kernel == 3):
        assert after.side == before.side * before.up
        assert after.in_channels == before.out_channels


def test_published_sizes() -> None:
    at_256, at_1024 = speed.benchmark_config(256), speed.benchmark_config(1024)
    assert (at_256.channel_base, at_1024.channel_base) == (16384, 32768)
    assert (at_256.num_ws, at_1024.num_ws) == (14, 18)
    # 9 products of input and output channels for each input pixel: the last block by hand.
    last = 9 * (128 * 64 * 128**2 + 64 * 64 * 256**2) + 64 * 3 * 256**2
    assert sum(c.products for c in convolutions(at_256) if c.name.startswith("b256")) == last


def test_rows(tiny) -> None:
    steps = [*speed.generator_speed(resolutions=[16], batches=[1, 2], repeats=1, device="cpu")]
    rows = [step.row for step in steps]
    assert [step.index for step in steps] == [*range(1, steps[0].total + 1)]
    full = [row for row in rows if row.what == "full pass"]
    assert {(row.batch, row.precision, row.impl) for row in full} == {
        (batch, precision, impl)
        for batch in (1, 2)
        for precision in ("float32", "bfloat16")
        for impl in ("reference", "auto")
    }
    assert rows[: len(full)] == full
    for row in full:
        assert row.ratio == pytest.approx(row.ms_per_image / row.floor_ms)
        assert row.gflops == pytest.approx(1e3 * gigaflop(TINY) / row.floor_ms)
    for batch in (1, 2):  # one floor on a CPU, whatever the precision
        assert len({row.floor_ms for row in full if row.batch == batch}) == 1
    session = {row.what for row in rows[len(full) :]}
    assert session == {"session, full pass", "rows 3 to 5 of 6"}
    parsed = json.loads(json.dumps([row.to_dict() for row in rows]))
    assert all(set(WANTED) <= row.keys() for row in parsed)
    text = speed.table(rows)
    assert len(text.splitlines()) == 1 + len(rows)
    assert {field.name for field in fields(speed.SpeedRow)} == parsed[0].keys()


def test_floor_is_of_every_convolution_and_needs_no_generator() -> None:
    for dtype in (torch.float32, torch.bfloat16):
        assert floor_seconds(TINY, batch=2, dtype=dtype, device=CPU, repeats=1) > 0


def test_median_is_of_the_runs_after_the_first() -> None:
    runs = []
    assert median_seconds(lambda: runs.append(0), CPU, repeats=5) >= 0
    assert len(runs) == 6


def test_epilogue_counts_what_it_must_read_and_write(tiny, monkeypatch) -> None:
    monkeypatch.setattr(speed, "copy_rate", lambda device: 1.0)
    row = speed._epilogue(TINY, "float32", "reference", 1, CPU)
    pixels = 8 * TINY.channels(16) * (17**2 + 16**2)
    assert row.copy_fraction * row.ms_per_image * 8e-3 == pytest.approx(4 * pixels)
    assert "copy" in speed.table([row])


def test_memory_is_measured_in_a_process_of_its_own() -> None:
    from smis_core.recipes.peak_memory import peak_mebibytes

    peak = peak_mebibytes(TINY, 1, "float32", "auto", CPU)
    assert peak is None or 0 <= peak < 2000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batches": [0]}, "at least 1"),
        ({"repeats": 0}, "at least 1"),
        ({"precisions": ["half"]}, "precision must be one of"),
        ({"precisions": ["float16"], "device": "cpu"}, "needs a CUDA device"),
        ({"impls": ["fast"]}, "impls must be among"),
        ({"resolutions": [100]}, "power of two"),
        ({"device": "gpu"}, "device must be"),
    ],
)
def test_refusals_come_before_any_work(arguments, message) -> None:
    with pytest.raises(ValueError, match=message):
        speed.generator_speed(**arguments)
