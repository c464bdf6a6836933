"""The past before the window: what is remembered, how it is compressed, how the denoiser reads it.

After Meta-ARVDM (arXiv 2503.10704, section 5, figure 5): the last latents and what was done at them, raw or
compressed to a budget of slots; prepended to the window, added as channels, or attended to after blocks.
Every way of reading goes with every compression. No memory and an empty one give equal results.

Shapes: latents (B, M, C, H, W); tokens (B, M, S, D), S to a latent; positions (B, M), relative to the window.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from pavdm_cli.errors import ConfigError
from pavdm_cli.models.layers import Attention, Turn


@dataclass(frozen=True)
class Prepend:
    """Slots stand before the window as clean latents and go through every block with it."""

    kind: Literal["prepend"] = "prepend"


@dataclass(frozen=True)
class Channel:
    """Slots, flattened, are more channels of every latent of the window, and projected back.

    width: numbers that each token of a slot is made into before.
    """

    kind: Literal["channel"] = "channel"
    width: int = 32


@dataclass(frozen=True)
class Cross:
    """After each block the window attends to the slots: attention, add, norm, feed-forward, add, norm."""

    kind: Literal["cross"] = "cross"


@dataclass(frozen=True)
class Joint:
    """Latents and what was done at them, as one sequence, through layers; the last `budget` are kept."""

    budget: int
    layers: int = 2
    kind: Literal["joint"] = "joint"


@dataclass(frozen=True)
class Modulated:
    """Latents through layers that what was done shifts and scales; the last `budget` are kept."""

    budget: int
    layers: int = 2
    kind: Literal["modulated"] = "modulated"


@dataclass(frozen=True)
class MemoryConfig:
    """length: latents before the window that are remembered."""

    length: int
    reading: Prepend | Channel | Cross
    compression: Joint | Modulated | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.slots <= self.length:
            raise ConfigError(f"{self.slots} slots for a memory of {self.length}; give 1 to {self.length}")

    @property
    def slots(self) -> int:
        """Slots that are read."""
        return self.compression.budget if self.compression else self.length


@dataclass(frozen=True)
class Past:
    """What came before a window, oldest first, as much of it as there is.

    latents: (B, M, C, H, W), clean. positions: (B, M). there: (B, M), False where nothing came yet. actions:
    (B, M, A), or None where the denoiser knows none.
    """

    latents: Tensor
    positions: Tensor
    there: Tensor
    actions: Tensor | None = None

    def last(self, count: int) -> "Past":
        """Return the newest."""

        def cut(values: Tensor) -> Tensor:
            return values[:, -count:]

        return Past(
            cut(self.latents),
            cut(self.positions),
            cut(self.there),
            None if self.actions is None else cut(self.actions),
        )


class Recent:
    """Holds the last latents of a film as they become clean: a memory of bounded size."""

    def __init__(self, length: int) -> None:
        self._held: deque[tuple[int, Tensor]] = deque(maxlen=length)

    def add(self, index: int, latent: Tensor) -> None:
        """Take in a finished latent (B, C, H, W); they come in order."""
        self._held.append((index, latent))

    def past(self, first: int, done: Callable[[Sequence[int]], Tensor] | None = None) -> Past | None:
        """Return what came before a window that begins at latent `first`; None if nothing did.

        done: indices -> (B, M, A), what is done at these latents.
        """
        held = [(k, latent) for k, latent in self._held if k < first]
        if not held:
            return None
        indices, latents = [k for k, _ in held], torch.stack([latent for _, latent in held], dim=1)
        where = torch.tensor([k - first for k in indices], dtype=torch.float32, device=latents.device)
        positions = where.expand(len(latents), -1)
        there = torch.ones_like(positions, dtype=torch.bool)
        return Past(latents, positions, there, done(indices) if done else None)


@dataclass(frozen=True)
class Slots:
    """What is read. tokens: (B, N, S, D). past: whose slots they are; its latents are as they were."""

    tokens: Tensor
    past: Past
    turn: Turn

    def bias(self, count: int) -> Tensor | None:
        """Return (B, 1, 1, (N + count) * S), minus infinity where nothing is; None if all is there."""
        if bool(self.past.there.all()):
            return None
        there = F.pad(self.past.there, (0, count), value=True).repeat_interleave(self.tokens.shape[2], dim=1)
        return _hidden(there, self.tokens.dtype)[:, None, None]


class Memory(nn.Module):
    """Compresses the past and lets the window read it."""

    def __init__(self, config: MemoryConfig, width: int, heads: int, mlp: int, depth: int) -> None:
        super().__init__()
        self.config = config
        reading, compression = config.reading, config.compression
        layers = range(compression.layers) if compression else ()
        make = JointLayer if isinstance(compression, Joint) else ModulatedLayer
        self.layers = nn.ModuleList(make(width, heads, mlp) for _ in layers)
        own = reading.width if isinstance(reading, Channel) else 0
        self.narrow = nn.Linear(width, own, bias=False) if own else None
        self.project = nn.Linear(config.slots * own, width, bias=False) if own else None
        readers = range(depth) if isinstance(reading, Cross) else ()
        self.readers = nn.ModuleList(Reader(width, heads, mlp) for _ in readers)

    @property
    def prepends(self) -> bool:
        """Whether slots go through the blocks before the window."""
        return isinstance(self.config.reading, Prepend)

    def forward(self, tokens: Tensor, signal: Tensor, past: Past, turn: Turn) -> Slots:
        """Return the slots of a past.

        Args:
            tokens: (B, M, S, D). signal: (B, M, D), what was done or said at each.
            past: at most `length` latents.
            turn: cos and sin of the rotary embedding, (B, 1, M*S, D/2 of a head) each.
        """
        count, strips = tokens.shape[1:3]
        assert count <= self.config.length
        if self.layers:
            signal = F.silu(signal)
            in_time = tuple(rearrange(t, "b 1 (m s) d -> (b s) 1 m d", m=count) for t in turn)
            seen = past.there[:, None] | torch.eye(count, dtype=torch.bool, device=tokens.device)
            bias = _hidden(seen, tokens.dtype).repeat_interleave(strips, dim=0)[:, None]
            for layer in self.layers:
                tokens, signal = layer(tokens, signal, in_time, bias)
        kept = min(self.config.slots, count)
        last = tuple(rearrange(t, "b 1 (m s) d -> b 1 m s d", m=count)[:, :, -kept:] for t in turn)
        cos, sin = (rearrange(t, "b 1 m s d -> b 1 (m s) d") for t in last)
        return Slots(tokens[:, -kept:], past.last(kept), (cos, sin))

    def add(self, x: Tensor, slots: Slots) -> Tensor:
        """Add the slots as channels to the window's tokens (B, T*S, D), where they are read so.

        A projection of the window's channels and the slots' together is the sum of one of each.
        """
        if self.project is None or self.narrow is None:
            return x
        strips = slots.tokens.shape[2]
        flat = self.narrow(slots.tokens) * slots.past.there[:, :, None, None]
        flat = F.pad(flat, (0, 0, 0, 0, self.config.slots - flat.shape[1], 0))
        more: Tensor = self.project(rearrange(flat, "b n s c -> b s (n c)"))
        return x + more.repeat(1, x.shape[1] // strips, 1)

    def read(self, block: int, x: Tensor, slots: Slots, turn: Turn) -> Tensor:
        """Let the window's tokens (B, T*S, D) attend to the slots after a block, where they are read so."""
        if not self.readers:
            return x
        there = slots.past.there
        bias = None if bool(there.all()) else _hidden(there | ~there.any(1, keepdim=True), x.dtype)
        if bias is not None:
            bias = bias.repeat_interleave(slots.tokens.shape[2], dim=1)[:, None, None]
        out = self.readers[block](x, rearrange(slots.tokens, "b n s d -> b (n s) d"), turn, slots.turn, bias)
        return torch.where(there.any(1)[:, None, None], out, x)


class Reader(nn.Module):
    """Attention to the slots, add, norm, feed-forward, add, norm (Meta-ARVDM, figure 5, right)."""

    def __init__(self, width: int, heads: int, mlp: int) -> None:
        super().__init__()
        self.attention = Attention(width, heads)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mlp = _mlp(width, mlp)

    def forward(self, x: Tensor, slots: Tensor, turn: Turn, turn_keys: Turn, bias: Tensor | None) -> Tensor:
        """Map tokens x (B, T*S, D) to the same shape, given slots (B, N*S, D)."""
        x = self.norm1(x + self.attention(x, slots, turn, bias, turn_keys))
        out: Tensor = self.norm2(x + self.mlp(x))
        return out


class JointLayer(nn.Module):
    """Attention within each frame, along time, and a feed-forward part, over tokens and what was done alike.

    A new one changes nothing: its last layers begin at zero.
    """

    def __init__(self, width: int, heads: int, mlp: int) -> None:
        super().__init__()
        self.within, self.along = Attention(width, heads), Attention(width, heads)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.mlp = _mlp(width, mlp)
        _quiet(self.within.out, self.along.out, self.mlp[-1])

    def forward(self, tokens: Tensor, signal: Tensor, turn: Turn, bias: Tensor) -> tuple[Tensor, Tensor]:
        """Map tokens (B, M, S, D) and signal (B, M, D) to the same shapes; bias: (B*S, 1, M, M)."""
        strips = tokens.shape[2]
        x = torch.cat((tokens, signal.unsqueeze(2)), dim=2)
        x = _frames(self.within, self.norms[0](x), x)
        with_signal = tuple(_one_more(t, strips) for t in turn)
        x = _times(self.along, self.norms[1](x), x, (with_signal[0], with_signal[1]), _one_more(bias, strips))
        x = x + self.mlp(self.norms[2](x))
        return x[:, :, :strips], x[:, :, strips]


class ModulatedLayer(nn.Module):
    """Attention within each frame, along time, and a feed-forward part, each on tokens that what was done
    shifts and scales. A new one changes nothing."""

    def __init__(self, width: int, heads: int, mlp: int) -> None:
        super().__init__()
        self.within, self.along = Attention(width, heads), Attention(width, heads)
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.modulation = nn.Linear(width, 6 * width)
        self.mlp = _mlp(width, mlp)
        _quiet(self.within.out, self.along.out, self.mlp[-1])

    def forward(self, tokens: Tensor, signal: Tensor, turn: Turn, bias: Tensor) -> tuple[Tensor, Tensor]:
        """Map tokens (B, M, S, D) to the same shape, and give signal (B, M, D) on; bias: (B*S, 1, M, M)."""
        m = self.modulation(signal).unsqueeze(2).chunk(6, dim=-1)
        x = _frames(self.within, torch.addcmul(m[0], self.norm(tokens), 1 + m[1]), tokens)
        x = _times(self.along, torch.addcmul(m[2], self.norm(x), 1 + m[3]), x, turn, bias)
        return x + self.mlp(torch.addcmul(m[4], self.norm(x), 1 + m[5])), signal


def _frames(attention: Attention, x: Tensor, added: Tensor) -> Tensor:
    """Attend within each frame of x (B, M, S, D)."""
    flat = rearrange(x, "b m s d -> (b m) s d")
    out: Tensor = added + rearrange(attention(flat, flat, None, None), "(b m) s d -> b m s d", m=x.shape[1])
    return out


def _times(attention: Attention, x: Tensor, added: Tensor, turn: Turn, bias: Tensor) -> Tensor:
    """Attend along time at each place of x (B, M, S, D)."""
    flat = rearrange(x, "b m s d -> (b s) m d")
    out: Tensor = added + rearrange(attention(flat, flat, turn, bias), "(b s) m d -> b m s d", s=x.shape[2])
    return out


def _one_more(values: Tensor, strips: int) -> Tensor:
    """Repeat the last strip's of values (B*S, ...) for one more, (B*(S+1), ...)."""
    own = values.view(-1, strips, *values.shape[1:])
    return torch.cat((own, own[:, -1:]), dim=1).flatten(0, 1)


def _mlp(width: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))


def _quiet(*layers: nn.Module) -> None:
    for layer in layers:
        assert isinstance(layer, nn.Linear)
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)


def _hidden(there: Tensor, dtype: torch.dtype) -> Tensor:
    """Return 0 where something is there, minus infinity where not."""
    return torch.zeros_like(there, dtype=dtype).masked_fill_(~there, -torch.inf)
