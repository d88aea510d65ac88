"""A person's few-shot work in one folder."""

from .project import FewshotProject
from .record import ProjectPicture, ProjectSettings

__all__ = ["FewshotProject", "ProjectPicture", "ProjectSettings"]
