"""Long work and interactive rendering off the main thread.

Long work is a generator function that yields steps (frozen dataclasses); a ``Job`` runs one on a
thread. Rendering while a person draws is a ``LatestWorker``: the newest request wins. What both
compute with is shared by ``turns_of``.
"""

from .job import Job, JobState
from .latest import LatestWorker
from .turns import Turns, turns_of

__all__ = ["Job", "JobState", "LatestWorker", "Turns", "turns_of"]
