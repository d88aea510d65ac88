"""``smis demo``: the main job without a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(run)


def run(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the pictures.")] = Path(
        "demo"
    ),
    shots: Annotated[int, typer.Option(help="Annotated pictures behind the encoder.")] = 5,
    styles: Annotated[int, typer.Option(help="Portraits of each mask.")] = 6,
    seed: Annotated[int, typer.Option(help="Of the first style.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
) -> None:
    """Draw the masks that ship with the package, and measure the portraits."""
    from smis_core.recipes import drain
    from smis_core.recipes.demo import demo, table

    last = drain(demo(out, shots=shots, styles=styles, seed=seed, device=device))
    typer.echo(table(last.figures))
    typer.echo(f"look at {out / 'contact_sheet.png'}; figures in {out / 'figures.json'}")
