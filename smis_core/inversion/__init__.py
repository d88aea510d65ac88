"""Pictures → latents."""

from .perceptual import critic_features, feature_distance, pixel_distance, pyramid
from .project import ProjectionOptions, ProjectionStep, project

__all__ = [
    "ProjectionOptions",
    "ProjectionStep",
    "critic_features",
    "feature_distance",
    "pixel_distance",
    "project",
    "pyramid",
]
