"""The text encoder: prompts to token states and sentence vectors.

A small BERT (Devlin et al. 2018, arXiv:1810.04805) with the weights of all-MiniLM-L6-v2;
`weights/text/README.md` says where they come from and what storing them small has changed.
Shapes: N prompts, L tokens, D width.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from einops import rearrange
from tokenizers import Encoding, Tokenizer
from torch import Tensor, nn
from torch.nn import functional as F

from pavdm_cli.errors import CheckpointError, ConfigError
from pavdm_cli.models.config import read
from pavdm_cli.models.quantised import fill

AT_ONCE = 128
"""Texts that are encoded in one call at most, where there may be any number."""


@dataclass(frozen=True, kw_only=True)
class TextConfig:
    """The encoder's sizes; `max_tokens` counts the opening and closing token too."""

    name: str
    layers: int
    width: int
    heads: int
    mlp: int
    vocabulary: int
    max_tokens: int

    def __post_init__(self) -> None:
        sizes = (self.layers, self.width, self.heads, self.mlp, self.vocabulary, self.max_tokens - 1)
        if min(sizes) < 1 or self.width % self.heads:
            raise ConfigError(f"no text encoder has these sizes: {self}; heads must divide width")


@dataclass(frozen=True)
class Text:
    """Encoded prompts.

    tokens: (N, L, D) float32, zero where there is no token
    mask: (N, L) bool, True where there is a token
    pooled: (N, D) float32 of length one, the mean over a prompt's tokens
    truncated: indices of prompts longer than L, whose end was not read
    unknown: words that no token stands for, in order; the encoder knows only that a word is there
    """

    tokens: Tensor
    mask: Tensor
    pooled: Tensor
    truncated: tuple[int, ...]
    unknown: tuple[str, ...]


class Block(nn.Module):
    """One transformer layer, normalised after each of its two halves."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.qkv = nn.Linear(config.width, 3 * config.width)
        self.out = nn.Linear(config.width, config.width)
        self.attention_norm = nn.LayerNorm(config.width, eps=1e-12)
        self.up = nn.Linear(config.width, config.mlp)
        self.down = nn.Linear(config.mlp, config.width)
        self.mlp_norm = nn.LayerNorm(config.width, eps=1e-12)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Map (N, L, D) to the same shape, attending only where the mask (N, L) is True."""
        q, k, v = rearrange(self.qkv(x), "n l (three h d) -> three n h l d", three=3, h=self.heads)
        seen = F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None, :])
        x = self.attention_norm(x + self.out(rearrange(seen, "n h l d -> n l (h d)")))
        x = self.mlp_norm(x + self.down(F.gelu(self.up(x))))
        return x


class TextEncoder(nn.Module):
    """A BERT encoder with its tokenizer, which neither pads nor truncates; `load` brings the weights."""

    def __init__(self, config: TextConfig, tokenizer: Tokenizer) -> None:
        super().__init__()
        self.config = config
        self.tokenizer = tokenizer
        # Plain tensors: an Embedding would draw ten million first values that `load` overwrites.
        self.words = nn.Parameter(torch.empty(config.vocabulary, config.width))
        self.positions = nn.Parameter(torch.empty(config.max_tokens, config.width))
        self.norm = nn.LayerNorm(config.width, eps=1e-12)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Map token ids (N, L) to states (N, L, D)."""
        x: Tensor = self.norm(F.embedding(ids, self.words) + self.positions[: ids.shape[1]])
        for block in self.blocks:
            x = block(x, mask)
        return x

    @torch.no_grad()
    def encode(self, prompts: Sequence[str], *, length: int | None = None) -> Text:
        """Encode prompts on the module's device, padded to `length` tokens or, without it, to the longest.

        Of a prompt with more than `length` (or `max_tokens`) tokens the first are read. An empty prompt is
        allowed. What a prompt encodes to does not depend on its batch, up to rounding.

        Raises:
            ConfigError: there is no prompt, or `length` is not between 2 and `max_tokens`.
        """
        most = self.config.max_tokens
        limit = most if length is None else length
        if not prompts or not 2 <= limit <= most:
            raise ConfigError(f"{len(prompts)} prompts at {limit} tokens; give at least one, at 2 to {most}")
        encodings = [self.tokenizer.encode(prompt) for prompt in prompts]
        rows = [
            row if len(row) <= limit else row[: limit - 1] + row[-1:] for row in (e.ids for e in encodings)
        ]
        ids, mask = _padded(rows, length or max(map(len, rows)), self.words.device)
        tokens = self(ids, mask).float() * mask[..., None]
        return Text(
            tokens=tokens,
            mask=mask,
            pooled=F.normalize(tokens.sum(1) / mask.sum(1, keepdim=True), dim=-1),
            truncated=tuple(i for i, e in enumerate(encodings) if len(e.ids) > limit),
            unknown=tuple(w for p, e in zip(prompts, encodings, strict=True) for w in _unknown(p, e)),
        )

    def heard(self, text: str) -> str:
        """Return what is read of a text: its beginning, as far as `max_tokens` reach."""
        ends = [end for _, end in self.tokenizer.encode(text).offsets]
        most = self.config.max_tokens
        return text if len(ends) <= most else text[: ends[most - 2]]

    def vectors(self, texts: Sequence[str]) -> Tensor:
        """Return the sentence vectors (N, D) of one or more texts, of unit length, on the CPU."""
        parts = [texts[start : start + AT_ONCE] for start in range(0, len(texts), AT_ONCE)]
        return torch.cat([self.encode(part).pooled.cpu() for part in parts])


def load(folder: Path) -> TextEncoder:
    """Load the encoder from `config.json`, `tokenizer.json` and `model.safetensors`, in float32 on the CPU.

    Raises:
        ConfigError: `config.json` is wrong.
        CheckpointError: the tokenizer or the weights are missing, damaged or do not fit `config.json`.
    """
    config = read(TextConfig, folder / "config.json")
    tokenizer = load_tokenizer(folder / "tokenizer.json")
    size = tokenizer.get_vocab_size()
    if size != config.vocabulary:
        raise CheckpointError(
            f"{folder}: tokenizer.json has {size} tokens, config.json says {config.vocabulary}; restore both"
        )
    encoder = TextEncoder(config, tokenizer)
    weights = folder / "model.safetensors"
    fill(encoder, weights)
    return encoder.eval().requires_grad_(False)


def load_tokenizer(path: Path) -> Tokenizer:
    """Read a tokenizer, without the padding and truncation its file may ask for.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise CheckpointError(f"{path}: cannot be read as a tokenizer ({error}); restore it") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _padded(rows: list[list[int]], length: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return ids and mask, both (N, L); what stands in a padded place is never looked at."""
    ids = torch.tensor([row + [0] * (length - len(row)) for row in rows], device=device)
    sizes = torch.tensor([len(row) for row in rows], device=device)
    return ids, torch.arange(length, device=device) < sizes[:, None]


def _unknown(prompt: str, encoding: Encoding) -> list[str]:
    spans = zip(encoding.tokens, encoding.offsets, strict=True)
    return [prompt[start:end] for token, (start, end) in spans if token == "[UNK]"]
