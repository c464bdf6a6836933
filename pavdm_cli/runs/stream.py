"""Prompt in, frames out, as they come: text, schedule, loop and decoder put together."""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pavdm_cli.models.pipeline import Pipeline
from pavdm_cli.runs.ahead import ahead
from pavdm_cli.runs.guided import Guided
from pavdm_cli.runs.request import Request, check_span
from pavdm_cli.runs.settings import Correction
from pavdm_cli.sampling import schedule
from pavdm_cli.sampling.loop import Window, denoise
from pavdm_cli.sampling.noise import Noise

AHEAD = 4
"""Latents denoised ahead of the one that is decoded, at most."""


@dataclass(frozen=True)
class Chunk:
    """Finished video: frames (B, n, H, W, 3) uint8, the index of the first, and the latent (B, C, h, w)
    behind them.

    The latent is float32 with the values of fp16, as it is kept on disk. index: of the latent. calls: model
    calls so far. seconds: time so far, split by what it went to.
    """

    frames: NDArray[np.uint8]
    first: int
    latent: Tensor
    index: int
    calls: int
    seconds: dict[str, float]


def _nothing(index: int) -> Tensor:
    raise AssertionError(f"latent {index} was asked for and none is there")


@dataclass
class Position:
    """Where a film goes on.

    window: what the loop holds. done: latents that are there, given or finished. shown: frames of the film
    that need not be made again. latent: returns one that is there, (B, C, h, w). correction: put on the
    frames made. mends: where the device lacks memory, go on with half the chunk of attention, once. smaller:
    that chunk, from the first latent on that was made with it.
    """

    window: Window = field(default_factory=Window)
    done: int = 0
    shown: int = 0
    latent: Callable[[int], Tensor] = _nothing
    correction: Correction = ()
    mends: bool = False
    smaller: int | None = None


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


def kept(latent: Tensor) -> Tensor:
    """Return a latent as it is kept on disk and decoded: with the values of fp16."""
    most = torch.finfo(torch.float16).max
    return latent.float().clamp(-most, most).half().float()


def corrected(frames: NDArray[np.uint8], correction: Correction) -> NDArray[np.uint8]:
    """Return frames (..., 3) with a gain and an offset on each colour."""
    if not correction:
        return frames
    gain, offset = np.array(correction, np.float32).T
    moved = frames * gain + offset + np.float32(0.5)
    out: NDArray[np.uint8] = moved.clip(0, 255).astype(np.uint8)
    return out


def stream(
    pipeline: Pipeline, request: Request, clock: Clock | None = None, position: Position | None = None
) -> Iterator[Chunk]:
    """Yield chunks of finished video, from first to last; exactly the frames asked for.

    With a position, from the latent that holds its first frame not shown; `position.window`, `done` and
    `smaller` move along, and stand just behind a chunk's latent whenever one is yielded. On a CPU a small
    model denoises the next latents while one is decoded and used; on other devices both would wait for the
    same processor, and a large model's call fills all cores and much memory alone.

    Raises:
        ConfigError: a prompt of actions does not lead so far.
        ScheduleError: the schedule does not fit the model or the length.
    """
    check_span(request, pipeline.config, pipeline.span)
    clock, at, timing = clock or Clock(), position or Position(), pipeline.config.timing
    model = Guided(pipeline, request, mends=at.mends, smaller=at.smaller)
    clock.lap("text")
    made: list[tuple[int, Tensor]] = []
    begin = min(timing.latent(max(at.shown - request.shift, 0)), at.done)
    coming = _latents(pipeline, model, request, at, begin)
    if pipeline.place.device.type == "cpu" and pipeline.config.small:
        coming = ahead(coming, AHEAD)

    def clean() -> Iterator[Tensor]:
        for k, latent, at.done, at.window, at.smaller in coming:
            clock.lap("denoise")
            made.append((k, kept(latent)))
            yield made[-1][1].to(pipeline.place.device)

    before = [at.latent(k).to(pipeline.place.device) for k in range(max(begin - pipeline.reach, 0), begin)]
    with closing(coming):
        for frames in pipeline.decode_stream(clean(), before):
            clock.lap("decode")
            k, latent = made.pop(0)
            first = request.shift + timing.first(k)
            part = corrected(frames[:, : request.frames - first].numpy(), at.correction)
            yield Chunk(part, first, latent, k, at.window.row, dict(clock.seconds))
            clock.lap("other")


def generate(pipeline: Pipeline, request: Request) -> NDArray[np.uint8]:
    """Return whole videos, frames (B, T, H, W, 3) uint8: `stream` collected.

    Raises:
        ConfigError: a prompt of actions does not lead so far.
        ScheduleError: the schedule does not fit the model or the length.
    """
    return np.concatenate([chunk.frames for chunk in stream(pipeline, request)], axis=1)


def _latents(
    pipeline: Pipeline, model: Guided, request: Request, at: Position, begin: int
) -> Generator[tuple[int, Tensor, int, Window, int | None]]:
    """Yield the latents from `begin` on, each with how many are done, the window behind it, and `smaller`.

    Those that are there come first, then those the loop had finished, then the others.
    """
    window, done = at.window.copy(), at.done
    for k in range(begin, done):
        yield k, at.latent(k), done, window.copy(), model.smaller
    for k in sorted(k for k, level in window.level.items() if level == 0 and k >= done):
        done = k + 1
        yield k, window.latents[k], done, window.copy(), model.smaller
    count = request.latents(pipeline.config.timing)
    if count == done:
        return
    steps = schedule.make(request.schedule, count, request.ramp, given=request.given, first_row=window.row)
    noise = Noise(request.seeds, pipeline.latent_shape)
    for k, latent in denoise(model, steps, noise, window=window, device=pipeline.place.device):
        yield k, latent, k + 1, window.copy(), model.smaller
