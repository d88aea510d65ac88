"""What an attack is."""

from typing import NamedTuple


class Attack(NamedTuple):
    """A file, how it is opened, and with what words it must be refused."""

    content: bytes
    reason: str
    """A regular expression for the reason, or, where the file only counts as damaged, for the
    message."""

    reader: str = "pickle"
    """"pickle", "torch", "network" or "checkpoint"."""

    kind: str = "UnsafeCheckpointError"
    """The class of the error; "any" takes both that are promised."""


def damaged(content, reason, *, reader="pickle"):
    """A file that lies about itself, but asks for nothing."""
    return Attack(content, reason, reader, "ValueError")


def refused(content, reason=r"^file\.bin"):
    """A checkpoint that is refused one way or the other, in words that name the file."""
    return Attack(content, reason, "checkpoint", "any")
