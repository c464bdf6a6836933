"""The native denoiser: a transformer over the latents of one window, each with its own noise level and text.

Shapes: latents (B, T, C, H, W); tokens (B, T*S, D), S tokens to a latent; levels, positions (B, T).
"""

import math
from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from pavdm_cli.errors import ConfigError
from pavdm_cli.models.attention import rotations
from pavdm_cli.models.layers import Attention, Turn
from pavdm_cli.models.memory import Memory, MemoryConfig, Past, Slots

_NONE_IS_0 = ("text_width", "actions")


@dataclass(frozen=True)
class DenoiserConfig:
    """channels, size: of a latent. patch: latent pixels a token is wide. span: latents in a call at most.

    text_width: of the texts it reads; 0, none. actions: numbers that say what is done at a latent; 0, none.
    memory: of the past before the window; for one that reads no texts.
    """

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
    actions: int = 0
    memory: MemoryConfig | None = None

    def __post_init__(self) -> None:
        sizes = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in (*_NONE_IS_0, "memory")}
        if min(*sizes.pop("size"), *sizes.values()) < 1 or min(self.text_width, self.actions) < 0:
            raise ConfigError(f"no denoiser has these sizes: {self}; all must be at least 1")
        if self.width % (2 * self.heads) or any(side % self.patch for side in self.size):
            raise ConfigError(
                f"no denoiser has these sizes: {self}; heads must divide width into even parts, and patch "
                "both sides of size"
            )
        if self.memory and self.text_width:
            raise ConfigError(
                f"text_width {self.text_width}: a denoiser with a memory reads no texts; give 0"
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
        turn: Turn,
        bias: Tensor | None,
        text: Tensor | None,
        text_bias: Tensor | None,
        apart: bool,
    ) -> Tensor:
        """Map tokens x (B, T*S, D) to the same shape.

        Args:
            modulation: (B, T, 6, D): shift, scale and gate of self-attention, then of the feed-forward part.
            turn: cos and sin of rotary embedding, (B, 1, T*S, D/2 of a head); when apart, (B*T, 1, S, ...).
            bias: (B, 1, 1, T*S), minus infinity at tokens that none sees, or None.
            text: (B, K*L, D). text_bias: (B, 1, T*S, K*L). None where it reads no text.
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
        h = self.attention(h, h, turn, bias).view(len(x), latents, -1, x.shape[-1])
        x = flat(torch.addcmul(per_latent(x), h, gate1))
        if self.text is not None and self.norm_text is not None and text is not None:
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
        reads = config.text_width > 0
        self.pooled = nn.Linear(config.text_width, width) if reads else None
        self.text = (
            nn.Sequential(nn.LayerNorm(config.text_width), nn.Linear(config.text_width, width))
            if reads
            else None
        )
        self.done = nn.Linear(config.actions, 2 * width, bias=False) if config.actions else None
        self.modulation = nn.Linear(width, 6 * width)
        self.blocks = nn.ModuleList(
            Block(config, reads_text=reads and i % config.cross_every == 0) for i in range(config.depth)
        )
        self.last_norm = nn.LayerNorm(width, elementwise_affine=False)
        self.last_modulation = nn.Linear(width, 2 * width)
        self.last = nn.Linear(width, config.channels * patch**2)
        self.attention_chunk: int | None = None
        for layer in (self.modulation, self.last_modulation, self.last):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        memory = config.memory
        self.memory = Memory(memory, width, config.heads, config.mlp, config.depth) if memory else None

    def forward(
        self,
        latents: Tensor,
        levels: Tensor,
        positions: Tensor,
        conditions: Conditions | None,
        apart: bool = False,
        actions: Tensor | None = None,
        past: Past | None = None,
    ) -> Tensor:
        """Return the velocity, shaped as `latents`.

        Args:
            latents: (B, T, C, H, W).
            levels: (B, T) float32 in [0, 1].
            positions: (B, T) float32, relative to the window.
            conditions: the texts and each latent's share of them; None where it reads none.
            apart: latents do not see each other: T single images that share their texts.
            actions: (B, T, A), what is done at each latent; None where it knows none.
            past: what came before the window, None for nothing; it needs a memory, and is not for `apart`.
        """
        dtype, count = self.embed.weight.dtype, latents.shape[1]
        x, bias = self._tokens(latents.to(dtype), actions), None
        memory, slots = self.memory, None
        if past is not None and past.latents.shape[1]:
            assert memory is not None, "a past was given to a denoiser without memory"
            slots = self._slots(memory, past, dtype)
        if memory is not None and slots is not None and memory.prepends:
            x = torch.cat((rearrange(slots.tokens, "b n s d -> b (n s) d"), x), dim=1)
            levels = torch.cat((torch.zeros_like(slots.past.positions), levels), dim=1)
            positions = torch.cat((slots.past.positions, positions), dim=1)
            actions = _joined(slots.past.actions, actions)
            bias = slots.bias(count)
        signal = F.silu(self._signal(levels, conditions, actions, dtype))
        modulation = rearrange(self.modulation(signal), "b t (six d) -> b t six d", six=6)
        where = rearrange(positions, "b t -> (b t) 1") if apart else positions
        turn = self._turn(where, x.dtype)
        text, text_bias = self._texts(conditions, x.dtype)
        x = x if memory is None or slots is None else memory.add(x, slots)
        for i, block in enumerate(self.blocks):
            x = block(x, modulation, turn, bias, text, text_bias, apart)
            x = x if memory is None or slots is None else memory.read(i, x, slots, turn)
        x, signal = x[:, -count * self.rows * self.columns :], signal[:, -count:]
        shift, scale = self.last_modulation(signal).unsqueeze(2).chunk(2, dim=-1)
        x = rearrange(self.last_norm(x), "b (t s) d -> b t s d", t=count) * (1 + scale) + shift
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

    def halve_attention(self, latents: int) -> int | None:
        """Attend to half as many queries at a time, as calls of so many latents have; None from one on."""
        queries = latents * self.rows * self.columns
        chunk = min(self.attention_chunk or queries, queries)
        if chunk == 1:
            return None
        self.set_attention_chunk((chunk + 1) // 2)
        return self.attention_chunk

    def _tokens(self, latents: Tensor, actions: Tensor | None) -> Tensor:
        p = self.config.patch
        x = rearrange(latents, "b t c (y p) (x q) -> b t (y x) (c p q)", p=p, q=p)
        x = self.embed(x)
        x = x + self.place.to(x.dtype)
        if self.done is not None and actions is not None:
            x = x + self.done(actions.to(x.dtype)).chunk(2, dim=-1)[0].unsqueeze(2)
        tokens: Tensor = rearrange(x, "b t s d -> b (t s) d")
        return tokens

    def _signal(
        self, levels: Tensor, conditions: Conditions | None, actions: Tensor | None, dtype: torch.dtype
    ) -> Tensor:
        """Return what modulates each latent, (B, T, D): its level, its share of the texts, what is done."""
        signal: Tensor = self.level(_waves(levels).to(dtype))
        if self.pooled is not None and conditions is not None:
            shares = conditions.weight @ conditions.pooled * math.sqrt(self.config.text_width)
            signal = signal + self.pooled(shares.to(dtype))
        if self.done is not None and actions is not None:
            signal = signal + self.done(actions.to(dtype)).chunk(2, dim=-1)[1]
        return signal

    def _slots(self, memory: Memory, past: Past, dtype: torch.dtype) -> Slots:
        """Return what the memory keeps of the past."""
        tokens = self._tokens(past.latents.to(dtype), past.actions)
        own = rearrange(tokens, "b (m s) d -> b m s d", s=self.rows * self.columns)
        signal = self._signal(torch.zeros_like(past.positions), None, past.actions, dtype)
        slots: Slots = memory(own, signal, past, self._turn(past.positions, dtype))
        return slots

    def _texts(
        self, conditions: Conditions | None, dtype: torch.dtype
    ) -> tuple[Tensor | None, Tensor | None]:
        """Return the texts' states (B, K*L, D) and each token's bias to them; None where it reads none."""
        if self.text is None or conditions is None:
            return None, None
        states = rearrange(self.text(conditions.tokens.to(dtype)), "b k l d -> b (k l) d")
        return states, self._text_bias(conditions, dtype)

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


def _joined(before: Tensor | None, own: Tensor | None) -> Tensor | None:
    return None if before is None or own is None else torch.cat((before, own), dim=1)


def _waves(levels: Tensor) -> Tensor:
    """Sinusoidal embedding of levels (B, T) -> (B, T, 256), float32."""
    rate = torch.exp(-math.log(1000.0) * torch.arange(128, device=levels.device, dtype=torch.float32) / 128)
    angle = 1000.0 * levels.float()[..., None] * rate
    return torch.cat((angle.cos(), angle.sin()), dim=-1)
