"""What `extend` and `redo` share: a film that is there, its prompts, and the order for what follows."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pavdm_cli.cli import order as orders
from pavdm_cli.cli.order import Wishes
from pavdm_cli.cli.output import Output
from pavdm_cli.errors import ConfigError
from pavdm_cli.media.writer import partial_of
from pavdm_cli.models import library
from pavdm_cli.models.card import ModelConfig, spelled
from pavdm_cli.runs import past, store
from pavdm_cli.runs.order import Order, Source, Video
from pavdm_cli.runs.past import Existing, Past
from pavdm_cli.runs.settings import Settings
from pavdm_cli.runs.timeline import Cue, Timeline, active, ordered


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The options of the machine, as they were typed."""

    device: str
    dtype: str
    attention_chunk: str
    deterministic: bool
    offload: str
    vae_tiling: bool


@dataclass(frozen=True)
class Film:
    """A video that is there, and the model that goes on with it, by the name asked for and by its folder."""

    existing: Existing
    asked_model: str
    folder: Path
    model: ModelConfig
    size: tuple[int, int] | None
    fps: int | None


def look(
    out: Output,
    path: Path,
    model: str | None,
    run_dir: Path | None,
    size: tuple[int, int] | None = None,
    fps: int | None = None,
) -> Film:
    """Look at a video and find the model for it: the one asked for, its own, or the default.

    Latents of another VAE are as good as none. With latents, it goes on at the size and rate it has.

    Raises:
        VideoError: it is missing or no video.
        CheckpointError: there is no such model.
        ConfigError: the model, or the film, is not of that size or rate, or it goes on with none.
    """
    existing = past.look(path, store.place(run_dir))
    own = existing.settings
    name = model or (own.model if own else library.DEFAULT)
    folder = library.find(name)
    config = library.config(folder)
    if isinstance(config, library.WalkConfig):
        raise ConfigError(
            f"{path}: {config.name} goes on with no film; make a longer one by 'pavdm generate', with more "
            "actions and the same seed"
        )
    if own and existing.latents and own.vae != library.vae_hash(folder, config):
        out.remark(f"{path}: its latents are of another VAE than {config.name}'s")
        existing = replace(existing, latents=None)
    if own and existing.latents:
        config = config.shaped(own.size, own.fps)
        if size not in (None, config.size) or fps not in (None, config.fps):
            raise ConfigError(
                f"{path}: it goes on as it is, at {spelled(config.size)} and {config.fps} frames a second; "
                "leave --size and --fps out"
            )
        size, fps = own.size, own.fps
    return Film(existing, name, folder, config.shaped(size, fps), size, fps)


def cues(
    own: Settings | None, joint: float, offset: float, prompt: str | None, line: Timeline
) -> tuple[Cue, ...]:
    """Return the changes of the prompt along the longer film, in seconds of the film.

    joint: where the new part begins. offset: what a time in the file lacks to one in the film. A prompt takes
    over at the joint, in place of all that was to come; a new cue in place of the one that stood at its time.

    Raises:
        ConfigError: a new cue lies before the joint, or two stand at one time.
    """
    known = own.cues if own else ()
    asked = [replace(cue, at=cue.at + offset) for cue in line.cues]
    if asked and asked[0].at < joint:
        raise ConfigError(
            f"--at {asked[0].at - offset:g}s: the new part begins at {joint - offset:g} s; give a later time"
        )
    times = {cue.at for cue in asked}
    known = tuple(cue for cue in known if cue.at not in times)
    if prompt is not None and own is not None:
        known = tuple(cue for cue in known if cue.at < joint)
        if prompt != active(own.prompt, known, joint):
            known = (*known, Cue(joint, prompt))
    return ordered([*known, *asked])


def order(
    film: Film,
    source: Source,
    wishes: Wishes,
    videos: Sequence[tuple[int, Path]],
    frames: int,
    steps: int | None,
    machine: Machine,
) -> Order:
    """Return the order for new frames behind a source, one video for each seed and path.

    Raises:
        ConfigError, ScheduleError, DeviceError: a value is wrong.
    """
    model = film.model
    name, ramp = orders.ramp(wishes.schedule or "progressive", steps, model.sampling)
    if wishes.prompt is None:
        raise ConfigError(
            f"{source.path}: no prompt is stored in it; say with --prompt what is to come, for example "
            f"{model.example!r}"
        )
    for _, path in videos:
        if os.path.realpath(partial_of(path)) == os.path.realpath(source.path):
            raise ConfigError(
                f"--output {path}: it would grow in {source.path}, which it goes on from; name another"
            )
    (prompt,) = orders.prompts(wishes.prompt, None)
    return Order(
        asked_model=film.asked_model,
        folder=film.folder,
        model=model,
        videos=tuple(Video(prompt, seed, path) for seed, path in videos),
        frames=frames,
        cues=wishes.cues or (),
        blend=orders.blend(wishes),
        schedule=name,
        ramp=ramp,
        guidance=model.guidance if wishes.guidance is None else wishes.guidance,
        negative=wishes.negative or "",
        scale=orders.scale(wishes.scale, model.size[0]),
        quality=orders.QUALITY if wishes.quality is None else wishes.quality,
        device=orders.device(machine.device),
        dtype=orders.dtype(machine.dtype),
        attention_chunk=orders.attention_chunk(machine.attention_chunk),
        deterministic=machine.deterministic,
        source=source,
        size=film.size,
        fps=film.fps,
        offload=orders.offload(machine.offload),
        vae_tiling=machine.vae_tiling,
    )


def joint(film: Film, before: Past | None) -> tuple[float, float]:
    """Return where the new part begins in seconds of the film, and what a time in its file lacks to that."""
    own = film.existing.settings
    if before is None or own is None:
        return film.existing.info.seconds, 0.0
    return before.frames / film.model.fps, own.hidden / film.model.fps
