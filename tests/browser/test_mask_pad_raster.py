"""The two rasterisers cover the same pixels: Python's and the one that runs in the browser."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest

from smis_core.drawing import MAX_SIZE, REACH, UNIT, read_operation
from smis_core.drawing import rasterise as python
from smis_widgets.shell import joined

ROUNDS = 6
OPERATIONS = 600
TOOLS = ("stroke", "square", "polygon", "rectangle", "ellipse", "landmark")

IN_THE_BROWSER = """([operations, side]) => {
    const bits = new Uint8Array(side * side);
    return operations.map((record) => {
        const points = [];
        for (let at = 0; at < (record.points ?? []).length; at += 2)
            points.push([record.points[at], record.points[at + 1]]);
        const raster = rasterise({ ...record, points }, side, side);
        bits.fill(0);
        const width = raster.right - raster.left;
        for (let row = raster.top; row < raster.bottom; row++)
            for (let column = raster.left; column < raster.right; column++)
            {
                const at = (row - raster.top) * width + column - raster.left;
                bits[row * side + column] = raster.mask[at];
            }
        let text = '';
        for (let at = 0; at < bits.length; at += 8) {
            let byte = 0;
            for (let bit = 0; bit < 8; bit++) byte = byte * 2 + (bits[at + bit] ?? 0);
            text += String.fromCharCode(byte);
        }
        return btoa(text);
    });
}"""


@pytest.fixture(scope="module")
def script(browser):
    page = browser.new_page()
    page.add_script_tag(content=joined("pad", "raster"))
    yield page
    page.close()


def places(rng: np.random.Generator, count: int, side: int) -> np.ndarray:
    """Positions: wild, close together, or exactly where ties are."""
    kind = rng.integers(4)
    if kind == 0:
        return rng.integers(-side * 8, side * 24, (count, 2))
    if kind == 1:
        return rng.integers(0, side * UNIT, 2) + rng.integers(-60, 61, (count, 2)).cumsum(axis=0)
    if kind == 2:
        return rng.integers(-2, side + 2, (count, 2)) * UNIT + rng.choice([0, 8], (count, 2))
    return rng.integers(-REACH, REACH, (count, 2))


def record(rng: np.random.Generator, side: int) -> dict[str, object]:
    """An operation as a front end would send it."""
    tool = str(rng.choice(TOOLS))
    count = 2 if tool in ("rectangle", "ellipse") else int(rng.integers(1, 9))
    points = places(rng, count, side).clip(-REACH, REACH)
    sizes = rng.integers(1, [UNIT + 2, 100, 1500, MAX_SIZE][rng.integers(4)] + 1, count)
    made: dict[str, object] = {"tool": tool, "index": 1, "points": points.ravel().tolist()}
    if tool in ("stroke", "square"):
        made |= {"tool": "stroke", "sizes": sizes.tolist()}
        made["brush"] = "round" if tool == "stroke" else "square"
    if tool == "landmark":
        del made["points"]
        made |= {"at": points[0].tolist(), "size": int(sizes[0])}
    return made


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_thousands_of_operations_cover_the_same_pixels(script, round_):
    rng = np.random.default_rng(round_)
    side = (64, 97, 40, 128, 8, 200)[round_]
    records = [record(rng, side) for _ in range(OPERATIONS)]
    covered = 0
    for made, answer in zip(records, script.evaluate(IN_THE_BROWSER, [records, side]), strict=True):
        wanted = np.zeros((side, side), bool)
        found = python(read_operation(made), (side, side))
        if found is not None:
            wanted[found[0].slices] = found[1]
        bits = np.unpackbits(np.frombuffer(base64.b64decode(answer), np.uint8))
        got = bits[: side * side].reshape(side, side).astype(bool)
        assert np.array_equal(got, wanted), json.dumps(made)
        covered += bool(wanted.any())
    assert covered > OPERATIONS // 4
