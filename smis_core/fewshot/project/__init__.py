"""A person's few-shot work in one folder."""

from .files import recorded_source
from .project import FewshotProject
from .record import ProjectPicture, ProjectSettings

__all__ = ["FewshotProject", "ProjectPicture", "ProjectSettings", "recorded_source"]
