"""The ways of rolling that are held against each other, and what is changed about one of them at a time.

All are made from the model's usual settings: the ways show as many latents in a call as it does, and as many
for a second of video. Where a way cannot have that and as many moves as well, it has fewer moves; what it
does with all of them stands apart. A queue is seen in two windows at least, for in one it is progressive:
where the moves are no more than the window, it shows fewer latents in a call and has more calls.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pavdm_cli.errors import ConfigError, ScheduleError
from pavdm_cli.sampling import schedule
from pavdm_cli.sampling.schedule import Ramp, Size

Group = Literal["ways", "sinks", "moves", "changes"]
GROUPS: dict[Group, str] = {
    "ways": "ways of rolling, at equal cost",
    "sinks": "the same with the first chunk kept in view, in the place of as much context",
    "moves": "the ways that had fewer moves, with all of them",
    "changes": "progressive, changed in one thing",
}
BASE = "progressive"
"""What all others are held against."""
LONGER = "one-longer-window"
LONG = 400
"""Latents over which costs are compared: long enough for starts and ends not to matter."""


@dataclass(frozen=True)
class Variant:
    """One way of rolling. like: the way whose guidance it takes. trained: whether the span it shows is one
    the model knows. told: whether errors along its rows say what is its own: they do not know how moves are
    made."""

    name: str
    group: Group
    about: str
    schedule: str
    ramp: Ramp
    like: str
    trained: bool = True
    told: bool = True

    def spelled(self, usual: Ramp | None = None) -> str:
        """Write its schedule as `pavdm schedules show` reads it; of settings, those that are not usual."""
        return schedule.spelled(self.schedule, self.ramp, usual)

    def size(self, latents: int) -> Size:
        """Return what making so many latents costs."""
        return schedule.size(self.schedule, latents, self.ramp)

    @property
    def piece(self) -> int:
        """Latents that are made together."""
        return schedule.find(self.schedule).piece(self.ramp)


def variants(ramp: Ramp, span: int) -> tuple[Variant, ...]:
    """Return every variant of a model's usual settings that its numbers allow, no two alike.

    ramp: of its progressive schedule. span: latents in a call at most.
    """
    ways = [one for one in _ways(ramp, span) if _holds(one)]
    possible = (*ways, *_sinks(ways), *_moves(ways, ramp), *_changes(ramp))
    found = {(one.schedule, one.ramp): one for one in reversed(possible) if _holds(one)}
    return tuple(one for one in possible if found.get((one.schedule, one.ramp)) is one)


def chosen(all_: Sequence[Variant], only: str) -> tuple[Variant, ...]:
    """Return the variants, or groups of them, that are named with commas between; all where nothing is.

    Raises:
        ConfigError: there is none of that name.
    """
    names = [name.strip() for name in only.split(",") if name.strip()]
    known = [one.name for one in all_]
    unknown = [name for name in names if name not in (*known, *GROUPS)]
    if unknown:
        raise ConfigError(
            f"--only {', '.join(unknown)}: unknown; there are {', '.join(known)}; and groups of them: "
            f"{', '.join(GROUPS)}"
        )
    return tuple(one for one in all_ if not names or one.name in names or one.group in names)


def _ways(ramp: Ramp, span: int) -> list[Variant]:
    """Every way at the span of the model and at the cost of its progressive schedule."""
    window, steps = ramp.window, ramp.steps
    chunk = max(window // 3, ramp.chunk)
    parts = max(steps // window, 2)
    part, ahead = max(steps // parts, 1), max(steps * span // window // 2 // parts, 1)
    pyramid = _pyramid(ramp)
    whole = {"context": 0, "steps": round(steps * span / window)}

    def way(name: str, about: str, known: str, **changes: object) -> Variant:
        own = replace(ramp, **changes)  # type: ignore[arg-type]
        return Variant(name, "ways", about, known, own, like=name, trained=name != LONGER)

    return [
        way(BASE, "a ramp of levels slides along (PA-VDM)", "progressive"),
        way("rolling", "the same, its window full from the first call (Rolling Diffusion)", "rolling"),
        way("replacement", "window by window, after the clean end of the last", "replacement"),
        way("replacement-noised", "the same, that end noised to the window's level", "replacement-noised"),
        way(
            "autoregressive", f"chunks of {chunk}, each from noise, after all clean latents in view",
            "autoregressive", chunk=chunk, context=span - chunk, steps=max(steps * chunk // window, 1),
        ),
        way(
            "pyramid", "window by window, its chunks in turn (Diffusion Forcing)",
            "pyramid", **pyramid,
        ),
        way(
            "fifo", f"a queue of {steps} latents, seen in {parts} windows (FIFO-Diffusion)",
            "fifo", window=part, context=part * span // window - part,
        ),
        way(
            "fifo-ahead", "the same with half of every window only seen (look-ahead, as published)",
            "fifo", window=ahead, context=ahead, steps=ahead * parts,
        ),
        way(LONGER, "all latents at once, many times the span", "full-sequence", **whole),
    ]  # fmt: skip


def _pyramid(ramp: Ramp) -> dict[str, object]:
    """Return what makes a pyramid of as many calls as the ramp has moves.

    Of those calls a chunk waits in some for its turn; chunks are the smallest that move in half of them.
    """
    own: dict[str, object] = dict(schedule.SCHEDULES["pyramid"].own)
    lag = int(schedule.SCHEDULES["pyramid"].own["lag"])
    for chunk in (n for n in range(ramp.chunk, ramp.window + 1, ramp.chunk) if ramp.window % n == 0):
        steps = ramp.steps - lag * (ramp.window // chunk - 1)
        if 2 * steps >= ramp.steps:
            break
    return own | {"chunk": chunk, "steps": steps}


def _sinks(ways: Sequence[Variant]) -> list[Variant]:
    return [
        replace(
            one, name=f"{one.name}-sink", group="sinks", about="first chunk kept in view",
            ramp=replace(one.ramp, sink=True, context=one.ramp.context - one.ramp.chunk),
        )
        for one in ways
        if one.trained and one.ramp.context >= one.ramp.chunk
    ]  # fmt: skip


def _moves(ways: Sequence[Variant], ramp: Ramp) -> list[Variant]:
    return [
        replace(
            one, name=f"{one.name}-all-moves", group="moves", about=f"{ramp.steps} moves",
            ramp=replace(one.ramp, steps=ramp.steps),
        )
        for one in ways
        if one.trained and one.ramp.steps < ramp.steps
    ]  # fmt: skip


def _changes(ramp: Ramp) -> list[Variant]:
    """Progressive with one thing changed; where that leaves room in the span, the room stays empty."""

    def change(name: str, about: str, **changes: object) -> Variant:
        own = replace(ramp, **changes)  # type: ignore[arg-type]
        told = set(changes) != {"renoise_above"}
        return Variant(name, "changes", about, "progressive", own, like=BASE, told=told)

    return [
        change("ramp-straight", "levels not bent towards noise (shift 1)", shift=1.0),
        change("ramp-bent", f"levels bent twice as much (shift {2 * ramp.shift:g})", shift=2 * ramp.shift),
        change("ramp-low", "more moves near clean (curve 2)", curve=2.0),
        change("ramp-high", "more moves near noise (curve 0.5)", curve=0.5),
        change("context-0.02", "context shown at level 0.02", context_level=0.02),
        change("context-0.1", "context shown at level 0.1", context_level=0.1),
        change("no-context", "nothing clean in view", context=0),
        change("half-moves", f"{ramp.steps // 2} moves", steps=ramp.steps // 2),
        change("double-moves", f"{2 * ramp.steps} moves", steps=2 * ramp.steps),
        change("moves-noised", "every move noises its clean value anew", renoise_above=0.0),
        change("moves-noised-high", "moves that end above level 0.45 do", renoise_above=0.45),
    ]


def _holds(one: Variant) -> bool:
    """Tell whether the numbers divide as the schedule needs them to."""
    try:
        one.size(1)
    except ScheduleError:
        return False
    return True
