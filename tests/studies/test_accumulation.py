"""The study of accumulation from end to end with a tiny model: it grows, and never makes a video twice."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from pavdm_cli.cli.app import app
from pavdm_cli.errors import ConfigError, RunError
from pavdm_cli.models import quantised
from pavdm_cli.models.config import write
from pavdm_cli.models.denoiser import Denoiser
from pavdm_cli.models.device import place
from pavdm_cli.models.native import Native, load
from pavdm_cli.models.probe import Probe
from pavdm_cli.sampling import schedule
from pavdm_cli.studies import accumulation, guidance, records, scorecard, sources
from pavdm_cli.studies.bootstrap import Estimate
from pavdm_cli.studies.claims import probe_hash
from pavdm_cli.studies.plan import QUICK, Plan, first
from pavdm_cli.studies.prompts import PROMPTS
from pavdm_cli.studies.records import Film, look
from pavdm_cli.studies.subjects import NEUTRAL, SHIPPED, Study, subjects
from pavdm_cli.training.probe import config

PLAN = Plan(prompts=(0, 3), seeds=1, seconds=10, batch=4)


@pytest.fixture
def folders(tiny_model: Path, tmp_path: Path) -> tuple[Path, Path, Path]:
    """A tiny model at 24 frames a second, a tiny probe, and what a training of the model's twin leaves."""
    found = json.loads((tiny_model / "config.json").read_text()) | {"fps": 24}
    (tiny_model / "config.json").write_text(json.dumps(found))
    torch.manual_seed(0)
    probe = Probe(config((4, 4, 8), 8, 4))
    network = Denoiser(load(tiny_model, place("cpu", "fp32")).denoiser.config)
    for name, one, key in (("probe", probe, "probe"), ("twin", network, "denoiser")):
        (tmp_path / name).mkdir()
        quantised.save(tmp_path / f"{name}/{key}.safetensors", one.state_dict())
        write(one.config, tmp_path / f"{name}/{key}.config.json")
    return tiny_model, tmp_path / "probe", tmp_path / "twin"


@pytest.fixture
def pipeline(folders: tuple[Path, Path, Path]) -> Native:
    return load(folders[0], place("cpu", "fp32"))


def begun(pipeline: Native, folders: tuple[Path, Path, Path], work: Path, only: str) -> Study:
    probe, judge = scorecard.load_probe(folders[1])
    compared = subjects(pipeline, folders[0], None, {}, only)
    return Study(compared, PLAN, probe, probe_hash(judge), work, work / "renders")


def test_it_grows_and_makes_nothing_twice(
    folders: tuple[Path, Path, Path], pipeline: Native, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guidance, "TUNED_ON", guidance.TUNED_ON[:2])
    monkeypatch.setattr(guidance, "TUNED_SECONDS", 5)
    monkeypatch.setattr(guidance, "TRIED", (0.5, 1.0))
    study = begun(pipeline, folders, tmp_path / "work", "progressive,context-0.1")
    assert guidance.missing(study) == 4 and [missing for _, _, missing, _ in accumulation.cost(study)] == [
        2,
        2,
    ]
    progress = guidance.tune(study)
    assert [next(progress).done for _ in range(2)] == [0, 2]
    progress.close()
    assert guidance.missing(study) == 2 and list(guidance.tune(study))[-1].done == 4
    assert [(now.done, now.all) for now in accumulation.make(study)] == [(0, 4), (2, 4), (4, 4)]
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "work").rglob("made-*")}
    assert len(written) == 8
    more = begun(pipeline, folders, tmp_path / "work", "progressive,ramp-low")
    more = replace(more, plan=replace(PLAN, prompts=(0, 3, 4)))
    assert [now.done for now in accumulation.make(more)] == [2, 3, 6]
    assert all(path.stat().st_mtime_ns == at for path, at in written.items())
    assert [one.name for one in accumulation.complete(more, more.subjects[0])] == ["progressive", "ramp-low"]
    assert [now.done for now in accumulation.force(more)] == [0, 1, 2]
    assert accumulation.read_error(more.error(more.subjects[0], more.subjects[0].known[0], 4)) > 0
    assert [now.done for now in accumulation.force(more)] == [2]
    other = replace(more, subjects=(replace(more.subjects[0], weights="4567"),))
    for use in (accumulation.make, lambda study: accumulation.complete(study, study.subjects[0])):
        with pytest.raises(RunError, match="a study of other weights"):
            list(use(other))


def test_the_usual_guidance_is_used_unless_another_is_nearer_by_more_than_chance(
    folders: tuple[Path, Path, Path], pipeline: Native, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = begun(pipeline, folders, tmp_path, "pyramid-sink")
    (subject,) = study.subjects
    (pyramid,) = subject.tuned
    assert pyramid.name == "pyramid" and guidance.guidances(subject) == (1.2, 2.0, 4.8)
    found = {1.2: Estimate(-0.3, -0.7, 0.1), 2.0: Estimate(0, 0, 0), 4.8: Estimate(0.2, 0.1, 0.3)}
    monkeypatch.setattr(guidance, "tried", lambda study, subject, way: found if way is pyramid else {})
    assert guidance.best(study, subject, subject.asked[0]) == 2.0
    found[4.8] = Estimate(-0.1, -0.19, -0.01)  # of four prompts that is chance
    assert guidance.best(study, subject, subject.asked[0]) == 2.0
    found[4.8] = Estimate(-0.1, -0.14, -0.06)
    assert guidance.best(study, subject, subject.asked[0]) == 4.8
    found[1.2] = Estimate(-0.3, -0.4, -0.2)
    assert guidance.best(study, subject, subject.asked[0]) == 1.2


def test_guidance_is_chosen_by_prompts_that_can_be_and_are_no_others() -> None:
    for asked in guidance.TUNED_ON:
        assert asked.scene(np.random.default_rng(0)).facts().items() >= asked.facts.items()
        assert asked.prompt not in [one.prompt for one in PROMPTS]


def test_a_twin_differs_in_its_denoiser_alone(
    folders: tuple[Path, Path, Path], pipeline: Native, tmp_path: Path
) -> None:
    found = subjects(pipeline, folders[0], folders[2], {"steady": folders[2]}, "replacement")
    assert [one.name for one in found] == [SHIPPED, NEUTRAL, "steady"]
    assert [[v.name for v in one.asked] for one in found] == [
        ["replacement"],
        ["replacement"],
        ["progressive"],
    ]
    assert found[1].pipeline.vae is pipeline.vae and found[1].pipeline.denoiser is not pipeline.denoiser
    assert len({one.weights for one in found}) == 2 and found[1].weights == found[2].weights
    with pytest.raises(ConfigError, match="that name is taken"):
        subjects(pipeline, folders[0], None, {"neutral": folders[2]}, "")
    shapes = replace(pipeline.denoiser.config, depth=1)
    write(shapes, folders[2] / "denoiser.config.json")
    with pytest.raises(ConfigError, match="of another shape"):
        subjects(pipeline, folders[0], folders[2], {}, "")


def test_a_window_longer_than_the_span_is_shown_whole(
    pipeline: Native, monkeypatch: pytest.MonkeyPatch
) -> None:
    list(sources.made(pipeline, PROMPTS[:1], [1], 4))  # a model that was used before
    chunks: list[int | None] = []
    monkeypatch.setattr(pipeline.denoiser, "set_attention_chunk", chunks.append)
    ramp = replace(pipeline.config.sampling, context=0)
    way = sources.Way("full-sequence", ramp, 1.5)
    frames = list(sources.made(pipeline, PROMPTS[:1], [1], 60, way))
    assert sum(part.shape[1] for part in frames) == 60 and schedule.size("full-sequence", 15, ramp).span == 15
    assert len(chunks) == 2 and chunks[-1] is None and pipeline.span == 8


def test_more_prompts_hold_the_fewer() -> None:
    assert first(12) == QUICK.prompts
    for count in range(2, len(PROMPTS) + 1):
        assert first(count)[:-1] == first(count - 1)
    assert sorted(first(len(PROMPTS))) == list(range(len(PROMPTS)))
    with pytest.raises(ConfigError, match="--prompts 25: there are 24"):
        first(25)


def test_seams_are_measured_where_pieces_join(tmp_path: Path) -> None:
    """Frames that move only where pieces of two latents join have a seam there, and no other video has."""
    torch.manual_seed(0)
    probe = Probe(config((4, 4, 8), 8, 4)).eval()
    moved = np.arange(120) // 8 * 9 + np.arange(120) // 4
    frames = np.broadcast_to(moved[None, :, None, None, None], (1, 120, 8, 8, 3)).astype(np.uint8)
    for piece, seams in ((2, 10.0), (1, 1.0), (4, 10 / 5.5)):
        path = tmp_path / f"{piece}.json"
        look(iter([frames]), [Film(PROMPTS[0], 1, path)], probe, piece)
        assert records.read(path).seams == pytest.approx(seams, rel=0.1), piece


@pytest.mark.slow
def test_the_command_makes_the_page(
    folders: tuple[Path, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accumulation, "QUICK", replace(PLAN, prompts=(0, 3, 4, 7)))
    monkeypatch.setattr(guidance, "TUNED_SECONDS", 5)
    arguments = ["study", "accumulation", "--quick", "--model", str(folders[0]), "--probe", str(folders[1])]
    arguments += ["--work", str(tmp_path / "work"), "--renders", str(tmp_path / "renders")]
    arguments += ["--neutral", str(folders[2]), "-o", str(tmp_path / "page")]
    planned = CliRunner().invoke(app, [*arguments, "--dry-run"])
    assert planned.exit_code == 0 and not (tmp_path / "work").exists() and "videos of 10 s" in planned.output
    assert "16 of 10 s to make" in planned.output
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "progressive is better" in result.output and "index.html" in result.output
    found = json.loads((tmp_path / "page/results.json").read_text())
    assert set(found["outcomes"]) == {SHIPPED, NEUTRAL}
    assert len(found["outcomes"][SHIPPED]) == len(found["outcomes"][NEUTRAL]) > 20
    (rank,) = {one["variants"] for one in found["ranks"][SHIPPED]}
    assert rank >= 10
    html = (tmp_path / "page/index.html").read_text()
    assert "nan" not in html.replace("nance", "") and html.count("<img") > 10
