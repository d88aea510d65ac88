"""`smis invert`: pictures to the codes that a generator draws them from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(invert)


def invert(
    pictures: Annotated[list[Path], typer.Argument(help="pictures, or folders of them")],
    out: Annotated[Path, typer.Option("--out", "-o", help="folder for codes and pictures")],
    method: Annotated[str, typer.Option(help="hybrid, encode or project")] = "hybrid",
    steps: Annotated[int | None, typer.Option(help="of the descent, at most")] = None,
    space: Annotated[str, typer.Option(help="of project: z, w, wplus or s")] = "w",
    perceptual: Annotated[
        str, typer.Option(help="auto, discriminator, vgg, alex or none")
    ] = "auto",
    generator: Annotated[
        str | None,
        typer.Option(help="a checkpoint or a name of the zoo; default: the bundled generator"),
    ] = None,
    category: Annotated[
        int | None,
        typer.Option(
            "--class",
            help="of all the pictures, for a conditional generator  [default: searched]",
        ),
    ] = None,
    batch: Annotated[int, typer.Option(help="pictures at a time")] = 8,
    seed: Annotated[int, typer.Option(help="of everything random")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps")] = "auto",
) -> None:
    """Find the latent codes of pictures; those that are there already are left out.

    Interrupted, it goes on in the middle of the descent that was under way.
    """
    import shutil

    from tqdm.auto import tqdm

    from smis_core.checkpoints import load_generator
    from smis_core.inversion import choose_perceptual, companions_of
    from smis_core.inversion import invert as invert_many

    network = load_generator(generator, device=device)
    companions = companions_of(network)
    distance = choose_perceptual(
        network,
        companions.discriminator,
        choice=perceptual,  # type: ignore[arg-type]
    )
    unfinished = out / ".unfinished"
    inverter = _method(
        method, steps, space, seed, companions.encoder, distance, category, unfinished
    )
    looked = distance.name if distance is not None else "pixels alone"
    typer.echo(f"{method}, looking with {looked}", err=True)
    settings = f"{method} steps={steps} space={space} seed={seed} looking with {looked}"
    if category is not None:
        settings += f" class={category}"
    images = _named(pictures)
    failed: dict[str, str] = {}
    with tqdm(total=len(images), unit="picture") as bar:
        for step in invert_many(network, images, out, inverter, batch=batch, settings=settings):
            bar.set_postfix_str(f"{step.phase} {step.index} loss {step.losses['total']:.4f}")
            bar.update(step.done - bar.n)
            failed |= step.failed or {}
            if step.warning:
                bar.write(step.warning)
    shutil.rmtree(unfinished, ignore_errors=True)  # of batches that never came again
    for name, reason in failed.items():
        typer.echo(f"{name}: {reason}", err=True)
    typer.echo(f"{out}: codes of {len(images) - len(failed)} of {len(images)} pictures")
    if failed:
        raise typer.Exit(1)


def _method(  # type: ignore[no-untyped-def]
    method: str,
    steps: int | None,
    space: str,
    seed: int,
    encoder,
    distance,
    category: int | None,
    state: Path,
):
    from dataclasses import replace

    from smis_core.inversion import HybridOptions, ProjectionOptions, encode, hybrid, project

    if method == "encode":
        if encoder is None:
            raise ValueError(
                "--method encode: wanted a generator whose encoder travels with it, which this one"
                " has not; use hybrid or project"
            )
        if category is not None:
            raise ValueError(
                "--class: an encoder takes none; use hybrid or project, or leave it out"
            )
        return lambda g, targets: encode(g, targets, encoder)
    if method == "hybrid":
        short = HybridOptions(seed=seed)
        short = short if steps is None else replace(short, steps=steps)
        return lambda g, targets: hybrid(
            g,
            targets,
            encoder=encoder,
            perceptual=distance,
            classes=category,
            options=short,
            state=state,
        )
    if method != "project":
        raise ValueError(f"--method: wanted hybrid, encode or project, got {method!r}")
    options = ProjectionOptions(seed=seed, space=space)  # type: ignore[arg-type]
    options = options if steps is None else replace(options, steps=steps)
    return lambda g, targets: project(
        g, targets, perceptual=distance, classes=category, options=options, state=state
    )


def _named(sources: list[Path]) -> dict[str, Path]:
    """Pictures by the name that their codes get."""
    files: list[Path] = []
    for source in sources:
        if source.is_dir():
            inside = sorted(
                path
                for path in source.iterdir()
                if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
            )
            if not inside:
                raise ValueError(f"{source}: wanted a folder with pictures, it holds none")
            files += inside
        else:
            files.append(source)
    named: dict[str, Path] = {}
    for path in files:
        if not path.exists():
            raise FileNotFoundError(f"{path}: there is no such file; check the path")
        if path.stem in named:
            raise ValueError(
                f"{path}: a second picture is called {path.stem!r}; rename one of them"
            )
        named[path.stem] = path
    return named
