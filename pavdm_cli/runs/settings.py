"""The settings of a film, as they are stored in its file: all that makes it again."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from pavdm_cli.errors import ConfigError
from pavdm_cli.models.card import Timing
from pavdm_cli.models.config import parse
from pavdm_cli.models.names import Offload
from pavdm_cli.runs.timeline import Cue

Correction = tuple[tuple[float, float], ...]
"""Gain and offset of red, green and blue; none at all leaves a picture as it is."""


@dataclass(frozen=True, kw_only=True)
class Making:
    """How a film was made once: what was to be seen, and the numbers it depends on.

    first: the frame of the film at which this making began; what stood before was there already. frames: of
    the film when it was done. schedule: as `schedule.parse` reads it.
    """

    prompt: str
    cues: tuple[Cue, ...] = ()
    blend: float = 0.0
    seed: int
    first: int = 0
    frames: int
    schedule: str
    guidance: float
    negative: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.first <= self.frames or self.seed < 0:
            raise ConfigError(
                f"first {self.first} of {self.frames} frames, seed {self.seed}: no film has these"
            )
        if not (math.isfinite(self.guidance) and math.isfinite(self.blend) and self.blend >= 0):
            raise ConfigError(f"guidance {self.guidance}, blend {self.blend}: must be finite numbers")


@dataclass(frozen=True, kw_only=True)
class Settings(Making):
    """The last making of a film, the machine and the weights it was made with, and the makings before it.

    weights, vae: fingerprints of all weights and of the VAE's. hidden: frames of the film that its file
    leaves out at the beginning. shift: frames before the first latent's. correction: of the frames made.
    foreign: the name of the video it began with, if pavdm did not make that. run: where its latents are.
    frames_per_latent, missing: how its frames stand for them, as in `Timing`. size, fps: as asked for.
    """

    model: str
    weights: str
    vae: str
    scale: int
    quality: int
    device: str
    dtype: str
    threads: int
    attention_chunk: int | None
    deterministic: bool
    torch: str
    pavdm: str
    run: str
    hidden: int = 0
    shift: int = 0
    correction: Correction = ()
    foreign: str = ""
    size: tuple[int, int] | None = None
    fps: int | None = None
    offload: Offload = "none"
    vae_tiling: bool = False
    frames_per_latent: int = 4
    missing: int = 0
    earlier: tuple[Making, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (0 <= self.hidden <= self.frames and 0 <= self.shift <= self.frames):
            raise ConfigError(f"hidden {self.hidden}, shift {self.shift}: must be from 0 to {self.frames}")
        if not 0 <= self.missing < self.frames_per_latent:
            raise ConfigError(
                f"{self.frames_per_latent} frames a latent less {self.missing}: no film has these"
            )
        if self.scale < 1 or len(self.correction) not in (0, 3):
            raise ConfigError(f"scale {self.scale}, correction {self.correction}: no film has these")

    @property
    def timing(self) -> Timing:
        """How its frames stand for its latents."""
        return Timing(self.frames_per_latent, self.missing)

    @property
    def walks(self) -> bool:
        """Whether actions led it: of all kinds of model only those that walk have a latent a frame."""
        return self.frames_per_latent == 1

    @property
    def making(self) -> Making:
        """The last making alone."""
        return Making(**{f.name: getattr(self, f.name) for f in fields(Making)})

    @property
    def makings(self) -> tuple[Making, ...]:
        """Every making, the first one first."""
        return (*self.earlier, self.making)


def stored(settings: Settings) -> dict[str, object]:
    """Return settings as JSON for a file; what is as ever is left out."""
    defaults = {f.name: f.default for f in fields(Settings)}
    return {name: value for name, value in asdict(settings).items() if value != defaults[name]}


def read(tags: Mapping[str, object]) -> Settings | None:
    """Return the settings found in a file; None if they are not this program's."""
    try:
        return parse(Settings, dict(tags))
    except ConfigError:
        return None
