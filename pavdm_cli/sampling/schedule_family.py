"""Every way of rolling a long video, as schedules: functions from a length and a ramp to the model calls.

Most say only which latents a row shows; `View` looks up their levels in the one formula of
`schedule_ramp`. A latent beside the moving ones is context: clean or noised anew, and never changed.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from pavdm_cli.errors import ScheduleError
from pavdm_cli.sampling.schedule_ramp import Ramp, Step, nearest


def progressive(latents: int, ramp: Ramp, given: int = 0) -> Iterator[Step]:
    """Fill a window, slide it, drain it: levels rise along it from nearly clean to noise.

    PA-VDM, arXiv 2410.08151, section 3: the window grows chunk by chunk, and shrinks again at the end.
    """
    return _roll(View(ramp.endless(), given), latents)


def rolling(latents: int, ramp: Ramp, given: int = 0) -> Iterator[Step]:
    """Slide a window that is always full: latents wait in it at the start and leave it unused at the end.

    Rolling Diffusion, arXiv 2402.09470: one latent a shift, w/W + t clipped as the start.
    """
    return _roll(View(replace(ramp, chunk=1).endless(), given), latents, always_full=True)


def queue(latents: int, ramp: Ramp, given: int = 0) -> Iterator[Step]:
    """Slide a window that is full from the start because a clip, noised to the ramp, stands in it.

    A given clip is noised anew for every call and stays what it is, which PA-VDM's released sampler makes
    again instead. Without one, the clip is made by full-sequence diffusion first (Meta-ARVDM, arXiv
    2503.10704, section 3, initialisation).
    """
    ramp = ramp.endless()
    clip = 0 if given else min(ramp.window, latents)
    view = View(ramp, given, ahead=max(math.ceil(clip / ramp.chunk) - 1, 0))
    return _after_clip(view, clip, _roll(view, latents, oldest=0))


def fifo(latents: int, ramp: Ramp, given: int = 0) -> Iterator[Step]:
    """Push latents one by one through a queue of as many as there are steps, seen a window at a time.

    FIFO-Diffusion, arXiv 2405.11473: windows go from the back of the queue to its front (latent
    partitioning); each moves `window` latents and shows `context` before them, live ones where there are
    some: look-ahead is a context as long as the window. The start is one clip made by full-sequence
    diffusion, without the copies of its first frame whose results are thrown away. The published sampler
    draws noise in every move; here the ramp says in which (`renoise_above`).

    Raises:
        ScheduleError: the window does not divide the steps.
    """
    if ramp.steps % ramp.window:
        raise ScheduleError(
            f"steps {ramp.steps}: the queue is not cut into windows of {ramp.window} latents; the nearest "
            f"valid numbers of steps are {nearest(ramp.steps, ramp.window)}"
        )
    clip = 0 if given else min(ramp.window + ramp.context, ramp.steps, latents)
    view = View(replace(ramp, chunk=1, horizon=None, lag=1), given, ahead=max(clip - 1, 0))
    return _after_clip(view, clip, _partitions(view, latents))


def full_sequence(latents: int, ramp: Ramp, given: int = 0) -> Iterator[Step]:
    """Move every latent at once, all at one level: ordinary video diffusion."""
    horizon = max(math.ceil((latents - given) / ramp.chunk), 1)
    return _blocks(View(replace(ramp, horizon=horizon, lag=0), given), latents)


def autoregressive(latents: int, ramp: Ramp, given: int = 0) -> Iterator[Step]:
    """Finish one chunk after the other, each from noise, seeing the clean ones before it."""
    return _blocks(View(replace(ramp, horizon=1, lag=0), given), latents)


def replacement(latents: int, ramp: Ramp, given: int = 0) -> Iterator[Step]:
    """Finish one window after the other; each sees the clean end of the last, its overlap.

    The baseline that PA-VDM calls replacement without noise (arXiv 2410.08151, section 4.1).
    """
    return _blocks(View(replace(ramp, horizon=ramp.width, lag=0), given), latents)


def replacement_noised(latents: int, ramp: Ramp, given: int = 0) -> Iterator[Step]:
    """Finish one window after the other; each sees the end of the last noised to its own level.

    The baseline that PA-VDM calls replacement with noise (arXiv 2410.08151, section 4.1).
    """
    return _blocks(View(replace(ramp, horizon=ramp.width, lag=0), given), latents, own_level=True)


def pyramid(latents: int, ramp: Ramp, given: int = 0) -> Iterator[Step]:
    """Finish one window after the other, its chunks in turn, `lag` rows apart; all of it is always shown.

    Diffusion Forcing, arXiv 2407.01392: the context before it is shown at a small, stabilising level. Lag 0
    is replacement, a lag of `steps` autoregressive.
    """
    return _blocks(View(replace(ramp, horizon=ramp.width), given), latents)


@dataclass(frozen=True)
class View:
    """Shows rows of a ramp as steps.

    given: latents that are there already. ahead: chunks of a clip that stands in the window before row 0,
    less one.
    """

    ramp: Ramp
    given: int
    ahead: int = 0

    @cached_property
    def levels(self) -> tuple[float, ...]:
        """Level by moves left."""
        return tuple(self.ramp.level(left) for left in range(self.ramp.steps + 1))

    def chunk(self, latent: int) -> int:
        """Number of a latent's chunk; given latents lie below 0."""
        return (latent - self.given) // self.ramp.chunk - self.ahead

    def first(self, chunk: int) -> int:
        """First latent of a chunk."""
        return self.given + (chunk + self.ahead) * self.ramp.chunk

    def left(self, latent: int, row: int) -> int:
        """Moves that a latent has left before a row."""
        return self.ramp.left(self.chunk(latent), row)

    def rows(self, latents: int) -> int:
        """Rows until the last of so many latents is clean."""
        return self.ramp.start(self.chunk(latents - 1)) + self.ramp.steps

    def step(
        self,
        row: int,
        window: range,
        keep: int,
        *,
        moved: range | None = None,
        context: int | None = None,
        context_level: float | None = None,
        clean: int | None = None,
    ) -> Step:
        """Show a window at its levels, the context before it, and the sink where it stands apart.

        moved: the latents of the window that move, all by default; given ones never do. clean: latents below
        this index are clean, by default those before the window.
        """
        ramp, moved = self.ramp, window if moved is None else moved
        at = ramp.context_level if context_level is None else context_level
        begin = max(window.start - (ramp.context if context is None else context), 0)
        sink = min(ramp.chunk, begin, window.start if clean is None else clean) if ramp.sink else 0
        beside = (*range(sink), *range(begin, window.start))
        now = tuple(self.levels[self.left(k, row)] for k in window)
        after = tuple(
            self.levels[self.left(k, row + 1)] if k in moved and k >= self.given else level
            for k, level in zip(window, now, strict=True)
        )
        return Step(
            latents=(*beside, *window),
            positions=(*range(-sink, 0), *range(window.stop - begin)),
            level=(*(at,) * len(beside), *now),
            next=(*(at,) * len(beside), *after),
            keep=max(keep, 0),
            renoise_above=ramp.renoise_above,
        )


def _roll(
    view: View, latents: int, *, oldest: int | None = None, always_full: bool = False
) -> Iterator[Step]:
    """Show what is between its start and clean, from `oldest` on; or always a full window, the end's too."""
    ramp, least = view.ramp, view.given if oldest is None else oldest

    def window(row: int) -> range:
        begin = min(max(view.first((row - ramp.steps) // ramp.lag + 1), least), latents)
        return range(
            begin, begin + ramp.window if always_full else min(view.first(row // ramp.lag + 1), latents)
        )

    return _rows(view, latents, window)


def _blocks(view: View, latents: int, *, own_level: bool = False) -> Iterator[Step]:
    """Show one block after the other; own_level: the context before it at the block's own level."""
    ramp = view.ramp
    assert ramp.horizon
    width = ramp.horizon * ramp.chunk

    def window(row: int) -> range:
        begin = view.given + row // ramp.block_rows * width
        return range(begin, min(begin + width, latents))

    return _rows(view, latents, window, own_level)


def _rows(
    view: View, latents: int, window: Callable[[int], range], own_level: bool = False
) -> Iterator[Step]:
    """Yield a step a row, each showing what `window` says; what the next row does not need is let go."""
    rows, context = view.rows(latents), view.ramp.context
    for row in range(rows):
        shown = window(row)
        later = window(row + 1).start if row + 1 < rows else latents
        level = view.levels[view.left(shown.start, row)] if own_level else None
        yield view.step(row, shown, later - context, context_level=level)


def _partitions(view: View, latents: int) -> Iterator[Step]:
    """Shift a queue of `steps` latents by one; before that, move all of it, a window a call from the back."""
    ramp, joins = view.ramp, view.first(0)
    for row in range(view.rows(latents)):
        end = joins + row + 1
        oldest = max(end - ramp.steps, 0)
        front = max(oldest, view.given)
        for stop in range(end, end - ramp.steps, -ramp.window):
            moved = range(max(stop - ramp.window, front), min(stop, latents))
            if not moved:
                continue
            shown = range(max(moved.start - ramp.context, oldest), moved.stop)
            later = oldest + (moved.start == front and end >= ramp.steps)
            yield view.step(
                row,
                shown,
                later - ramp.context,
                moved=moved,
                context=ramp.context - (moved.start - shown.start),
                clean=front,
            )


def _after_clip(view: View, clip: int, steps: Iterator[Step]) -> Iterator[Step]:
    """Make a clip by full-sequence diffusion, noise it to the levels it has before row 0, and go on."""
    if clip:
        ramp = view.ramp
        whole = View(replace(ramp, horizon=math.ceil(clip / ramp.chunk), lag=0), view.given)
        for row in range(ramp.steps - 1):
            yield whole.step(row, range(clip), 0)
        last = whole.step(ramp.steps - 1, range(clip), 0)
        yield replace(last, next=tuple(view.levels[view.left(k, 0)] for k in range(clip)), renoise_above=0)
    yield from steps
