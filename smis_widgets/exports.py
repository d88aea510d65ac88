"""Files of an inversion: its curves, its time-lapse, and a picture of its state."""

from __future__ import annotations

import csv
import importlib
import io
import logging
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from smis_core.images import check_writable
from smis_widgets.recording import KeptStep, Picture, Recording, Weight

COLOURS = (
    "#6c4fe0", "#e0752d", "#12998a", "#d13f7b", "#2f7fd1", "#83901a", "#9a6a4c", "#6b7280",
)  # fmt: skip
"""Of the curves, as the theme has them on white."""

DIFFERENCE_GAIN = 2
_SIDE = 256
_FRAMES_A_SECOND = 24
_HOLD_SECONDS = 1.5


def save_curves(path: str | Path, recordings: Mapping[str, Recording], *, log: bool = True) -> Path:
    """Write the loss curves of all runs.

    Args:
        path: ends in .png or .svg (a figure by matplotlib) or .csv (run, step, seconds, then a
            column a loss; empty where a step had none).
        recordings: by name of the run.
        log: whether the figure's losses are on a logarithmic scale.

    Raises:
        ValueError: another ending, no steps, or the path cannot be written.
        ImportError: there is no matplotlib.
    """
    path = _checked(path, (".png", ".svg", ".csv"))
    if not any(len(each.points().steps) for each in recordings.values()):
        raise ValueError("curves: wanted at least one step, got none; press play first")
    with _draft(path) as draft:
        if path.suffix.lower() == ".csv":
            _write_csv(draft, recordings)
        else:
            figure = _figure(9, 4.5)
            _draw_curves(figure.subplots(), recordings, log=log)
            figure.savefig(draft, dpi=150)
    return path


def save_timelapse(
    path: str | Path,
    steps: Sequence[KeptStep],
    *,
    target: Picture | None = None,
    seconds: float = 6.0,
) -> Path:
    """Write the pictures of the kept steps as a film.

    Args:
        path: ends in .gif, .webp or .mp4 (by PyAV).
        steps: in order.
        target: [H, W, 3], shown beside them.
        seconds: how long it plays before the last picture stands still.

    Raises:
        ValueError: another ending, no steps, no time, or the path cannot be written.
        ImportError: there is no PyAV, for mp4.
    """
    path = _checked(path, (".gif", ".webp", ".mp4"))
    if not steps:
        raise ValueError("time-lapse: wanted at least one step with a picture, got none")
    if not seconds > 0:
        raise ValueError(f"seconds: wanted more than 0, got {seconds}")
    frames = _frames(steps, target)
    with _draft(path) as draft:
        if path.suffix.lower() == ".mp4":
            _write_mp4(draft, frames, seconds)
        else:
            if path.suffix.lower() == ".gif":
                frames = _in_one_palette(frames)
            each = max(20, round(1000 * seconds / len(frames)))
            frames[0].save(
                draft,
                save_all=True,
                append_images=frames[1:],
                duration=[each] * (len(frames) - 1) + [each + round(1000 * _HOLD_SECONDS)],
                loop=0,
                **({"quality": 90} if path.suffix.lower() == ".webp" else {}),
            )
    return path


def sheet(
    recordings: Mapping[str, Recording],
    *,
    shown: KeptStep,
    film: Sequence[KeptStep],
    target: Picture | None,
    weight: Weight | None = None,
    log: bool = True,
    compare: bool = True,
) -> bytes:
    """A PNG of where long work stands: its curves, its pictures, and how they came.

    With `compare` the picture should become like the target, and how they differ is shown too.

    Without matplotlib it is the pictures alone.
    """
    strip = [film[round(place)] for place in np.linspace(0, len(film) - 1, min(8, len(film)))]
    pictures = [("target", target)] if target is not None else []
    pictures.append((f"step {shown.index}", shown.image))
    if target is not None and compare:
        pictures.append(
            (f"difference × {DIFFERENCE_GAIN}", difference(target, shown.image, weight))
        )
    buffer = io.BytesIO()
    try:
        figure = _figure(11, 4.2)
    except ImportError:
        tiles = [image for _, image in pictures] + [each.image for each in strip]
        _row([_resized(each) for each in tiles], gap=4).save(buffer, "PNG")
        return buffer.getvalue()
    upper, lower = figure.subfigures(2, 1, height_ratios=(2.6, 1.3))
    axes = upper.subplots(1, 1 + len(pictures), width_ratios=[1.5, *[1.0] * len(pictures)])
    _draw_curves(axes[0], recordings, log=log)
    for place, (title, image) in zip(axes[1:], pictures, strict=True):
        _draw_picture(place, image, title)
    for place, step in zip(np.atleast_1d(lower.subplots(1, 8)), strip, strict=False):
        _draw_picture(place, step.image, str(step.index))
    for place in lower.axes[len(strip) :]:
        place.axis("off")
    figure.savefig(buffer, format="png", dpi=100)
    return buffer.getvalue()


def difference(target: Picture, picture: Picture, weight: Weight | None = None) -> Picture:
    """Where and by how much two pictures differ, made twice as bright; at the target's size. What
    does not matter is black."""
    if picture.shape != target.shape:
        height, width = target.shape[:2]
        picture = np.asarray(Image.fromarray(picture).resize((width, height), Image.BICUBIC))
    gap = np.abs(target.astype(np.float32) - picture) * DIFFERENCE_GAIN
    if weight is not None:
        gap *= weight[..., None]
    return gap.clip(0, 255).astype(np.uint8)


def _frames(steps: Sequence[KeptStep], target: Picture | None) -> list[Image.Image]:
    frames = []
    side = max(_SIDE, max(step.image.shape[0] for step in steps))
    for step in steps:
        tiles = [_resized(each, side) for each in (target, step.image) if each is not None]
        frames.append(_row(tiles, gap=4))
    return frames


def _resized(picture: Picture, side: int = _SIDE) -> Image.Image:
    height, width = picture.shape[:2]
    image = Image.fromarray(picture)
    return image.resize((max(1, round(side * width / height)), side), Image.BICUBIC)


def _row(tiles: Sequence[Image.Image], *, gap: int) -> Image.Image:
    width = sum(each.width for each in tiles) + gap * (len(tiles) - 1)
    # Video wants even sides.
    row = Image.new("RGB", (width + width % 2, tiles[0].height + tiles[0].height % 2), "white")
    left = 0
    for each in tiles:
        row.paste(each, (left, 0))
        left += each.width + gap
    return row


def _in_one_palette(frames: Sequence[Image.Image]) -> list[Image.Image]:
    """256 colours for all frames: with a palette each, flat parts would flicker."""
    some = [frames[round(place)] for place in np.linspace(0, len(frames) - 1, min(4, len(frames)))]
    # By what colours there are, not by how much of each: irises are few pixels.
    palette = _row(some, gap=0).quantize(256, method=Image.Quantize.MAXCOVERAGE)
    return [each.quantize(palette=palette) for each in frames]


def _write_mp4(path: Path, frames: Sequence[Image.Image], seconds: float) -> None:
    av = _late("av", "an mp4 is written by PyAV", "smis[video]")
    count = max(2, round(seconds * _FRAMES_A_SECOND))
    shown = [frames[min(len(frames) - 1, at * len(frames) // count)] for at in range(count)]
    shown += [frames[-1]] * round(_HOLD_SECONDS * _FRAMES_A_SECOND)
    with av.open(str(path), "w", format="mp4") as file:
        stream = file.add_stream("libx264", rate=_FRAMES_A_SECOND)
        stream.width, stream.height, stream.pix_fmt = frames[0].width, frames[0].height, "yuv420p"
        stream.options = {"crf": "18"}
        for frame in shown:
            file.mux(stream.encode(av.VideoFrame.from_image(frame)))
        file.mux(stream.encode())


def _write_csv(path: Path, recordings: Mapping[str, Recording]) -> None:
    curves = {run: each.points() for run, each in recordings.items()}
    names = list(dict.fromkeys(name for each in curves.values() for name in each.losses))
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["run", "step", "seconds", *names])
        for run, points in curves.items():
            missing = np.full(len(points.steps), np.nan, np.float32)
            columns = [points.losses.get(name, missing) for name in names]
            for step, taken, *losses in zip(points.steps, points.seconds, *columns, strict=True):
                values = ["" if np.isnan(each) else f"{each:.7g}" for each in losses]
                table.writerow([run, int(step), f"{taken:.3f}", *values])


def _figure(width: float, height: float) -> Any:
    # The first figure on a machine looks for fonts, and would tell every notebook so.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    figure = _late("matplotlib.figure", "figures are drawn by matplotlib", "smis[plots]")
    return figure.Figure(figsize=(width, height), layout="constrained")


def _draw_curves(axes: Any, recordings: Mapping[str, Recording], *, log: bool) -> None:
    several = len(recordings) > 1
    for place, (run, recording) in enumerate(recordings.items()):
        points = recording.points()
        names = [name for name in points.losses if not several or name == "total"]
        for rank, name in enumerate(sorted(names, key=lambda name: name != "total")):
            axes.plot(
                points.steps,
                points.losses[name],
                label=run if several else name,
                color=COLOURS[(place if several else rank) % len(COLOURS)],
                linewidth=2 if several or name == "total" else 1.2,
            )
    if log:
        axes.set_yscale("log")
        # A term that all but vanishes must not press the others flat.
        axes.set_ylim(bottom=max(axes.get_ylim()[0], axes.get_ylim()[1] * 1e-5))
    axes.set_xlabel("step")
    if several:
        axes.set_ylabel("total")
    if axes.lines:
        axes.legend(frameon=False, fontsize="small")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_picture(axes: Any, picture: Picture, title: str) -> None:
    axes.imshow(picture)
    axes.set_title(title, fontsize=9)
    axes.axis("off")


def _late(module: str, why: str, extra: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(f"{why}, which is not installed; run: pip install '{extra}'") from error


def _checked(path: str | Path, endings: tuple[str, ...]) -> Path:
    path = Path(path)
    if path.suffix.lower() not in endings:
        wanted = ", ".join(endings)
        raise ValueError(f"{path}: a name ending in one of {wanted} was wanted")
    check_writable(path)
    return path


@contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """A file beside `path` that becomes it in one step, once it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.stem}-{secrets.token_hex(4)}{path.suffix}")
    try:
        yield draft
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


KINDS: Mapping[str, str] = {
    **dict.fromkeys((".png", ".svg", ".csv"), "curves"),
    **dict.fromkeys((".gif", ".webp", ".mp4"), "timelapse"),
    ".safetensors": "latent",
}
"""What is saved, by the ending of the file."""
