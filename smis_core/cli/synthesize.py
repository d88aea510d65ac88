"""``smis synthesize``: masks to portraits and a contact sheet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

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
    styles: Annotated[
        int | None, typer.Option(help="Random styles of each mask.  [default: 6]")
    ] = None,
    style_from: Annotated[
        list[Path] | None,
        typer.Option(help="A picture whose colours are taken; may be repeated."),
    ] = None,
    style_layer: Annotated[
        int | None,
        typer.Option(help="First row of W+ that is the style's; fewer rows, less of it."),
    ] = None,
    refine: Annotated[
        float | None, typer.Option(help="Seconds to follow each mask more closely.")
    ] = None,
    of: Annotated[
        Path | None,
        typer.Option(help="The portrait, or its mask, that is kept where nothing is to change."),
    ] = None,
    change_only: Annotated[
        Path | None,
        typer.Option(help="White where it may change; default: where the masks differ."),
    ] = None,
    shots: Annotated[int, typer.Option(help="Annotated pictures behind the encoder.")] = 5,
    seed: Annotated[int, typer.Option(help="Of the first random style.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Draw portraits that follow a mask, in several styles, with a contact sheet.

    A picture (--style-from, --of) that was saved with its latent is used as it is; any other is
    inverted.
    """
    from smis_core.fewshot import load_synthesizer
    from smis_core.recipes import drain
    from smis_core.recipes.sheets import read_masks
    from smis_core.recipes.synthesize import SynthesizeOptions, SynthesizeStep, synthesize_masks

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
    options = SynthesizeOptions(
        styles=styles,
        seed=seed,
        style_from=tuple(style_from or ()),
        mix_from=style_layer,
        refine_seconds=refine,
        of=of,
        change_only=change_only,
    )
    label_maps = read_masks(source)
    synthesizer = load_synthesizer(shots=shots, device=device)
    steps = synthesize_masks(synthesizer, label_maps, out, options=options)
    sheets: list[Path] = []

    def noted(step: SynthesizeStep) -> SynthesizeStep:
        if step.sheet:
            sheets.append(step.sheet)
        return step

    figures = drain(map(noted, steps)).figures
    assert figures is not None
    if as_json:
        typer.echo(json.dumps(figures, ensure_ascii=False))
        return
    for name, answers in figures["masks"].items():
        typer.echo(_told(name, answers))
    count = sum(map(len, figures["masks"].values()))
    typer.echo(f"{count} {'portrait' if count == 1 else 'portraits'} in {out}")
    for sheet in sheets:
        typer.echo(f"contact sheet: {sheet}")


def _told(name: str, answers: list[dict[str, Any]]) -> str:
    """How well the portraits of a mask follow it, and what they show least."""
    by_class: dict[str, list[float]] = {}
    for answer in answers:
        for each, value in answer["by_class"].items():
            by_class.setdefault(each, []).append(value)
    means = {each: sum(values) / len(values) for each, values in by_class.items()}
    fidelity = sum(answer["fidelity"] for answer in answers) / len(answers)
    told = f"{name}: fidelity {fidelity:.2f}"
    if "unrefined" in answers[0]:
        before = sum(answer["unrefined"] for answer in answers) / len(answers)
        told += f" (before refining {before:.2f})"
    least = sorted(means, key=lambda each: means[each])[:3]
    weak = ", ".join(f"{each} {means[each]:.2f}" for each in least)
    return f"{told}, least in {weak}" if weak else told
