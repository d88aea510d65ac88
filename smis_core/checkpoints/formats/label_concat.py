"""StyleGAN2 of TensorFlow with classes: z and an embedded class are normalised as one vector.

StyleGAN2-ADA and StyleGAN3 normalise each by itself, so this is another network.
"""

from __future__ import annotations

from ...networks.configs import GeneratorConfig
from ...networks.stylegan1 import JointMappingNetwork
from ...networks.stylegan2 import Generator


class LabelConcatGenerator(Generator):
    """StyleGAN2 with the mapping network of the first conditional StyleGANs.

    Args:
        config: with `c_dim` of at least 1.

    Raises:
        ValueError: the configuration has no classes.
    """

    def __init__(self, config: GeneratorConfig) -> None:
        if not config.c_dim:
            raise ValueError("c_dim must be at least 1 for a network with classes, but is 0")
        super().__init__(config)
        self.mapping = JointMappingNetwork(
            z_dim=config.z_dim, c_dim=config.c_dim, w_dim=config.w_dim, num_ws=config.num_ws,
            num_layers=config.mapping_layers, w_avg_beta=config.w_avg_beta,
        )  # fmt: skip
