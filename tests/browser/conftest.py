"""Fixtures of the browser tests: a system Chromium and a JupyterLab, both real."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

playwright = pytest.importorskip("playwright.sync_api")

from browser.chromium import ARGUMENTS, find_chromium, in_ci, install_chromium  # noqa: E402
from browser.jupyter import Lab  # noqa: E402


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    path = find_chromium()
    if path is None and in_ci():
        path = install_chromium()
    if path is None:
        pytest.skip("no Chromium here; install it from your distribution's packages")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = Lab(tmp_path_factory.mktemp("lab"))
    yield lab
    lab.stop()


@pytest.fixture(scope="module")
def page(browser: object, lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """A page that the tests of a module share: a kernel that imports torch takes its time."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})  # type: ignore[attr-defined]
    page.set_default_timeout(60_000)
    yield page
    page.screenshot(path=tmp_path_factory.mktemp("page") / "last.png")
    page.close()
    lab.close_kernels()
