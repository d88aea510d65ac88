"""`smis evaluate`: the figures of the generator, of the judge and of few-shot synthesis."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Protocol

import typer

_Json = Annotated[bool, typer.Option("--json", help="print one JSON object instead of a table")]
_Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps")]
_JudgeFile = Annotated[
    Path | None, typer.Option("--judge", help="weights; default: the bundled judge")
]
_GeneratorFile = Annotated[
    Path | None, typer.Option("--generator", help="weights; default: the bundled generator")
]

evaluate = typer.Typer(help="Measure what ships, or weights of your own.", no_args_is_help=True)


class _Report(Protocol):
    def to_dict(self) -> dict[str, Any]: ...

    def table(self) -> str: ...


def register(app: typer.Typer) -> None:
    """Add the commands to `smis`."""
    app.add_typer(evaluate, name="evaluate")


@evaluate.command("generator")
def evaluate_generator_command(
    samples: Annotated[int, typer.Option(help="pictures on each side")] = 5000,
    generator: _GeneratorFile = None,
    judge: _JudgeFile = None,
    device: _Device = "auto",
    as_json: _Json = False,
) -> None:
    """Samples at psi 1 against fresh renders: distances, frequencies, spectrum."""
    from smis_core.evaluation import load_judge
    from smis_core.recipes import drain
    from smis_core.recipes.evaluate_generator import evaluate_generator, load_stylegan2

    steps = evaluate_generator(
        load_stylegan2(generator, device=device),
        load_judge(judge, device=device),
        samples=samples,
        device=device,
    )
    _print(drain(steps).report, as_json)


@evaluate.command("judge")
def evaluate_judge_command(
    renders: Annotated[int, typer.Option(help="fresh portraits")] = 500,
    second: Annotated[
        bool,
        typer.Option("--second", help="train a second judge and compare both on samples instead"),
    ] = False,
    pictures: Annotated[int, typer.Option(help="pictures that the second judge sees")] = 60_000,
    scratch: Annotated[Path, typer.Option(help="folder of the second judge's training")] = Path(
        "runs/second_judge"
    ),
    generator: _GeneratorFile = None,
    judge: _JudgeFile = None,
    device: _Device = "auto",
    as_json: _Json = False,
) -> None:
    """The judge on fresh renders: classes and attributes against the truth."""
    from smis_core.evaluation import JudgeOptions, load_judge
    from smis_core.recipes import drain
    from smis_core.recipes.evaluate_generator import load_stylegan2
    from smis_core.recipes.evaluate_judge import SECOND_SEED, evaluate_agreement, evaluate_judge

    network = load_judge(judge, device=device)
    if second:
        steps = evaluate_agreement(
            network,
            load_stylegan2(generator, device=device),
            scratch=scratch,
            options=JudgeOptions(pictures=pictures, seed=SECOND_SEED),
            device=device,
        )
    else:
        steps = evaluate_judge(network, renders=renders, device=device)
    _print(drain(steps).report, as_json)


def _print(report: _Report | None, as_json: bool) -> None:
    if report is None:
        raise RuntimeError("the evaluation ended without a report")
    typer.echo(json.dumps(report.to_dict(), ensure_ascii=False) if as_json else report.table())
