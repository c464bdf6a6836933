"""Which videos a study is of, what kinds of them there are, where each record lies, and how far it is."""

from dataclasses import dataclass
from pathlib import Path

from pavdm_cli.errors import ConfigError
from pavdm_cli.studies.measures import INTERVAL
from pavdm_cli.studies.prompts import PROMPTS, Asked

KINDS = ("real", "other", "coded", "made")
"""True renders to hold the model's videos against; other ones, and others through the VAE, which show how
good a figure can be; what the model makes."""

FLOORS = 2
"""Sets of true renders whose distances make the floor, beside those in `real` and `other`."""


@dataclass(frozen=True)
class Plan:
    """What a study is made of: which prompts, how many videos of each, their length; how many at a time."""

    prompts: tuple[int, ...] = tuple(range(len(PROMPTS)))
    seeds: int = 4
    seconds: int = 60
    batch: int = 8

    def __post_init__(self) -> None:
        if self.seeds < 1 or self.batch < 1 or not self.prompts:
            raise ConfigError(f"{self.seeds} seeds, {self.batch} at a time: must be at least 1")
        if self.seconds < INTERVAL or self.seconds % INTERVAL:
            raise ConfigError(f"--seconds {self.seconds}: must be a multiple of {INTERVAL}")
        if len(self.prompts) * self.seeds < 2:
            raise ConfigError("one video is no set; give more prompts or seeds")

    @property
    def asked(self) -> tuple[Asked, ...]:
        """The prompts."""
        return tuple(PROMPTS[i] for i in self.prompts)

    @property
    def videos(self) -> list[tuple[int, int]]:
        """Every video as (prompt, seed), all prompts of a seed after each other."""
        return [(i, seed) for seed in range(1, self.seeds + 1) for i in self.prompts]

    def of(self, kind: str) -> list[tuple[int, int]]:
        """Every video of a kind; of renders through the VAE one a prompt, which tells what it costs."""
        return self.videos[: len(self.prompts)] if kind == "coded" else self.videos


QUICK = Plan(prompts=tuple(2 * i + i % 2 for i in range(len(PROMPTS) // 2)), seeds=1, seconds=20)
"""Half of the prompts, one of every family, once."""


def first(count: int) -> tuple[int, ...]:
    """Return so many prompts: one of every family first, then the others; more always hold the fewer.

    Raises:
        ConfigError: there are not so many.
    """
    if not 1 <= count <= len(PROMPTS):
        raise ConfigError(f"--prompts {count}: there are {len(PROMPTS)}; give a number from 1 to that")
    others = tuple(i for i in range(len(PROMPTS)) if i not in QUICK.prompts)
    return (*QUICK.prompts, *others)[:count]


@dataclass(frozen=True)
class Progress:
    """How far a study is: videos of all kinds done, of so many; what was last made."""

    done: int
    all: int
    kind: str
    prompts: tuple[str, ...]


def floor_kinds() -> list[str]:
    """Name the kinds of renders that make the floor of distances."""
    return [f"floor{n}" for n in range(FLOORS)]


def render_kinds() -> list[str]:
    """Name the kinds of videos that no model has a part in."""
    return ["real", "other", *floor_kinds()]


def record_path(folder: Path, kind: str, prompt: int, seed: int) -> Path:
    """Return where the record of a video goes."""
    return folder / f"{kind}-{prompt:02}-{seed}.json"
