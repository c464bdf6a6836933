"""The guidance of each way of rolling: the one of a few whose short videos show best what was asked for."""

from collections.abc import Iterator

import numpy as np

from pavdm_cli.studies import measures, records
from pavdm_cli.studies.prompts import Asked
from pavdm_cli.studies.records import Film
from pavdm_cli.studies.scorecard import Progress, claim
from pavdm_cli.studies.subjects import Study, Subject, identity, record
from pavdm_cli.studies.variants import Variant

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
TRIED = (0.6, 1.0, 1.6)
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


def tried(study: Study, subject: Subject, way: Variant) -> dict[float, float]:
    """Return how well the short videos of a way show their prompts, by guidance."""
    found = {}
    for guidance in guidances(subject):
        films = tuning_films(study, subject, way, guidance)
        looks = [(look, film.asked) for film in films for look in records.read(film.path).looks]
        found[guidance] = float(np.mean([measures.adherence(look, asked) for look, asked in looks]))
    return found


def best(study: Study, subject: Subject, variant: Variant) -> float:
    """Return the guidance whose short videos show their prompts best, of equals the nearest to the usual."""
    found, usual = tried(study, subject, subject.variant(variant.like)), subject.pipeline.config.guidance
    return max(found, key=lambda one: (round(found[one], 6), -abs(np.log(one / usual))))


def missing(study: Study) -> int:
    """Return how many short videos are missing."""
    return sum(
        not film.path.exists()
        for subject in study.subjects
        for way in subject.tuned
        for guidance in guidances(subject)
        for film in tuning_films(study, subject, way, guidance)
    )
