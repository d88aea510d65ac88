"""The pad's front end in an empty page, with the pad itself in this process: no server between."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
from browser.pad import HELPERS
from playwright.sync_api import Page

from smis_widgets.mask_pad import MaskPad

PAGE = """<!doctype html><meta charset="utf-8"><style>{css}</style>
<div class="smis-pad" style="width: 680px"><div class="smis-pad-main">
<div class="smis-stage"></div><div id="here"></div></div></div>
<script type="module">
{script}
const state = {state};
const heard = {{}};
const tell = (name, ...more) => (heard[name] ?? []).forEach((act) => act(...more));
const model = {{
    get: (name) => state[name],
    set(name, value) {{ state[name] = value; tell(`change:${{name}}`); }},
    save_changes() {{}},
    on(name, act) {{ (heard[name] ??= []).push(act); }},
    off(name, act) {{ heard[name] = (heard[name] ?? []).filter((each) => each !== act); }},
    send(content) {{ window.sent.push(content); }},
}};
window.sent = [];
window.answer = (answers) => {{
    for (const [content, data] of answers) {{
        const code = (letter) => letter.charCodeAt(0);
        const bytes = data.map((each) => Uint8Array.from(atob(each), code));
        tell("msg:custom", content, bytes.map((each) => new DataView(each.buffer)));
    }}
}};
initialize({{ model }});
window.leave = render({{ model, el: document.getElementById("here") }});
</script>"""


class BarePad:
    """A pad and its page.

    Args:
        page: an empty one.
        pad: what the page shows.
    """

    def __init__(self, page: Page, pad: MaskPad) -> None:
        self.page, self.pad = page, pad
        self._answers: list[tuple[dict[str, Any], list[str]]] = []
        self._front = pad._front
        self._front.send = self._answer
        self._open(page)
        self.pump()
        page.wait_for_function("() => document.querySelector('.smis-surface')?.smis.sheet.side")
        page.evaluate(HELPERS, 0)

    def _open(self, page: Page) -> None:
        """Put the front end into the page, with `window.sent` and `window.answer`."""
        state = {
            name: value
            for name, value in self._front.get_state().items()
            if not name.startswith("_") and isinstance(value, (str, int, float, list, dict))
        }
        script = str(self._front._esm).replace("export default", "window.front =")
        page.set_content(PAGE.format(css=self._front._css, script=script, state=json.dumps(state)))

    def pump(self) -> list[dict[str, Any]]:
        """Carry what the page sent to the pad, and its answers back."""
        sent: list[dict[str, Any]] = self.page.evaluate("() => window.sent.splice(0)")
        self.deliver(sent)
        return sent

    def deliver(self, messages: list[dict[str, Any]]) -> None:
        """Give messages to the pad, and its answers to the page."""
        for message in messages:
            self._front._handle_custom_msg(message, [])
        answers, self._answers = self._answers, []
        self.page.evaluate("answers => window.answer(answers)", answers)

    def settle(self) -> None:
        """Carry messages until everything is answered and shown."""
        for _ in range(400):
            self.pump()
            # A map that has come takes a moment to be unpacked.
            self.page.evaluate("() => window.smisTest.wire.arrived")
            if self.page.evaluate("() => window.smisTest.settled()"):
                return
            self.page.wait_for_timeout(5)
        raise AssertionError("the pad did not settle")

    def shown(self) -> np.ndarray:
        """What the page shows."""
        data = base64.b64decode(self.page.evaluate("() => smisTest.bytes(smisTest.sheet.shown)"))
        side = int(len(data) ** 0.5)
        return np.frombuffer(data, np.uint8).reshape(side, side)

    def _answer(self, content: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        if "revision" in content:
            data = [base64.b64encode(each).decode() for each in buffers or []]
            self._answers.append((content, data))
