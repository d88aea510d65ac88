"""Annotated pictures → pseudo-labelled samples → encoder → synthesis → refinement."""

from .annotate import AnnotatedPictures, invert_annotated
from .augment import AugmentOptions, distort
from .bundled import load_synthesizer, load_synthesizer_files
from .losses import agreement, mask_consistency, one_hot
from .network import FewshotConfig, FewshotNetwork
from .project import FewshotProject, ProjectPicture, ProjectSettings
from .pseudo import PictureLabeller, PseudoSampler, PseudoSamples
from .synthesis import Anchor, Character, RefineStep, Synthesis, Synthesizer
from .train import EncoderOptions, EncoderStep, train_encoder

__all__ = [
    "Anchor",
    "AnnotatedPictures",
    "AugmentOptions",
    "Character",
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
    "RefineStep",
    "Synthesis",
    "Synthesizer",
    "agreement",
    "distort",
    "invert_annotated",
    "load_synthesizer",
    "load_synthesizer_files",
    "mask_consistency",
    "one_hot",
    "train_encoder",
]
