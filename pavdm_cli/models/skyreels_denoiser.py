"""SkyReels-V2's transformer with the level of a latent kept once, not for each of its tokens.

diffusers lays shifts, scales and gates out for every token, in float32, six of them in every layer: most of
the memory of a call. Here they are added and multiplied as they are, one of each for a latent. All weights
and all sums are the same.
"""

from collections.abc import Sequence
from typing import Any

import torch
from diffusers import SkyReelsV2Transformer3DModel
from diffusers.models.transformers.transformer_skyreels_v2 import SkyReelsV2TransformerBlock
from einops import rearrange
from torch import Tensor

from pavdm_cli.errors import CheckpointError


class Layer(SkyReelsV2TransformerBlock):  # type: ignore[misc]
    """A layer of diffusers that takes its modulation per latent."""

    def forward(self, x: Tensor, text: Tensor, modulation: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
        """Map tokens x (B, T*S, D) to the same shape.

        Args:
            text: (B, L, D). modulation: (B, T, 6, D): shift, scale and gate of self-attention, then of the
                feed-forward part. turn: cos and sin of the rotary embedding, as diffusers shapes them.
        """
        m = (self.scale_shift_table[:, None] + modulation.float())[:, :, :, None]
        shift1, scale1, gate1, shift2, scale2, gate2 = m.unbind(2)
        h = _modulated(self.norm1(x.float()), shift1, scale1).type_as(x)
        x = _added(x, self.attn1(h, None, None, turn), gate1)
        x = x + self.attn2(self.norm2(x.float()).type_as(x), text, None, None)
        h = _modulated(self.norm3(x.float()), shift2, scale2).type_as(x)
        return _added(x, self.ffn(h), gate2)


class Transformer(SkyReelsV2Transformer3DModel):  # type: ignore[misc]
    """diffusers' transformer, with every latent at a level of its own."""

    def forward(self, latents: Tensor, steps: Tensor, tokens: Tensor, rates: Sequence[int]) -> Tensor:
        """Return the velocity of latents (B, C, T, h, w).

        Args:
            steps: (B, T), levels in thousandths. tokens: (B, L, text width). rates: 1 for each video of the
                usual frames a second, 0 for a slow one.
        """
        turn = self.rope(latents)
        x = rearrange(self.patch_embedding(latents), "b d t h w -> b (t h w) d")
        signal, modulation, text, _ = self.condition_embedder(steps, tokens, None)
        modulation = modulation.unflatten(-1, (6, -1))
        if self.config.inject_sample_info:
            rate = self.fps_embedding(torch.tensor(rates, device=x.device))
            modulation = modulation + self.fps_projection(rate).unflatten(-1, (6, -1))[:, None]
        for layer in self.blocks:
            x = layer(x, text, modulation, turn)
        shift, scale = (self.scale_shift_table[:, None] + signal[:, :, None]).unsqueeze(3).unbind(2)
        x = self.proj_out(_modulated(self.norm_out(x.float()), shift, scale).type_as(x))
        _, p, q = self.config.patch_size
        height, width = latents.shape[-2] // p, latents.shape[-1] // q
        out: Tensor = rearrange(x, "b (t y x) (p q c) -> b c t (y p) (x q)", y=height, x=width, p=p, q=q)
        return out


def per_latent(denoiser: Any) -> Transformer:
    """Turn diffusers' transformer into one that keeps levels per latent; its weights stay where they are.

    Raises:
        CheckpointError: it takes several latents to a token, or was made for causal attention.
    """
    deep, block = denoiser.config.patch_size[0], denoiser.config.num_frame_per_block
    if deep != 1 or block != 1:
        raise CheckpointError(
            f"a SkyReels-V2 transformer with patches of {deep} latents, attending in blocks of {block}: only "
            "single latents that all see each other can be run; get another checkpoint"
        )
    denoiser.__class__ = Transformer
    for layer in denoiser.blocks:
        layer.__class__ = Layer
    made: Transformer = denoiser
    return made


def _modulated(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """Scale and shift tokens (B, T*S, D), float32, by numbers of each latent, (B, T, 1, D)."""
    whole = rearrange(x, "b (t s) d -> b t s d", t=shift.shape[1])
    return torch.addcmul(shift, whole, 1 + scale).flatten(1, 2)


def _added(x: Tensor, change: Tensor, gate: Tensor) -> Tensor:
    """Add a change to tokens x (B, T*S, D), as much of it as the gate of each latent says."""
    whole, part = (rearrange(n.float(), "b (t s) d -> b t s d", t=gate.shape[1]) for n in (x, change))
    return torch.addcmul(whole, part, gate).flatten(1, 2).type_as(x)
