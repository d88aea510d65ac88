"""The StyleGAN2 discriminator (Karras et al. 2020), skip, resnet and orig.

Parameters are named as in the published PyTorch networks. Under `torch.autocast` convolutions
run in bfloat16; pictures and what follows 4² stay in float32.
"""

import torch
from torch import Tensor, nn

from ..ops import downsample2d, setup_filter
from .configs import Architecture, DiscriminatorConfig
from .layers import Conv2dLayer, FullyConnectedLayer
from .stylegan2 import MappingNetwork


class DiscriminatorBlock(nn.Module):
    """The layers of one resolution: fromrgb where pictures enter, conv0, conv1 on the way down."""

    resample_filter: Tensor

    def __init__(
        self,
        in_channels: int,  # 0 at the picture's own resolution
        channels: int,
        out_channels: int,
        *,
        img_channels: int,
        architecture: Architecture,
        conv_clamp: float | None,
    ) -> None:
        super().__init__()
        self.architecture = architecture
        self.register_buffer("resample_filter", setup_filter())
        if not in_channels or architecture == "skip":
            self.fromrgb = Conv2dLayer(
                img_channels, channels, 1, activation="lrelu", conv_clamp=conv_clamp
            )
        self.conv0 = Conv2dLayer(channels, channels, 3, activation="lrelu", conv_clamp=conv_clamp)
        self.conv1 = Conv2dLayer(
            channels, out_channels, 3, activation="lrelu", down=2, conv_clamp=conv_clamp
        )
        if architecture == "resnet":
            self.skip = Conv2dLayer(channels, out_channels, 1, bias=False, down=2)

    def forward(
        self,
        x: Tensor | None,  # [N, in, res, res]
        img: Tensor | None,  # [N, img_channels, res, res]
    ) -> tuple[Tensor, Tensor | None]:
        x, img = _read_picture(self, x, img)
        if img is not None:
            img = downsample2d(img, self.resample_filter)
        if self.architecture != "resnet":
            return self.conv1(self.conv0(x)), img
        gain = 0.5**0.5
        return self.skip(x, gain=gain) + self.conv1(self.conv0(x), gain=gain), img


class DiscriminatorEpilogue(nn.Module):
    """From 4² to the logit or the width of the projected class, in float32."""

    def __init__(self, config: DiscriminatorConfig, out_features: int) -> None:
        super().__init__()
        channels = config.channels(4)
        self.architecture = config.architecture
        self.group_size, self.statistics = config.mbstd_group_size, config.mbstd_channels
        if config.architecture == "skip":
            self.fromrgb = Conv2dLayer(config.img_channels, channels, 1, activation="lrelu")
        self.conv = Conv2dLayer(
            channels + (self.statistics if self.group_size > 1 else 0), channels, 3,
            activation="lrelu", conv_clamp=config.conv_clamp,
        )  # fmt: skip
        self.fc = FullyConnectedLayer(channels * 16, channels, activation="lrelu")
        self.out = FullyConnectedLayer(channels, out_features)

    def forward(self, x: Tensor, img: Tensor | None) -> tuple[Tensor, Tensor]:
        with torch.autocast(x.device.type, enabled=False):
            x, _ = _read_picture(self, x.float(), img)
            if self.group_size > 1:
                x = append_minibatch_std(x, self.group_size, self.statistics)
            x = self.conv(x)
            return self.out(self.fc(x.flatten(1))), x


class Discriminator(nn.Module):
    """Real or generated: a logit for each picture."""

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        cmap_dim = config.cmap_dim or config.channels(4)
        for resolution in config.resolutions[:0:-1]:
            block = DiscriminatorBlock(
                config.channels(resolution) if resolution < config.resolution else 0,
                config.channels(resolution),
                config.channels(resolution // 2),
                img_channels=config.img_channels,
                architecture=config.architecture,
                conv_clamp=config.conv_clamp,
            )
            self.add_module(f"b{resolution}", block)
        if config.c_dim:
            self.mapping = MappingNetwork(
                z_dim=0, c_dim=config.c_dim, w_dim=cmap_dim, num_ws=None,
                num_layers=config.mapping_layers,
            )  # fmt: skip
        self.b4 = DiscriminatorEpilogue(config, cmap_dim if config.c_dim else 1)

    def forward(
        self,
        img: Tensor,  # [N, img_channels, R, R] in [-1, 1]
        c: Tensor | None = None,  # [N, c_dim]
        *,
        features: bool = False,
    ) -> Tensor | tuple[Tensor, list[Tensor]]:
        """Judge pictures.

        Args:
            img: pictures; their number divides by min(4, N) (`mbstd_group_size`).
            c: one-hot classes, where the network has any.
            features: also return what leaves each block, finest first, the last one at 4².

        Returns:
            float32 logits `[N, 1]`, higher is more real; with features, a pair with the maps.

        Raises:
            ValueError: shapes that do not fit.
        """
        config = self.config
        check_pictures(img, config.img_channels, config.resolution)
        x: Tensor | None = None
        picture: Tensor | None = img.float().contiguous(memory_format=torch.channels_last)
        maps = []
        for resolution in config.resolutions[:0:-1]:
            x, picture = self.get_submodule(f"b{resolution}")(x, picture)
            maps.append(x)
        logits, last = self.b4(x, picture)
        if config.c_dim:
            cmap = self.mapping(None, c)
            logits = (logits * cmap).sum(dim=1, keepdim=True) / cmap.shape[1] ** 0.5
        return (logits, [*maps, last]) if features else logits


def check_pictures(img: Tensor, channels: int, resolution: int) -> None:
    """Raise ValueError for pictures of another shape than a discriminator reads."""
    if img.ndim != 4 or img.shape[1:] != (channels, resolution, resolution):
        raise ValueError(
            f"img must be [N, {channels}, {resolution}, {resolution}] for this discriminator, but "
            f"is {[*img.shape]}"
        )


def append_minibatch_std(x: Tensor, group_size: int, channels: int = 1) -> Tensor:
    """Append the standard deviation over groups of samples (Karras et al. 2018, section 3).

    Args:
        x: `[N, C, H, W]`.
        group_size: samples a group; a smaller batch is one group.
        channels: statistics, each over C / channels features.

    Returns:
        `[N, C + channels, H, W]`.

    Raises:
        ValueError: the batch does not divide into groups.
    """
    batch, _, height, width = x.shape
    group = min(group_size, batch)
    if batch % group:
        raise ValueError(
            f"the batch must divide by {group} for the minibatch standard deviation, but has "
            f"{batch} pictures; drop {batch % group}, or set mbstd_group_size"
        )
    # Samples i, i + N/group, … share a group, as in the published networks.
    grouped = x.reshape(group, batch // group, channels, -1, height, width)
    deviation = (grouped.var(dim=0, correction=0) + 1e-8).sqrt().mean(dim=(2, 3, 4))
    maps = deviation.repeat(group, 1)[:, :, None, None].expand(-1, -1, height, width)
    return torch.cat([x, maps], dim=1)


def _read_picture(
    block: DiscriminatorBlock | DiscriminatorEpilogue, x: Tensor | None, img: Tensor | None
) -> tuple[Tensor, Tensor | None]:
    """Add what `fromrgb` sees; only the skip architecture keeps the picture for later."""
    if img is not None:
        y = block.fromrgb(img)
        x = y if x is None else x + y
    assert x is not None
    return x, img if block.architecture == "skip" else None
