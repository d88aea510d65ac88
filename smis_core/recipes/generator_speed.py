"""How near StyleGAN2 generators draw to the speed of their convolutions on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import cache
from itertools import product
from typing import Any, get_args

import torch
from torch import Tensor

from smis_core.devices import Precision, inference_precision, resolve_device, resolve_precision
from smis_core.networks import Generator, GeneratorConfig
from smis_core.ops import preferring, setup_filter
from smis_core.ops._choice import Impl
from smis_core.ops.conv_epilogue import conv_epilogue
from smis_core.ops.graphs import without_graphs

from .floor import convolutions, floor_seconds, gigaflop, median_seconds
from .peak_memory import peak_mebibytes


@dataclass(frozen=True)
class SpeedRow:
    """One figure. Times are medians; None is what does not apply."""

    device: str
    resolution: int
    batch: int
    precision: str
    impl: str
    what: str
    """"full pass", "epilogue" (on a GPU), or what a `SynthesisSession` was asked for."""
    ms_per_image: float
    floor_ms: float | None
    """The convolutions alone, an image: on a CPU in float32 for every precision, on a GPU in the
    row's own."""
    ratio: float | None
    """Of the time to the floor; of a session's time to its full pass."""
    gflops: float | None
    """Of the floor: 1e9 operations a second by the analytic count."""
    peak_mib: float | None
    """Memory beyond what the generator and its codes took before the first picture."""
    own_floor_ms: float | None = None
    """The convolutions alone in the row's own precision."""
    matrix_fraction: float | None = None
    """On a GPU: operations a second, of those of a large product of matrices."""
    copy_fraction: float | None = None
    """On a GPU: bytes that convolutions must move a second, of those of a large copy."""

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class SpeedStep:
    """One row measured."""

    index: int
    total: int
    row: SpeedRow


def benchmark_config(resolution: int) -> GeneratorConfig:
    """The published widths: channel base 16384 up to 256², 32768 above."""
    return GeneratorConfig(
        resolution=resolution, z_dim=512, w_dim=512, mapping_layers=8, channel_max=512,
        channel_base=16384 if resolution <= 256 else 32768,
    )  # fmt: skip


def generator_speed(
    *,
    resolutions: Sequence[int] = (64, 256, 1024),
    batches: Sequence[int] = (1, 8),
    precisions: Sequence[Precision] | None = None,
    impls: Sequence[Impl] | None = None,
    repeats: int = 20,
    device: str = "auto",
) -> Iterator[SpeedStep]:
    """Measure, a row a step: full passes first, then a `SynthesisSession` of each resolution.

    Args:
        resolutions: sides in pixels.
        batches: pictures at once.
        precisions: None takes float32 and bfloat16, and on CUDA float16.
        impls: None takes "reference" and, where it is faster, "auto" (CPU) or "native" (CUDA).
        repeats: runs of everything, whose median counts; where they take long, three suffice.
        device: see `resolve_device`.

    Raises:
        ValueError: numbers below 1, or a precision, implementation or device that is not there.
    """
    target = resolve_device(device)
    cuda = target.type == "cuda"
    precisions = precisions or (
        ("float32", "bfloat16", "float16") if cuda else ("float32", "bfloat16")
    )
    impls = impls or ("reference", "native" if cuda else "auto")
    if min(*batches, repeats) < 1:
        raise ValueError(f"batches and repeats must be at least 1, but are {batches}, {repeats}")
    for precision in precisions:
        resolve_precision(precision, target)
    for impl in impls:
        if impl not in get_args(Impl):
            raise ValueError(f"impls must be among {get_args(Impl)}, but one is {impl!r}")
    configs = [benchmark_config(resolution) for resolution in resolutions]
    if "native" in impls:
        from smis_core.ops._native import load

        load("cuda" if cuda else "cpu")
    return _measure(configs, tuple(batches), tuple(precisions), tuple(impls), repeats, target)


def _measure(
    configs: list[GeneratorConfig], batches: Sequence[int], precisions: Sequence[Precision],
    impls: Sequence[Impl], repeats: int, device: torch.device,
) -> Iterator[SpeedStep]:  # fmt: skip
    cuda = device.type == "cuda"
    total = len(configs) * len(batches) * len(impls) * (2 if cuda else 1)
    total += sum(2 + len(_previews(config)) for config in configs)
    total = (total + len(configs) * (cuda and "native" in impls)) * len(precisions)
    index = 0
    for config in configs:
        for row in _full_passes(config, batches, precisions, impls, repeats, device):
            index += 1
            yield SpeedStep(index, total, row)
    for config, precision in product(configs, precisions):
        if cuda and "native" in impls:
            index += 1
            yield SpeedStep(index, total, _epilogue(config, precision, "native", repeats, device))
        for row in _session(config, precision, impls[-1], repeats, device):
            index += 1
            yield SpeedStep(index, total, row)


def _full_passes(
    config: GeneratorConfig, batches: Sequence[int], precisions: Sequence[Precision],
    impls: Sequence[Impl], repeats: int, device: torch.device,
) -> Iterator[SpeedRow]:  # fmt: skip
    generator, cpu = build(config, device), device.type == "cpu"
    for batch in batches:
        dtypes = {precision: resolve_precision(precision, device) for precision in precisions}
        floors = {
            dtype: floor_seconds(config, batch=batch, dtype=dtype, device=device, repeats=repeats)
            for dtype in {*dtypes.values(), *([torch.float32] if cpu else [])}
        }
        ws = codes_of(config, batch, device)
        for precision, dtype in dtypes.items():
            floor = floors[torch.float32 if cpu else dtype]
            for impl, graphs in product(impls, (True, False) if device.type == "cuda" else (True,)):
                with (
                    preferring(impl), inference_precision(precision, device), torch.no_grad(),
                    nullcontext() if graphs else without_graphs(),
                ):  # fmt: skip
                    seconds = median_seconds(
                        lambda ws=ws: generator.synthesis(ws),  # type: ignore[misc]
                        device, repeats=repeats,
                    )  # fmt: skip
                fractions = _fractions(config, batch, dtype, seconds, device)
                yield SpeedRow(
                    device=device.type, resolution=config.resolution, batch=batch,
                    precision=precision, impl=impl,
                    what="full pass" if graphs else "full pass, no graphs",
                    ms_per_image=1e3 * seconds / batch, floor_ms=1e3 * floor / batch,
                    ratio=seconds / floor, gflops=gigaflop(config) * batch / floor,
                    peak_mib=peak_mebibytes(config, batch, precision, impl, device),
                    own_floor_ms=1e3 * floors[dtype] / batch, **fractions,
                )  # fmt: skip


def _session(
    config: GeneratorConfig, precision: Precision, impl: Impl, repeats: int, device: torch.device
) -> Iterator[SpeedRow]:
    from smis_core.networks import SynthesisSession

    session = SynthesisSession(build(config, device), precision=precision)
    first, second = codes_of(config, 2, device)[:, None].unbind()
    last = second.clone()
    last[:, :-3] = first[:, :-3]
    rows = config.num_ws

    def alternating(one: Tensor, other: Tensor, preview: int | None = None) -> float:
        codes = [one, other]

        def run() -> None:
            codes.reverse()
            session.draw(codes[0], preview=preview)

        return median_seconds(run, device, repeats=repeats)

    with preferring(impl):
        full = alternating(first, second)
        times = {f"rows {rows - 3} to {rows - 1} of {rows}": alternating(first, last)}
        for side in _previews(config):
            times[f"preview {side}²"] = alternating(first, second, side)
    for what, seconds in {"session, full pass": full, **times}.items():
        yield SpeedRow(
            device=device.type, resolution=config.resolution, batch=1, precision=precision,
            impl=impl, what=what, ms_per_image=1e3 * seconds, floor_ms=None, ratio=seconds / full,
            gflops=None, peak_mib=None,
        )  # fmt: skip


def _epilogue(
    config: GeneratorConfig, precision: Precision, impl: Impl, repeats: int, device: torch.device
) -> SpeedRow:
    """Of the last upsampling layer, eight pictures: what follows its convolution, in one pass."""
    batch, side, channels = 8, config.resolution, config.channels(config.resolution)
    dtype = resolve_precision(precision, device)
    x = torch.randn(batch, channels, side + 1, side + 1, device=device)
    x = x.to(dtype, memory_format=torch.channels_last)
    noise, f = torch.randn(side, side, device=device), setup_filter().to(device)
    scale, bias = torch.rand(batch, channels, device=device), torch.rand(channels, device=device)

    def run() -> Tensor:
        return conv_epilogue(
            x, f=f, padding=(1, 1, 1, 1), scale=scale, bias=bias, noise=noise, gain=2**0.5,
            act="lrelu", clamp=256, impl=impl,
        )  # fmt: skip

    with torch.no_grad():
        moved = (x.numel() + run().numel()) * x.element_size()
        seconds = median_seconds(run, device, repeats=repeats)
    return SpeedRow(
        device=device.type, resolution=side, batch=batch, precision=precision, impl=impl,
        what="epilogue", ms_per_image=1e3 * seconds / batch, floor_ms=None, ratio=None,
        gflops=None, peak_mib=None, copy_fraction=moved / seconds / copy_rate(device),
    )  # fmt: skip


def build(config: GeneratorConfig, device: torch.device) -> Generator:
    """A generator of random weights, with noise as a trained one has."""
    torch.manual_seed(0)
    generator = Generator(config).to(device).requires_grad_(False)
    for name, parameter in generator.named_parameters():
        if name.endswith("noise_strength"):
            parameter.fill_(0.1)
    return generator


def codes_of(config: GeneratorConfig, count: int, device: torch.device) -> Tensor:
    """Random codes `[count, num_ws, w_dim]`."""
    return torch.randn(count, config.num_ws, config.w_dim, device=device)


def table(rows: Sequence[SpeedRow]) -> str:
    """The rows for a terminal."""
    lines = [
        f"{'':6}{'batch':>6}  {'precision':10}{'impl':11}{'':22}{'ms/image':>10}{'floor':>9}"
        f"{'ratio':>7}{'GFLOP/s':>9}{'peak MiB':>10}"
    ]
    for row in rows:
        floor = "" if row.floor_ms is None else f"{row.floor_ms:.2f}"
        rate = "" if row.gflops is None else f"{row.gflops:.0f}"
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        peak = "" if row.peak_mib is None else f"{row.peak_mib:.0f}"
        line = (
            f"{f'{row.resolution}²':6}{row.batch:6}  {row.precision:10}{row.impl:11}{row.what:22}"
            f"{row.ms_per_image:10.2f}{floor:>9}{ratio:>7}{rate:>9}{peak:>10}"
        )
        if row.matrix_fraction is not None:
            line += f"  matrix {row.matrix_fraction:.0%}"
        if row.copy_fraction is not None:
            line += f"  copy {row.copy_fraction:.0%}"
        lines.append(line)
    return "\n".join(lines)


def _previews(config: GeneratorConfig) -> list[int]:
    return [side for side in (64, 32) if side < config.resolution]


def _fractions(
    config: GeneratorConfig, batch: int, dtype: torch.dtype, seconds: float, device: torch.device
) -> dict[str, float]:
    if device.type != "cuda":
        return {}
    each = convolutions(config)
    width = torch.finfo(dtype).bits // 8
    moved = width * sum(batch * one.numbers + one.weights for one in each)
    rate = 1e9 * gigaflop(config) * batch / seconds
    return {
        "matrix_fraction": rate / _matrix_rate(device, dtype),
        "copy_fraction": moved / seconds / copy_rate(device),
    }


@cache
def copy_rate(device: torch.device) -> float:
    """Bytes a second, read and written, of a large copy."""
    source = torch.empty(2**28, device=device)
    target = torch.empty_like(source)
    seconds = median_seconds(lambda: target.copy_(source), device, repeats=20)
    return 2 * source.numel() * source.element_size() / seconds


@cache
def _matrix_rate(device: torch.device, dtype: torch.dtype) -> float:
    side = 8192
    matrix = torch.randn(side, side, device=device).to(dtype)
    return 2 * side**3 / median_seconds(lambda: matrix @ matrix, device, repeats=20)
