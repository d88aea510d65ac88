"""Other places where the pad must live: Notebook 7 and Voila."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from browser.jupyter import REPOSITORY

from smis_core.cli.lab import jupyter_environment


@contextmanager
def server(folder: Path, *command: str, ready: str = "") -> Iterator[str]:
    """A server in a process of its own.

    Args:
        folder: where it runs and keeps its settings.
        command: of `python -m`; {port} and {token} in it are filled.
        ready: path that answers once it is up.

    Yields:
        Its address, and the token as a query.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    roots = [str(REPOSITORY), str(REPOSITORY / "tests"), os.environ.get("PYTHONPATH")]
    environment = {
        **jupyter_environment(),
        "PYTHONPATH": os.pathsep.join(filter(None, roots)),
        "JUPYTER_RUNTIME_DIR": str(folder / ".runtime"),
        "JUPYTER_CONFIG_DIR": str(folder / ".config"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / ".settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / ".workspaces"),
    }
    filled = [part.format(port=port, token=token) for part in command]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *filled],
            cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            _wait(process, f"http://127.0.0.1:{port}{ready}?token={token}", folder / "server.log")
            yield f"http://127.0.0.1:{port}{{path}}?token={token}"
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=10).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.3)
    raise RuntimeError(f"the server did not start:\n{log.read_text(errors='replace')[-4000:]}")
