"""Everything that a training is at one moment, in memory and on disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from smis_core.networks.configs import DiscriminatorConfig, GeneratorConfig
from smis_core.networks.discriminator import Discriminator
from smis_core.networks.stylegan2 import Generator
from smis_core.training.options import GanOptions
from smis_core.training.randomness import seeded
from smis_core.training.shards import read_folder, write_folder

FORMAT = 1


@dataclass
class GanState:
    """Networks, optimisers and counters; random numbers are a function of seed and step."""

    options: GanOptions
    generator: Generator
    """As trained."""
    average: Generator
    """Moving average of its weights: the one to use."""
    discriminator: Discriminator
    generator_optimizer: torch.optim.Adam
    discriminator_optimizer: torch.optim.Adam
    step: int = 0
    """Steps done."""
    pictures: int = 0
    """Real pictures shown to the discriminator."""
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
        with seeded("weights", options.seed, device=torch.device("cpu")):
            return cls.around(
                options,
                Generator(generator_config(options)),
                Discriminator(discriminator_config(options)),
                device,
            )

    @classmethod
    def around(
        cls,
        options: GanOptions,
        generator: Generator,
        discriminator: Discriminator,
        device: torch.device,
    ) -> GanState:
        """Fresh optimisers and counters for these networks; the average starts as a copy."""
        average = Generator(generator.config)
        average.load_state_dict(generator.state_dict())
        for network in (generator, average, discriminator):
            network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        generator.train().requires_grad_(True)
        discriminator.train().requires_grad_(True)
        average.eval().requires_grad_(False)
        path_interval = options.path_length_interval_steps if options.path_length_weight else None
        r1_interval = options.r1_interval_steps if options.r1_gamma else None
        return cls(
            options, generator, average, discriminator,
            lazy_adam(generator, options.generator_lr, options.beta2, path_interval),
            lazy_adam(discriminator, options.discriminator_lr, options.beta2, r1_interval),
        )  # fmt: skip

    def save(self, folder: Path) -> None:
        """Write the state, replacing what was there as a whole.

        Raises:
            OSError: the place cannot be written.
        """
        tensors: dict[str, Tensor] = {}
        for name, network in self._networks():
            tensors |= {f"{name}/{key}": value for key, value in network.state_dict().items()}
        for name, network, optimizer in self._optimized():
            for key, parameter in network.named_parameters():
                if parameter in optimizer.state:
                    moments = optimizer.state[parameter]
                    tensors[f"{name}_moments/{key}"] = moments["exp_avg_sq"]
                    tensors[f"{name}_steps/{key}"] = moments["step"]
        write_folder(
            folder,
            tensors,
            {
                "format": FORMAT,
                "options": self.options.to_dict(),
                "generator": self.generator.config.to_dict(),
                "discriminator": self.discriminator.config.to_dict(),
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
        saved = (
            GeneratorConfig.from_dict(facts["generator"]),
            DiscriminatorConfig.from_dict(facts["discriminator"]),
        )
        if found := differences(saved, options):
            raise ValueError(
                f"{folder} holds the state of another architecture: {found}; use the same "
                f"options, grow the saved networks, or choose another folder"
            )
        state = cls.around(options, Generator(saved[0]), Discriminator(saved[1]), device)
        for name, network in state._networks():
            prefix = f"{name}/"
            own = {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}
            network.load_state_dict(own)
        for name, network, optimizer in state._optimized():
            for key, parameter in network.named_parameters():
                if (moments := tensors.get(f"{name}_moments/{key}")) is not None:
                    set_moments(optimizer, parameter, moments, tensors[f"{name}_steps/{key}"])
        counters = {k: facts[k] for k in ("step", "pictures", "seconds", "path_length")}
        texts = {k: facts[k] for k in ("data", "grown_from")}
        return replace(state, **counters, **texts)

    def _networks(self) -> Iterator[tuple[str, nn.Module]]:
        yield "generator", self.generator
        yield "average", self.average
        yield "discriminator", self.discriminator

    def _optimized(self) -> Iterator[tuple[str, nn.Module, torch.optim.Adam]]:
        yield "generator", self.generator, self.generator_optimizer
        yield "discriminator", self.discriminator, self.discriminator_optimizer


def lazy_adam(
    network: nn.Module, lr: float, beta2: float, interval: int | None
) -> torch.optim.Adam:
    """Adam with beta1 = 0, corrected for a regulariser with a step of its own every `interval`.

    StyleGAN2 (Karras et al. 2020), appendix B, 'Lazy regularization': c = k / (k + 1).
    """
    c = 1.0 if interval is None else interval / (interval + 1)
    parameters = list(network.parameters())
    fused = parameters[0].device.type in ("cpu", "cuda")
    return torch.optim.Adam(parameters, lr=lr * c, betas=(0.0, beta2**c), eps=1e-8, fused=fused)


def set_moments(
    optimizer: torch.optim.Adam, parameter: nn.Parameter, moments: Tensor, step: Tensor
) -> None:
    """Give Adam what it knew of a parameter.

    The first moment is not kept anywhere: with beta1 = 0 it is overwritten before use.
    """
    optimizer.state[parameter] = {
        "step": step.to(device=parameter.device if parameter.is_cuda else "cpu").reshape(()),
        "exp_avg": torch.zeros_like(parameter),
        "exp_avg_sq": torch.empty_like(parameter).copy_(moments),
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


def discriminator_config(options: GanOptions) -> DiscriminatorConfig:
    """The discriminator that the options describe."""
    return DiscriminatorConfig(
        resolution=options.resolution,
        channel_base=options.channel_base,
        channel_max=options.channel_max,
        architecture="skip",
        mbstd_group_size=options.mbstd_group_size,
    )


def differences(configs: tuple[GeneratorConfig, DiscriminatorConfig], options: GanOptions) -> str:
    """How networks differ from those that the options describe, in words; '' when they do not."""
    wanted = (generator_config(options), discriminator_config(options))
    return ", ".join(
        f"{kind}'s {name} is {value}, wanted is {wants.to_dict()[name]}"
        for kind, has, wants in zip(("generator", "discriminator"), configs, wanted, strict=True)
        for name, value in has.to_dict().items()
        if wants.to_dict()[name] != value
    )
