"""The panel of the sliders by the mouse, with a small generator that has classes and a place."""

from __future__ import annotations

import io
import zlib

import numpy as np
import pytest
from browser.jupyter import Kernel, Lab, becomes, keep_screenshot
from PIL import Image
from playwright.sync_api import Locator, Page, expect

CELL = """
import zlib
import numpy as np
from editing.conftest import stylegan3
from smis_core.editing import sefa
from smis_widgets import ImageView, LatentSliders
from smis_widgets.uploads import FileButton
generator = stylegan3(c_dim=3)
sliders = LatentSliders(generator, directions=sefa(generator, count=3, label=0), folder="kept")
pixels = np.random.default_rng(0).integers(0, 256, (48, 48, 3), np.uint8)
view = ImageView(pixels)
view.layout.width = "240px"
files = []
def keep(name, data):
    files.append([name, zlib.crc32(data)])
button = FileButton("bring pictures", accept="image/*", on_file=keep, on_error=print)
display(sliders, view, button)
"""
PASTED = """async () => {
    const [item] = await navigator.clipboard.read();
    const image = await createImageBitmap(await item.getType('image/png'));
    const canvas = new OffscreenCanvas(image.width, image.height);
    const pen = canvas.getContext('2d');
    pen.drawImage(image, 0, 0);
    return [...pen.getImageData(0, 0, image.width, image.height).data];
}"""


@pytest.fixture(scope="module")
def opened(lab: Lab, page: Page):
    """A page with the sliders and a picture by itself, and its kernel."""
    lab.write_notebook("panel.ipynb", CELL)
    lab.open(page, "panel.ipynb")
    page.locator(".smis-turn [data-painted]").wait_for(timeout=180_000)
    with lab.kernel() as kernel:
        yield page, kernel


@pytest.fixture
def anew(opened):
    """The same, with nothing turned or locked."""
    page, kernel = opened
    kernel.run("sliders.go(0); sliders._desk.locked = set(); sliders.refresh()")
    yield page, kernel
    assert kernel.value("sliders.wait(60)")
    assert kernel.value("sliders.message.value") == ""


def line(page: Page, name: str) -> Locator:
    """A group's line in the table of layers."""
    return page.locator(".smis-turn-line").filter(has=page.locator("b", has_text=name))


def track(page: Page, column: str, rows: str) -> Locator:
    return page.locator(f"[data-column='{column}'][data-rows='{rows}']")


def rows_of(kernel: Kernel, group: str) -> list[int]:
    return kernel.value(
        f"next(g['rows'] for g in sliders.panel.layout_of['groups'] if g['name'] == '{group}')"
    )


def press(page: Page, track: Locator, key: str) -> None:
    track.scroll_into_view_if_needed()
    track.focus()
    page.keyboard.press(key)
    page.keyboard.press("Tab")


def test_chips_bring_columns_and_take_them_away(anew):
    page, kernel = anew
    chip = page.locator(".smis-chip", has_text="noise")
    before = kernel.value("sliders.columns")
    chip.click()
    becomes(kernel, "'noise' in sliders.columns", True)
    expect(chip).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".smis-turn-head")).to_contain_text("noise")
    chip.click()
    becomes(kernel, "sliders.columns", before)
    expect(page.locator(".smis-turn-head")).not_to_contain_text("noise")


def test_groups_fold_and_their_rows_follow_them(anew):
    page, kernel = anew
    rows = rows_of(kernel, "middle")
    first = track(page, "psi", str(rows[0]))
    fold = line(page, "middle").locator(".smis-fold-button")
    expect(first).to_be_hidden()
    fold.click()
    expect(fold).to_have_attribute("aria-expanded", "true")
    expect(first).to_be_visible()
    press(page, track(page, "psi", " ".join(map(str, rows))), "End")
    becomes(kernel, f"sliders.state.edit.rows[{rows[-1]}].psi", 1.5)
    expect(first).to_have_attribute("aria-valuenow", "1.5")
    fold.click()
    expect(first).to_be_hidden()


def test_locks_hold_against_only_this_and_reset(anew):
    page, kernel = anew
    coarse, middle = rows_of(kernel, "coarse"), rows_of(kernel, "middle")
    press(page, page.locator(".smis-turn-all [data-column='psi']"), "Home")
    rows = [coarse[0], middle[0], middle[1]]
    psi = f"[sliders.state.edit.rows[row].psi for row in {rows}]"
    becomes(kernel, psi, [-0.5] * 3)
    lock = line(page, "coarse").locator(".smis-turn-lock")
    line(page, "coarse").hover()
    lock.click()
    becomes(kernel, "sorted(sliders._desk.locked)", coarse)
    expect(lock).to_have_attribute("aria-pressed", "true")
    expect(track(page, "psi", " ".join(map(str, coarse)))).to_have_attribute(
        "aria-disabled", "true"
    )
    fold = line(page, "middle").locator(".smis-fold-button")
    fold.click()
    first = page.locator(".smis-turn-line").filter(has=track(page, "psi", str(middle[0])))
    first.hover()
    first.locator(".smis-turn-only").click()
    becomes(kernel, psi, [-0.5, -0.5, 1.0])
    fold.click()
    everything = page.locator(".smis-turn-all")
    everything.hover()
    everything.locator(".smis-turn-reset").click()
    becomes(kernel, psi, [-0.5, 1.0, 1.0])
    keep_screenshot(page, "panel-1-locked")
    line(page, "coarse").hover()
    lock.click()
    line(page, "coarse").locator(".smis-turn-reset").click()
    becomes(kernel, psi, [1.0] * 3)


def test_a_class_is_chosen(anew):
    page, kernel = anew
    kernel.run("sliders.wait(60); before = sliders.picture")
    page.get_by_label("Class of source A").select_option("2")
    becomes(kernel, "sliders.state.a.label", 2)
    kernel.run("sliders.wait(60)")
    assert kernel.value("bool((sliders.picture - before).abs().mean() > 0.01)")


def test_the_picture_is_moved_and_turned(anew):
    page, kernel = anew
    for name, key, wanted in (("x", "End", 0.5), ("turn", "PageUp", 0.05)):
        press(page, page.locator(f"[data-place='{name}']"), key)
        becomes(kernel, f"sliders.state.placement.{name}", wanted)
    keep_screenshot(page, "panel-2-placed")
    kernel.run("sliders.undo()")
    expect(page.locator("[data-place='turn']")).to_have_attribute("aria-valuenow", "0")


@pytest.fixture
def alone(opened):
    """The picture by itself, whole."""
    page, _ = opened
    view = page.locator(".smis-picture").last
    view.scroll_into_view_if_needed()
    view.hover()
    yield view
    view.focus()
    page.keyboard.press("0")


def shown_at(view: Locator) -> list[float]:
    """Scale, and place of the left upper corner."""
    return view.locator(".smis-picture-stage").evaluate(
        "stage => { const m = new DOMMatrix(getComputedStyle(stage).transform); "
        "return [m.a, m.e, m.f]; }"
    )


def test_a_picture_is_enlarged_where_the_pointer_is_and_moved(opened, alone):
    page, _ = opened
    box = alone.bounding_box()
    x, y = box["x"] + box["width"] / 4, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    scale, left, top = shown_at(alone)
    assert scale == pytest.approx(np.e, rel=0.01)
    # What lay under the pointer still does.
    assert (x - box["x"] - left) / scale == pytest.approx(box["width"] / 4, abs=1)
    assert (y - box["y"] - top) / scale == pytest.approx(box["height"] / 2, abs=1)
    page.mouse.down()
    page.mouse.move(x - 30, y + 20, steps=4)
    page.mouse.up()
    assert shown_at(alone) == pytest.approx([scale, left - 30, top + 20], abs=1)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 2000, y, steps=4)
    page.mouse.up()
    assert shown_at(alone)[1] == pytest.approx(0, abs=1)  # no farther than its edge
    page.mouse.dblclick(x, y)
    assert shown_at(alone) == [1, 0, 0]


def test_a_picture_is_enlarged_by_keys_and_buttons(opened, alone):
    page, _ = opened
    alone.focus()
    for key in "++-":
        page.keyboard.press(key)
    assert shown_at(alone)[0] == pytest.approx(1.5)
    page.keyboard.press("ArrowRight")
    assert shown_at(alone)[1] < -0.3 * alone.bounding_box()["width"] / 2
    whole = alone.get_by_title("The whole picture")
    whole.click()
    assert shown_at(alone) == [1, 0, 0]
    expect(whole).to_be_disabled()
    alone.get_by_title("Enlarge").click()
    assert shown_at(alone)[0] == pytest.approx(1.5)


def test_a_picture_is_copied_and_saved(opened, alone):
    page, kernel = opened
    wanted = np.array(kernel.value("pixels.tolist()"), np.uint8)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    alone.get_by_title("Copy the picture").click()
    page.wait_for_function("async () => (await navigator.clipboard.read()).length > 0")
    pasted = np.array(page.evaluate(PASTED), np.uint8).reshape(48, 48, 4)
    assert np.array_equal(pasted[..., :3], wanted)
    with page.expect_download() as saved:
        alone.get_by_title("Save the picture").click()
    assert saved.value.suggested_filename == "picture.png"
    kept = Image.open(io.BytesIO(saved.value.path().read_bytes()))
    assert np.array_equal(np.array(kept.convert("RGB")), wanted)


def test_files_larger_than_a_message_are_brought(opened):
    page, kernel = opened
    sizes = {"small.png": 1000, "camera.jpg": 11 * 2**20, "empty.png": 0}
    files = {
        name: np.random.default_rng(size).integers(0, 256, size, np.uint8).tobytes()
        for name, size in sizes.items()
    }
    with page.expect_file_chooser() as chosen:
        page.get_by_role("button", name="bring pictures").click()
    chosen.value.set_files(
        [{"name": name, "mimeType": "image/png", "buffer": data} for name, data in files.items()]
    )
    becomes(kernel, "files", [[name, zlib.crc32(data)] for name, data in files.items()])
    keep_screenshot(page, "panel-3-files")
