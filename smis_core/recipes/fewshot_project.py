"""A project's long work: inverting its photographs, and training its encoder."""

from __future__ import annotations

import math
import shlex
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from smis_core.checkpoints.native import load_network, save_network
from smis_core.fewshot import (
    AnnotatedPictures,
    EncoderConfig,
    EncoderOptions,
    EncoderStep,
    FewshotConfig,
    FewshotNetwork,
    FewshotProject,
    Synthesizer,
    Validation,
    ValidationOptions,
    encoder_config,
    train_encoder,
)
from smis_core.inversion import HybridOptions, InversionStep, companions_of, hybrid
from smis_core.labelling import Labeller, fit_marks, fit_quickly, fit_thoroughly
from smis_core.latents import W, WPlus
from smis_core.networks.generator_base import GeneratorBase

from .mirrors import mirrored, with_mirrors
from .processes import is_main, on_main, wait
from .train_fewshot import hardware

_STATE_INTERVAL_STEPS = 50
_THOROUGH_FROM_PICTURES = 1_000


@dataclass(frozen=True, eq=False)
class ProjectTrainingStep:
    """One step of `train_project`."""

    phase: str
    """'mirror', 'name' or 'train'"""
    index: int
    """from 1"""
    total: int
    """steps of the phase as things stand; fewer when the validation stalls"""
    losses: dict[str, float]
    """by name"""
    pictures: int = 0
    """pseudo-labelled samples seen"""
    validation: Validation | None = None
    """on the steps after which one was taken"""
    synthesizer: Synthesizer | None = None
    """on the last step: ready to draw"""
    warning: str | None = None
    """what went wrong without ending the training"""

    @property
    def miou(self) -> float | None:
        """The validation's figure, where one was taken."""
        return None if self.validation is None else self.validation.miou


def invert_photograph(
    project: FewshotProject, name: str, *, options: HybridOptions | None = None
) -> Iterator[InversionStep]:
    """Inverts a picture of a project; its latent and quality are kept at the end.

    Args:
        project: the latent's home.
        name: of a picture in it.
        options: of the inversion.

    Yields:
        The inversion's steps.

    Raises:
        ValueError: no such picture.
    """
    if name not in project.pictures:
        there = ", ".join(project.pictures) or "none"
        raise ValueError(f"name: wanted a picture of the project ({there}), got {name!r}")
    return _invert(project, name, options)


def _invert(
    project: FewshotProject, name: str, options: HybridOptions | None
) -> Iterator[InversionStep]:
    generator = project.generator
    device = generator.mapping.w_avg.device
    image = project.pictures[name].image.to(device)
    beside = companions_of(generator)
    last: InversionStep | None = None
    for step in hybrid(
        generator, image, encoder=beside.encoder, perceptual=beside.discriminator, options=options
    ):
        last = step
        yield step
    assert last is not None
    code = _rows(generator, last)
    with torch.no_grad():
        # The labeller reads what constant noise draws, so that is what the quality is of.
        drawn = generator.synthesis(code.tensor).clamp(-1, 1)
    error = float((drawn - image).square().mean())
    project.set_latent(name, code, quality=10 * math.log10(4 / max(error, 1e-12)))


def train_project(
    project: FewshotProject,
    *,
    options: EncoderOptions | None = None,
    validation: ValidationOptions | None = None,
    accelerator: Any = None,
) -> Iterator[ProjectTrainingStep]:
    """Fits the project's labeller and trains its encoder, or goes on where it was interrupted.

    Annotations may change meanwhile: the training is of those that it began with, and a later call
    begins anew.

    Args:
        project: with at least one annotated picture that has a latent.
        options: of the training, beside what the project's settings say.
        validation: beside the settings' patience.
        accelerator: see `train_encoder`; the main process fits the labeller and writes the files.

    Yields:
        Steps; the last one holds the synthesizer, whose encoder is then saved in the project.

    Raises:
        ValueError: nothing to learn from; says what is missing.
    """
    annotated = project.annotated()
    settings = project.settings
    options = options or EncoderOptions(
        pictures=max(settings.pictures, EncoderOptions.batch), seed=settings.seed
    )
    validation = validation or ValidationOptions(patience=settings.patience)
    shape = encoder_config(project.generator, project.palette.num_classes, settings.architecture)
    return _train(project, annotated, options, validation, shape, accelerator)


def _train(
    project: FewshotProject,
    annotated: AnnotatedPictures,
    options: EncoderOptions,
    validation: ValidationOptions,
    shape: EncoderConfig,
    accelerator: Any,
) -> Iterator[ProjectTrainingStep]:
    started = time.monotonic()
    digest, generator, palette = project.digest(), project.generator, project.palette
    kept = project.work / f"{digest[:16]}.labeller.safetensors"
    start: FewshotNetwork | None = None
    for each, found in on_main(_labelled(project, annotated, shape, kept), accelerator):
        start = found
        yield each
    start = start or _read_labeller(kept, generator.mapping.w_avg.device)
    if start is None:
        raise ValueError(
            f"{kept}: wanted the labeller that the main process fitted, found none; give all"
            " processes the same folder"
        )
    labeller = start.labeller
    state = project.work / f"{digest[:16]}.state"
    step: EncoderStep | None = None
    for step in train_encoder(
        generator,
        labeller,
        palette,
        options=options,
        encoder=shape,
        validation=validation,
        accelerator=accelerator,
        state=state,
        state_interval_steps=_STATE_INTERVAL_STEPS,
    ):
        if step.index < step.last:
            yield _training_step(step)
    assert step is not None
    if is_main(accelerator):
        card = {
            "kind": "few-shot encoder with its labeller",
            "purpose": "a sketch to W+ codes of the generator, whose features the labeller names",
            "made_from": {"generator": project.generator_fingerprint, "annotated": digest},
            "shots": len(annotated.images),
            "settings": asdict(project.settings),
            "options": asdict(options),
            "pictures": step.pictures,
            "command": shlex.join(["smis", *sys.argv[1:]]),
            "hardware": hardware(generator.mapping.w_avg.device),
            "seconds_of_last_run": round(time.monotonic() - started),
            "torch": str(torch.__version__),
        }
        save_network(project.encoder_path, step.network, card=card, half=True)
        state.unlink(missing_ok=True)
        kept.unlink(missing_ok=True)
    wait(accelerator)
    yield replace(_training_step(step), synthesizer=Synthesizer(generator, step.network))


def _training_step(step: EncoderStep) -> ProjectTrainingStep:
    return ProjectTrainingStep(
        "train", step.index + 1, step.last + 1, step.losses, step.pictures, step.validation,
        warning=step.warning,
    )  # fmt: skip


def _mirror_codes(
    generator: GeneratorBase, annotated: AnnotatedPictures
) -> Iterator[tuple[ProjectTrainingStep, WPlus | None]]:
    """Inverts the mirror images side by side; the last step comes with their codes."""
    beside = companions_of(generator)
    images = mirrored(annotated).images.to(generator.mapping.w_avg.device)
    last: InversionStep | None = None
    for last in hybrid(generator, images, encoder=beside.encoder, perceptual=beside.discriminator):
        total = last.total or last.index
        yield ProjectTrainingStep("mirror", last.index, total, last.losses), None
    assert last is not None
    step = ProjectTrainingStep("mirror", last.index, last.index, last.losses)
    yield step, _rows(generator, last)


def _rows(generator: GeneratorBase, step: InversionStep) -> WPlus:
    found = step.best_so_far.latent
    code = found.broadcast(generator.num_ws) if isinstance(found, W) else found
    assert isinstance(code, WPlus)
    return code


def _read_labeller(path: Path, device: torch.device) -> FewshotNetwork | None:
    """What an interrupted run or another process fitted; None where it is missing or broken."""
    try:
        kept = load_network(path, device=device)
    except (FileNotFoundError, ValueError):
        return None
    return kept if isinstance(kept, FewshotNetwork) else None


def _labelled(
    project: FewshotProject, annotated: AnnotatedPictures, shape: EncoderConfig, path: Path
) -> Iterator[tuple[ProjectTrainingStep, FewshotNetwork | None]]:
    """Fits the labeller, or reads what an interrupted run fitted; the last step comes with it,
    beside an encoder that is not trained yet."""
    generator, palette = project.generator, annotated.palette
    device = generator.mapping.w_avg.device
    project.work.mkdir(parents=True, exist_ok=True)
    own = path.name.partition(".")[0]
    for former in (*project.work.glob("*.state"), *project.work.glob("*.labeller.safetensors")):
        if not former.name.startswith(own):
            former.unlink(missing_ok=True)
    kept = _read_labeller(path, device)
    if kept is not None:
        yield ProjectTrainingStep("name", 1, 1, {}), kept
        return
    taught = annotated
    assert annotated.wplus is not None
    if project.settings.kind == "sparse":
        labeller: Labeller = fit_marks(
            generator,
            annotated.wplus.tensor,
            annotated.labels.to(device),
            num_classes=palette.num_classes,
        )
    elif project.settings.pictures < _THOROUGH_FROM_PICTURES:
        # A first look at what comes out shall not wait for a labeller that teaches itself.
        for each in fit_quickly(
            generator,
            annotated.wplus.tensor,
            annotated.labels.to(device),
            num_classes=palette.num_classes,
        ):
            labeller = each.labeller
            yield ProjectTrainingStep("name", each.index, each.total, {"entropy": each.loss}), None
    else:
        code: WPlus | None = None
        for mirroring, found in _mirror_codes(generator, annotated):
            code = found
            yield mirroring, None
        assert code is not None
        taught = with_mirrors(generator, annotated, code)
        assert taught.wplus is not None
        for each in fit_thoroughly(
            generator,
            taught.wplus.tensor,
            taught.labels.to(device),
            num_classes=palette.num_classes,
        ):
            labeller = each.labeller
            yield ProjectTrainingStep("name", each.index, each.total, {"entropy": each.loss}), None
    network = FewshotNetwork(FewshotConfig(shape, labeller.config, palette)).to(device)
    network.labeller.load_state_dict(labeller.state_dict())
    network.requires_grad_(False).eval()
    save_network(path, network)
    yield ProjectTrainingStep("name", 1, 1, {}), network
