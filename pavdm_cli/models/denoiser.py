"""The native denoiser: a transformer over the latents of one window, each with its own noise level and text.

Shapes: latents (B, T, C, H, W); tokens (B, T*S, D), S tokens to a latent; levels, positions (B, T).
"""

import math
from dataclasses import astuple, dataclass

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from pavdm_cli.errors import ConfigError
from pavdm_cli.models.attention import attention, rotate, rotations


@dataclass(frozen=True)
class DenoiserConfig:
    """channels, size: of a latent. patch: latent pixels a token is wide. span: latents in a call at most."""

    channels: int
    size: tuple[int, int]
    patch: int
    width: int
    depth: int
    heads: int
    mlp: int
    text_width: int
    cross_every: int
    span: int

    def __post_init__(self) -> None:
        channels, size, *others = astuple(self)
        if min(channels, *size, *others) < 1:
            raise ConfigError(f"no denoiser has these sizes: {self}; all must be at least 1")
        if self.width % (2 * self.heads) or any(side % self.patch for side in self.size):
            raise ConfigError(
                f"no denoiser has these sizes: {self}; heads must divide width into even parts, and patch "
                "both sides of size"
            )


@dataclass(frozen=True)
class Conditions:
    """What the latents of a window are to show: K texts, and how much of each every latent takes.

    tokens: (B, K, L, text_width). mask: (B, K, L), False where padded. pooled: (B, K, text_width).
    weight: (B, T, K), rows sum to 1.
    """

    tokens: Tensor
    mask: Tensor
    pooled: Tensor
    weight: Tensor

    def of(self, rows: slice) -> "Conditions":
        """Return those of some videos."""
        return Conditions(self.tokens[rows], self.mask[rows], self.pooled[rows], self.weight[rows])


class HeadNorm(nn.Module):
    """Root-mean-square norm of each head's channels, in the precision of what comes in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., width) to the same shape."""
        return F.rms_norm(x, self.weight.shape, self.weight.to(x.dtype), 1e-6)


class Attention(nn.Module):
    """Multi-head attention with normalised queries and keys; keys from `source` when it is not the input."""

    def __init__(self, width: int, heads: int, source: int | None = None) -> None:
        super().__init__()
        self.heads = heads
        self.chunk: int | None = None
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width if source is None else source, 2 * width)
        self.out = nn.Linear(width, width)
        self.query_norm, self.key_norm = HeadNorm(width // heads), HeadNorm(width // heads)

    def forward(
        self, x: Tensor, source: Tensor, turn: tuple[Tensor, Tensor] | None, bias: Tensor | None
    ) -> Tensor:
        """Return (B, N, D) for x (B, N, D).

        Args:
            source: (B, M, source width), where keys and values come from.
            turn: cos and sin of the rotary embedding, (B, 1, N, D/2 of a head) each; None for no positions.
            bias: added to the scores, broadcastable to (B, heads, N, M), or None.
        """
        q = rearrange(self.query(x), "b n (h d) -> b h n d", h=self.heads)
        k, v = rearrange(self.key_value(source), "b n (two h d) -> two b h n d", two=2, h=self.heads)
        q, k = self.query_norm(q), self.key_norm(k)
        if turn is not None:
            q, k = rotate(q, *turn), rotate(k, *turn)
        mixed = attention(q, k, v, bias, self.chunk)
        out: Tensor = self.out(rearrange(mixed, "b h n d -> b n (h d)"))
        return out


class Block(nn.Module):
    """Self-attention, attention to the text, feed-forward; the first and last modulated per latent."""

    def __init__(self, config: DenoiserConfig, reads_text: bool) -> None:
        super().__init__()
        width = config.width
        self.table = nn.Parameter(torch.zeros(6, width))
        self.norm1 = nn.LayerNorm(width, elementwise_affine=False)
        self.norm2 = nn.LayerNorm(width, elementwise_affine=False)
        self.attention = Attention(width, config.heads)
        self.norm_text = nn.LayerNorm(width) if reads_text else None
        self.text = Attention(width, config.heads, width) if reads_text else None
        self.mlp = nn.Sequential(nn.Linear(width, config.mlp), nn.GELU(), nn.Linear(config.mlp, width))

    def forward(
        self,
        x: Tensor,
        modulation: Tensor,
        turn: tuple[Tensor, Tensor],
        text: Tensor,
        text_bias: Tensor,
        apart: bool,
    ) -> Tensor:
        """Map tokens x (B, T*S, D) to the same shape.

        Args:
            modulation: (B, T, 6, D): shift, scale and gate of self-attention, then of the feed-forward part.
            turn: cos and sin of rotary embedding, (B, 1, T*S, D/2 of a head); when apart, (B*T, 1, S, ...).
            text: (B, K*L, D). text_bias: (B, 1, T*S, K*L).
            apart: latents do not see each other.
        """
        latents = modulation.shape[1]
        m = (modulation + self.table.to(modulation.dtype)).unsqueeze(3)
        shift1, scale1, gate1, shift2, scale2, gate2 = m.unbind(2)

        def per_latent(t: Tensor) -> Tensor:
            return rearrange(t, "b (t s) d -> b t s d", t=latents)

        def flat(t: Tensor) -> Tensor:
            return rearrange(t, "b t s d -> b (t s) d")

        h = torch.addcmul(shift1, per_latent(self.norm1(x)), 1 + scale1)
        h = rearrange(h, "b t s d -> (b t) s d") if apart else flat(h)
        h = self.attention(h, h, turn, None).view(len(x), latents, -1, x.shape[-1])
        x = flat(torch.addcmul(per_latent(x), h, gate1))
        if self.text is not None and self.norm_text is not None:
            x = x + self.text(self.norm_text(x), text, None, text_bias)
        h = flat(torch.addcmul(shift2, per_latent(self.norm2(x)), 1 + scale2))
        return flat(torch.addcmul(per_latent(x), per_latent(self.mlp(h)), gate2))


class Denoiser(nn.Module):
    """Velocity (noise - clean) of every latent in a window, each at its own level."""

    def __init__(self, config: DenoiserConfig) -> None:
        super().__init__()
        self.config = config
        width, patch = config.width, config.patch
        self.rows, self.columns = config.size[0] // patch, config.size[1] // patch
        self.embed = nn.Linear(config.channels * patch**2, width)
        self.place = nn.Parameter(torch.randn(self.rows * self.columns, width) * 0.02)
        self.level = nn.Sequential(nn.Linear(256, width), nn.SiLU(), nn.Linear(width, width))
        self.pooled = nn.Linear(config.text_width, width)
        self.text = nn.Sequential(nn.LayerNorm(config.text_width), nn.Linear(config.text_width, width))
        self.modulation = nn.Linear(width, 6 * width)
        self.blocks = nn.ModuleList(
            Block(config, reads_text=i % config.cross_every == 0) for i in range(config.depth)
        )
        self.last_norm = nn.LayerNorm(width, elementwise_affine=False)
        self.last_modulation = nn.Linear(width, 2 * width)
        self.last = nn.Linear(width, config.channels * patch**2)
        self.attention_chunk: int | None = None
        for layer in (self.modulation, self.last_modulation, self.last):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(
        self,
        latents: Tensor,
        levels: Tensor,
        positions: Tensor,
        conditions: Conditions,
        apart: bool = False,
    ) -> Tensor:
        """Return the velocity, shaped as `latents`.

        Args:
            latents: (B, T, C, H, W).
            levels: (B, T) float32 in [0, 1].
            positions: (B, T) float32, relative to the window.
            conditions: the texts and each latent's share of them.
            apart: latents do not see each other: T single images that share their texts.
        """
        dtype = self.embed.weight.dtype
        x = self._tokens(latents.to(dtype))
        signal = self.level(_waves(levels).to(dtype)) + self.pooled(
            (conditions.weight @ conditions.pooled * math.sqrt(self.config.text_width)).to(dtype)
        )
        signal = F.silu(signal)
        modulation = rearrange(self.modulation(signal), "b t (six d) -> b t six d", six=6)
        where = rearrange(positions, "b t -> (b t) 1") if apart else positions
        turn = self._turn(where, x.dtype)
        text = rearrange(self.text(conditions.tokens.to(dtype)), "b k l d -> b (k l) d")
        text_bias = self._text_bias(conditions, x.dtype)
        for block in self.blocks:
            x = block(x, modulation, turn, text, text_bias, apart)
        shift, scale = self.last_modulation(signal).unsqueeze(2).chunk(2, dim=-1)
        x = rearrange(self.last_norm(x), "b (t s) d -> b t s d", t=latents.shape[1]) * (1 + scale) + shift
        out: Tensor = rearrange(
            self.last(x),
            "b t (y x) (c p q) -> b t c (y p) (x q)",
            y=self.rows,
            p=self.config.patch,
            q=self.config.patch,
        )
        return out

    def set_attention_chunk(self, chunk: int | None) -> None:
        """Attend to so many queries at a time; None for all at once. The result is the same."""
        self.attention_chunk = chunk
        for module in self.modules():
            if isinstance(module, Attention):
                module.chunk = chunk

    def _tokens(self, latents: Tensor) -> Tensor:
        p = self.config.patch
        x = rearrange(latents, "b t c (y p) (x q) -> b t (y x) (c p q)", p=p, q=p)
        x = self.embed(x)
        tokens: Tensor = rearrange(x + self.place.to(x.dtype), "b t s d -> b (t s) d")
        return tokens

    def _turn(self, positions: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Return cos and sin, (B, 1, T*S, D/2 of a head): time, then row, then column."""
        head = self.config.width // self.config.heads
        side = head * 5 // 16 // 2 * 2
        batch, device = len(positions), positions.device
        y = torch.arange(self.rows, device=device).float()
        x = torch.arange(self.columns, device=device).float()
        place = torch.stack(torch.meshgrid(y, x, indexing="ij"), dim=-1).flatten(0, 1)
        where = torch.cat(
            (
                positions[:, :, None, None].expand(-1, -1, len(place), 1),
                place.expand(batch, positions.shape[1], -1, -1),
            ),
            dim=-1,
        )
        cos, sin = rotations(rearrange(where, "b t s a -> b 1 (t s) a"), (head - 2 * side, side, side))
        return cos.to(dtype), sin.to(dtype)

    def _text_bias(self, conditions: Conditions, dtype: torch.dtype) -> Tensor:
        """Return (B, 1, T*S, K*L): log of a latent's share of each text, minus infinity at padding."""
        share = conditions.weight.clamp_min(1e-30).log()
        bias = share[:, :, :, None].masked_fill(~conditions.mask[:, None], -math.inf)
        bias = bias.masked_fill((conditions.weight == 0)[..., None], -math.inf)
        per_latent = rearrange(bias, "b t k l -> b 1 t (k l)")
        return per_latent.repeat_interleave(self.rows * self.columns, dim=2).to(dtype)


def _waves(levels: Tensor) -> Tensor:
    """Sinusoidal embedding of levels (B, T) -> (B, T, 256), float32."""
    rate = torch.exp(-math.log(1000.0) * torch.arange(128, device=levels.device, dtype=torch.float32) / 128)
    angle = 1000.0 * levels.float()[..., None] * rate
    return torch.cat((angle.cos(), angle.sin()), dim=-1)
