"""An autoencoder of single frames, each a row of few tokens: upright strips of the picture.

A view that turns moves sideways, so strips keep what stays beside each other together; and few tokens a frame
leave room for many frames in one call. Frames (..., 3, H, W) in [-1, 1]; latents (..., C, 1, H / 16).
"""

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from pavdm_cli.errors import ConfigError
from pavdm_cli.models import quantised
from pavdm_cli.models.config import read

FOLD = 16
"""Pixels that a strip is wide."""


@dataclass(frozen=True)
class CoderConfig:
    """size: pixels along the side of a frame. channels: of a latent. widths: at a quarter, an eighth and a
    sixteenth of the size."""

    size: int = 64
    channels: int = 24
    widths: tuple[int, int, int] = (48, 96, 160)

    def __post_init__(self) -> None:
        if min(self.size, self.channels, *self.widths) < 1 or self.size % FOLD:
            raise ConfigError(f"no frame coder has these sizes: {self}; size must be a multiple of {FOLD}")

    @property
    def strips(self) -> int:
        """Tokens of a frame."""
        return self.size // FOLD


class Twice(nn.Module):
    """Two convolutions beside a plain way through."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(8 if width % 8 == 0 else 1, width)
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, width, H, W) to the same shape."""
        out: Tensor = x + self.second(F.silu(self.first(self.norm(x))))
        return out


class Coder(nn.Module):
    """Encoder and decoder; latents of a strip have root mean square 1, so their noise has one scale."""

    def __init__(self, config: CoderConfig) -> None:
        super().__init__()
        self.config = config
        a, b, c = config.widths
        high = c * config.strips
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(4), nn.Conv2d(48, a, 3, padding=1), Twice(a),
            nn.PixelUnshuffle(2), nn.Conv2d(4 * a, b, 1), Twice(b),
            nn.PixelUnshuffle(2), nn.Conv2d(4 * b, c, 1), Twice(c),
        )  # fmt: skip
        self.squeeze, self.spread = nn.Linear(high, config.channels), nn.Linear(config.channels, high)
        self.decoder = nn.Sequential(
            Twice(c), Twice(c), nn.Conv2d(c, 4 * b, 1), nn.PixelShuffle(2),
            Twice(b), Twice(b), nn.Conv2d(b, 4 * a, 1), nn.PixelShuffle(2),
            Twice(a), Twice(a), nn.Conv2d(a, 48, 3, padding=1), nn.PixelShuffle(4),
        )  # fmt: skip

    def encode(self, frames: Tensor) -> Tensor:
        """Map frames (N, 3, H, W) in [-1, 1] to latents (N, C, 1, S)."""
        x = rearrange(self.encoder(frames), "n c h s -> n s (c h)")
        return rearrange(F.rms_norm(self.squeeze(x), (self.config.channels,)), "n s c -> n c 1 s")

    def decode(self, latents: Tensor) -> Tensor:
        """Map latents (N, C, 1, S) to frames (N, 3, H, W)."""
        x = self.spread(rearrange(latents, "n c 1 s -> n s c"))
        frames: Tensor = self.decoder(rearrange(x, "n s (c h) -> n c h s", h=self.config.strips))
        return frames

    @torch.no_grad()
    def latents(self, frames: Tensor) -> Tensor:
        """Map frames (T, H, W, 3) uint8 to latents (T, C, 1, S) float32."""
        dtype = self.squeeze.weight.dtype
        parts = torch.split(frames, 256)
        return torch.cat(
            [self.encode(part.permute(0, 3, 1, 2).to(dtype) / 127.5 - 1).float() for part in parts]
        )

    @torch.no_grad()
    def frames(self, latents: Tensor) -> Tensor:
        """Map latents (T, C, 1, S) to frames (T, H, W, 3) uint8."""
        dtype = self.squeeze.weight.dtype
        made = torch.cat([self.decode(part.to(dtype)).float() for part in torch.split(latents, 256)])
        return ((made + 1) * 127.5 + 0.5).clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def load(folder: Path) -> Coder:
    """Load coder.config.json and coder.safetensors from a folder, in float32 on the CPU.

    Raises:
        CheckpointError: the weights are missing, damaged or do not fit the configuration.
        ConfigError: the configuration file is missing or wrong.
    """
    coder = Coder(read(CoderConfig, folder / "coder.config.json"))
    quantised.fill(coder, folder / "coder.safetensors")
    return coder.eval().requires_grad_(False)
