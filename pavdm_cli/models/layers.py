"""Layers that the networks share. Shapes: tokens (B, N, D)."""

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from pavdm_cli.models.attention import attention, rotate

Turn = tuple[Tensor, Tensor]
"""Cosines and sines of the rotary embedding."""


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
        self, x: Tensor, source: Tensor, turn: Turn | None, bias: Tensor | None, turn_keys: Turn | None = None
    ) -> Tensor:
        """Return (B, N, D) for x (B, N, D).

        Args:
            source: (B, M, source width), where keys and values come from.
            turn: cos and sin of the rotary embedding, (B, 1, N, D/2 of a head) each; None for no positions.
            bias: added to the scores, broadcastable to (B, heads, N, M), or None.
            turn_keys: of the keys, where they stand elsewhere than the queries.
        """
        q = rearrange(self.query(x), "b n (h d) -> b h n d", h=self.heads)
        k, v = rearrange(self.key_value(source), "b n (two h d) -> two b h n d", two=2, h=self.heads)
        q, k = self.query_norm(q), self.key_norm(k)
        if turn is not None:
            q, k = rotate(q, *turn), rotate(k, *(turn_keys or turn))
        mixed = attention(q, k, v, bias, self.chunk)
        out: Tensor = self.out(rearrange(mixed, "b h n d -> b n (h d)"))
        return out
