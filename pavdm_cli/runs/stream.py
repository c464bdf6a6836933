"""Prompt in, frames out, as they come: text, schedule, loop and decoder put together."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from pavdm_cli.errors import ConfigError, ScheduleError
from pavdm_cli.models.card import ModelConfig
from pavdm_cli.models.denoiser import Conditions
from pavdm_cli.models.pipeline import Pipeline
from pavdm_cli.sampling import schedule
from pavdm_cli.sampling.loop import Window, denoise
from pavdm_cli.sampling.noise import Noise
from pavdm_cli.sampling.schedule import Ramp, Step


@dataclass(frozen=True)
class Request:
    """What is to be made: one video for each prompt and seed, all of one length.

    guidance: how far velocities are pushed from `negative` towards the prompt; 1 is none, and half the work.
    """

    prompts: tuple[str, ...]
    seeds: tuple[int, ...]
    frames: int
    schedule: str
    ramp: Ramp
    guidance: float
    negative: str = ""

    def __post_init__(self) -> None:
        if not self.prompts or len(self.prompts) != len(self.seeds):
            raise ConfigError(
                f"{len(self.prompts)} prompts for {len(self.seeds)} seeds; give one seed a prompt"
            )
        for prompt in self.prompts:
            if not prompt.strip():
                raise ConfigError(
                    "the prompt is empty; say what is to be seen, for example 'a red ball bouncing'"
                )
        if self.frames < 1:
            raise ConfigError(f"{self.frames} frames: a video has at least one; use --seconds or --frames")


@dataclass(frozen=True)
class Chunk:
    """Finished video: frames (B, n, H, W, 3) uint8, the index of the first, and the latent (B, C, h, w)
    behind them.

    calls: model calls so far. seconds: time so far, split by what it went to.
    """

    frames: np.ndarray
    first: int
    latent: Tensor
    calls: int
    seconds: dict[str, float]


@dataclass
class Clock:
    """Adds up wall time by name."""

    seconds: dict[str, float] = field(default_factory=dict)
    _since: float = field(default_factory=time.perf_counter)

    def lap(self, name: str) -> None:
        """Count the time since the last lap as `name`."""
        now = time.perf_counter()
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self._since
        self._since = now


def check_span(request: Request, model: ModelConfig, span: int) -> None:
    """Hold the schedule's width against the latents a model takes in a call.

    Raises:
        ScheduleError: the schedule shows more latents in a call than the model takes.
    """
    latents = model.timing.latents(request.frames)
    most = latents if request.schedule == "full-sequence" else min(request.ramp.span, latents)
    if most > span:
        raise ScheduleError(
            f"schedule {request.schedule!r} shows {most} latents in a call and {model.name} takes {span}; "
            "make the window or the context smaller, or the video shorter"
        )


class Guided:
    """The model as the loop sees it: text bound, guidance applied."""

    def __init__(self, pipeline: Pipeline, request: Request) -> None:
        self._pipeline, self._guidance = pipeline, request.guidance
        count = len(request.prompts)
        unguided = request.guidance == 1
        asked = pipeline.encode_text([*request.prompts, *([] if unguided else [request.negative] * count)])
        self.text = asked
        self._tokens = asked.tokens[:, None].to(pipeline.place.device)
        self._mask = asked.mask[:, None].to(pipeline.place.device)
        self._pooled = asked.pooled[:, None].to(pipeline.place.device)

    def __call__(self, latents: Tensor, step: Step) -> Tensor:
        """Return the guided velocity of latents (B, T, C, H, W)."""
        shares = torch.ones(len(self._tokens), latents.shape[1], 1, device=latents.device)
        words = Conditions(self._tokens, self._mask, self._pooled, shares)
        if self._guidance == 1:
            return self._pipeline.velocity(latents, step.level, step.positions, words)
        both = self._pipeline.velocity(torch.cat((latents, latents)), step.level, step.positions, words)
        towards, away = both.chunk(2)
        return away + self._guidance * (towards - away)


def stream(pipeline: Pipeline, request: Request, clock: Clock | None = None) -> Iterator[Chunk]:
    """Yield chunks of finished video, from first to last; exactly the frames asked for.

    Raises:
        ScheduleError: the schedule does not fit the model or the length.
    """
    check_span(request, pipeline.config, pipeline.span)
    clock = clock or Clock()
    model = Guided(pipeline, request)
    clock.lap("text")
    latents = pipeline.config.timing.latents(request.frames)
    window, first = Window(), 0
    steps = schedule.make(request.schedule, latents, request.ramp)
    noise = Noise(request.seeds, pipeline.latent_shape)
    made: list[Tensor] = []

    def clean() -> Iterator[Tensor]:
        for _, latent in denoise(model, steps, noise, window=window, device=pipeline.place.device):
            clock.lap("denoise")
            made.append(latent)
            yield latent

    for frames in pipeline.decode_stream(clean()):
        clock.lap("decode")
        part = frames[:, : request.frames - first].numpy()
        yield Chunk(part, first, made.pop(0), window.row, dict(clock.seconds))
        first += part.shape[1]
        clock.lap("other")
