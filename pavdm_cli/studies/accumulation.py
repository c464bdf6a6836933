"""Progressive levels against the ways of rolling that they replace: the videos of the study, made and kept.

Every video, every tried guidance and every error along a schedule's rows leaves a small file, so that a study
goes on where it was stopped and grows by prompts, seeds and ways; nothing that is there is made again.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from pavdm_cli.errors import RunError
from pavdm_cli.models.config import write_json
from pavdm_cli.studies import forced, guidance
from pavdm_cli.studies.claims import claim
from pavdm_cli.studies.plan import Plan, Progress, first
from pavdm_cli.studies.prompts import PROMPTS
from pavdm_cli.studies.subjects import Study, Subject, identity, latents, record
from pavdm_cli.studies.variants import Variant

FULL = Plan(prompts=first(len(PROMPTS)))
QUICK = Plan(prompts=first(4), seeds=1, seconds=20)


def make(study: Study) -> Iterator[Progress]:
    """Make the videos without a record, every variant's of a group of prompts before the next group's.

    The guidances must have been tried before. Yields after every group.

    Raises:
        RunError: a folder holds records of something else.
    """
    jobs = [(subject, variant) for subject in study.subjects for variant in subject.asked]
    used = {job: _claimed(study, *job) for job in jobs}
    everything = {job: study.films(study.folder(*job)) for job in jobs}
    count = len(jobs) * len(study.plan.videos)
    done = sum(film.path.exists() for films in everything.values() for film in films)
    yield Progress(done, count, "", ())
    for start in range(0, len(study.plan.videos), study.plan.batch):
        for subject, variant in jobs:
            group = everything[subject, variant][start : start + study.plan.batch]
            films = [film for film in group if not film.path.exists()]
            if films:
                record(study, subject, variant, used[subject, variant], films, study.plan.seconds)
                done += len(films)
                yield Progress(done, count, f"{subject.name}, {variant.name}", ())


def force(study: Study) -> Iterator[Progress]:
    """Measure the errors along the rows of every variant that has rows of its own; yield after each.

    Clips are true renders that no training saw.
    """
    jobs = [(s, v) for s in study.subjects for v in s.asked if v.trained and v.told]
    missing = [job for job in jobs if _unforced(study, *job)]
    yield Progress(len(jobs) - len(missing), len(jobs), "", ())
    prompts, batch = study.plan.prompts, study.plan.batch
    parts = [prompts[start : start + batch] for start in range(0, len(prompts), batch)] if missing else []
    clean = [forced.clips(study.subjects[0].pipeline, [PROMPTS[i] for i in part]) for part in parts]
    for done, (subject, variant) in enumerate(missing, len(jobs) - len(missing) + 1):
        for part, true in zip(parts, clean, strict=True):
            found = forced.errors(subject.pipeline, variant, [PROMPTS[i] for i in part], true)
            for i, error in zip(part, found.tolist(), strict=True):
                write_json(study.error(subject, variant, i), {"error": error})
        yield Progress(done, len(jobs), f"{subject.name}, {variant.name}", ())


def complete(study: Study, subject: Subject) -> list[Variant]:
    """Return the variants of which every video of the plan has its record, asked for now or not.

    Raises:
        RunError: a folder holds records of something else.
    """
    found = [
        one
        for one in subject.known
        if all(film.path.exists() for film in study.films(study.folder(subject, one)))
        and guidance.is_tried(study, subject, subject.variant(one.like))
    ]
    for one in found:
        _claimed(study, subject, one)
    return found


def cost(study: Study) -> list[tuple[Subject, Variant, int, int]]:
    """Return for every variant asked for how many videos have no record, and the latents to show for one."""
    return [
        (
            subject,
            one,
            sum(not film.path.exists() for film in study.films(study.folder(subject, one))),
            one.size(latents(study)).evaluations,
        )
        for subject in study.subjects
        for one in subject.asked
    ]


def read_error(path: Path) -> float:
    """Read an error that `force` wrote.

    Raises:
        RunError: it is not such a file.
    """
    try:
        return float(json.loads(path.read_text(encoding="utf-8"))["error"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise RunError(f"{path}: not an error of this version ({error!r}); delete it") from error


def _claimed(study: Study, subject: Subject, variant: Variant) -> float:
    """Return the guidance of a variant; its folder is from then on of nothing else."""
    used = guidance.best(study, subject, variant)
    claim(study.folder(subject, variant), identity(study, subject, variant, used, study.plan.seconds))
    return used


def _unforced(study: Study, subject: Subject, variant: Variant) -> bool:
    return any(not study.error(subject, variant, i).exists() for i in study.plan.prompts)
