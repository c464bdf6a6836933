"""What was asked for: everything a run is made of, known before torch or a model is loaded."""

import math
from dataclasses import dataclass, fields
from pathlib import Path

from pavdm_cli.errors import ConfigError
from pavdm_cli.media.writer import VideoWriter
from pavdm_cli.models.card import ModelConfig
from pavdm_cli.models.names import DeviceName, DtypeName, Offload
from pavdm_cli.runs.timeline import Cue
from pavdm_cli.sampling.schedule import Ramp


@dataclass(frozen=True)
class Video:
    """One video: its prompt, its seed, and the file it goes to."""

    prompt: str
    seed: int
    path: Path


@dataclass(frozen=True, kw_only=True)
class Source:
    """The file that a film goes on from.

    size: its bytes, so that it is known again. frames: of it that stay; None for all of a foreign one.
    leftover: frames of its last latent that were not shown yet. only_new: leave its frames out of the new
    file. encode: its latents cannot be used, so its last frames are encoded.
    """

    path: Path
    size: int
    frames: int | None
    leftover: int
    only_new: bool
    encode: bool


@dataclass(frozen=True, kw_only=True)
class Asked:
    """An order as it is kept on disk.

    asked_model: as it was typed; folder: where that is. frames: of each video to be made. cues: changes of
    the prompt, in seconds of the film. attention_chunk: None is auto. source: what it goes on from. size,
    fps: where they are not the model's usual ones. offload, vae_tiling: how it is made to fit the device.
    """

    asked_model: str
    folder: Path
    videos: tuple[Video, ...]
    frames: int
    schedule: str
    ramp: Ramp
    guidance: float
    negative: str
    scale: int
    quality: int
    device: DeviceName
    dtype: DtypeName
    attention_chunk: int | None
    deterministic: bool
    cues: tuple[Cue, ...] = ()
    blend: float = 0.0
    source: Source | None = None
    size: tuple[int, int] | None = None
    fps: int | None = None
    offload: Offload = "none"
    vae_tiling: bool = False


def check_guidance(value: float) -> None:
    """Raise ConfigError for a guidance that means nothing."""
    if not (math.isfinite(value) and value >= 0):
        raise ConfigError(f"--guidance {value}: must be a number from 0 on; most models like 2 to 8")


@dataclass(frozen=True, kw_only=True)
class Order(Asked):
    """An order and the model it is for, checked."""

    model: ModelConfig

    def __post_init__(self) -> None:
        check_guidance(self.guidance)
        if self.guidance == 1 and self.negative:
            raise ConfigError(
                f"--negative {self.negative!r}: not read at guidance 1; leave it out, or give a --guidance "
                "above 1"
            )
        texts = [*(video.prompt for video in self.videos), *(cue.text for cue in self.cues), self.negative]
        for text in texts:
            if any("\ud800" <= letter <= "\udfff" for letter in text):  # bytes that are no UTF-8
                raise ConfigError(f"the prompt {text!r} is not valid UTF-8; type it anew")
        if not (math.isfinite(self.blend) and self.blend >= 0):
            raise ConfigError(f"--blend {self.blend}: must be a number of seconds from 0 on")
        for video in self.videos:  # making a writer checks size, scale and quality, and makes nothing on disk
            VideoWriter(
                video.path, self.model.size, self.model.fps, scale=self.scale, quality=self.quality, tags={}
            )

    @property
    def seconds(self) -> float:
        """Length of what is made of each video, in seconds."""
        return self.frames / self.model.fps

    @property
    def asked(self) -> Asked:
        """What of the order is kept on disk."""
        return Asked(**{f.name: getattr(self, f.name) for f in fields(Asked)})


def order(asked: Asked, model: ModelConfig) -> Order:
    """Make an order of what was asked for, and of the model as it is usually.

    Raises:
        ConfigError, VideoError: a value is wrong.
    """
    shaped = model.shaped(asked.size, asked.fps)
    return Order(model=shaped, **{f.name: getattr(asked, f.name) for f in fields(Asked)})
