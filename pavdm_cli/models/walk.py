"""A model that walks by actions: what it shows at a frame follows from those before it and from what is done.

A memory of past latents that is put before the window as it is (`memory.Prepend`) is context by another name:
clean latents at level 0 in the same call. So the denoiser has none here; its schedule shows as much context.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from pavdm_cli.errors import CheckpointError
from pavdm_cli.models import coder as coders
from pavdm_cli.models import library, quantised, ways
from pavdm_cli.models.coder import Coder
from pavdm_cli.models.config import read
from pavdm_cli.models.denoiser import Conditions, Denoiser, DenoiserConfig
from pavdm_cli.models.device import Place
from pavdm_cli.models.library import WalkConfig
from pavdm_cli.models.scenes import Reading
from pavdm_cli.models.text import Text
from pavdm_cli.models.told import WIDTH, told
from pavdm_cli.sampling.schedule import Step


@dataclass
class Walk:
    """A model that walks, ready to run; a `Pipeline`."""

    config: WalkConfig
    place: Place
    denoiser: Denoiser
    coder: Coder

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
        """Latents before one that its frames depend on: none, each frame is decoded alone."""
        return 0

    @property
    def max_tokens(self) -> int:
        """Frames that a prompt leads through, at most."""
        return 1 + ways.LONGEST

    def encode_text(self, prompts: Sequence[str]) -> Text:
        """Read actions into tokens (N, L, 4) int64, one a frame: its pose, from (0, 0, 0), and its action.

        Raises:
            ConfigError: a word is no action.
        """
        found = [ways.along((0, 0, 0), ways.read(prompt)) for prompt in prompts]
        tokens = torch.zeros(len(found), max(len(way.actions) for way in found), 4, dtype=torch.int64)
        mask = torch.zeros(tokens.shape[:2], dtype=torch.bool)
        for i, way in enumerate(found):
            count = len(way.actions)
            tokens[i, :count, :3], tokens[i, :count, 3] = map(torch.from_numpy, (way.poses, way.actions))
            mask[i, :count] = True
        return Text(tokens, mask, torch.zeros(len(found), 0), (), ())

    def velocity(self, latents: Tensor, step: Step, words: Conditions) -> Tensor:
        """Return noise - clean for latents (B, T, C, h, w) shown as a step says, float32."""
        device, batch = self.place.device, len(latents)
        level = torch.tensor(step.level, device=device).expand(batch, -1)
        where = torch.tensor(step.positions, device=device, dtype=torch.float32).expand(batch, -1)
        done = _told(step, words).to(device)
        out: Tensor = self.denoiser(latents, level, where, None, actions=done).float()
        return out

    def attend(self, chunk: int | None) -> None:
        """Attend to so many queries at a time from now on; None is all."""
        self.denoiser.set_attention_chunk(chunk)

    def halve_attention(self, latents: int) -> int | None:
        """Attend to half as many queries at a time, as calls of so many latents have; None from one on."""
        return self.denoiser.halve_attention(latents)

    def decode_stream(self, latents: Iterable[Tensor], before: Iterable[Tensor] = ()) -> Iterator[Tensor]:
        """Yield a frame (B, 1, H, W, 3) uint8 on the CPU for each latent (B, C, h, w), as they come."""
        for latent in latents:
            yield self.coder.frames(latent)[:, None].cpu()

    def encode(self, frames: Tensor) -> Tensor:
        """Turn frames (T, H, W, 3) uint8 into latents (T, C, h, w) float32."""
        return self.coder.latents(frames.to(self.place.device))

    def read(self, prompts: Sequence[str]) -> list[Reading]:
        """Take each prompt as it is written."""
        return [Reading() for _ in prompts]


def load(folder: Path, place: Place, attention_chunk: int | None = None) -> Walk:
    """Load a model that walks from its folder.

    Raises:
        CheckpointError: it is missing, damaged or does not fit its configuration.
        ConfigError: a configuration file is wrong.
    """
    config, coder = library.walk(folder), coders.load(folder)
    denoiser = Denoiser(read(DenoiserConfig, folder / "denoiser.config.json"))
    quantised.fill(denoiser, folder / "denoiser.safetensors")
    _check_fit(folder, config, coder, denoiser.config)
    denoiser.set_attention_chunk(attention_chunk)
    return Walk(
        config=config,
        place=place,
        denoiser=denoiser.to(place.device, place.dtype).eval(),
        coder=coder.to(place.device, place.dtype),
    )


def _check_fit(folder: Path, config: WalkConfig, coder: Coder, denoiser: DenoiserConfig) -> None:
    own = coder.config
    if denoiser.memory or denoiser.text_width or denoiser.actions != WIDTH:
        raise CheckpointError(
            f"{folder}: its denoiser does not walk: it needs {WIDTH} actions, text_width 0 and memory "
            "null (a memory that is prepended as it is becomes the context of its schedule)"
        )
    latent = (own.channels, (1, own.strips))
    if latent != (denoiser.channels, denoiser.size) or config.size != (own.size, own.size):
        raise CheckpointError(
            f"{folder}: the denoiser's latents ({denoiser.channels} x {denoiser.size}) or the size "
            f"{config.size} do not fit the coder's ({latent[0]} x {latent[1]}, {own.size} pixels); restore "
            "the whole folder"
        )


def _told(step: Step, words: Conditions) -> Tensor:
    """Return what is told of the latents shown, (B, T, WIDTH), relative to the first one that moves.

    Some schedules show latents beyond the end; there a walk stands still where it ended.
    """
    assert words.tokens.shape[1] == 1, "a walk is led by one row of actions"
    first = next(k for k, now, to in zip(step.latents, step.level, step.next, strict=True) if now != to)
    at = torch.tensor([*step.latents, first], device=words.mask.device).expand(len(words.mask), -1)
    end = words.mask[:, 0].sum(1, keepdim=True) - 1
    frames = words.tokens[:, 0].gather(1, at.minimum(end)[..., None].expand(-1, -1, 4)).cpu()
    actions = frames[..., 3].masked_fill((at > end).cpu(), ways.STILL)
    return told(frames[:, :-1, :3], actions[:, :-1], frames[:, -1, :3])
