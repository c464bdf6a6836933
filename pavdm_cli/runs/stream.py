"""Prompt in, frames out, as they come: text, schedule, loop and decoder put together."""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pavdm_cli.errors import ConfigError, ScheduleError
from pavdm_cli.models.card import ModelConfig, Timing
from pavdm_cli.models.denoiser import Conditions
from pavdm_cli.models.pipeline import Pipeline
from pavdm_cli.models.text import Text
from pavdm_cli.runs.ahead import ahead
from pavdm_cli.runs.settings import Correction
from pavdm_cli.runs.timeline import Cue, weights
from pavdm_cli.sampling import schedule
from pavdm_cli.sampling.loop import Window, denoise
from pavdm_cli.sampling.noise import Noise
from pavdm_cli.sampling.schedule import Ramp, Step

AHEAD = 4
"""Latents denoised ahead of the one that is decoded, at most."""


@dataclass(frozen=True)
class Request:
    """What is to be made: one video for each prompt and seed, all of one length.

    frames: of the whole film, with those that were there before. guidance: how far velocities are pushed
    from `negative` towards the prompt; 1 is none, and half the work. cues: texts that take the prompt's
    place, each within `blend` seconds. given: latents that are there already. shift: frames before the
    first latent's.
    """

    prompts: tuple[str, ...]
    seeds: tuple[int, ...]
    frames: int
    schedule: str
    ramp: Ramp
    guidance: float
    negative: str = ""
    cues: tuple[Cue, ...] = ()
    blend: float = 0.0
    given: int = 0
    shift: int = 0

    def latents(self, timing: Timing) -> int:
        """Return the latents of the whole film."""
        return max(timing.latents(self.frames - self.shift), self.given)

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


def check_span(request: Request, model: ModelConfig, span: int) -> None:
    """Hold the schedule against what a model takes: so many latents in a call, and some ahead to decode one.

    Raises:
        ConfigError: a prompt of actions does not lead so far, or beside it is what only words can tell.
        ScheduleError: it shows more, or would let go of latents that are not decoded yet.
    """
    for prompt in request.prompts:
        model.check_led(prompt, request.frames)
        if model.led(prompt) is not None:
            _check_wordless(request, model)
    latents = request.latents(model.timing)
    if latents == request.given:
        return  # frames of the last latent that were not shown yet are all that is asked for
    most = schedule.size(request.schedule, latents, request.ramp, request.given).span
    if most > span:
        raise ScheduleError(
            f"schedule {request.schedule!r} shows {most} latents in a call and {model.name} takes {span}; "
            "make the window or the context smaller, or the video shorter"
        )
    if request.schedule != "full-sequence" and request.ramp.context < model.ahead:
        raise ScheduleError(
            f"schedule {request.schedule!r} keeps {request.ramp.context} latents of context and {model.name} "
            f"decodes each with the {model.ahead} after it; give a context of at least {model.ahead}"
        )


def _check_wordless(request: Request, model: ModelConfig) -> None:
    cue = request.cues[0].text if request.cues else ""
    for option, text in (("--at", cue), ("--negative", request.negative)):
        if text:
            raise ConfigError(f"{option} {text!r}: {model.name} reads no words; leave it out")
    if request.guidance != 1:
        raise ConfigError(f"--guidance {request.guidance}: {model.name} has none; leave it out")


class Guided:
    """The model as the loop sees it: texts bound to latents, guidance applied.

    mends, smaller: as in `Position`.
    """

    def __init__(
        self, pipeline: Pipeline, request: Request, *, mends: bool = False, smaller: int | None = None
    ) -> None:
        self._pipeline, self._request = pipeline, request
        self._mends, self.smaller = mends and smaller is None, smaller
        texts = [*request.prompts, *(cue.text for cue in request.cues)]
        said = [taken.caption or text for text, taken in zip(texts, pipeline.read(texts), strict=True)]
        self.text = pipeline.encode_text([*said, request.negative])
        self._where = {text: i for i, text in reversed(list(enumerate(texts)))}

    def __call__(self, latents: Tensor, step: Step) -> Tensor:
        """Return the guided velocity of latents (B, T, C, H, W)."""
        guidance = self._request.guidance
        words = self._words(step)
        if guidance == 1:
            return self._velocity(latents, step, words)
        both = self._velocity(torch.cat((latents, latents)), step, self._beside(words))
        towards, away = both.chunk(2)
        return away + guidance * (towards - away)

    def _velocity(self, latents: Tensor, step: Step, words: Conditions) -> Tensor:
        """Call the model; where the device lacks memory, perhaps again with half the chunk of attention."""
        call = partial(self._pipeline.velocity, latents, step, words)
        try:
            return call()
        except torch.OutOfMemoryError:
            if self._mends:
                self.smaller = self._pipeline.halve_attention(len(step.latents))
            if not self._mends or self.smaller is None:
                raise
            self._mends = False
        return call()  # outside, where what the failed call held is free

    def _words(self, step: Step) -> Conditions:
        """Return the texts that the latents of a step take anything of, and how much each takes."""
        request, fps = self._request, self._pipeline.config.fps
        first = self._pipeline.config.timing.first
        times = [(request.shift + (first(k) + first(k + 1)) / 2) / fps for k in step.latents]
        shares = np.array([weights(request.cues, request.blend, time) for time in times], np.float32)
        active = np.flatnonzero(shares.any(axis=0))
        cues = [cue.text for cue in request.cues]
        rows = [[self._where[[prompt, *cues][i]] for i in active] for prompt in request.prompts]
        chosen = self._bound(torch.tensor(rows))
        share = torch.from_numpy(shares[:, active]).to(chosen.weight.device)
        return replace(chosen, weight=share.expand(len(rows), -1, -1))

    def _beside(self, words: Conditions) -> Conditions:
        """Put videos that see the negative text alone beside the videos themselves."""
        count, texts = words.mask.shape[:2]
        away = self._bound(torch.full((count, texts), len(self.text.mask) - 1))
        alone = torch.zeros_like(words.weight)
        alone[..., 0] = 1
        return Conditions(
            torch.cat((words.tokens, away.tokens)),
            torch.cat((words.mask, away.mask)),
            torch.cat((words.pooled, away.pooled)),
            torch.cat((words.weight, alone)),
        )

    def _bound(self, rows: Tensor) -> Conditions:
        """Return the texts with these numbers, (B, K), on the model's device; weights are still empty."""
        text: Text = self.text
        device = self._pipeline.place.device
        tokens, mask, pooled = (part[rows].to(device) for part in (text.tokens, text.mask, text.pooled))
        return Conditions(tokens, mask, pooled, torch.empty(0, device=device))


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
