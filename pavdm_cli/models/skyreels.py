"""SkyReels-V2 diffusion forcing (arXiv 2504.13074): one level for each latent, as trained."""

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKLWan, SkyReelsV2DiffusionForcingPipeline, SkyReelsV2Transformer3DModel
from torch import Tensor, nn
from transformers import UMT5EncoderModel

from pavdm_cli.models.adapter import DiffusersPipeline
from pavdm_cli.models.device import Place
from pavdm_cli.models.kinds import DiffusersConfig
from pavdm_cli.models.pipeline import Fit
from pavdm_cli.models.skyreels_denoiser import per_latent
from pavdm_cli.models.wan import WanVae

SLOW = 16  # frames a second: the one rate that the model has a name for beside its usual one


class Adapter(DiffusersPipeline):
    """SkyReels-V2-DF: UMT5 text, `SkyReelsV2Transformer3DModel`, `AutoencoderKLWan` in float32 as its makers
    run it."""

    denoiser_class = SkyReelsV2Transformer3DModel
    vae_class = AutoencoderKLWan
    text_class = UMT5EncoderModel

    def __init__(self, path: Path, config: DiffusersConfig, place: Place, fit: Fit) -> None:
        super().__init__(path, config, place, fit)
        self._video = WanVae(self.vae, tiled=fit.vae_tiling)

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of a latent."""
        height, width = (side // self.vae.spatial_compression_ratio for side in self.config.size)
        return (self.vae.config.z_dim, height, width)

    @property
    def reach(self) -> int:
        """Latents before one that its frames depend on."""
        return self._video.reach

    def states(self, tokenizer: Any, encoder: Any, prompt: str) -> tuple[Tensor, Tensor]:
        """Return token states (1, L, D), zero where there is no token; the denoiser reads all of them."""
        pipeline = SkyReelsV2DiffusionForcingPipeline(tokenizer, encoder, None, None, None)
        tokens, _ = pipeline.encode_prompt(
            [prompt], do_classifier_free_guidance=False, max_sequence_length=self.max_tokens
        )
        return tokens, torch.ones(tokens.shape[:2])

    def call(
        self, latents: Tensor, levels: Sequence[float], positions: Sequence[int], tokens: Tensor, mask: Tensor
    ) -> Tensor:
        """Return noise - clean for latents (1, C, T, h, w) shown with one text."""
        with placed(self.denoiser.rope, positions):
            steps = torch.tensor([[timestep(level) for level in levels]], device=latents.device)
            out: Tensor = self.denoiser(latents, steps, tokens, [0 if self.config.fps == SLOW else 1])
        return out

    def prepared(self, denoiser: Any) -> Any:
        """Return a loaded denoiser as `call` uses it."""
        return per_latent(denoiser)

    def decode_stream(self, latents: Iterable[Tensor], before: Iterable[Tensor] = ()) -> Iterator[Tensor]:
        """Yield frames (B, n, H, W, 3) uint8 for each latent: one for a film's first, then four."""
        return self._video.decode_stream(latents, before)

    def encode(self, frames: Tensor) -> Tensor:
        """Turn 1 + 4n frames (T, H, W, 3) uint8 into 1 + n latents (C, h, w) float32."""
        return torch.cat(list(self._video.encode_stream(frames)))


def timestep(level: float) -> int:
    """Return the whole thousandth the model was trained to read; a hair of rounding is forgiven."""
    return math.floor(1000 * level + 1e-3)


@contextmanager
def placed(rope: nn.Module, positions: Sequence[int]) -> Iterator[None]:
    """Let a rotary embedding place latents at these positions, counted from the first: attention sees only
    their differences."""
    first = min(positions)
    chosen = [position - first for position in positions]

    def choose(module: nn.Module, given: tuple[Tensor, ...], _: object) -> tuple[Tensor, ...]:
        batch, channels, _, height, width = given[0].shape
        whole = given[0].new_empty(()).expand(batch, channels, max(chosen) + 1, height, width)
        where = torch.tensor(chosen, device=given[0].device)
        return tuple(
            turn.unflatten(1, (max(chosen) + 1, -1)).index_select(1, where).flatten(1, 2)
            for turn in module.forward(whole)
        )

    hook = rope.register_forward_hook(choose)
    try:
        yield
    finally:
        hook.remove()
