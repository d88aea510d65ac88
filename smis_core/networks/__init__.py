"""Networks: generators, discriminators, encoders."""

from .configs import Architecture, DiscriminatorConfig, GeneratorConfig, StridedConfig
from .discriminator import Discriminator
from .latent_encoder import LatentEncoder
from .strided import AnyDiscriminator, StridedDiscriminator
from .stylegan2 import Generator, LayerInfo, MappingNetwork, SynthesisNetwork

__all__ = [
    "AnyDiscriminator",
    "Architecture",
    "Discriminator",
    "DiscriminatorConfig",
    "Generator",
    "GeneratorConfig",
    "LatentEncoder",
    "LayerInfo",
    "MappingNetwork",
    "StridedConfig",
    "StridedDiscriminator",
    "SynthesisNetwork",
]
