"""Schedules: the published counts and levels, a small one by hand, and what must hold for every one."""

import math
from collections import defaultdict
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pavdm_cli.errors import ScheduleError
from pavdm_cli.sampling import schedule
from pavdm_cli.sampling.schedule import Ramp, Step

PUBLISHED = Ramp(steps=30, window=30, chunk=5, context=5)
"""PA-VDM's own: 30 steps, six chunks of five latents, one clean chunk (arXiv 2410.08151, section 4.1)."""


Plan = tuple[str, int, Ramp, int]
"""A schedule's name, a number of latents, a ramp, and how many latents are given."""


@st.composite
def ramps(draw: st.DrawFn, endless: bool = False) -> Ramp:
    chunk, chunks, lag = draw(st.integers(1, 4)), draw(st.integers(1, 5)), draw(st.integers(1, 4))
    return Ramp(
        steps=lag * chunks,
        window=chunk * chunks,
        chunk=chunk,
        context=draw(st.integers(0, 6)),
        sink=draw(st.booleans()),
        context_level=draw(st.sampled_from((0.0, 0.1))),
        shift=draw(st.floats(0.1, 10)),
        horizon=None if endless else draw(st.none() | st.integers(1, 3)),
    )


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    there = draw(st.integers(0, 9))
    latents = there + draw(st.integers(1, 25))
    return draw(st.sampled_from(sorted(schedule.SCHEDULES))), latents, draw(ramps()), there


def steps_of(plan: Plan) -> list[Step]:
    name, latents, ramp, there = plan
    return list(schedule.make(name, latents, ramp, given=there))


def live(step: Step) -> list[tuple[int, float, float]]:
    """Return (latent, level, next) of what a step moves."""
    each = zip(step.latents, step.level, step.next, strict=True)
    return [(k, now, to) for k, now, to in each if to < now]


def test_the_published_video_takes_445_calls() -> None:
    steps = list(schedule.progressive(425, PUBLISHED, given=5))
    assert len(steps) == 445 == schedule.calls("progressive", 420, PUBLISHED)
    assert sum(len(step.latents) for step in steps) == 14_825
    assert PUBLISHED.lag == 5 and PUBLISHED.span == 35


def test_the_published_levels_of_the_first_and_last_stage() -> None:
    steps = list(schedule.progressive(425, PUBLISHED, given=5))
    for stage, thousandths in {0: (167, 333, 500, 667, 833, 1000), 4: (33, 200, 367, 533, 700, 867)}.items():
        for row in (25 + stage, 200 + stage):
            step = steps[row]
            assert [round(1000 * v) for v in step.level] == [0] * 5 + [
                v for v in thousandths for _ in range(5)
            ]


def test_the_published_shift() -> None:
    bent = replace(PUBLISHED, shift=3.695)
    assert [round(bent.level(n), 3) for n in range(5, 31, 5)] == [0.425, 0.649, 0.787, 0.881, 0.949, 1.0]


def test_filling_sliding_and_draining_by_hand() -> None:
    ramp = Ramp(steps=4, window=2, chunk=1, context=1)
    assert list(schedule.progressive(3, ramp)) == [
        Step((0,), (0,), (1,), (0.75,), keep=0),
        Step((0,), (0,), (0.75,), (0.5,), keep=0),
        Step((0, 1), (0, 1), (0.5, 1), (0.25, 0.75), keep=0),
        Step((0, 1), (0, 1), (0.25, 0.75), (0, 0.5), keep=0),
        Step((0, 1, 2), (0, 1, 2), (0, 0.5, 1), (0, 0.25, 0.75), keep=0),
        Step((0, 1, 2), (0, 1, 2), (0, 0.25, 0.75), (0, 0, 0.5), keep=1),
        Step((1, 2), (0, 1), (0, 0.5), (0, 0.25), keep=1),
        Step((1, 2), (0, 1), (0, 0.25), (0, 0), keep=2),
    ]


def test_full_sequence_by_hand() -> None:
    assert list(schedule.full_sequence(4, Ramp(steps=2, window=1, chunk=1, context=1), given=2)) == [
        Step((1, 2, 3), (0, 1, 2), (0, 1, 1), (0, 0.5, 0.5), keep=1),
        Step((1, 2, 3), (0, 1, 2), (0, 0.5, 0.5), (0, 0, 0), keep=3),
    ]


def test_a_sink_stands_at_a_fixed_place_before_the_context() -> None:
    ramp = Ramp(steps=4, window=4, chunk=2, context=2, sink=True)
    steps = list(schedule.progressive(30, ramp))
    apart = [s for s in steps if live(s)[0][0] >= 4]
    assert len(apart) == len(steps) - 2 * ramp.lag - ramp.lag
    for step in apart:
        assert step.latents[:2] == (0, 1) and step.positions[:3] == (-2, -1, 0)
        assert step.latents[2] == live(step)[0][0] - ramp.context


@given(plans())
def test_a_latent_is_shown_at_the_level_it_has_and_makes_each_move_once(
    plan: Plan,
) -> None:
    _, latents, ramp, there = plan
    has: dict[int, float] = defaultdict(lambda: 1.0)
    moves: dict[int, int] = defaultdict(int)
    for step in steps_of(plan):
        for k, now, to in live(step):
            assert now == has[k]
            has[k] = to
            moves[k] += 1
    assert moves == dict.fromkeys(range(there, latents), ramp.steps)
    assert set(has.values()) == {0.0}


@given(plans())
def test_latents_are_finished_in_order(plan: Plan) -> None:
    _, latents, _, there = plan
    assert [k for s in steps_of(plan) for k, _, to in live(s) if to == 0] == list(range(there, latents))


@given(plans())
def test_the_noisy_latents_are_neighbours_at_the_end_with_rising_levels(
    plan: Plan,
) -> None:
    _, _, ramp, there = plan
    for step in steps_of(plan):
        moving = [k for k, _, _ in live(step)]
        assert moving == list(range(moving[0], moving[0] + len(moving)))
        assert list(step.level[-len(moving) :]) == sorted(step.level[-len(moving) :])
        beside = len(step.latents) - len(moving)
        assert set(step.level[:beside]) == set(step.next[:beside]) <= {ramp.context_level}
        assert len([k for k in step.latents[:beside] if k >= ramp.chunk or not ramp.sink]) <= ramp.context
        assert beside or moving[0] == there == 0 or ramp.context == 0


@given(plans())
def test_nothing_a_later_step_shows_is_dropped(plan: Plan) -> None:
    _, _, _, there = plan
    held = set(range(there))
    for step in steps_of(plan):
        fresh = {k for k, now, _ in live(step) if now == 1}
        assert set(step.latents) - fresh <= held
        held = {k for k in held | set(step.latents) if k >= step.keep or k in step.latents}


@given(plans())
def test_what_is_held_does_not_grow(plan: Plan) -> None:
    _, _, ramp, _ = plan
    for step in steps_of(plan):
        moving = [k for k, _, _ in live(step)]
        assert step.keep >= moving[0] - ramp.context
        assert step.keep <= moving[-1] + 1


@given(plans())
def test_no_step_is_wider_than_the_span(plan: Plan) -> None:
    _, latents, ramp, _ = plan
    steps = list(schedule.progressive(latents, ramp))
    assert max(len(s.latents) for s in steps) <= ramp.span


@given(ramps(endless=True), st.integers(0, 9))
def test_the_span_is_reached_by_a_long_video(ramp: Ramp, there: int) -> None:
    latents = there + 4 * (ramp.context + ramp.window + ramp.chunk)
    assert max(len(s.latents) for s in schedule.progressive(latents, ramp, given=there)) == ramp.span


@given(plans())
def test_positions_are_relative_and_bounded(plan: Plan) -> None:
    for step in steps_of(plan):
        assert len(set(step.positions)) == len(step.latents)
        own = [(k, p) for k, p in zip(step.latents, step.positions, strict=True) if p >= 0]
        assert [p for _, p in own] == list(range(len(own)))
        assert [k - own[0][0] for k, _ in own] == [p for _, p in own]
        apart = len(step.latents) - len(own)
        assert step.positions[:apart] == tuple(range(-apart, 0))
        assert step.latents[:apart] == tuple(range(apart))


@given(ramps(endless=True))
def test_a_full_window_repeats_every_lag_and_goes_from_clean_to_noise(ramp: Ramp) -> None:
    chunks = ramp.window // ramp.chunk
    steps = list(schedule.progressive(ramp.chunk * 4 * chunks, ramp))
    full = [s for s in steps if len(live(s)) == ramp.window]
    assert len(full) == ramp.lag * (3 * chunks + 1)
    for one, after in zip(full, full[ramp.lag :], strict=False):
        assert [v[1:] for v in live(one)] == [v[1:] for v in live(after)]
    for begin in range(0, len(full), ramp.lag):
        opening, closing = live(full[begin]), live(full[begin + ramp.lag - 1])
        assert opening[-1][1] == 1 and closing[0][2] == 0
        shifted_out = [to for _, _, to in closing[ramp.chunk :]]
        assert shifted_out + [1.0] * ramp.chunk == [now for _, now, _ in opening]


@given(plans(), st.data())
def test_first_row_skips_exactly_the_rows_before_it(plan: Plan, data: st.DataObject) -> None:
    name, latents, ramp, there = plan
    steps = steps_of(plan)
    row = data.draw(st.integers(0, len(steps)))
    assert list(schedule.make(name, latents, ramp, given=there, first_row=row)) == steps[row:]


@given(plans())
def test_calls_counts_the_steps(plan: Plan) -> None:
    name, latents, ramp, there = plan
    assert schedule.calls(name, latents - there, ramp) == len(steps_of(plan))


@given(st.floats(1e-3, 1e3), st.integers(1, 200))
def test_a_shift_keeps_both_ends_and_the_order(shift: float, steps: int) -> None:
    levels = [schedule.shifted(n / steps, shift) for n in range(steps + 1)]
    assert levels[0] == 0 and levels[-1] == 1
    assert all(a < b for a, b in pairwise(levels))


@pytest.mark.parametrize("name", schedule.SCHEDULES)
@pytest.mark.parametrize("there", (0, 5, 6))
def test_nothing_to_make_is_refused(name: str, there: int) -> None:
    with pytest.raises(ScheduleError, match=f"5 latents with {max(there, 5)} given|0 latents with 0 given"):
        list(schedule.make(name, min(5, there), Ramp(), given=max(there, 5) if there else 0))


@settings(max_examples=200)
@given(st.integers(1, 60), st.integers(1, 30), st.integers(1, 6))
def test_steps_that_do_not_divide_name_the_nearest_that_do(steps: int, window: int, chunk: int) -> None:
    assume(steps * chunk % window and window % chunk == 0)
    with pytest.raises(
        ScheduleError, match=f"steps {steps} with chunk {chunk}.* window of {window}"
    ) as caught:
        Ramp(steps=steps, window=window, chunk=chunk)
    named = [int(n) for n in str(caught.value).rpartition("steps are ")[2].split(" and ")]
    for n in named:
        assert Ramp(steps=n, window=window, chunk=chunk).lag >= 1
    between = range(min(named) + 1 if len(named) == 2 else 1, max(named))
    assert steps in between
    assert all(n * chunk % window for n in between)


@pytest.mark.parametrize(
    "wrong",
    (
        {"steps": 0},
        {"window": 0},
        {"chunk": -1},
        {"context": -1},
        {"context_level": 1.0},
        {"context_level": math.nan},
        {"shift": 0.0},
        {"shift": math.nan},
        {"shift": math.inf},
        {"horizon": 0},
        {"window": 6, "chunk": 4},
    ),
)
def test_a_ramp_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    key, value = next(iter(wrong.items()))
    with pytest.raises(ScheduleError, match=f"{key.replace('_', ' ')} {value}"):
        Ramp(**wrong)  # type: ignore[arg-type]


def test_parse_changes_what_is_said_and_keeps_the_rest() -> None:
    default = Ramp(steps=24, window=12, context=3)
    assert schedule.parse("progressive", default) == ("progressive", default)
    text = "progressive:steps=30,window=6,chunk=2,sink=on,context_level=0.1,shift=2,renoise=True"
    wanted = Ramp(30, 6, 2, context=3, sink=True, context_level=0.1, shift=2.0, renoise=True)
    assert schedule.parse(text, default) == ("progressive", wanted)
    assert schedule.parse("full-sequence:sink=off", replace(default, sink=True)) == (
        "full-sequence",
        replace(default, horizon=1),
    )


def test_full_sequence_takes_any_number_of_steps() -> None:
    name, ramp = schedule.parse("full-sequence:steps=25", Ramp(steps=24, window=12))
    assert len(list(schedule.make(name, 5, ramp))) == schedule.calls(name, 5, ramp) == 25


@pytest.mark.parametrize(
    ("text", "said"),
    (
        ("rolling", "'rolling': unknown; there are progressive, full-sequence"),
        ("", "'': unknown; there are progressive"),
        ("progressive:size=3", "'size': unknown; there are steps, window"),
        ("progressive:horizon=3", "'horizon': unknown"),
        ("progressive:steps", "steps='': not a int"),
        ("progressive:steps=2.5", "steps='2.5': not a int"),
        ("progressive:shift=wide", "shift='wide': not a float"),
        ("progressive:sink=maybe", "sink='maybe': not a bool"),
        ("progressive:shift=nan", "shift='nan': must be a finite number"),
        ("progressive:shift=inf", "shift='inf': must be a finite number"),
        ("progressive:steps=7", "steps 7 with chunk 1"),
    ),
)
def test_parse_refuses_with_what_was_wrong(text: str, said: str) -> None:
    with pytest.raises(ScheduleError) as caught:
        schedule.parse(text, Ramp())
    assert said in str(caught.value)


def test_an_unknown_schedule_is_refused_with_the_known_names() -> None:
    with pytest.raises(ScheduleError, match="'rolling': unknown; there are progressive, full-sequence"):
        schedule.make("rolling", 5, Ramp())
