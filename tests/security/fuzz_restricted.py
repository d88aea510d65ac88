"""A target for atheris, the coverage-guided fuzzer: `python fuzz_restricted.py [CORPUS] [-runs=N]`.

The first byte of an input chooses the reader, the rest is the file. The seeds are the files that
the tests mutate, written into the corpus folder where one is named and empty.
"""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

READERS = ("pickle", "torch")


def write_seeds(folder):
    """Put the valid files into an empty folder, each behind the byte of its reader."""
    from security.valid_files import valid_files, written_files

    folder.mkdir(parents=True, exist_ok=True)
    if not any(folder.iterdir()):
        files = {**valid_files(), **written_files()}
        for index, (content, reader) in enumerate(files.values()):
            (folder / f"seed{index}").write_bytes(bytes([READERS.index(reader)]) + content)


def test_one_input(content):
    """What atheris calls: every error but the two that are promised is a finding."""
    from smis_core.checkpoints.restricted import read_pickle, read_torch

    read = read_torch if content[:1] == b"\1" else read_pickle
    try:
        read(content[1:])
    except ValueError:
        return


def main():
    try:
        import atheris
    except ImportError:
        sys.exit("the fuzzer needs atheris, which is for Linux: pip install atheris")
    with atheris.instrument_imports(include=["smis_core.checkpoints.restricted"]):
        import smis_core.checkpoints.restricted  # noqa: F401
    for argument in sys.argv[1:]:
        if not argument.startswith("-"):
            write_seeds(Path(argument))
    atheris.Setup(sys.argv, test_one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
