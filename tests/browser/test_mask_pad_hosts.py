"""The pad elsewhere: Notebook 7 and Voila."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from browser.hosts import server
from browser.jupyter import KERNEL_IS_IDLE
from playwright.sync_api import Page

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
