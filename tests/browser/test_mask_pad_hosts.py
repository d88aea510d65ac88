"""The pad elsewhere: Notebook 7, Voila, and a bare page with a widget manager and nothing else."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from browser.hosts import MANAGER, SHOW, server
from browser.jupyter import KERNEL_IS_IDLE
from ipywidgets.embed import dependency_state
from jupyter_core.paths import jupyter_path
from playwright.sync_api import Page

from smis_widgets.mask_pad import MaskPad

PAD = """
from smis_widgets import MaskPad
pad = MaskPad(resolution=64)
pad
"""


@pytest.fixture
def empty(browser) -> Page:
    page = browser.new_page(viewport={"width": 1100, "height": 900})
    page.set_default_timeout(180_000)
    yield page
    page.close()


def write_notebook(folder: Path) -> None:
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(PAD)])
    book.metadata["kernelspec"] = {
        "name": "python3", "display_name": "Python 3", "language": "python",
    }  # fmt: skip
    nbformat.write(book, folder / "pad.ipynb")


def draw_and_settle(page: Page) -> None:
    """A stroke by mouse, which the kernel must answer."""
    surface = page.locator(".smis-surface").first
    surface.wait_for()
    page.wait_for_function("() => document.querySelector('.smis-surface').smis?.sheet.side === 64")
    surface.scroll_into_view_if_needed()
    box = surface.bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.5 * box["height"], steps=6)
    page.mouse.up()
    page.wait_for_function(
        """() => {
            const { sheet, wire } = document.querySelector('.smis-surface').smis;
            return wire.through >= 0 && wire.kept.size === 0 && sheet.settled[32 * 64 + 32] === 13;
        }"""
    )


def test_it_draws_in_notebook_7(empty, tmp_path):
    write_notebook(tmp_path)
    command = (
        "notebook", "--no-browser", "--allow-root", "--ServerApp.port={port}",
        "--IdentityProvider.token={token}", "--JupyterNotebookApp.expose_app_in_browser=True",
    )  # fmt: skip
    with server(tmp_path, *command, ready="/api/status") as address:
        empty.goto(address.format(path="/notebooks/pad.ipynb"))
        empty.wait_for_selector(".jp-NotebookPanel .jp-Cell")
        empty.wait_for_function(KERNEL_IS_IDLE)
        empty.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
        draw_and_settle(empty)


def test_it_draws_in_voila(empty, tmp_path):
    write_notebook(tmp_path)
    command = ("voila", "pad.ipynb", "--no-browser", "--port={port}", "--token={token}")
    with server(tmp_path, *command, ready="/static/nothing") as address:
        empty.goto(address.format(path="/"))
        draw_and_settle(empty)


def test_the_front_end_loads_where_there_is_a_widget_manager_and_nothing_else(empty):
    """No JupyterLab, no server, no address: only what VS Code, Colab and saved pages have too."""
    asked = []
    empty.on("request", lambda request: asked.append(request.url))
    errors = []
    empty.on("pageerror", lambda error: errors.append(str(error)))
    empty.set_content(MANAGER)
    for name, folder in (
        ("@jupyter-widgets/base", "jupyter-js-widgets/extension.js"),
        ("anywidget", "anywidget/index.js"),
    ):
        (script,) = [
            path for root in jupyter_path("nbextensions") if (path := Path(root) / folder).exists()
        ][:1]
        empty.add_script_tag(path=script)
        empty.evaluate("name => window.load(name)", name)
    pad = MaskPad(resolution=64)
    models = dependency_state(pad._front)
    state = {"version_major": 2, "version_minor": 0, "state": models}
    empty.evaluate(SHOW, [state, pad._front.model_id])
    empty.locator(".smis-surface").wait_for()
    # The page answers in the kernel's place.
    empty.evaluate("""() => {
        const bytes = new DataView(new Uint8Array(64 * 64).fill(255).buffer);
        const state = { kind: 'state', revision: 1, side: 64, packed: false, receipts: {} };
        window.model.trigger('msg:custom', state, [bytes]);
    }""")
    empty.wait_for_function("() => document.querySelector('.smis-surface').smis.sheet.side === 64")
    box = empty.locator(".smis-surface").bounding_box()
    empty.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    empty.wait_for_function(
        "() => document.querySelector('.smis-surface').smis.sheet.shown[32 * 64 + 32] === 13"
    )
    empty.get_by_role("radio", name="skin").click()
    empty.get_by_title("Polygon").click()
    assert errors == []
    assert [url for url in asked if not url.startswith(("blob:", "data:"))] == []
    pad.close()
