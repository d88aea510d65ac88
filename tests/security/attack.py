"""What an attack is."""

from typing import NamedTuple


class Attack(NamedTuple):
    """A file, how it is opened, and with what words it must be refused."""

    content: bytes
    reason: str
    """A regular expression for the reason, or, where the file only counts as damaged, for the
    message."""

    reader: str = "pickle"
    """"pickle", "torch" or "network"."""

    kind: str = "UnsafeCheckpointError"
    """The class of the error."""


def damaged(content, reason, *, reader="pickle"):
    """A file that lies about itself, but asks for nothing."""
    return Attack(content, reason, reader, "ValueError")
