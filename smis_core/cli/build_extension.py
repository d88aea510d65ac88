"""`smis build-extension`: compile the native operations once."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("build-extension")(run)


def run(
    device: Annotated[str, typer.Option(help="The kind of device they are for: cuda or cpu.")] = (
        "cuda"
    ),
) -> None:
    """Compile the native operations for this machine; without them everything works, slower.

    Needs a C++ compiler and ninja (pip install 'smis[native]'), for CUDA also nvcc.
    """
    from smis_core.ops import NativeUnavailable, build_native

    try:
        build_native(device)  # type: ignore[arg-type]
    except NativeUnavailable as error:
        raise ValueError(str(error)) from error
    typer.echo(f"The native operations for {device} are ready.")
