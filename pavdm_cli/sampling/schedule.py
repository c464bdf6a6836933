"""The family of schedules by name: made, measured, read from text and written as text.

A schedule is an iterator of steps, made without torch. To add one, write its function in `schedule_family`
and name it here.
"""

from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, field, replace
from functools import lru_cache
from itertools import islice
from math import isfinite

from pavdm_cli.errors import ScheduleError
from pavdm_cli.sampling import schedule_family as family
from pavdm_cli.sampling.schedule_ramp import Ramp, Step, shifted

__all__ = [
    "SCHEDULES",
    "Ramp",
    "Schedule",
    "Size",
    "Step",
    "calls",
    "make",
    "parse",
    "shifted",
    "size",
    "spelled",
]

LONG = 4  # times the steps and the span: there a schedule has long begun to repeat itself
BESIDE = ("context", "context_level", "sink", "shift", "curve", "renoise_above")
"""What every schedule can be told."""
MEANINGS = {
    "steps": "moves a latent makes from noise to clean",
    "window": "latents that move together",
    "chunk": "latents that share a level",
    "lag": "calls between the starts of neighbouring chunks",
    "context": "latents shown before those that move",
    "context_level": "level at which clean ones among them are shown",
    "sink": "whether the first chunk stays in view",
    "shift": "bends levels towards noise; 1 leaves them straight",
    "curve": "power of the ramp; above 1 spends more moves near clean",
    "renoise_above": "moves ending above this level noise the predicted latent anew; 1: none",
}


@dataclass(frozen=True)
class Schedule:
    """One way of rolling.

    steps: (latents, ramp, given) -> steps; raises at once if the ramp is not for it. reads: the settings it
    reads beside `steps` and those that all do. own: what it is told unless a person says more. joins: the
    setting that says how many latents are made together; where they meet the next, a joint may show.
    """

    about: str
    steps: Callable[[int, Ramp, int], Iterator[Step]]
    reads: tuple[str, ...]
    own: dict[str, float] = field(default_factory=dict)
    joins: str = "chunk"

    @property
    def keys(self) -> tuple[str, ...]:
        """Every setting it reads."""
        return ("steps", *self.reads, *BESIDE)

    def piece(self, ramp: Ramp) -> int:
        """Return how many latents are made together."""
        return int(getattr(ramp, self.joins)) if self.joins in self.reads else 1


SCHEDULES = {
    "progressive": Schedule(
        "a ramp of levels fills, slides and drains (PA-VDM)", family.progressive, ("window", "chunk")
    ),
    "rolling": Schedule("the window is always full (Rolling Diffusion)", family.rolling, ("window",)),
    "queue": Schedule(
        "starts full, with a clip noised to the ramp (Meta-ARVDM)", family.queue, ("window", "chunk")
    ),
    "fifo": Schedule("a long queue, seen in partitions (FIFO-Diffusion)", family.fifo, ("window",)),
    "pyramid": Schedule(
        "window by window, in turn (Diffusion Forcing)",
        family.pyramid,
        ("window", "chunk", "lag"),
        {"lag": 1, "context_level": 0.02},
        joins="window",
    ),
    "autoregressive": Schedule("chunk by chunk, each from noise", family.autoregressive, ("chunk",)),
    "replacement": Schedule(
        "window by window, after the clean end of the last",
        family.replacement,
        ("window", "chunk"),
        joins="window",
    ),
    "replacement-noised": Schedule(
        "window by window, after a noised end of the last",
        family.replacement_noised,
        ("window", "chunk"),
        joins="window",
    ),
    "full-sequence": Schedule("every latent at once, at one level", family.full_sequence, ("chunk",)),
}


@dataclass(frozen=True)
class Size:
    """What a schedule costs: calls, latents shown in all of them, the widest call, and calls and latents
    until the first latent is clean."""

    calls: int
    evaluations: int
    span: int
    first_calls: int
    first_evaluations: int


def make(name: str, latents: int, ramp: Ramp, *, given: int = 0, first_row: int = 0) -> Iterator[Step]:
    """Yield the steps that make `latents` latents, the first `given` of which are there already.

    first_row: leave out so many steps, which were done before.

    Raises:
        ScheduleError: there is no such schedule, it cannot use the ramp, or there is nothing to make.
    """
    known = find(name)
    if latents <= given:
        raise ScheduleError(
            f"{latents} latents with {given} given: there is nothing to make; ask for a longer video"
        )
    return islice(known.steps(latents, ramp, given), first_row, None)


def find(name: str) -> Schedule:
    """Return the schedule of that name.

    Raises:
        ScheduleError: there is none.
    """
    if name not in SCHEDULES:
        raise ScheduleError(f"schedule {name!r}: unknown; there are {', '.join(SCHEDULES)}")
    return SCHEDULES[name]


@lru_cache(maxsize=64)
def size(name: str, latents: int, ramp: Ramp, given: int = 0) -> Size:
    """Measure a schedule by going through its steps; those of a long video's middle repeat.

    Raises:
        ScheduleError: as `make`.
    """
    period = ramp.window * ramp.chunk
    periods = (latents - given - LONG * (ramp.steps + ramp.span)) // period
    if periods < 2:
        return _counted(name, latents, ramp, given)
    latents -= periods * period
    short, longer = (_counted(name, n, ramp, given) for n in (latents, latents + period))
    pairs = zip(astuple(short), astuple(longer), strict=True)
    return Size(*(one + periods * (other - one) for one, other in pairs))


def _counted(name: str, latents: int, ramp: Ramp, given: int) -> Size:
    count = evaluations = span = 0
    first = None
    for step in make(name, latents, ramp, given=given):
        count, evaluations, span = count + 1, evaluations + len(step.latents), max(span, len(step.latents))
        if first is None and any(to == 0 < now for now, to in zip(step.level, step.next, strict=True)):
            first = count, evaluations
    assert first
    return Size(count, evaluations, span, *first)


def calls(name: str, latents: int, ramp: Ramp, given: int = 0) -> int:
    """Count the model calls of the schedule of that name.

    Raises:
        ScheduleError: as `make`.
    """
    return size(name, latents, ramp, given).calls


def parse(text: str, default: Ramp) -> tuple[str, Ramp]:
    """Read NAME[:key=value,...] into a schedule's name and its ramp.

    Raises:
        ScheduleError: an unknown name or key, or a value that is wrong; it lists the valid ones.
    """
    name, _, settings = text.partition(":")
    known = find(name)
    values: dict[str, object] = dict(known.own)
    for setting in filter(None, settings.split(",")):
        key, _, value = setting.partition("=")
        if key == "renoise":  # as films say that were made before it was a level
            key, value = "renoise_above", {"true": "0", "false": "1"}.get(value.lower(), value)
        if key not in known.keys:
            raise ScheduleError(f"{name} setting {key!r}: unknown; there are {', '.join(known.keys)}")
        values[key] = _value(key, value, type(getattr(default, key)))
    ramp = replace(default, **values)  # type: ignore[arg-type]
    known.steps(1, ramp, 0)
    return name, ramp


def spelled(name: str, ramp: Ramp, default: Ramp | None = None) -> str:
    """Write a schedule as NAME:key=value,..., which `parse` reads back; only what differs from a default."""
    said = {key: getattr(ramp, key) for key in find(name).keys}
    if default is not None:
        plain = replace(default, **find(name).own)  # type: ignore[arg-type]
        said = {key: value for key, value in said.items() if value != getattr(plain, key)}
    settings = ",".join(f"{key}={str(value).lower()}" for key, value in said.items())
    return f"{name}:{settings}" if settings else name


_NEEDED = {int: "a whole number", float: "a number", bool: "true or false"}


def _value(key: str, text: str, kind: type) -> object:
    words = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}
    try:
        value = words[text.lower()] if kind is bool else kind(text)
    except (ValueError, KeyError):
        raise ScheduleError(f"schedule setting {key}={text!r}: must be {_NEEDED[kind]}") from None
    if isinstance(value, float) and not isfinite(value):
        raise ScheduleError(f"schedule setting {key}={text!r}: must be a finite number")
    return value
