"""A person's few-shot work in one folder: pictures, latents, annotations, palette, encoder.

`project.json` holds palette, settings and the generator's name; `pictures/`, `latents/` (W+) and
`annotations/` (indexed PNG with the palette inside) have files of the same names; training works
in `work/` and leaves `encoder.safetensors`; what is taken out moves to `removed/`. Every file is
replaced in one step.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from ...annotations import translated
from ...checkpoints.native import fingerprint
from ...images import ImageSource, UInt8Array, check_writable, read_image, save_image
from ...labels import LabelMap, Palette
from ...latents import WPlus, sample_z
from ...networks.generator_base import GeneratorBase
from ..annotate import AnnotatedPictures
from ..pyramid import check_unconditional
from ..synthesis import Synthesizer
from .encoder import encoder_problems, encoder_state, load_encoder
from .files import (
    ANNOTATIONS,
    LATENTS,
    PICTURES,
    REMOVED,
    find_record,
    picture_digest,
    read_all,
    with_annotation,
    write_latent,
)
from .generators import check_belongs, load_recorded, recorded_source
from .record import (
    RECORD,
    ProjectPicture,
    ProjectSettings,
    Record,
    check_kind,
    check_zero,
    move_aside,
    read_record,
    squared,
    write_text,
)
from .teaching import digest, remarks, repainted, taught

_NAME = re.compile(r"[\w\-. ()]{1,100}")


class FewshotProject:
    """One folder, safe to use from several threads; see `create` and `open`."""

    def __init__(
        self,
        folder: Path,
        record: Record,
        generator: GeneratorBase,
        pictures: dict[str, ProjectPicture],
        problems: list[str],
    ) -> None:
        self.folder = folder
        self.generator = generator
        self.pictures = pictures
        """by name, in the order in which they were added"""
        self._record = record
        self._problems = problems
        self._lock = threading.RLock()

    @classmethod
    def create(
        cls,
        folder: str | Path,
        palette: Palette,
        *,
        generator: GeneratorBase,
        settings: ProjectSettings | None = None,
    ) -> FewshotProject:
        """A new project.

        Args:
            folder: made where it is missing; it may hold other files.
            palette: the classes to be painted.
            generator: what is annotated and will draw. One that `load_generator` opened is found
                again by `open`; any other is handed to it.
            settings: what is trained, and how long.

        Raises:
            ValueError: the folder holds a project, or cannot be written, the generator is
                conditional, or the palette has a class 0 although sketches are sparse (there it
                means 'unknown').
        """
        folder = Path(folder)
        check_unconditional(generator)
        check_writable(folder, folder=True)
        if (folder / RECORD).exists():
            raise ValueError(
                f"{folder}: holds a project already; open it, or choose another folder"
            )
        settings = settings or ProjectSettings()
        check_kind(settings, palette)
        for name in (PICTURES, LATENTS, ANNOTATIONS):
            (folder / name).mkdir(parents=True, exist_ok=True)
        own = fingerprint(generator)
        record = Record(palette, recorded_source(generator), own, settings)
        project = cls(folder, record, generator, {}, [])
        project._write()
        return project

    @classmethod
    def open(
        cls,
        folder: str | Path,
        *,
        generator: GeneratorBase | None = None,
        palette: Palette | None = None,
    ) -> FewshotProject:
        """A project as it was left.

        What cannot be used is named in `problems` and stays on disk as it is; the rest works.
        Pictures and masks that somebody put into the folders by hand are taken as they are.

        Args:
            folder: of `create`.
            generator: the project's; None loads it by the name that it was created with.
            palette: for a folder whose record and annotations are lost.

        Raises:
            FileNotFoundError: no such folder, or no generator of the recorded name.
            ValueError: nothing in the folder says what the classes are, no generator is named
                there, or it is another than the project's, or conditional.
        """
        folder = Path(folder)
        if not folder.is_dir():
            raise FileNotFoundError(f"{folder}: wanted the folder of a project, there is none")
        record, problems = find_record(folder, palette)
        generator = generator or load_recorded(folder, record)
        check_unconditional(generator)
        own = fingerprint(generator)
        check_belongs(folder, record, own)
        record.fingerprint = own
        pictures, found = read_all(folder, record, generator)
        project = cls(folder, record, generator, pictures, [*problems, *found])
        project._problems += encoder_problems(project.encoder_path)
        return project

    @property
    def palette(self) -> Palette:
        """What the classes mean."""
        return self._record.palette

    @property
    def settings(self) -> ProjectSettings:
        """What a person chose."""
        return self._record.settings

    @property
    def problems(self) -> tuple[str, ...]:
        """What `open` could not use, each with the cure."""
        return tuple(self._problems)

    @property
    def encoder_path(self) -> Path:
        """Where training leaves its encoder."""
        return self.folder / "encoder.safetensors"

    @property
    def work(self) -> Path:
        """What an interrupted training resumes from."""
        return self.folder / "work"

    @property
    def generator_fingerprint(self) -> str:
        """Of the generator."""
        return self._record.fingerprint

    @property
    def resolution(self) -> int:
        """Side of the pictures."""
        return self.generator.config.resolution

    def add_sample(self, seed: int, *, truncation_psi: float = 0.7) -> ProjectPicture:
        """A picture of the generator; adding it twice gives the one that is there.

        `truncation_psi` says how far it strays from the average, 0 to 1.
        """
        name = f"seed-{seed}" if truncation_psi == 0.7 else f"seed-{seed}-psi-{truncation_psi:g}"
        with self._lock, torch.no_grad():
            if name in self.pictures:
                return self.pictures[name]
            z = sample_z([seed], self.generator.config.z_dim).tensor
            device = self.generator.mapping.w_avg.device
            ws = self.generator.mapping(z.to(device), truncation_psi=truncation_psi)
            image = self.generator.synthesis(ws).clamp(-1, 1).cpu()
            return self._add(ProjectPicture(name, image, WPlus(ws), seed=seed))

    def add_photograph(self, image: ImageSource, *, name: str) -> ProjectPicture:
        """A picture of one's own; it is cropped to a square and brought to the generator's size.

        Args:
            image: a file, or anything that `read_image` takes.
            name: under which it lies in the project; a taken one gets a number.

        Raises:
            ValueError: no picture, or a name that is no file name.
        """
        source, stem = Path(name).name, Path(name).stem
        if not _NAME.fullmatch(stem) or stem.startswith("."):
            raise ValueError(f"name: wanted letters, digits, spaces and -_.(), got {name!r}")
        read = read_image(image, size=self.resolution)
        if len(read) != 1:
            raise ValueError(f"image: wanted one picture, got {len(read)}")
        with self._lock:
            taken, number = stem, 2
            while (self.folder / PICTURES / f"{taken}.png").exists():
                taken, number = f"{stem}-{number}", number + 1
            return self._add(ProjectPicture(taken, read.cpu(), source=source))

    def set_latent(self, name: str, wplus: WPlus, *, quality: float | None = None) -> None:
        """The latent of a picture.

        Args:
            name, wplus: of the picture, [1, L, w].
            quality: PSNR in decibel of what it draws.

        Raises ValueError where there is no such picture, or it is not one latent of this generator.
        """
        wanted = (1, self.generator.num_ws, self.generator.config.w_dim)
        if tuple(wplus.tensor.shape) != wanted:
            raise ValueError(f"wplus: wanted {list(wanted)}, got {list(wplus.tensor.shape)}")
        with self._lock:
            kept = WPlus(wplus.tensor.detach().to(self.generator.mapping.w_avg.device))
            picture = replace(self._picture(name), wplus=kept, quality=quality)
            write_latent(self.folder, picture, self._record.fingerprint)
            self.pictures[name] = picture
            self._record.pictures.setdefault(name, {})["quality"] = quality
            self._write()

    def annotate(
        self, name: str, labels: LabelMap, *, mapping: Mapping[str, str | None] | None = None
    ) -> LabelMap:
        """Keeps an annotation.

        Args:
            name: of the picture.
            labels: of any square size, or as oblong as a photograph was, of which `add_photograph`
                kept the middle; a foreign palette's classes are found by their names.
            mapping: the project's name for a foreign one; None leaves what has it unpainted.

        Returns:
            The annotation in the project's palette.

        Raises:
            ValueError: no such picture, an oblong mask of a sample, nothing painted, or names that
                do not match.
        """
        labels = squared(labels, self._picture(name))
        if labels.palette != self.palette:
            labels = translated(labels, self.palette, mapping=mapping)
        if not labels.present():
            raise ValueError(
                f"{name}: wanted at least one painted pixel, got none; `erase` takes an annotation"
                " away"
            )
        with self._lock:
            picture = self._picture(name)
            check_zero(self.settings, labels)
            self.pictures[name] = with_annotation(self.folder, picture, labels)
            entry = self._record.pictures.setdefault(name, {})
            entry["painted_on"] = picture_digest(picture.image)
            self._write()
        return labels

    def erase(self, name: str) -> None:
        """Takes an annotation away, into `removed`."""
        with self._lock:
            self.pictures[name] = with_annotation(self.folder, self._picture(name), None)
            self._record.pictures.get(name, {}).pop("painted_on", None)
            self._write()

    def remove(self, name: str) -> None:
        """Takes a picture and what belongs to it away, into `removed`."""
        with self._lock:
            self._picture(name)
            for kind in (ANNOTATIONS, LATENTS, PICTURES):
                suffix = "safetensors" if kind == LATENTS else "png"
                move_aside(self.folder / kind / f"{name}.{suffix}", self.folder / REMOVED / kind)
            del self.pictures[name]
            self._record.pictures.pop(name, None)
            self._write()

    def set_palette(self, palette: Palette, *, table: UInt8Array | None = None) -> None:
        """Other classes; annotations follow.

        Args:
            palette: the new one.
            table: uint8 [256], new indices of the old ones, as `Palette.merged` and `deleted` give
                it.

        Raises:
            ValueError: an annotation shows a class that the new palette lacks; nothing is changed.
        """
        check_kind(self.settings, palette)
        new = np.arange(256, dtype=np.uint8) if table is None else table
        with self._lock:
            changed = repainted(self._all(), palette, new)
            for name, labels in changed.items():
                self.pictures[name] = with_annotation(self.folder, self.pictures[name], labels)
            self._record.palette = palette
            self._write()

    def set_settings(self, settings: ProjectSettings) -> None:
        """Other settings; ValueError where they do not fit the palette."""
        check_kind(settings, self.palette)
        with self._lock:
            self._record.settings = settings
            self._write()

    def annotated(self) -> AnnotatedPictures:
        """The pictures that are ready to teach: annotated, and with a latent.

        Raises:
            ValueError: there are none, or dense ones show a single class.
        """
        return taught(self._all(), self.palette, self.settings, self.resolution)

    def notes(self) -> list[str]:
        """What is worth knowing before training, in sentences."""
        return remarks(self._all(), self.palette, stale=self.encoder_state == "stale")

    def digest(self) -> str:
        """Of everything that an encoder of this project is made from."""
        return digest(self._all(), self.palette, self.settings, self._record.fingerprint)

    @property
    def encoder_state(self) -> Literal["none", "fresh", "stale"]:
        """Whether an encoder was trained, and from the annotations as they are now."""
        return encoder_state(self.encoder_path, self.digest())

    def synthesizer(self) -> Synthesizer:
        """The trained encoder, ready to draw.

        Raises:
            FileNotFoundError: nothing is trained yet.
            ValueError: the file is broken, or belongs to another generator.
        """
        return load_encoder(self.encoder_path, self.generator)

    def _picture(self, name: str) -> ProjectPicture:
        if name not in self.pictures:
            there = ", ".join(self.pictures) or "none"
            raise ValueError(f"name: wanted a picture of the project ({there}), got {name!r}")
        return self.pictures[name]

    def _add(self, picture: ProjectPicture) -> ProjectPicture:
        if picture.wplus is not None:
            write_latent(self.folder, picture, self._record.fingerprint)
        path = self.folder / PICTURES / f"{picture.name}.png"
        save_image(picture.image, path)
        picture = replace(picture, image=read_image(path))
        entry = {"seed": picture.seed, "source": picture.source, "quality": picture.quality}
        self._record.pictures[picture.name] = entry
        self.pictures[picture.name] = picture
        self._write()
        return picture

    def _all(self) -> list[ProjectPicture]:
        with self._lock:
            return list(self.pictures.values())

    def _write(self) -> None:
        path = self.folder / RECORD
        try:
            if path.exists():
                read_record(path)
        except ValueError:
            move_aside(path, self.folder / REMOVED)
        write_text(path, self._record.text())
