"""What the figures of a video say: one word for a live display, and a summary of beginning against end.

The limits are set against the procedural worlds, 32 true scenes of 40 seconds: there the colours stray 0.06
at most, saturation 1.15 times, sharpness for its contrast down to 0.73, and contrast stays above 0.035.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from pavdm_cli.drift.statistics import FIGURES, SecondStats
from pavdm_cli.errors import VideoError

Word = Literal["ok", "short", "asked", "colour", "blur", "frozen", "blank"]

START = 3  # seconds that later ones are held against: one alone is a matter of chance
EDGE = 0.15  # the share of a video that is its beginning, or its end

BLANK = 0.02  # contrast: five of 255 levels; thick fog has twice as much
FROZEN = 0.1  # of the motion at the start: true scenes keep a third even when they are calm
STILL = 0.001  # motion: a quarter of a level, the flicker of a picture that stands still
BLUR = 0.6  # of the sharpness at the start, both divided by contrast, so that dusk or fog is no blur
COLOUR = 0.1  # histogram: light that changes by a tenth of the range; true scenes stay below 0.06
SATURATION = 1.5  # times more or less than at the start
GREY = 0.04  # saturation: a change of less cannot be seen, whatever the ratio

# How many times more or less than at the start a viewer would notice, and the value below which none would;
# the histogram is a distance already.
NOTICED = {
    "brightness": (1.3, GREY),
    "contrast": (1.8, BLANK),
    "saturation": (SATURATION, GREY),
    "sharpness": (1 / BLUR, STILL),
    "motion": (1 / FROZEN, STILL / 4),
}
GRAVEST: tuple[Word, ...] = ("blank", "frozen", "blur", "colour")  # a blank second is also frozen and blurred


@dataclass(frozen=True)
class Verdict:
    """One word for a video, the figure that decided it, its value, and where (seconds).

    For "ok", "short", too short to tell, and "asked", where every change was, it is the colour distance that
    came nearest to its limit. The
    value of blur and of a change in saturation is a ratio to the start; any other is the figure itself.
    """

    word: Word
    figure: str
    value: float
    at: float


@dataclass(frozen=True)
class Change:
    """One figure at the beginning (mean of the first 15 %) and at the end (of the last 15 %)."""

    figure: str
    first: float
    last: float


@dataclass(frozen=True)
class Stretch:
    """Where a video departs most from its start, from `start` to `end` in seconds, and by which figure.

    `departure` is its worst second, in units of what a viewer would notice.
    """

    figure: str
    start: float
    end: float
    departure: float


@dataclass(frozen=True)
class Summary:
    """A whole video; `dataclasses.asdict` makes it JSON. worst: None where all change was asked for."""

    seconds: int
    verdict: Verdict
    changes: tuple[Change, ...]
    worst: Stretch | None


def verdict(seconds: Sequence[SecondStats]) -> Verdict:
    """Return the gravest fault of the seconds so far, at its worst second, or else ok.

    Each part of the video is held against its own start. Raises VideoError if there is no second.
    """
    _some(seconds)
    if found := _faults(seconds):
        return min(found, key=lambda fault: (GRAVEST.index(fault[1].word), -fault[0]))[1]
    most = max(seconds, key=lambda second: second.histogram)
    longest = max((len(part) for part, _ in _parts(seconds)), default=0)
    word: Word = "ok" if longest > START else "short" if longest else "asked"
    return Verdict(word, "histogram", most.histogram, most.at)


def faults(seconds: Sequence[SecondStats]) -> list[Verdict]:
    """Return the gravest fault of each second that has one, in order.

    Raises VideoError if there is no second.
    """
    _some(seconds)
    return [fault for _, fault in _faults(seconds)]


def summary(seconds: Sequence[SecondStats]) -> Summary:
    """Return how the end of a video differs from its beginning, and where it departs most from its start.

    Raises VideoError if there is no second.
    """
    said = verdict(seconds)
    edge = max(1, round(EDGE * len(seconds)))
    changes = tuple(
        Change(figure, _mean(seconds[:edge], figure), _mean(seconds[-edge:], figure)) for figure in FIGURES
    )
    return Summary(len(seconds), said, changes, _worst_stretch(seconds))


def sparkline(values: Sequence[float], low: float | None = None, high: float | None = None) -> str:
    """Draw values as a row of blocks, one each, between `low` and `high` (by default their own extremes)."""
    if not values:
        return ""
    bottom = min(values) if low is None else low
    top = max(values) if high is None else high
    span = top - bottom if top > bottom else math.inf
    return "".join("▁▂▃▄▅▆▇█"[max(0, min(7, int((value - bottom) / span * 8)))] for value in values)


def _faults(seconds: Sequence[SecondStats]) -> list[tuple[float, Verdict]]:
    """Return the gravest fault of each second that has one, in order, each after how grave it is."""
    starts = {part[0].part: start for part, start in _parts(seconds)}
    return [fault for one in seconds if (fault := _fault(one, starts.get(one.part)))]


def _fault(second: SecondStats, start: dict[str, float] | None) -> tuple[float, Verdict] | None:
    """Return the gravest fault of one second, if any, after how grave it is; without a start to hold it
    against only that it is blank."""
    if second.contrast < BLANK:
        return -second.contrast, Verdict("blank", "contrast", second.contrast, second.at)
    if start is None:
        return None
    if second.motion < min(STILL, FROZEN * start["motion"]):
        return -second.motion, Verdict("frozen", "motion", second.motion, second.at)
    blur = second.sharpness / second.contrast * _ratio(start["contrast"], start["sharpness"], STILL)
    if blur < BLUR:
        return -blur, Verdict("blur", "sharpness", blur, second.at)
    if second.histogram > COLOUR:
        return second.histogram / COLOUR, Verdict("colour", "histogram", second.histogram, second.at)
    departure = _departure(second, "saturation", start)
    if departure > 1 and abs(second.saturation - start["saturation"]) > GREY:
        vivid = _ratio(second.saturation, start["saturation"], GREY)
        return departure, Verdict("colour", "saturation", vivid, second.at)
    return None


def _worst_stretch(seconds: Sequence[SecondStats]) -> Stretch | None:
    """Return the seconds around the greatest departure that keep at least half of it, if there is a start to
    depart from."""
    starts = {part[0].part: start for part, start in _parts(seconds)}
    if not starts:
        return None
    rows = {figure: [_strays(second, figure, starts) for second in seconds] for figure in FIGURES}
    figure = max(rows, key=lambda name: max(rows[name]))
    row = rows[figure]
    peak = max(row)
    first = last = row.index(peak)
    while first > 0 and row[first - 1] >= peak / 2:
        first -= 1
    while last + 1 < len(row) and row[last + 1] >= peak / 2:
        last += 1
    return Stretch(figure, seconds[first].at, seconds[last].at + seconds[last].length, peak)


def _departure(second: SecondStats, figure: str, start: dict[str, float]) -> float:
    """Return how far a second is from the start, 1 being what a viewer would notice."""
    value: float = getattr(second, figure)
    if figure == "histogram":
        return value / COLOUR
    times, least = NOTICED[figure]
    return abs(math.log(_ratio(value, start[figure], least))) / math.log(times)


def _strays(second: SecondStats, figure: str, starts: dict[int | None, dict[str, float]]) -> float:
    """Return how far a second is from the start of its part; a change that was asked for is none."""
    return _departure(second, figure, starts[second.part]) if second.part in starts else 0.0


def _parts(seconds: Sequence[SecondStats]) -> list[tuple[list[SecondStats], dict[str, float]]]:
    """Return the parts of a video, each with the means of its first seconds."""
    found: dict[int, list[SecondStats]] = {}
    for second in seconds:
        if second.part is not None:
            found.setdefault(second.part, []).append(second)
    return [(part, {figure: _mean(part[:START], figure) for figure in FIGURES}) for part in found.values()]


def _some(seconds: Sequence[SecondStats]) -> None:
    if not seconds:
        raise VideoError(
            "the video is shorter than half a second: there is nothing to measure. Make a longer one"
        )


def _mean(seconds: Sequence[SecondStats], figure: str) -> float:
    return fmean(getattr(second, figure) for second in seconds)


def _ratio(value: float, start: float, least: float) -> float:
    """Return value / start, neither taken for less than `least`."""
    return max(value, least) / max(start, least)
