"""The table of texts."""

import re
from pathlib import Path

import pytest

import smis_widgets
from smis_widgets.exports import KINDS
from smis_widgets.strings import LANGUAGES, TABLE, Strings


def test_every_text_has_every_language_and_the_same_placeholders():
    for name, texts in TABLE.items():
        assert len(texts) == len(LANGUAGES), name
        assert len({frozenset(re.findall(r"{(\w+)", text)) for text in texts}) == 1, name


def test_every_text_is_used():
    source = "".join(
        path.read_text()
        for path in Path(smis_widgets.__file__).parent.glob("*.py")
        if path.name != "strings.py"
    )
    made = {f"{side}_hint" for side in ("left", "right")}
    made |= {f"state_{state}" for state in ("paused", "stopped", "done", "failed")}
    made |= {f"as_{what}" for what in KINDS.values()}
    tools = {"brush", "eraser", "fill", "pick"}
    unused = {name for name in TABLE if f'"{name}"' not in source and f"'{name}'" not in source}
    assert unused - made - tools == set()


def test_an_unknown_language_is_refused():
    with pytest.raises(ValueError, match="known are en"):
        Strings("tlh")
