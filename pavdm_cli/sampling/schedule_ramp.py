"""What a schedule is made of: the step, one model call; and the ramp, how chunks go from noise to clean.

Latents come in chunks that share a level; chunk c belongs to block c // horizon, starts to move at row
start(c) and then makes one move a row until it is clean:

    start(c)   = (c // horizon) * (steps + lag * (horizon - 1)) + lag * (c % horizon)
    left(c, m) = clip(steps - m + start(c), 0, steps)        moves left before row m
    level      = shift((left / steps) ^ curve)               1 is pure noise, 0 is clean
"""

import math
from dataclasses import dataclass, replace

from pavdm_cli.errors import ScheduleError


@dataclass(frozen=True)
class Step:
    """One model call.

    latents: indices of the latents shown. positions: where each stands for the rotary embedding, relative to
    the window. level: the noise each is shown with (1 pure noise, 0 clean). next: the noise it has
    afterwards; equal to level for context. keep: finished latents below this index are dropped once a step
    no longer shows them. renoise_above: a move that ends above this level is "predict clean, then noise
    anew", any other an Euler step; 1 is none.
    """

    latents: tuple[int, ...]
    positions: tuple[int, ...]
    level: tuple[float, ...]
    next: tuple[float, ...]
    keep: int
    renoise_above: float = 1.0


@dataclass(frozen=True)
class Ramp:
    """The shape of a schedule: how chunks of latents move from noise to clean, and what they see beside them.

    steps: moves a latent makes. window: latents that move together in a steady call. chunk: latents that
    share a level. context: latents shown before the window. sink: keep the first chunk in view at a fixed
    position before the context. context_level: the level at which clean context is shown. shift: bend levels
    towards noise (1 leaves them straight). curve: the power the fraction of moves is raised to (1 is a
    straight ramp, above 1 spends more moves near clean). renoise_above: see `Step`. horizon: chunks in a
    block, None without end. lag: rows between the starts of neighbouring chunks of a block.
    """

    steps: int = 24
    window: int = 12
    chunk: int = 1
    context: int = 4
    sink: bool = False
    context_level: float = 0.0
    shift: float = 1.0
    horizon: int | None = None
    renoise_above: float = 1.0
    curve: float = 1.0
    lag: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "window", "chunk"):
            if getattr(self, name) < 1:
                raise ScheduleError(f"{name} {getattr(self, name)}: must be at least 1")
        for name in ("context", "lag"):
            if getattr(self, name) < 0:
                raise ScheduleError(f"{name} {getattr(self, name)}: must be 0 or more")
        for name in ("shift", "curve"):
            if not 0 < getattr(self, name) < math.inf:
                raise ScheduleError(f"{name} {getattr(self, name)}: must be a number above 0")
        if not 0 <= self.context_level < 1:
            raise ScheduleError(f"context level {self.context_level}: must be from 0 to below 1")
        if not 0 <= self.renoise_above <= 1:
            raise ScheduleError(f"renoise above {self.renoise_above}: must be from 0 to 1")
        if self.horizon is not None and self.horizon < 1:
            raise ScheduleError(f"horizon {self.horizon}: must be at least 1, or None for no end")

    @property
    def span(self) -> int:
        """Latents in the widest call of a long video."""
        return self.context + self.window + (self.chunk if self.sink else 0)

    @property
    def width(self) -> int:
        """Chunks in the window.

        Raises:
            ScheduleError: the chunk does not divide the window.
        """
        if self.window % self.chunk:
            raise ScheduleError(f"window {self.window}: must be a multiple of the chunk, {self.chunk}")
        return self.window // self.chunk

    def endless(self) -> "Ramp":
        """Return the ramp that fills one window from clean to noise and goes on without end.

        Its lag is steps * chunk / window (PA-VDM, arXiv 2410.08151, section 3).

        Raises:
            ScheduleError: the numbers do not divide.
        """
        if self.steps * self.chunk % self.window:
            raise ScheduleError(
                f"steps {self.steps} with chunk {self.chunk} do not divide into a window of {self.window} "
                f"latents; the nearest valid numbers of steps are "
                f"{nearest(self.steps, self.window // math.gcd(self.window, self.chunk))}"
            )
        return replace(self, horizon=None, lag=self.steps // self.width)

    def start(self, chunk: int) -> int:
        """Row at which a chunk starts to move."""
        if self.horizon is None:
            return self.lag * chunk
        block, place = divmod(chunk, self.horizon)
        return block * self.block_rows + self.lag * place

    @property
    def block_rows(self) -> int:
        """Rows from the start of a block to the start of the next; its horizon must be set."""
        assert self.horizon
        return self.steps + self.lag * (self.horizon - 1)

    def left(self, chunk: int, row: int) -> int:
        """Moves that a chunk has left before a row."""
        return min(max(self.steps - row + self.start(chunk), 0), self.steps)

    def level(self, left: float) -> float:
        """Noise level of a latent with so many moves left: the fraction of moves, curved and shifted."""
        return shifted((left / self.steps) ** self.curve, self.shift)


def shifted(level: float, shift: float) -> float:
    """Bend levels towards noise: s*t / (1 + (s - 1)*t), 0 -> 0 and 1 -> 1 (SD3, arXiv 2403.03206, section
    5.3).

    Written so that both ends are met exactly for every shift.
    """
    return shift * level / (1 - level + shift * level)


def nearest(number: int, unit: int) -> str:
    """Name the multiples of a unit next to a number."""
    below = number // unit * unit
    return " and ".join(str(n) for n in (below, below + unit) if n)
