"""`smis`: the commands, each in a module of its own."""

from __future__ import annotations

import importlib
from typing import Any

import typer

COMMANDS = (
    "lab", "synthesize", "sample", "invert", "directions", "demo", "train", "fewshot", "evaluate",
    "models", "inspect", "convert", "zoo", "bench", "bench_inversion", "build_extension",
)  # fmt: skip
"""Modules of this package in the order of the help; each adds its commands in ``register``."""


class _Commands(typer.core.TyperGroup):
    """Shows what the public edge refuses as one line, without a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (ValueError, OSError, MemoryError) as error:
            typer.echo(f"smis: {error}", err=True)
            raise typer.Exit(1) from error


def build_app() -> typer.Typer:
    """All commands in one application."""
    assembled = typer.Typer(
        cls=_Commands,
        help="Sketch a semantic mask, get a portrait.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for name in COMMANDS:
        importlib.import_module(f"{__name__}.{name}").register(assembled)
    return assembled


app = build_app()


def main() -> None:
    """The ``smis`` command."""
    app(prog_name="smis")
