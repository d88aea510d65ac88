"""`smis bench inversion`: how fast and how closely each way of inverting finds pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from .bench import bench


def register(app: typer.Typer) -> None:
    """Add the command to those of `smis bench`."""
    bench.command("inversion")(inversion)


def inversion(
    images: Annotated[int, typer.Option(help="fresh renders, and as many samples")] = 20,
    steps: Annotated[int, typer.Option(help="of the projections")] = 1000,
    seconds: Annotated[
        float, typer.Option(help="that the hybrid has; tuning has twice as many")
    ] = 5.0,
    encoder: Annotated[
        Path | None, typer.Option(help="weights; default: the bundled image encoder")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps")] = "auto",
    as_json: Annotated[
        bool, typer.Option("--json", help="print one JSON object instead of a table")
    ] = False,
) -> None:
    """Encode, hybrid, tuning and projection on fresh renders and samples, with their ratios."""
    from smis_core.recipes import drain
    from smis_core.recipes.bench_inversion import bench_inversion

    report = drain(
        bench_inversion(
            images=images,
            steps=steps,
            seconds=seconds,
            encoder_path=encoder,
            device=device,
        )
    ).report
    assert report is not None
    typer.echo(json.dumps(report.to_dict(), ensure_ascii=False) if as_json else report.table())
