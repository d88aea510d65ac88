"""`smis bench`: how fast this machine draws."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

bench = typer.Typer(help="Measure how fast this machine draws.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(bench, name="bench")


@bench.callback()
def _bench() -> None:
    """With a callback, a single command keeps its name."""


@bench.command("generator")
def bench_generator(
    resolution: Annotated[
        list[int] | None, typer.Option(help="side in pixels; may be repeated. Default: all three")
    ] = None,
    batch: Annotated[
        list[int] | None, typer.Option(help="pictures at once; may be repeated. Default: 1, 8")
    ] = None,
    precision: Annotated[
        list[str] | None,
        typer.Option(help="float32, bfloat16, float16 (CUDA); may be repeated. Default: all"),
    ] = None,
    impl: Annotated[
        list[str] | None,
        typer.Option(help="reference, auto, native (CUDA); may be repeated"),
    ] = None,
    repeats: Annotated[int, typer.Option(help="runs whose median counts")] = 20,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
) -> None:
    """StyleGAN2 at 64², 256² and 1024², against its convolutions alone, measured beside it."""
    from tqdm import tqdm

    from smis_core.recipes.generator_speed import generator_speed, table

    given: dict[str, Any] = {
        "resolutions": resolution, "batches": batch, "precisions": precision, "impls": impl,
    }  # fmt: skip
    wanted = {name: values for name, values in given.items() if values}
    rows = []
    with tqdm(unit="figure", leave=False) as bar:
        for step in generator_speed(**wanted, repeats=repeats, device=device):
            bar.total = step.total
            bar.update()
            rows.append(step.row)
    typer.echo(json.dumps([row.to_dict() for row in rows]) if as_json else table(rows))
