"""Other places where the pad must live: Notebook 7, Voila, and a page with a manager alone."""

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


MANAGER = """<!doctype html><meta charset="utf-8"><body>
<div><div><a id="help_menu"></a></div></div><div id="here"></div>
<script>
// As little of AMD and of a notebook as a widget manager asks for.
const anything = new Proxy(() => {}, { get: () => anything, apply: () => anything });
window.Jupyter = { version: "7.0.0", notification_area: anything, menubar: anything };
class OutputArea {
    register_mime_type() {}
}
const comm = { on_msg() {}, on_close() {}, send() {}, close() {}, comm_id: "control" };
const comms = {
    register_target() {},
    register_comm() {},
    new_comm: async (target, data, callbacks, metadata, id, buffers) => comm,
};
const kernel = {
    comm_manager: comms,
    is_connected: () => true,
    comm_info: (target, done) => done({ content: { comms: {} } }),
};
comms.kernel = kernel;
const events = { on() {} };
const get_cells = () => [];
const known = { kernel, metadata: {}, events, get_cells };
const get = (all, name) => (name in all ? all[name] : anything);
window.Jupyter.notebook = new Proxy(known, { get });
window.modules = {
    "base/js/namespace": window.Jupyter,
    "base/js/events": events,
    "notebook/js/outputarea": { OutputArea },
    "services/kernels/comm": { Comm: class { constructor() { return comm; } } },
};
window.define = (needs, make) => { window.defined = [needs, make]; };
window.require = (names, done) => done(...names.map((name) => window.modules[name]));
window.requirejs = window.require;
window.requirejs.config = () => {};
window.load = (name) => {
    const [needs, make] = window.defined;
    const own = { id: name, uri: "http://page.invalid/x.js" };
    const found = needs.map((need) => (need === "module" ? own : window.modules[need]));
    window.modules[name] = make(...found);
};
</script></body>"""

SHOW = """async ([state, id]) => {
    // A manager on `@jupyter-widgets/base-manager`, as HTMLManager is, and no kernel behind it.
    await window.modules["@jupyter-widgets/base"].load_ipython_extension();
    const manager = window.Jupyter.notebook.kernel.widget_manager;
    await manager.set_state(state);
    const model = await manager.get_model(id);
    const view = await manager.create_view(model);
    document.getElementById("here").append(view.el);
    window.model = model;
}"""
