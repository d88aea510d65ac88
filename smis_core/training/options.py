"""What a training of the generator can be told."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

Precision = Literal["auto", "float32", "bfloat16"]
Critic = Literal["strided", "skip", "resnet", "orig"]


@dataclass(frozen=True, kw_only=True)
class GanOptions:
    """Sizes, losses and schedule of one training; the defaults are for 64² on a small CPU."""

    resolution: int = 64
    """Side of the pictures in pixels; a power of two, at least 8."""
    pictures: int = 150_000
    """How many real pictures the discriminator is shown in all, repetitions counted."""
    batch: int = 32
    """Pictures a step; a multiple of `mbstd_group_size`."""
    seed: int = 0
    """Decides initial weights, latents, noise, order of the pictures: everything random."""

    z_dim: int = 128
    """Length of a latent code."""
    w_dim: int = 128
    """Length of an intermediate code."""
    mapping_layers: int = 4
    """Dense layers from z to w."""
    channel_base: int = 4096
    """The generator's channels at resolution r are min(channel_base // r, channel_max)."""
    channel_max: int = 128
    """See `channel_base`."""
    discriminator: Critic = "strided"
    """'strided' is a plain one that learns within a few steps and costs a seventh; the others are
    StyleGAN2's (Karras et al. 2020, figure 7), as wide as the generator, for trainings of
    millions of pictures. Only 'strided' and 'skip' can be grown."""
    mbstd_group_size: int = 4
    """Pictures that the discriminator compares with each other in its last block."""

    generator_lr: float = 0.003
    """Adam's learning rate for the generator."""
    carried_lr_share: float = 1.0
    """The rate of all but the generator's last resolution, as a share of `generator_lr`. A grown
    generator learns the new one fast; what it knew is lost where it changes as fast."""
    discriminator_lr: float = 0.001
    """Adam's learning rate for the discriminator; StyleGAN2's have equalised learning rates and
    want 0.0025. One that learns slowly does not see that layouts repeat, and they collapse."""
    cooldown_pictures: int = 0
    """Over the last so many pictures all rates fall to zero, along half a cosine: the players stop
    answering one another's last step, and what was sharp stays clean."""
    beta1: float = 0.5
    """Adam's first decay rate, for both."""
    beta2: float = 0.99
    """Adam's second decay rate, for both."""
    r1_gamma: float = 0.3
    """Weight of the gradient penalty on real pictures."""
    r1_interval_steps: int = 4
    """The gradient penalty is applied every so many steps, that many times as strongly."""
    autoencoder_pictures: int = 50_000
    """Pictures at the start from which the generator learns as the decoder of a variational
    autoencoder (Kingma and Welling 2014): it begins the game with every layout there is, and the
    discriminator sees it when one is dropped. 0 begins at random, as StyleGAN2 does."""
    autoencoder_lr: float = 0.005
    """Adam's learning rate of both halves meanwhile."""
    autoencoder_sigma: float = 0.3
    """Standard deviation of a pixel around its reconstruction. Smaller ones draw the pictures more
    exactly, and codes further from the normal distribution from which one samples."""
    reconstruction_interval_steps: int = 4
    """After the start, the generator's gradient includes the autoencoder's every so many steps
    (Larsen et al. 2016), so that layouts once learnt stay."""
    path_length_weight: float = 0.0
    """Weight of the path-length penalty on the generator; 0 leaves it out."""
    path_length_interval_steps: int = 4
    """As `r1_interval_steps`, for the path-length penalty."""
    style_mixing: float = 0.0
    """Share of the generated pictures that take their later layers from a second latent code.
    In short trainings it teaches the generator to ignore its layout layers; styles mix without."""
    noise_inputs: bool = True
    """Whether layers are given noise; pictures without grain, such as drawings, want none."""
    ema_half_life_pictures: float = 10_000.0
    """Pictures after which a weight counts half in the averaged generator."""
    ema_rampup: float | None = 0.05
    """The half-life is at most this share of the pictures seen; None: never shortened."""
    flip: bool = False
    """Whether each real picture is mirrored with probability one half."""

    precision: Precision = "auto"
    """Arithmetic of convolutions; 'auto' is bfloat16 where the processor has it in hardware."""

    save_every_minutes: float = 3.0
    """How often the state is saved."""
    preview_every_pictures: int = 5_000
    """How often a step brings a sheet of samples."""
    preview_count: int = 48
    """Samples on that sheet."""

    def __post_init__(self) -> None:
        side = self.resolution
        if side < 8 or side & (side - 1):
            raise ValueError(
                f"resolution must be a power of two, at least 8; got {side}: "
                f"try {max(8, 1 << max(side, 1).bit_length() - 1)}"
            )
        if self.batch < 1 or self.batch % self.mbstd_group_size:
            raise ValueError(
                f"batch must be a multiple of mbstd_group_size, {self.mbstd_group_size}, because "
                f"the discriminator compares pictures in groups of that size; got {self.batch}"
            )
        positive = (
            "pictures", "z_dim", "w_dim", "mapping_layers", "channel_base", "channel_max",
            "mbstd_group_size", "generator_lr", "discriminator_lr", "r1_interval_steps",
            "path_length_interval_steps", "autoencoder_lr", "autoencoder_sigma",
            "reconstruction_interval_steps", "ema_half_life_pictures", "save_every_minutes",
            "preview_every_pictures", "preview_count",
        )  # fmt: skip
        for name in positive:
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive; got {getattr(self, name)}")
        for name in ("r1_gamma", "path_length_weight", "autoencoder_pictures", "cooldown_pictures"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be 0 (off) or positive; got {getattr(self, name)}")
        for name in ("style_mixing", "carried_lr_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a share, 0 to 1; got {getattr(self, name)}")
        for name in ("beta1", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be in [0, 1); got {getattr(self, name)}")
        if self.discriminator not in get_args(Critic):
            raise ValueError(
                f"discriminator must be one of {get_args(Critic)}; got {self.discriminator!r}"
            )
        if self.precision not in ("auto", "float32", "bfloat16"):
            raise ValueError(
                f"precision must be 'auto', 'float32' or 'bfloat16'; got {self.precision!r}"
            )

    def to_dict(self) -> dict[str, Any]:
        """As plain values that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> GanOptions:
        """The inverse of `to_dict`.

        Raises:
            ValueError: a name is not an option.
        """
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(values) - known):
            raise ValueError(f"unknown training options {unknown}; known are {sorted(known)}")
        return cls(**values)
