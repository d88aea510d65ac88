"""Pictures → latents."""

from .perceptual import critic_features, feature_distance, pixel_distance, pyramid
from .project import ProjectionOptions, ProjectionStep, project
from .step import InversionStep, Latent

__all__ = [
    "InversionStep",
    "Latent",
    "ProjectionOptions",
    "ProjectionStep",
    "critic_features",
    "feature_distance",
    "pixel_distance",
    "project",
    "pyramid",
]
