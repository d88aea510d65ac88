"""`smis lab`: which notebook opens, and how JupyterLab is called."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import smis_core
from smis_core.cli import app, lab

CHECKOUT = Path(smis_core.__file__).parents[1]


def test_in_a_checkout_the_notebook_opens_where_it_lies(tmp_path):
    assert lab.notebook_to_open(tmp_path) == CHECKOUT / "notebooks" / lab.NOTEBOOK
    assert not list(tmp_path.iterdir())


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """An installation: the package without a checkout around it, the notebook as a data file."""
    shipped = tmp_path / "share" / lab.NOTEBOOK
    shipped.parent.mkdir()
    shipped.write_text("shipped", encoding="utf-8")

    class Record:
        name = lab.NOTEBOOK

        @staticmethod
        def locate():
            return shipped

    monkeypatch.setattr(smis_core, "__file__", str(tmp_path / "site" / "smis_core" / "x.py"))
    monkeypatch.setattr("importlib.metadata.files", lambda _: [Record])
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def test_elsewhere_it_is_copied_once(installed):
    copy = lab.notebook_to_open(installed)
    assert copy == installed / lab.NOTEBOOK
    assert copy.read_text(encoding="utf-8") == "shipped"
    copy.write_text("mine", encoding="utf-8")
    assert lab.notebook_to_open(installed).read_text(encoding="utf-8") == "mine"


def test_an_installation_without_it_says_so(installed, monkeypatch):
    monkeypatch.setattr("importlib.metadata.files", lambda _: None)
    with pytest.raises(FileNotFoundError, match="did not come with"):
        lab.notebook_to_open(installed)


def test_jupyter_runs_in_this_python():
    command = lab.jupyter_command(Path("mine", "a b.ipynb"), ["--no-browser", "--port=9999"])
    assert command[:3] == [sys.executable, "-m", "jupyterlab"]
    # What is opened is part of the address, which is printed where there is no browser.
    assert command[3:5] == [
        "--ServerApp.root_dir=mine",
        "--LabApp.default_url=/lab/tree/a%20b.ipynb",
    ]
    assert command[-2:] == ["--no-browser", "--port=9999"]


def test_jupyter_asks_nothing_and_keeps_what_else_is_set(tmp_path, monkeypatch):
    """As JupyterLab reads it, which merges our defaults into those of the installation."""
    settings_utils = pytest.importorskip("jupyterlab_server.settings_utils")
    theirs = tmp_path / "theirs" / "labconfig"
    theirs.mkdir(parents=True)
    theme = {"@jupyterlab/apputils-extension:themes": {"theme": "JupyterLab Dark"}}
    (theirs / "default_setting_overrides.json").write_text(json.dumps(theme))
    shortcut = {"@jupyterlab/shortcuts-extension:shortcuts": {"shortcuts": []}}
    (tmp_path / "overrides.json").write_text(json.dumps(shortcut))
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(theirs.parent))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "fresh"))
    monkeypatch.setattr("os.environ", lab.jupyter_environment())
    overrides, error = settings_utils._get_overrides(str(tmp_path))
    assert not error
    quiet = {"fetchNews": "false", "checkForUpdates": False}
    ours = {"@jupyterlab/apputils-extension:notification": quiet}
    assert overrides.items() >= {**theme, **shortcut, **ours}.items()


def test_a_server_sends_small_messages_at_once(tmp_path, monkeypatch):
    """In a process of its own, configured as `smis lab` configures it, without a person's files."""
    pytest.importorskip("jupyter_server")
    code = """
from unittest.mock import AsyncMock, Mock, patch
import asyncio
from jupyter_server.serverapp import ServerApp
server = ServerApp()
server.initialize(["--allow-root"], new_httpserver=False)
taken = server.web_app.settings["kernel_websocket_connection_class"]
connection, page = taken(), Mock()
with (
    patch.object(server.kernel_websocket_connection_class, "connect", AsyncMock()) as connect,
    patch.object(taken, "websocket_handler", page),
):
    asyncio.run(connection.connect())
page.set_nodelay.assert_called_once_with(True)
connect.assert_called_once()
"""
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    environment = lab.jupyter_environment()
    subprocess.run([sys.executable, "-c", code], env=environment, cwd=tmp_path, check=True)


def test_options_go_to_jupyter_and_its_exit_code_comes_back(monkeypatch):
    called = []
    monkeypatch.setattr("subprocess.call", lambda command, env: called.append((command, env)) or 3)
    result = CliRunner().invoke(app, ["lab", "--no-browser", "--port", "9999"])
    assert result.exit_code == 3
    ((command, environment),) = called
    assert command[-3:] == ["--no-browser", "--port", "9999"]
    assert str(lab.JUPYTER_CONFIG) in environment["JUPYTER_CONFIG_PATH"].split(os.pathsep)


def test_without_jupyterlab_it_names_the_cure(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    result = CliRunner().invoke(app, ["lab"])
    assert result.exit_code == 1
    assert "pip install 'smis[lab]'" in result.output
