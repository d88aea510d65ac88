"""What a Jupyter server is told: the defaults beside this file, and to send small messages at once.

A server leaves the connection to a page as TCP begins it, with Nagle's algorithm: a message waits
until the page has acknowledged the one before, and a page may take 40 ms for that (RFC 896, and
RFC 1122, section 4.2.3.2). Of a picture that follows a hand this took a third of the way. All that
a kernel says to any page comes sooner, also what other packages say.
"""

from __future__ import annotations

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(server: Any) -> None:
    # Whatever class a person has configured goes on doing its work.
    settings = server.web_app.settings
    given: Any = settings["kernel_websocket_connection_class"]

    class PromptConnection(given):  # type: ignore[misc]
        """Connects a page with its kernel, and holds no message back."""

        def connect(self) -> Any:
            """Once the page is there."""
            self.websocket_handler.set_nodelay(True)
            return super().connect()

    settings["kernel_websocket_connection_class"] = PromptConnection
