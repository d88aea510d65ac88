"""`smis sample` and `smis walk`: seeds to pictures, a sheet, a film."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from smis_core.checkpoints import AnyGenerator

_MOST = 1_000_000

_Generator = Annotated[
    str | None,
    typer.Option(help="A checkpoint or a name of the zoo; by default the bundled one."),
]
_Psi = Annotated[
    float | None,
    typer.Option(help="Truncation: 1 is none; by default the zoo's advice, or 0.7."),
]
_Class = Annotated[int | None, typer.Option("--class", help="Of a conditional generator.")]
_Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")]
_Precision = Annotated[
    str, typer.Option(help="float32, bfloat16, float16 (CUDA), or auto: the fastest.")
]
_Batch = Annotated[
    int | None, typer.Option(help="Pictures at a time; by default what memory holds.")
]
_Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(sample)
    app.command()(walk)


def sample(
    seeds: Annotated[str, typer.Option(help="Such as 0-99 or 1,5,7-9.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for the pictures; with --grid, a PNG.")
    ],
    grid: Annotated[
        bool, typer.Option("--grid", help="One sheet with all pictures instead of a folder.")
    ] = False,
    columns: Annotated[int | None, typer.Option(help="Of the sheet.")] = None,
    generator: _Generator = None,
    psi: _Psi = None,
    label: _Class = None,
    noise: Annotated[
        str, typer.Option(help="const: the weights' own; random: of each seed; none.")
    ] = "const",
    overwrite: _Overwrite = False,
    precision: _Precision = "float32",
    batch: _Batch = None,
    device: _Device = "auto",
) -> None:
    """Draw a picture for each seed: seed0000.png, … An interrupted run goes on where it stopped."""
    from smis_core.recipes import drain
    from smis_core.recipes.drawing import DrawOptions
    from smis_core.recipes.sample import FileStep, sample_folder, sample_grid

    if columns is not None and not grid:
        raise ValueError("--columns belongs to --grid; add it, or leave --columns out")
    if not grid and out.suffix.lower() in (".png", ".jpg"):
        raise ValueError(f"{out}: --out names a folder; add --grid for one sheet of all pictures")
    numbers = parse_seeds(seeds)
    options: dict[str, Any] = {"noise": noise, "precision": precision, "batch": batch}
    settings = DrawOptions(truncation_psi=_psi(psi, generator), label=label, **options)
    network = _load(generator, device)
    if grid:
        drain(
            sample_grid(network, out, seeds=numbers, columns=columns, options=settings,
                        overwrite=overwrite)
        )  # fmt: skip
        typer.echo(f"{len(numbers)} pictures on {out}")
        return
    drawn = 0

    def noted(step: FileStep) -> FileStep:
        nonlocal drawn
        drawn += step.drawn
        return step

    steps = sample_folder(network, out, seeds=numbers, options=settings, overwrite=overwrite)
    last = drain(map(noted, steps))
    there = last.total - drawn
    typer.echo(f"{drawn} pictures in {out}" + (f", {there} were there already" if there else ""))


def walk(
    out: Annotated[Path, typer.Option("--out", "-o", help="The film: .mp4, .webp or .gif.")],
    seeds: Annotated[
        str | None, typer.Option(help="To pass, such as 3,14,15; by default six at random.")
    ] = None,
    seconds: Annotated[float, typer.Option(help="From one seed to the next.")] = 2.0,
    fps: Annotated[float, typer.Option(help="Frames a second.")] = 30.0,
    space: Annotated[
        str, typer.Option(help="w: smooth everywhere; z: along great circles, resting at seeds.")
    ] = "w",
    loop: Annotated[bool, typer.Option(help="Come back to the first seed.")] = True,
    generator: _Generator = None,
    psi: _Psi = None,
    label: _Class = None,
    overwrite: _Overwrite = False,
    precision: _Precision = "float32",
    batch: _Batch = None,
    device: _Device = "auto",
) -> None:
    """Draw a film that walks through latent space from seed to seed."""
    import secrets

    from smis_core.recipes import drain
    from smis_core.recipes.walk import WalkOptions, save_walk

    numbers = parse_seeds(seeds) if seeds else [secrets.randbelow(10_000) for _ in range(6)]
    options: dict[str, Any] = {"space": space, "precision": precision, "batch": batch}
    settings = WalkOptions(
        truncation_psi=_psi(psi, generator), label=label, loop=loop, frames=_frames(seconds, fps),
        **options,
    )  # fmt: skip
    network = _load(generator, device)
    steps = save_walk(network, out, seeds=numbers, fps=fps, options=settings, overwrite=overwrite)
    if not seeds:
        typer.echo(f"--seeds {','.join(map(str, numbers))}", err=True)
    last = drain(steps)
    typer.echo(f"{out}: {last.total} frames, {last.total / fps:.1f} s")


def parse_seeds(text: str) -> list[int]:
    """Numbers and ranges, both ends included, in their order, each once: "1,5,7-9".

    Raises:
        ValueError: anything else, or more than a million.
    """
    ranges = []
    for part in text.split(","):
        first, dash, last = (each.strip() for each in part.partition("-"))
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise ValueError(f"--seeds: numbers and ranges such as 0-99 or 1,5,7-9, got {text!r}")
        ranges.append(range(int(first), int(last or first) + 1))
        if not ranges[-1]:
            raise ValueError(f"--seeds: the range {part.strip()} ends before it begins")
        if ranges[-1].stop > 2**63:
            raise ValueError(f"--seeds: seeds lie below 2^63, got {part.strip()}")
    if (count := sum(each.stop - each.start for each in ranges)) > _MOST:
        raise ValueError(f"--seeds: at most {_MOST:,} pictures at a time, got {count:,}")
    return [*dict.fromkeys(seed for each in ranges for seed in each)]


def _psi(given: float | None, generator: str | None) -> float:
    if given is not None:
        return given
    from smis_core.checkpoints import zoo_models
    from smis_core.recipes.drawing import DrawOptions

    model = zoo_models().get(generator or "")
    return (model or DrawOptions()).truncation_psi


def _frames(seconds: float, fps: float) -> int:
    if not 0 < fps <= 240:
        raise ValueError(f"--fps: above 0 and at most 240 was wanted, got {fps}")
    if not 1 <= (frames := seconds * fps) < 1e6:
        raise ValueError(
            f"--seconds: at least one frame from seed to seed was wanted, got {seconds}"
        )
    return round(frames)


def _load(source: str | None, device: str) -> AnyGenerator:
    from smis_core.checkpoints import load_generator

    return load_generator(source, device=device)
