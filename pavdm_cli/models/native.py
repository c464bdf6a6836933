"""The native model, loaded: text encoder, denoiser and video VAE, with their limits."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from pavdm_cli.errors import CheckpointError
from pavdm_cli.models import library, quantised, scenes
from pavdm_cli.models import text as texts
from pavdm_cli.models.config import read
from pavdm_cli.models.denoiser import Conditions, Denoiser, DenoiserConfig
from pavdm_cli.models.device import Place
from pavdm_cli.models.halves import Halves
from pavdm_cli.models.library import PIXELS_PER_LATENT, NativeConfig
from pavdm_cli.models.scenes import Reading, Scenes
from pavdm_cli.models.text import Text, TextConfig, TextEncoder
from pavdm_cli.models.vae import FRAMES_PER_LATENT, Vae, VaeConfig
from pavdm_cli.sampling.schedule import Step


@dataclass
class Native:
    """A native model ready to run; a `Pipeline`. scenes: what it knows."""

    config: NativeConfig
    place: Place
    text: TextEncoder
    denoiser: Denoiser
    vae: Vae
    scenes: Scenes

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

    def velocity(self, latents: Tensor, step: Step, words: Conditions) -> Tensor:
        """Return noise - clean for latents (B, T, C, H, W) shown as a step says, float32."""
        device, batch = self.place.device, len(latents)
        level = torch.tensor(step.level, device=device).expand(batch, -1)
        where = torch.tensor(step.positions, device=device, dtype=torch.float32).expand(batch, -1)

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
        return self.denoiser.halve_attention(latents)

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

    def read(self, prompts: Sequence[str]) -> list[Reading]:
        """Return how each prompt is taken."""
        heard = [self.text.heard(prompt) for prompt in prompts]
        return [self.scenes.read(prompt, self.text.vectors, self.config.reads) for prompt in heard]


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
    known = scenes.load(folder / library.CAPTIONS)
    _check_fit(folder, vae.config, denoiser.config, config)
    _check_told(folder, denoiser.config)
    _check_text(folder, text.config, denoiser.config, known)
    denoiser.set_attention_chunk(attention_chunk)
    return Native(
        config=config,
        place=place,
        text=text,
        denoiser=denoiser.to(place.device, place.dtype).eval(),
        vae=vae.to(place.device, place.dtype).eval(),
        scenes=known,
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


def _check_text(folder: Path, text: TextConfig, denoiser: DenoiserConfig, known: Scenes) -> None:
    widths = text.width, denoiser.text_width, known.vectors.shape[-1]
    if len(set(widths)) > 1:
        raise CheckpointError(
            f"{folder}: the text encoder's states are {widths[0]} wide, the denoiser reads {widths[1]} and "
            f"{library.CAPTIONS} holds {widths[2]}; restore the whole folder"
        )
