"""The words: each known damage is named at its place, and what only lives is ok."""

import json
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import pytest
from scenes import FPS, blurred, pixels, saturated, scene

from pavdm_cli.drift.report import faults, sparkline, summary, verdict
from pavdm_cli.drift.statistics import DriftMeter, SecondStats, Turn
from pavdm_cli.errors import VideoError

CLEAN = scene(10)
BAD = 6  # the second at which the damage begins


def measured(frames: np.ndarray, turns: Sequence[Turn] = ()) -> list[SecondStats]:
    meter = DriftMeter(FPS, turns)
    meter.add(pixels(frames))
    return meter.seconds


def damaged(end: np.ndarray) -> list[SecondStats]:
    """Measure the clean scene whose last seconds are replaced."""
    return measured(np.concatenate([CLEAN[: BAD * FPS], end]))


END = CLEAN[BAD * FPS :]
DAMAGE = {
    "dark": ("colour", "histogram", END**1.8),
    "bright": ("colour", "histogram", END**0.55),
    "grey": ("colour", "saturation", saturated(END, 0.4)),
    "vivid": ("colour", "saturation", saturated(END, 1.7)),
    "blurred": ("blur", "sharpness", blurred(END, 2)),
    "blurred and pale": ("blur", "sharpness", blurred(END, 2) * 0.8 + 0.1),
    "frozen": ("frozen", "motion", np.repeat(CLEAN[BAD * FPS - 1][None], len(END), 0)),
    "black": ("blank", "contrast", 0 * END),
    "washed out": ("blank", "contrast", 0.04 * END + 0.5),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_named_where_it_is(name: str) -> None:
    word, figure, end = DAMAGE[name]
    said = verdict(damaged(end))
    assert (said.word, said.figure) == (word, figure)
    assert said.at >= BAD


@pytest.mark.parametrize(
    "end",
    [
        END,
        END * 1.1,
        END * 0.9,
        END * 0.7 + 0.15,
        saturated(END, 1.2),
        END + np.random.default_rng(1).normal(0, 0.01, END.shape),
    ],
    ids=["unchanged", "lighter", "darker", "paler", "richer", "grain"],
)
def test_what_a_scene_may_do_is_ok(end: np.ndarray) -> None:
    said = verdict(damaged(end))
    assert (said.word, said.figure) == ("ok", "histogram")


def test_a_change_that_was_asked_for_is_no_fault_and_what_goes_wrong_after_it_is() -> None:
    frames = np.concatenate([CLEAN[: BAD * FPS], scene(10) ** 1.8])
    assert verdict(measured(frames)).word == "colour"
    turned = measured(frames, [(5.4, 6.2)])
    assert [second.part for second in turned[4:8]] == [0, None, None, 1]
    assert (verdict(turned).word, faults(turned)) == ("ok", [])
    worst = summary(turned).worst
    assert worst is not None and worst.departure < 1
    frames[12 * FPS :] = saturated(frames[12 * FPS :], 0.4)
    worse = verdict(measured(frames, [(5.4, 6.2)]))
    assert (worse.word, worse.figure) == ("colour", "saturation") and worse.at >= 12


def test_every_turn_begins_a_part_and_all_of_them_may_be_turns() -> None:
    turned = measured(CLEAN, [(0.5, 1.5), (2.0, 3.0), (3.0, 4.0), (9.5, 20.0)])
    assert [second.part for second in turned] == [None, None, None, None, 3, 3, 3, 3, 3, None]
    assert verdict(measured(0 * CLEAN, [(0.0, 20.0)])).word == "blank"
    everything = measured(CLEAN, [(0.0, 20.0)])
    assert verdict(everything).word == "asked" and summary(everything).worst is None


def test_a_video_of_three_seconds_is_too_short_to_tell_but_not_to_see_that_it_is_black() -> None:
    assert verdict(measured(CLEAN[: 3 * FPS])).word == "short"
    assert verdict(measured(CLEAN[: 4 * FPS])).word == "ok"
    assert verdict(measured(0 * CLEAN[: 2 * FPS])).word == "blank"


def test_a_still_picture_is_not_frozen() -> None:
    assert verdict(measured(np.repeat(CLEAN[:1], 60, 0))).word == "ok"


def test_the_gravest_word_wins_and_its_worst_second_is_named() -> None:
    frames = CLEAN.copy()
    frames[4 * FPS : 5 * FPS] = blurred(frames[4 * FPS : 5 * FPS], 2)
    frames[6 * FPS : 7 * FPS] = blurred(frames[6 * FPS : 7 * FPS], 6)
    assert (verdict(measured(frames)).word, verdict(measured(frames)).at) == ("blur", 6)
    frames[8 * FPS : 9 * FPS] = 0
    assert (verdict(measured(frames)).word, verdict(measured(frames)).at) == ("blank", 8)


def test_summary_compares_the_ends_and_finds_the_worst_stretch() -> None:
    frames = CLEAN.copy()
    frames[4 * FPS : 6 * FPS] **= 3
    frames[8 * FPS :] = saturated(frames[8 * FPS :], 0.5)
    got = summary(measured(frames))
    assert got.worst is not None and (got.seconds, got.worst.start, got.worst.end) == (10, 4, 6)
    assert got.worst.departure > 1
    changes = {change.figure: change for change in got.changes}
    assert changes["saturation"].last == pytest.approx(changes["saturation"].first / 2, rel=0.05)
    assert changes["brightness"].last == pytest.approx(changes["brightness"].first, rel=0.05)


def test_the_ends_are_fifteen_per_cent() -> None:
    seconds = [SecondStats(float(t), 1, 0.5, 0.2, 0.2, 0.1, t / 100, 0) for t in range(20)]
    motion = next(change for change in summary(seconds).changes if change.figure == "motion")
    assert (motion.first, motion.last) == (pytest.approx(0.01), pytest.approx(0.18))


def test_summary_is_json() -> None:
    got = asdict(summary(measured(CLEAN[:30])))
    assert json.loads(json.dumps(got))["verdict"]["word"] == "short"
    assert got["worst"]["end"] <= 2.5


def test_nothing_measured_is_an_error() -> None:
    for question in (verdict, summary):
        with pytest.raises(VideoError, match="half a second"):
            question([])


def test_sparkline() -> None:
    assert sparkline([]) == ""
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"
    assert sparkline([3, 3]) == "▁▁"
    assert sparkline([-1, 0.5, 2], low=0, high=1) == "▁▅█"
