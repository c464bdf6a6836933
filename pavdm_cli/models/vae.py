"""The native video VAE: four frames to one latent, exactly, decoded as a stream.

Frames are (B, T, 3, H, W) in [-1, 1]; latents (B, T/4, C, H/16, W/16), normalised to mean 0 and deviation 1.
Each latent sees its own four frames alone. The decoder also looks back, through causal convolutions over the
previous latent's features and through its last two frames, which those of the next are brought nearer to:
`reach` latents in all, so decoding so many rebuilds its state exactly. Norms act within one latent; over time
only what is all but still in a latent's four frames is averaged.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from pavdm_cli.errors import ConfigError
from pavdm_cli.models.library import FRAMES_PER_LATENT as FRAMES_PER_LATENT
from pavdm_cli.models.steady import mended, stilled

GROUP = 16  # channels that are normed together
_FOLD = 4  # pixels folded into channels before the first convolution


@dataclass(frozen=True)
class VaeConfig:
    """channels: numbers per latent pixel. encoder, decoder: widths at 1/4, 1/8 and 1/16 of the frame."""

    channels: int
    encoder: tuple[int, int, int]
    decoder: tuple[int, int, int]

    def __post_init__(self) -> None:
        widths = (*self.encoder, *self.decoder)
        if self.channels < 1 or min(widths) < 1 or any(width % GROUP for width in widths):
            raise ConfigError(
                f"no VAE has these sizes: {self}; channels must be at least 1, widths multiples of {GROUP}"
            )
        folded, encoder, decoder = _folded(), self.encoder, self.decoder[::-1]
        changes = [(folded, encoder[0]), *((4 * a, b) for a, b in pairwise(encoder))]
        changes += [(encoder[-1], self.channels), (self.channels, decoder[0])]
        changes += [*((a, 4 * b) for a, b in pairwise(decoder)), (decoder[-1], folded)]
        for a, b in changes:
            if max(a, b) % min(a, b):
                raise ConfigError(
                    f"no VAE has these sizes: {self}; {min(a, b)} channels must divide {max(a, b)} where one "
                    "becomes the other"
                )


DecoderState = list[Tensor]
"""What each causal convolution saw last, (B, C, H, W) each; an empty list at the start of a video. Between
latents of a `Vae`, then its last two frames, (B, 2, 3, H, W)."""


class Conv(nn.Module):
    """A 3x3 convolution whose filters are the rows of a matrix, which is how its optimizer sees them."""

    def __init__(self, width: int, to: int, stride: int = 1, *, silent: bool = False) -> None:
        super().__init__()
        self.stride = stride
        plain = nn.Conv2d(width, to, 3)
        self.weight = nn.Parameter(torch.zeros(to, 9 * width) if silent else plain.weight.detach().flatten(1))
        self.bias = nn.Parameter(torch.zeros(to))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, width, H, W) to (B, to, H / stride, W / stride)."""
        filters = rearrange(self.weight, "o (i y x) -> o i y x", y=3, x=3)
        return F.conv2d(x, filters, self.bias, self.stride, padding=1)


class Block(nn.Module):
    """Two convolutions around the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = _norm(width), _norm(width)
        self.conv1, self.conv2 = Conv(width, width), Conv(width, width, silent=True)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to the same shape."""
        h = self.conv1(F.silu(self.norm1(x)))
        out: Tensor = x + self.conv2(F.silu(self.norm2(h)))
        return out


class Past(nn.Module):
    """A convolution over this latent's features and the previous one's, around the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = _norm(width)
        self.conv = Conv(2 * width, width, silent=True)

    def forward(self, x: Tensor, batch: int, last: Tensor | None) -> tuple[Tensor, Tensor]:
        """Take (B*T, C, H, W) and the previous features (B, C, H, W); return the result and the new last
        ones."""
        h = rearrange(F.silu(self.norm(x)), "(b t) c h w -> b t c h w", b=batch)
        before = h.new_zeros(h[:, 0].shape) if last is None else last
        past = torch.cat((before[:, None], h[:, :-1]), dim=1)
        both = rearrange(torch.cat((h, past), dim=2), "b t c h w -> (b t) c h w")
        return x + self.conv(both.contiguous(memory_format=torch.channels_last)), h[:, -1]


class Narrow(nn.Module):
    """Change the width by averaging or repeating neighbouring channels, plus a learned convolution.

    The plain way through (DC-AE, arXiv 2410.10733, section 3.2) makes a new network copy coarse colours from
    its first step; without it, colours were learned one direction at a time.
    """

    def __init__(self, width: int, to: int) -> None:
        super().__init__()
        self.to_width = to
        self.conv = Conv(width, to, silent=True)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, width, H, W) to (B, to, H, W)."""
        out: Tensor = self.conv(x) + _rewidth(x, self.to_width)
        return out


class Down(nn.Module):
    """Halve height and width."""

    def __init__(self, width: int, to: int) -> None:
        super().__init__()
        self.to_width = to
        self.conv = Conv(width, to, stride=2, silent=True)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, width, H, W) to (B, to, H/2, W/2)."""
        out: Tensor = self.conv(x) + _rewidth(F.pixel_unshuffle(x, 2), self.to_width)
        return out


class Up(nn.Module):
    """Double height and width."""

    def __init__(self, width: int, to: int) -> None:
        super().__init__()
        self.to_width = to
        self.conv = Conv(width, to, silent=True)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, width, H, W) to (B, to, 2*H, 2*W)."""
        plain = F.pixel_shuffle(_rewidth(x, 4 * self.to_width), 2)
        out: Tensor = self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest")) + plain
        return out


def _norm(width: int) -> nn.GroupNorm:
    return nn.GroupNorm(width // GROUP, width)


def _folded() -> int:
    """Return the channels of a latent's frames with their pixels folded in."""
    return 3 * FRAMES_PER_LATENT * _FOLD**2


def _rewidth(x: Tensor, to: int) -> Tensor:
    """Average neighbouring channels of (B, C, H, W) down to `to`, or repeat them up to it."""
    width = x.shape[1]
    if to >= width:
        return x.repeat_interleave(to // width, dim=1)
    out: Tensor = rearrange(x, "b (c g) h w -> b c g h w", c=to).mean(2)
    return out


class Encoder(nn.Module):
    """Four frames to one latent, not yet normalised; it looks at nothing else."""

    def __init__(self, config: VaeConfig) -> None:
        super().__init__()
        w = config.encoder
        self.open = Narrow(_folded(), w[0])
        self.stages = nn.ModuleList(Block(width) for width in w)
        self.downs = nn.ModuleList(Down(a, b) for a, b in pairwise(w))
        self.close = Narrow(w[-1], config.channels)

    def forward(self, frames: Tensor) -> Tensor:
        """Map frames (B, 4*T, 3, H, W) in [-1, 1] to latents (B, T, C, H/16, W/16)."""
        x = rearrange(frames, "b (t f) c h w -> (b t) (f c) h w", f=FRAMES_PER_LATENT)
        x = self.open(F.pixel_unshuffle(x, _FOLD).contiguous(memory_format=torch.channels_last))
        for i, stage in enumerate(self.stages):
            x = stage(x)
            if i < len(self.downs):
                x = self.downs[i](x)
        out: Tensor = rearrange(self.close(x), "(b t) c h w -> b t c h w", b=len(frames))
        return out


class Decoder(nn.Module):
    """Latents, not normalised, to four frames each; a coarse picture plus what two convolutions add at full
    size."""

    def __init__(self, config: VaeConfig) -> None:
        super().__init__()
        w = config.decoder[::-1]
        self.open = Narrow(config.channels, w[0])
        self.before = nn.ModuleList(Block(width) for width in w)
        self.pasts = nn.ModuleList(Past(width) for width in w)
        self.after = nn.ModuleList(Block(width) for width in w)
        self.ups = nn.ModuleList(Up(a, b) for a, b in pairwise(w))
        self.norm = _norm(w[-1])
        self.fine = Conv(w[-1], 16 * _FOLD**2)
        self.close = Conv(16, 3 * FRAMES_PER_LATENT, silent=True)

    def forward(self, latents: Tensor, state: DecoderState) -> tuple[Tensor, DecoderState]:
        """Map latents (B, T, C, H/16, W/16) to frames (B, 4*T, 3, H, W); return them and the new state."""
        batch, seen = len(latents), []
        x = rearrange(latents, "b t c h w -> (b t) c h w").contiguous(memory_format=torch.channels_last)
        x = self.open(x)
        for i, (before, past, after) in enumerate(zip(self.before, self.pasts, self.after, strict=True)):
            x, last = past(before(x), batch, state[i] if state else None)
            seen.append(last)
            x = after(x)
            if i < len(self.ups):
                x = self.ups[i](x)
        plain = F.pixel_shuffle(_rewidth(x, _folded()), _FOLD)
        fine = F.pixel_shuffle(self.fine(F.silu(self.norm(x))), _FOLD)
        x = plain + self.close(F.silu(fine))
        return rearrange(x, "(b t) (f c) h w -> b (t f) c h w", b=batch, f=FRAMES_PER_LATENT), seen


class Vae(nn.Module):
    """Encoder, decoder and the statistics that normalise latents."""

    def __init__(self, config: VaeConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.mean: Tensor
        self.deviation: Tensor
        self.register_buffer("mean", torch.zeros(config.channels))
        self.register_buffer("deviation", torch.ones(config.channels))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def reach(self) -> int:
        """Latents before one that its frames depend on."""
        return len(self.decoder.pasts) + 1

    def encode(self, frames: Tensor) -> Tensor:
        """Turn frames (B, 4*T, 3, H, W) in [-1, 1] into normalised latents (B, T, C, H/16, W/16)."""
        raw: Tensor = self.encoder(frames)
        return (raw - self.mean[:, None, None]) / self.deviation[:, None, None]

    def decode(self, latents: Tensor, state: DecoderState | None = None) -> tuple[Tensor, DecoderState]:
        """Turn latents (B, T, C, h, w) into frames (B, 4*T, 3, 16*h, 16*w), going on from `state`."""
        raw = latents * self.deviation[:, None, None] + self.mean[:, None, None]
        out, seen = self.decoder(raw, state[:-1] if state else [])
        out = stilled(out.to(torch.promote_types(out.dtype, torch.float32)))
        return mended(out, state[-1] if state else None), [*seen, out[:, -2:]]

    @torch.no_grad()
    def decode_stream(self, latents: Iterable[Tensor], before: Iterable[Tensor] = ()) -> Iterator[Tensor]:
        """Yield four frames, (B, 4, 3, H, W) in [0, 1], for each latent (B, C, h, w), one at a time.

        `before` holds the latents just before the first, up to `reach` of them, when a video goes on.
        """
        state: DecoderState = []
        dtype = self.mean.dtype
        for latent in before:
            _, state = self.decode(latent[:, None].to(dtype), state)
        for latent in latents:
            frames, state = self.decode(latent[:, None].to(dtype), state)
            yield (frames.float() * 0.5 + 0.5).clamp(0, 1)
