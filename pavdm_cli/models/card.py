"""What every model says of itself before it is loaded; imports no torch."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from pavdm_cli.errors import ConfigError
from pavdm_cli.models.names import DtypeName
from pavdm_cli.sampling.schedule import Ramp


@dataclass(frozen=True)
class Known:
    """One thing a model was trained on: a name, what it shows in a line, and a prompt that gives it."""

    name: str
    shows: str
    prompt: str


@dataclass(frozen=True)
class Timing:
    """How frames stand for latents: `each` of them a latent; the first latent lacks `missing` of its own.

    A VAE that turns 1 + 4n frames into 1 + n latents has each 4 and missing 3.
    """

    each: int
    missing: int = 0

    def latents(self, frames: int) -> int:
        """Return how many latents hold so many frames."""
        return -(-(frames + self.missing) // self.each)

    def latent(self, frame: int) -> int:
        """Return the latent that holds a frame; of a count of frames, how many latents they fill."""
        return (frame + self.missing) // self.each

    def first(self, latent: int) -> int:
        """Return the first frame of a latent; of the one after the last, how many frames there are."""
        return max(self.each * latent - self.missing, 0)


@dataclass(frozen=True, kw_only=True)
class ModelConfig(ABC):
    """A model's limits and its usual settings.

    about: one line for people. size: height and width in pixels. sampling, guidance: what a run uses unless
    told otherwise. knows: what it was trained on. far: a prompt whose nearest known caption has a smaller
    cosine than this is far from all of it.
    """

    name: str
    about: str
    size: tuple[int, int]
    fps: int
    sampling: Ramp
    guidance: float
    far: float
    knows: tuple[Known, ...]

    @property
    @abstractmethod
    def timing(self) -> Timing:
        """How frames stand for latents."""

    @property
    def half(self) -> DtypeName:
        """The number format of two bytes that it was made for."""
        return "fp16"

    @property
    def warning(self) -> str:
        """What to know before it is used; empty for nothing."""
        return ""

    @property
    def lighter(self) -> str:
        """The options that make it need less memory."""
        return "a smaller --attention-chunk"

    @property
    def image(self) -> bool:
        """Whether a film can begin with a single picture."""
        return False

    @property
    def small(self) -> bool:
        """Whether decoder and encoder matter beside its denoiser: on a CPU it works ahead of them, on CUDA
        its videos share calls."""
        return False

    @property
    def example(self) -> str:
        """A prompt that it is for."""
        return self.knows[0].prompt if self.knows else "a red ball bouncing"

    @property
    def ahead(self) -> int:
        """Latents that its VAE takes before it gives the frames of one."""
        return 0

    @abstractmethod
    def files(self, folder: Path) -> tuple[Path, ...]:
        """Return the files its weights should lie in."""

    @abstractmethod
    def vae_files(self, folder: Path) -> tuple[Path, ...]:
        """Return those of them that are the VAE's."""

    def led(self, prompt: str) -> int | None:
        """Return how many frames a prompt leads through, where it is made of actions; None for words.

        Raises:
            ConfigError: there is a word in it that is no action.
        """
        return None

    def check_led(self, prompt: str, frames: int) -> None:
        """Raise ConfigError where a prompt cannot be read, or its actions do not lead through so many
        frames."""
        most = self.led(prompt)
        if most is not None and frames > most:
            raise ConfigError(
                f"{frames} frames were asked for and the actions lead through {most}, one where they "
                "begin and one each; give more actions, or a shorter length"
            )

    def check_size(self, size: tuple[int, int]) -> None:
        """Raise ConfigError where the model cannot make frames of a height and width."""
        if size != self.size:
            raise ConfigError(
                f"--size {spelled(size)}: {self.name} makes {spelled(self.size)} alone; leave --size out"
            )

    def check_fps(self, fps: int) -> None:
        """Raise ConfigError where the model cannot make so many frames a second."""
        if fps != self.fps:
            raise ConfigError(f"--fps {fps}: {self.name} makes {self.fps} alone; leave --fps out")

    def shaped(self, size: tuple[int, int] | None, fps: int | None) -> Self:
        """Return the same model making frames of another height and width, or another number a second.

        Raises:
            ConfigError: it cannot; the nearest valid value is named.
        """
        if size is not None:
            self.check_size(size)
        if fps is not None:
            self.check_fps(fps)
        return replace(self, size=size or self.size, fps=fps or self.fps)


def spelled(size: tuple[int, int]) -> str:
    """Write a height and width as people do: WIDTHxHEIGHT."""
    return f"{size[1]}x{size[0]}"
