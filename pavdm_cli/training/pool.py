"""Pools of clips on the training device: frames for the VAE, latents with their texts for the denoiser.

What a pool holds after n refills is a pure function of its seed and n, so a resumed training fills it with
the same clips again: to the bit if rendered in the same company, else to a level of 255 and rounding.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from einops import rearrange
from tqdm import tqdm

from pavdm_cli.errors import ConfigError
from pavdm_cli.models.device import autocast
from pavdm_cli.models.text import TextEncoder
from pavdm_cli.models.vae import FRAMES_PER_LATENT, Vae
from pavdm_cli.training import clips
from pavdm_cli.training.clips import Clip

TOKENS = 32
"""Tokens a caption is given in training; the longest have about thirty."""


@dataclass(frozen=True)
class Source:
    """Where clips come from: their seed, length in frames, size in pixels, families (none: all), and whether
    part of them change into something else."""

    seed: int
    frames: int
    size: tuple[int, int] = (128, 128)
    families: tuple[str, ...] = ()
    changing: bool = True


class Ring:
    """Numbers of the clips held: `size` places, of which each refill renews `renew`, oldest first."""

    def __init__(self, size: int, renew: int) -> None:
        if not 1 <= renew <= size:
            raise ConfigError(f"{size} clips held, {renew} renewed at a time; renew from 1 to all of them")
        self.size, self.renew = size, renew

    def held(self, refills: int) -> list[int]:
        """Return the clip number in each place after so many refills."""
        newest = self.size + refills * self.renew
        return [newest - 1 - (newest - 1 - place) % self.size for place in range(self.size)]

    def places(self, refill: int) -> list[tuple[int, int]]:
        """Return (place, clip number) for what refill number `refill` (from 0) renews."""
        first = self.size + refill * self.renew
        return [(n % self.size, n) for n in range(first, first + self.renew)]


class FramePool:
    """Clips as uint8 frames (size, frames, 3, H, W)."""

    def __init__(
        self, source: Source, ring: Ring, device: torch.device, batch: int, refills: int = 0
    ) -> None:
        self._source, self._ring, self._device, self._batch = source, ring, device, batch
        self.frames = torch.empty(ring.size, source.frames, 3, *source.size, dtype=torch.uint8, device=device)
        self._fill(list(enumerate(ring.held(refills))), "rendering")

    def refill(self, number: int) -> None:
        """Renew the oldest clips."""
        self._fill(self._ring.places(number), None)

    def _fill(self, items: Sequence[tuple[int, int]], label: str | None) -> None:
        for part in _parts(items, self._batch, label):
            drawn = [_draw(self._source, n) for _, n in part]
            places = [p for p, _ in part]
            self.frames[places] = clips.render(drawn, self._source.frames, self._source.size, self._device)


class LatentPool:
    """Clips as latents (size, T, C, h, w) with K texts each, and which of them each latent is of.

    K is 2 where clips may change, else 1. tokens: (size, K, TOKENS, D) half precision; mask: (size, K,
    TOKENS); pooled: (size, K, D); second: (size, T), 1 where a latent is of the second text, else 0.
    """

    def __init__(
        self,
        source: Source,
        ring: Ring,
        vae: Vae,
        text: TextEncoder,
        device: torch.device,
        batch: int,
        refills: int = 0,
    ) -> None:
        self._source, self._ring, self._device, self._batch = source, ring, device, batch
        self._vae, self._text = vae, text
        self.count = source.frames // FRAMES_PER_LATENT
        shape = (vae.config.channels, source.size[0] // 16, source.size[1] // 16)
        width, size, texts = text.config.width, ring.size, 2 if source.changing else 1
        # Filled in place and never grown: a pool of sixty thousand clips takes most of what training takes.
        self.latents = torch.empty(size, self.count, *shape, dtype=torch.half, device=device)
        self.tokens = torch.empty(size, texts, TOKENS, width, dtype=torch.half, device=device)
        self.mask = torch.empty(size, texts, TOKENS, dtype=torch.bool, device=device)
        self.pooled = torch.empty(size, texts, width, device=device)
        self.second = torch.empty(size, self.count, dtype=torch.long, device=device)
        self._fill(list(enumerate(ring.held(refills))), "rendering and encoding")

    def refill(self, number: int) -> None:
        """Renew the oldest clips."""
        self._fill(self._ring.places(number), None)

    def _fill(self, items: Sequence[tuple[int, int]], label: str | None) -> None:
        for part in _parts(items, self._batch, label):
            self._put([p for p, _ in part], [_draw(self._source, n) for _, n in part])

    @torch.no_grad()
    def _put(self, places: list[int], drawn: list[Clip]) -> None:
        frames = clips.render(drawn, self._source.frames, self._source.size, self._device)
        with autocast(self._device):
            self.latents[places] = self._vae.encode(frames.float() / 127.5 - 1).half()
        captions = [c.caption for c in drawn] + [c.after_caption for c in drawn]
        texts = self._text.encode(captions[: len(drawn) * self.tokens.shape[1]], length=TOKENS)
        pairs = {
            "tokens": texts.tokens.half(),
            "mask": texts.mask,
            "pooled": texts.pooled,
        }
        for name, value in pairs.items():
            getattr(self, name)[places] = rearrange(value, "(k b) ... -> b k ...", b=len(drawn)).to(
                self._device
            )
        shares = [clips.shares(c, self.count, FRAMES_PER_LATENT) for c in drawn]
        self.second[places] = torch.tensor(shares, device=self._device)


def _draw(source: Source, number: int) -> Clip:
    families = source.families or None
    return clips.draw(source.seed, number, source.frames, families, changing=source.changing)


def _parts(
    items: Sequence[tuple[int, int]], batch: int, label: str | None
) -> Iterator[Sequence[tuple[int, int]]]:
    bar = tqdm(total=len(items), desc=label, disable=label is None, unit="clip")
    with bar:
        for start in range(0, len(items), batch):
            part = items[start : start + batch]
            yield part
            bar.update(len(part))
