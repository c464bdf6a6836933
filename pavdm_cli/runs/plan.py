"""How a generation will be run: its memory, how many videos go side by side, how long it will take."""

import tempfile
import time
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from pavdm_cli.media.encoder import Encoder, command
from pavdm_cli.models import library
from pavdm_cli.models.attention import auto_chunk, scores_bytes
from pavdm_cli.models.coder import CoderConfig
from pavdm_cli.models.config import read
from pavdm_cli.models.denoiser import DenoiserConfig
from pavdm_cli.models.device import Place, allowed, free_memory
from pavdm_cli.models.footprint import footprint, parameters
from pavdm_cli.models.halves import at_once
from pavdm_cli.models.kinds import DiffusersConfig
from pavdm_cli.models.library import PIXELS_PER_LATENT, NativeConfig, WalkConfig
from pavdm_cli.models.pipeline import Fit, Pipeline
from pavdm_cli.models.vae import VaeConfig
from pavdm_cli.runs.guided import Guided
from pavdm_cli.runs.machine import Machine
from pavdm_cli.runs.order import Order, Video
from pavdm_cli.runs.past import Past
from pavdm_cli.runs.request import Request, check_span
from pavdm_cli.sampling import schedule
from pavdm_cli.sampling.noise import Noise
from pavdm_cli.sampling.schedule import Step

MOST_ABREAST = 16
SHARE = 0.6  # of the free memory that videos side by side may fill
WARM_UP, TRIAL = 8, 24  # frames that the encoder is timed by
LIVE_MAPS = 6  # of the decoder's widest layer at once: input, norm, activation, output, two casts
FINEST = 16  # channels of the decoder's maps at full size
LIBRARIES = 100 << 20  # bytes of code, threads' stacks and scratch that the first call brings in


@dataclass(frozen=True)
class Memory:
    """Bytes needed: weights once, working memory for each video side by side; and what is free."""

    weights: int
    video: int
    free: int

    def needed(self, abreast: int) -> int:
        """Return the bytes for so many videos side by side."""
        return LIBRARIES + self.weights + abreast * self.video


@dataclass(frozen=True)
class Plan:
    """latents: to be made of each video. calls: of the model for each group, made side by side."""

    latents: int
    calls: int
    groups: tuple[tuple[Video, ...], ...]
    memory: Memory
    attention_chunk: int | None

    @property
    def abreast(self) -> int:
        return len(self.groups[0])

    @property
    def needed(self) -> int:
        """Bytes for the largest group."""
        return self.memory.needed(self.abreast)


def make(order: Order, place: Place, machine: Machine | None = None) -> Plan:
    """Plan a generation on a device, from the model's configuration and the headers of its weights.

    Videos of a small model share calls on CUDA alone: a CPU gains nothing by it, and a video made alone is
    exactly repeatable.
    Free memory tells how many do, and the chunk of attention; in a run that goes on, its machine does.

    Raises:
        CheckpointError, ConfigError: a file of the model is missing or wrong.
        ScheduleError: the schedule is wider than the model.
    """
    latents = new_latents(order)
    free = free_memory(place.device)
    memory, chunk = _memory(order, place, latents, free)
    abreast = 1
    if place.device.type == "cuda" and not order.deterministic and order.model.small:
        abreast = int((SHARE * free - memory.needed(0)) // memory.video)
    abreast = min(max(abreast, 1), MOST_ABREAST)
    if machine is not None:
        abreast, chunk = machine.abreast, machine.attention_chunk
    groups = tuple(order.videos[i : i + abreast] for i in range(0, len(order.videos), abreast))
    given = order.ramp.span if order.source else 0
    calls = schedule.calls(order.schedule, latents + given, order.ramp, given) if latents else 0
    return Plan(latents, calls, groups, memory, chunk)


def fit(order: Order, attention_chunk: int | None) -> Fit:
    """Return how the model is to fit on its device."""
    return Fit(attention_chunk=attention_chunk, offload=order.offload, vae_tiling=order.vae_tiling)


def new_latents(order: Order) -> int:
    """Return how many latents are to be made of each video."""
    leftover = order.source.leftover if order.source else 0
    new, timing = max(order.frames - leftover, 0), order.model.timing
    return -(-new // timing.each) if order.source else timing.latents(new)


def request(order: Order, group: tuple[Video, ...], past: Past | None = None) -> Request:
    """Return the request that makes a group of videos side by side."""
    return Request(
        prompts=tuple(video.prompt for video in group),
        seeds=tuple(video.seed for video in group),
        frames=order.frames + (past.frames if past else 0),
        schedule=order.schedule,
        ramp=order.ramp,
        guidance=order.guidance,
        negative=order.negative,
        cues=order.cues,
        blend=order.blend,
        given=past.latents if past else 0,
        shift=past.shift if past else 0,
    )


def width(order: Order, latents: int) -> int:
    """Return the latents in the widest call that makes so many; a source gives what is shown beside them."""
    given = order.ramp.span if order.source else 0
    return schedule.size(order.schedule, latents + given, order.ramp, given).span if latents else 0


@torch.no_grad()
def estimate(order: Order, plan: Plan, pipeline: Pipeline) -> tuple[float, int | None]:
    """Return the seconds all will take, from a widest call, a decoded latent and its frames encoded; and half
    the chunk of attention, if the device lacks memory for more.

    The encoder works beside the model, on a CPU the decoder too: where one of them has a core to itself the
    longer one counts, else what they need is shared out.
    """
    asked = request(order, plan.groups[0])
    model, noise = Guided(pipeline, asked, mends=True), Noise(asked.seeds, pipeline.latent_shape)
    count = max(width(order, plan.latents), 1)
    all_noise, clean = (1.0,) * count, (0.0,) * count
    step = Step(tuple(range(count)), tuple(range(count)), all_noise, clean, keep=0)
    window = torch.stack([noise(k) for k in range(count)], dim=1).to(pipeline.place.device)
    for _ in range(2):  # the first brings in kernels
        begun = time.perf_counter()
        guess = (window - model(window, step))[:, 0].cpu()
        called = time.perf_counter() - begun
        pictures = pipeline.decode_stream([guess.to(pipeline.place.device)] * 2)
        next(pictures)  # a film's first latent may have fewer frames
        begun = time.perf_counter()
        frames = next(pictures)[0].numpy()
        decoded = time.perf_counter() - begun
    denoised, shown = plan.calls * called, plan.latents * decoded
    written = order.frames * plan.abreast * _seconds_a_frame(order, frames)
    if pipeline.place.device.type != "cpu":
        together = max(denoised + shown, written)
    elif order.guidance != 1 and order.model.small and at_once():
        together = denoised + (shown + written) / allowed()
    elif torch.get_num_threads() < allowed():
        together = max(denoised, shown + written)
    else:
        together = denoised + shown + written
    return len(plan.groups) * together, model.smaller


def _seconds_a_frame(order: Order, frames: NDArray[np.uint8]) -> float:
    """Return how long the encoder takes for one of such frames, (T, H, W, 3); the file is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = command(order.model.size, order.model.fps, order.scale, order.quality)
        encoder = Encoder(arguments, Path(folder) / "trial.mp4", order.model.fps)
        for i in range(WARM_UP + TRIAL):
            if i == WARM_UP:
                begun = time.perf_counter()
            encoder.send(frames[i % len(frames)])
        encoder.finish()
        return (time.perf_counter() - begun) / TRIAL


def _memory(order: Order, place: Place, latents: int, free: int) -> tuple[Memory, int | None]:
    """Estimate memory: weights as they are held, a widest call and a decoded latent: on a CPU at once, else
    the larger.

    A call holds, for each token, the residual stream, its normed copy, queries, keys, values and their output
    (8 widths), the hidden layer before and after its activation (2 mlp), and the scores of attention for one
    chunk of queries. The decoder holds LIVE_MAPS maps of its largest layer. Guidance doubles the call.
    Measured at 256 tokens, width 384, depth 8, 128 x 128 pixels on a CPU: 238 MiB foretold in bf16 and 294 in
    fp32, at most 307 and 310 taken, of which loading in fp32 is the larger part.
    """
    if isinstance(order.model, DiffusersConfig):
        return _foreign(order, order.model, place, latents, free), None
    itemsize = place.dtype.itemsize
    shapes, weights, largest = _parts(order, itemsize)
    check_span(request(order, order.videos), order.model, shapes.span)
    sides = 1 if order.guidance == 1 else 2
    tokens = max(width(order, latents), 1) * prod(shapes.size) // shapes.patch**2
    chunk = order.attention_chunk
    if chunk is None:
        chunk = auto_chunk(tokens, tokens, shapes.heads, sides, itemsize, free)
    scores = scores_bytes(min(chunk or tokens, tokens), tokens, shapes.heads, sides, itemsize)
    call = sides * tokens * (8 * shapes.width + 2 * shapes.mlp) * itemsize + scores
    decoded = LIVE_MAPS * largest * itemsize
    working = call + decoded if place.device.type == "cpu" else max(call, decoded)
    return Memory(weights, working, free), chunk


def _parts(order: Order, itemsize: int) -> tuple[DenoiserConfig, int, int]:
    """Return a small model's denoiser, the bytes of its weights, and the numbers in its decoder's largest
    map."""
    folder, model, pixels = order.folder, order.model, prod(order.model.size)
    if isinstance(model, WalkConfig):
        held = sum(map(parameters, library.weight_files(folder, model))) * itemsize
        a, b, c = read(CoderConfig, folder / "coder.config.json").widths
        largest = max(3 * pixels, a * pixels // 4**2, b * pixels // 8**2, c * pixels // 16**2)
        return read(DenoiserConfig, folder / "denoiser.config.json"), held, largest
    assert isinstance(model, NativeConfig)
    denoiser, vae, text, _ = library.weight_files(folder, model)
    held = (parameters(denoiser) + parameters(vae)) * itemsize + parameters(text) * 4
    widths = read(VaeConfig, folder / f"{model.vae}.config.json").decoder
    cells = pixels // PIXELS_PER_LATENT**2
    largest = max(FINEST * pixels, *(w * cells * 4**i for i, w in enumerate(reversed(widths))))
    return read(DenoiserConfig, folder / f"{model.denoiser}.config.json"), held, largest


def _foreign(order: Order, model: DiffusersConfig, place: Place, latents: int, free: int) -> Memory:
    """Estimate the memory of a diffusers checkpoint."""
    library.weight_files(order.folder, model)
    check_span(request(order, order.videos), model, model.span)
    shown = max(width(order, latents), 1)
    size = place.dtype.itemsize
    held, working = footprint(model, order.folder, size, shown, order.offload, order.vae_tiling)
    return Memory(held, working, free)
