"""What drawing takes in memory, beyond the generator itself."""

from __future__ import annotations

import importlib.util
import multiprocessing
import sys
from contextlib import suppress
from pathlib import Path

import torch

from smis_core.devices import Precision, inference_precision
from smis_core.networks import GeneratorConfig
from smis_core.ops import preferring
from smis_core.ops._choice import Impl

_MEBIBYTE = 2**20


def peak_mebibytes(
    config: GeneratorConfig, batch: int, precision: Precision, impl: Impl, device: torch.device
) -> float | None:
    """The most memory while two batches are drawn, above what there was before, in MiB.

    On a CPU a fresh process measures its resident memory, because memory once taken is rarely
    given back; None on systems that do not tell.
    """
    if device.type == "cuda":
        return _drawing(config, batch, precision, impl, device)
    if device.type != "cpu" or importlib.util.find_spec("resource") is None:
        return None
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_drawing, (config, batch, precision, impl, device))


def _drawing(
    config: GeneratorConfig, batch: int, precision: Precision, impl: Impl, device: torch.device
) -> float:
    from .generator_speed import build, codes_of

    generator, ws = build(config, device), codes_of(config, batch, device)
    cuda = device.type == "cuda"
    if cuda:
        torch.cuda.reset_peak_memory_stats(device)
    else:
        with suppress(OSError):  # Linux: the peak counts from here
            Path("/proc/self/clear_refs").write_text("5")
    before = torch.cuda.memory_allocated(device) if cuda else _resident_bytes()
    with preferring(impl), inference_precision(precision, device), torch.no_grad():
        for _ in range(2):
            generator.synthesis(ws)
    peak = torch.cuda.max_memory_allocated(device) if cuda else _peak_bytes()
    return max(0, peak - before) / _MEBIBYTE


def _resident_bytes() -> int:
    import resource

    try:
        pages = Path("/proc/self/statm").read_text().split()[1]
    except OSError:
        return _peak_bytes()
    return int(pages) * resource.getpagesize()


def _peak_bytes() -> int:
    with suppress(OSError):
        # On Linux `getrusage` also counts what the parent had when this process was forked.
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
