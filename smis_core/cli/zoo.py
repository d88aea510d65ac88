"""`smis zoo`: published models, listed, described, fetched."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the commands."""
    zoo = typer.Typer(help="Published models: list, show, fetch.", no_args_is_help=True)
    zoo.command("list")(list_models)
    zoo.command("show")(show)
    zoo.command("fetch")(fetch_model)
    app.add_typer(zoo, name="zoo")


def list_models(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
) -> None:
    """All models: name, resolution, network, what it draws, whether it may be used commercially."""
    from smis_core.checkpoints import zoo_models

    models = [*zoo_models().values()]
    if as_json:
        typer.echo(json.dumps([asdict(model) for model in models], ensure_ascii=False))
        return
    rows = [
        (
            model.name,
            f"{model.resolution}²" if model.resolution else "?",
            model.network,
            _commercial(model.commercial),
            "" if model.access == "http" else "by hand",
            model.draws,
        )
        for model in models
    ]
    titles = ("name", "side", "network", "commercial", "", "draws")
    widths = [max(len(row[i]) for row in (titles, *rows)) for i in range(len(titles))]
    for row in (titles, *rows):
        cells = (text.ljust(width) for text, width in zip(row, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())


def show(
    name: Annotated[str, typer.Argument(help="Of the list.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Everything that is known of a model."""
    from smis_core.checkpoints.zoo import by_hand, model_named, place_of

    model = model_named(name)
    if as_json:
        typer.echo(json.dumps(asdict(model), ensure_ascii=False))
        return
    facts = {
        "name": model.name,
        "draws": model.draws,
        "resolution": model.resolution or "not stated",
        "network": model.network,
        "author": model.author,
        "licence": model.licence,
        "commercial use": _commercial(model.commercial),
        "truncation": f"psi {model.truncation_psi:g} is a good start",
        "address": model.address,
        "SHA-256": model.sha256 or "not known",
        "page": model.page or "none",
        "file": f"{place_of(model)}{'' if place_of(model).is_file() else ' (not fetched)'}",
    }
    width = max(map(len, facts))
    for title, value in facts.items():
        typer.echo(f"{title.ljust(width)}  {value}")
    if model.access == "by hand":
        typer.echo(f"\n{by_hand(model)}.")


def fetch_model(
    name: Annotated[str, typer.Argument(help="Of the list.")],
    quiet: Annotated[bool, typer.Option("--quiet", help="Without a progress bar.")] = False,
) -> None:
    """Download a model into the cache folder, once."""
    from smis_core.checkpoints import fetch

    typer.echo(f"{fetch(name, progress=not quiet)}")


def _commercial(allowed: bool | None) -> str:
    return {True: "allowed", False: "not allowed", None: "ask its author"}[allowed]
