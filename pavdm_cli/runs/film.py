"""Chunks on their way to disk: every video's file, its figures of drift, and the settings stored in it."""

import hashlib
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Self

import torch

from pavdm_cli import __version__
from pavdm_cli.drift.report import Summary, Verdict, summary, verdict
from pavdm_cli.drift.statistics import DriftMeter, SecondStats
from pavdm_cli.media.writer import VideoWriter
from pavdm_cli.models import library
from pavdm_cli.models.card import ModelConfig
from pavdm_cli.models.device import Place
from pavdm_cli.runs.stream import Chunk, Clock, Request
from pavdm_cli.sampling.schedule import Ramp


@dataclass(frozen=True, kw_only=True)
class Look:
    """How frames become a file: size (H, W), frames a second, times enlarged, the encoder's quantiser."""

    size: tuple[int, int]
    fps: int
    scale: int
    quality: int


class Film:
    """The videos of one request, as a context manager: one file and one drift meter each.

    Leaving normally finishes the files; leaving by an exception keeps what plays (see `VideoWriter`). `clock`
    is told what writing and measuring take; give it the stream's.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        look: Look,
        settings: Sequence[dict[str, str]],
        clock: Clock | None = None,
    ) -> None:
        self.writers = [
            VideoWriter(path, look.size, look.fps, scale=look.scale, quality=look.quality, tags=tags)
            for path, tags in zip(paths, settings, strict=True)
        ]
        self.settings = tuple(settings)
        self.fps = look.fps
        self.frames = 0
        self._clock = clock or Clock()
        self._meters = [DriftMeter(look.fps) for _ in paths]
        self._said: tuple[int, Verdict | None] = (0, None)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        for writer in self.writers:
            self._stack.enter_context(writer)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def add(self, chunk: Chunk) -> None:
        """Write and measure one chunk, frames (B, n, H, W, 3) uint8, one B for each file.

        Raises:
            VideoError: the disk or ffmpeg fails.
        """
        for writer, meter, frames in zip(self.writers, self._meters, chunk.frames, strict=True):
            self._clock.lap("other")
            writer.write(frames)
            self._clock.lap("encode")
            meter.add(frames)
            self._clock.lap("drift")
        self.frames += chunk.frames.shape[1]

    def figures(self, video: int) -> list[SecondStats]:
        """Return the figures of one video's seconds so far."""
        return self._meters[video].seconds

    def verdict(self) -> Verdict | None:
        """Return the word for the first video so far; None before its first half second."""
        seconds = self.figures(0)
        if len(seconds) != self._said[0]:  # looks at every second, so once a second is enough
            self._said = (len(seconds), verdict(seconds))
        return self._said[1]

    def summary(self, video: int) -> Summary | None:
        """Return the whole of one video's drift; None if it is shorter than half a second."""
        seconds = self.figures(video)
        return summary(seconds) if seconds else None


def settings(
    request: Request,
    video: int,
    model: ModelConfig,
    weights: str,
    place: Place,
    look: Look,
    *,
    attention_chunk: int | None,
    deterministic: bool,
) -> dict[str, str]:
    """Return what makes one video of a request again, as the tags of its file.

    attention_chunk: queries attended at a time; None is all, and stored as that word.
    """
    return {
        "prompt": request.prompts[video],
        "seed": str(request.seeds[video]),
        "frames": str(request.frames),
        "model": model.name,
        "weights": weights,
        "schedule": spelled(request.schedule, request.ramp),
        "guidance": repr(request.guidance),
        "negative": request.negative,
        "scale": str(look.scale),
        "quality": str(look.quality),
        "device": place.device.type,
        "dtype": str(place.dtype).removeprefix("torch."),
        "threads": str(torch.get_num_threads()),
        "attention_chunk": "all" if attention_chunk is None else str(attention_chunk),
        "deterministic": str(deterministic).lower(),
        "torch": torch.__version__,
        "pavdm": __version__,
    }


def spelled(name: str, ramp: Ramp) -> str:
    """Write a schedule as NAME:key=value,..., which `schedule.parse` reads back."""
    values = {f.name: getattr(ramp, f.name) for f in fields(Ramp) if f.name != "horizon"}
    return f"{name}:{','.join(f'{key}={str(value).lower()}' for key, value in values.items())}"


def weights_hash(folder: Path, model: ModelConfig) -> str:
    """Return a fingerprint of a model's weights: the first 16 digits of SHA-256 over its files."""
    digest = hashlib.sha256()
    for path in library.weight_files(folder, model):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]
