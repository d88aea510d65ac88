"""Foreign families in our own format: the kinds under which their networks are saved."""

from __future__ import annotations

from ..networks.configs import GeneratorConfig
from ..networks.foreign_configs import PyramidEncoderConfig, StyleGAN1Config, StyleGAN3Config
from ..networks.psp_encoders import Encoder4Editing, GradualStyleEncoder
from ..networks.stylegan1 import StyleGAN1Generator
from ..networks.stylegan3 import StyleGAN3Generator
from .formats.label_concat import LabelConcatGenerator
from .inversion_encoder import InversionConfig, InversionEncoder
from .native import register_kind

register_kind("stylegan1-generator", StyleGAN1Generator, StyleGAN1Config)
register_kind("stylegan2-label-concat-generator", LabelConcatGenerator, GeneratorConfig)
register_kind("stylegan3-generator", StyleGAN3Generator, StyleGAN3Config)
register_kind("psp-encoder", GradualStyleEncoder, PyramidEncoderConfig)
register_kind("e4e-encoder", Encoder4Editing, PyramidEncoderConfig)
register_kind("inversion-encoder", InversionEncoder, InversionConfig)
