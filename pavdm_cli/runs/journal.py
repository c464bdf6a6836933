"""What is kept of a group of videos while it is made: the state of the loop, and the log of its latents.

The state is small and replaced as a whole after every latent; a second copy of it, and the log, are flushed
to the disk once a second of video. Whatever is damaged is found out by its checksum, and the newest state
that the log still reaches is used. Without any, all begins anew: every path makes the same frames.
"""

import errno
import json
import struct
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load as from_bytes
from safetensors.torch import save as to_bytes
from torch import Tensor

from pavdm_cli import whole
from pavdm_cli.errors import ConfigError, RunError
from pavdm_cli.media.encoder import Progress
from pavdm_cli.models.config import parse
from pavdm_cli.runs.latents import LatentLog
from pavdm_cli.sampling.loop import Window

MAGIC = b"pavdmst1"
CHECK = struct.Struct("<8sI")
STATES = ("state", "state.flushed")


@dataclass(frozen=True)
class Facts:
    """Numbers of a state. row: calls made. done: latents finished or given. index, level: of each latent in
    the window. videos: how far each file had come. smaller: see `State`."""

    row: int
    done: int
    index: tuple[int, ...]
    level: tuple[float, ...]
    videos: tuple[Progress, ...]
    smaller: int | None = None

    def __post_init__(self) -> None:
        least = min(self.row, self.done, *self.index, 0 if self.smaller is None else self.smaller - 1)
        if least < 0 or len(self.index) != len(self.level):
            raise ConfigError("no state has these numbers")


@dataclass(frozen=True)
class State:
    """The window of the loop, and how far latents and files had come.

    smaller: the chunk of attention that is gone on with since the device lacked memory.
    """

    window: Window
    done: int
    videos: tuple[Progress, ...]
    smaller: int | None = None


class Journal:
    """The journal of one group of videos, in a folder of its own.

    given: latents that were there before the first of its own.
    """

    def __init__(self, folder: Path, shape: tuple[int, int, int, int], given: int = 0) -> None:
        self.folder, self.given = folder, given
        self._second = -1
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _failed(folder, error) from error
        log = LatentLog.open(folder / "latents")
        if log is None or log.shape != shape:
            log = LatentLog.create(folder / "latents", shape)
        self.log = log
        self.state = newest(folder, given, log.count)
        log.cut(self.state.done - given if self.state else 0)

    @property
    def finished(self) -> bool:
        """Whether the group's videos are all made."""
        return (self.folder / "finished").exists()

    def keep(self, state: State, latent: Tensor, second: int) -> None:
        """Keep the latent just finished, (B, C, h, w) with values of fp16, and the state after it.

        Both are flushed to the disk with the first latent of each second of video.

        Raises:
            RunError: the disk is full or fails.
        """
        assert state.done == self.given + self.log.count + 1
        flush, self._second = second != self._second, second
        self.log.append(latent.half().cpu().numpy())
        if flush:
            self.log.flush()
        self.save(state, flush=flush)

    def save(self, state: State, *, flush: bool) -> None:
        """Replace the state; with `flush`, wait until it is on the disk.

        Raises:
            RunError: the disk is full or fails.
        """
        data = packed(state)
        for name in STATES if flush else STATES[:1]:
            path = self.folder / name
            try:
                whole.write(path, data, flush=name != STATES[0])
            except OSError as error:
                raise _failed(path, error) from error

    def finish(self) -> None:
        """Mark the group as made; its latents stay, its state is not needed any more."""
        try:
            (self.folder / "finished").touch()
        except OSError as error:
            raise _failed(self.folder, error) from error
        for name in STATES:
            (self.folder / name).unlink(missing_ok=True)


def newest(folder: Path, given: int, logged: int) -> State | None:
    """Return the newest whole state whose latents are all in the log."""
    states = [state for name in STATES if (state := _load(folder / name))]
    reached = [state for state in states if given <= state.done <= given + logged]
    return max(reached, key=lambda state: (state.done, state.window.row), default=None)


def packed(state: State) -> bytes:
    """Return a state as it is stored."""
    index = sorted(state.window.latents)
    facts = Facts(
        state.window.row,
        state.done,
        tuple(index),
        tuple(state.window.level[k] for k in index),
        state.videos,
        state.smaller,
    )
    latents = {str(k): state.window.latents[k].detach().cpu().contiguous() for k in index}
    body = to_bytes(latents, {"facts": json.dumps(asdict(facts))})
    return CHECK.pack(MAGIC, zlib.crc32(body)) + body


def unpacked(data: bytes) -> State | None:
    """Read a state; None if it is damaged."""
    if len(data) < CHECK.size:
        return None
    magic, crc = CHECK.unpack_from(data)
    body = data[CHECK.size :]
    if magic != MAGIC or crc != zlib.crc32(body):
        return None
    try:
        (length,) = struct.unpack_from("<Q", body)
        header = json.loads(body[8 : 8 + length])
        facts = parse(Facts, json.loads(header["__metadata__"]["facts"]))
        found = from_bytes(body)
        latents = {k: found[str(k)] for k in facts.index}
    except (SafetensorError, ConfigError, ValueError, KeyError, TypeError, struct.error, RecursionError):
        return None
    window = Window(latents, dict(zip(facts.index, facts.level, strict=True)), facts.row)
    return State(window, facts.done, facts.videos, facts.smaller)


def _load(path: Path) -> State | None:
    try:
        return unpacked(path.read_bytes())
    except OSError:
        return None


def _failed(path: Path, error: OSError) -> RunError:
    reason = "the disk is full" if error.errno == errno.ENOSPC else error.strerror
    return RunError(f"{path}: {reason}; free some space or correct it, then go on with 'pavdm resume'")
