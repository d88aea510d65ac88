"""The whole pad in a bare page of the ipywidgets HTML manager: the least that a host has."""

from __future__ import annotations

import importlib.metadata
import json
import mimetypes
import sys
from pathlib import Path

from browser.bare import BarePad
from ipywidgets.embed import embed_data
from playwright.sync_api import Page, Route

ADDRESS = "http://widgets.test"

PAGE = """<!doctype html><meta charset="utf-8">
<script src="/require.js"></script><script src="/manager.js"></script>
<body style="width: 900px"><div id="here"></div></body><script>
const front = "{front}";
window.sent = [];
requirejs.config({{ paths: {{ anywidget: "/anywidget", ipycanvas: "/ipycanvas" }} }});
require(["@jupyter-widgets/html-manager"], (found) => show(found));
async function show({{ HTMLManager }}) {{
    // The copy at hand is of ipywidgets 7: a style that it lacks is one without effect.
    class Manager extends HTMLManager {{
        loadClass(name, ...place) {{
            return super.loadClass(name.replace("HTMLStyle", "DescriptionStyle"), ...place);
        }}
    }}
    const loader = (name) => new Promise((found, failed) => require([name], found, failed));
    const manager = new Manager({{ loader }});
    await manager.set_state({state});
    const model = await manager.get_model(front);
    model.comm = {{
        comm_id: front,
        send(data) {{
            window.sent.push(data.method === "custom" ? data.content : {{ traits: data.state }});
            return "";
        }},
    }};
    model.comm_live = true;
    window.answer = async (answers) => {{
        for (const [content, data] of answers) {{
            const code = (letter) => letter.charCodeAt(0);
            const bytes = data.map((each) => Uint8Array.from(atob(each), code));
            const buffers = bytes.map((each) => new DataView(each.buffer));
            const told = {{ comm_id: front, data: {{ method: "custom", content }} }};
            await model._handle_comm_msg({{ content: told, buffers }});
        }}
    }};
    const view = await manager.create_view(await manager.get_model("{pad}"));
    await manager.display_view(null, view, {{ el: document.getElementById("here") }});
}}
</script>"""


def html_manager() -> Path | None:
    """The ipywidgets HTML manager that a package brought; None where it is not installed."""
    try:
        files = importlib.metadata.files("shinywidgets") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    return next(
        (Path(str(each.locate())) for each in files if each.name == "libembed-amd.js"), None
    )


class EmbeddedPad(BarePad):
    """A pad whose page is put together by the HTML manager; it asks nobody else for anything."""

    asked: list[str]
    """every path that the page asked for"""

    def deliver(self, messages: list[dict]) -> None:
        """Give messages and changes of traits to the pad, and its answers to the page."""
        for message in messages:
            if "traits" in message:
                self._front.set_state(message["traits"])
        super().deliver([message for message in messages if "traits" not in message])

    def _open(self, page: Page) -> None:
        manager, shared = html_manager(), Path(sys.prefix) / "share" / "jupyter"
        assert manager is not None
        served = {
            "/manager.js": manager,
            "/require.js": shared / "voila" / "templates" / "base" / "static" / "require.min.js",
            "/anywidget.js": shared / "nbextensions" / "anywidget" / "index.js",
            "/ipycanvas.js": shared / "nbextensions" / "ipycanvas" / "index.js",
        }
        state = embed_data(views=[self.pad], drop_defaults=False)["manager_state"]
        body = PAGE.format(
            state=json.dumps(state).replace("</", "<\\/"),
            front=self._front.model_id,
            pad=self.pad.model_id,
        )
        self.asked = []

        def answer(route: Route) -> None:
            path = route.request.url.removeprefix(ADDRESS)
            self.asked.append(path)
            if path == "/":
                route.fulfill(body=body, content_type="text/html")
            elif path in served:
                kind = mimetypes.guess_type(path)[0]
                route.fulfill(path=served[path], content_type=kind)
            else:
                route.abort()

        page.route("**/*", answer)
        page.goto(f"{ADDRESS}/")
        page.wait_for_function("() => window.answer && document.querySelector('.smis-surface')")
