"""Networks: generators, discriminators, encoders."""

from .configs import Architecture, DiscriminatorConfig, GeneratorConfig
from .discriminator import Discriminator
from .stylegan2 import Generator, LayerInfo, MappingNetwork, SynthesisNetwork

__all__ = [
    "Architecture",
    "Discriminator",
    "DiscriminatorConfig",
    "Generator",
    "GeneratorConfig",
    "LayerInfo",
    "MappingNetwork",
    "SynthesisNetwork",
]
