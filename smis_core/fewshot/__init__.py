"""Annotated pictures → pseudo-labelled samples → encoder → synthesis → refinement."""

from .annotate import AnnotatedPictures, invert_annotated
from .augment import AugmentOptions, distort
from .bundled import load_synthesizer, load_synthesizer_files
from .encoder_options import EncoderOptions, EncoderStep
from .losses import agreement, mask_consistency, one_hot, overlaps
from .network import FewshotConfig, FewshotNetwork
from .project import FewshotProject, ProjectPicture, ProjectSettings
from .pseudo import PictureLabeller, PseudoSampler, PseudoSamples
from .pyramid import EncoderConfig, PyramidMaskConfig, check_unconditional, encoder_config
from .refine import RefineStep
from .synthesis import Anchor, Character, Synthesis, Synthesizer
from .train import train_encoder
from .validation import Validation, ValidationOptions, joint_miou

__all__ = [
    "Anchor",
    "AnnotatedPictures",
    "AugmentOptions",
    "Character",
    "EncoderConfig",
    "EncoderOptions",
    "EncoderStep",
    "FewshotConfig",
    "FewshotNetwork",
    "FewshotProject",
    "PictureLabeller",
    "ProjectPicture",
    "ProjectSettings",
    "PseudoSampler",
    "PseudoSamples",
    "PyramidMaskConfig",
    "RefineStep",
    "Synthesis",
    "Synthesizer",
    "Validation",
    "ValidationOptions",
    "agreement",
    "check_unconditional",
    "distort",
    "encoder_config",
    "invert_annotated",
    "joint_miou",
    "load_synthesizer",
    "load_synthesizer_files",
    "mask_consistency",
    "one_hot",
    "overlaps",
    "train_encoder",
]
