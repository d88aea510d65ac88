"""``smis synthesize``: masks to portraits and a contact sheet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(synthesize)


def synthesize(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the pictures.")],
    mask: Annotated[
        Path | None, typer.Argument(help="A square mask whose pixel values are class indices.")
    ] = None,
    masks: Annotated[
        Path | None, typer.Option(help="A folder of masks instead of one; sub-folders count.")
    ] = None,
    styles: Annotated[int, typer.Option(help="Portraits of each mask.")] = 6,
    shots: Annotated[int, typer.Option(help="Annotated pictures behind the encoder.")] = 5,
    seed: Annotated[int, typer.Option(help="Of the first style.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
) -> None:
    """Draw portraits that follow a mask, in several styles, with a contact sheet."""
    from smis_core.fewshot import load_synthesizer
    from smis_core.recipes import drain
    from smis_core.recipes.sheets import SheetStep, draw_sheets, read_masks

    source = mask or masks
    if source is None or (mask and masks):
        raise ValueError("one MASK or --masks FOLDER was wanted; give exactly one of them")
    if masks and not masks.is_dir():
        raise ValueError(f"{masks}: --masks takes a folder; name a single mask without --masks")
    if mask and mask.is_dir():
        raise ValueError(f"{mask}: this is a folder; use --masks {mask}")
    folder = source if masks else source.parent
    if out.resolve() == folder.resolve():
        raise ValueError(f"{out}: the pictures would lie among the masks; choose another folder")
    label_maps = read_masks(source)
    synthesizer = load_synthesizer(shots=shots, device=device)
    steps = draw_sheets(synthesizer, label_maps, out, styles=styles, seed=seed)
    sheets: list[Path] = []
    fidelity: list[float] = []

    def noted(step: SheetStep) -> SheetStep:
        fidelity.extend(step.fidelity)
        if step.sheet:
            sheets.append(step.sheet)
        return step

    drain(map(noted, steps))
    typer.echo(
        f"{len(fidelity)} portraits in {out}, "
        f"mean fidelity to the masks {sum(fidelity) / len(fidelity):.2f}"
    )
    for sheet in sheets:
        typer.echo(f"contact sheet: {sheet}")
