"""Schedules: which latents a model call shows, at which noise level, and which level they have afterwards.

A schedule is an iterator of steps, made without torch. Latents come in chunks that share a level; chunk c
belongs to block c // horizon, starts to move at row start(c) and then makes one move a row until it is clean:

    start(c)   = (c // horizon) * (steps + lag * (horizon - 1)) + lag * (c % horizon)
    left(c, m) = clip(steps - m + start(c), 0, steps)        moves left before row m;  level = left / steps

An infinite horizon with lag = steps * chunk / window is PA-VDM (arXiv 2410.08151, section 3): the window
fills, slides and drains by the formula alone. One horizon over everything with lag 0 is full-sequence
diffusion.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

from pavdm_cli.errors import ScheduleError


@dataclass(frozen=True)
class Step:
    """One model call.

    latents: indices of the latents shown. positions: where each stands for the rotary embedding, relative to
    the window. level: the noise each is shown with (1 pure noise, 0 clean). next: the noise it has
    afterwards; equal to level for context. keep: finished latents below this index are dropped once a step
    no longer shows them. renoise: move by "predict clean, then noise to next" instead of an Euler step.
    """

    latents: tuple[int, ...]
    positions: tuple[int, ...]
    level: tuple[float, ...]
    next: tuple[float, ...]
    keep: int
    renoise: bool = False


@dataclass(frozen=True)
class Ramp:
    """The shape of a schedule: how chunks of latents move from noise to clean, and what they see beside them.

    steps: moves a latent makes. window: noisy latents in a steady call; it sets the lag between chunks.
    chunk: latents that share a level. context: clean latents shown before the window. sink: keep the first
    chunk in view at a fixed position before the context. context_level: the level at which context is shown.
    shift: bend levels towards noise (1 leaves them straight). horizon: chunks in a block, None without end.
    renoise: see `Step`.
    """

    steps: int = 24
    window: int = 12
    chunk: int = 1
    context: int = 4
    sink: bool = False
    context_level: float = 0.0
    shift: float = 1.0
    horizon: int | None = None
    renoise: bool = False

    def __post_init__(self) -> None:
        for name in ("steps", "window", "chunk"):
            if getattr(self, name) < 1:
                raise ScheduleError(f"{name} {getattr(self, name)}: must be at least 1")
        if self.context < 0 or not 0 <= self.context_level < 1 or not 0 < self.shift < math.inf:
            raise ScheduleError(
                f"context {self.context}, context level {self.context_level}, shift {self.shift}: "
                "context must be 0 or more, its level in [0, 1), the shift positive"
            )
        if self.horizon is not None and self.horizon < 1:
            raise ScheduleError(f"horizon {self.horizon}: must be at least 1, or None for no end")
        if self.horizon is None and (self.steps * self.chunk) % self.window:
            raise ScheduleError(
                f"steps {self.steps} with chunk {self.chunk} do not divide into a window of {self.window} "
                f"latents; the nearest valid numbers of steps are {_nearest(self)}"
            )
        if self.horizon is None and self.window % self.chunk:
            raise ScheduleError(f"window {self.window}: must be a multiple of the chunk, {self.chunk}")

    @property
    def lag(self) -> int:
        """Rows between the starts of neighbouring chunks."""
        return self.steps * self.chunk // self.window if self.horizon is None else 0

    @property
    def span(self) -> int:
        """Latents in the widest call of an endless video: what a model's limit is held against."""
        live = self.window if self.horizon is None else self.horizon * self.chunk
        return self.context + live + (self.chunk if self.sink else 0)

    def left(self, chunk: int, row: float) -> float:
        """Moves that a chunk has left before a row; fractional rows give the levels training draws from."""
        return min(max(self.steps - row + self.start(chunk), 0), self.steps)

    def start(self, chunk: int) -> int:
        """Row at which a chunk starts to move."""
        if self.horizon is None:
            return self.lag * chunk
        block, place = divmod(chunk, self.horizon)
        return block * (self.steps + self.lag * (self.horizon - 1)) + self.lag * place

    def level(self, left: float) -> float:
        """Noise level of a latent with so many moves left: the fraction of moves, bent by the shift."""
        return shifted(left / self.steps, self.shift)


def progressive(latents: int, ramp: Ramp, *, given: int = 0, first_row: int = 0) -> Iterator[Step]:
    """Yield the steps that make `latents` latents, the first `given` of which are there already.

    `first_row` skips rows already done. With `ramp.horizon` None this is PA-VDM's fill, slide and drain.

    Raises:
        ScheduleError: there is nothing to make.
    """
    if latents <= given:
        raise ScheduleError(
            f"{latents} latents with {given} given: there is nothing to make; ask for a longer video"
        )
    chunks = math.ceil((latents - given) / ramp.chunk)
    first = 0
    for row in range(first_row, rows(latents - given, ramp)):
        while ramp.left(first, row) == 0:
            first += 1
        live = []
        chunk = first
        while chunk < chunks and ramp.start(chunk) <= row:
            live.append(chunk)
            chunk += 1
        yield _step(ramp, row, live, given, latents)


def full_sequence(latents: int, ramp: Ramp, *, given: int = 0, first_row: int = 0) -> Iterator[Step]:
    """Yield the steps of full-sequence diffusion: every latent in one window, all at one level."""
    whole = replace(ramp, window=max(latents, 1), chunk=1, horizon=max(latents - given, 1))
    return progressive(latents, whole, given=given, first_row=first_row)


def rows(latents: int, ramp: Ramp) -> int:
    """Count the model calls that make so many latents."""
    return ramp.start(math.ceil(latents / ramp.chunk) - 1) + ramp.steps


SCHEDULES = {"progressive": progressive, "full-sequence": full_sequence}


def make(name: str, latents: int, ramp: Ramp, *, given: int = 0, first_row: int = 0) -> Iterator[Step]:
    """Yield the steps of the schedule of that name.

    Raises:
        ScheduleError: there is no such schedule.
    """
    if name not in SCHEDULES:
        raise ScheduleError(f"schedule {name!r}: unknown; there are {', '.join(SCHEDULES)}")
    return SCHEDULES[name](latents, ramp, given=given, first_row=first_row)


def calls(name: str, latents: int, ramp: Ramp) -> int:
    """Count the model calls of the schedule of that name."""
    return ramp.steps if name == "full-sequence" else rows(latents, ramp)


def parse(text: str, default: Ramp) -> tuple[str, Ramp]:
    """Read NAME[:key=value,...] into a schedule's name and its ramp.

    Full-sequence diffusion has no endless ramp whose numbers must divide: its horizon is set, to 1, and
    `full_sequence` puts the length of the video in its place.

    Raises:
        ScheduleError: an unknown name or key, or a value of the wrong type; it lists the valid ones.
    """
    name, _, settings = text.partition(":")
    if name not in SCHEDULES:
        raise ScheduleError(f"schedule {name!r}: unknown; there are {', '.join(SCHEDULES)}")
    kinds = {f.name: type(getattr(default, f.name)) for f in fields(Ramp) if f.name != "horizon"}
    values: dict[str, object] = {"horizon": 1 if name == "full-sequence" else default.horizon}
    for setting in filter(None, settings.split(",")):
        key, _, value = setting.partition("=")
        if key not in kinds:
            raise ScheduleError(f"schedule setting {key!r}: unknown; there are {', '.join(kinds)}")
        values[key] = _value(key, value, kinds[key])
    return name, replace(default, **values)  # type: ignore[arg-type]


def shifted(level: float, shift: float) -> float:
    """Bend levels towards noise: s*t / (1 + (s - 1)*t), 0 -> 0 and 1 -> 1 (SD3, arXiv 2403.03206, section
    5.3).

    Written so that both ends are met exactly for every shift.
    """
    return shift * level / (1 - level + shift * level)


def _step(ramp: Ramp, row: int, live: list[int], given: int, latents: int) -> Step:
    """Show the live chunks, the context before them and the sink, if it stands apart."""
    lowest = given + live[0] * ramp.chunk
    top = min(given + (live[-1] + 1) * ramp.chunk, latents)
    begin = max(lowest - ramp.context, 0)
    sink = min(ramp.chunk, begin) if ramp.sink else 0
    beside = [*range(sink), *range(begin, lowest)]
    moving = range(lowest, top)
    now = [ramp.left((k - given) // ramp.chunk, row) for k in moving]
    done = [k for k, n in zip(moving, now, strict=True) if n == 1]
    return Step(
        latents=(*beside, *moving),
        positions=tuple(k - sink for k in range(sink)) + tuple(k - begin for k in range(begin, top)),
        level=(*[ramp.context_level] * len(beside), *[ramp.level(n) for n in now]),
        next=(*[ramp.context_level] * len(beside), *[ramp.level(n - 1) for n in now]),
        keep=max(lowest + len(done) - ramp.context, 0),
        renoise=ramp.renoise,
    )


def _nearest(ramp: Ramp) -> str:
    unit = ramp.window // math.gcd(ramp.window, ramp.chunk)
    below = ramp.steps // unit * unit
    return " and ".join(str(n) for n in (below, below + unit) if n)


def _value(key: str, text: str, kind: type) -> object:
    words = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}
    try:
        value = words[text.lower()] if kind is bool else kind(text)
    except (ValueError, KeyError):
        raise ScheduleError(f"schedule setting {key}={text!r}: not a {kind.__name__}") from None
    if isinstance(value, float) and not math.isfinite(value):
        raise ScheduleError(f"schedule setting {key}={text!r}: must be a finite number")
    return value
