"""Masks to portraits on disk, with everything that the studio can do to them."""

from __future__ import annotations

import json
import math
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from smis_core.checkpoints import fingerprint
from smis_core.fewshot import Anchor, Synthesis, Synthesizer
from smis_core.images import check_writable
from smis_core.inversion import InversionStep, companions_of, hybrid
from smis_core.labels import LabelMap
from smis_core.latents import W, WPlus

from .portrait_files import (
    NamedPortrait,
    latent_texts,
    read_picture,
    read_portrait,
    read_region,
)
from .region_change import within
from .sheets import SheetWriter, check_styles, portrait_texts

STYLES = 6
_OWN = "own"


@dataclass(frozen=True)
class SynthesizeOptions:
    """How masks become portraits."""

    styles: int | None = None
    """random styles of each mask; None: six, or none where pictures give the colours"""
    seed: int = 0
    """of the first of them"""
    style_from: tuple[Path, ...] = ()
    """pictures whose colours are taken: with their latent in them, or any other, inverted"""
    mix_from: int | None = None
    """the first row of W+ with the style; None: the synthesizer's"""
    refine_seconds: float | None = None
    """of optimisation for each mask; None: none"""
    of: Path | None = None
    """the portrait, or its sketch, that the masks are edits of"""
    change_only: Path | None = None
    """where that portrait may change; None: where the sketches differ, and a little around"""

    def __post_init__(self) -> None:
        check_styles(STYLES if self.styles is None else self.styles, self.seed)
        seconds = self.refine_seconds
        if seconds is not None and not (math.isfinite(seconds) and seconds > 0):
            raise ValueError(f"refine: wanted a positive number of seconds, got {seconds}")
        if self.change_only is not None and self.of is None:
            raise ValueError(
                "change-only: wanted the portrait that is to be kept outside of the region, got"
                " none; name it, or its mask, with --of"
            )


@dataclass(frozen=True)
class Answer:
    """One portrait of a mask."""

    style: str
    """"style0", "style1" … of seeds, a picture's name, or "own" for the kept portrait's colours"""
    path: Path
    fidelity: float
    """see `Synthesis.fidelity`"""
    by_class: dict[str, float]
    """the same by the class's name"""
    unrefined: float | None = None
    """fidelity before the refinement"""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        values = {"style": self.style, "file": self.path.name, "fidelity": round(self.fidelity, 4)}
        if self.unrefined is not None:
            values["unrefined"] = round(self.unrefined, 4)
        return {**values, "by_class": {n: round(v, 4) for n, v in self.by_class.items()}}


@dataclass(frozen=True)
class SynthesizeStep:
    """One step of an inversion or a refinement, or a mask drawn."""

    phase: str
    """"invert NAME" or "draw" """
    index: int
    total: int
    """steps of the inversion; masks; hundredths of masks where they are refined"""
    losses: dict[str, float]
    """of the inversion or the refinement, by name"""
    name: str = ""
    """of the mask"""
    answers: tuple[Answer, ...] = ()
    """its portraits, once they are written"""
    sheet: Path | None = None
    """the contact sheet, when one has been completed with this mask"""
    figures: dict[str, Any] | None = None
    """on the last step: what figures.json holds"""


def synthesize_masks(
    synthesizer: Synthesizer,
    masks: Mapping[str, LabelMap],
    out: str | Path,
    *,
    options: SynthesizeOptions | None = None,
) -> Iterator[SynthesizeStep]:
    """Draws every mask in every style.

    Writes ``<mask>_<style>.png`` for each portrait, with mask, style, layer and latent in its text
    chunks, ``contact_sheet.png`` (see `SheetWriter`), and ``figures.json`` with the fidelity of
    each portrait by class. What is blended into a kept portrait has no latent of its own.

    Args:
        synthesizer: what draws.
        masks: label maps by name.
        out: the folder to write into; made where it is missing.
        options: see `SynthesizeOptions`.

    Returns:
        The steps. Arguments and files are checked before the first.

    Raises:
        ValueError: no masks, a row that there is not, two styles of one name, a folder that cannot
            be written, or a file that is not what it should be.
        FileNotFoundError: there is no such file.
    """
    options = options or SynthesizeOptions()
    start = synthesizer.default_mix_from if options.mix_from is None else options.mix_from
    least = 0 if options.refine_seconds is None else 1
    if not least <= start <= synthesizer.num_ws:
        raise ValueError(
            f"style-layer: wanted a row from {least} to {synthesizer.num_ws}, got {start}"
        )
    region = None if options.change_only is None else read_region(options.change_only)
    generator = synthesizer.generator
    pictures = [read_picture(path, generator) for path in options.style_from]
    kept = None
    if options.of is not None:
        kept = read_portrait(options.of, generator, synthesizer.palette)
    count = options.styles
    if count is None:
        own = kept is not None and not _is_sketch(kept)
        count = 0 if pictures or own else STYLES
    seeds = tuple(range(options.seed, options.seed + count))
    names = [each.name for each in pictures] + [f"style{seed}" for seed in seeds]
    if len(set(names)) < len(names):
        raise ValueError(f"style-from: wanted pictures of different names, got {', '.join(names)}")
    writer = SheetWriter(out, masks, names or [_OWN])
    figures = Path(out) / "figures.json"
    check_writable(figures)
    work = _Work(synthesizer, dict(masks), options, start, region, pictures, kept, seeds, names)
    return work.steps(writer, figures)


def _is_sketch(portrait: NamedPortrait) -> bool:
    return portrait.latent is None and portrait.target is None


class _Work:
    """All that is known before the first step."""

    def __init__(
        self,
        synthesizer: Synthesizer,
        masks: dict[str, LabelMap],
        options: SynthesizeOptions,
        start: int,
        region: Tensor | None,
        pictures: list[NamedPortrait],
        kept: NamedPortrait | None,
        seeds: tuple[int, ...],
        names: list[str],
    ) -> None:
        self.synthesizer, self.masks, self.options = synthesizer, masks, options
        self.start, self.region, self.pictures, self.kept = start, region, pictures, kept
        self.seeds, self.names = seeds, names

    def steps(self, writer: SheetWriter, path: Path) -> Iterator[SynthesizeStep]:
        """Inversions, then the masks one after another."""
        styles = None
        if self.names:
            found = []
            for each in self.pictures:
                found.append((yield from self._inverted(each)).latent)
            rows = [each.tensor.to(self.synthesizer.device) for each in found if each is not None]
            if self.seeds:
                rows.append(self.synthesizer.random_styles(self.seeds).tensor)
            styles = WPlus(torch.cat(rows))
        anchor = None
        if self.kept is not None:
            anchor = self._anchor((yield from self._inverted(self.kept)))
        figures: dict[str, Any] = {
            "resolution": self.synthesizer.resolution,
            "mix_from": self.start,
            "refine_seconds": self.options.refine_seconds,
            "of": None if self.options.of is None else self.options.of.name,
            "masks": {},
        }
        unit = 1 if self.options.refine_seconds is None else 100
        total = unit * len(self.masks)
        for number, (name, mask) in enumerate(self.masks.items()):
            code = first = self.synthesizer.encode(mask, anchor=anchor)
            if self.options.refine_seconds is not None:
                for step in self.synthesizer.refine(
                    mask, first, seconds=self.options.refine_seconds, mix_from=self.start
                ):
                    code = step.wplus
                    # The mask is done when it is drawn.
                    index = unit * number + min(int(unit * step.done), unit - 1)
                    yield SynthesizeStep("draw", index, total, step.losses, name)
            drawn = self._drawn(mask, code, styles, anchor)
            before = None if code is first else self._drawn(mask, first, styles, anchor)
            sheet = writer.write(name, drawn.images, self._texts(name, drawn))
            answers = self._answers(writer.portraits(name), drawn, before)
            figures["masks"][name] = [each.to_dict() for each in answers]
            last = number + 1 == len(self.masks)
            if last:
                path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
            yield SynthesizeStep(
                "draw", unit * (number + 1), total, {}, name, answers, sheet,
                figures if last else None,
            )  # fmt: skip

    def _inverted(self, portrait: NamedPortrait) -> Generator[SynthesizeStep, None, NamedPortrait]:
        """The steps of an inversion; returns the portrait with its latent."""
        if portrait.target is None:
            return portrait
        generator = self.synthesizer.generator
        beside = companions_of(generator)
        step: InversionStep | None = None
        for step in hybrid(
            generator, portrait.target, encoder=beside.encoder, perceptual=beside.discriminator
        ):
            phase = f"invert {portrait.name}"
            yield SynthesizeStep(phase, step.index, step.total or step.index, step.losses)
        assert step is not None
        found = step.best_so_far.latent
        code = found.broadcast(generator.num_ws) if isinstance(found, W) else found
        assert isinstance(code, WPlus)
        return replace(portrait, latent=code)

    def _anchor(self, kept: NamedPortrait) -> Anchor:
        """The kept portrait with the sketch that shows it: its own, or what is read in it."""
        synthesizer = self.synthesizer
        latent = kept.latent
        if latent is None:
            assert kept.mask is not None
            latent = synthesizer.encode(kept.mask)
        return Anchor(kept.mask or synthesizer.label(latent)[0], latent)

    def _drawn(
        self, mask: LabelMap, code: WPlus, styles: WPlus | None, anchor: Anchor | None
    ) -> Synthesis:
        synthesizer = self.synthesizer
        codes = code
        if styles is not None:
            codes = synthesizer.styled(code, styles, mix_from=self.start)
        if anchor is None:
            return synthesizer.draw(mask, codes)
        made = []
        for number in range(len(codes.tensor)):
            outside = anchor
            if styles is not None and self.kept is not None and _is_sketch(self.kept):
                # A sketch has no colours of its own: what is kept is its portrait in this style.
                style = WPlus(styles.tensor[number : number + 1])
                outside = replace(
                    anchor, wplus=synthesizer.styled(anchor.wplus, style, mix_from=self.start)
                )
            inside = WPlus(codes.tensor[number : number + 1])
            made.append(within(synthesizer, outside, inside, mask, region=self.region))
        return Synthesis(
            torch.cat([each.images for each in made]),
            codes,
            [value for each in made for value in each.fidelity],
            [values for each in made for values in each.by_class],
        )

    def _texts(self, name: str, drawn: Synthesis) -> list[dict[str, str]]:
        common = portrait_texts(self.synthesizer, name, mix_from=self.start)
        of = fingerprint(self.synthesizer.generator)
        texts = []
        for number, own in enumerate(self._style_texts()):
            code = WPlus(drawn.wplus.tensor[number : number + 1])
            latent = latent_texts(code, generator=of) if self.kept is None else {}
            texts.append(common | own | latent)
        return texts

    def _style_texts(self) -> list[dict[str, str]]:
        if not self.names:
            return [{"smis:style_of": str(self.options.of)}]
        pictures = [{"smis:style_from": each.path.name} for each in self.pictures]
        return pictures + [{"smis:style_seed": str(seed)} for seed in self.seeds]

    def _answers(
        self, paths: tuple[Path, ...], drawn: Synthesis, before: Synthesis | None
    ) -> tuple[Answer, ...]:
        palette = self.synthesizer.palette
        names = {each.index: each.name for each in palette.classes}
        return tuple(
            Answer(
                style,
                path,
                drawn.fidelity[number],
                {names[index]: value for index, value in drawn.by_class[number].items()},
                None if before is None else before.fidelity[number],
            )
            for number, (style, path) in enumerate(zip(self.names or [_OWN], paths, strict=True))
        )
