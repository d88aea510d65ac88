"""Time and memory to open a generator of 1024², against `torch.load` of the same tensors.

Run as `python benchmarks/bench_open.py`, with `--json` for one object. Files are written first:
a pickle as NVIDIA writes it, a file of the popular port, and ours, all with the same numbers. Each
is opened in a fresh process, first by `torch.load` (of a plain file of the same tensors) and then
by `load_generator`, several times in turn; the median counts. Memory is the peak of the process
above what it took before opening.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests")]

from checkpoints.foreign_files import record, stylegan2_attributes, write_pickle  # noqa: E402

from smis_core.checkpoints import save_network  # noqa: E402
from smis_core.networks import Generator, GeneratorConfig  # noqa: E402

TARGET_TIME, TARGET_MEMORY = 1.5, 1.3

# Each opening is measured by a process of its own: memory once taken is rarely given back.
CHILD = """
import gc, json, resource, sys, threading, time, warnings
import torch
import smis_core.checkpoints as checkpoints
warnings.simplefilter("ignore")
how, path = sys.argv[1:]
pages = resource.getpagesize()

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * pages

torch.ones(10).sum()
gc.collect()
before, peak, running = resident(), 0, True

def watch():
    global peak
    while running:
        peak = max(peak, resident())
        time.sleep(0.0005)

watcher = threading.Thread(target=watch, daemon=True)
watcher.start()
start = time.perf_counter()
if how == "torch.load":
    opened = torch.load(path, map_location="cpu", weights_only=True)
else:
    opened = checkpoints.load_generator(path, device="cpu")
seconds = time.perf_counter() - start
peak = max(peak, resident())
running = False
watcher.join()
print(json.dumps({"seconds": seconds, "bytes": peak - before}))
"""


def main() -> None:
    """Measure and print a table, or with --json one object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--resolution", type=int, default=1024, help="side of the pictures")
    parser.add_argument("--repeats", type=int, default=5, help="openings of each file")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if options.repeats < 1:
        parser.error(f"--repeats: at least 1 was wanted, got {options.repeats}")
    figures = measure(options.resolution, options.repeats)
    print(json.dumps(figures) if options.json else table(figures))


def measure(resolution: int, repeats: int) -> dict[str, object]:
    """Open each file `repeats` times."""
    config = GeneratorConfig(
        resolution=resolution, z_dim=512, w_dim=512, mapping_layers=8,
        channel_base=32768, channel_max=512,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        files, weights = write_files(Path(name), config)
        formats = {}
        for kind, (path, plain) in files.items():
            runs: dict[str, list[dict[str, float]]] = {"torch.load": [], "load_generator": []}
            for _ in range(repeats):
                runs["torch.load"].append(opened("torch.load", plain))
                runs["load_generator"].append(opened("load_generator", path))
            formats[kind] = figures_of(runs, weights)
    return {
        "resolution": resolution,
        "weights_bytes": weights,
        "formats": formats,
        "targets": {"time_ratio": TARGET_TIME, "memory_ratio": TARGET_MEMORY},
        "machine": {
            "processor": platform.machine(),
            "cores": os.cpu_count(),
            "load": os.getloadavg()[0],
            "torch": torch.__version__,
        },
    }


def write_files(folder: Path, config: GeneratorConfig) -> tuple[dict[str, tuple[Path, Path]], int]:
    """Files by format, each with a plain one of the same tensors; and the bytes of the weights."""
    generator = Generator(config)
    state = generator.state_dict()
    weights = sum(value.numel() * value.element_size() for value in state.values())
    plain, ours = folder / "plain.pt", folder / "ours.safetensors"
    torch.save(state, plain)
    save_network(ours, generator)
    network = record("Generator", state, stylegan2_attributes(state))
    nvidia = write_pickle(folder / "nvidia.pkl", {"G_ema": network})
    port = folder / "port.pt"
    torch.save({"g_ema": port_state(state), "latent_avg": torch.zeros(config.w_dim)}, port)
    return {
        "NVIDIA pickle": (nvidia, plain),
        "PyTorch port": (port, plain),
        "SMIS safetensors": (ours, plain),
    }, weights


def port_state(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A generator's state under the names of the popular port."""
    theirs = {
        "weight": "conv.weight", "affine.weight": "conv.modulation.weight",
        "affine.bias": "conv.modulation.bias", "noise_strength": "noise.weight",
        "bias": "activate.bias",
    }  # fmt: skip
    named = {}
    for name, value in state.items():
        parts = name.split(".")
        if parts[0] == "mapping":
            if parts[1] != "w_avg":
                named[f"style.{int(parts[1][2:]) + 1}.{parts[2]}"] = value
            continue
        level = int(parts[1][1:]).bit_length() - 1
        layer, rest = parts[2], ".".join(parts[3:])
        if layer == "const":
            named["input.input"] = value[None]
        elif layer == "torgb":
            path = "to_rgb1" if level == 2 else f"to_rgbs.{level - 3}"
            if rest == "bias":
                named[f"{path}.bias"] = value[None, :, None, None]
            else:
                part = theirs[rest]
                named[f"{path}.{part}"] = value[None] if rest == "weight" else value
        elif layer in ("conv0", "conv1") and rest != "resample_filter":
            index = 2 * level - (5 if layer == "conv0" else 4)
            path = f"convs.{index - 1}" if index else "conv1"
            if rest == "noise_const":
                named[f"noises.noise_{index}"] = value[None, None]
            else:
                named[f"{path}.{theirs[rest]}"] = value[None] if value.ndim in (0, 4) else value
    return named


def opened(how: str, path: Path) -> dict[str, float]:
    """Seconds and bytes of one opening."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, "-c", CHILD, how, str(path)],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    result: dict[str, float] = json.loads(done.stdout)
    return result


def figures_of(runs: dict[str, list[dict[str, float]]], weights: int) -> dict[str, float]:
    """Medians, and what they are relative to."""
    theirs, ours = (
        statistics.median(run["seconds"] for run in runs[how])
        for how in ("torch.load", "load_generator")
    )
    peak = statistics.median(run["bytes"] for run in runs["load_generator"])
    reference = statistics.median(run["bytes"] for run in runs["torch.load"])
    return {
        "seconds": ours,
        "torch_load_seconds": theirs,
        "time_ratio": ours / theirs,
        "peak_bytes": peak,
        "torch_load_peak_bytes": reference,
        "memory_ratio": peak / weights,
    }


def table(figures: dict[str, object]) -> str:
    """What was measured, a line a format."""
    formats: dict[str, dict[str, float]] = figures["formats"]  # type: ignore[assignment]
    weights: int = figures["weights_bytes"]  # type: ignore[assignment]
    lines = [
        f"generator of {figures['resolution']}², weights of {weights / 2**20:.0f} MiB",
        f"{'':18}{'seconds':>9}{'torch.load':>12}{'ratio':>8}{'peak MiB':>10}{'of weights':>12}",
    ]
    for name, row in formats.items():
        lines.append(
            f"{name:18}{row['seconds']:9.3f}{row['torch_load_seconds']:12.3f}"
            f"{row['time_ratio']:8.2f}{row['peak_bytes'] / 2**20:10.0f}{row['memory_ratio']:12.2f}"
        )
    lines.append(f"targets: ratio {TARGET_TIME}, memory {TARGET_MEMORY} of the weights")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
