"""`smis fewshot train`, and the figures of few-shot synthesis under `smis evaluate`."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from .evaluate import evaluate

fewshot = typer.Typer(
    help="Teach a generator's parts their names from a few annotated pictures.",
    no_args_is_help=True,
)

_Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps")]
_Json = Annotated[bool, typer.Option("--json", help="print one JSON object instead of a table")]
_Shots = Annotated[int, typer.Option(help="annotated pictures behind the encoder: 1 or 5")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(fewshot, name="fewshot")
    evaluate.command("fewshot")(evaluate_fewshot_command)
    evaluate.command("masks")(evaluate_masks_command)
    evaluate.command("labels")(evaluate_labels_command)
    evaluate.command("sparse")(evaluate_sparse_command)


@fewshot.command()
def train(
    out: Annotated[Path, typer.Option("--out", "-o", help="safetensors file to write")],
    shots: Annotated[
        int | None, typer.Option(help="portraits to annotate, drawn with their masks  [default: 1]")
    ] = None,
    pictures: Annotated[
        Path | None, typer.Option(help="folder of annotated pictures of your own instead")
    ] = None,
    masks: Annotated[
        Path | None,
        typer.Option(help="folder of their masks, or JSON of Labelme or COCO, of the same names"),
    ] = None,
    generator: Annotated[
        str | None,
        typer.Option(help="a checkpoint or a name of the zoo; default: the bundled generator"),
    ] = None,
    discriminator: Annotated[
        Path | None,
        typer.Option(help="of the same training, for inversion; default: the bundled one with it"),
    ] = None,
    samples: Annotated[
        int | None, typer.Option(help="pseudo-labelled samples to learn from  [default: 40000]")
    ] = None,
    patience: Annotated[
        int, typer.Option(help="validations without a gain that end the training; 0: none do")
    ] = 6,
    seed: Annotated[int, typer.Option(help="of everything random")] = 0,
    scratch: Annotated[
        Path | None, typer.Option(help="folder to resume from  [default: OUT.work]")
    ] = None,
    device: _Device = "auto",
) -> None:
    """Invert the annotated pictures, learn their classes, and train a mask encoder.

    Under `accelerate launch` all its processes share the work.
    """
    from dataclasses import replace

    from smis_core.checkpoints import load_generator
    from smis_core.checkpoints.zoo import bundled_path
    from smis_core.fewshot import ValidationOptions
    from smis_core.images import check_writable
    from smis_core.recipes import drain
    from smis_core.recipes.annotations import annotated_files, annotated_renders
    from smis_core.recipes.processes import is_main, launched
    from smis_core.recipes.train_fewshot import FewshotOptions, make_encoder

    if (pictures is None) != (masks is None):
        raise ValueError("--pictures and --masks belong together: give both folders, or none")
    if pictures is not None and shots is not None:
        raise ValueError(
            "--shots draws portraits to annotate and --pictures brings your own: choose"
        )
    if shots is not None and shots < 1:
        raise ValueError(f"--shots: at least 1 annotated picture was wanted, got {shots}")
    validation = ValidationOptions(patience=patience)
    check_writable(out)
    accelerator = launched()
    main = is_main(accelerator)
    defaults = FewshotOptions()
    encoder = replace(
        defaults.encoder,
        seed=seed,
        pictures=defaults.encoder.pictures if samples is None else samples,
    )
    options = replace(
        defaults,
        projection=replace(defaults.projection, seed=seed),
        labelling=replace(defaults.labelling, quick=replace(defaults.labelling.quick, seed=seed)),
        encoder=encoder,
    )
    generator_path = generator or bundled_path("portraits/generator")
    if discriminator is None and generator is None:
        discriminator = bundled_path("portraits/discriminator")
    size = load_generator(generator_path, device="cpu").config.resolution
    if pictures is not None and masks is not None:
        annotated = annotated_files(pictures, masks, size=size)
        source = f"{len(annotated.images)} pictures of {pictures.name}"
    else:
        annotated = annotated_renders(1 if shots is None else shots, size=size)
        source = None
    last = drain(
        make_encoder(
            out,
            annotated,
            generator=generator_path,
            discriminator=discriminator,
            scratch=scratch or out.with_name(out.name + ".work"),
            options=options,
            validation=validation,
            accelerator=accelerator,
            source=source,
            command=shlex.join(["smis", *sys.argv[1:]]),
            device=device if accelerator is None else accelerator.device,
        ),
        quiet=not main,
    )
    if main:
        terms = ", ".join(f"{name} {value:.3f}" for name, value in last.losses.items())
        typer.echo(
            f"{out}: encoder and labeller of {len(annotated.images)} annotated pictures ({terms})"
        )


@fewshot.command("project")
def train_project_command(
    folder: Annotated[Path, typer.Argument(help="a project that was annotated in a notebook")],
    generator: Annotated[
        str | None,
        typer.Option(help="a checkpoint or a name of the zoo; default: the one it was made with"),
    ] = None,
    device: _Device = "auto",
) -> None:
    """Train the encoder of a project, or go on where it was interrupted.

    Under `accelerate launch` all its processes share the work.
    """
    from smis_core.checkpoints import load_generator
    from smis_core.fewshot import FewshotProject
    from smis_core.fewshot.project import project_generator
    from smis_core.recipes import drain
    from smis_core.recipes.fewshot_project import train_project
    from smis_core.recipes.processes import is_main, launched

    accelerator = launched()
    device = device if accelerator is None else str(accelerator.device)
    main = is_main(accelerator)
    network = (
        project_generator(folder, device=device)
        if generator is None
        else load_generator(generator, device=device)
    )
    project = FewshotProject.open(folder, generator=network)
    for told in (*project.problems, *project.notes()) if main else ():
        typer.echo(told, err=True)
    last = drain(train_project(project, accelerator=accelerator), quiet=not main)
    if main:
        terms = ", ".join(f"{name} {value:.3f}" for name, value in last.losses.items())
        typer.echo(f"{project.encoder_path}: trained on {last.pictures} pictures ({terms})")


def evaluate_fewshot_command(
    shots: _Shots = 1,
    choice: Annotated[
        int, typer.Option(help="which annotated pictures: 1 are those behind what ships")
    ] = 1,
    masks: Annotated[int, typer.Option(help="fresh renders whose masks are drawn")] = 200,
    retrain: Annotated[
        bool, typer.Option("--retrain", help="make the compared encoders again first")
    ] = False,
    refined: Annotated[int, typer.Option(help="masks refined for 3 s each; 0 leaves it out")] = 60,
    realism: Annotated[int, typer.Option(help="pictures of the Fréchet distances; 0: none")] = 1600,
    styled: Annotated[int, typer.Option(help="masks drawn in 8 styles; 0 leaves it out")] = 40,
    device: _Device = "auto",
    as_json: _Json = False,
) -> None:
    """Do portraits follow their masks? Ours, the paper's method, the ceiling and the floor."""
    from smis_core.recipes import drain
    from smis_core.recipes.evaluate_fewshot import evaluate_fewshot
    from smis_core.recipes.fewshot_figures import ExtraFigures

    extra = ExtraFigures(refined_masks=refined, styled_masks=styled, realism_pictures=realism)
    report = drain(
        evaluate_fewshot(
            shots, choice=choice, masks=masks, retrain=retrain, extra=extra, device=device
        )
    ).report
    assert report is not None
    typer.echo(json.dumps(report.to_dict(), ensure_ascii=False) if as_json else report.table())


def evaluate_masks_command(
    folder: Annotated[Path, typer.Argument(help="masks; sub-folders count")],
    classes: Annotated[
        str, typer.Option(help="of the masks: portraits (CelebAMask-HQ's), ukiyo-e or cross")
    ] = "portraits",
    shots: _Shots = 1,
    device: _Device = "auto",
    as_json: _Json = False,
) -> None:
    """Masks from a folder, each drawn once: how well the portraits follow them, one by one."""
    from smis_core.recipes import drain
    from smis_core.recipes.real_masks import evaluate_real_masks

    report = drain(evaluate_real_masks(folder, classes=classes, shots=shots, device=device)).report
    assert report is not None
    typer.echo(json.dumps(report.to_dict(), ensure_ascii=False) if as_json else report.table())


def evaluate_labels_command(
    shots: Annotated[int, typer.Option(help="annotated pictures")] = 1,
    choices: Annotated[int, typer.Option(help="sets of annotated pictures")] = 3,
    samples: Annotated[int, typer.Option(help="pictures that are labelled")] = 100,
    ablations: Annotated[
        bool, typer.Option("--ablations", help="also leave out each part of ours")
    ] = False,
    device: _Device = "auto",
    as_json: _Json = False,
) -> None:
    """Labels of samples before any encoder: prototypes, probes and ours against the judge."""
    from smis_core.recipes import drain
    from smis_core.recipes.evaluate_labelling import evaluate_labelling

    report = drain(
        evaluate_labelling(
            shots=shots, choices=choices, samples=samples, ablations=ablations, device=device
        )
    ).report
    assert report is not None
    typer.echo(json.dumps(report.to_dict(), ensure_ascii=False) if as_json else report.table())


def evaluate_sparse_command(
    masks: Annotated[int, typer.Option(help="fresh renders whose landmarks are drawn")] = 200,
    retrain: Annotated[
        bool, typer.Option("--retrain", help="make the compared encoders again first")
    ] = False,
    device: _Device = "auto",
    as_json: _Json = False,
) -> None:
    """Landmarks and crosses: how far eyes and mouth come to lie from them, ours and the paper's."""
    from smis_core.recipes import drain
    from smis_core.recipes.evaluate_sparse import evaluate_sparse

    report = drain(evaluate_sparse(masks=masks, retrain=retrain, device=device)).report
    assert report is not None
    typer.echo(json.dumps(report.to_dict(), ensure_ascii=False) if as_json else report.table())
