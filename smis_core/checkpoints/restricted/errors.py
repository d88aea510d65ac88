"""The two ways in which a file fails: refused for what it asks, or damaged."""

from __future__ import annotations


class UnsafeCheckpointError(ValueError):
    """A file asks for something that weights do not need; nothing of it was run.

    Args:
        source: what the file is called in the message.
        reason: what it asked for.
    """

    reason: str
    """What the file asked for, e.g. "os.system is not something that weights need"."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(source, reason)
        self.source = source
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"{self.source} was not opened: {self.reason}: refused, nothing was run; use a file "
            f"of weights alone, or ask its author for one as safetensors"
        )


def damaged(source: str, what: str) -> ValueError:
    """The error of a file that was cut off or altered on its way."""
    return ValueError(
        f"{source} is damaged or was cut off: {what}; get it again from where it came from"
    )


def shown(name: str) -> str:
    """A foreign name in a message: in ASCII, so that look-alike letters cannot hide, and short."""
    plain = name.encode("ascii", "backslashreplace").decode("ascii")
    plain = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in plain)
    return plain if len(plain) <= 100 else f"{plain[:100]}…"
