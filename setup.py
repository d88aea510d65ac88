"""The wheel of pyproject.toml; with native operations inside it where they are asked for.

    SMIS_PREBUILD=cuda pip wheel --no-build-isolation --no-deps .

compiles them against the torch that is installed, for Ampere, Hopper and what comes after them;
TORCH_CUDA_ARCH_LIST chooses others. The wheel serves this minor version of torch; with another
one, smis takes the way of an installation without them.
"""

import os
import sys
from pathlib import Path
from typing import Any

from setuptools import setup


def native_operations() -> dict[str, Any]:
    """Arguments of `setup` for the kinds of device that SMIS_PREBUILD names."""
    kinds = os.environ.get("SMIS_PREBUILD", "").replace(",", " ").split()
    if not kinds:
        return {}
    if unknown := set(kinds) - {"cuda", "cpu"}:
        raise SystemExit(f"SMIS_PREBUILD must name cuda, cpu or both, but names {sorted(unknown)}")
    root = Path(__file__).parent
    sys.path.insert(0, str(root))
    try:
        from torch.utils import cpp_extension

        from smis_core.ops import _build
    except ImportError as error:
        raise SystemExit(
            f"SMIS_PREBUILD compiles against an installed torch ({error}): install torch and "
            "ninja, and build with --no-build-isolation"
        ) from error
    if "cuda" in kinds:
        os.environ.setdefault("TORCH_CUDA_ARCH_LIST", _build.architectures())
    modules = []
    for kind in kinds:
        flags = _build.compiler_flags(kind, portable=True)
        cuda = kind == "cuda"
        extension = cpp_extension.CUDAExtension if cuda else cpp_extension.CppExtension
        modules.append(
            extension(
                f"smis_core.ops.{_build.prebuilt_name(kind)}",
                [str(path.relative_to(root)) for path in _build.sources(kind)],
                extra_compile_args={
                    "cxx": flags["extra_cflags"],
                    "nvcc": flags["extra_cuda_cflags"],
                },
                extra_link_args=flags["extra_ldflags"],
            )
        )
    build = cpp_extension.BuildExtension.with_options(no_python_abi_suffix=True)
    return {"ext_modules": modules, "cmdclass": {"build_ext": build}}


setup(**native_operations())
