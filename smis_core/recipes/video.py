"""Frames to a film: MP4 through PyAV, GIF and WebP through Pillow."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
from PIL import Image

from smis_core.images import UInt8Array, check_writable

SUFFIXES = (".mp4", ".webp", ".gif")
_GIF_FPS = 50  # players slow down what is faster
_BT709 = 1


class VideoWriter:
    """Writes frames of one size; the file appears when all of them are there.

    Used in a `with` statement. An error or a cancellation inside it leaves nothing behind, and what
    was at the path before as it was.

    Args:
        path: ends in .mp4, .webp or .gif. The latter two loop.
        fps: frames a second, above 0; a GIF shows at most 50 and counts in hundredths of a second.

    Raises:
        ValueError: another ending, a rate out of range, a path that cannot be written, or an MP4
            without PyAV.
    """

    def __init__(self, path: str | Path, *, fps: float = 30.0) -> None:
        self.path, self.fps = Path(path), fps
        check_video(self.path, fps=fps)
        suffix = self.path.suffix.lower()
        self._draft = self.path.with_name(f".{self.path.stem}-{secrets.token_hex(4)}{suffix}")
        self._sink: _Mp4 | _Spool | None = None
        self._shape: tuple[int, ...] = ()

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._sink = (_Mp4 if self._draft.suffix == ".mp4" else _Spool)(self._draft, self.fps)
        return self

    def add(self, frame: UInt8Array) -> None:
        """Append a frame, uint8 `[H, W, 3]`."""
        assert self._sink is not None, "a VideoWriter is used in a with statement"
        self._shape = self._shape or frame.shape
        if frame.shape != self._shape or frame.dtype != np.uint8 or frame.shape[2:] != (3,):
            raise ValueError(
                f"frame: uint8 {[*self._shape[:2], 3]} was wanted, as the first was, got "
                f"{frame.dtype} {[*frame.shape]}"
            )
        if self._draft.suffix == ".mp4" and (frame.shape[0] % 2 or frame.shape[1] % 2):
            raise ValueError(f"frame: MP4 has even sides, got {frame.shape[1]} × {frame.shape[0]}")
        self._sink.add(frame)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._sink is not None
        try:
            self._sink.close(whole=error is None and bool(self._shape))
            if error is None and not self._shape:
                raise ValueError(f"{self.path}: a film of one frame or more was wanted, got none")
            if error is None:
                os.replace(self._draft, self.path)
        finally:
            self._draft.unlink(missing_ok=True)


def check_video(path: Path, *, fps: float) -> None:
    """Raise ValueError where `VideoWriter` could not begin."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"{path}: a name ending in {', '.join(SUFFIXES)} was wanted")
    most = _GIF_FPS if suffix == ".gif" else 240
    if not 0 < fps <= most:
        raise ValueError(f"fps: above 0 and at most {most} were wanted for {suffix}, got {fps}")
    check_writable(path)
    if suffix == ".mp4":
        try:
            import av  # noqa: F401
        except ImportError as error:
            raise ValueError(
                f"{path}: MP4 needs PyAV, which is not installed: pip install 'smis[video]'. Or "
                "name a .webp or .gif"
            ) from error


class _Mp4:
    """H.264 with the colours of BT.709, in which players agree."""

    def __init__(self, path: Path, fps: float) -> None:
        import av

        self._container: Any = av.open(
            str(path), "w", format="mp4", container_options={"movflags": "+faststart"}
        )
        rate = Fraction(fps).limit_denominator(1001)
        self._stream: Any = self._container.add_stream("libx264", rate=rate, options={"crf": "16"})
        self._stream.pix_fmt = "yuv420p"
        self._begun = False
        context = self._stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = _BT709

    def add(self, frame: UInt8Array) -> None:
        import av

        if not self._begun:
            self._stream.height, self._stream.width = frame.shape[:2]
            self._begun = True
        picture: Any = av.VideoFrame.from_ndarray(frame, format="rgb24")
        picture = picture.reformat(format="yuv420p", dst_colorspace=_BT709)
        self._container.mux(self._stream.encode(picture))

    def close(self, *, whole: bool) -> None:
        if whole:
            self._container.mux(self._stream.encode())
        self._container.close()


class _Spool:
    """Frames wait on disk, because Pillow wants all of them at once."""

    def __init__(self, path: Path, fps: float) -> None:
        self._path, self._fps = path, fps
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `close`
        self._shape: tuple[int, ...] = ()
        self._count = 0

    def add(self, frame: UInt8Array) -> None:
        self._shape = frame.shape
        self._file.write(np.ascontiguousarray(frame).tobytes())
        self._count += 1

    def close(self, *, whole: bool) -> None:
        with self._file:
            if not whole:
                return
            self._file.seek(0)
            frames = self._frames()
            # Rounded from the beginning on, so that the film keeps its length.
            unit = 10 if self._path.suffix == ".gif" else 1
            ticks = [round(i * 1000 / self._fps / unit) * unit for i in range(self._count + 1)]
            settings: dict[str, Any] = (
                {} if unit == 10 else {"quality": 90, "method": 4, "minimize_size": False}
            )
            next(frames).save(
                self._path, save_all=True, append_images=frames, loop=0,
                duration=[after - before for before, after in pairwise(ticks)],
                **settings,
            )  # fmt: skip

    def _frames(self) -> Iterator[Image.Image]:
        size = int(np.prod(self._shape))
        while data := self._file.read(size):
            yield Image.fromarray(np.frombuffer(data, np.uint8).reshape(self._shape))
