"""The wheel carries everything: installed elsewhere, it draws a portrait."""

import os
import re
import shutil
import site
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
TAKEN_ALONG = (
    "smis_core", "smis_widgets", "notebooks", "extensions", "README.md", "LICENSE",
    "pyproject.toml", "setup.py",
)  # fmt: skip
WINDOWS = os.name == "nt"


def run(*command, cwd):
    """A command away from the repository, without what tells Python about it."""
    hidden = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    environment = {key: value for key, value in os.environ.items() if key not in hidden}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**environment, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy so that no build folder appears in the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    leave = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    for name in TAKEN_ALONG:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=leave)
        else:
            shutil.copy(ROOT / name, source / name)
    build = ("wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder)
    run(sys.executable, "-m", "pip", *build, source, cwd=folder)
    return next(folder.glob("smis-*.whl"))


@pytest.fixture(scope="module")
def installation(wheel, tmp_path_factory):
    """A fresh environment with the wheel; only the libraries are borrowed from this one."""
    folder = tmp_path_factory.mktemp("elsewhere")
    run(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    programs = folder / "venv" / ("Scripts" if WINDOWS else "bin")
    python = programs / ("python.exe" if WINDOWS else "python")
    install = ("install", "--no-deps", "--no-index", "--disable-pip-version-check")
    run(sys.executable, "-m", "pip", "--python", python, *install, wheel, cwd=folder)
    ours = run(
        python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder
    ).strip()
    # A path in a .pth file is searched last, and .pth files in it (an editable smis) do not count.
    libraries = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    libraries |= {path for path in site.getsitepackages() if Path(path).is_dir()}
    (Path(ours) / "libraries.pth").write_text("\n".join(sorted(libraries)), encoding="utf-8")
    return folder, python, programs / ("smis.exe" if WINDOWS else "smis")


def test_the_wheel_holds_what_a_person_needs_and_no_more(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert "smis_core/py.typed" in names
    assert any(name.endswith("notebooks/01_sketch_a_portrait.ipynb") for name in names)
    assert any(name.startswith("smis_core/portraits/masks/") for name in names)
    assert any(name.endswith("extensions/ops.cpp") for name in names)
    assert any(name.endswith("extensions/cuda/portable.h") for name in names)
    assert "smis_core/cli/jupyter/labconfig/default_setting_overrides.json" in names
    assert any(
        name.endswith("data/etc/jupyter/jupyter_server_config.d/smis.json") for name in names
    )
    assert "smis_core/checkpoints/zoo_models.json" in names
    assert "smis_core/portraits/weights/generator.safetensors" in names
    assert not [name for name in names if name.startswith(("tests", "benchmarks", "build"))]
    assert wheel.stat().st_size <= 40 * 2**20


def test_installed_elsewhere_it_draws_a_portrait(installation):
    folder, python, smis = installation
    where = run(python, "-c", "import smis_core; print(smis_core.__file__)", cwd=folder).strip()
    assert Path(where).is_relative_to(folder)
    mask = sorted((Path(where).parent / "portraits" / "masks").glob("*.png"))[0]
    options = ("-o", "out", "--styles", "2", "--device", "cpu")
    said = run(smis, "synthesize", mask, *options, cwd=folder)
    # Untrained weights, or an encoder of another generator, stay near zero.
    assert float(re.search(r"fidelity ([\d.]+)", said)[1]) > 0.3
    portraits = sorted((folder / "out").glob("*_style*.png"))
    assert len(portraits) == 2
    for path in portraits:
        with Image.open(path) as portrait:
            assert portrait.width == portrait.height >= 64
    assert (folder / "out" / "contact_sheet.png").exists()


def test_installed_elsewhere_it_brings_the_notebook(installation):
    folder, python, _ = installation
    code = (
        "from pathlib import Path; from smis_core.cli.lab import notebook_to_open;"
        "print(notebook_to_open(Path.cwd()))"
    )
    opened = Path(run(python, "-c", code, cwd=folder).strip())
    assert opened == folder / "01_sketch_a_portrait.ipynb"
    shipped = ROOT / "notebooks" / opened.name
    assert opened.read_bytes() == shipped.read_bytes()
