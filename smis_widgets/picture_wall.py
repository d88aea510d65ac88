"""A wall of pictures: only what is near the viewport travels, newest wish first."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import anywidget
import traitlets

from smis_widgets.image_view import with_plain_picture
from smis_widgets.shell import STATIC, THEME
from smis_widgets.strings import Strings
from smis_widgets.wall_files import file_of, overlay_of, sheet

IN_FLIGHT = 8
"""Pictures that are sent and not yet on screen."""
PATIENCE_SECONDS = 2.0
"""A page that has not answered for so long is gone."""
KEPT = 1500
"""Pictures that are remembered where they can be made again."""
_GROWS_BY = 60
_PAGES = 8
_LONGEST_WISH = 400

Wanted = Callable[[list[int]], None]


@dataclass
class _Tile:
    """A place on the wall; each part knows the revision at which it last changed."""

    revision: int = 0
    picture: bytes = b""
    picture_revision: int = 0
    overlay: bytes = b""
    overlay_revision: int = 0
    caption: str = ""
    mark: str = ""


class PictureWall(anywidget.AnyWidget):
    """Pictures in a grid that scrolls, filled as they become ready.

    `put` may be called from any thread. A page says which places it is near to; what it lacks of
    these is sent, in its order, with at most `IN_FLIGHT` pictures unanswered. So a wall may have
    any number of places, and a page that is scrolled away costs nothing.

    Args:
        on_want: called with the places near the viewport that have no picture yet, the most urgent
            first, on the message's thread; newer wishes replace older ones, and `wanted` tells the
            newest at any time. Without it pictures are kept until `clear`, with it the `KEPT`
            newest ones.
        on_open: called with the place that is double-clicked or on which Enter is pressed.
        on_key: called with one of `hotkeys` and the place that has the cursor.
        on_drop: called with the wall and the places on it that are dropped here.
        language: of the texts, see `smis_widgets.strings`.
        traits: of those below.

    Attributes:
        edition: counts how often other pictures were asked for, by `clear` or `renew`.
    """

    _esm = STATIC / "wall.js"
    _css = THEME

    count = traitlets.Int(0, min=0).tag(sync=True)
    """Places on the wall."""

    endless = traitlets.Bool(False).tag(sync=True)
    """Whether `count` grows when the end comes near the viewport."""

    columns = traitlets.Int(0, min=0).tag(sync=True)
    """Tiles side by side; 0: as many as there is room for."""

    headed = traitlets.Bool(False).tag(sync=True)
    """Whether the first row and the first column stand apart, and their corner is empty."""

    tile = traitlets.Int(96, min=24).tag(sync=True)
    """Side of a tile in pixels of the page: the least where they fill the width, the most where
    their `columns` are given."""

    height = traitlets.Int(420, min=40).tag(sync=True)
    """The wall is at most so high, in pixels of the page, and scrolls."""

    captioned = traitlets.Bool(False).tag(sync=True)
    """Whether there is room for a caption under each picture."""

    selected = traitlets.List(traitlets.Int()).tag(sync=True)
    """Chosen places, in the order in which they were chosen."""

    several = traitlets.Bool(False).tag(sync=True)
    """Whether more than one place can be chosen."""

    favourites = traitlets.List(traitlets.Int()).tag(sync=True)
    """Places with a star."""

    starred = traitlets.Bool(False).tag(sync=True)
    """Whether stars can be given."""

    hotkeys = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """Further keys that mean something here, as the browser names them."""

    draggable = traitlets.Bool(False).tag(sync=True)
    """Whether tiles can be dragged to other walls."""

    accepts = traitlets.Bool(False).tag(sync=True)
    """Whether tiles of other walls can be dropped here."""

    overlay_opacity = traitlets.Float(0.5, min=0.0, max=1.0).tag(sync=True)
    """Of the pictures that lie over others."""

    label = traitlets.Unicode().tag(sync=True)
    """What the wall shows, for those who cannot see it."""

    empty = traitlets.Unicode().tag(sync=True)
    """What stands on a wall without places."""

    epoch = traitlets.Int(0).tag(sync=True)
    """Counts the times the wall was cleared: messages about former pictures are ignored."""

    name = traitlets.Unicode().tag(sync=True)
    """Tells this wall from others when tiles are dragged."""

    texts = traitlets.Dict().tag(sync=True)
    """Words of the front end."""

    def __init__(
        self,
        *,
        on_want: Wanted | None = None,
        on_open: Callable[[int], None] | None = None,
        on_key: Callable[[str, int], None] | None = None,
        on_drop: Callable[[PictureWall, list[int]], None] | None = None,
        language: str = "en",
        **traits: Any,
    ) -> None:
        self._lock = threading.RLock()
        self._tiles: dict[int, _Tile] = {}
        self._stale: set[int] = set()
        self.edition = 0
        self._pages: dict[str, dict[int, int]] = {}
        self._flying: dict[tuple[int, int], float] = {}
        self._on_want, self._on_open = on_want, on_open
        self._on_key, self._on_drop = on_key, on_drop
        texts = Strings(language).section("wall")
        traits = {"label": texts["wall"], "empty": texts["empty"], **traits}
        super().__init__(name=secrets.token_hex(8), texts=texts, **traits)
        _WALLS[self.name] = self
        self.on_msg(self._on_message)

    # What a program uses

    def put(
        self,
        index: int,
        picture: Any = None,
        *,
        caption: str | None = None,
        mark: str | None = None,
        overlay: Any = None,
        edition: int | None = None,
    ) -> None:
        """Set a place, or parts of it; what is None stays as it is.

        Args:
            index: from 0 up; the wall grows where it has no such place yet.
            picture: what `ImageView.show` takes, or the bytes of a PNG or JPEG file.
            caption: a line under it.
            mark: a word on it, such as a score.
            overlay: uint8 array [H, W, 4], PIL picture, or bytes of a file; it lies over the
                picture. Empty bytes take it away.
            edition: the wall's when the picture was asked for; one that is past is not shown.

        Raises:
            ValueError: a place below 0, or what came is no picture.
        """
        if index < 0:
            raise ValueError(f"index: wanted a place from 0 up, got {index}")
        picture = None if picture is None else file_of(picture)
        overlay = None if overlay is None else overlay_of(overlay)
        with self._lock:
            if edition is not None and edition != self.edition:
                return
            tile = self._tiles.pop(index, None) or _Tile()  # the newest stand last
            self._tiles[index] = tile
            tile.revision += 1
            if picture is not None:
                tile.picture, tile.picture_revision = picture, tile.revision
                self._stale.discard(index)
            if overlay is not None:
                tile.overlay, tile.overlay_revision = overlay, tile.revision
            tile.caption = tile.caption if caption is None else caption
            tile.mark = tile.mark if mark is None else mark
            if self._on_want is not None:
                self._forget()
            if index >= self.count:
                self.count = index + 1
            self._deliver()

    def clear(self, count: int = 0) -> None:
        """Take everything down: another `count` of empty places, nothing chosen, no stars."""
        self.selected, self.favourites = [], []  # not under the lock: others watch them
        with self._lock, self.hold_sync():
            self._tiles.clear()
            self._pages.clear()
            self._flying.clear()
            self._stale.clear()
            self.edition += 1
            self.epoch += 1
            self.count = count

    def renew(self, places: Iterable[int] | None = None) -> None:
        """Ask for some pictures anew (None: for all); those that hang there stay until then."""
        with self._lock:
            self._stale.update(range(self.count) if places is None else places)
            self.edition += 1
            wanted = self.wanted
        if wanted and self._on_want is not None:
            self._on_want(wanted)

    @property
    def wanted(self) -> list[int]:
        """Places near a viewport that have no picture, the most urgent first."""
        with self._lock:
            near = [index for page in reversed(self._pages.values()) for index in page]
            return [
                index
                for index in dict.fromkeys(near)
                if self.headed <= index < self.count
                and (index in self._stale or not self.picture(index))
            ]

    def picture(self, index: int) -> bytes:
        """The file of a place's picture; empty where there is none."""
        with self._lock:
            return self._tiles[index].picture if index in self._tiles else b""

    def still(self, count: int = 12) -> bytes:
        """The first pictures side by side, as one PNG; empty where there are none."""
        with self._lock:
            files = [self._tiles[place].picture for place in sorted(self._tiles)]
        return sheet([file for file in files if file][:count], columns=self.columns or 6)

    def close(self) -> None:
        """Remove the widget."""
        _WALLS.pop(self.name, None)
        super().close()

    # Pages

    def _on_message(self, _: Any, content: dict[str, Any], __: Any) -> None:
        if not isinstance(content, dict) or content.get("epoch") != self.epoch:
            return
        if "want" in content:
            self._take_wish(str(content.get("view"))[:40], content["want"])
        elif "shown" in content:
            self._take_receipt(str(content.get("view"))[:40], content["shown"])
        elif "open" in content and self._on_open is not None:
            for index in self._places([content["open"]]):
                self._on_open(index)
        elif "key" in content and self._on_key is not None and content["key"] in self.hotkeys:
            for index in self._places([content.get("at")]):
                self._on_key(content["key"], index)
        elif "drop" in content and self._on_drop is not None and self.accepts:
            wall = _WALLS.get(str(content.get("from")))
            if wall is not None and (places := wall._places(content["drop"])):
                self._on_drop(wall, places)

    def _places(self, values: Any) -> list[int]:
        """Those of some values of a page that are places here."""
        values = values if isinstance(values, list) else []
        return [v for v in values if type(v) is int and 0 <= v < self.count]

    def _take_wish(self, view: str, wish: Any) -> None:
        if not isinstance(wish, list):
            return
        pairs = [p for p in wish[:_LONGEST_WISH] if isinstance(p, list) and len(p) == 2]
        near = {
            index: revision
            for index, revision in pairs
            if type(index) is int and type(revision) is int and index >= 0
        }
        with self._lock:
            self._pages.pop(view, None)
            self._pages[view] = near  # the newest page stands last
            while len(self._pages) > _PAGES:
                self._pages.pop(next(iter(self._pages)))
            if self.endless and near and max(near) >= self.count - 1:
                self.count += _GROWS_BY
            self._deliver()
            wanted = self.wanted
        if wanted and self._on_want is not None:
            self._on_want(wanted)

    def _take_receipt(self, view: str, shown: Any) -> None:
        if not (isinstance(shown, list) and [type(value) for value in shown] == [int, int, int]):
            return
        index, revision, has = shown
        with self._lock:
            self._flying.pop((index, revision), None)
            if index in (near := self._pages.get(view, {})):
                near[index] = has
                if has < 0:  # that place is not near any more: sent again it would come back again
                    del near[index]
            self._deliver()

    def _deliver(self) -> None:
        """Send what pages lack, while few pictures are unanswered."""
        now = time.monotonic()
        for key, sent in list(self._flying.items()):
            if now - sent > PATIENCE_SECONDS:
                del self._flying[key]
        for page in reversed(self._pages.values()):
            for index, has in page.items():
                tile = self._tiles.get(index)
                if tile is None or tile.revision <= has or (index, tile.revision) in self._flying:
                    continue
                if len(self._flying) >= IN_FLIGHT:
                    return
                self._flying[index, tile.revision] = now
                self._hand_over(index, tile, has)

    def _hand_over(self, index: int, tile: _Tile, has: int) -> None:
        content: dict[str, Any] = {
            "tile": index, "revision": tile.revision, "since": has, "epoch": self.epoch,
            "caption": tile.caption, "mark": tile.mark, "parts": [],
        }  # fmt: skip
        buffers = []
        for part in ("picture", "overlay"):
            if getattr(tile, f"{part}_revision") > has:
                content["parts"].append(part)
                buffers.append(getattr(tile, part))
        self.send(content, buffers)

    def _forget(self) -> None:
        near = {index for page in self._pages.values() for index in page}
        for index in list(self._tiles)[: max(len(self._tiles) - KEPT, 0)]:
            if index not in near:
                del self._tiles[index]

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live wall, and a plain picture for places without a kernel."""
        return with_plain_picture(super()._repr_mimebundle_(**kwargs), self.still())


_WALLS: dict[str, PictureWall] = {}
