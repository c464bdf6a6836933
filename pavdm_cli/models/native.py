"""The native model, loaded: text encoder, denoiser and video VAE, with their limits."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from pavdm_cli.errors import CheckpointError
from pavdm_cli.models import library, quantised
from pavdm_cli.models import text as texts
from pavdm_cli.models.config import read
from pavdm_cli.models.denoiser import Conditions, Denoiser, DenoiserConfig
from pavdm_cli.models.device import Place
from pavdm_cli.models.halves import Halves
from pavdm_cli.models.library import PIXELS_PER_LATENT, NativeConfig
from pavdm_cli.models.text import Text, TextConfig, TextEncoder
from pavdm_cli.models.vae import FRAMES_PER_LATENT, Vae, VaeConfig


@dataclass
class Native:
    """A native model ready to run; a `Pipeline`.

    captions, vectors: captions it was trained on and their sentence vectors (N, D), to tell what it knows.
    """

    config: NativeConfig
    place: Place
    text: TextEncoder
    denoiser: Denoiser
    vae: Vae
    captions: tuple[str, ...]
    vectors: Tensor

    @property
    def span(self) -> int:
        """Latents in one call at most."""
        return self.denoiser.config.span

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of a latent."""
        return (self.denoiser.config.channels, *self.denoiser.config.size)

    @property
    def reach(self) -> int:
        """Latents before one that its frames depend on."""
        return self.vae.reach

    @property
    def max_tokens(self) -> int:
        """Tokens of a prompt that are read."""
        return self.text.config.max_tokens

    def encode_text(self, prompts: Sequence[str]) -> Text:
        """Encode prompts, padded to the encoder's limit, so that a prompt's company changes nothing."""
        return self.text.encode(prompts, length=self.max_tokens)

    def velocity(
        self, latents: Tensor, levels: Sequence[float], positions: Sequence[int], words: Conditions
    ) -> Tensor:
        """Return noise - clean for latents (B, T, C, H, W) at T levels and positions, float32."""
        device, batch = self.place.device, len(latents)
        level = torch.tensor(levels, device=device).expand(batch, -1)
        where = torch.tensor(positions, device=device, dtype=torch.float32).expand(batch, -1)

        def part(rows: slice) -> Tensor:
            out: Tensor = self.denoiser(latents[rows], level[rows], where[rows], words.of(rows)).float()
            return out

        return self._halves(batch, part) if device.type == "cpu" else part(slice(None))

    @cached_property
    def _halves(self) -> Halves:
        return Halves()

    def attend(self, chunk: int | None) -> None:
        """Attend to so many queries at a time from now on; None is all."""
        self.denoiser.set_attention_chunk(chunk)

    def halve_attention(self, latents: int) -> int | None:
        """Attend to half as many queries at a time, as calls of so many latents have; None from one on."""
        queries = latents * self.denoiser.rows * self.denoiser.columns
        chunk = min(self.denoiser.attention_chunk or queries, queries)
        if chunk == 1:
            return None
        self.denoiser.set_attention_chunk((chunk + 1) // 2)
        return self.denoiser.attention_chunk

    def decode_stream(self, latents: Iterable[Tensor], before: Iterable[Tensor] = ()) -> Iterator[Tensor]:
        """Yield frames (B, 4, H, W, 3) uint8 on the CPU for each latent (B, C, h, w), as they come."""
        for frames in self.vae.decode_stream(latents, before):
            yield (frames * 255 + 0.5).to(torch.uint8).permute(0, 1, 3, 4, 2).contiguous().cpu()

    @torch.no_grad()
    def encode(self, frames: Tensor) -> Tensor:
        """Turn frames (T, H, W, 3) uint8, T a multiple of four, into latents (T/4, C, h, w) float32, one at a
        time."""
        made = []
        for part in torch.split(frames, FRAMES_PER_LATENT):
            each = part[None].to(self.place.device, self.place.dtype).permute(0, 1, 4, 2, 3)
            made.append(self.vae.encode(each / 127.5 - 1)[0])
        return torch.cat(made).float()

    def nearest(self, text: Text, count: int = 3) -> list[list[tuple[str, float]]]:
        """Return the known captions nearest to each prompt, with their cosines, best first."""
        cosines = texts.similarity(text.pooled.cpu(), self.vectors)
        best = cosines.topk(min(count, len(self.captions)), dim=-1)
        return [
            [(self.captions[i], c) for i, c in zip(row.tolist(), values.tolist(), strict=True)]
            for row, values in zip(best.indices, best.values, strict=True)
        ]


def load(folder: Path, place: Place, attention_chunk: int | None = None) -> Native:
    """Load a native model from its folder.

    Raises:
        CheckpointError: it is missing, damaged or does not fit its configuration.
        ConfigError: a configuration file is wrong.
    """
    config = library.native(folder)
    vae = load_vae(folder / config.vae)
    denoiser = Denoiser(read(DenoiserConfig, folder / f"{config.denoiser}.config.json"))
    quantised.fill(denoiser, folder / f"{config.denoiser}.safetensors")
    text = texts.load(library.text_folder(folder, config))
    captions, vectors = _captions(folder / "captions.safetensors")
    _check_fit(folder, vae.config, denoiser.config, config)
    _check_told(folder, denoiser.config)
    _check_text(folder, text.config, denoiser.config, vectors)
    denoiser.set_attention_chunk(attention_chunk)
    return Native(
        config=config,
        place=place,
        text=text,
        denoiser=denoiser.to(place.device, place.dtype).eval(),
        vae=vae.to(place.device, place.dtype).eval(),
        captions=captions,
        vectors=vectors,
    )


def load_vae(stem: Path) -> Vae:
    """Load a VAE from STEM.config.json and STEM.safetensors, in float32 on the CPU.

    Raises:
        CheckpointError: the weights are missing, damaged or do not fit the configuration.
        ConfigError: the configuration file is missing or wrong.
    """
    vae = Vae(read(VaeConfig, stem.with_name(stem.name + ".config.json")))
    quantised.fill(vae, stem.with_name(stem.name + ".safetensors"))
    return vae


def _check_fit(folder: Path, vae: VaeConfig, denoiser: DenoiserConfig, config: NativeConfig) -> None:
    latent = (config.size[0] // PIXELS_PER_LATENT, config.size[1] // PIXELS_PER_LATENT)
    if vae.channels != denoiser.channels or latent != denoiser.size:
        raise CheckpointError(
            f"{folder}: the denoiser's latents ({denoiser.channels} x {denoiser.size}) do not fit the VAE's "
            f"({vae.channels} x {latent}); restore the whole folder"
        )


def _check_told(folder: Path, denoiser: DenoiserConfig) -> None:
    if denoiser.memory or denoiser.actions:
        raise CheckpointError(
            f"{folder}: its denoiser has a memory or is told actions, which films of prompts do not give it "
            "yet; use a model without"
        )


def _check_text(folder: Path, text: TextConfig, denoiser: DenoiserConfig, vectors: Tensor) -> None:
    if not text.width == denoiser.text_width == vectors.shape[-1]:
        raise CheckpointError(
            f"{folder}: the text encoder's states are {text.width} wide, the denoiser reads "
            f"{denoiser.text_width} and captions.safetensors holds {vectors.shape[-1]}; restore the whole "
            "folder"
        )


def _captions(path: Path) -> tuple[tuple[str, ...], Tensor]:
    """Read the known captions: sentence vectors (N, D) and, in the header, the captions line by line."""
    try:
        with safe_open(path, "pt") as file:
            captions = tuple((file.metadata() or {})["captions"].splitlines())
            vectors: Tensor = file.get_tensor("vectors").float()
    except (SafetensorError, OSError, KeyError) as error:
        raise CheckpointError(f"{path}: missing or damaged ({error}); restore the model's folder") from error
    if len(captions) != len(vectors):
        raise CheckpointError(
            f"{path}: {len(captions)} captions for {len(vectors)} vectors; restore the model's folder"
        )
    return captions, vectors
