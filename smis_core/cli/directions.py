"""`smis directions`: find sliders for any generator, make and measure the bundled ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from smis_core.checkpoints import AnyGenerator
    from smis_core.editing import Directions

_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")]
_Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
_GeneratorFile = Annotated[
    Path | None, typer.Option("--generator", help="Weights; default: the bundled generator.")
]
_DiscriminatorFile = Annotated[
    Path | None, typer.Option("--discriminator", help="Weights; default: the bundled one.")
]
_METHODS = ("sefa", "pca", "features")

directions = typer.Typer(help="Directions of a generator's latents.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands to `smis`."""
    app.add_typer(directions, name="directions")


@directions.command("find")
def find_command(
    out: Annotated[Path, typer.Option("--out", "-o", help="File for the directions.")],
    generator: Annotated[
        str | None, typer.Argument(help="A checkpoint or a name of the zoo; none: the bundled one.")
    ] = None,
    method: Annotated[str, typer.Option(help="sefa, pca, or features.")] = "sefa",
    group: Annotated[
        str | None, typer.Option(help="Layers: coarse, middle or fine; none: all.")
    ] = None,
    layer: Annotated[
        str | None, typer.Option(help="Whose features are compared, by --method features.")
    ] = None,
    count: Annotated[int, typer.Option(help="How many.")] = 8,
    label: Annotated[int | None, typer.Option(help="The class of a conditional generator.")] = None,
    device: _Device = "auto",
) -> None:
    """Find directions without any example: SeFa, PCA of W, PCA of a layer's features."""
    from smis_core.checkpoints import load_generator
    from smis_core.editing import save_directions
    from smis_core.images import check_writable

    if method not in _METHODS:
        raise ValueError(f"--method: wanted one of {', '.join(_METHODS)}, got {method!r}")
    if (layer is not None) != (method == "features"):
        raise ValueError("--layer: wanted with --method features, and only with it")
    check_writable(out)
    found = _found(load_generator(generator, device=device), method, group, layer, count, label)
    save_directions(out, found)
    typer.echo(f"{out}: {', '.join(found.names)}")


@directions.command("make")
def make_command(
    out: Annotated[Path, typer.Option("--out", "-o", help="File for the directions.")],
    generator: _GeneratorFile = None,
    discriminator: _DiscriminatorFile = None,
    scratch: Annotated[
        Path, typer.Option(help="Folder of the reader's training, which resumes there.")
    ] = Path("runs/directions"),
    device: _Device = "auto",
) -> None:
    """Make the sliders of the bundled portraits: turn, tilt, mood, mouth, hair, colours."""
    from smis_core.checkpoints import bundled_path
    from smis_core.recipes import drain
    from smis_core.recipes.directions import make_directions

    drain(make_directions(
        out,
        generator_path=generator,
        discriminator_path=discriminator or bundled_path("portraits/discriminator"),
        scratch=scratch,
        device=device,
    ))  # fmt: skip


@directions.command("evaluate")
def evaluate_command(
    file: Annotated[
        Path | None, typer.Argument(help="Directions; default: the bundled ones.")
    ] = None,
    samples: Annotated[int, typer.Option(help="Pictures on which each slider is moved.")] = 200,
    kept: Annotated[
        bool, typer.Option("--kept", help="Measure what an edit leaves alone in inverted renders.")
    ] = False,
    renders: Annotated[int, typer.Option(help="Renders to invert, with --kept.")] = 50,
    generator: _GeneratorFile = None,
    discriminator: _DiscriminatorFile = None,
    judge: Annotated[Path | None, typer.Option(help="Weights; default: the bundled judge.")] = None,
    device: _Device = "auto",
    as_json: _Json = False,
) -> None:
    """The judge reads portraits while the sliders move."""
    from smis_core.checkpoints import bundled_path, load_network
    from smis_core.editing import load_directions
    from smis_core.evaluation import load_judge
    from smis_core.recipes import drain
    from smis_core.recipes.evaluate_directions import evaluate_directions, evaluate_kept
    from smis_core.recipes.evaluate_generator import load_stylegan2

    network = load_stylegan2(generator, device=device)
    found = load_directions(file, network)
    reader = load_judge(judge, device=device)
    if kept:
        critic = load_network(
            discriminator or bundled_path("portraits/discriminator"), device=device
        )
        steps = evaluate_kept(network, critic, reader, found, renders=renders, device=device)  # type: ignore[arg-type]
    else:
        steps = evaluate_directions(network, reader, found, samples=samples, device=device)
    report = drain(steps).report
    if report is None:
        raise RuntimeError("the evaluation ended without a report")
    typer.echo(json.dumps(report.to_dict(), ensure_ascii=False) if as_json else report.table())


def _found(
    generator: AnyGenerator,
    method: str,
    group: str | None,
    layer: str | None,
    count: int,
    label: int | None,
) -> Directions:
    from smis_core.editing import feature_pca, group_rows, pca, sefa
    from smis_core.recipes import drain

    rows = None if group is None else group_rows(generator, group)  # type: ignore[arg-type]
    if method == "sefa":
        return sefa(generator, rows=rows, count=count, label=label)
    if method == "pca":
        return pca(generator, rows=rows, count=count, label=label)
    assert layer is not None
    last = drain(feature_pca(generator, layer, rows=rows, count=count, label=label))
    assert last.directions is not None
    return last.directions
