"""What the scorecard keeps of one video: figures a second, what the probe reads, and a strip of frames."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from pavdm_cli.drift.analysis import Analyser, joints
from pavdm_cli.drift.statistics import FIGURES
from pavdm_cli.errors import RunError
from pavdm_cli.media.sheet import save_png, sheet
from pavdm_cli.models.config import write_json
from pavdm_cli.models.probe import FRAMES, SPAN, STRIDE, Probe, small
from pavdm_cli.models.vae import FRAMES_PER_LATENT
from pavdm_cli.studies.prompts import Asked
from pavdm_cli.training.worlds.paint import FPS

LOOK_EVERY = 2
"""Seconds between the beginnings of the stretches that the probe reads."""
FORM = 2
"""Version of what a record holds."""
LATER = 2
"""Seconds to what a stretch's frames are held against, to tell travel from shimmer."""
STRIP_EVERY = 5
"""Seconds between the frames of a strip."""


@dataclass(frozen=True)
class Look:
    """What the probe reads in the stretch of four seconds that begins at `at`; change: how far its frames are
    from those two seconds later."""

    at: float
    family: str
    answers: dict[str, str]
    features: list[float]
    change: float


@dataclass(frozen=True)
class Record:
    """One video. figures: of `drift`, a value a second. joints: motion there over motion elsewhere.
    repetition: how strongly it resembles itself again at a lag of seconds. seams: motion at the joints of
    what its schedule makes together over that at the joints of other latents; 1 if that is one latent."""

    prompt: str
    seed: int
    seconds: float
    figures: dict[str, list[float]]
    looks: list[Look]
    joints: float
    cuts: int
    freezes: int
    blanks: int
    repetition: float
    seams: float = 1.0


@dataclass(frozen=True)
class Film:
    """A video to be looked at: what it should show, its seed, and where its record goes."""

    asked: Asked
    seed: int
    path: Path


class Recorder:
    """Looks at the frames of one video as they pass."""

    def __init__(self, fps: int) -> None:
        self._fps, self._seen = fps, 0
        self._analyser = Analyser(fps)
        self._moments: list[NDArray[np.uint8]] = []
        self._strip: list[NDArray[np.uint8]] = []

    def add(self, frames: NDArray[np.uint8]) -> None:
        """Look at the next frames (n, H, W, 3) uint8."""
        self._analyser.add(frames)
        numbers = np.arange(self._seen, self._seen + len(frames))
        looked_at = frames[numbers % STRIDE == 0]
        if len(looked_at):
            self._moments.append(small(torch.from_numpy(looked_at).movedim(-1, 1)).numpy())
        self._strip += list(frames[numbers % (STRIP_EVERY * self._fps) == 0])
        self._seen += len(frames)

    def record(self, prompt: str, seed: int, family: str, probe: Probe, piece: int = 1) -> Record:
        """Return what was seen, the stretches read as scenes of a family.

        piece: latents that the video's schedule makes together.

        Raises:
            VideoError: there was no frame.
        """
        found = self._analyser.result(every=FRAMES_PER_LATENT)
        seams = None
        if piece > 1:
            each = FRAMES_PER_LATENT
            seams = joints(found.motion, piece * each, self._fps, among=each)
        return Record(
            prompt=prompt,
            seed=seed,
            seconds=self._seen / self._fps,
            figures={name: [float(getattr(second, name)) for second in found.seconds] for name in FIGURES},
            looks=self._looks(family, probe),
            joints=1.0 if found.joints is None else found.joints.times,
            cuts=len(found.cuts),
            freezes=len(found.freezes),
            blanks=len(found.blanks),
            repetition=0.0 if found.repetition is None else found.repetition.strength,
            seams=1.0 if seams is None else seams.times,
        )

    def strip(self) -> NDArray[np.uint8]:
        """Return a frame every few seconds, (T, H, W, 3)."""
        return np.stack(self._strip)

    def _looks(self, family: str, probe: Probe) -> list[Look]:
        every = LOOK_EVERY * self._fps
        starts = range(0, self._seen - SPAN + 1, every)
        if not starts:
            return []
        moments = np.concatenate(self._moments)
        frames = np.stack([moments[start // STRIDE :][:FRAMES] for start in starts])
        device = next(probe.parameters()).device
        readings = probe.read(torch.from_numpy(frames).to(device).float() / 127.5 - 1, [family] * len(starts))
        return [
            Look(start / self._fps, one.family, one.answers, list(one.features), change(own))
            for start, one, own in zip(starts, readings, frames, strict=True)
        ]


def change(frames: NDArray[np.uint8]) -> float:
    """Return the mean difference of frames, `STRIDE` apart, from those two seconds later, of the full range.

    What only shimmers differs no more after two seconds than after one frame; what travels does.
    """
    lag = LATER * FPS // STRIDE
    return float(np.abs(frames[lag:].astype(np.float32) - frames[:-lag]).mean()) / 255


def look(frames: Iterator[NDArray[np.uint8]], films: Sequence[Film], probe: Probe, piece: int = 1) -> None:
    """Look at videos side by side, (B, n, H, W, 3) a piece, and write a record of each.

    piece: latents that their schedule makes together.

    Raises:
        VideoError: there was no frame.
    """
    recorders = [Recorder(FPS) for _ in films]
    for part in frames:
        for recorder, own in zip(recorders, part, strict=True):
            recorder.add(own)
    for recorder, film in zip(recorders, films, strict=True):
        record = recorder.record(film.asked.prompt, film.seed, film.asked.family, probe, piece)
        write(film.path, record, recorder.strip())


def write(path: Path, record: Record, strip: NDArray[np.uint8]) -> None:
    """Write a record as JSON and its strip as PNG beside it; the JSON last, so that it stands for both."""
    save_png(path.with_suffix(".png"), sheet([strip]))
    write_json(path, asdict(record), indent=None)


def read(path: Path) -> Record:
    """Read what `write` wrote.

    Raises:
        RunError: it is not such a file.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        looks = [Look(**look) for look in found.pop("looks")]
        return Record(**found, looks=looks)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise RunError(f"{path}: not a record of this version ({error}); delete it") from error


def features(records: Sequence[Record], at: float) -> NDArray[np.float64]:
    """Return the features of every video's stretch that begins at a second, (V, N)."""
    return np.array([next(look.features for look in record.looks if look.at == at) for record in records])
