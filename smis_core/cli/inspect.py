"""`smis inspect`: what a checkpoint is."""

from __future__ import annotations

import importlib
import json
from typing import Annotated

import typer

# Rooms above the checkpoints bring kinds of their own, such as the judge and the mask encoder.
_ROOMS_WITH_KINDS = ("smis_core.evaluation", "smis_core.fewshot", "smis_core.portraits")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("inspect")(run)


def run(
    file: Annotated[str, typer.Argument(help="A checkpoint, or a name of the zoo.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Tell what a checkpoint holds: format, network, resolution, classes, licence, fingerprint."""
    from smis_core.checkpoints import load_checkpoint

    for room in _ROOMS_WITH_KINDS:
        importlib.import_module(room)
    checkpoint = load_checkpoint(file, device="cpu")
    if as_json:
        typer.echo(json.dumps(checkpoint.facts(), ensure_ascii=False))
    else:
        typer.echo(repr(checkpoint))
