"""Compiling `extensions/` into a library of torch operations."""

import contextlib
import functools
import hashlib
import importlib.metadata
import logging
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

SUFFIXES = {".cpp", ".cu", ".h"}

_log = logging.getLogger(__name__)


class BuildFailure(Exception):
    """Why there is no library."""


def prebuilt_library(device_type: str) -> Path | None:
    """The library that came with a wheel for this torch, if one did."""
    path = Path(__file__).parent / f"{prebuilt_name(device_type)}.so"
    return path if path.is_file() else None


def prebuilt_name(device_type: str) -> str:
    """The library's name in a wheel. C++ interfaces of torch hold for one minor version."""
    major, minor = torch.__version__.split(".")[:2]
    return f"_native_{device_type}_torch{major}_{minor}"


@functools.cache
def cached_library(device_type: str) -> Path:
    """Where the library lies once it is built; its name tells sources and versions apart."""
    digest = hashlib.sha256()
    for path in sorted(_all_files(device_type)):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    facts = (torch.__version__, sys.platform, compiler_flags(device_type), _machine(device_type))
    digest.update(repr(facts).encode())
    return _cache_folder() / f"smis_{device_type}-{digest.hexdigest()[:16]}.so"


def sources(device_type: str) -> list[Path]:
    """The files that are compiled.

    `cuda`: `extensions/ops.cpp` and `extensions/cuda/*.cu`. `cpu`: `extensions/cpu/*.cpp`.
    """
    folder = sources_folder()
    found = sorted((folder / device_type).glob("*.cu" if device_type == "cuda" else "*.cpp"))
    if not found:
        raise BuildFailure(f"there are no sources for {device_type} in {folder}")
    return [folder / "ops.cpp", *found] if device_type == "cuda" else found


@functools.cache
def sources_folder() -> Path:
    """`extensions/` of the checkout, or the copy that the wheel brought."""
    checkout = Path(__file__).parents[2] / "extensions"
    if checkout.is_dir():
        return checkout
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        for file in importlib.metadata.files("smis") or []:
            if file.parts[-2:] == ("extensions", "ops.cpp"):
                return Path(str(file.locate())).resolve().parent
    raise BuildFailure("this installation came without the sources of the native operations")


def load_file(library: Path) -> None:
    """Give `torch.ops` what a library registers."""
    ops: Any = torch.ops
    try:
        ops.load_library(library)
    except OSError:
        if library.parent == _cache_folder():  # damaged; the next build makes another
            library.unlink(missing_ok=True)
        raise


def build(device_type: str) -> None:
    """Compile, load, and leave the library where `cached_library` says.

    Raises:
        BuildFailure: a tool is missing, or the compiler refused; its words are in the message.
    """
    check_tools(device_type)
    target = cached_library(device_type)
    target.parent.mkdir(parents=True, exist_ok=True)
    with _alone(target.parent / f"{device_type}.lock"):
        if target.is_file():
            load_file(target)
            return
        for left in target.parent.glob(f"build-{device_type}-*"):  # by builds that were killed
            shutil.rmtree(left, ignore_errors=True)
        _log.warning("building the native operations for %s, once, in about a minute", device_type)
        start = time.perf_counter()
        with tempfile.TemporaryDirectory(
            prefix=f"build-{device_type}-", dir=target.parent, ignore_cleanup_errors=True
        ) as folder:
            _compile(device_type, Path(folder))
            # Nobody meets half a library: within a file system, replacing is all or nothing.
            os.replace(next(Path(folder).glob("*.so")), target)
        _log.warning("built in %.0f s: %s", time.perf_counter() - start, target)


def compiler_flags(device_type: str, *, portable: bool = False) -> dict[str, list[str]]:
    """Arguments of `torch.utils.cpp_extension`, for this machine or for others like it."""
    if device_type == "cuda":
        return {"extra_cflags": ["-O2"], "extra_cuda_cflags": ["-O3"], "extra_ldflags": []}
    flags = ["-O3", "-fopenmp", "-fno-math-errno", "-fno-trapping-math"]
    if not portable:
        flags.append("-march=native")
    return {"extra_cflags": flags, "extra_cuda_cflags": [], "extra_ldflags": ["-fopenmp"]}


def architectures() -> str:
    """What `nvcc` compiles for: Ampere, Hopper, later ones by PTX, and older ones that are here."""
    here = {torch.cuda.get_device_capability(i) for i in range(torch.cuda.device_count())}
    older = [f"{major}.{minor}" for major, minor in sorted(here) if (major, minor) < (8, 0)]
    return ";".join([*older, "8.0", "9.0+PTX"])


def _compile(device_type: str, folder: Path) -> None:
    from torch.utils import cpp_extension

    flags = compiler_flags(device_type)
    before = os.environ.get("TORCH_CUDA_ARCH_LIST")
    os.environ["TORCH_CUDA_ARCH_LIST"] = architectures()
    try:
        cpp_extension.load(
            f"smis_{device_type}",
            [str(path) for path in sources(device_type)],
            build_directory=str(folder),
            with_cuda=device_type == "cuda",
            is_python_module=False,
            extra_cflags=flags["extra_cflags"],
            extra_cuda_cflags=flags["extra_cuda_cflags"],
            extra_ldflags=flags["extra_ldflags"],
        )
    except (RuntimeError, OSError) as error:
        raise BuildFailure(f"the compiler refused: {error}") from error
    finally:
        if before is None:
            del os.environ["TORCH_CUDA_ARCH_LIST"]
        else:
            os.environ["TORCH_CUDA_ARCH_LIST"] = before


def check_tools(device_type: str) -> None:
    """Raise BuildFailure with the cure where something to build with is missing."""
    if sys.platform == "win32":
        raise BuildFailure("they are built on Linux and macOS only")
    try:
        from torch.utils import cpp_extension
    except ImportError as error:  # torch builds through setuptools and does not require it
        raise BuildFailure(f"{error}: pip install 'smis[native]'") from error
    compiler = os.environ.get("CXX", "c++")
    if shutil.which(compiler) is None:
        raise BuildFailure(f"there is no C++ compiler ({compiler}): install g++ or set CXX")
    if not cpp_extension.is_ninja_available():
        raise BuildFailure("ninja is missing: pip install 'smis[native]'")
    if device_type == "cuda" and torch.version.cuda is None:
        raise BuildFailure(f"torch {torch.__version__} is built without CUDA")
    if device_type == "cuda" and cpp_extension.CUDA_HOME is None:
        raise BuildFailure(
            f"nvcc is missing: install the CUDA toolkit {torch.version.cuda} or set CUDA_HOME"
        )


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a lock that the system gives back when its owner dies."""
    import fcntl

    with open(path, "w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _log.warning("another process is building the native operations: waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _all_files(device_type: str) -> list[Path]:
    headers = [p for p in (sources_folder() / device_type).iterdir() if p.suffix in SUFFIXES]
    return [*sources(device_type), *headers]


def _machine(device_type: str) -> tuple[str, ...]:
    """What a library depends on besides its sources."""
    if device_type == "cuda":
        return (architectures(),)
    # -march=native: a home folder may be shared by machines of several kinds.
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as file:
        return (platform.machine(), next((x for x in file if x.startswith("flags")), ""))
    return (platform.machine(), platform.processor())


def _cache_folder() -> Path:
    """ "native" in the folder where downloads are kept too."""
    if chosen := os.environ.get("SMIS_CACHE"):
        return Path(chosen) / "native"
    base = os.environ.get("XDG_CACHE_HOME", "").strip()
    return (Path(base) if base else Path.home() / ".cache") / "smis" / "native"
