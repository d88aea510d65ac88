"""The table of texts."""

import re
from pathlib import Path

import pytest

import smis_widgets
from smis_core.editing import GROUPS
from smis_widgets.exports import KINDS
from smis_widgets.keepsakes import FORMATS
from smis_widgets.pad_tools import TOOLS
from smis_widgets.strings import LANGUAGES, TABLE, Strings


def test_every_text_has_every_language_and_the_same_placeholders():
    for name, texts in TABLE.items():
        assert len(texts) == len(LANGUAGES), name
        assert len({frozenset(re.findall(r"{(\w+)", text)) for text in texts}) == 1, name


FRONT_ENDS = {
    "pad": "pad/*.js",
    "sliders": "sliders/*.js",
    "films": "sliders/*.js",
    "shell": "shell.js",
    "view": "image_view.js",
    "wall": "wall.js",
}
"""Where the texts of a section are used."""


def test_every_text_is_used():
    folder = Path(smis_widgets.__file__).parent
    sources = list(folder.glob("*.py"))
    python = "".join(path.read_text() for path in sources)
    words = set(TOOLS) | {f"source_{place}" for place in "ab"}
    words |= {f"place_{name}" for name in ("x", "y", "turn")}
    words |= {f"save_{form}{end}" for form in FORMATS for end in ("", "_tooltip")}

    def words_of(section: str) -> set[str]:
        scripts = "".join(p.read_text() for p in folder.glob(f"static/{FRONT_ENDS[section]}"))
        found = words | set(re.findall(r"\w+", scripts))
        return found | {f"{word}_tooltip" for word in found}

    def used(name: str) -> bool:
        section, _, rest = name.partition(".")
        if section in FRONT_ENDS:
            return rest in words_of(section)
        return f'"{rest if section == "key" else name}"' in python

    made = {f"{side}_hint" for side in ("left", "right")}
    made |= {f"state_{state}" for state in ("paused", "stopped", "done", "failed")}
    made |= {f"as_{what}" for what in KINDS.values()}
    made |= {f"group_{group}" for group in GROUPS} | {f"film_{name}" for name in ("x", "y", "turn")}
    made |= {f"column_{kind}" for kind in ("psi", "blend", "noise")}
    made |= {f"in_{group}" for group in ("all", *GROUPS)} | {"grid_down", "grid_across"}
    made |= {f"{what}_{side}" for what in ("pile", "pair", "empty") for side in ("less", "more")}
    made |= {f"{slider}_tooltip" for slider in ("region_brush", "soft_edge")}
    assert {name for name in TABLE if not used(name)} - made == set()


def test_a_section_is_the_texts_of_one_part():
    pad = Strings().section("pad")
    assert pad["brush"].startswith("Brush: ")
    assert not any(name.startswith("pad.") for name in pad)


def test_an_unknown_language_is_refused():
    with pytest.raises(ValueError, match="known are en"):
        Strings("tlh")
