"""``python -m smis_core.cli``, where the ``smis`` script is not on the path."""

from smis_core.cli import main

main()
