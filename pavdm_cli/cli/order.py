"""What was asked for, checked as far as it can be before torch or a model is loaded."""

import os
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import cast, get_args

from pavdm_cli.errors import ConfigError, DeviceError, why_unread
from pavdm_cli.media import reader
from pavdm_cli.media.writer import check_output, partial_of
from pavdm_cli.models import library
from pavdm_cli.models.card import ModelConfig
from pavdm_cli.models.names import DeviceName, DtypeName, Offload
from pavdm_cli.runs import settings
from pavdm_cli.runs import timeline as timelines
from pavdm_cli.runs.order import Source, Video
from pavdm_cli.runs.settings import Settings
from pavdm_cli.runs.timeline import BLEND, Cue, Timeline
from pavdm_cli.sampling import schedule
from pavdm_cli.sampling.schedule import Ramp

SECONDS = 10.0
LONGEST = 24 * 3600  # seconds
QUALITY = 18
LINES = 512  # pixels: the height a video is enlarged to, about
OUTPUTS = Path("outputs")
FOLDER_ENDS = tuple({"/", os.sep})
LARGEST_SEED = 2**63 - 1
SLUG = 60  # letters of the prompt in a file's name
DEVICES = get_args(DeviceName)
DTYPES = get_args(DtypeName)


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What a person set, and None for what not."""

    prompt: str | None = None
    cues: tuple[Cue, ...] | None = None
    blend: float | None = None
    model: str | None = None
    frames: int | None = None
    seed: int | None = None
    guidance: float | None = None
    negative: str | None = None
    schedule: str | None = None
    scale: int | None = None
    quality: int | None = None
    size: tuple[int, int] | None = None
    fps: int | None = None

    def like(self, own: Settings | None, *, led: bool = False) -> "Wishes":
        """Take what was not set from the settings of a video; the prompt goes with its cues, and, where new
        actions lead, the length with them. What is a model's own is not taken over to another.

        Raises:
            CheckpointError: there is no such model.
        """
        if own is None:
            return self
        names = {f.name for f in fields(self) if getattr(self, f.name) is None}
        if self.model and library.lasting(self.model, library.find(self.model)) != own.model:
            names -= {"schedule", "guidance", "scale"}
        names -= {"cues"} if self.prompt is not None else set()
        names -= {"frames"} if led else set()
        names -= {"blend"} if not own.cues else set()
        return replace(self, **{name: getattr(own, name) for name in names})

    def within(self, seconds: float, typed: Sequence[Cue]) -> "Wishes":
        """Leave out the cues of a video like this that one of so many seconds does not come to.

        Raises:
            ConfigError: one that was typed lies at its end or behind it.
        """
        check_cues(typed, seconds)
        return replace(self, cues=tuple(cue for cue in self.cues or () if cue.at < seconds))


def prompts(prompt: str | None, file: Path | None, example: str = "a red ball bouncing") -> list[str]:
    """Return the prompts asked for: the one given, or the lines of a file.

    Raises:
        ConfigError: both, neither or an empty one was given, or the file cannot be read.
    """
    if file is not None:
        if prompt is not None:
            raise ConfigError(f"a prompt and --prompts {file} were given; give one of them")
        try:
            lines = [line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines()]
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"--prompts {file}: cannot be read ({why_unread(error)}); give a text file"
            ) from error
        if not any(lines):
            raise ConfigError(f"--prompts {file}: no prompt in it; write one a line")
        return [line for line in lines if line]
    if prompt is None or not prompt.strip():
        raise ConfigError(f"the prompt is empty; say what is to be seen, for example {example!r}")
    return [prompt.strip()]


def timeline(at: Sequence[str] | None, file: Path | None, blend: float | None) -> Timeline:
    """Read --at, --timeline and --blend into one timeline.

    Raises:
        ConfigError: one is wrong, or two prompts stand at the same time.
    """
    found = Timeline(None, (), None) if file is None else timelines.read(file)
    cues = timelines.ordered([*found.cues, *(timelines.cue(text) for text in at or ())])
    return Timeline(found.prompt, cues, found.blend if blend is None else blend)


def check_cues(cues: Sequence[Cue], seconds: float) -> None:
    """Hold the times of cues against the length of the video.

    Raises:
        ConfigError: one lies at its end or behind it.
    """
    for cue in cues:
        if cue.at >= seconds:
            raise ConfigError(
                f"--at {cue.at:g}s: the video ends at {seconds:g} s; give an earlier time, or more --seconds"
            )


def videos(
    wanted: Sequence[str], count: int, seed: int | None, output: str | None, force: bool
) -> tuple[Video, ...]:
    """Give every video its seed and its file: `count` of each prompt, their seeds counting up.

    An output that ends in a slash or is a folder already is a folder.

    Raises:
        ConfigError: the count is below one, the seed out of range, or several videos were to go to one file.
        VideoError: a file exists already, without `force`, or could not be written.
    """
    if count < 1:
        raise ConfigError(f"--count {count}: must be at least 1")
    first = first_seed(seed)
    pairs = [(prompt, first + i) for prompt in wanted for i in range(count)]
    folder = OUTPUTS if output is None else Path(output)
    if output is not None and not output.endswith(FOLDER_ENDS) and not os.path.isdir(folder):
        if len(pairs) == 1:
            check_output(folder, force)
            return (Video(*pairs[0], folder),)
        if folder.suffix:
            raise ConfigError(f"--output {output}: one file for {len(pairs)} videos; give a folder")
    made: list[Video] = []
    for prompt, number in pairs:
        path = free(folder, f"{slug(prompt)}-{number}", force, {video.path for video in made})
        check_output(path, force)
        made.append(Video(prompt, number, path))
    return tuple(made)


def likeness(path: Path) -> Settings:
    """Return the settings stored in a video.

    Raises:
        VideoError: it is no video.
        ConfigError: pavdm did not make it, or its settings are gone.
    """
    found = settings.read(reader.tags(path))
    if found is None:
        raise ConfigError(f"{path}: no settings of pavdm are stored in it; 'pavdm generate' needs a prompt")
    return found


def first_seed(seed: int | None) -> int:
    """Return the seed asked for, or a random one.

    Raises:
        ConfigError: it is out of range.
    """
    if seed is not None and not -1 <= seed <= LARGEST_SEED:
        raise ConfigError(f"--seed {seed}: must be from 0 to {LARGEST_SEED}, or -1 for a random one")
    return secrets.randbelow(2**31) if seed is None or seed == -1 else seed


def slug(prompt: str) -> str:
    """Return a prompt as part of a file's name: small letters, digits and dashes."""
    words = "".join(char if char.isalnum() else " " for char in prompt.lower()).split()
    return "-".join(words)[:SLUG].strip("-") or "video"


def frames(seconds: float | None, count: int | None, fps: int) -> int:
    """Return the length of a video in frames, asked for in seconds or in frames.

    Raises:
        ConfigError: both were given, or the length is not above zero and at most a day.
    """
    if seconds is not None and count is not None:
        raise ConfigError(f"--seconds {seconds:g} and --frames {count} were given; give one of them")
    if count is not None:
        said, length = f"--frames {count}", count / fps
    else:
        length = SECONDS if seconds is None else seconds
        said = f"--seconds {length:g}"
    if not 0 < length <= LONGEST:
        raise ConfigError(
            f"{said}: a video is longer than nothing and at most {LONGEST} seconds (24 hours) long"
        )
    return max(round(length * fps), 1)


def ramp(text: str, steps: int | None, default: Ramp) -> tuple[str, Ramp]:
    """Read --schedule and --steps into a schedule's name and its ramp.

    Raises:
        ScheduleError: an unknown name or key, a wrong value, or numbers that do not go together.
    """
    if steps is not None:
        text += f"{',' if ':' in text else ':'}steps={steps}"
    return schedule.parse(text, default)


def attention_chunk(text: str) -> int | None:
    """Read --attention-chunk: a number of queries, or None for auto.

    Raises:
        ConfigError: it is neither.
    """
    if text == "auto":
        return None
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise ConfigError(f"--attention-chunk {text!r}: must be auto, or a number of at least 1")
    return int(text)


def device(name: str) -> DeviceName:
    """Read --device.

    Raises:
        DeviceError: there is no device of that name anywhere.
    """
    if name not in DEVICES:
        raise DeviceError(f"--device {name!r}: unknown; choose from {', '.join(DEVICES)}")
    return cast(DeviceName, name)


def dtype(name: str) -> DtypeName:
    """Read --dtype.

    Raises:
        DeviceError: there is no number format of that name.
    """
    if name not in DTYPES:
        raise DeviceError(f"--dtype {name!r}: unknown; choose from {', '.join(DTYPES)}")
    return cast(DtypeName, name)


def offload(name: str) -> Offload:
    """Read --offload.

    Raises:
        ConfigError: there is no such way.
    """
    if name not in get_args(Offload):
        raise ConfigError(f"--offload {name!r}: unknown; choose from {', '.join(get_args(Offload))}")
    return cast(Offload, name)


def size(text: str | None) -> tuple[int, int] | None:
    """Read --size WIDTHxHEIGHT into height and width.

    Raises:
        ConfigError: it is not two numbers.
    """
    if text is None:
        return None
    width, _, height = text.lower().partition("x")
    if not (width.isascii() and width.isdigit() and height.isascii() and height.isdigit()):
        raise ConfigError(f"--size {text!r}: write WIDTHxHEIGHT, for example 960x544")
    return int(height), int(width)


def beginning(image: Path | None, model: ModelConfig) -> Source | None:
    """Return the picture that a film is to begin with, as what it goes on from.

    Raises:
        ConfigError: the model cannot begin with one, or it is not a single picture.
        VideoError: it cannot be read.
    """
    if image is None:
        return None
    if not model.image:
        raise ConfigError(f"--image {image}: {model.name} cannot begin with a picture; leave --image out")
    info = reader.probe(image)
    if info.frames != 1:
        raise ConfigError(f"--image {image}: {info.frames} frames; 'pavdm extend' goes on with a video")
    length = image.stat().st_size
    return Source(path=image, size=length, frames=None, leftover=0, only_new=False, encode=True)


def blend(wishes: Wishes) -> float:
    """Return the seconds in which prompts go over into each other; 0 where there is one alone."""
    if not wishes.cues:
        return 0.0
    return BLEND if wishes.blend is None else wishes.blend


def scale(asked: int | None, height: int) -> int:
    """Return how many times a picture of so many lines is enlarged; by default to about 512."""
    return max(round(LINES / height), 1) if asked is None else asked


def free(folder: Path, stem: str, force: bool, taken: Collection[Path] = ()) -> Path:
    """Return a path that is not there yet, neither finished nor half-made: numbered when it must be.

    force: what is there already may be overwritten; not what is `taken`.
    """
    number = 1
    while True:
        path = folder / (f"{stem}.mp4" if number == 1 else f"{stem}-{number}.mp4")
        there = os.path.exists(path) or os.path.exists(partial_of(path))
        if path not in taken and (force or not there):
            return path
        number += 1
