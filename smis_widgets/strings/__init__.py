"""Every word that the widgets show, in one table: a second language is a second column."""

from __future__ import annotations

from . import errors, fewshot, pad, search, sliders, studio, watching

LANGUAGES = ("en",)

TABLE: dict[str, tuple[str, ...]] = {
    **pad.TABLE,
    **studio.TABLE,
    **watching.TABLE,
    **fewshot.TABLE,
    **search.TABLE,
    **sliders.TABLE,
    **errors.TABLE,
}


def duration(seconds: float) -> str:
    """Minutes and seconds as 0:26, hours as 1:02:03."""
    minutes, whole = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{whole:02d}" if hours else f"{minutes}:{whole:02d}"


class Strings:
    """The texts of one language.

    Args:
        language: a name of `LANGUAGES`.

    Raises:
        ValueError: the language has no column in the table.
    """

    def __init__(self, language: str = "en") -> None:
        if language not in LANGUAGES:
            known = ", ".join(LANGUAGES)
            raise ValueError(
                f"language: known are {known}; got {language!r}. Add a column to TABLE"
            )
        self._column = LANGUAGES.index(language)

    def __call__(self, text: str, /, **values: object) -> str:
        """The text of that name, with its {placeholders} filled."""
        return TABLE[text][self._column].format(**values)

    def section(self, name: str) -> dict[str, str]:
        """All texts whose names begin with `name.`, by the rest; placeholders stay as they are."""
        start = f"{name}."
        return {
            text.removeprefix(start): texts[self._column]
            for text, texts in TABLE.items()
            if text.startswith(start)
        }
