"""How large a picture is drawn while a hand moves."""

from __future__ import annotations

MOVING_SECONDS = 0.035
"""A picture that follows a hand may take so long."""
_FORGET_SECONDS = 5.0
_GROWTH = 2.0
"""A picture of twice the side is expected to take so many times longer."""
_SMALLEST = 32


class Pace:
    """Which side is drawn while a hand moves: the largest that keeps up with it.

    Args:
        sides: in pixels, that can be drawn, the whole picture's last.
    """

    def __init__(self, sides: tuple[int, ...]) -> None:
        self.sides = tuple(side for side in sides if side >= min(_SMALLEST, sides[-1]))
        self._took: dict[int, tuple[float, float]] = {}

    def note(self, side: int, seconds: float, now: float) -> None:
        """A picture of some side took so long."""
        before, at = self._took.get(side, (seconds, now))
        if now - at > _FORGET_SECONDS:
            before = seconds
        self._took[side] = (0.6 * before + 0.4 * seconds, now)

    def side(self, now: float) -> int:
        """The side for the next picture."""
        best, expected = self.sides[0], 0.0
        for side in self.sides:
            seconds, at = self._took.get(side, (None, 0.0))
            if seconds is None or (now - at > _FORGET_SECONDS and expected):
                # Not tried, or long ago: judged by the one below.
                if not expected:
                    return best
                seconds = expected * _GROWTH
            if seconds > MOVING_SECONDS:
                break
            best, expected = side, seconds
        return best
