"""Everything that a training is at one moment, in memory and on disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from smis_core.networks.configs import DiscriminatorConfig, GeneratorConfig, StridedConfig
from smis_core.networks.discriminator import Discriminator
from smis_core.networks.latent_encoder import LatentEncoder
from smis_core.networks.strided import AnyDiscriminator, StridedDiscriminator
from smis_core.networks.stylegan2 import Generator
from smis_core.training.options import GanOptions
from smis_core.training.randomness import seeded
from smis_core.training.shards import read_folder, write_folder

FORMAT = 2
LATENT_ENCODER_SIDE = 32
MOMENTS = ("step", "exp_avg", "exp_avg_sq")

AnyDiscriminatorConfig = DiscriminatorConfig | StridedConfig


@dataclass
class GanState:
    """Networks, optimisers and counters; random numbers are a function of seed and step."""

    options: GanOptions
    generator: Generator
    """As trained."""
    average: Generator
    """Moving average of its weights: the one to use."""
    discriminator: AnyDiscriminator
    encoder: LatentEncoder | None
    """Reads z from pictures, where the generator begins as an autoencoder's decoder."""
    generator_optimizer: torch.optim.Adam
    discriminator_optimizer: torch.optim.Adam
    encoder_optimizer: torch.optim.Adam | None
    step: int = 0
    """Steps done."""
    pictures: int = 0
    """Real pictures from which the networks have learnt."""
    seconds: float = 0.0
    """Time spent in steps."""
    path_length: float = 0.0
    """Moving average of path lengths, where they are regularised."""
    data: str = ""
    """Description of the pictures."""
    grown_from: str = ""
    """What the networks came from where they did not start at random."""

    @classmethod
    def create(cls, options: GanOptions, device: torch.device) -> GanState:
        """Fresh networks, drawn from the options' seed."""
        side = min(LATENT_ENCODER_SIDE, options.resolution)
        with seeded("weights", options.seed, device=torch.device("cpu")):
            return cls.around(
                options,
                Generator(generator_config(options)),
                build_discriminator(discriminator_config(options)),
                LatentEncoder(side, options.z_dim) if options.autoencoder_pictures else None,
                device,
            )

    @classmethod
    def around(
        cls,
        options: GanOptions,
        generator: Generator,
        discriminator: AnyDiscriminator,
        encoder: LatentEncoder | None,
        device: torch.device,
    ) -> GanState:
        """Fresh optimisers and counters for these networks; the average starts as a copy."""
        average = Generator(generator.config)
        average.load_state_dict(generator.state_dict())
        for network in (generator, average, discriminator, encoder):
            if network is not None:
                network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
                network.train().requires_grad_(True)
        average.eval().requires_grad_(False)
        betas = (options.beta1, options.beta2)
        return cls(
            options, generator, average, discriminator, encoder,
            adam(generator, betas, slow=options.carried_lr_share),
            adam(discriminator, betas),
            adam(encoder, betas) if encoder is not None else None,
        )  # fmt: skip

    def save(self, folder: Path) -> None:
        """Write the state, replacing what was there as a whole.

        Raises:
            OSError: the place cannot be written.
        """
        tensors: dict[str, Tensor] = {}
        for name, network in self._networks():
            tensors |= {f"{name}/{key}": value for key, value in network.state_dict().items()}
        for name, network, optimizer in self.optimized():
            for key, parameter in network.named_parameters():
                if parameter in optimizer.state:
                    moments = optimizer.state[parameter]
                    for moment in MOMENTS:
                        tensors[f"{name}_{moment}/{key}"] = moments[moment]
        write_folder(
            folder,
            tensors,
            {
                "format": FORMAT,
                "options": self.options.to_dict(),
                "generator": self.generator.config.to_dict(),
                "discriminator": self.discriminator.config.to_dict(),
                "encoder_side": None if self.encoder is None else self.encoder.side,
                "step": self.step,
                "pictures": self.pictures,
                "seconds": self.seconds,
                "path_length": self.path_length,
                "data": self.data,
                "grown_from": self.grown_from,
            },
        )

    @classmethod
    def load(
        cls, folder: Path, device: torch.device, *, options: GanOptions | None = None
    ) -> GanState:
        """The state that `save` wrote.

        Args:
            folder: where.
            device: where networks go.
            options: to go on with; None takes the saved ones.

        Raises:
            FileNotFoundError: nothing was saved there.
            ValueError: it is damaged, or of another architecture than the options ask for.
        """
        tensors, facts = read_folder(folder)
        if facts.get("format") != FORMAT:
            raise ValueError(
                f"{folder} holds a training state of format {facts.get('format')}; this version "
                f"reads format {FORMAT}"
            )
        options = options or GanOptions.from_dict(facts["options"])
        kind = facts["options"]["discriminator"]
        if "strided" in {kind, options.discriminator} and kind != options.discriminator:
            raise ValueError(
                f"{folder} holds another kind of discriminator, {kind!r}, than "
                f"{options.discriminator!r}: use the same options, or choose another folder"
            )
        critic = (StridedConfig if kind == "strided" else DiscriminatorConfig).from_dict(
            facts["discriminator"]
        )
        saved = (GeneratorConfig.from_dict(facts["generator"]), critic)
        if found := differences(saved, options):
            raise ValueError(
                f"{folder} holds the state of another architecture: {found}; use the same "
                f"options, grow the saved networks, or choose another folder"
            )
        side = facts["encoder_side"]
        state = cls.around(
            options,
            Generator(saved[0]),
            build_discriminator(critic),
            None if side is None else LatentEncoder(side, saved[0].z_dim),
            device,
        )
        for name, network in state._networks():
            prefix = f"{name}/"
            own = {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}
            network.load_state_dict(own)
        for name, network, optimizer in state.optimized():
            for key, parameter in network.named_parameters():
                moments = {m: tensors.get(f"{name}_{m}/{key}") for m in MOMENTS}
                if moments["step"] is not None:
                    set_moments(optimizer, parameter, moments)
        counters = {k: facts[k] for k in ("step", "pictures", "seconds", "path_length")}
        texts = {k: facts[k] for k in ("data", "grown_from")}
        return replace(state, **counters, **texts)

    def _networks(self) -> Iterator[tuple[str, nn.Module]]:
        yield "generator", self.generator
        yield "average", self.average
        yield "discriminator", self.discriminator
        if self.encoder is not None:
            yield "encoder", self.encoder

    def optimized(self) -> Iterator[tuple[str, nn.Module, torch.optim.Adam]]:
        """The networks that learn, by name, with their optimisers."""
        yield "generator", self.generator, self.generator_optimizer
        yield "discriminator", self.discriminator, self.discriminator_optimizer
        if self.encoder is not None and self.encoder_optimizer is not None:
            yield "encoder", self.encoder, self.encoder_optimizer


def adam(network: nn.Module, betas: tuple[float, float], *, slow: float = 1.0) -> torch.optim.Adam:
    """Adam in the form that is fastest where the network lies; `set_rates` gives it its rates.

    Args:
        network: whose parameters.
        betas: decay rates.
        slow: share of the rate for all but a generator's last resolution.
    """
    block = f".b{network.config.resolution}." if isinstance(network, Generator) else ""
    groups: dict[float, list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        groups.setdefault(1.0 if block in name else slow, []).append(parameter)
    fused = next(network.parameters()).device.type in ("cpu", "cuda")
    return torch.optim.Adam(
        [{"params": parameters, "share": share} for share, parameters in groups.items()],
        betas=betas, eps=1e-8, fused=fused,
    )  # fmt: skip


def set_rates(optimizer: torch.optim.Adam, lr: float, betas: tuple[float, float]) -> None:
    """The learning rate, of which each group takes its share, and the decay rates."""
    for group in optimizer.param_groups:
        group.update(lr=lr * group["share"], betas=betas)


def set_moments(
    optimizer: torch.optim.Adam, parameter: nn.Parameter, moments: Mapping[str, Any]
) -> None:
    """Give Adam what it knew of a parameter, by the names of `MOMENTS`."""
    step: Tensor = moments["step"]
    kept = {name: torch.empty_like(parameter).copy_(moments[name]) for name in MOMENTS[1:]}
    optimizer.state[parameter] = {
        "step": step.clone()
        .to(device=parameter.device if parameter.is_cuda else "cpu")
        .reshape(()),
        **kept,
    }


def generator_config(options: GanOptions) -> GeneratorConfig:
    """The generator that the options describe."""
    return GeneratorConfig(
        resolution=options.resolution,
        z_dim=options.z_dim,
        w_dim=options.w_dim,
        channel_base=options.channel_base,
        channel_max=options.channel_max,
        mapping_layers=options.mapping_layers,
    )


def discriminator_config(options: GanOptions) -> AnyDiscriminatorConfig:
    """The discriminator that the options describe."""
    if options.discriminator == "strided":
        return StridedConfig(
            resolution=options.resolution,
            channel_base=max(options.resolution // 2, options.channel_base * 3 // 4),
            channel_max=options.channel_max * 3 // 2,
            mbstd_group_size=options.mbstd_group_size,
        )
    return DiscriminatorConfig(
        resolution=options.resolution,
        channel_base=options.channel_base,
        channel_max=options.channel_max,
        architecture=options.discriminator,
        mbstd_group_size=options.mbstd_group_size,
    )


def build_discriminator(config: AnyDiscriminatorConfig) -> AnyDiscriminator:
    """The network of a configuration, with random weights."""
    if isinstance(config, StridedConfig):
        return StridedDiscriminator(config)
    return Discriminator(config)


def differences(
    configs: tuple[GeneratorConfig, AnyDiscriminatorConfig], options: GanOptions
) -> str:
    """How networks differ from those that the options describe, in words; '' when they do not."""
    wanted = (generator_config(options), discriminator_config(options))
    return ", ".join(
        f"{kind}'s {name} is {value}, wanted is {wants.to_dict()[name]}"
        for kind, has, wants in zip(("generator", "discriminator"), configs, wanted, strict=True)
        for name, value in has.to_dict().items()
        if wants.to_dict()[name] != value
    )
