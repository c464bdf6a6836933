"""Variants: equal where they must be, different in what they say, and none that cannot be."""

from dataclasses import replace

import pytest

from pavdm_cli.errors import ConfigError
from pavdm_cli.models import library
from pavdm_cli.sampling import schedule
from pavdm_cli.sampling.schedule import Ramp
from pavdm_cli.studies import variants as module
from pavdm_cli.studies.variants import BASE, LONG, LONGER, Variant, chosen, variants

SHIPPED = library.config(library.find("worlds")).sampling
RAMP = replace(SHIPPED, steps=24)
SPAN = RAMP.span
ALL = variants(RAMP, SPAN)


def named(name: str) -> Variant:
    return next(one for one in ALL if one.name == name)


@pytest.mark.parametrize(("ramp", "count"), ((RAMP, 9), (SHIPPED, 9)), ids=("24 moves", "as shipped"))
def test_ways_cost_the_same_and_show_no_more(ramp: Ramp, count: int) -> None:
    ways = [one for one in variants(ramp, SPAN) if one.group == "ways"]
    base = ways[0].size(LONG)
    assert len(ways) == count and ways[0].name == BASE
    for one in ways:
        assert one.size(LONG).evaluations == pytest.approx(base.evaluations, rel=0.05), one.name
        queued = one.schedule == "fifo" and ramp.steps <= ramp.window
        assert one.size(LONG).span == SPAN // 2 if queued else (one.size(LONG).span == SPAN) == one.trained
    assert [one.name for one in ways if not one.trained] == [LONGER]


@pytest.mark.parametrize(("steps", "chunk"), ((24, 1), (12, 2), (6, 4)))
def test_a_pyramid_of_few_calls_moves_chunks_and_moves_in_half_of_them(steps: int, chunk: int) -> None:
    ramp = Ramp(steps=steps, window=12, chunk=max(12 // steps, 1), context=4)
    found = variants(ramp, 16)
    (pyramid,) = (one for one in found if one.name == "pyramid")
    base = next(one for one in found if one.name == BASE)
    assert pyramid.ramp.chunk == chunk and 2 * pyramid.ramp.steps >= steps
    assert pyramid.size(LONG).calls == pytest.approx(base.size(LONG).calls, rel=0.05)


@pytest.mark.parametrize("ramp", (RAMP, SHIPPED), ids=("24 moves", "as shipped"))
def test_a_sink_takes_the_place_of_context(ramp: Ramp) -> None:
    found = {one.name: one for one in variants(ramp, SPAN)}
    sinks = [one for one in found.values() if one.group == "sinks"]
    assert len(sinks) == 8
    for one in sinks:
        plain = found[one.like]
        assert one.ramp.sink and one.ramp.context < plain.ramp.context
        assert one.size(LONG).span == plain.size(LONG).span
        assert one.size(LONG).evaluations == pytest.approx(plain.size(LONG).evaluations, rel=0.01)


def test_moves_are_the_model_s_where_the_cost_was_not() -> None:
    moved = {one.like: one for one in ALL if one.group == "moves"}
    assert set(moved) == {"autoregressive", "pyramid", "fifo-ahead"}
    for way, one in moved.items():
        assert one.ramp.steps == RAMP.steps > named(way).ramp.steps
        assert one.size(LONG).evaluations > 1.3 * named(way).size(LONG).evaluations


def test_changes_change_one_thing_of_progressive() -> None:
    changes = [one for one in ALL if one.group == "changes"]
    assert len(changes) == 11
    for one in changes:
        differ = [key for key in vars(RAMP) if getattr(one.ramp, key) != getattr(RAMP, key)]
        assert one.schedule == "progressive" and one.like == BASE and len(differ) == 1


@pytest.mark.parametrize("ramp", (RAMP, SHIPPED), ids=("24 moves", "as shipped"))
def test_no_way_rolls_as_another_does(ramp: Ramp) -> None:
    """Not by another name either: a queue that one window holds is the progressive schedule."""
    ways = [one for one in variants(ramp, SPAN) if one.group == "ways" and one.trained]
    middles = []
    for one in ways:
        steps = list(schedule.make(one.schedule, 80, one.ramp))
        middles.append([(step.level, step.next) for step in steps[len(steps) // 2 :][: 2 * ramp.steps]])
    alike = [
        (a.name, b.name) for i, a in enumerate(ways) for b in ways[:i] if middles[i] == middles[ways.index(b)]
    ]
    assert alike == [("rolling", "progressive")]  # which differ at the ends alone


@pytest.mark.parametrize("own", (RAMP, SHIPPED), ids=("24 moves", "as shipped"))
def test_names_and_schedules_are_all_different(own: Ramp) -> None:
    found = variants(own, SPAN)
    assert len({one.name for one in found}) == len({one.spelled() for one in found}) == len(found)
    for one in found:
        name, ramp = schedule.parse(one.spelled(), own)
        assert (name, ramp.span) == (one.schedule, one.ramp.span)


def test_a_model_without_a_shift_has_no_straight_ramp_beside_its_own() -> None:
    found = variants(Ramp(steps=6, window=6, context=2), 8)
    assert "ramp-straight" not in [one.name for one in found] and "ramp-bent" in [one.name for one in found]
    for one in found:
        list(schedule.make(one.schedule, 30, one.ramp))


def test_what_a_model_s_moves_do_not_fill_is_left_out() -> None:
    assert {one.name for one in ALL} - {one.name for one in variants(SHIPPED, SPAN)} == {"half-moves"}
    few = {one.name for one in variants(Ramp(steps=6, window=12, chunk=2, context=4), 16)}
    assert "rolling" not in few and {"progressive", "replacement", "pyramid"} < few


def test_variants_are_chosen_by_name_and_by_group() -> None:
    assert chosen(ALL, "") == ALL
    assert [one.name for one in chosen(ALL, "fifo, progressive")] == ["progressive", "fifo"]
    assert {one.group for one in chosen(ALL, "ways,changes")} == {"ways", "changes"}
    with pytest.raises(ConfigError, match=r"there are progressive, rolling.*groups of them: ways, sinks"):
        chosen(ALL, "fifo,slow")
    assert set(module.GROUPS) == {one.group for one in ALL}


@pytest.mark.parametrize(("name", "piece"), (("progressive", 1), ("replacement", 12), ("autoregressive", 4)))
def test_what_is_made_together(name: str, piece: int) -> None:
    assert named(name).piece == piece


def test_errors_along_the_rows_are_not_asked_of_what_moves_otherwise_alone() -> None:
    found = variants(Ramp(steps=12, window=12, context=4, shift=2.0), SPAN)
    assert [one.name for one in found if not one.told] == ["moves-noised", "moves-noised-high"]
