"""The search in a real JupyterLab, with the mouse and by keys: walls, grid, piles, a region."""

from __future__ import annotations

import numpy as np
import pytest
from browser.jupyter import Kernel, Lab, becomes, keep_screenshot
from playwright.sync_api import Page, expect

PATIENCE = 120_000
CELL = """
import numpy as np
from smis_widgets import DirectionPiles, RegionEditor, SeedWall, StyleGrid
from widgets.walls import small_directions, small_generator
generator = small_generator()
directions = small_directions(generator)
wall = SeedWall(generator, directions=directions, height=300)
grid = StyleGrid(generator, [1, 2], [3, 4, 5])
piles = DirectionPiles(generator)
editor = RegionEditor(generator, 3, directions=directions)
display(wall, grid, piles, editor)
"""
TILES = ".smis-wall-tile:not(.smis-waiting)"


@pytest.fixture(scope="module")
def opened(lab: Lab, page: Page):
    """A page with all of them, and its kernel."""
    lab.write_notebook("search.ipynb", CELL)
    lab.open(page, "search.ipynb")
    page.locator(f".smis-search {TILES}").first.wait_for(timeout=PATIENCE)
    with lab.kernel() as kernel:
        yield page, kernel


def wall_of(page: Page, place: int = 0):
    return page.locator(".smis-wall").nth(place)


def tile(wall, place: int):
    return wall.locator(f'.smis-wall-tile[data-index="{place}"]')


def picture(page: Page, wall, place: int) -> list[int]:
    """The pixels of a tile, as the page has them."""
    image = tile(wall, place).locator(".smis-main-picture")
    image.wait_for(timeout=PATIENCE)
    return image.evaluate("""image => {
        const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
        const pen = canvas.getContext('2d');
        pen.drawImage(image, 0, 0);
        return [...pen.getImageData(0, 0, canvas.width, canvas.height).data];
    }""")


def of_kernel(kernel: Kernel, wall: str, place: int) -> list[int]:
    pixels = (
        "np.array(__import__('PIL.Image').Image.open(__import__('io').BytesIO("
        f"{wall}.picture({place}))).convert('RGBA')).ravel().tolist()"
    )
    return kernel.value(pixels)


def test_the_page_shows_the_kernels_pictures_and_few_at_a_time(opened):
    page, kernel = opened
    wall = wall_of(page)
    assert picture(page, wall, 3) == of_kernel(kernel, "wall.wall", 3)
    assert 0 < page.locator(".smis-wall").first.locator(".smis-wall-tile").count() < 80
    for each in ("wall.wall", "grid.wall"):  # what is out of sight is not sent for ever
        becomes(kernel, f"len({each}._flying)", 0)


def test_it_fills_as_it_scrolls_and_forgets_what_is_far(opened):
    page, kernel = opened
    wall = wall_of(page)
    before = kernel.value("wall.wall.count")
    for _ in range(3):
        height = wall.evaluate("""wall => {
            const height = wall.scrollHeight;
            wall.scrollTop = height;
            return height;
        }""")
        page.wait_for_function(
            "before => document.querySelector('.smis-wall').scrollHeight > before", arg=height
        )
    becomes(kernel, f"wall.wall.count > {before} + 100", True)
    last = wall.evaluate("""wall => {
        wall.scrollTop = wall.scrollHeight / 2;
        const rows = wall.scrollTop / (wall.scrollHeight - 16);
        return rows;
    }""")
    middle = int(kernel.value("wall.wall.count") * last) + 12
    tile(wall, middle).wait_for(timeout=PATIENCE)
    assert picture(page, wall, middle) == of_kernel(kernel, "wall.wall", middle)
    assert tile(wall, 0).count() == 0
    wall.evaluate("wall => wall.scrollTop = 0")
    tile(wall, 0).locator(".smis-main-picture").wait_for()


def test_mouse_and_keys_choose_and_keep(opened):
    page, kernel = opened
    wall = wall_of(page)
    tile(wall, 2).click()
    becomes(kernel, "wall.chosen.a.seed", 2)
    expect(tile(wall, 2)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("f")
    becomes(kernel, "[state.a.seed for state in wall.favourites]", [3])
    page.keyboard.press("Enter")
    becomes(kernel, "wall.wall.selected", [3])
    page.keyboard.press("ArrowLeft")
    page.keyboard.press(" ")
    becomes(kernel, "wall.wall.selected", [3, 2])
    tile(wall, 5).click(modifiers=["Shift"])
    becomes(kernel, "wall.wall.selected", [3, 2, 4, 5])
    assert page.locator(".jp-Cell").count() == 1


def test_more_like_this_and_between_these(opened):
    page, kernel = opened
    wall = wall_of(page)
    tile(wall, 4).click()
    becomes(kernel, "wall.chosen.a.seed", 4)
    page.get_by_text("more like this", exact=True).click()
    expect(page.locator(".smis-heading").first).to_contain_text("like 4")
    tile(wall, 1).locator(".smis-main-picture").wait_for(timeout=PATIENCE)
    assert picture(page, wall, 0) == of_kernel(kernel, "wall.wall", 0)
    assert picture(page, wall, 1) != picture(page, wall, 0)
    tile(wall, 0).click()
    tile(wall, 2).click(modifiers=["Control"])
    becomes(kernel, "wall.wall.selected", [0, 2])
    page.keyboard.press("b")
    expect(page.locator(".smis-heading").first).to_contain_text("between")
    page.get_by_title("Back to what hung here before").click()
    expect(page.locator(".smis-heading").first).to_contain_text("like 4")
    keep_screenshot(page, "search-1-like")
    assert kernel.value("wall.message.value") == ""


def test_the_grid_follows_the_range_slider(opened):
    page, kernel = opened
    wall = page.locator(".smis-grid .smis-wall")
    wall.scroll_into_view_if_needed()
    tile(wall, 11).locator(".smis-main-picture").wait_for(timeout=PATIENCE)
    before = picture(page, wall, 6)
    edge = picture(page, wall, 4)
    handle = page.locator(".smis-grid .noUi-handle-upper")
    handle.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    becomes(kernel, "[grid.layers[1] - 2, grid.wait()]", [1, True])
    page.wait_for_function(
        "before => document.querySelector('.smis-grid [data-index=\"6\"]').dataset.revision > 1",
        arg=0,
    )
    assert picture(page, wall, 6) == of_kernel(kernel, "grid.wall", 6) != before
    assert picture(page, wall, 4) == edge
    tile(wall, 6).click()
    becomes(kernel, "[grid.chosen.a.seed, grid.chosen.b.seed]", [1, 4])


def test_samples_are_dragged_and_pressed_into_piles(opened):
    page, kernel = opened
    root = page.locator(".smis-sorting")
    root.scroll_into_view_if_needed()
    samples = root.locator("> .smis-wall").first
    tile(samples, 5).locator(".smis-main-picture").wait_for(timeout=PATIENCE)
    less, more = (root.locator(".smis-pile .smis-wall").nth(place) for place in (0, 1))
    less.scroll_into_view_if_needed()
    tile(samples, 0).drag_to(less)
    becomes(kernel, "[s.a.seed for s in piles.piles['less'].states]", [0])
    tile(samples, 1).drag_to(more)
    becomes(kernel, "[s.a.seed for s in piles.piles['more'].states]", [1])
    tile(samples, 4).click()
    becomes(kernel, "piles.wall.selected", [4])
    page.keyboard.press("2")
    becomes(kernel, "[s.a.seed for s in piles.piles['more'].states]", [1, 4])
    becomes(kernel, "piles.direction is not None and piles.wait()", True)
    strip = root.locator("> .smis-wall").last
    strip.scroll_into_view_if_needed()
    tile(strip, 6).locator(".smis-main-picture").wait_for(timeout=PATIENCE)
    assert picture(page, strip, 6) != picture(page, strip, 0)
    tile(more, 0).drag_to(less)
    becomes(kernel, "[len(pile.states) for pile in piles.piles.values()]", [2, 1])
    keep_screenshot(page, "search-2-piles")
    assert kernel.value("piles.message.value") == ""


def test_a_region_is_painted_with_the_mouse(opened):
    page, kernel = opened
    brush = page.locator(".smis-brush")
    brush.scroll_into_view_if_needed()
    before = np.array(kernel.value("np.array(editor.picture).tolist()"))
    kernel.run("editor.rows[directions.names[0]].slider.value = 3.0")
    box = brush.bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.5 * box["height"], steps=6)
    page.mouse.up()
    becomes(kernel, "bool(editor.brush.painted[128, 80:176].all()) and editor.wait()", True)
    after = np.array(kernel.value("np.array(editor.picture).tolist()"))
    painted = np.array(kernel.value("editor.brush.painted.tolist()"))
    inside = painted.reshape(16, 16, 16, 16).any(axis=(1, 3))
    assert (after[inside] != before[inside]).any()
    assert np.array_equal(after[~inside], before[~inside])
    assert not painted[:80].any()
    keep_screenshot(page, "search-3-region")
    page.keyboard.press("Control+z")
    becomes(kernel, "bool(editor.brush.painted.any()) or not editor.wait()", False)
    assert page.locator(".jp-Dialog").count() == 0


def test_a_reloaded_page_shows_everything_again(opened):
    page, kernel = opened
    kernel.run("wall.start()")
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_timeout(1500)
    page.reload()
    page.locator(f".smis-search {TILES}").first.wait_for(timeout=PATIENCE)
    assert picture(page, wall_of(page), 3) == of_kernel(kernel, "wall.wall", 3)
