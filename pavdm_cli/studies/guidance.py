"""The guidance of each way of rolling: the usual one, unless another's short videos are nearer to renders.

Near is meant as sets, by the probe's kernel distance, and nearer by more than chance. Facts would choose by
chance: in so little video any guidance shows nearly all of them. So would the least distance of a few videos.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from pavdm_cli.drift.sets import kernel_distance
from pavdm_cli.studies import records, sources
from pavdm_cli.studies.bootstrap import NORMAL, Estimate, Sets, Values, sets
from pavdm_cli.studies.claims import claim, renders
from pavdm_cli.studies.plan import Progress
from pavdm_cli.studies.prompts import Asked
from pavdm_cli.studies.records import Film
from pavdm_cli.studies.subjects import Study, Subject, identity, record
from pavdm_cli.studies.variants import Variant
from pavdm_cli.training.worlds.paint import FPS

TUNED_ON = (
    Asked(
        "a green square drifting to the left on a white background",
        "shapes",
        {"objects": "green square", "motion": "drifting left", "background": "white"},
    ),
    Asked(
        "a sailboat on the sea at night under a clear sky",
        "sea",
        {"boat": "sailboat", "weather": "clear", "time": "night"},
    ),
    Asked(
        "a slow drive through a city at night in the rain, blue lights",
        "city",
        {"light": "blue", "weather": "rain", "speed": "slow"},
    ),
    Asked(
        "a campfire with blue flames in a forest under a starry sky",
        "campfire",
        {"flame": "blue", "place": "forest", "sky": "starry"},
    ),
)
"""The prompts that guidance is chosen by; none is one of the scorecard's."""
TUNED_SECONDS = 10
TRUE = 4
"""True renders of each prompt that its short videos are held against."""
CERTAIN = 4.18
"""Standard errors to each side that chance leaves in one of forty studies of two other guidances and four
prompts (Student's t with three degrees of freedom, 1.25 %)."""
TRIED = (0.6, 1.0, 2.4)
"""Guidances tried, times the model's usual one."""


def guidances(subject: Subject) -> tuple[float, ...]:
    """Return the guidances tried."""
    return tuple(round(share * subject.pipeline.config.guidance, 2) for share in TRIED)


def tune(study: Study) -> Iterator[Progress]:
    """Make short videos of each way with each guidance; yield after each group."""
    todo = [
        (subject, way, guidance, film)
        for subject in study.subjects
        for way in subject.tuned
        for guidance in guidances(subject)
        for film in tuning_films(study, subject, way, guidance)
    ]
    undone = [one for one in todo if not one[3].path.exists()]
    done = len(todo) - len(undone)
    yield Progress(done, len(todo), "", ())
    _render(study)
    for subject, way, guidance in dict.fromkeys(one[:3] for one in undone):
        films = [one[3] for one in undone if one[:3] == (subject, way, guidance)]
        folder = films[0].path.parent
        claim(folder, identity(study, subject, way, guidance, TUNED_SECONDS))
        record(study, subject, way, guidance, films, TUNED_SECONDS)
        done += len(films)
        yield Progress(done, len(todo), f"{subject.name}, {way.name}, guidance {guidance:g}", ())


def tuning_films(study: Study, subject: Subject, way: Variant, guidance: float) -> list[Film]:
    """Return the short videos that a guidance of a way is judged by."""
    folder = study.folder(subject, way) / f"guidance-{guidance:g}"
    return [Film(asked, 1, folder / f"tuned-{n:02}-1.json") for n, asked in enumerate(TUNED_ON)]


def render_films(study: Study) -> list[Film]:
    """Return the true renders of the prompts, those of one seed after each other."""
    folder = study.work / "tuned-renders"
    return [
        Film(asked, seed, folder / f"tuned-{n:02}-{seed}.json")
        for seed in range(1, TRUE + 1)
        for n, asked in enumerate(TUNED_ON)
    ]


def tried(study: Study, subject: Subject, way: Variant) -> dict[float, Estimate]:
    """Return how much further from true renders the short videos of a way are with each guidance than with
    the usual one."""
    prompts = len(TUNED_ON)
    true = [records.read(film.path) for film in render_films(study)]

    def distances(guidance: float) -> Sets:
        own = [records.read(film.path) for film in tuning_films(study, subject, way, guidance)]

        def of(picks: Sequence[int]) -> Values:
            parts = [[one for i, one in enumerate(some) if i % prompts in picks] for some in (own, true)]
            found = []
            for look in own[0].looks:  # a floor would be the same for all, and differences are returned
                made, real = (records.features(some, look.at) for some in parts)
                found.append(kernel_distance(made, real))
            return np.array([np.mean(found)])

        return sets(prompts, of)

    found = {one: distances(one) for one in guidances(subject)}
    usual = found[guidances(subject)[TRIED.index(1.0)]]
    return {one: (apart - usual).estimates()[0] for one, apart in found.items()}


def best(study: Study, subject: Subject, variant: Variant) -> float:
    """Return the guidance whose short videos are nearest to renders, of those that are nearer than the usual
    one's by more than chance; the usual one if there is none."""
    found = tried(study, subject, subject.variant(variant.like))
    wider = CERTAIN / NORMAL
    nearer = {
        one: apart.value
        for one, apart in found.items()
        if apart.value + wider * (apart.high - apart.value) < 0
    }
    return min(nearer, key=nearer.__getitem__, default=subject.pipeline.config.guidance)


def is_tried(study: Study, subject: Subject, way: Variant) -> bool:
    """Tell whether every short video that a way's guidance is chosen by has its record."""
    films = [film for one in guidances(subject) for film in tuning_films(study, subject, way, one)]
    return all(film.path.exists() for film in films)


def missing(study: Study) -> int:
    """Return how many short videos are missing."""
    return sum(
        not film.path.exists()
        for subject in study.subjects
        for way in subject.tuned
        for guidance in guidances(subject)
        for film in tuning_films(study, subject, way, guidance)
    )


def _render(study: Study) -> None:
    """Make the true renders that have no record."""
    films, size = render_films(study), study.subjects[0].pipeline.config.size
    claim(films[0].path.parent, renders(study.judge, TUNED_SECONDS, size))
    undone = [film for film in films if not film.path.exists()]
    for start in range(0, len(undone), len(TUNED_ON)):
        group = undone[start : start + len(TUNED_ON)]
        asked, seeds = [film.asked for film in group], [film.seed for film in group]
        records.look(sources.real(asked, seeds, TUNED_SECONDS * FPS, size), group, study.probe)
