"""What one thread computes in a step: losses of its share of a batch, and their gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from smis_core.training.losses import (
    discriminator_loss,
    generator_loss,
    path_lengths,
    r1_penalty,
    reconstruction_loss,
)
from smis_core.training.options import Precision
from smis_core.training.state import GanState

Gradients = Mapping[str, Sequence[Tensor | None]]
"""By network, in the order of its parameters."""


@dataclass(frozen=True)
class Draw:
    """What is random in one share's generated pictures."""

    z: Tensor  # [N, z]
    other: Tensor  # [N, z], for the later rows
    later: Tensor  # bool [N, L], rows that come from `other`
    deviation: Tensor  # [N, z], of a reconstruction's code from its mean
    probe: Tensor  # [N, 3, H, W], for path lengths; [N, 0] where none are due
    noise: Sequence[Tensor]


@dataclass(frozen=True)
class Result:
    """What a share gives back."""

    values: Mapping[str, float]
    gradients: Gradients


class Work:
    """The losses of both players on a share of the batch; changes no network.

    Args:
        state: the networks.
        precision: of convolutions, resolved.
        shares: how many there are: gradients are divided by it, so that they add up.
    """

    def __init__(self, state: GanState, precision: Precision, shares: int) -> None:
        self.state = state
        self.options = state.options
        self.precision = precision
        self.shares = shares
        self.device = next(state.generator.parameters()).device
        self.parameters = {
            name: list(network.parameters()) for name, network, _ in state.optimized()
        }

    def draws(self, count: int, *, path: bool = False) -> list[Draw]:
        """All that is random in `count` generated pictures, divided among the shares."""
        config, device = self.state.generator.config, self.device
        z, other, deviation = torch.randn(3, count, config.z_dim, device=device)
        rows = config.num_ws
        cutoff = torch.randint(1, rows, (count, 1), device=device)
        mixed = torch.rand(count, 1, device=device) < self.options.style_mixing
        later = mixed & (torch.arange(rows, device=device) >= cutoff)
        layers = self.state.generator.synthesis.layers if self.options.noise_inputs else ()
        sides = [layer.resolution for layer in layers]
        noise = [torch.randn(count, 1, side, side, device=device) for side in sides]
        shape = (3, config.resolution, config.resolution) if path else (0,)
        probe = torch.randn(count, *shape, device=device)
        divided = [each.chunk(self.shares) for each in (z, other, later, deviation, probe, *noise)]
        return [
            Draw(z, other, later, deviation, probe, maps)
            for z, other, later, deviation, probe, *maps in zip(*divided, strict=True)
        ]

    def tell_apart(self, draw: Draw, reals: Tensor, *, flatten: bool) -> Result:
        """The discriminator's loss; with `flatten`, the lazy gradient penalty joins it."""
        critic = self.state.discriminator
        with self._autocast():
            with torch.no_grad():
                fakes = self._fakes(draw)
            real_logits, fake_logits = critic(reals), critic(fakes)
        loss = discriminator_loss(real_logits, fake_logits)
        values = {
            "discriminator": float(loss.detach()),
            "real": float(real_logits.detach().mean()),
            "fake": float(fake_logits.detach().mean()),
        }
        if flatten:
            reals = reals.detach().requires_grad_(True)
            with self._autocast():
                penalty = r1_penalty(critic(reals), reals)
            values["r1"] = float(penalty.detach())
            loss = loss + self.options.r1_gamma / 2 * self.options.r1_interval_steps * penalty
        return self._result(values, loss, "discriminator")

    def fool(self, draw: Draw) -> Result:
        """The generator's loss."""
        with self._autocast():
            loss = generator_loss(self.state.discriminator(self._fakes(draw)))
        return self._result({"generator": float(loss.detach())}, loss, "generator")

    def reconstruct(self, draw: Draw, reals: Tensor) -> Result:
        """The autoencoder's loss, for the generator and the encoder, at the encoder's side."""
        encoder, generator = self.state.encoder, self.state.generator
        assert encoder is not None
        with self._autocast():
            mean, log_variance = encoder(reals)
            ws = generator.mapping(mean + (log_variance / 2).exp() * draw.deviation)
            fakes = generator.synthesis(ws, noise=draw.noise or "none")
        fold = reals.shape[-1] // encoder.side
        loss = reconstruction_loss(
            F.avg_pool2d(reals, fold), F.avg_pool2d(fakes, fold), mean, log_variance,
            self.options.autoencoder_sigma,
        )  # fmt: skip
        values = {"reconstruction": float(loss.detach())}
        return self._result(values, loss, "generator", "encoder")

    def even_paths(self, draw: Draw) -> Result:
        """The lazy path-length penalty (Karras et al. 2020, equation 4)."""
        ws = self._codes(draw)
        with self._autocast():
            fakes = self.state.generator.synthesis(ws, noise=draw.noise or "none")
            lengths = path_lengths(fakes, ws, draw.probe)
        penalty = (lengths - self.state.path_length).square().mean()
        weight = self.options.path_length_weight * self.options.path_length_interval_steps
        values = {"path": float(penalty.detach()), "length": float(lengths.detach().mean())}
        return self._result(values, penalty * weight, "generator")

    def _codes(self, draw: Draw) -> Tensor:
        """Latent codes [N, L, w], part of them mixed from two."""
        mapping: Callable[[Tensor], Tensor] = self.state.generator.mapping
        ws = mapping(draw.z)
        if not self.options.style_mixing:
            return ws
        return torch.where(draw.later[:, :, None], mapping(draw.other), ws)

    def _fakes(self, draw: Draw) -> Tensor:
        pictures: Tensor = self.state.generator.synthesis(
            self._codes(draw), noise=draw.noise or "none"
        )
        return pictures

    def _result(self, values: Mapping[str, float], loss: Tensor, *networks: str) -> Result:
        wanted = [parameter for name in networks for parameter in self.parameters[name]]
        found = iter(torch.autograd.grad(loss / self.shares, wanted, allow_unused=True))
        return Result(
            values, {name: [next(found) for _ in self.parameters[name]] for name in networks}
        )

    def _autocast(self) -> torch.autocast:
        on = self.precision == "bfloat16"
        # The cache of cast weights is shared by threads, and one that leaves empties it: sums of
        # gradients would depend on who was first.
        return torch.autocast(
            self.device.type, dtype=torch.bfloat16, enabled=on, cache_enabled=False
        )
