"""Pictures → latents."""

from .companions import Companions, companions_of, load_image_encoder
from .encode import AnyImageEncoder, encode
from .hybrid import HybridOptions, hybrid
from .image_encoder import ImageEncoder, ImageEncoderConfig
from .latent_files import load_classes, load_latent, save_latent
from .losses import LossWeights
from .lpips import load_lpips
from .many import ManyStep, invert
from .perceptual import (
    Perceptual,
    choose_perceptual,
    critic_features,
    discriminator_distance,
    feature_distance,
)
from .project import ProjectionOptions, project
from .pyramid import pixel_distance, pyramid
from .spaces import draw, styles_of
from .statistics import class_labels
from .step import InversionStep, Latent
from .targets import FFHQ_POINTS, PORTRAIT_POINTS, FacePoints, Target, prepare_target, preview
from .train_encoder import ImageEncoderOptions, ImageEncoderStep, train_image_encoder
from .tune import TuningOptions, tune

__all__ = [
    "FFHQ_POINTS",
    "PORTRAIT_POINTS",
    "AnyImageEncoder",
    "Companions",
    "FacePoints",
    "HybridOptions",
    "ImageEncoder",
    "ImageEncoderConfig",
    "ImageEncoderOptions",
    "ImageEncoderStep",
    "InversionStep",
    "Latent",
    "LossWeights",
    "ManyStep",
    "Perceptual",
    "ProjectionOptions",
    "Target",
    "TuningOptions",
    "choose_perceptual",
    "class_labels",
    "companions_of",
    "critic_features",
    "discriminator_distance",
    "draw",
    "encode",
    "feature_distance",
    "hybrid",
    "invert",
    "load_classes",
    "load_image_encoder",
    "load_latent",
    "load_lpips",
    "pixel_distance",
    "prepare_target",
    "preview",
    "project",
    "pyramid",
    "save_latent",
    "styles_of",
    "train_image_encoder",
    "tune",
]
