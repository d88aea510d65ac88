"""Where pictures go that the sliders' worker has drawn: the view, the traits, filmstrip, dials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from smis_core.editing import EditState
from smis_core.editing.dials import bare_of, readings
from smis_widgets.image_view import UNPAINTED
from smis_widgets.slider_painter import Painted, Wish

if TYPE_CHECKING:
    from smis_widgets.latent_sliders import LatentSliders

_CATCH_UP_SECONDS = 0.02


class SliderScreen:
    """Shows what was drawn; everything here runs on the worker's thread.

    Args:
        sliders: that it belongs to.

    Attributes:
        pictured: the state of the newest whole picture.
    """

    def __init__(self, sliders: LatentSliders) -> None:
        self._sliders = sliders
        self.pictured: EditState | None = None

    def show(self, painted: Painted) -> None:
        """Show a picture; a whole one is also given to the traits."""
        sliders, wish = self._sliders, painted.wish
        image = painted.image.clamp(-1, 1)
        number = sliders.view.show(image, moving=not painted.final)
        if wish.moving:
            # The next is drawn while as many as may be are on their way. A page that is slower
            # than that gets a moment to catch up: frames that it cannot paint only delay those it
            # can.
            sliders.view.wait_painted(number - UNPAINTED, _CATCH_UP_SECONDS)
        if not painted.final:
            return
        with sliders.lock:
            self.pictured = wish.state
            sliders.set_trait("value", painted.resolved)
            sliders.set_trait("picture", image)
            self._read_dials(painted)
        self._fill_strip(wish, image)

    def _read_dials(self, painted: Painted) -> None:
        sliders, state = self._sliders, painted.wish.state
        directions = sliders.directions
        if sliders.state is state and directions is not None and directions.circles:
            sliders.bare = bare_of(painted.resolved.wplus, state, directions)
            sliders.panel.show_dials(directions, readings(directions, painted.resolved.wplus))

    def _fill_strip(self, wish: Wish, image: Tensor) -> None:
        sliders = self._sliders
        known = {moment.number: moment.state for moment in sliders.history.moments}
        if known.get(wish.moment) is wish.state:
            sliders.films.picture(wish.moment, image)
        for number, state in known.items():
            # Moments that were overtaken before they were drawn get theirs while nothing else is
            # wanted.
            if number in sliders.films.pictured or sliders.state is not wish.state:
                continue
            small = sliders.small(state)
            if small is not None:
                sliders.films.picture(number, small)
