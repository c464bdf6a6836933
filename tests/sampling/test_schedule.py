"""Schedules: the published levels and counts, small ones by hand, and what must hold for every one."""

import json
import math
from collections import defaultdict
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from plans import ENDLESS, Plan, plans

from pavdm_cli.errors import ScheduleError
from pavdm_cli.sampling import schedule
from pavdm_cli.sampling.schedule import SCHEDULES, Ramp, Step
from pavdm_cli.sampling.schedule_family import fifo, full_sequence, progressive, pyramid, queue

PUBLISHED = Ramp(steps=30, window=30, chunk=5, context=5)
"""PA-VDM's own: 30 steps, six chunks of five latents, one clean chunk (arXiv 2410.08151, section 4.1)."""

BLOCKS = ("pyramid", "autoregressive", "replacement", "replacement-noised", "full-sequence")


def steps_of(plan: Plan) -> list[Step]:
    name, latents, ramp, there = plan
    return list(schedule.make(name, latents, ramp, given=there))


def moved(step: Step) -> list[tuple[int, float, float]]:
    """Return (latent, level, next) of what a step moves."""
    each = zip(step.latents, step.level, step.next, strict=True)
    return [(k, now, to) for k, now, to in each if to != now]


def thousandths(levels: tuple[float, ...]) -> list[int]:
    return [round(1000 * level) for level in levels]


# As published.


def test_the_published_video_takes_445_calls() -> None:
    size = schedule.size("progressive", 425, PUBLISHED, 5)
    assert (size.calls, size.evaluations, size.span, size.first_calls) == (445, 14_825, 35, 30)
    assert PUBLISHED.endless().lag == 5 and PUBLISHED.span == 35


def test_the_published_levels_of_the_first_and_last_stage() -> None:
    steps = list(progressive(425, PUBLISHED, 5))
    for stage, levels in {0: (167, 333, 500, 667, 833, 1000), 4: (33, 200, 367, 533, 700, 867)}.items():
        for row in (25 + stage, 200 + stage):
            assert thousandths(steps[row].level) == [0] * 5 + [v for v in levels for _ in range(5)]


def test_the_published_growth_and_end_of_the_window() -> None:
    steps = list(progressive(425, PUBLISHED, 5))
    assert [len(steps[row].latents) for row in (0, 5, 20, 25, 410, 414, 415, 440, 444)] == [
        10, 15, 30, 35, 35, 35, 35, 10, 10,
    ]  # fmt: skip
    assert thousandths(steps[0].level)[5:] == [1000] * 5 and thousandths(steps[4].next)[5:] == [833] * 5
    assert thousandths(steps[440].level)[5:] == [167] * 5 and steps[444].next == (0.0,) * 10


def test_the_published_shift() -> None:
    bent = replace(PUBLISHED, shift=3.695)
    assert [round(bent.level(n), 3) for n in range(5, 31, 5)] == [0.425, 0.649, 0.787, 0.881, 0.949, 1.0]


def test_a_curve_is_a_power_and_bends_before_the_shift() -> None:
    ramp = Ramp(steps=4, curve=2.0, shift=3.0)
    assert [ramp.level(n) for n in range(5)] == [0, 3 / 18, 0.5, 27 / 34, 1]


def test_the_published_matrix_of_diffusion_forcing() -> None:
    """k[m, j] = clip(S + u * j - m, 0, S), context at the stabilising level (arXiv 2407.01392; its code)."""
    for lag in (0, 1, 3, 10):
        ramp = Ramp(steps=10, window=4, context=2, context_level=0.014, lag=lag)
        rows = 10 + 3 * lag
        steps = list(pyramid(10, ramp, 2))
        assert len(steps) == 2 * rows
        for m, step in enumerate(steps):
            block = 2 + 4 * (m // rows)
            assert step.latents == tuple(range(block - 2, block + 4))
            wanted = [min(max(10 + lag * j - m % rows, 0), 10) / 10 for j in range(4)]
            assert step.level == (0.014, 0.014, *wanted)


def test_the_published_queue_of_fifo() -> None:
    """Four partitions of 16 with look-ahead: eight calls a latent, each moving the last eight (its code)."""
    ramp = Ramp(steps=64, window=8, context=8, context_level=1 / 64)
    steps = list(fifo(400, ramp))[-64 * 8 - 8 * 8 * 4 :][: 8 * 8]
    assert schedule.size("fifo", 400, ramp).span == 16
    for shift in range(8):
        rank_by_rank = steps[8 * shift : 8 * shift + 8]
        newest = rank_by_rank[0].latents[-1]
        for rank, step in zip(range(7, -1, -1), rank_by_rank, strict=True):
            assert step.latents == tuple(range(newest - 64 + 8 * rank - 7, newest - 64 + 8 * rank + 9))
            grid = [max(slot + 1, 1) / 64 for slot in range(8 * rank - 8, 8 * rank + 8)]
            assert step.level == tuple(grid)
            assert step.next == (*grid[:8], *(v - 1 / 64 for v in grid[8:]))
            assert step.positions == tuple(range(16))
        assert step.next[8] == 0


def test_fifo_without_look_ahead_takes_half_the_calls() -> None:
    plain, ahead = (Ramp(steps=64, window=w, context=16 - w) for w in (16, 8))
    counts = [[schedule.calls("fifo", n, ramp) for n in (300, 400)] for ramp in (plain, ahead)]
    assert [after - before for before, after in counts] == [400, 800]


def test_fifo_starts_from_one_clip_noised_to_the_back_of_the_queue() -> None:
    steps = list(fifo(20, Ramp(steps=8, window=2, context=2)))
    assert [step.latents for step in steps[:8]] == [(0, 1, 2, 3)] * 8
    assert [step.level for step in steps[:8]] == [((8 - m) / 8,) * 4 for m in range(8)]
    assert steps[7].next == (5 / 8, 6 / 8, 7 / 8, 1)
    assert steps[7].renoise_above == 0 and steps[6].renoise_above == 1
    assert [(s.latents, s.level, s.next) for s in steps[8:10]] == [
        ((0, 1, 2, 3), (5 / 8, 6 / 8, 7 / 8, 1), (5 / 8, 6 / 8, 6 / 8, 7 / 8)),
        ((0, 1), (5 / 8, 6 / 8), (4 / 8, 5 / 8)),
    ]


# By hand.


def test_filling_sliding_and_draining_by_hand() -> None:
    ramp = Ramp(steps=4, window=2, chunk=1, context=1)
    assert list(progressive(3, ramp)) == [
        Step((0,), (0,), (1,), (0.75,), keep=0),
        Step((0,), (0,), (0.75,), (0.5,), keep=0),
        Step((0, 1), (0, 1), (0.5, 1), (0.25, 0.75), keep=0),
        Step((0, 1), (0, 1), (0.25, 0.75), (0, 0.5), keep=0),
        Step((0, 1, 2), (0, 1, 2), (0, 0.5, 1), (0, 0.25, 0.75), keep=0),
        Step((0, 1, 2), (0, 1, 2), (0, 0.25, 0.75), (0, 0, 0.5), keep=1),
        Step((1, 2), (0, 1), (0, 0.5), (0, 0.25), keep=1),
        Step((1, 2), (0, 1), (0, 0.25), (0, 0), keep=2),
    ]


def test_a_rolling_window_is_full_from_the_first_call_to_the_last() -> None:
    ramp = Ramp(steps=6, window=3, context=2)
    steps = list(schedule.make("rolling", 4, ramp))
    assert [len(step.latents) for step in steps] == [3] * 6 + [4, 4] + [5] * 4
    assert steps[0].level == (1, 1, 1) and steps[0].next == (5 / 6, 1, 1)
    assert steps[-1].latents == (1, 2, 3, 4, 5) and steps[-1].next == (0, 0, 0, 2 / 6, 4 / 6)


def test_a_queue_stands_full_at_once_on_a_given_clip_that_stays_as_it_is() -> None:
    ramp = Ramp(steps=6, window=3, context=1)
    first, second, third, *_ = queue(9, ramp, 4)
    assert first == Step((1, 2, 3, 4), (0, 1, 2, 3), (0, 2 / 6, 4 / 6, 1), (0, 2 / 6, 4 / 6, 5 / 6), keep=1)
    assert second.level == (0, 1 / 6, 3 / 6, 5 / 6) and second.next == (0, 1 / 6, 3 / 6, 4 / 6)
    assert third.latents == (2, 3, 4, 5) and third.level == (0, 2 / 6, 4 / 6, 1)


def test_a_queue_without_a_clip_makes_one_and_noises_it_to_the_ramp() -> None:
    steps = list(queue(9, Ramp(steps=6, window=6, chunk=2, context=1)))
    assert [step.level for step in steps[:6]] == [((6 - m) / 6,) * 6 for m in range(6)]
    assert steps[5].next == (2 / 6, 2 / 6, 4 / 6, 4 / 6, 1, 1) and steps[5].renoise_above == 0
    assert steps[6].level == steps[5].next


def test_full_sequence_by_hand() -> None:
    assert list(full_sequence(4, Ramp(steps=2, window=1, chunk=1, context=1), 2)) == [
        Step((1, 2, 3), (0, 1, 2), (0, 1, 1), (0, 0.5, 0.5), keep=1),
        Step((1, 2, 3), (0, 1, 2), (0, 0.5, 0.5), (0, 0, 0), keep=3),
    ]


def test_replacement_shows_its_overlap_clean_or_at_the_window_s_own_level() -> None:
    ramp = Ramp(steps=2, window=3, context=2)
    clean, noised = (list(schedule.make(name, 9, ramp)) for name in ("replacement", "replacement-noised"))
    assert [s.latents for s in clean] == [(0, 1, 2)] * 2 + [(1, 2, 3, 4, 5)] * 2 + [(4, 5, 6, 7, 8)] * 2
    assert [s.latents for s in noised] == [s.latents for s in clean]
    assert clean[3].level == (0, 0, 0.5, 0.5, 0.5) and clean[3].next == (0,) * 5
    assert noised[2].level == (1,) * 5 and noised[2].next == (1, 1, 0.5, 0.5, 0.5)
    assert noised[3].level == (0.5,) * 5 and noised[3].next == (0.5, 0.5, 0, 0, 0)


def test_autoregressive_is_chunk_by_chunk() -> None:
    steps = list(schedule.make("autoregressive", 5, Ramp(steps=2, window=12, chunk=2, context=3)))
    assert [s.latents for s in steps] == [(0, 1)] * 2 + [(0, 1, 2, 3)] * 2 + [(1, 2, 3, 4)] * 2
    assert steps[2].level == (0, 0, 1, 1) and steps[3].next == (0,) * 4


def test_a_sink_stands_at_a_fixed_place_before_the_context() -> None:
    ramp = Ramp(steps=4, window=4, chunk=2, context=2, sink=True)
    steps = list(progressive(30, ramp))
    apart = [s for s in steps if moved(s)[0][0] >= 4]
    assert len(apart) == len(steps) - 3 * ramp.endless().lag
    for step in apart:
        assert step.latents[:2] == (0, 1) and step.positions[:3] == (-2, -1, 0)
        assert step.latents[2] == moved(step)[0][0] - ramp.context


# Every schedule.


@given(plans())
@example(("fifo", 1, Ramp(steps=4, window=2, context=2, sink=True), 0))
def test_levels_go_on_where_they_were_and_each_latent_is_finished_once_in_order(plan: Plan) -> None:
    _, latents, _, there = plan
    has: dict[int, float] = defaultdict(lambda: 1.0)
    finished = []
    for step in steps_of(plan):
        for k, now, to in moved(step):
            assert k >= there and now == has[k]
            has[k] = to
            finished += [k] if to == 0 else []
        for k, now in zip(step.latents, step.level, strict=True):
            if k >= there and has[k] > 0 and k not in [m for m, _, _ in moved(step)]:
                assert now == has[k], "live context is shown at the level it has"
    assert finished == list(range(there, latents))


@given(plans())
def test_each_latent_makes_each_move_once_and_those_of_a_clip_besides(plan: Plan) -> None:
    name, latents, ramp, there = plan
    moves: dict[int, list[float]] = defaultdict(list)
    up = []
    for step in steps_of(plan):
        for k, now, to in moved(step):
            if to > now or (to == now == 1):
                up.append(k)
                moves[k] = [to]
            else:
                moves[k] = [*(moves[k] or [now]), to]
    levels = [ramp.level(left) for left in range(ramp.steps, -1, -1)]
    for k in range(there, latents):
        assert moves[k] == levels[levels.index(moves[k][0]) :]
        assert moves[k][0] == 1 or k in up
    assert not up or (name in ("queue", "fifo") and there == 0)


@given(plans())
def test_levels_rise_along_the_video(plan: Plan) -> None:
    name, _, ramp, _ = plan
    for step in steps_of(plan):
        latents = [k for k, p in zip(step.latents, step.positions, strict=True) if p >= 0]
        apart = len(step.latents) - len(latents)
        assert latents == list(range(latents[0], latents[0] + len(latents)))
        for levels in (step.level[apart:], step.next[apart:]):
            noisy = [v for k, v in zip(latents, levels, strict=True) if v > ramp.context_level]
            assert noisy == sorted(noisy) or (name == "replacement-noised" and levels is not step.level)
        assert all(to <= now or to > step.renoise_above for _, now, to in moved(step))
        own = [k for k, _, _ in moved(step)]
        assert not own or own == list(range(own[0], own[-1] + 1))


@given(plans())
def test_nothing_a_later_step_shows_is_dropped(plan: Plan) -> None:
    _, _, _, there = plan
    held = set(range(there))
    for step in steps_of(plan):
        fresh = {k for k, now in zip(step.latents, step.level, strict=True) if now == 1}
        assert set(step.latents) - fresh <= held
        held = {k for k in held | set(step.latents) if k >= step.keep or k in step.latents}


@given(plans())
def test_what_is_held_does_not_grow(plan: Plan) -> None:
    name, latents, ramp, _ = plan
    most = ramp.context + (ramp.steps if name == "fifo" else max(ramp.window, ramp.chunk))
    for step in steps_of(plan):
        assert name == "full-sequence" or max(step.latents) - step.keep <= most + ramp.chunk
    assert step.keep == max(latents - ramp.context, 0)


@given(plans())
def test_no_step_is_wider_than_context_window_and_sink(plan: Plan) -> None:
    name, latents, ramp, there = plan
    live = {"autoregressive": ramp.chunk, "full-sequence": latents - there}.get(name, ramp.window)
    live = ramp.window + ramp.context if name == "fifo" and there == 0 else live
    beside = ramp.context + (ramp.chunk if ramp.sink else 0)
    assert max(len(s.latents) for s in steps_of(plan)) <= max(live + beside, live)


@given(plans(ENDLESS))
def test_the_span_is_reached_by_a_long_video(plan: Plan) -> None:
    name, _, ramp, there = plan
    latents = there + 4 * (ramp.context + ramp.window + ramp.chunk)
    assert schedule.size(name, latents, ramp, there).span == ramp.span


@given(plans())
def test_positions_are_relative_and_bounded(plan: Plan) -> None:
    _, _, ramp, _ = plan
    for step in steps_of(plan):
        own = [(k, p) for k, p in zip(step.latents, step.positions, strict=True) if p >= 0]
        assert [p for _, p in own] == list(range(len(own)))
        apart = len(step.latents) - len(own)
        assert step.positions[:apart] == tuple(range(-apart, 0))
        assert step.latents[:apart] == tuple(range(apart)) and apart <= ramp.sink * ramp.chunk


@given(plans((*ENDLESS, "fifo")))
def test_a_shift_ends_clean_at_the_front_and_hands_the_rest_to_the_next(plan: Plan) -> None:
    """Meta-ARVDM's three requirements (arXiv 2503.10704, section 3) at every shift of a full window."""
    name, _, ramp, there = plan
    slots = ramp.steps if name == "fifo" else ramp.window
    lag = 1 if name == "fifo" else ramp.endless().lag
    steps = list(schedule.make(name, there + 5 * slots, ramp, given=there))
    has: dict[int, float] = {}
    shifts: list[tuple[list[float], list[float]]] = []
    fronts = range(there + 2 * slots, there + 3 * slots, ramp.chunk)
    for step in steps:
        before = dict(has)
        has |= {k: to for k, _, to in moved(step)}
        done = [k for k, _, to in moved(step) if to == 0]
        if done and done[0] in fronts:
            live = range(done[0], done[0] + slots)
            out = [has[k] for k in live]
            shifts.append(([before.get(k, 1.0) for k in live], out))
    left = [ramp.level(ramp.steps - lag * c) for c in range(slots // ramp.chunk, -1, -1)]
    at_front = [v for v in left[:-1] for _ in range(ramp.chunk)]
    assert len(shifts) == len(fronts) >= 1
    for _, out in shifts:
        assert out == at_front, "0 at the front, and the rest stands where the next shift takes it"
        assert out[ramp.chunk :] + [1.0] * ramp.chunk == [v for v in left[1:] for _ in range(ramp.chunk)]
        assert out == sorted(out) and left[-1] == 1.0


@given(plans(), st.data())
def test_first_row_skips_exactly_the_rows_before_it(plan: Plan, data: st.DataObject) -> None:
    name, latents, ramp, there = plan
    steps = steps_of(plan)
    row = data.draw(st.integers(0, len(steps)))
    assert list(schedule.make(name, latents, ramp, given=there, first_row=row)) == steps[row:]


@given(plans())
def test_size_is_that_of_the_steps(plan: Plan) -> None:
    name, latents, ramp, there = plan
    steps, size = steps_of(plan), schedule.size(name, latents, ramp, there)
    assert schedule.calls(name, latents, ramp, there) == size.calls == len(steps)
    assert size.evaluations == sum(len(step.latents) for step in steps)
    first = next(i for i, s in enumerate(steps) if any(to == 0 for _, _, to in moved(s)))
    assert (size.first_calls, size.span) == (first + 1, max(len(step.latents) for step in steps))


@settings(max_examples=30)
@given(plans(), st.integers(500, 1500))
def test_the_size_of_a_long_video_is_that_of_its_steps(plan: Plan, latents: int) -> None:
    name, _, ramp, there = plan
    counted = schedule._counted(name, latents, ramp, there)
    assert schedule.size(name, latents, ramp, there) == counted


def test_the_size_of_a_day_is_known_at_once() -> None:
    with_window = schedule.size("progressive", 518_400, Ramp())
    assert with_window.calls == 2 * (518_400 - 1) + 24


@given(plans())
def test_what_is_spelled_is_read_back(plan: Plan) -> None:
    name, latents, ramp, there = plan
    text = schedule.spelled(name, ramp)
    again = schedule.parse(text, Ramp())
    assert again[0] == name
    assert list(schedule.make(*_first(again, latents), given=there)) == steps_of(plan)
    short = schedule.spelled(name, ramp, Ramp())
    assert len(short) <= len(text) and schedule.parse(short, Ramp()) == again


def _first(parsed: tuple[str, Ramp], latents: int) -> tuple[str, int, Ramp]:
    return parsed[0], latents, parsed[1]


@given(st.floats(1e-3, 1e3), st.floats(0.2, 5), st.integers(1, 60))
def test_a_shift_and_a_curve_keep_both_ends_and_the_order(shift: float, curve: float, steps: int) -> None:
    ramp = Ramp(steps=steps, shift=shift, curve=curve)
    levels = [ramp.level(n) for n in range(steps + 1)]
    assert levels[0] == 0 and levels[-1] == 1
    assert all(a < b for a, b in pairwise(levels))


def test_steps_are_plain_values() -> None:
    one, two = (next(schedule.make("progressive", 5, Ramp())) for _ in range(2))
    assert one == two and hash(one) == hash(two) and "latents=(0,)" in repr(one)
    assert json.loads(json.dumps(one.level)) == [1.0]


# What is refused.


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("there", (0, 5, 6))
def test_nothing_to_make_is_refused(name: str, there: int) -> None:
    with pytest.raises(ScheduleError, match=f"5 latents with {max(there, 5)} given|0 latents with 0 given"):
        schedule.make(name, min(5, there), Ramp(), given=max(there, 5) if there else 0)


@settings(max_examples=200)
@given(st.integers(1, 60), st.integers(2, 30), st.integers(1, 6))
def test_steps_that_do_not_divide_name_the_nearest_that_do(steps: int, width: int, chunk: int) -> None:
    window = width * chunk
    assume(steps % width)
    with pytest.raises(
        ScheduleError, match=f"steps {steps} with chunk {chunk}.* window of {window}"
    ) as caught:
        progressive(1, Ramp(steps=steps, window=window, chunk=chunk))
    named = [int(n) for n in str(caught.value).rpartition("steps are ")[2].split(" and ")]
    for n in named:
        assert Ramp(steps=n, window=window, chunk=chunk).endless().lag >= 1
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
        {"lag": -1},
        {"context_level": 1.0},
        {"context_level": math.nan},
        {"shift": 0.0},
        {"shift": math.nan},
        {"shift": math.inf},
        {"curve": 0.0},
        {"horizon": 0},
        {"renoise_above": 1.5},
        {"renoise_above": math.nan},
    ),
)
def test_a_ramp_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    key, value = next(iter(wrong.items()))
    with pytest.raises(ScheduleError, match=f"{key.replace('_', ' ')} {value}"):
        Ramp(**wrong)  # type: ignore[arg-type]


def test_parse_changes_what_is_said_and_keeps_the_rest() -> None:
    default = Ramp(steps=24, window=12, context=3)
    assert schedule.parse("progressive", default) == ("progressive", default)
    text = "progressive:steps=30,window=6,chunk=2,sink=on,context_level=0.1,shift=2,curve=1.5"
    text += ",renoise_above=0.4"
    wanted = Ramp(30, 6, 2, context=3, sink=True, context_level=0.1, shift=2.0, curve=1.5, renoise_above=0.4)
    assert schedule.parse(text, default) == ("progressive", wanted)
    for former, above in (("true", 0.0), ("false", 1.0)):
        now = schedule.parse(f"progressive:renoise={former}", replace(default, renoise_above=0.4))
        assert now == ("progressive", replace(default, renoise_above=above))
    assert schedule.parse("full-sequence:sink=off", replace(default, sink=True)) == ("full-sequence", default)
    assert schedule.parse("pyramid", default) == ("pyramid", replace(default, lag=1, context_level=0.02))
    assert schedule.parse("pyramid:lag=3,context_level=0", default) == ("pyramid", replace(default, lag=3))


@pytest.mark.parametrize("name", BLOCKS)
def test_blocks_take_any_number_of_steps(name: str) -> None:
    name, ramp = schedule.parse(f"{name}:steps=25", Ramp(steps=24, window=12))
    assert schedule.calls(name, 5, ramp) == {"autoregressive": 125, "pyramid": 29}.get(name, 25)


@pytest.mark.parametrize(
    ("text", "said"),
    (
        ("spiral", "'spiral': unknown; there are progressive, rolling, queue, fifo, pyramid, autoregressive"),
        ("", "'': unknown; there are progressive"),
        ("progressive:size=3", "'size': unknown; there are steps, window"),
        ("progressive:horizon=3", "'horizon': unknown"),
        ("progressive:lag=3", "'lag': unknown"),
        ("fifo:chunk=3", "fifo setting 'chunk': unknown; there are steps, window, context"),
        ("autoregressive:window=3", "'window': unknown; there are steps, chunk, context"),
        ("progressive:steps", "steps='': must be a whole number"),
        ("progressive:steps=2.5", "steps='2.5': must be a whole number"),
        ("progressive:shift=wide", "shift='wide': must be a number"),
        ("progressive:sink=maybe", "sink='maybe': must be true or false"),
        ("progressive:shift=nan", "shift='nan': must be a finite number"),
        ("progressive:shift=inf", "shift='inf': must be a finite number"),
        ("progressive:steps=7", "steps 7 with chunk 1"),
        ("rolling:steps=25", "steps 25 with chunk 1"),
        ("fifo:steps=30", "windows of 12 latents; the nearest valid numbers of steps are 24 and 36"),
        ("pyramid:chunk=5", "window 12: must be a multiple of the chunk, 5"),
        ("replacement:chunk=5", "window 12: must be a multiple of the chunk, 5"),
    ),
)  # fmt: skip
def test_parse_refuses_with_what_was_wrong(text: str, said: str) -> None:
    with pytest.raises(ScheduleError) as caught:
        schedule.parse(text, Ramp())
    assert said in str(caught.value)


def test_an_unknown_schedule_is_refused_with_the_known_names() -> None:
    with pytest.raises(ScheduleError, match="'spiral': unknown; there are progressive, rolling, queue"):
        schedule.make("spiral", 5, Ramp())


def test_what_is_made_together_meets_the_next_at_a_joint() -> None:
    ramp = Ramp(steps=24, window=12, chunk=3)
    pieces = {name: known.piece(ramp) for name, known in SCHEDULES.items()}
    assert pieces == {
        "progressive": 3, "rolling": 1, "queue": 3, "fifo": 1, "pyramid": 12, "autoregressive": 3,
        "replacement": 12, "replacement-noised": 12, "full-sequence": 3,
    }  # fmt: skip


@pytest.mark.parametrize("name", schedule.SCHEDULES)
def test_a_second_costs_the_same_however_long_the_video(name: str) -> None:
    """The packaged model's ramp, six latents a second: what 600 seconds cost beyond 330, 330 cost beyond 60,
    and filling and draining are paid once."""
    ramp = Ramp(steps=24, window=12, chunk=1, context=4, shift=2.0)
    name, ramp = schedule.parse(name, ramp)
    found = {seconds: _work(name, 6 * seconds, ramp) for seconds in (60, 330, 600)}
    calls, shown, widest = zip(*(found[seconds] for seconds in (60, 330, 600)), strict=True)
    assert calls[2] - calls[1] == calls[1] - calls[0]
    assert shown[2] - shown[1] == shown[1] - shown[0] > 0
    assert calls[2] / 600 <= calls[0] / 60 and shown[2] / 600 <= 1.01 * shown[0] / 60
    assert name == "full-sequence" or len(set(widest)) == 1


def _work(name: str, latents: int, ramp: Ramp) -> tuple[int, int, int]:
    """Count model calls, latents shown in them, and the latents of the widest, one by one."""
    widths = [len(step.latents) for step in schedule.make(name, latents, ramp)]
    return len(widths), sum(widths), max(widths)
