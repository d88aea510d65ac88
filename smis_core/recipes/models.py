"""`make models`: every weight that ships and every figure that is claimed, in order."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch

import smis_core.portraits
from smis_core.checkpoints.native import fingerprint, read_card
from smis_core.editing import load_directions
from smis_core.evaluation import JudgeConfig, load_judge
from smis_core.fewshot.bundled import SHIPPED_SHOTS
from smis_core.portraits.renderer import RENDERER_VERSION

from . import Step
from .annotations import annotated_renders
from .directions import make_directions
from .evaluate_directions import evaluate_directions
from .evaluate_fewshot import WEIGHTS, evaluate_fewshot, method_path
from .evaluate_generator import evaluate_generator, load_stylegan2
from .evaluate_judge import evaluate_judge
from .evaluate_sparse import KINDS, evaluate_sparse, sparse_path
from .evaluate_sparse import METHODS as SPARSE_METHODS
from .fewshot_methods import METHODS
from .make_generator import make_generator
from .train_fewshot import make_encoder
from .train_inverter import make_inverter
from .train_judge import make_judge

SHIPPED = Path(smis_core.portraits.__file__).parent / "weights"
"""Where the weights lie that travel with the package."""
RESULTS = WEIGHTS.parent / "results"
"""Where the figures lie in a checkout, one JSON object each."""


@dataclass(frozen=True)
class Part:
    """One thing to make."""

    name: str
    """what `--only` calls it"""
    files: tuple[Path, ...]
    """what it leaves"""
    wanted: Callable[[], dict[str, str]]
    """what it has to be made from: versions and fingerprints by name"""
    found: Callable[[Path], dict[str, Any]]
    """what a file says it was made from"""
    make: Callable[[], Iterator[Step]]
    """the work"""

    def stale(self) -> list[str]:
        """Why it has to be made again; empty where it is fresh."""
        reasons = []
        for path in self.files:
            if not path.exists():
                reasons.append(f"{path.name} is missing")
                continue
            try:
                wanted, found = self.wanted(), self.found(path)
            except (FileNotFoundError, ValueError, KeyError) as error:
                reasons.append(f"{path.name}: {error}")
                continue
            for name, value in wanted.items():
                if found.get(name) != value:
                    reasons.append(f"{path.name} was made from another {name}")
        return reasons


class _Reports(Protocol):
    def to_dict(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Places:
    """Where the parts lie."""

    shipped: Path = SHIPPED
    """generator, discriminator, judge, encoders"""
    compared: Path = WEIGHTS
    """the encoders that `smis evaluate fewshot` compares"""
    results: Path = RESULTS
    """figures"""
    scratch: Path = Path("runs/models")
    """renders and training states"""

    def weights(self, name: str) -> Path:
        """A shipped file."""
        return self.shipped / f"{name}.safetensors"


def parts(places: Places | None = None, *, device: str | torch.device = "auto") -> list[Part]:
    """Everything, in the order in which it is made: networks first, then figures.

    Args:
        places: other folders than the package's.
        device: where to work.
    """
    places = places or Places()
    generator, judge = places.weights("generator"), places.weights("judge")

    def renderer() -> dict[str, str]:
        return {"renderer": RENDERER_VERSION}

    def by_card(path: Path) -> dict[str, Any]:
        made_from: dict[str, Any] = read_card(path)["made_from"]
        return made_from

    def encoder_source() -> dict[str, str]:
        return {
            "generator": fingerprint(generator),
            "annotated": f"portraits renderer {RENDERER_VERSION}",
        }

    def both() -> dict[str, str]:
        return {
            "renderer": RENDERER_VERSION,
            "generator": fingerprint(generator),
            "judge": fingerprint(judge),
        }

    made = [
        Part(
            "generator",
            (generator, places.weights("discriminator")),
            renderer,
            by_card,
            lambda: make_generator(
                places.shipped, scratch=places.scratch / "generator", device=device
            ),
        ),
        Part(
            "judge",
            (judge,),
            renderer,
            by_card,
            lambda: make_judge(
                judge,
                scratch=places.scratch / "judge",
                config=JudgeConfig(
                    resolution=load_stylegan2(generator, device="cpu").config.resolution
                ),
                device=device,
            ),
        ),
    ]
    for shots in SHIPPED_SHOTS:
        made.append(_encoder_part(shots, places, encoder_source, by_card, device))
    made.append(
        Part(
            "inverter",
            (places.weights("inverter"),),
            lambda: {"generator": fingerprint(generator), "renderer": RENDERER_VERSION},
            by_card,
            lambda: make_inverter(
                places.weights("inverter"),
                generator=generator,
                discriminator=places.weights("discriminator"),
                scratch=places.scratch / "inverter",
                device=device,
            ),
        )
    )
    directions = places.weights("directions")
    made.append(
        Part(
            "directions",
            (directions,),
            lambda: {"generator": fingerprint(generator), "renderer": RENDERER_VERSION},
            by_card,
            lambda: make_directions(
                directions,
                generator_path=generator,
                discriminator_path=places.weights("discriminator"),
                scratch=places.scratch / "directions",
                device=device,
            ),
        )
    )
    for shots in SHIPPED_SHOTS:
        made.append(_comparison_part(shots, places, encoder_source, by_card, device))
    made.append(
        Part(
            "compared_sparse",
            _sparse_files(places),
            encoder_source,
            by_card,
            lambda: _measure_sparse(places, device, retrain=True),
        )
    )
    made.append(
        _figures_part(
            "generator_figures",
            places,
            both,
            lambda: evaluate_generator(
                load_stylegan2(generator, device=device),
                load_judge(judge, device=device),
                device=device,
            ),
        )
    )
    made.append(
        _figures_part(
            "directions_figures",
            places,
            both,
            lambda: evaluate_directions(
                load_stylegan2(generator, device=device),
                load_judge(judge, device=device),
                load_directions(directions),
                device=device,
            ),
        )
    )
    made.append(
        _figures_part(
            "judge_figures",
            places,
            lambda: {"renderer": RENDERER_VERSION, "judge": fingerprint(judge)},
            lambda: evaluate_judge(load_judge(judge, device=device), device=device),
        )
    )
    for shots in SHIPPED_SHOTS:
        made.append(_fewshot_figures_part(shots, places, both, device))
    made.append(_sparse_figures_part(places, both, device))
    return made


def _encoder_part(
    shots: int,
    places: Places,
    wanted: Callable[[], dict[str, str]],
    found: Callable[[Path], dict[str, Any]],
    device: str | torch.device,
) -> Part:
    def make() -> Iterator[Step]:
        generator = load_stylegan2(places.weights("generator"), device="cpu")
        return make_encoder(
            places.weights(f"encoder_{shots}"),
            annotated_renders(shots, size=generator.config.resolution),
            generator=places.weights("generator"),
            discriminator=places.weights("discriminator"),
            scratch=places.scratch / f"encoder_{shots}",
            command=f"smis fewshot train --shots {shots} --patience 0 --out ENCODER.safetensors",
            device=device,
        )

    name = f"encoder_{shots}"
    return Part(name, (places.weights(name),), wanted, found, make)


def _comparison_part(
    shots: int,
    places: Places,
    wanted: Callable[[], dict[str, str]],
    found: Callable[[Path], dict[str, Any]],
    device: str | torch.device,
) -> Part:
    """The compared encoders; their figures come with `_fewshot_figures_part`."""
    # The ceiling serves all numbers of shots, and belongs to the first.
    own = METHODS if shots == SHIPPED_SHOTS[0] else tuple(m for m in METHODS if m != "ceiling")
    files = tuple(method_path(places.compared, shots, method) for method in own)
    judge = places.weights("judge")
    return Part(
        f"compared_{shots}",
        files,
        lambda: wanted() | {"judge": fingerprint(judge)},
        found,
        lambda: _measure_fewshot(shots, places, device, retrain=True),
    )


def _measure_fewshot(
    shots: int, places: Places, device: str | torch.device, *, retrain: bool
) -> Iterator[Step]:
    return evaluate_fewshot(
        shots,
        retrain=retrain,
        weights=places.compared,
        scratch=places.scratch / "evaluate_fewshot",
        generator_path=places.weights("generator"),
        discriminator_path=places.weights("discriminator"),
        judge_path=places.weights("judge"),
        shipped_path=places.weights(f"encoder_{shots}"),
        device=device,
    )


def _fewshot_figures_part(
    shots: int,
    places: Places,
    wanted: Callable[[], dict[str, str]],
    device: str | torch.device,
) -> Part:
    def sources() -> dict[str, str]:
        encoder = places.weights(f"encoder_{shots}")
        compared = method_path(places.compared, shots, "default")
        return wanted() | {"encoder": fingerprint(encoder), "compared": fingerprint(compared)}

    def found(path: Path) -> dict[str, Any]:
        about = json.loads(path.read_text(encoding="utf-8"))["about"]
        weights = about["weights"]
        return {**about, "encoder": weights.get("shipped"), "compared": weights["default"]}

    path = places.results / f"fewshot_{shots}.json"
    return Part(
        f"fewshot_{shots}_figures",
        (path,),
        sources,
        found,
        lambda: _kept(_measure_fewshot(shots, places, device, retrain=False), path),
    )


def _sparse_files(places: Places) -> tuple[Path, ...]:
    """The encoders that `smis evaluate sparse` compares."""
    return tuple(
        sparse_path(places.compared, kind, method) for kind in KINDS for method in SPARSE_METHODS
    )


def _measure_sparse(places: Places, device: str | torch.device, *, retrain: bool) -> Iterator[Step]:
    return evaluate_sparse(
        retrain=retrain,
        weights=places.compared,
        # The annotated render is the comparison's of one shot, and its inversion with it.
        scratch=places.scratch / "evaluate_fewshot" / "shots_1",
        generator_path=places.weights("generator"),
        discriminator_path=places.weights("discriminator"),
        judge_path=places.weights("judge"),
        device=device,
    )


def _sparse_figures_part(
    places: Places, wanted: Callable[[], dict[str, str]], device: str | torch.device
) -> Part:
    def sources() -> dict[str, str]:
        files = zip(_sparse_files(places), _sparse_names(), strict=True)
        return wanted() | {name: fingerprint(path) for path, name in files}

    def found(path: Path) -> dict[str, Any]:
        about = json.loads(path.read_text(encoding="utf-8"))["about"]
        return {**about, **about["weights"]}

    path = places.results / "sparse.json"
    return Part(
        "sparse_figures",
        (path,),
        sources,
        found,
        lambda: _kept(_measure_sparse(places, device, retrain=False), path),
    )


def _sparse_names() -> tuple[str, ...]:
    """What the report calls the compared encoders."""
    return tuple(f"{kind} {method}" for kind in KINDS for method in SPARSE_METHODS)


def _figures_part(
    name: str,
    places: Places,
    wanted: Callable[[], dict[str, str]],
    make: Callable[[], Iterator[Any]],
) -> Part:
    path = places.results / f"{name.removesuffix('_figures')}.json"

    def found(path: Path) -> dict[str, Any]:
        about: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["about"]
        return about

    return Part(name, (path,), wanted, found, lambda: _kept(make(), path))


def _kept(steps: Iterator[Any], path: Path) -> Iterator[Any]:
    """The same steps; the report of the last one is written down."""
    for step in steps:
        report: _Reports | None = step.report
        if report is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps(report.to_dict(), indent=2, ensure_ascii=False) + "\n"
            partial = path.with_name(path.name + ".partial")
            partial.write_text(text, encoding="utf-8")
            partial.replace(path)
        yield step
