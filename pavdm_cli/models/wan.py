"""The Wan video VAE of diffusers, decoding and encoding as a stream.

`AutoencoderKLWan` works latent by latent with a cache of features, and forgets it after each call. Here the
cache is kept between latents, one for each tile, so a film of any length takes the memory of one latent.
Latents are (B, C, h, w), normalised by the VAE's own mean and deviation; pictures (B, 3, n, H, W) in [-1, 1].
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor

from pavdm_cli.errors import CheckpointError
from pavdm_cli.models.adapter import frames_of, pictures_of

Cache = list[Any]
"""What each causal convolution saw last: a tensor, None at the beginning, or diffusers' own mark."""


class WanVae:
    """An `AutoencoderKLWan` that keeps its caches.

    tiled: work by overlapping tiles, as its `enable_tiling` does; the caches of tiles wait on the CPU.
    """

    def __init__(self, vae: Any, *, tiled: bool) -> None:
        if vae.config.patch_size is not None:
            raise CheckpointError(
                f"a Wan VAE with patches of {vae.config.patch_size} pixels: only those of Wan 2.1 can be run"
            )
        self.vae, self._tiled = vae, tiled
        device = next(vae.parameters()).device
        mean, deviation = vae.config.latents_mean, vae.config.latents_std
        self._mean = torch.tensor(mean, device=device)[:, None, None, None]
        self._deviation = torch.tensor(deviation, device=device)[:, None, None, None]

    @property
    def reach(self) -> int:
        """Latents before one that its frames depend on.

        Each causal convolution of width three looks back two of its own frames; there are two in every
        residual block, one before them all, one in every doubling of frames and one at the end.
        """
        blocks = self.vae.config.num_res_blocks + 1
        back, rate = 2 + 2 * 2 * 2, 1
        for doubled in [*self.vae.temperal_upsample, False]:
            back += 2 * 2 * blocks / rate
            if doubled:
                back += 2 / rate
                rate *= 2
        return int(-(-(back + 2 / rate) // 1))

    @torch.no_grad()
    def decode_stream(self, latents: Iterable[Tensor], before: Iterable[Tensor] = ()) -> Iterator[Tensor]:
        """Yield frames (B, n, H, W, 3) uint8 for each latent: one for the first there is, then four."""
        caches: dict[int, Cache] = {}
        for latent in before:
            self._decode(latent, caches)
        for latent in latents:
            yield frames_of(self._decode(latent, caches))

    @torch.no_grad()
    def encode_stream(self, frames: Tensor) -> Iterator[Tensor]:
        """Yield latents (1, C, h, w) float32 of 1 + 4n frames (T, H, W, 3) uint8."""
        caches: dict[int, Cache] = {}
        rest = torch.split(frames[1:], 4) if len(frames) > 1 else ()
        for part in (frames[:1], *rest):
            mean = self._encode(pictures_of(part, self.vae), caches).chunk(2, dim=1)[0]
            yield ((mean.float() - self._mean) / self._deviation)[:, :, 0]

    def _decode(self, latent: Tensor, caches: dict[int, Cache]) -> Tensor:
        vae, ratio = self.vae, self.vae.spatial_compression_ratio
        whole = (latent[:, :, None] * self._deviation + self._mean).to(next(vae.parameters()).dtype)
        first = not caches
        count = vae._cached_conv_counts["decoder"]

        def one(number: int, part: Tensor) -> Tensor:
            cache = _moved(caches.get(number, [None] * count), part.device)
            out: Tensor = vae.decoder(vae.post_quant_conv(part), cache, [0], first_chunk=first)
            caches[number] = _moved(cache, torch.device("cpu")) if self._tiled else cache
            return out

        least, stride = self._tile(1 / ratio)
        made = self._by_parts(whole, one, least, stride, ratio)
        return made.clamp(-1, 1)

    def _encode(self, pictures: Tensor, caches: dict[int, Cache]) -> Tensor:
        vae = self.vae
        count = vae._cached_conv_counts["encoder"]

        def one(number: int, part: Tensor) -> Tensor:
            cache = _moved(caches.get(number, [None] * count), part.device)
            out: Tensor = vae.quant_conv(vae.encoder(part, cache, [0]))
            caches[number] = _moved(cache, torch.device("cpu")) if self._tiled else cache
            return out

        least, stride = self._tile(1)
        return self._by_parts(pictures, one, least, stride, 1 / vae.spatial_compression_ratio)

    def _tile(self, scale: float) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return height and width of a tile, and the distances between tiles, at a scale."""
        vae = self.vae
        least = (int(vae.tile_sample_min_height * scale), int(vae.tile_sample_min_width * scale))
        stride = (int(vae.tile_sample_stride_height * scale), int(vae.tile_sample_stride_width * scale))
        return least, stride

    def _by_parts(
        self,
        whole: Tensor,
        one: Callable[[int, Tensor], Tensor],
        least: tuple[int, int],
        stride: tuple[int, int],
        scale: float,
    ) -> Tensor:
        """Run `one` on the whole, or on tiles whose overlaps are blended, `scale` times as large."""
        height, width = whole.shape[-2:]
        if not self._tiled or (height <= least[0] and width <= least[1]):
            return one(0, whole)
        tops, lefts = range(0, height, stride[0]), range(0, width, stride[1])
        rows: list[list[Tensor]] = []
        for i, top in enumerate(tops):
            row = [
                one(i * len(lefts) + j, whole[..., top : top + least[0], left : left + least[1]])
                for j, left in enumerate(lefts)
            ]
            rows.append(row)
        overlap = [int((a - b) * scale) for a, b in zip(least, stride, strict=True)]
        kept = [int(b * scale) for b in stride]
        made = []
        for i, row in enumerate(rows):
            for j, tile in enumerate(row):
                if i > 0:
                    self.vae.blend_v(rows[i - 1][j], tile, overlap[0])
                if j > 0:
                    self.vae.blend_h(row[j - 1], tile, overlap[1])
            made.append(torch.cat([tile[..., : kept[0], : kept[1]] for tile in row], dim=-1))
        return torch.cat(made, dim=-2)[..., : int(height * scale), : int(width * scale)]


def _moved(cache: Cache, device: torch.device) -> Cache:
    return [one.to(device) if isinstance(one, Tensor) else one for one in cache]
