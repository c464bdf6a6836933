"""Carrying out an order: its run on disk, the model, the videos group by group, and what is said of it."""

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from pavdm_cli.cli import order as orders
from pavdm_cli.cli import output, report, walk
from pavdm_cli.cli.output import Output
from pavdm_cli.errors import DeviceError, PavdmError
from pavdm_cli.runs import store
from pavdm_cli.runs.order import Order, Video
from pavdm_cli.runs.store import Run

if TYPE_CHECKING:  # these import torch or numpy
    from pavdm_cli.drift.report import Summary
    from pavdm_cli.models.card import ModelConfig
    from pavdm_cli.models.pipeline import Pipeline
    from pavdm_cli.models.scenes import Reading
    from pavdm_cli.runs.film import Film
    from pavdm_cli.runs.make import Session

STRANGE = 6
"""Words that a model was not trained on that are named, at most."""


@dataclass(frozen=True)
class Made:
    """A finished video: wall seconds of its group, split by what they went to; drift, if it can be told.

    frames: made here, by this process. jump: the change where old and new frames meet, over that beside it.
    """

    video: Video
    frames: int
    seconds: float
    spent: dict[str, float]
    settings: dict[str, object]
    drift: "Summary | None"
    jump: float | None = None


def begin(out: Output, order: Order, run_dir: Path | None, *, dry_run: bool, stats: bool) -> list[Made]:
    """Carry out a new order, as a run that can be gone on with; or say how it would go."""
    walk.check_words(order)
    report.beginning(out, order)
    if dry_run:
        _plan(out, order)
        return []
    run = store.create(store.place(run_dir), order.asked, orders.slug(order.videos[0].prompt))
    return carry_out(out, order, run, stats=stats, fresh=True)


def carry_out(out: Output, order: Order, run: Run, *, stats: bool, fresh: bool = False) -> list[Made]:
    """Make what is still to be made of a run, and report. A fresh one that fails before a file or a
    latent is begun is removed."""
    films: list[Film] = []
    made: list[Made] = []
    with ExitStack() as held:
        try:
            held.enter_context(run.taken())
        except PavdmError:
            if fresh and run.status != "running":  # else another process goes on with it
                run.remove()
            raise
        try:
            with _stoppable(run, films), _memory_named():
                _make(out, order, run, films, made, stats=stats)
        except PavdmError:
            if run.latents() or run.begun:
                out.remark(f"pavdm resume {run.name}  goes on from where it stopped")
            elif fresh:
                run.remove()
            raise
    store.prune(run.folder.parent)
    report.ending(out, order, made)
    return made


def _plan(out: Output, order: Order) -> None:
    """Say what would be done, in what memory and time."""
    from pavdm_cli.models.pipeline import load  # torch loads here, a few seconds
    from pavdm_cli.runs import machine, plan
    from pavdm_cli.runs.plan import fit

    place = machine.asked(order)
    planned = plan.make(order, place)
    report.machine(out, order, planned, str(place))
    with _memory_named():
        pipeline = load(str(order.folder), place, fit(order, planned.attention_chunk), order.model)
        _remarks(out, order, pipeline)
        seconds, smaller = plan.estimate(order, planned, pipeline)
        if smaller is not None:
            _attends_less(out, smaller)
    report.time(out, order, seconds)
    report.dry(out, order, planned, seconds)


def _make(out: Output, order: Order, run: Run, films: "list[Film]", made: list[Made], *, stats: bool) -> None:
    from pavdm_cli.models.pipeline import load  # torch loads here, a few seconds
    from pavdm_cli.runs import machine, plan
    from pavdm_cli.runs.given import prepare
    from pavdm_cli.runs.make import Group, Session
    from pavdm_cli.runs.plan import fit

    earlier = machine.earlier(run)
    place = machine.take_up(earlier) if earlier else machine.asked(order)
    planned = plan.make(order, place, earlier)
    now = machine.found(
        place,
        order.folder,
        order.model,
        attention_chunk=planned.attention_chunk,
        deterministic=order.deterministic,
        abreast=planned.abreast,
    )
    if earlier:
        machine.check(earlier, now)
    else:
        run.record("machine.json", now)
    report.machine(out, order, planned, str(place))
    if earlier is None:  # else it was said, and the film gone on from may be gone
        report.weights(out, order, now.weights)
    pipeline = load(str(order.folder), place, fit(order, planned.attention_chunk), order.model)
    _remarks(out, order, pipeline)
    given = prepare(run, order, pipeline)
    report.joint(out, order, given)

    smaller = None
    if not out.talk.quiet:
        seconds, lacked = plan.estimate(order, planned, pipeline)
        report.time(out, order, seconds)
        if lacked is not None and earlier is None:  # else the film meets the lack itself, where it did before
            smaller = lacked
            _attends_less(out, smaller)
    for number, videos in enumerate(planned.groups):
        session = Session(run, order, now, Group(number, videos), pipeline, given, smaller)
        if not session.finished:
            films.append(session.film)
            made += _group(out, order, planned.calls, videos, session, stats=stats)
            smaller = session.smaller
    run.finish()


def _group(
    out: Output, order: Order, calls: int, videos: tuple[Video, ...], session: "Session", *, stats: bool
) -> list[Made]:
    """Make a group of videos side by side, and show how it goes."""
    from pavdm_cli.cli.display import Moment, display

    film = session.film
    for video, writer in zip(videos, film.writers, strict=True):
        out.line("file", f"{video.path}  (plays while it grows: {writer.partial})")
    begun, rows = time.monotonic(), session.position.window.row
    asked = session.smaller
    session.start()
    with film, display(out.talk, stats=stats) as show:
        for chunk in session.chunks():
            if session.smaller != asked:
                asked = session.smaller
                _attends_less(out, asked)
            passed = time.monotonic() - begun
            share = (chunk.calls - rows) / max(calls - rows, 1)
            left = passed * (1 / share - 1) if share else 0.0
            show(Moment(chunk.frames[0, -1], film, order.seconds, passed, left))
    session.finish()
    passed = time.monotonic() - begun
    return [
        Made(
            video,
            film.frames,
            passed,
            session.clock.seconds,
            dict(film.tags[i]),
            film.summary(i),
            session.jump(i),
        )
        for i, video in enumerate(videos)
    ]


def _remarks(out: Output, order: Order, pipeline: "Pipeline") -> None:
    """Say of prompts what is not read, what they are read as, and what of them the model may not show."""
    said = [*(video.prompt for video in order.videos), *(cue.text for cue in order.cues)]
    prompts = list(dict.fromkeys(said))
    text = pipeline.encode_text(prompts)
    limit = pipeline.max_tokens
    for i in text.truncated:
        out.remark(f"prompt {prompts[i]!r}: longer than {limit} tokens; its end is not read")
    if text.unknown:
        out.remark(f"words the text encoder does not know: {', '.join(dict.fromkeys(text.unknown))}")
    for prompt, taken in zip(prompts, pipeline.read(prompts), strict=True):
        if how := _taken(taken, order.model):
            out.remark(f"prompt {prompt!r}: {how}")


def _taken(taken: "Reading", model: "ModelConfig") -> str:
    """Say how a prompt is taken where that is not as it is written, and what may not show."""
    far = bool(taken.nearest) and taken.nearest[0][1] < model.far
    if taken.caption:
        how = f"far from what {model.name} knows; made as the nearest it can:" if far else "read as"
        usual = ", ".join(f"{attribute} {word}" for attribute, word in taken.usual)
        return f"{how} {taken.caption!r}" + (f"; not said, so as usual: {usual}" if usual else "")
    if far:
        known = "; ".join(f"{caption!r} ({cosine:.2f})" for caption, cosine in taken.nearest)
        return f"far from what {model.name} knows; nearest: {known}"
    if taken.strange:
        more = f" and {len(taken.strange) - STRANGE} more" if len(taken.strange) > STRANGE else ""
        named = ", ".join(taken.strange[:STRANGE])
        return f"words that {model.name} was not trained on, which may not show: {named}{more}"
    return ""


def _attends_less(out: Output, chunk: int | None) -> None:
    out.remark(f"the device has too little free memory for a call; going on with --attention-chunk {chunk}")


class Stopped(KeyboardInterrupt):
    """A signal that asks this program to end."""

    def __init__(self, number: int) -> None:
        self.number = number


@contextmanager
def _stoppable(run: Run, films: "list[Film]") -> Iterator[None]:
    """Turn Ctrl-C and signals to end into an exit code, after the partial files are whole and named.

    A file of a group may be finished already: then it has frames and no partial file any more. A signal that
    was ignored from outside (nohup) stays ignored.
    """

    def stop(number: int, _: object) -> None:
        raise Stopped(number)

    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    caught = [n for name in names if signal.getsignal(n := getattr(signal, name)) is signal.SIG_DFL]
    for number in caught:
        signal.signal(number, stop)
    try:
        yield
    except KeyboardInterrupt as interruption:
        for film in films:
            for writer in film.writers:
                if writer.frames_on_disk and not writer.partial.exists():
                    output.finished(writer.path)
                else:
                    output.stopped(writer.partial, writer.frames_on_disk, film.fps)
        output.resumable(run.name)
        number = interruption.number if isinstance(interruption, Stopped) else signal.SIGINT
        raise typer.Exit(128 + number) from None
    finally:
        for number in caught:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def _memory_named() -> Iterator[None]:
    """Turn CUDA's lack of memory into a DeviceError."""
    import torch

    try:
        yield
    except torch.OutOfMemoryError as error:
        raise DeviceError(
            "the device has too little free memory; stop other programs on it, give a smaller "
            "--attention-chunk, or use --device cpu"
        ) from error
