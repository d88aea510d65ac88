"""Draws on a pad from within its page: pointer events made by a script, many and fast."""

from __future__ import annotations

import base64
import zlib

import numpy as np
from browser.jupyter import Kernel
from playwright.sync_api import Page

SLOW_WAY = """() => {
    // What the page sends to the kernel takes `smisDelay` milliseconds longer.
    const send = WebSocket.prototype.send;
    window.smisDelay = 0;
    WebSocket.prototype.send = function (data) {
        if (window.smisDelay) setTimeout(() => send.call(this, data), window.smisDelay);
        else send.call(this, data);
    };
}"""

TRAIN = """
import threading, time, numpy
from smis_core.jobs import Job
def steps():
    rng = numpy.random.default_rng(0)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        a = rng.random((300, 300))
        for _ in range(20):
            a = numpy.tanh(a @ a / 300)
        yield sum(i * i for i in range(20_000))
job = Job(steps)
job.start()
"""
"""A training that keeps the kernel busy until `job` is stopped, a minute at most."""

HELPERS = """(place) => {
    const surface = document.querySelectorAll('.smis-surface')[place];
    const { sheet, wire, model } = surface.smis;
    // Events of a script belong to no pointer that could be captured; a mouse's do.
    const capture = surface.setPointerCapture.bind(surface);
    surface.setPointerCapture = (id) => {
        try {
            capture(id);
        } catch {}
    };
    const send = (name, x, y, more = {}) => {
        const box = surface.getBoundingClientRect();
        const at = { clientX: box.left + x * box.width, clientY: box.top + y * box.height };
        const pen = { pointerId: 7, pointerType: 'mouse', button: 0, pressure: 0.5 };
        surface.dispatchEvent(new PointerEvent(name, { bubbles: true, ...pen, ...at, ...more }));
    };
    const key = (name) => {
        surface.dispatchEvent(new KeyboardEvent('keydown', { key: name, bubbles: true }));
    };
    let seed = 1;
    const random = () => {
        seed = (seed + 0x6d2b79f5) | 0;
        let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
        return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
    const pick = (list) => list[Math.floor(random() * list.length)];
    const place_ = () => random() * 1.2 - 0.1;
    const one = (tool) => {
        const labels = model.get('palette').map(({ index }) => index);
        model.set('tool', tool);
        model.set('label', pick(labels));
        model.set('brush_size', 1 + Math.floor(random() ** 2 * 30));
        model.set('brush_shape', pick(['round', 'square']));
        model.set('over', random() < 0.15 ? pick([...labels, 255]) : -1);
        model.set('protected', random() < 0.15 ? [pick(labels), pick(labels)] : []);
        const pen = random() < 0.3 ? 'pen' : 'mouse';
        let [x, y] = [place_(), place_()];
        const walk = () => {
            x += random() * 0.3 - 0.15;
            y += random() * 0.3 - 0.15;
            return [x, y, { pointerType: pen, pressure: random() }];
        };
        if (tool === 'polygon' || tool === 'polyline') {
            for (let corner = 0; corner < 3 + random() * 4; corner++) {
                send('pointerdown', ...walk());
                send('pointerup', x, y, { pointerType: pen });
            }
            key('Enter');
        } else {
            send('pointerdown', ...walk());
            for (let step = 0; step < 2 + random() * 6; step++) send('pointermove', ...walk());
            send('pointerup', ...walk());
            if (tool === 'move') key('Enter');
        }
    };
    const rest = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
    const bytes = (indices) => {
        let text = '';
        for (let at = 0; at < indices.length; at += 8192)
            text += String.fromCharCode(...indices.subarray(at, at + 8192));
        return btoa(text);
    };
    window.smisTest = {
        sheet, wire, model, surface, send, key, bytes,
        // So many strokes of each tool in turn; the page breathes in between.
        async draw(tools, count, start) {
            seed = start;
            for (let stroke = 0; stroke < count; stroke++) {
                for (const tool of tools) one(tool);
                if (stroke % 5 === 4) await rest(1);
                while (wire.kept.size > 400) await rest(20);
            }
            wire.flush();
            return bytes(sheet.shown);
        },
        settled: () =>
            wire.kept.size === 0 && sheet.pending.size === 0 && !sheet.draft && !sheet.stale,
    };
}"""


class PadInPage:
    """A pad that a script of the page draws on.

    Args:
        page: with the pad in it.
        kernel: in which it is called `pad`.
        place: which of the pads in the page.
    """

    def __init__(self, page: Page, kernel: Kernel, place: int = 0) -> None:
        self.page = page
        self.kernel = kernel
        page.evaluate(HELPERS, place)

    def draw(self, tools: list[str], count: int, *, seed: int = 1) -> np.ndarray:
        """Draw random strokes; returns what the page shows at their end."""
        wanted = [tools, count, seed]
        return self._array(self.page.evaluate("a => window.smisTest.draw(...a)", wanted))

    def settle(self, *, seconds: float = 120) -> None:
        """Wait until the kernel has answered everything."""
        self.page.wait_for_function("() => window.smisTest.settled()", timeout=1000 * seconds)

    def shown(self) -> np.ndarray:
        """What the page shows."""
        return self._array(self.page.evaluate("() => smisTest.bytes(smisTest.sheet.shown)"))

    def kept(self) -> np.ndarray:
        """What the kernel holds."""
        code = (
            "__import__('base64').b64encode("
            "__import__('zlib').compress(pad.value.indices.tobytes())).decode()"
        )
        data = zlib.decompress(base64.b64decode(self.kernel.value(code)))
        return self._square(np.frombuffer(data, np.uint8))

    def _array(self, text: str) -> np.ndarray:
        return self._square(np.frombuffer(base64.b64decode(text), np.uint8))

    @staticmethod
    def _square(values: np.ndarray) -> np.ndarray:
        side = int(len(values) ** 0.5)
        return values.reshape(side, side)
