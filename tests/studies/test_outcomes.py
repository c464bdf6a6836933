"""What the study comes to: differences between pairs, verdicts with their sign, and rankings."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from films import record

from pavdm_cli.models.config import write_json
from pavdm_cli.models.device import place
from pavdm_cli.models.native import load
from pavdm_cli.models.probe import Probe
from pavdm_cli.studies import (
    accumulation_page,
    guidance,
    measures,
    outcomes,
    records,
    scorecard,
)
from pavdm_cli.studies.bootstrap import Estimate
from pavdm_cli.studies.outcomes import BETTER, Outcome, Results
from pavdm_cli.studies.plan import Plan, floor_kinds, record_path, render_kinds
from pavdm_cli.studies.records import Record
from pavdm_cli.studies.subjects import SHIPPED, Study, subjects
from pavdm_cli.training.probe import config

PLAN = Plan(prompts=(0, 1, 2, 3, 5, 8), seeds=2, seconds=20)
STRIP = np.full((5, 16, 16, 3), 90, np.uint8)


@pytest.fixture(scope="module")
def study(tiny_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Study]:
    """A study whose records are made up: progressive shows its prompts, replacement loses them and has
    seams, the pyramid is progressive again, and rolling lacks a video."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(guidance, "is_tried", lambda *given: True)
        patch.setattr(
            guidance, "tried", lambda *given: {1.2: Estimate(0.1, -0.1, 0.3), 2.0: Estimate(0, 0, 0)}
        )
        yield made_up(tiny_weights / "tiny", tmp_path_factory.mktemp("study"))


def made_up(model: Path, folder: Path) -> Study:
    pipeline = load(model, place("cpu", "fp32"))
    compared = subjects(pipeline, model, None, {}, "ways,moves-noised")
    found = Study(compared, PLAN, Probe(config((4, 4, 8), 8, 4)), "4567", folder / "work", folder / "renders")

    def fill(where: Path, kind: str, made: Callable[[int, int], Record]) -> None:
        where.mkdir(parents=True, exist_ok=True)
        for i, seed in PLAN.videos:
            records.write(record_path(where, kind, i, seed), made(i, seed), STRIP)

    for n, kind in enumerate(render_kinds(), 1):
        fill(found.renders, kind, lambda i, seed, n=n: record(i, seed + 10 * n))  # type: ignore[misc]
    work = found.work / SHIPPED
    fill(work / "progressive", "made", record)
    fill(work / "pyramid", "made", record)
    fill(work / "replacement", "made", lambda i, seed: replace(record(i, seed, wrong=3), seams=1.4))
    fill(work / "rolling", "made", record)
    record_path(work / "rolling", "made", 0, 1).unlink()
    fill(work / "moves-noised", "made", record)
    for name, error in (("progressive", 0.1), ("pyramid", 0.2), ("replacement", 0.4), ("moves-noised", 0.3)):
        for i in PLAN.prompts:
            write_json(work / name / f"error-{i:02}.json", {"error": error + i / 100})
    return found


@pytest.fixture(scope="module")
def results(study: Study) -> Results:
    return outcomes.score(study)


def named(results: Results, name: str) -> Outcome:
    return next(one for one in results.outcomes[SHIPPED] if one.name == name)


def test_only_what_is_complete_is_shown_and_progressive_is_the_measure(results: Results) -> None:
    there = [one.name for one in results.outcomes[SHIPPED]]
    assert there == ["progressive", "replacement", "pyramid", "moves-noised"]
    base = named(results, "progressive")
    assert not base.apart and base.guidance == 2.0 and base.error is not None
    assert base.error.value == pytest.approx(0.1 + np.mean(PLAN.prompts) / 100)


def test_differences_are_pairwise(results: Results) -> None:
    """The same videos differ in nothing, however much they stray from each other."""
    same = named(results, "pyramid")
    for row in same.apart.values():
        assert [(one.value, one.low, one.high) for one in row] == [(0, 0, 0)] * 2
    assert {same.verdict(name)[0] for name in BETTER} == {"not told apart"}


def test_verdicts_say_which_is_better(results: Results) -> None:
    lost = named(results, "replacement")
    assert lost.courses["adherence"][0].value == 1 and lost.last("adherence").value == pytest.approx(0.25)
    for name in ("adherence", "retrieval", "persistence", "seams"):
        assert lost.verdict(name)[0] == "better", name
    assert lost.apart["Frechet distance above floor"][-1].value > 0
    assert lost.verdict("joints")[0] == "not told apart"
    _, found = lost.verdict("seams")
    assert found.value == pytest.approx(0.4) and accumulation_page.sentences(lost).startswith("better: ")
    turned = replace(lost, videos_apart=lost.videos_apart | {"seams": Estimate(-0.4, -0.5, -0.3)})
    assert turned.verdict("seams")[0] == "worse"


def test_joints_that_stutter_are_as_bad_as_joints_that_jump(study: Study) -> None:
    """Motion at the joints of 0.7 and of 1.3 times the rest differ in nothing, and both from none."""
    judge = outcomes.Judge(study)
    own = scorecard.gather(PLAN, "made", study.work / SHIPPED / "progressive")
    even, faint, strong = (judge.figures([replace(one, joints=n) for one in own]) for n in (1.0, 0.7, 1.3))
    assert faint.estimates(strong)[1]["joints"].value == pytest.approx(0)
    assert faint.estimates(even)[1]["joints"].value == pytest.approx(0.3)
    assert faint.estimates()[1]["joints"].value == pytest.approx(0.7)


def test_what_strays_by_chance_to_both_sides_of_one_is_not_told_apart_from_one(study: Study) -> None:
    """A way without seams has exactly 1; one whose seams are nowhere but in the noise is not worse for it."""
    judge = outcomes.Judge(study)
    own = scorecard.gather(PLAN, "made", study.work / SHIPPED / "progressive")
    even = judge.figures(own)
    rng, called = np.random.default_rng(0), 0
    for _ in range(50):
        stray = replace(even, videos=even.videos | {"seams": rng.normal(1, 0.1, 24)})
        base = replace(even, videos=even.videos | {"seams": np.ones(24)})
        called += stray.estimates(base)[1]["seams"].low > 0
    assert called < 8  # the distance of each from 1 gave all of them


def test_a_prompt_that_is_left_out_is_left_out_of_renders_too(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what is made, of the renders it is held against, and of those that make the floor."""
    judge, seen = outcomes.Judge(study), []
    own = scorecard.gather(PLAN, "made", study.work / SHIPPED / "progressive")

    def distances(
        made: Sequence[Record], real: Sequence[Record], others: Sequence[Sequence[Record]]
    ) -> dict[str, np.ndarray]:
        seen.append([sorted({one.prompt for one in some}) for some in (made, real, *others)])
        return {name: np.zeros(2) for name in outcomes.DISTANCES}

    monkeypatch.setattr(measures, "distances", distances)
    judge.figures(own)
    floors = [scorecard.gather(PLAN, kind, study.renders) for kind in floor_kinds()]
    scorecard.distances(len(PLAN.prompts), own[: len(PLAN.prompts)], own, floors)
    assert len(seen) > 12
    for sets in seen:
        assert len({tuple(prompts) for prompts in sets}) == 1
    assert {len(sets[0]) for sets in seen} >= {len(PLAN.prompts), len(PLAN.prompts) - 1}


def test_seeds_of_a_prompt_are_averaged_before_intervals_are_drawn(study: Study) -> None:
    judge = outcomes.Judge(study)
    own = scorecard.gather(PLAN, "made", study.work / SHIPPED / "progressive")
    figures = judge.figures(own)
    assert figures.courses["adherence"].shape == (6, 2) and figures.videos["joints"].shape == (6,)
    by_hand = np.mean([own[k].figures["motion"][:10] for k in (1, 7)])
    assert figures.courses["motion"][1, 0] == pytest.approx(by_hand)


def test_rankings_need_enough_variants_and_count_more_as_worse(results: Results) -> None:
    assert results.ranks[SHIPPED] == []  # of three: errors do not tell how moves are made, measured or not
    assert named(results, "moves-noised").error is None
    some = [
        replace(
            named(results, "pyramid"), error=Estimate(n, n, n),
            courses={key: [Estimate(-n, 0, 0)] for key in outcomes.COURSES + outcomes.DISTANCES},
        )
        for n in range(10)
    ]  # fmt: skip
    found = {rank.measure: rank for rank in outcomes.ranks(some)}
    assert found["adherence"].correlation == pytest.approx(1) and found["adherence"].variants == 10
    assert found["feature change"].correlation == pytest.approx(-1)


def test_results_and_page(study: Study, results: Results, tmp_path: Path) -> None:
    found = json.loads(json.dumps(outcomes.plain(results), allow_nan=False))
    assert found["outcomes"][SHIPPED][1]["apart"]["adherence"][1]["value"] == pytest.approx(-0.75)
    html = accumulation_page.write(tmp_path / "page", study, results).read_text()
    for wanted in (
        "shipped-end.png",
        "shipped-courses.png",
        "shipped-00.webp",
        "seams",
        "than replacement",
        "With 6 prompts",
    ):
        assert wanted in html, wanted
    assert "nan" not in html.replace("nance", "")
    assert (tmp_path / "page/shipped-end.png").stat().st_size > 5_000
