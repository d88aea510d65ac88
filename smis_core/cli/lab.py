"""``smis lab``: JupyterLab, opened on the first notebook."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import typer

import smis_core

NOTEBOOK = "01_sketch_a_portrait.ipynb"

JUPYTER_CONFIG = Path(__file__).parent / "jupyter"
"""A folder for Jupyter's configuration path: its defaults spare a newcomer the pop-ups about news
and updates. What a person chose in JupyterLab's settings goes before these defaults."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    settings = {"allow_extra_args": True, "ignore_unknown_options": True}
    app.command(context_settings=settings)(lab)


def lab(context: typer.Context) -> None:
    """Open JupyterLab on the first notebook; further options go to JupyterLab.

    In a checkout the notebook opens where it lies. Elsewhere it is copied into the working folder
    first, unless a notebook of this name is there already.
    """
    for module in ("jupyterlab", "ipycanvas", "ipywidgets"):
        if importlib.util.find_spec(module) is None:
            raise ValueError(f"{module} is not installed; run: pip install 'smis[lab]'")
    command = jupyter_command(notebook_to_open(Path.cwd()), context.args)
    raise typer.Exit(subprocess.call(command, env=jupyter_environment()))


def jupyter_environment() -> dict[str, str]:
    """The environment in which Jupyter runs: ours, with `JUPYTER_CONFIG` on the path."""
    # An application settings folder of our own would hide the installation's page configuration.
    paths = (str(JUPYTER_CONFIG), os.environ.get("JUPYTER_CONFIG_PATH"))
    return {**os.environ, "JUPYTER_CONFIG_PATH": os.pathsep.join(filter(None, paths))}


def jupyter_command(notebook: Path, options: list[str]) -> list[str]:
    """What is run: this Python's JupyterLab."""
    # As the address, not as a file to open: the address is also printed for a browser elsewhere.
    command = [
        sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={notebook.parent}",
        f"--LabApp.default_url=/lab/tree/{quote(notebook.name)}",
    ]  # fmt: skip
    # In a container people are root, where Jupyter asks to be told so; the token still guards it.
    if hasattr(os, "geteuid") and os.geteuid() == 0 and "--allow-root" not in options:
        command.append("--allow-root")
    return [*command, *options]


def notebook_to_open(folder: Path) -> Path:
    """The notebook in the checkout that we run from, or a copy in ``folder``.

    Raises:
        FileNotFoundError: the installation lacks the notebook.
        ValueError: the folder cannot be written.
    """
    checkout = Path(smis_core.__file__).parents[1] / "notebooks" / NOTEBOOK
    if checkout.is_file():
        return checkout
    copy = folder / NOTEBOOK
    if not copy.exists():
        from smis_core.images import check_writable

        check_writable(copy)
        shutil.copyfile(_installed_notebook(), copy)
    return copy


def _installed_notebook() -> Path:
    # A wheel's data files lie where the installation scheme puts them; its record knows where.
    for file in importlib.metadata.files("smis") or []:
        if file.name == NOTEBOOK:
            return Path(str(file.locate())).resolve()
    raise FileNotFoundError(
        f"{NOTEBOOK} did not come with this installation; install smis from its wheel or checkout"
    )
