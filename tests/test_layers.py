"""Data flows one way: nothing imports upwards, siblings do not import each other."""

import ast
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

BOTTOM = {
    "devices",
    "images",
    "labels",
    "palettes",
    "_colour_vision",
    "_label_files",
    "_label_outlines",
    "_label_scaling",
    "_palette",
}
UP_TO_LATENTS = BOTTOM | {"ops", "networks", "checkpoints", "latents"}
ROOMS = UP_TO_LATENTS | {
    "labelling", "inversion", "training", "portraits", "evaluation", "fewshot",
    "editing", "annotations",
}  # fmt: skip

MAY_IMPORT = {
    **dict.fromkeys(BOTTOM, BOTTOM),
    "drawing": BOTTOM,
    "ops": BOTTOM,
    "networks": BOTTOM | {"ops"},
    "checkpoints": BOTTOM | {"ops", "networks"},
    "latents": BOTTOM | {"ops", "networks", "checkpoints"},
    "labelling": UP_TO_LATENTS,
    "inversion": UP_TO_LATENTS | {"labelling"},
    "training": UP_TO_LATENTS,
    "portraits": UP_TO_LATENTS,
    "evaluation": UP_TO_LATENTS,
    "fewshot": UP_TO_LATENTS | {"labelling", "inversion", "annotations"},
    "editing": UP_TO_LATENTS,
    "annotations": BOTTOM,
    "recipes": ROOMS,
    "jobs": BOTTOM,
    "cli": ROOMS | {"recipes", "jobs"},
}
"""Rooms of smis_core by what each may import besides itself."""

ALLOWED_LIBRARIES = {"torch", "numpy", "scipy", "PIL", "safetensors"}
LATE = ("matplotlib", "typer", "ipywidgets", "ipycanvas", "IPython", "accelerate", "pooch", "av")
"""Libraries that no room loads when it is imported."""


def rooms():
    return sorted(module.name for module in pkgutil.iter_modules([str(ROOT / "smis_core")]))


def files_of(room):
    path = ROOT / "smis_core" / room
    return sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]


def imported_rooms(path):
    """Rooms of smis_core that a file names in any import, also inside functions."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            names = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == "smis_widgets":
                found.add("smis_widgets")
            elif parts[0] == "smis_core" and len(parts) > 1 and parts[1] != "__version__":
                found.add(parts[1])
    return found


def loaded_by(statement):
    """Names in ``sys.modules`` after a statement in a fresh interpreter."""
    code = f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_every_room_has_its_place():
    assert set(rooms()) <= set(MAY_IMPORT), "give the new room a line in MAY_IMPORT"


@pytest.mark.parametrize("room", rooms())
def test_imports_go_down(room):
    for path in files_of(room):
        assert imported_rooms(path) - {room} <= MAY_IMPORT[room], path.relative_to(ROOT)


@pytest.mark.parametrize("room", [room for room in rooms() if not room.startswith("_")])
def test_a_room_loads_only_what_lies_below(room):
    modules = ", ".join(
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in files_of(room)
        if path.name != "__main__.py"
    )
    loaded = loaded_by(f"import {modules}")
    ours = {name.split(".")[1] for name in loaded if name.startswith("smis_core.")}
    assert ours - {room} <= MAY_IMPORT[room]
    assert "smis_widgets" not in loaded
    if room != "cli":
        assert not {name.split(".")[0] for name in loaded} & set(LATE)


def test_the_package_itself_loads_next_to_nothing():
    loaded = {name.split(".")[0] for name in loaded_by("import smis_core")}
    assert not loaded & ({*LATE, "smis_widgets"} | ALLOWED_LIBRARIES)


def test_the_commands_help_needs_no_torch():
    assert "torch" not in loaded_by("import smis_core.cli")


def test_the_core_needs_five_libraries():
    named = set()
    for path in (ROOT / "smis_core").rglob("*.py"):
        if "cli" in path.parts:
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Import):
                named |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                named.add(str(node.module).split(".")[0])
    assert named - set(sys.stdlib_module_names) - {"smis_core"} <= ALLOWED_LIBRARIES


def test_widgets_do_not_reach_for_the_commands():
    for path in (ROOT / "smis_widgets").rglob("*.py"):
        assert "cli" not in imported_rooms(path), path.relative_to(ROOT)
