"""The guidance of a way: videos nearer to renders choose it, and the renders are made once."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from films import record

from pavdm_cli.models.device import place
from pavdm_cli.models.native import load
from pavdm_cli.models.probe import Probe
from pavdm_cli.studies import guidance, records
from pavdm_cli.studies.plan import Plan
from pavdm_cli.studies.records import Film
from pavdm_cli.studies.subjects import Study, subjects
from pavdm_cli.training.probe import config

STRIP = np.full((2, 16, 16, 3), 90, np.uint8)


def write(film: Film, prompt: int, seed: int, off: float) -> None:
    """Keep a made-up video, its features off by so much."""
    made = record(prompt, seed)
    looks = [replace(look, features=[value + off for value in look.features]) for look in made.looks]
    film.path.parent.mkdir(parents=True, exist_ok=True)
    records.write(film.path, replace(made, looks=looks), STRIP)


def test_videos_nearer_to_renders_choose_it(tiny_model: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    pipeline = load(tiny_model, place("cpu", "fp32"))
    compared = subjects(pipeline, tiny_model, None, {}, "progressive")
    study = Study(compared, Plan(), Probe(config((4, 4, 8), 8, 4)), "4567", tmp_path, tmp_path / "renders")
    (subject,), (way,) = compared, compared[0].tuned
    for n, film in enumerate(guidance.render_films(study)):
        write(film, n % len(guidance.TUNED_ON), 100 + n, 0.0)
    for at, off in zip(guidance.guidances(subject), (2.0, 1.0, 0.05), strict=True):
        for n, film in enumerate(guidance.tuning_films(study, subject, way, at)):
            write(film, n, 1, off)
    assert guidance.is_tried(study, subject, way)
    low, usual, high = guidance.tried(study, subject, way).values()
    assert usual.value == 0
    assert high.high < 0 < low.low
    assert guidance.best(study, subject, way) == guidance.guidances(subject)[2]
    guidance.tuning_films(study, subject, way, at)[0].path.unlink()
    assert not guidance.is_tried(study, subject, way)


def test_renders_are_made_once(tiny_model: Path, tmp_path: Path) -> None:
    pipeline = load(tiny_model, place("cpu", "fp32"))
    compared = subjects(pipeline, tiny_model, None, {}, "progressive")
    study = Study(compared, Plan(), Probe(config((4, 4, 8), 8, 4)), "4567", tmp_path, tmp_path / "renders")
    films = guidance.render_films(study)
    for film in films[1:]:
        write(film, 0, 1, 0.0)
    before = {film.path: film.path.stat().st_mtime_ns for film in films[1:]}
    next(progress := guidance.tune(study))
    next(progress, None)
    progress.close()
    assert films[0].path.exists()
    assert all(path.stat().st_mtime_ns == at for path, at in before.items())
