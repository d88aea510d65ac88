"""Every file of the collection is refused, for the right reason, and costs next to nothing."""

import re
import sys

import pytest
from security import attacks_by_container, attacks_by_content, attacks_by_name, attacks_by_size
from security.assembler import TENSOR
from security.valid_files import valid_files
from security.workers import MEMORY_BYTES, Worker

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="limits of memory are set as Unix sets them"
)

COLLECTIONS = {
    "by name": attacks_by_name.attacks(),
    "by size": attacks_by_size.attacks(),
    "by container": attacks_by_container.attacks(),
    "by content": attacks_by_content.attacks(),
}
ATTACKS = [
    pytest.param(attack, id=title)
    for collection in COLLECTIONS.values()
    for title, attack in collection.items()
]
READ = [param for param in ATTACKS if param.values[0].reader in ("pickle", "torch")]
REFUSALS = {"UnsafeCheckpointError", "ValueError"}
LETTERS = 4000
"""The longest message: what a file says of itself is cut before it is shown."""


@pytest.fixture(scope="module")
def worker(tmp_path_factory):
    worker = Worker(tmp_path_factory.mktemp("attacked"))
    yield worker
    worker.close()


@pytest.fixture(scope="module")
def second_worker(tmp_path_factory):
    """One whose memory was not spent on what networks import, as scipy."""
    worker = Worker(tmp_path_factory.mktemp("attacked again"))
    yield worker
    worker.close()


def test_the_collection_is_large():
    titles = [title for collection in COLLECTIONS.values() for title in collection]
    assert len(titles) == len(set(titles)) >= 60
    assert len({attack.content for c in COLLECTIONS.values() for attack in c.values()}) >= 60


@pytest.mark.parametrize("attack", ATTACKS)
def test_is_refused(attack, worker):
    answer = worker.open(attack.content, attack.reader)
    assert answer["outcome"] == "refused", answer
    assert answer["kind"] in (REFUSALS if attack.kind == "any" else {attack.kind}), answer
    assert len(answer["message"]) <= LETTERS
    said = answer["reason"] if attack.kind == "UnsafeCheckpointError" else answer["message"]
    assert re.search(attack.reason, said), answer
    if attack.reader == "checkpoint":
        assert not answer["starved"], answer
    assert answer["untouched"]
    assert answer["more_bytes"] <= MEMORY_BYTES


@pytest.mark.parametrize("attack", READ)
def test_is_refused_as_a_checkpoint(attack, second_worker):
    """Behind the edge that people use, with what it reads selectively and twice."""
    answer = second_worker.open(attack.content, "checkpoint")
    assert answer["outcome"] == "refused", answer
    assert answer["kind"] in REFUSALS, answer
    assert len(answer["message"]) <= LETTERS
    assert answer["untouched"]
    assert answer["more_bytes"] <= MEMORY_BYTES


HARMLESS = attacks_by_content.harmless()


@pytest.mark.parametrize("title", HARMLESS)
def test_what_the_attacks_by_content_are_made_of_opens(title, worker):
    answer = worker.open(HARMLESS[title], "checkpoint")
    assert answer["outcome"] == "opened", answer
    assert answer["untouched"]


@pytest.mark.parametrize("title", valid_files())
def test_what_the_attacks_are_made_of_opens(title, worker):
    content, reader = valid_files()[title]
    answer = worker.open(content, reader)
    assert answer["outcome"] == "opened", answer


@pytest.mark.parametrize("title", valid_files())
def test_cut_off_anywhere(title, worker):
    content, reader = valid_files()[title]
    for length in range(0, len(content), 3):
        answer = worker.open(content[:length], reader)
        assert (answer["outcome"], answer["kind"]) in {("refused", kind) for kind in REFUSALS}
        assert answer["untouched"]


@pytest.mark.parametrize("title", valid_files())
def test_flipped_bits(title, worker):
    content, reader = valid_files()[title]
    for position in range(len(content)):
        flipped = bytearray(content)
        flipped[position] ^= 1 << position % 8
        answer = worker.open(bytes(flipped), reader)
        assert answer["outcome"] == "opened" or answer["kind"] in REFUSALS, (position, answer)
        assert answer["untouched"]
        assert answer["more_bytes"] <= MEMORY_BYTES


def test_a_worker_would_notice(tmp_path):
    """The proof itself: memory, time and the canary are watched."""
    worker = Worker(tmp_path, seconds=2)
    try:
        worker.open(TENSOR, "pickle")
        worker.canary.write_text("attacked")
        assert not worker.open(TENSOR, "pickle")["untouched"]
        assert worker.open(TENSOR, "hungry")["more_bytes"] >= MEMORY_BYTES // 4
        greedy = worker.open(TENSOR, "greedy")
        assert greedy.get("kind") == "MemoryError" or greedy["more_bytes"] > MEMORY_BYTES
        assert worker.open(TENSOR, "endless")["outcome"] == "hung"
        assert worker.open(TENSOR, "dying")["outcome"] == "died"
    finally:
        worker.close()
