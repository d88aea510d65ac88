"""How near StyleGAN2 draws to the speed of its convolutions: a table, and a picture of it.

Run as `python benchmarks/bench_generator.py` with the options of `smis bench generator`. `--rows
FILE` takes rows that `--json` printed, again for several files, in place of measuring;
`--picture FILE` draws them.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from smis_core.recipes.generator_speed import (  # noqa: E402
    SpeedRow,
    generator_speed,
    table,
)

COLOURS = {
    ("float32", "reference"): "#b8c4d6", ("float32", "auto"): "#2f5d9b",
    ("bfloat16", "reference"): "#e8cdb5", ("bfloat16", "auto"): "#c8641e",
}  # fmt: skip


def main() -> None:
    """Measure or read, then print, and draw where that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--resolution", type=int, action="append", help="side; may be repeated")
    parser.add_argument("--batch", type=int, action="append", help="pictures at once; repeatable")
    parser.add_argument("--precision", action="append", help="float32, bfloat16 or float16")
    parser.add_argument("--impl", action="append", help="reference, auto or native")
    parser.add_argument("--repeats", type=int, default=20, help="runs whose median counts")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--json", action="store_true", help="print one JSON array")
    parser.add_argument("--rows", type=Path, action="append", help="of an earlier --json")
    parser.add_argument("--picture", type=Path, help="PNG to draw")
    options = parser.parse_args()
    rows = read(options.rows) if options.rows else measure(options)
    print(json.dumps([row.to_dict() for row in rows]) if options.json else table(rows))
    if options.picture:
        draw(rows, options.picture)


def measure(options: argparse.Namespace) -> list[SpeedRow]:
    """The rows of this machine."""
    names = {
        "resolutions": options.resolution, "batches": options.batch,
        "precisions": options.precision, "impls": options.impl,
    }  # fmt: skip
    given: dict[str, Any] = {name: values for name, values in names.items() if values}
    steps = generator_speed(**given, repeats=options.repeats, device=options.device)
    return [step.row for step in steps]


def read(files: list[Path]) -> list[SpeedRow]:
    """Rows of earlier runs."""
    return [SpeedRow(**row) for file in files for row in json.loads(file.read_text())]


def draw(rows: list[SpeedRow], path: Path) -> None:
    """Times relative to the convolutions alone: the nearer to the line, the less is wasted."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    full = [row for row in rows if row.what == "full pass"]
    places = sorted({(row.resolution, row.batch) for row in full})
    kinds = [kind for kind in COLOURS if any((r.precision, r.impl) == kind for r in full)]
    figure, axes = plt.subplots(figsize=(8, 4), layout="constrained")
    for index, kind in enumerate(kinds):
        mine = [row for row in full if (row.precision, row.impl) == kind]
        at = [places.index((r.resolution, r.batch)) + (index - 1.5) * 0.2 for r in mine]
        heights = [row.ratio or 0 for row in mine]
        bars = axes.bar(at, heights, width=0.18, color=COLOURS[kind], label=", ".join(kind))
        axes.bar_label(bars, [f"{row.ms_per_image:.0f} ms" for row in mine], fontsize=7)
    axes.axhline(1, color="#444", linewidth=1)
    axes.set_xticks(range(len(places)), [f"{side}², batch {batch}" for side, batch in places])
    axes.set_ylabel("time / float32 convolutions alone")
    axes.legend(frameon=False, ncols=2)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=130)


if __name__ == "__main__":
    main()
