"""``smis train``: a generator from pictures alone."""

from __future__ import annotations

import shlex
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from smis_core.training import GanOptions, GanState, PictureCache


SHOWN = ("reconstruction", "generator", "discriminator")
"""The losses beside the progress bar."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(train)


def train(
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for state, previews and the networks.")
    ],
    data: Annotated[
        str, typer.Option(help="'portraits', drawn as they are needed, or a folder of pictures.")
    ] = "portraits",
    resolution: Annotated[
        int | None, typer.Option(help="Side of the pictures: 64, 128, …  [default: 64]")
    ] = None,
    pictures: Annotated[
        int | None, typer.Option(help="To be seen in all.  [default: 150000]")
    ] = None,
    batch: Annotated[int | None, typer.Option(help="Pictures a step.  [default: 32]")] = None,
    seed: Annotated[int | None, typer.Option(help="Of everything random.  [default: 0]")] = None,
    gamma: Annotated[
        float | None, typer.Option(help="Weight of the gradient penalty, R1.  [default: 0.3]")
    ] = None,
    channels: Annotated[
        int | None, typer.Option(help="Channels times resolution, channel_base.  [default: 4096]")
    ] = None,
    path_length: Annotated[
        float | None, typer.Option(help="Weight of the path-length penalty.  [default: 0]")
    ] = None,
    flip: Annotated[
        bool | None, typer.Option("--flip/--no-flip", help="Mirror half of the pictures.")
    ] = None,
    renders: Annotated[int, typer.Option(help="Different portraits to draw.")] = 50_000,
    minutes: Annotated[
        float | None, typer.Option(help="Stop after so long; --resume goes on.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what is in --out.")] = False,
    grow: Annotated[
        Path | None, typer.Option(help="--out of a training of half the resolution to begin with.")
    ] = None,
    scratch: Annotated[
        Path | None, typer.Option(help="Folder for decoded pictures.  [default: in --out]")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
) -> None:
    """Train a StyleGAN2 on pictures, without labels. Ctrl-C stops and keeps the state."""
    from smis_core.devices import resolve_device
    from smis_core.images import check_writable
    from smis_core.training import GanState, find_pictures, grown, holds_state, train_gan

    check_writable(out, folder=True)
    state_folder = out / "state"
    if resume and grow:
        raise ValueError("--grow begins a training and --resume goes on with one: give one of them")
    if resume and not holds_state(state_folder):
        raise FileNotFoundError(f"{state_folder}: nothing to resume; leave out --resume to begin")
    if not resume and holds_state(state_folder):
        raise ValueError(
            f"{out} holds a training already: add --resume to go on with it, or choose another "
            "--out"
        )
    if data != "portraits":
        find_pictures(data)
    target = resolve_device(device)
    given = {
        "resolution": resolution, "pictures": pictures, "batch": batch, "seed": seed,
        "r1_gamma": gamma, "channel_base": channels, "path_length_weight": path_length,
        "flip": flip,
    }  # fmt: skip
    former = (
        GanState.load((grow / "state") if grow else state_folder, target)
        if (grow or resume)
        else None
    )
    options = _options({k: v for k, v in given.items() if v is not None}, former, bool(grow))
    start = grown(former, options, target) if grow and former else None
    cache = _cache(data, options.resolution, renders, scratch or out / "cache")
    steps = train_gan(
        cache, options=options, state=state_folder, start=start, minutes=minutes, device=target
    )
    _drain(steps, options, former.pictures if resume and former else 0, out)
    _export(GanState.load(state_folder, target), out)


def _options(given: dict[str, Any], former: GanState | None, grows: bool) -> GanOptions:
    from smis_core.training import GanOptions

    if former is None:
        return GanOptions(**given)
    if grows:
        given.setdefault("resolution", 2 * former.options.resolution)
    return replace(former.options, **given)


def _cache(data: str, resolution: int, renders: int, folder: Path) -> PictureCache:
    """The pictures, drawn or decoded under a progress bar."""
    from tqdm.auto import tqdm

    from smis_core.training import PictureCache, folder_cache

    if data == "portraits":
        from smis_core.portraits import RENDERER_VERSION, render

        cache = PictureCache(
            lambda seeds: render(seeds, size=resolution).images,
            count=renders,
            resolution=resolution,
            folder=folder,
            description=f"portraits, renderer {RENDERER_VERSION}, seeds 0 to {renders - 1}",
        )
    else:
        cache = folder_cache(data, resolution=resolution, scratch=folder)
    if not cache.complete:
        with tqdm(total=cache.count, unit="img", desc="pictures") as bar:
            for done in cache.fill():
                bar.update(done - bar.n)
    return cache


def _drain(steps: Iterator[Any], options: GanOptions, seen: int, out: Path) -> None:
    from tqdm.auto import tqdm

    from smis_core.images import save_image

    with (
        _interruptible() as asked,
        tqdm(total=options.pictures, initial=seen, unit="img", desc="training") as bar,
    ):
        for step in steps:
            bar.update(step.pictures - bar.n)
            bar.set_postfix(
                {name: f"{step.losses[name]:.2f}" for name in SHOWN if name in step.losses},
                refresh=False,
            )
            if step.preview is not None:
                save_image(step.preview[None], out / "previews" / f"{step.pictures:08d}.png")
            if asked.is_set():
                steps.close()  # type: ignore[attr-defined]
                break


def _export(state: GanState, out: Path) -> None:
    from smis_core.checkpoints.native import save_network
    from smis_core.training import model_card

    card = model_card(state, command=shlex.join(["smis", *sys.argv[1:]]))
    save_network(out / "generator.safetensors", state.average, card=card)
    save_network(out / "discriminator.safetensors", state.discriminator, card=card)
    left = state.options.pictures - state.pictures
    typer.echo(
        f"{state.pictures} pictures seen; networks in {out}"
        + (f"; {left} pictures are left, --resume goes on" if left > 0 else "")
    )


@contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """An event that is set by Ctrl-C or SIGTERM, so that a step is finished before the end."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    signals = (signal.SIGINT, signal.SIGTERM)
    former = {number: signal.signal(number, lambda *_: asked.set()) for number in signals}
    try:
        yield asked
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
