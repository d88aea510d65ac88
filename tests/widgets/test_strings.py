"""The table of texts."""

import re
from pathlib import Path

import pytest

import smis_widgets
from smis_widgets.exports import KINDS
from smis_widgets.keepsakes import FORMATS
from smis_widgets.pad_tools import TOOLS
from smis_widgets.strings import LANGUAGES, TABLE, Strings


def test_every_text_has_every_language_and_the_same_placeholders():
    for name, texts in TABLE.items():
        assert len(texts) == len(LANGUAGES), name
        assert len({frozenset(re.findall(r"{(\w+)", text)) for text in texts}) == 1, name


def test_every_text_is_used():
    folder = Path(smis_widgets.__file__).parent
    sources = list(folder.glob("*.py"))
    python = "".join(path.read_text() for path in sources)
    scripts = "".join(path.read_text() for path in folder.glob("static/pad/*.js"))
    words = set(re.findall(r"\w+", scripts)) | set(TOOLS)
    words |= {f"save_{form}{end}" for form in FORMATS for end in ("", "_tooltip")}
    words |= {f"{word}_tooltip" for word in words}

    def used(name: str) -> bool:
        section, _, rest = name.partition(".")
        if section == "pad":
            return rest in words
        return f'"{rest if section == "key" else name}"' in python

    made = {f"{side}_hint" for side in ("left", "right")}
    made |= {f"state_{state}" for state in ("paused", "stopped", "done", "failed")}
    made |= {f"as_{what}" for what in KINDS.values()}
    assert {name for name in TABLE if not used(name)} - made == set()


def test_a_section_is_the_texts_of_one_part():
    pad = Strings().section("pad")
    assert pad["brush"].startswith("Brush: ")
    assert not any(name.startswith("pad.") for name in pad)


def test_an_unknown_language_is_refused():
    with pytest.raises(ValueError, match="known are en"):
        Strings("tlh")
