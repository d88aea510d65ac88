"""A person's few-shot work in one folder."""

from .generators import project_generator
from .project import FewshotProject
from .record import ProjectPicture, ProjectSettings

__all__ = ["FewshotProject", "ProjectPicture", "ProjectSettings", "project_generator"]
