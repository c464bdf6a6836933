"""LTX-Video (arXiv 2501.00103): a level for each token, though it was not trained for a ramp of them."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from diffusers import AutoencoderKLLTXVideo, LTXPipeline, LTXVideoTransformer3DModel
from einops import rearrange, repeat
from torch import Tensor
from transformers import T5EncoderModel

from pavdm_cli.models.adapter import DiffusersPipeline, frames_of, pictures_of

BEHIND, AHEAD = 3, 2
"""Latents decoded before and after the one whose frames are kept: its VAE looks both ways."""


class Adapter(DiffusersPipeline):
    """LTX-Video: T5 text, `LTXVideoTransformer3DModel`, `AutoencoderKLLTXVideo`."""

    denoiser_class = LTXVideoTransformer3DModel
    vae_class = AutoencoderKLLTXVideo
    text_class = T5EncoderModel
    behind, ahead = BEHIND, AHEAD

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of a latent."""
        height, width = (side // self.vae.spatial_compression_ratio for side in self.config.size)
        return (self.vae.config.latent_channels, height, width)

    @property
    def reach(self) -> int:
        """Latents before one that its frames depend on."""
        return self.behind

    def states(self, tokenizer: Any, encoder: Any, prompt: str) -> tuple[Tensor, Tensor]:
        """Return token states (1, L, D) and mask (1, L) of a prompt."""
        pipeline = LTXPipeline(None, None, encoder, tokenizer, None)
        tokens, mask, _, _ = pipeline.encode_prompt(
            [prompt], do_classifier_free_guidance=False, max_sequence_length=self.max_tokens
        )
        return tokens, mask

    def call(
        self, latents: Tensor, levels: Sequence[float], positions: Sequence[int], tokens: Tensor, mask: Tensor
    ) -> Tensor:
        """Return noise - clean for latents (1, C, T, h, w) shown with one text."""
        height, width = latents.shape[-2:]
        device = latents.device
        level = torch.tensor(levels, device=device)
        out = self.denoiser(
            hidden_states=rearrange(latents, "b c t h w -> b (t h w) c"),
            encoder_hidden_states=tokens,
            timestep=repeat(1000 * level, "t -> 1 (t s)", s=height * width),
            encoder_attention_mask=mask,
            video_coords=self._places(positions, height, width, device),
            return_dict=False,
        )[0]
        velocity: Tensor = rearrange(out, "b (t h w) c -> b c t h w", h=height, w=width)
        return velocity

    @torch.no_grad()
    def decode_stream(self, latents: Iterable[Tensor], before: Iterable[Tensor] = ()) -> Iterator[Tensor]:
        """Yield frames (B, n, H, W, 3) uint8 for each latent: one for a film's first, then eight.

        Each is decoded among its neighbours; latents are taken `ahead` before the frames of one come out.
        """
        held = deque(before, maxlen=self.behind)
        waiting: deque[Tensor] = deque()
        for latent in latents:
            waiting.append(latent)
            if len(waiting) > self.ahead:
                yield self._decode(held, waiting)
        while waiting:
            yield self._decode(held, waiting)

    @torch.no_grad()
    def encode(self, frames: Tensor) -> Tensor:
        """Turn 1 + 8n frames (T, H, W, 3) uint8 into 1 + n latents (C, h, w) float32."""
        raw = self.vae.encode(pictures_of(frames, self.vae)).latent_dist.mode().float()
        mean, deviation = self._statistics()
        made: Tensor = (raw - mean) * self.vae.config.scaling_factor / deviation
        return rearrange(made, "1 c t h w -> t c h w")

    def _decode(self, held: deque[Tensor], waiting: deque[Tensor]) -> Tensor:
        """Return the frames of the first latent that waits, and move it to those held."""
        place, each = len(held), self.config.timing.each
        mean, deviation = self._statistics()
        latents = torch.stack([*held, *waiting], dim=2)
        raw = latents * deviation / self.vae.config.scaling_factor + mean
        level = torch.zeros(len(raw), device=raw.device) if self.vae.config.timestep_conditioning else None
        pictures = self.vae.decode(raw.to(self.vae.dtype), level, return_dict=False)[0]
        held.append(waiting.popleft())
        begin = self.config.timing.first(place)
        return frames_of(pictures[:, :, begin : each * place + 1])

    def _statistics(self) -> tuple[Tensor, Tensor]:
        """Return the latents' mean and deviation, (C, 1, 1, 1)."""
        mean, deviation = self.vae.latents_mean, self.vae.latents_std
        return mean.float()[:, None, None, None], deviation.float()[:, None, None, None]

    def _places(self, positions: Sequence[int], height: int, width: int, device: torch.device) -> Tensor:
        """Return where each token stands, (1, 3, T*h*w): seconds from the first latent, rows, columns."""
        seconds = [
            (position - min(positions)) * self.config.timing.each / self.config.fps for position in positions
        ]
        ratio = self.vae.spatial_compression_ratio
        axes = (
            torch.tensor(seconds, device=device),
            torch.arange(height, device=device, dtype=torch.float32) * ratio,
            torch.arange(width, device=device, dtype=torch.float32) * ratio,
        )
        return torch.stack(torch.meshgrid(*axes, indexing="ij")).flatten(1)[None]
