"""What this machine can do: one generation timed as a person meets it, then again warm, then its parts alone.

Times are wall seconds. The machine's matrix-product rate and the bare calls are measured in the same run, so
the shares hold on a machine whose speed changes from one hour to the next.
"""

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from pavdm_cli.errors import ConfigError, DeviceError, ScheduleError
from pavdm_cli.models import pipeline
from pavdm_cli.models.card import ModelConfig
from pavdm_cli.models.device import Place
from pavdm_cli.models.kinds import DiffusersConfig
from pavdm_cli.models.names import Offload
from pavdm_cli.models.pipeline import Pipeline
from pavdm_cli.runs.film import Film, Look
from pavdm_cli.runs.journal import Journal, State
from pavdm_cli.runs.request import Request, check_span
from pavdm_cli.runs.stream import Clock, Position, stream
from pavdm_cli.sampling import schedule
from pavdm_cli.studies.bare import bare, rates
from pavdm_cli.studies.machine import device_peak, machine, peak

PARTS = ("load", "text", "denoise", "decode", "drift", "encode", "journal", "other")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is timed. attention_chunk: None is all at once. repeats: warm generations after the cold one.

    model: what it is to be like, where that is not as usual. offload, vae_tiling: as in `Fit`.
    """

    folder: Path
    place: Place
    request: Request
    scale: int
    quality: int
    attention_chunk: int | None
    compiled: bool
    repeats: int
    model: ModelConfig | None = None
    offload: Offload = "none"
    vae_tiling: bool = False

    def __post_init__(self) -> None:
        if self.repeats < 1:
            raise ConfigError(f"--repeats {self.repeats}: must be at least 1")


@dataclass(frozen=True)
class Spread:
    """The median of repeated measurements, and the least and the greatest."""

    median: float
    least: float
    greatest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Sum up at least one value."""
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True, kw_only=True)
class Bench:
    """The measurements of one machine.

    wall_s, split: the cold generation from `begun` to the finished file. fps: its frames a second.
    steady_fps: of the warm ones, without load. first_frame_s: until a frame was on disk. overhead: a warm
    generation over its bare model and decoder calls. latent_evaluations: latents shown to the model, guidance
    counted twice. product_tflops: rate of matrix products at the denoiser's own shapes, split over cores as
    its calls are. denoiser_share: how much of it the denoiser reaches.
    """

    wall_s: float
    frames: int
    fps: float
    split: dict[str, float]
    first_frame_s: float
    steady_fps: Spread
    times_real_time: float
    repeats: int
    model_calls: int
    latent_evaluations: int
    latent_evaluations_per_second_of_video: float
    bare_denoise_s: float
    bare_decode_s: float
    overhead: float
    product_tflops: float
    denoiser_tflops: float
    denoiser_share: float
    peak_memory_mib: float
    peak_device_memory_mib: float | None
    machine: dict[str, str]


def measure(asked: Asked, begun: float, say: Callable[[str], None]) -> Bench:
    """Time a generation and its parts; `begun` is when the command began, by time.perf_counter.

    `say` is told what is being measured.
    """
    say("loading the model, and one generation as it comes")
    clock = Clock(_since=begun)
    model = _loaded(asked)
    clock.lap("load")
    first_frame = _generate(asked, model, clock) - begun
    wall = time.perf_counter() - begun
    walls = []
    for i in range(asked.repeats):
        say(f"warm generation {i + 1} of {asked.repeats}")
        walls.append(_warm(asked, model))
    say("the bare calls, and matrix products of the denoiser's shapes")
    request = asked.request
    steps = list(schedule.make(request.schedule, model.config.timing.latents(request.frames), request.ramp))
    denoise, decode = bare(model, asked.request)
    products, reached = rates(model, asked.request)
    fps = model.config.fps
    total, sides = request.frames * len(request.prompts), _sides(asked)
    shown = sides * sum(len(step.latents) for step in steps)
    steady = Spread.of([total / one for one in walls])
    return Bench(
        wall_s=wall,
        frames=total,
        fps=total / wall,
        split=_split(clock, wall),
        first_frame_s=first_frame,
        steady_fps=steady,
        times_real_time=steady.median / fps,
        repeats=asked.repeats,
        model_calls=len(steps),
        latent_evaluations=shown,
        latent_evaluations_per_second_of_video=shown * fps / total,
        bare_denoise_s=denoise,
        bare_decode_s=decode,
        overhead=statistics.median(walls) / (denoise + decode),
        product_tflops=products,
        denoiser_tflops=reached,
        denoiser_share=reached / products,
        peak_memory_mib=peak(),
        peak_device_memory_mib=device_peak(asked.place),
        machine=machine(asked.place),
    )


def sweep(asked: Asked, variants: Sequence[tuple[str, Asked]]) -> Iterator[tuple[str, float, float]]:
    """Yield name, warm frames a second and peak host memory so far (MiB) of each variant, the plain one
    first."""
    for name, one in [("as asked", asked), *variants]:
        model = _loaded(one)
        _warm(one, model)
        seconds = statistics.median(_warm(one, model) for _ in range(one.repeats))
        yield name, one.request.frames * len(one.request.prompts) / seconds, peak()


def variants(asked: Asked, formats: Sequence[Place]) -> list[tuple[str, Asked]]:
    """Return the settings worth comparing, each with one thing changed, as far as they are valid.

    formats: the number formats this machine can run the model in.
    """
    ramp, request = asked.request.ramp, asked.request
    found = [
        (f"dtype {str(place.dtype).removeprefix('torch.')}", replace(asked, place=place))
        for place in formats
        if place.dtype != asked.place.dtype
    ]
    if not isinstance(asked.model, DiffusersConfig):
        found += [(f"attention chunk {n}", replace(asked, attention_chunk=n)) for n in (16, 64)]
    changes = [("steps", ramp.steps // 2), ("steps", ramp.steps * 3 // 2)]
    changes += [("window", ramp.window // 2), ("window", ramp.window * 2 // 3)]
    for name, value in changes:
        with suppress(ScheduleError):  # numbers that do not divide
            changed = replace(ramp, **{name: value})  # type: ignore[arg-type]
            schedule.size(request.schedule, 4 * changed.window, changed)
            found.append((f"{name} {value}", replace(asked, request=replace(request, ramp=changed))))
    return found


def compared(now: dict[str, object], before: dict[str, object]) -> dict[str, tuple[float, float]]:
    """Return (before, now) for every number that two measurements share, by dotted name."""
    ours, theirs = _numbers(now), _numbers(before)
    return {name: (theirs[name], value) for name, value in ours.items() if name in theirs}


def _loaded(asked: Asked) -> Pipeline:
    fit = pipeline.Fit(
        attention_chunk=asked.attention_chunk, offload=asked.offload, vae_tiling=asked.vae_tiling
    )
    model = pipeline.load(str(asked.folder), asked.place, fit, asked.model)
    check_span(asked.request, model.config, model.span)
    if asked.compiled:
        compilers = filter(None, (os.environ.get("CXX"), "g++", "clang++", "cl"))
        if asked.place.device.type == "cpu" and not any(map(shutil.which, compilers)):
            raise DeviceError("--compile: no C++ compiler on this machine; install g++, or leave it out")
        model.denoiser.compile(dynamic=False)
    return model


def _generate(asked: Asked, model: Pipeline, clock: Clock) -> float:
    """Make the video into a folder that is thrown away; return when its first frames were on disk."""
    request = asked.request
    look = Look(size=model.config.size, fps=model.config.fps, scale=asked.scale, quality=asked.quality)
    there, position = 0.0, Position()
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{i}.mp4" for i in range(len(request.prompts))]
        journal = Journal(Path(folder) / "run", (len(paths), *model.latent_shape))
        with Film(paths, look, [{}] * len(paths), clock) as film:
            for chunk in stream(model, request, clock, position):
                progress = tuple(writer.progress for writer in film.writers)
                state = State(position.window, chunk.index + 1, progress)
                journal.keep(state, chunk.latent, chunk.first // look.fps)
                clock.lap("journal")
                film.add(chunk)
                if not there and film.writers[0].frames_on_disk:
                    there = time.perf_counter()
            clock.lap("other")
        clock.lap("encode")
    clock.lap("other")
    return there or time.perf_counter()


def _warm(asked: Asked, model: Pipeline) -> float:
    begun = time.perf_counter()
    _generate(asked, model, Clock())
    return time.perf_counter() - begun


def _sides(asked: Asked) -> int:
    return len(asked.request.prompts) * (1 if asked.request.guidance == 1 else 2)


def _split(clock: Clock, wall: float) -> dict[str, float]:
    """Return the seconds by part; what no part claims is other."""
    split = {part: clock.seconds.get(part, 0.0) for part in PARTS if part != "other"}
    split["other"] = sum(s for part, s in clock.seconds.items() if part not in split)
    assert abs(sum(split.values()) - wall) < 0.02 * wall, (split, wall)
    return split


def _numbers(found: object, name: str = "") -> dict[str, float]:
    if isinstance(found, dict):
        return {k: v for key, one in found.items() for k, v in _numbers(one, f"{name}.{key}").items()}
    return {name[1:]: float(found)} if isinstance(found, int | float) else {}
