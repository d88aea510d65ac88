"""Files that come from a page in pieces."""

import numpy as np
import pytest
from widgets.upload import pieces, whole

from smis_widgets.uploads import LARGEST_BYTES, FileButton, Uploads

DATA = np.random.default_rng(0).integers(0, 256, 2500, np.uint8).tobytes()


def test_pieces_come_together_in_their_order():
    uploads = Uploads()
    # Two files on their way at once, as two pages would send them.
    first = pieces("a.png", DATA, length=1000, upload="a")
    second = pieces("b.png", DATA[::-1], length=1000, upload="b")
    got = []
    for both in zip(first, second, strict=True):
        got += [uploads.take(about, [memoryview(piece)]) for about, piece in both]
    assert got == [None] * 4 + [DATA, DATA[::-1]]
    assert uploads.take(whole("empty.png", b""), [b""]) == b""


def test_what_is_lost_or_too_large_is_said():
    uploads = Uploads()
    first, second, third = pieces("a.png", DATA, length=1000)
    assert uploads.take(first[0], [first[1]]) is None
    with pytest.raises(ValueError, match=r"a\.png: a part of it was lost"):
        uploads.take(third[0], [third[1]])
    with pytest.raises(ValueError, match="lost"):  # what follows a loss is no file either
        uploads.take(second[0], [second[1]])
    about = whole("a.png", DATA)
    with pytest.raises(ValueError, match="at most 64 MB"):
        uploads.take(about | {"size": LARGEST_BYTES + 1}, [DATA])
    with pytest.raises(ValueError, match="at most 64 MB"):
        uploads.take(about, [])
    assert uploads.take(about, [DATA]) == DATA


def test_pages_that_end_nothing_cost_no_memory():
    uploads = Uploads()
    for number in range(100):
        about, piece = next(pieces("a.png", DATA, length=1000, upload=str(number)))
        assert uploads.take(about, [piece]) is None
    assert len(uploads._begun) <= 4


def test_a_button_gives_files_and_says_what_went_wrong():
    files, errors = [], []
    button = FileButton(
        "bring", accept="image/*", on_file=lambda *file: files.append(file), on_error=errors.append
    )
    for about, piece in pieces("a.png", DATA, length=1000):
        button._handle_custom_msg(about, [memoryview(piece)])
    button._handle_custom_msg(whole("b.png", DATA), [])
    assert files == [("a.png", DATA)]
    assert "b.png: at most 64 MB" in str(errors[0])
