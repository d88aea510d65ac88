"""What leaves the sliders and comes back: pictures with their latents, directions, code."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path

from torch import Tensor

from smis_core.editing import (
    Directions,
    EditState,
    Identity,
    as_python,
    draw,
    embed,
    load_directions,
)
from smis_core.jobs import turns_of
from smis_core.networks.generator_base import GeneratorBase
from smis_widgets.keepsakes import next_path

BUNDLED_DIRECTIONS = "portraits/directions"
BUNDLED_GENERATOR = "portraits/generator"
UNKNOWN_GENERATOR = "the file of your generator"


class DirectionFiles:
    """Where the directions of a generator came from, so that code can name their file.

    Args:
        generator: whose directions they are.

    Attributes:
        pictures: states by the PNG that they were saved in.
    """

    def __init__(self, generator: Identity) -> None:
        self._identity = generator
        self._files: list[tuple[Directions, str]] = []
        self.pictures: dict[Path, EditState] = {}
        self.bundled = False

    def opened(self, source: Directions | str | Path | None) -> Directions | None:
        """Directions as a person gives them; None takes the bundled ones where they fit.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: they are another generator's.
        """
        if isinstance(source, Directions):
            source.check(self._identity)
            return source
        if source is not None:
            found = load_directions(source, self._identity)
            self.add(found, source)
            return found
        try:
            found = load_directions(None, self._identity)
        except (FileNotFoundError, ValueError):
            return None
        self.bundled = found.generator == self._identity
        self.add(found, BUNDLED_DIRECTIONS)
        return found

    def fit(self, directions: Directions | None) -> bool:
        """Whether there are directions, and the generator's."""
        try:
            if directions is not None:
                directions.check(self._identity)
        except ValueError:
            return False
        return directions is not None

    def add(self, directions: Directions, path: str | Path | None) -> None:
        """Remember where directions are kept."""
        if path is not None and (path == BUNDLED_DIRECTIONS or Path(path).is_file()):
            self._files.append((directions, str(path)))

    def file_of(self, used: Directions | None) -> str | None:
        """The one file that holds these directions; None where there is no such."""
        for directions, path in self._files if used is not None else ():
            names = set(used.names)  # type: ignore[union-attr]
            if names <= set(directions.names) and all(
                directions[name].equal(used[name])  # type: ignore[index]
                for name in names
            ):
                return path
        return None


def save_state(
    generator: GeneratorBase, state: EditState, folder: Path, *, image: Tensor | None = None
) -> Path:
    """Write a state's picture with its latent under the next free number.

    Args:
        generator: of the state.
        state: what is saved.
        folder: is made where it is missing.
        image: its picture; None draws it.

    Raises:
        ValueError: the folder cannot be written.
    """
    path = next_path(folder, "picture", ".png")
    if image is None:
        with turns_of(generator):
            image = draw(generator, state)
    data = embed(image.clamp(-1, 1), state)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.stem}-{secrets.token_hex(4)}.png")
    try:
        draft.write_bytes(data)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return path


def code_of(
    state: EditState, files: DirectionFiles, *, generator: str | None, save: Callable[[], Path]
) -> str:
    """The lines of Python that draw a state; what they cannot name is saved first.

    Raises:
        ValueError: the folder cannot be written.
    """
    name = _generator_name(files, generator)
    try:
        return as_python(state, generator=name, directions=files.file_of(state.directions))
    except ValueError:
        pass
    kept = next((path for path, each in files.pictures.items() if each is state), None)
    path = kept if kept is not None and kept.is_file() else save()
    return as_python(state, generator=name, picture=str(path))


def again(state: EditState, files: DirectionFiles, *, generator: str | None) -> str:
    """Lines that open the sliders again, at the same state where a line can say it."""
    name = _generator_name(files, generator)
    open_it = ["from smis_widgets import LatentSliders"]
    kept = next((path for path, each in files.pictures.items() if each is state), None)
    try:
        code = as_python(state, generator=name, directions=files.file_of(state.directions))
    except ValueError:
        load = "from smis_core.checkpoints import load_generator"
        where = "" if kept is None else f", state={str(kept)!r}"
        return "\n".join([load, *open_it, "", f"LatentSliders(load_generator({name!r}){where})"])
    # The code draws and shows the picture in its last two lines.
    lines = [line for line in code.rstrip().split("\n")[:-2] if "to_pil" not in line]
    start = lines.index("")
    return "\n".join([*lines[:start], *open_it, *lines[start:],
                      "LatentSliders(generator, state=state)"])  # fmt: skip


def read_directions(data: bytes, name: str, generator: Identity) -> Directions:
    """The directions in the bytes of a file that was dropped.

    Raises:
        ValueError: they are damaged, something else, or another generator's.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "dropped.safetensors"
        path.write_bytes(data)
        try:
            return load_directions(path, generator)
        except ValueError as problem:
            raise ValueError(str(problem).replace(str(path), name)) from None


def _generator_name(files: DirectionFiles, generator: str | None) -> str:
    return generator or (BUNDLED_GENERATOR if files.bundled else UNKNOWN_GENERATOR)
