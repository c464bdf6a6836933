"""What the study of accumulation comes to: figures, differences from progressive, verdicts, and a ranking.

Intervals are over prompts: the seeds of a prompt are averaged first, for they are alike. Differences are
between videos of the same prompt and seed, which begin from the same noise.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from pavdm_cli.studies import accumulation, guidance, measures, scorecard
from pavdm_cli.studies.bootstrap import Estimate, Sets, of_means, sets
from pavdm_cli.studies.forced import rank_correlation
from pavdm_cli.studies.measures import Values
from pavdm_cli.studies.plan import floor_kinds
from pavdm_cli.studies.prompts import PROMPTS
from pavdm_cli.studies.records import Record
from pavdm_cli.studies.subjects import Study, Subject, latents
from pavdm_cli.studies.variants import BASE, Variant

COURSES = (
    "adherence",
    "persistence",
    "retrieval",
    "feature change",
    "motion",
    "change over two seconds",
    "brightness",
    "contrast",
    "saturation",
    "sharpness",
)
DISTANCES = ("kernel distance above floor", "Frechet distance above floor", "distance between prompts")
VIDEOS = (
    "joints",
    "seams",
    "cuts",
    "freezes",
    "blanks",
    "repetition",
    "light kept",
    "brightness, last less first",
    "contrast, last less first",
    "saturation, last less first",
    "sharpness, last less first",
    "motion, last less first",
)
BETTER = {
    "Frechet distance above floor": -1,
    "kernel distance above floor": -1,
    "adherence": 1,
    "retrieval": 1,
    "persistence": 1,
    "joints": -1,
    "seams": -1,
}
"""What the verdicts are about, and whether more (1) or less (-1) of it is better; courses in their last
interval."""
EVEN = ("joints", "seams")
"""Where neither more nor less is better, but what is nearer to 1: a joint that moves less than the frames
around it stutters. Their differences are of how far means lie from 1."""
DRIFTS = ("Frechet distance above floor", "kernel distance above floor", "feature change", "adherence")
"""What the errors along the rows are held against, in the last interval."""
LEAST_RANKED = 4
Word = Literal["better", "worse", "not told apart"]


@dataclass(frozen=True)
class Outcome:
    """What one variant came to.

    group, about, schedule: of the variant. guidance: used; tried: distance from renders less that with the
    usual guidance, by guidance. evaluations: latents shown for a second of video. span: latents in the widest
    call. courses: by interval; apart: those less progressive's. videos, videos_apart: the same of whole
    videos (`EVEN`: how much further from 1 the mean is). error: along its rows, None if unmeasured.
    """

    name: str
    group: str
    about: str
    schedule: str
    guidance: float
    tried: dict[float, Estimate]
    evaluations: float
    span: int
    courses: dict[str, list[Estimate]]
    apart: dict[str, list[Estimate]]
    videos: dict[str, Estimate]
    videos_apart: dict[str, Estimate]
    error: Estimate | None

    def last(self, name: str) -> Estimate:
        """Return a measure of whole videos, or a course's last interval."""
        return self.videos[name] if name in self.videos else self.courses[name][-1]

    def verdict(self, name: str) -> tuple[Word, Estimate]:
        """Tell whether progressive is better or worse than this in a measure, by the interval of the
        difference, this less progressive."""
        found = self.videos_apart[name] if name in self.videos else self.apart[name][-1]
        low, high = sorted((-BETTER[name] * found.low, -BETTER[name] * found.high))
        return ("better" if low > 0 else "worse" if high < 0 else "not told apart"), found


@dataclass(frozen=True)
class Rank:
    """How the errors along the rows of so many variants order them against a measure of drift: Spearman's
    correlation, and the share of random orders that come as far from zero."""

    measure: str
    variants: int
    correlation: float
    chance: float


@dataclass(frozen=True)
class Results:
    """Everything. ceiling: figures of true renders, measured as the model's are. outcomes, ranks: by
    weights."""

    model: str
    probe: str
    seconds: int
    prompts: tuple[str, ...]
    seeds: int
    weights: dict[str, str]
    ceiling: dict[str, list[Estimate]]
    ceiling_videos: dict[str, Estimate]
    outcomes: dict[str, list[Outcome]] = field(default_factory=dict)
    ranks: dict[str, list[Rank]] = field(default_factory=dict)


@dataclass(frozen=True)
class Figures:
    """The figures of one set of videos, before means are taken: courses (P, K) and videos (P,) over prompts,
    distances of the set, whole and without each prompt."""

    courses: dict[str, Values]
    videos: dict[str, Values]
    sets: Sets
    count: int

    def estimates(
        self, less: "Figures | None" = None
    ) -> tuple[dict[str, list[Estimate]], dict[str, Estimate]]:
        """Return courses and figures of whole videos, with intervals; less: another set's to take off, prompt
        by prompt."""
        courses = {
            name: of_means(values if less is None else values - less.courses[name])
            for name, values in self.courses.items()
        }
        found = (self.sets if less is None else self.sets - less.sets).estimates()
        for n, name in enumerate(DISTANCES):
            courses[name] = found[n * self.count : (n + 1) * self.count]
        own = self.videos
        if less is not None:
            own = {name: _off(name, own[name]) - _off(name, less.videos[name]) for name in own}
        return courses, {name: of_means(values[:, None])[0] for name, values in own.items()}


class Judge:
    """Works figures out, against true renders of the same prompts."""

    def __init__(self, study: Study) -> None:
        self._plan = study.plan
        self._real = scorecard.gather(study.plan, "real", study.renders)
        self._floors = [scorecard.gather(study.plan, kind, study.renders) for kind in floor_kinds()]
        self._usual = measures.usual(self._real)
        self._asked = {one.prompt: one for one in PROMPTS}

    def figures(self, own: Sequence[Record]) -> Figures:
        """Return the figures of a set of videos, in the plan's order."""
        courses = measures.by_interval(own, self._asked, self._usual)
        videos = measures.of_videos(own, self._asked)
        return Figures(
            {name: self._by_prompt(courses[name]) for name in COURSES},
            {name: self._by_prompt(videos[name]) for name in VIDEOS},
            sets(len(self._plan.prompts), lambda picks: self._distances(own, picks)),
            measures.intervals(self._plan.seconds),
        )

    def _by_prompt(self, values: Values) -> Values:
        """Average (V, ...) over the seeds of each prompt."""
        apart = values.reshape(self._plan.seeds, len(self._plan.prompts), *values.shape[1:])
        mean: Values = apart.mean(0)
        return mean

    def _distances(self, own: Sequence[Record], prompts: Sequence[int]) -> Values:
        """Return the distances of the videos of some prompts, all measures after each other."""
        count = len(self._plan.prompts)
        picks = [prompt + count * seed for seed in range(self._plan.seeds) for prompt in prompts]
        parts = [[some[i] for i in picks] for some in (own, self._real, *self._floors)]
        found = measures.distances(parts[0], parts[1], parts[2:])
        return np.concatenate([found[name] for name in DISTANCES])


def score(study: Study) -> Results:
    """Work everything out from the records; of each weights' variants, those whose videos are all there."""
    judge, plan = Judge(study), study.plan
    ceiling = judge.figures(scorecard.gather(plan, "other", study.renders)).estimates()
    results = Results(
        model=study.subjects[0].pipeline.config.name,
        probe=study.judge,
        seconds=plan.seconds,
        prompts=tuple(one.prompt for one in plan.asked),
        seeds=plan.seeds,
        weights={subject.name: subject.weights for subject in study.subjects},
        ceiling=ceiling[0],
        ceiling_videos=ceiling[1],
    )
    for subject in study.subjects:
        found = _outcomes(study, subject, judge)
        results.outcomes[subject.name] = found
        results.ranks[subject.name] = ranks(found)
    return results


def ranks(outcomes: Sequence[Outcome]) -> list[Rank]:
    """Hold the errors along the rows against each measure of drift, so that more of both is worse."""
    ranked = [(one, one.error.value) for one in outcomes if one.error is not None]
    if len(ranked) < LEAST_RANKED:
        return []
    found = []
    for name in DRIFTS:
        drift = np.array([-BETTER.get(name, -1) * one.last(name).value for one, _ in ranked])
        if np.ptp(drift) > 0:
            errors = np.array([error for _, error in ranked])
            found.append(Rank(name, len(ranked), *rank_correlation(errors, drift)))
    return found


def plain(results: Results) -> Any:
    """Return the results as JSON takes them: figures to six digits, null where nothing was measured."""
    return _plain(asdict(results))


def _off(name: str, values: Values) -> Values:
    """Return what two sets of videos are compared by: of `EVEN`, to that side of 1 on which their mean lies,
    so that what strays to both sides by chance is no distance."""
    off: Values = np.sign(np.mean(values) - 1) * (values - 1) if name in EVEN else values
    return off


def _outcomes(study: Study, subject: Subject, judge: Judge) -> list[Outcome]:
    there = accumulation.complete(study, subject)
    figures = {one.name: _figures(study, subject, one, judge) for one in there}
    base = figures.get(BASE)
    return [_outcome(study, subject, one, figures[one.name], base) for one in there]


def _figures(study: Study, subject: Subject, variant: Variant, judge: Judge) -> Figures:
    return judge.figures(scorecard.gather(study.plan, "made", study.folder(subject, variant)))


def _outcome(study: Study, subject: Subject, variant: Variant, own: Figures, base: Figures | None) -> Outcome:
    courses, videos = own.estimates()
    apart, videos_apart = own.estimates(base) if base is not None and variant.name != BASE else ({}, {})
    paths = [study.error(subject, variant, i) for i in study.plan.prompts]
    error = None
    if variant.told and all(path.exists() for path in paths):
        error = of_means(np.array([[accumulation.read_error(path)] for path in paths]))[0]
    size = variant.size(latents(study))
    return Outcome(
        name=variant.name,
        group=variant.group,
        about=variant.about,
        schedule=variant.spelled(),
        guidance=guidance.best(study, subject, variant),
        tried=guidance.tried(study, subject, subject.variant(variant.like)),
        evaluations=size.evaluations / study.plan.seconds,
        span=size.span,
        courses=courses,
        apart=apart,
        videos=videos,
        videos_apart=videos_apart,
        error=error,
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value
