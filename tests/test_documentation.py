"""What README and docs tell people to type exists: commands, options, targets, names."""

import ast
import importlib
import re
import shlex
from pathlib import Path

import pytest
import typer

from smis_core.cli import app

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / name
    for name in ("README.md", "CONTRIBUTING.md", "benchmarks/README.md", "extensions/README.md")
] + sorted((ROOT / "docs").glob("*.md"))
FENCES = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`((?:smis|make) [^`]+)`")


def fences(page: Path, language: str) -> list[str]:
    found = FENCES.findall(page.read_text(encoding="utf-8"))
    return [text for named, text in found if named == language]


def commands(page: Path, program: str) -> list[list[str]]:
    """Words after the program's name, of every line and every piece of code that calls it."""
    prose = FENCES.sub("", page.read_text(encoding="utf-8"))
    lines = [line for text in fences(page, "sh") for line in text.splitlines()]
    split = [
        shlex.split(line, comments=True)
        for line in (*lines, *INLINE.findall(" ".join(prose.split())))
    ]
    return [words[1:] for words in split if words and words[0] == program]


def named(pages: list[Path]) -> list:
    return [pytest.param(page, id=str(page.relative_to(ROOT))) for page in pages]


@pytest.mark.parametrize("page", named(PAGES))
def test_commands_and_their_options_exist(page: Path) -> None:
    for words in commands(page, "smis"):
        command, rest = typer.main.get_command(app), list(words)
        while rest and hasattr(command, "commands") and not rest[0].startswith("-"):
            assert rest[0] in command.commands, f"smis {shlex.join(words)}: no {rest[0]!r}"
            command = command.commands[rest.pop(0)]
        known = {"--help"}.union(*(option.opts for option in command.params))
        asked = {word.split("=")[0] for word in rest if word.startswith("-") and word != "-"}
        assert asked <= known, f"smis {shlex.join(words)}: no {', '.join(sorted(asked - known))}"


@pytest.mark.parametrize("page", named(PAGES))
def test_targets_of_make_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for words in commands(page, "make"):
        assert words[0] in targets, f"make {shlex.join(words)}"


@pytest.mark.parametrize("page", named(PAGES))
def test_names_in_python_exist(page: Path) -> None:
    for text in fences(page, "python"):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom):
                module = importlib.import_module(node.module or "")
                for name in node.names:
                    assert hasattr(module, name.name), f"{node.module} has no {name.name}"


def test_the_first_lines_of_python_do_what_they_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "smis_core").symlink_to(ROOT / "smis_core")
    monkeypatch.chdir(tmp_path)
    exec(fences(ROOT / "README.md", "python")[0], {})
    assert (tmp_path / "six_styles.png").exists()
    assert (tmp_path / "character_mask.png").exists()
    assert capsys.readouterr().out
