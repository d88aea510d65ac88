"""`smis convert`: any checkpoint to safetensors of SMIS."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("convert")(run)


def run(
    source: Annotated[
        str, typer.Argument(metavar="IN", help="A checkpoint, or a name of the zoo.")
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The .safetensors file to write.")],
    part: Annotated[
        str | None, typer.Option(help="Only this: generator, encoder or discriminator.")
    ] = None,
) -> None:
    """Write a checkpoint's networks as safetensors, exact to the bit."""
    from typing import get_args

    from smis_core.checkpoints import convert
    from smis_core.checkpoints.convert import Part

    if part not in (None, *get_args(Part)):
        raise ValueError(f"--part: one of {', '.join(get_args(Part))} was wanted, got {part!r}")
    for written in convert(source, out, part=part):  # type: ignore[arg-type]
        typer.echo(f"{written}")
