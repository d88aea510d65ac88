"""Networks: generators, discriminators, encoders."""

from .configs import Architecture, DiscriminatorConfig, GeneratorConfig, StridedConfig
from .discriminator import Discriminator
from .foreign_configs import PyramidEncoderConfig, StyleGAN1Config, StyleGAN3Config
from .generator_base import GeneratorBase, SynthesisBase
from .latent_encoder import LatentEncoder
from .psp_encoders import Encoder4Editing, GradualStyleEncoder
from .session import Overtaken, SynthesisSession
from .strided import AnyDiscriminator, StridedDiscriminator
from .stylegan1 import StyleGAN1Generator
from .stylegan2 import Generator, LayerInfo, MappingNetwork, SynthesisNetwork
from .stylegan3 import StyleGAN3Generator

__all__ = [
    "AnyDiscriminator",
    "Architecture",
    "Discriminator",
    "DiscriminatorConfig",
    "Encoder4Editing",
    "Generator",
    "GeneratorBase",
    "GeneratorConfig",
    "GradualStyleEncoder",
    "LatentEncoder",
    "LayerInfo",
    "MappingNetwork",
    "Overtaken",
    "PyramidEncoderConfig",
    "StridedConfig",
    "StridedDiscriminator",
    "StyleGAN1Config",
    "StyleGAN1Generator",
    "StyleGAN3Config",
    "StyleGAN3Generator",
    "SynthesisBase",
    "SynthesisNetwork",
    "SynthesisSession",
]
