"""What a maintainer relies on: sizes, limits, and files that agree with each other."""

import json
import re
import subprocess
import tomllib
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MEBIBYTE = 2**20


def committed():
    """Files that travel with a clone: tracked, and new ones that git does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def files():
    if not (ROOT / ".git").exists():
        return [path for path in ROOT.rglob("*") if path.is_file()]
    return committed()


def test_the_weights_are_small(files):
    weights = [path for path in files if path.suffix == ".safetensors"]
    shipped = [path for path in weights if "smis_core" in path.parts]
    assert sum(path.stat().st_size for path in shipped) <= 40 * MEBIBYTE


def test_the_checkout_is_small(files):
    assert sum(path.stat().st_size for path in files) <= 60 * MEBIBYTE


def test_modules_can_be_held_in_the_head(files):
    long = {
        str(path.relative_to(ROOT)): count
        for path in files
        if path.suffix == ".py"
        and (count := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert not long


def test_nothing_is_left_unfinished(files):
    words = re.compile("TO" + "DO|FIX" + "ME|XX" + "X")
    unfinished = [
        str(path.relative_to(ROOT))
        for path in files
        if path.suffix == ".py" and words.search(path.read_text(encoding="utf-8"))
    ]
    assert not unfinished


def test_versions_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    tested = {
        name.lower(): version
        for name, version in re.findall(r"^([\w.-]+)==([\w.]+)$", constraints, re.MULTILINE)
    }
    assert tested["torch"] == "2.13.0"
    wanted = chain(project["dependencies"], *project["optional-dependencies"].values())
    for requirement in wanted:
        name, lowest = re.match(r"([\w.-]+)(?:\[.*\])?(?:>=([\d.]+))?", requirement).groups()
        if name == "smis":
            continue
        assert name in tested, f"{name}: name its tested version in constraints.txt"
        assert _numbers(tested[name]) >= _numbers(lowest)
    assert "torch>=2.6" in project["dependencies"]
    assert project["requires-python"] == ">=3.11"


def test_the_changelog_names_this_version():
    version = re.search(
        r'__version__ = "(.+)"', (ROOT / "smis_core/__init__.py").read_text(encoding="utf-8")
    )[1]
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_documents_link_to_what_exists(files):
    broken = []
    for document in (path for path in files if path.suffix == ".md"):
        text = document.read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#\s]+)", text):
            if "://" not in target and not (document.parent / target).exists():
                broken.append(f"{document.relative_to(ROOT)} -> {target}")
    assert not broken


def test_notebooks_are_committed_without_outputs(files):
    for path in (path for path in files if path.suffix == ".ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        assert not [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")]


def _numbers(version):
    return [int(part) for part in re.findall(r"\d+", version)]
