"""A real JupyterLab for browser tests, its pages, and a second client to its kernels."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client import BlockingKernelClient
from playwright.sync_api import Locator, Page, TimeoutError

from smis_core.cli.lab import jupyter_environment

REPOSITORY = Path(__file__).parents[2]

KERNEL_IS_IDLE = """() => {
    const panel = window.jupyterapp?.shell.currentWidget;
    return panel?.sessionContext?.session?.kernel?.status === 'idle';
}"""


RUN_NEXT = "() => window.jupyterapp.commands.execute('notebook:run-cell-and-select-next')"
THEME = "theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"


def keep_screenshot(page: Page | Locator, name: str) -> None:
    """Where SMIS_SCREENSHOTS names a folder, for people to look at."""
    if folder := os.environ.get("SMIS_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png")


def becomes(kernel: Kernel, expression: str, wanted: object) -> None:
    """Fail, with what it is instead, if an expression does not come to a value."""
    assert kernel.becomes(expression, wanted, timeout=120), kernel.value(expression)


class Lab:
    """JupyterLab on a free port, with its settings, kernels and notebooks in a folder of its own.

    Args:
        folder: where everything lives; notebooks are opened from here.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.token = secrets.token_hex(16)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._runtime = folder / ".runtime"
        self._log = (folder / "lab.log").open("wb")
        command = [
            sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root",
            f"--ServerApp.port={self.port}", "--ServerApp.port_retries=0",
            f"--IdentityProvider.token={self.token}", f"--ServerApp.root_dir={folder}",
            "--LabApp.expose_app_in_browser=True",
        ]  # fmt: skip
        # Kernels find the package, installed or not, and what tests share with them.
        roots = [str(REPOSITORY), str(REPOSITORY / "tests"), os.environ.get("PYTHONPATH")]
        path = os.pathsep.join(filter(None, roots))
        environment = {
            **jupyter_environment(),
            "PYTHONPATH": path,
            "JUPYTER_RUNTIME_DIR": str(self._runtime),
            "JUPYTER_CONFIG_DIR": str(folder / ".config"),
            "JUPYTERLAB_SETTINGS_DIR": str(folder / ".settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(folder / ".workspaces"),
        }
        self._process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=self._log, stderr=subprocess.STDOUT
        )
        self._wait_up()

    def write_notebook(self, name: str, *cells: str) -> None:
        """A notebook of code cells. Without a kernel named in it a dialog would swallow clicks."""
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        book.metadata["kernelspec"] = {
            "name": "python3", "display_name": "Python 3", "language": "python",
        }  # fmt: skip
        nbformat.write(book, self.folder / name)

    def open(self, page: Page, name: str, *, run: bool = True) -> None:
        """Open a notebook in a page, wait for its kernel, and run all its cells."""
        for attempt in range(3):
            page.goto(f"http://127.0.0.1:{self.port}/lab/tree/{name}?token={self.token}&reset")
            page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=180_000)
            try:
                page.wait_for_function(KERNEL_IS_IDLE, timeout=60_000)
                break
            except TimeoutError:
                # A kernel that starts while the machine is busy can miss JupyterLab's greeting, and
                # then stays 'unknown' for ever.
                if attempt == 2:
                    raise
                self.close_kernels()
        if run:
            page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")

    def lesson(self, page: Page, name: str, *, last: str) -> None:
        """Open one of the project's notebooks and run it up to the cell that ends with a line."""
        shutil.copy(REPOSITORY / "notebooks" / name, self.folder)
        self.open(page, name, run=False)
        cells = nbformat.read(REPOSITORY / "notebooks" / name, 4).cells
        wanted = next(
            place for place, each in enumerate(cells) if each.source.endswith(f"\n{last}")
        )
        for _ in range(wanted + 1):
            page.evaluate(RUN_NEXT)

    def kernel(self) -> Kernel:
        """A client to the kernel of the only open notebook."""
        (session,) = self._get("/api/sessions")
        return Kernel(self._runtime / f"kernel-{session['kernel']['id']}.json")

    def close_kernels(self) -> None:
        """End all kernels, so that the next test starts its own."""
        for session in self._get("/api/sessions"):
            self._call("DELETE", f"/api/sessions/{session['id']}")

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._log.close()

    def log(self) -> str:
        """What the server and its kernels wrote."""
        return (self.folder / "lab.log").read_text(errors="replace")

    def _wait_up(self) -> None:
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            try:
                self._get("/api/status")
                return
            except OSError:
                time.sleep(0.3)
        self.stop()
        raise RuntimeError(f"JupyterLab did not start:\n{self.log()[-4000:]}")

    def _get(self, path: str) -> Any:
        return json.loads(self._call("GET", path))

    def _call(self, method: str, path: str) -> bytes:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            headers={"Authorization": f"token {self.token}"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return bytes(answer.read())


class Kernel:
    """Runs code in a kernel that a page uses too.

    Args:
        connection_file: the kernel's.
    """

    def __init__(self, connection_file: Path) -> None:
        self._client = BlockingKernelClient(connection_file=str(connection_file))
        self._client.load_connection_file()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=60)

    def __enter__(self) -> Kernel:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.stop_channels()

    def run(self, code: str, *, timeout: float = 60) -> None:
        """Run statements; RuntimeError with the kernel's traceback if they fail."""
        self._execute(code, {}, timeout)

    def value(self, expression: str, *, timeout: float = 60) -> Any:
        """The value of an expression that JSON can carry."""
        wrapped = {"value": f"__import__('json').dumps({expression})"}
        answer = self._execute("", wrapped, timeout)["user_expressions"]["value"]
        if answer["status"] != "ok":
            raise RuntimeError(f"{expression}: {answer['ename']}: {answer['evalue']}")
        return json.loads(eval(answer["data"]["text/plain"], {}))

    def becomes(self, expression: str, wanted: Any, *, timeout: float = 20) -> bool:
        """Wait until an expression has a value: what a page does arrives in its own time."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self.value(expression) == wanted:
                return True
            time.sleep(0.02)
        return False

    def _execute(self, code: str, expressions: dict[str, str], timeout: float) -> dict[str, Any]:
        # The reply alone: a busy page's pictures overflow the channel that outputs come by.
        reply = self._client.execute(
            code, store_history=False, user_expressions=expressions, reply=True, timeout=timeout
        )
        content: dict[str, Any] = reply["content"]
        if content["status"] != "ok":
            raise RuntimeError("\n".join(content["traceback"]))
        return content
