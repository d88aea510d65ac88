"""`smis models`: the weights that ship and their figures, made again where they are not fresh."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(models)


def models(
    only: Annotated[
        list[str] | None, typer.Option(help="make this part, fresh or not; may be repeated")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="say what is not fresh, and make nothing")
    ] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps")] = "auto",
) -> None:
    """Rebuild generator, judge, encoders and figures, in order; each step resumes."""
    from smis_core.recipes import drain
    from smis_core.recipes.models import parts

    known = parts(device=device)
    names = [part.name for part in known]
    if unknown := sorted(set(only or []) - set(names)):
        raise ValueError(f"--only: one of {', '.join(names)} was wanted, got {', '.join(unknown)}")
    for part in known:
        if only and part.name not in only:
            continue
        reasons = part.stale()
        if check:
            typer.echo(f"{part.name}: {'; '.join(reasons) or 'fresh'}")
        elif only or reasons:
            typer.echo(f"{part.name}: {'; '.join(reasons) or 'asked for'}", err=True)
            drain(part.make())
        else:
            typer.echo(f"{part.name}: fresh", err=True)
    if check and any(part.stale() for part in known):
        raise typer.Exit(1)
