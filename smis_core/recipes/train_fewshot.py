"""From one to five annotated pictures to an encoder on disk: invert, name, train, save with a
card."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from smis_core.checkpoints import load_generator
from smis_core.checkpoints.native import fingerprint, load_network, read_card, save_network
from smis_core.devices import resolve_device
from smis_core.fewshot import (
    AnnotatedPictures,
    EncoderOptions,
    EncoderStep,
    FewshotConfig,
    FewshotNetwork,
    ValidationOptions,
    check_unconditional,
    encoder_config,
    invert_annotated,
    train_encoder,
)
from smis_core.images import check_writable
from smis_core.inversion import ProjectionOptions
from smis_core.labelling import ThoroughOptions, fit_thoroughly
from smis_core.latents import W, WPlus
from smis_core.networks.generator_base import GeneratorBase
from smis_core.networks.strided import AnyDiscriminator
from smis_core.portraits.renderer import RENDERER_VERSION

from .annotations import FOLDED
from .mirrors import mirrored, with_mirrors
from .processes import is_main, on_main, wait

_LABELLER = "labeller.safetensors"


@dataclass(frozen=True)
class FewshotOptions:
    """The three parts of the work."""

    projection: ProjectionOptions = field(default_factory=ProjectionOptions.thorough)
    """inverting the annotated pictures and their mirror images"""
    labelling: ThoroughOptions = field(default_factory=ThoroughOptions)
    """learning to name features"""
    encoder: EncoderOptions = field(default_factory=EncoderOptions)
    """training on pseudo-labelled samples"""


@dataclass(frozen=True, eq=False)
class FewshotStep:
    """One step of inverting, naming or training."""

    phase: str
    """'invert', 'invert mirror images', 'name' or 'train'"""
    index: int
    """from 1"""
    total: int
    """steps of the phase"""
    losses: dict[str, float]
    """by name"""
    network: FewshotNetwork | None
    """encoder and labeller, on the last step"""
    warning: str | None = None
    """what went wrong without ending the training"""


def make_encoder(
    out: str | Path,
    annotated: AnnotatedPictures,
    *,
    generator: str | Path,
    discriminator: str | Path | None,
    scratch: str | Path,
    options: FewshotOptions | None = None,
    folded: tuple[int, ...] = FOLDED,
    validation: ValidationOptions | None = None,
    accelerator: Any = None,
    source: str | None = None,
    command: str,
    device: str | torch.device = "auto",
) -> Iterator[FewshotStep]:
    """Inverts, fits the labeller, trains the encoder and saves both in one file.

    Args:
        out: the safetensors file, written at the end.
        annotated: pictures at the generator's resolution, with masks.
        generator: any StyleGAN checkpoint, or a name of the zoo.
        discriminator: weights of the same training, for perceptual features; None does without.
        scratch: folder for what an interrupted run resumes from.
        options: of the three parts.
        folded: classes that the domain never shows.
        validation: takes validations and stops when they stall; None does neither.
        accelerator: see `train_encoder`; the main process fits the labeller and writes the files.
        source: where the annotated pictures come from, for the card; None: the renderer.
        command: what a person would type to repeat it, for the card.
        device: where to work.

    Yields:
        Steps by phase; the last one holds the network.

    Raises:
        OSError: a place cannot be written.
        ValueError: a weights file holds something else, the generator is conditional, or the
            pictures are of another size.
    """
    check_writable(out)
    check_writable(scratch, folder=True)
    target = resolve_device(device)
    network = load_generator(generator, device=target)
    check_unconditional(network)
    critic = None if discriminator is None else load_network(discriminator, device=target)
    if critic is not None and not isinstance(critic, AnyDiscriminator):
        raise ValueError(f"{discriminator}: wanted a discriminator, got {type(critic).__name__}")
    if annotated.images.shape[-1] != network.config.resolution:
        raise ValueError(
            f"annotated: wanted pictures of {network.config.resolution}², the generator's size,"
            f" got {annotated.images.shape[-1]}²"
        )
    options = options or FewshotOptions()
    return _make_encoder(
        Path(out), annotated, network, critic, Path(scratch), options, folded, validation,
        accelerator, source, command,
    )  # fmt: skip


def _make_encoder(
    out: Path,
    annotated: AnnotatedPictures,
    generator: GeneratorBase,
    critic: AnyDiscriminator | None,
    scratch: Path,
    options: FewshotOptions,
    folded: tuple[int, ...],
    validation: ValidationOptions | None,
    accelerator: Any,
    source: str | None,
    command: str,
) -> Iterator[FewshotStep]:
    started = time.monotonic()
    made_from = {
        "generator": fingerprint(generator),
        "annotated": source or f"portraits renderer {RENDERER_VERSION}",
    }
    work = labelled(
        generator,
        annotated,
        critic=critic,
        options=options,
        folded=folded,
        scratch=scratch,
        made_from=made_from,
    )
    start: FewshotNetwork | None = None
    for step in on_main(work, accelerator):
        start = step.network
        yield replace(step, network=None)
    device = generator.mapping.w_avg.device
    if start is None:
        kept = load_network(scratch / _LABELLER, device=device)
        assert isinstance(kept, FewshotNetwork)
        start = kept
    state = scratch / "encoder.state"
    for each in train_encoder(
        generator,
        start.labeller,
        annotated.palette,
        options=options.encoder,
        folded=folded,
        validation=validation,
        accelerator=accelerator,
        state=state,
    ):
        if each.index < each.last:
            yield FewshotStep(
                "train", each.index + 1, each.last + 1, each.losses, None, each.warning
            )
    if is_main(accelerator):
        _save(out, each, annotated, made_from, options, command, started)
        state.unlink(missing_ok=True)
    wait(accelerator)
    total = each.last + 1
    yield FewshotStep("train", total, total, each.losses, each.network, each.warning)


def _save(
    out: Path,
    step: EncoderStep,
    annotated: AnnotatedPictures,
    made_from: dict[str, str],
    options: FewshotOptions,
    command: str,
    started: float,
) -> None:
    card = {
        "kind": "few-shot encoder with its labeller",
        "purpose": "a mask to W+ codes of the generator, whose features the labeller names",
        "made_from": made_from,
        "shots": len(annotated.images),
        "command": command,
        "options": asdict(options),
        "pictures": step.pictures,
        "parameters": sum(each.numel() for each in step.network.encoder.parameters()),
        "hardware": hardware(step.network.encoder.code_scale.device),
        "seconds_of_last_run": round(time.monotonic() - started),
        "torch": str(torch.__version__),
    }
    save_network(out, step.network, card=card, half=True)


def labelled(
    generator: GeneratorBase,
    annotated: AnnotatedPictures,
    *,
    critic: AnyDiscriminator | None,
    options: FewshotOptions,
    folded: tuple[int, ...],
    scratch: Path,
    made_from: dict[str, str],
) -> Iterator[FewshotStep]:
    """Inverts annotated pictures and their mirror images and fits a labeller to both.

    What a former run left in the scratch folder is not made again.

    Args:
        generator: what drew, or can draw, the pictures.
        annotated: at its resolution; inverted here where they have no latents.
        critic: for perceptual features.
        options: of inversion and labelling.
        folded: classes that the domain never shows.
        scratch: folder for what an interrupted run resumes from.
        made_from: what the results are known by.

    Yields:
        Steps; the last one's network holds the labeller beside an encoder that is not trained yet.
    """
    how: dict[str, Any] = {
        "critic": critic,
        "options": options.projection,
        "scratch": scratch,
        "made_from": made_from,
    }
    known = annotated
    if annotated.wplus is None:
        for step, found in inverted(generator, annotated, **how):
            known = replace(annotated, wplus=found)
            yield step
    flipped = mirrored(annotated)
    for step, found in inverted(generator, flipped, phase="invert mirror images", **how):
        codes = found
        yield step
    known = with_mirrors(generator, known, codes, options=options.labelling.quick)
    yield from _named(generator, known, options.labelling, folded, scratch, made_from)


def inverted(
    generator: GeneratorBase,
    annotated: AnnotatedPictures,
    *,
    critic: AnyDiscriminator | None,
    options: ProjectionOptions,
    scratch: Path,
    made_from: dict[str, str],
    phase: str = "invert",
) -> Iterator[tuple[FewshotStep, WPlus]]:
    """Inverts annotated pictures, or reads what a former run found in the scratch folder.

    Yields:
        Steps of a phase with the latents so far; the last ones are the result.
    """
    path = scratch / f"{phase.replace(' ', '_')}.safetensors"
    identity = json.dumps([made_from, asdict(options), len(annotated.images)], sort_keys=True)
    total = options.steps
    if path.exists():
        with safe_open(path, "pt") as file:
            if (file.metadata() or {}).get("identity") == identity:
                found = file.get_tensor("wplus").to(generator.mapping.w_avg.device)
                yield FewshotStep(phase, total, total, {}, None), WPlus(found)
                return
    for step in invert_annotated(generator, annotated, discriminator=critic, options=options):
        code = step.latent
        wplus = code.broadcast(generator.num_ws) if isinstance(code, W) else code
        assert isinstance(wplus, WPlus)
        if step.index == total:
            scratch.mkdir(parents=True, exist_ok=True)
            tensors = {"wplus": wplus.tensor.cpu().contiguous()}
            save_file(tensors, path, {"identity": identity})
        yield FewshotStep(phase, step.index, total, step.losses, None), wplus


def _named(
    generator: GeneratorBase,
    known: AnnotatedPictures,
    options: ThoroughOptions,
    folded: tuple[int, ...],
    scratch: Path,
    made_from: dict[str, str],
) -> Iterator[FewshotStep]:
    """Fits a labeller, or reads the one of a former run."""
    assert known.wplus is not None
    wplus = known.wplus.tensor
    path = scratch / _LABELLER
    identity = json.loads(json.dumps([made_from, asdict(options), wplus.double().sum().item()]))
    if path.exists() and read_card(path).get("identity") == identity:
        kept = load_network(path, device=wplus.device)
        assert isinstance(kept, FewshotNetwork)
        yield FewshotStep("name", 1, 1, {}, kept)
        return
    palette = known.palette
    for step in fit_thoroughly(
        generator,
        wplus,
        known.labels.to(wplus.device),
        num_classes=palette.num_classes,
        options=options,
    ):
        network = None
        if step.index == step.total:
            encoder = encoder_config(generator, palette.num_classes)
            config = FewshotConfig(encoder, step.labeller.config, palette, folded)
            network = FewshotNetwork(config).to(wplus.device)
            network.labeller.load_state_dict(step.labeller.state_dict())
            scratch.mkdir(parents=True, exist_ok=True)
            save_network(path, network, card={"identity": identity})
        yield FewshotStep("name", step.index, step.total, {"entropy": step.loss}, network)


def hardware(device: torch.device) -> str:
    """The machine, for cards."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{os.cpu_count()} x {platform.machine()} ({device.type})"
