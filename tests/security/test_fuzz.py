"""Valid files, mutated: nothing crashes, hangs, runs or takes much memory."""

import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from security.valid_files import valid_files, written_files
from security.workers import MEMORY_BYTES, Worker

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="limits of memory are set as Unix sets them"
)

FILES = {**valid_files(), **written_files()}
OPCODES = [bytes([code]) for code in b"().0NRQbco}]aeust2hjqr" + bytes(range(0x80, 0x99))]
NUMBERS = [b"\xff" * 4, b"\xff" * 8, b"\0" * 8, b"\x7f" * 4, b"\0\0\0\x80", b"\x01\0\0\0"]
NAMES = [b"cos\nsystem\n", b"cbuiltins\neval\n", b"X\x04\0\0\0true", b"cnumpy\nndarray\n"]

settings.register_profile(
    "restricted reader",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

pieces = st.one_of(
    st.sampled_from(OPCODES),
    st.sampled_from(NUMBERS),
    st.sampled_from(NAMES),
    st.binary(max_size=9),
)
places = st.floats(0, 1, exclude_max=True)
mutations = st.one_of(
    st.tuples(st.just("overwrite"), places, pieces),
    st.tuples(st.just("insert"), places, pieces),
    st.tuples(st.just("delete"), places, st.integers(1, 40)),
    st.tuples(st.just("repeat"), places, st.integers(1, 400)),
    st.tuples(st.just("flip"), places, st.integers(0, 7)),
    st.tuples(st.just("cut"), places, st.none()),
)


def mutated(content, changes):
    """A file after some changes, each at a place between its begin (0) and its end (1)."""
    for kind, place, what in changes:
        at = int(place * len(content))
        if kind == "overwrite":
            content = content[:at] + what + content[at + len(what) :]
        elif kind == "insert":
            content = content[:at] + what + content[at:]
        elif kind == "delete":
            content = content[:at] + content[at + what :]
        elif kind == "repeat":
            content = content[: at + what] + content[at:]
        elif kind == "cut":
            content = content[:at]
        elif at < len(content):
            content = content[:at] + bytes([content[at] ^ 1 << what]) + content[at + 1 :]
    return content


@pytest.fixture(scope="module")
def worker(tmp_path_factory):
    worker = Worker(tmp_path_factory.mktemp("fuzzed"))
    yield worker
    worker.close()


@pytest.mark.parametrize("title", FILES)
def test_mutated_files(title, worker):
    content, reader = FILES[title]

    @settings(settings.get_profile("restricted reader"))
    @given(st.lists(mutations, min_size=1, max_size=4))
    def check(changes):
        # What a reader opens goes on to the formats.
        for through in {reader, "checkpoint"}:
            answer = worker.open(mutated(content, changes), through)
            assert answer["outcome"] in ("opened", "refused"), (through, answer)
            if answer["outcome"] == "refused":
                assert answer["kind"] in ("ValueError", "UnsafeCheckpointError"), (through, answer)
            assert answer["untouched"]
            assert answer["more_bytes"] <= MEMORY_BYTES

    assert worker.open(content, reader)["outcome"] == "opened"
    check()
