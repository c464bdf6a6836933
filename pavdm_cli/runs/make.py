"""One run from its folder to its files: what it goes on from, its journals, and the stream between them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pavdm_cli import __version__
from pavdm_cli.media import beginning, reader
from pavdm_cli.media.encoder import Progress, intact
from pavdm_cli.media.writer import partial_of
from pavdm_cli.models import library
from pavdm_cli.models.pipeline import Pipeline
from pavdm_cli.runs import joint, places, timeline
from pavdm_cli.runs import plan as plans
from pavdm_cli.runs import settings as texts
from pavdm_cli.runs.film import Begun, Film, Look
from pavdm_cli.runs.given import Given
from pavdm_cli.runs.journal import Journal, State
from pavdm_cli.runs.machine import Machine
from pavdm_cli.runs.order import Order, Video
from pavdm_cli.runs.past import Latents, check
from pavdm_cli.runs.settings import Settings
from pavdm_cli.runs.store import Run
from pavdm_cli.runs.stream import Chunk, Clock, Position, stream
from pavdm_cli.sampling import schedule
from pavdm_cli.sampling.loop import Window


@dataclass(frozen=True)
class Group:
    """A group of videos made side by side, and its number in the run."""

    number: int
    videos: tuple[Video, ...]


class Session:
    """The making of one group: `chunks` yields what is made, journals it and writes it to `film`.

    What the journal and the files hold already is gone on from. Use `film` as the context around `chunks`.
    smaller: the chunk of attention to go on with, where the device lacked memory before; it goes into every
    state, so that what is made again after a stop is made as it was.

    Raises:
        RunError: the journal cannot be written, or the file that the film goes on from is gone.
        VideoError: the beginning of a file cannot be made.
    """

    def __init__(
        self,
        run: Run,
        order: Order,
        machine: Machine,
        group: Group,
        pipeline: Pipeline,
        given: Given | None,
        smaller: int | None = None,
    ) -> None:
        self._run, self._order, self._group, self._machine = run, order, group, machine
        self._pipeline, self._given = pipeline, given
        past = given.past if given else None
        self.request = plans.request(order, group.videos, past)
        shape = (len(group.videos), *pipeline.latent_shape)
        self._journal = Journal(run.folder / str(group.number), shape, self.request.given)
        state = self._journal.state
        self._smaller = state.smaller if state else smaller
        pipeline.attend(self._smaller or machine.attention_chunk)
        self._latents = Latents(given.log if given else None, self._journal.log)
        self._hidden = past.hidden if past else 0
        self.clock = Clock()
        self._first: list[NDArray[np.uint8]] = []
        self._paths = [video.path for video in group.videos]
        self._look = Look(
            size=order.model.size, fps=order.model.fps, scale=order.scale, quality=order.quality
        )
        if not self.finished and self._published():
            self._journal.finish()
        if not self.finished:
            places.check(run, self._paths, self.settings)
            self.film = self._film(order, given, run)
            self.position = self._position()

    @property
    def settings(self) -> list[Settings]:
        """What is stored in each file."""
        name = f"{self._run.name}/{self._group.number}"
        machine = self._machine
        if self.smaller is not None:
            machine = replace(machine, attention_chunk=self.smaller)
        return [
            _settings(self._order, machine, video, self._given, f"{name}/{i}")
            for i, video in enumerate(self._group.videos)
        ]

    @property
    def smaller(self) -> int | None:
        """The chunk of attention that is gone on with since the device lacked memory."""
        return self._smaller

    @property
    def finished(self) -> bool:
        """Whether this group's files are made."""
        return self._journal.finished

    def chunks(self) -> Iterator[Chunk]:
        """Yield finished video, after it is journaled and written; first what the files do not hold yet.

        Raises:
            RunError, VideoError: the disk or ffmpeg fails.
        """
        for chunk in stream(self._pipeline, self.request, self.clock, self.position):
            if chunk.index == self.request.given + self._journal.log.count:
                second = chunk.first // self._look.fps
                self._journal.keep(self._state(chunk.index + 1), chunk.latent, second)
                self._tell_chunk()
                self.clock.lap("journal")
            self.film.add(chunk)
            self._watch(chunk)
            yield chunk

    def jump(self, video: int) -> float | None:
        """Return how the frames at the joint differ over how those beside it do; None where none was made."""
        if self._given is None or not self._first:
            return None
        return joint.jump(self._given.tail, np.concatenate(self._first, axis=1)[video])

    def _watch(self, chunk: Chunk) -> None:
        """Keep the first new frames, to be held against the old ones at the end."""
        new = self._given.past.frames if self._given else 0
        follows = bool(self._first) or chunk.first <= new < chunk.first + chunk.frames.shape[1]
        if follows and chunk.first < new + joint.AROUND:
            self._first.append(chunk.frames[:, max(new - chunk.first, 0) :])

    def finish(self) -> None:
        """Mark the group as made, once its files are."""
        self._journal.finish()

    def _state(self, done: int) -> State:
        videos = tuple(writer.progress for writer in self.film.writers)
        return State(self.position.window, done, videos, self.position.smaller)

    def _published(self) -> bool:
        """Whether an earlier process made the files and died before it could say so.

        What they grew in is removed, if that is still there.
        """
        state = self._journal.state
        if state is None or state.done < self.request.latents(self._pipeline.config.timing):
            return False
        made = all(places.holds(path, own) for path, own in zip(self._paths, self.settings, strict=True))
        for path in self._paths if made else ():
            partial_of(path).unlink(missing_ok=True)
        return made

    def _film(self, order: Order, given: Given | None, run: Run) -> Film:
        earlier = self._journal.state.videos if self._journal.state else ()
        sound = run.folder / "sound.mp4"
        begun = [
            Begun(
                after=self._begun(order, given, path, earlier[i] if i < len(earlier) else None),
                sound=sound if sound.exists() else None,
                attached=partial(self._latents.packed, i),
            )
            for i, path in enumerate(self._paths)
        ]
        tags = [texts.stored(one) for one in self.settings]
        old = given.past.frames - given.past.hidden if given else 0
        walks = self.settings[0].walks
        turns = [timeline.ALWAYS] if walks else timeline.turns(order.cues, order.blend)
        return Film(self._paths, self._look, tags, self.clock, begun, self._hidden, old, turns)

    def _begun(
        self, order: Order, given: Given | None, path: Path, earlier: Progress | None
    ) -> Progress | None:
        """Return how far a file has come: as the journal says, if it is as it was; else made anew."""
        growing, model = partial_of(path), order.model
        if (
            earlier
            and intact(growing, earlier)
            and beginning.goes_on(growing, model.size, model.fps, order.scale, order.quality)
        ):
            return earlier
        if given is None or given.past.frames == given.past.hidden:
            return None
        return _beginning(order, given, growing)

    def _position(self) -> Position:
        state, given = self._journal.state, self._given
        device = self._pipeline.place.device
        if state:
            held = {k: latent.to(device) for k, latent in state.window.latents.items()}
            window = Window(held, dict(state.window.level), state.window.row)
        else:
            window = Window.given({k: self._latent(k).to(device) for k in self._needed()})
        position = Position(
            window=window,
            done=state.done if state else self.request.given,
            shown=self._hidden + min(writer.frames_written for writer in self.film.writers),
            latent=self._latent,
            correction=given.past.correction if given else (),
            mends=True,
            smaller=self._smaller,
        )
        return position

    def _tell_chunk(self) -> None:
        """Store a smaller chunk of attention in the files, from the first latent made with it."""
        if self.position.smaller == self._smaller:
            return
        self._smaller = self.position.smaller
        for writer, settings in zip(self.film.writers, self.settings, strict=True):
            writer.tags = texts.stored(settings)

    def _needed(self) -> Sequence[int]:
        """Return the given latents that a step may show: the last ones, and the sink.

        A queue is as long as there are steps, and what stands in it is seen with its context.
        """
        given, ramp = self.request.given, self.request.ramp
        first = max(given - max(self._pipeline.span, ramp.steps + ramp.span), 0)
        return [*range(min(ramp.chunk, first) if ramp.sink else 0), *range(first, given)]

    def _latent(self, index: int) -> Tensor:
        return torch.from_numpy(self._latents.read(index)).float()

    def start(self) -> None:
        """Write the first state, so that a file's beginning need not be made twice."""
        if self._journal.state is None:
            self._journal.save(self._state(self.position.done), flush=True)


def _beginning(order: Order, given: Given, growing: Path) -> Progress:
    """Put the old frames into a growing file: as they are, or encoded where they must be.

    Raises:
        RunError: the file they are in is gone or another.
        VideoError: it cannot be read, or the growing file cannot be written.
    """
    source, model = order.source, order.model
    assert source is not None
    check(source)
    size = (model.size[0] * order.scale, model.size[1] * order.scale)
    frames = given.past.frames - given.past.hidden
    if not source.encode and beginning.goes_on(
        source.path, model.size, model.fps, order.scale, order.quality
    ):
        return beginning.copy(source.path, growing, frames)
    old = _first(reader.fitted(source.path, size, model.fps), frames)
    return beginning.encode(old, growing, size, model.fps, order.quality)


def _first(chunks: Iterator[NDArray[np.uint8]], frames: int) -> Iterator[NDArray[np.uint8]]:
    for chunk in chunks:
        yield chunk[:frames]
        frames -= len(chunk)
        if frames <= 0:
            return


def _settings(order: Order, machine: Machine, video: Video, given: Given | None, run: str) -> Settings:
    """Return the settings that are stored in a video's file."""
    past = given.past if given else None
    return Settings(
        prompt=video.prompt,
        cues=order.cues,
        blend=order.blend,
        seed=video.seed,
        first=past.frames if past else 0,
        frames=order.frames + (past.frames if past else 0),
        schedule=schedule.spelled(order.schedule, order.ramp),
        guidance=order.guidance,
        negative=order.negative,
        model=library.lasting(order.asked_model, order.folder),
        weights=machine.weights,
        vae=machine.vae,
        scale=order.scale,
        quality=order.quality,
        device=machine.device,
        dtype=machine.dtype,
        threads=machine.threads,
        attention_chunk=machine.attention_chunk,
        deterministic=machine.deterministic,
        torch=machine.torch,
        pavdm=__version__,
        run=run,
        hidden=past.hidden if past else 0,
        shift=past.shift if past else 0,
        correction=past.correction if past else (),
        foreign=past.foreign if past else "",
        size=order.size,
        fps=order.fps,
        offload=order.offload,
        vae_tiling=order.vae_tiling,
        frames_per_latent=order.model.timing.each,
        missing=order.model.timing.missing,
        earlier=past.earlier if past else (),
    )
