"""Latents and sound that a film goes on from, taken out of its source and kept in the run's folder."""

from collections import deque
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from pavdm_cli.errors import ConfigError, RunError, VideoError
from pavdm_cli.media import beginning, reader
from pavdm_cli.models.config import read
from pavdm_cli.models.pipeline import Pipeline
from pavdm_cli.runs import joint
from pavdm_cli.runs.latents import LatentLog
from pavdm_cli.runs.order import Order, Source
from pavdm_cli.runs.past import Past, check, look, until, whole
from pavdm_cli.runs.store import Run
from pavdm_cli.runs.stream import corrected, kept


@dataclass(frozen=True)
class Joint:
    """How a foreign video's last frames came out of the model: dB as they are, and corrected."""

    plain: float
    corrected: float


@dataclass(frozen=True)
class Given:
    """What stands before new frames. tail: its last frames (T, H, W, 3) at the model's own size."""

    past: Past
    log: LatentLog
    tail: NDArray[np.uint8]
    joint: Joint | None = None


def prepare(run: Run, order: Order, pipeline: Pipeline) -> Given | None:
    """Return what an order goes on from, None if nothing; taken from its source the first time.

    Raises:
        RunError: the source is gone or has become another.
        VideoError: it cannot be read, or is too short.
    """
    source = order.source
    if source is None:
        return None
    path, log = run.folder / "past.json", LatentLog.open(run.folder / "given")
    past = _read(path)
    if past is None or log is None or log.count != past.latents:
        check(source)
        given = _encoded(run, order, source, pipeline) if source.encode else _ours(run, source, pipeline)
        seconds = (given.past.frames - given.past.hidden) / order.model.fps
        if not source.only_new:
            beginning.sound(source.path, run.folder / "sound.mp4", seconds, ours=not source.encode)
        run.record("past.json", given.past)
        return given
    return Given(past, log, _decoded(pipeline, log, past))


def _read(path: Path) -> Past | None:
    try:
        return read(Past, path)
    except ConfigError:
        return None


def _ours(run: Run, source: Source, pipeline: Pipeline) -> Given:
    """Take the latents out of a video of ours."""
    existing = look(source.path, run.folder.parent)
    if source.frames == existing.info.frames:
        _, past = whole(existing, only_new=source.only_new)
    else:
        _, past = until(existing, source.frames or 0)
    if past is None or existing.latents is None or existing.latents.shape[1:] != pipeline.latent_shape:
        raise RunError(f"{source.path}: its latents do not fit the model; restore the file or the model")
    log = LatentLog.create(run.folder / "given", existing.latents.shape)
    for index in range(past.latents):
        log.append(existing.latents.read(index))
    log.flush()
    return Given(past, log, _decoded(pipeline, log, past))


def _encoded(run: Run, order: Order, source: Source, pipeline: Pipeline) -> Given:
    """Encode the end of any other video, as many latents as the model can see at once."""
    model, timing = order.model, order.model.timing
    last: deque[NDArray[np.uint8]] = deque(maxlen=timing.first(pipeline.span))
    frames = 0
    for chunk in reader.fitted(source.path, model.size, model.fps):
        last.extend(chunk.copy())
        frames += len(chunk)
    latents = min(pipeline.span, timing.latent(frames))
    if latents < 1:
        raise VideoError(
            f"{source.path}: {frames} frames at {model.fps} frames a second are too short to go on from; "
            f"{timing.first(1)} are needed"
        )
    tail = np.stack(list(last)[-timing.first(latents) :])
    encoded = kept(pipeline.encode(torch.from_numpy(tail)))
    log = LatentLog.create(run.folder / "given", (1, *pipeline.latent_shape))
    for latent in encoded.cpu():
        log.append(latent[None].half().numpy())
    log.flush()
    rebuilt = _frames(pipeline, log, 0)
    found = joint.correction(tail[-joint.AROUND :], rebuilt[-joint.AROUND :])
    met = Joint(joint.psnr(tail, rebuilt), joint.psnr(tail, corrected(rebuilt, found)))
    past = Past(
        frames=frames,
        latents=latents,
        shift=frames - len(tail),
        hidden=frames if source.only_new else 0,
        correction=found,
        foreign=source.path.name,
    )
    return Given(past, log, tail, met)


def _decoded(pipeline: Pipeline, log: LatentLog, past: Past) -> NDArray[np.uint8]:
    """Return the last frames of a past whose latents are there, as new ones will be shown."""
    timing = pipeline.config.timing
    begin = max(past.latents - 1 - -(-joint.AROUND // timing.each), 0)
    frames = _frames(pipeline, log, begin)
    covered = past.shift + timing.first(past.latents)
    return corrected(frames[: len(frames) - (covered - past.frames)], past.correction)


def _frames(pipeline: Pipeline, log: LatentLog, begin: int) -> NDArray[np.uint8]:
    """Decode the latents of a log from one on, (T, H, W, 3)."""
    device = pipeline.place.device

    def latent(index: int) -> torch.Tensor:
        return torch.from_numpy(log.read(index)[:1]).float().to(device)

    before = [latent(k) for k in range(max(begin - pipeline.reach, 0), begin)]
    made = pipeline.decode_stream((latent(k) for k in range(begin, log.count)), before)
    return np.concatenate([frames[0].numpy() for frames in made])
