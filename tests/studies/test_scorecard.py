"""The scorecard from end to end with a tiny model: it goes on where it was, and refuses another's folder."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from pavdm_cli.cli import study as study_command
from pavdm_cli.cli.app import app
from pavdm_cli.errors import ConfigError, RunError
from pavdm_cli.models import quantised
from pavdm_cli.models.config import write
from pavdm_cli.models.device import place
from pavdm_cli.models.native import load
from pavdm_cli.models.probe import Probe
from pavdm_cli.studies import plan, sources
from pavdm_cli.studies import scorecard as study
from pavdm_cli.studies.claims import identity
from pavdm_cli.studies.plan import Plan, render_kinds
from pavdm_cli.studies.prompts import PROMPTS
from pavdm_cli.training import worlds
from pavdm_cli.training.probe import config

PLAN = Plan(prompts=(3, 5), seeds=1, seconds=10, batch=1)


@pytest.fixture
def folders(tiny_model: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A tiny model at 24 frames a second, and a tiny probe."""
    found = json.loads((tiny_model / "config.json").read_text()) | {"fps": 24}
    (tiny_model / "config.json").write_text(json.dumps(found))
    torch.manual_seed(0)
    probe = Probe(config((4, 4, 8), 8, 4))
    (tmp_path / "probe").mkdir()
    quantised.save(tmp_path / "probe/probe.safetensors", probe.state_dict())
    write(probe.config, tmp_path / "probe/probe.config.json")
    return tiny_model, tmp_path / "probe"


def test_it_goes_on_where_it_was_and_refuses_other_weights(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study, "KINDS", ("real", "made"))
    monkeypatch.setattr(plan, "FLOORS", 0)
    pipeline = load(folders[0], place("cpu", "fp32"))
    probe, judge = study.load_probe(folders[1])
    own = identity(pipeline, folders[0], judge, PLAN.seconds)
    progress = study.make(pipeline, probe, PLAN, own, tmp_path / "work")
    assert (next(progress).done, next(progress).kind) == (0, "real")
    progress.close()
    (first,) = (tmp_path / "work").glob("*-*.json")
    before = first.stat().st_mtime_ns
    (again,) = [now for now in study.make(pipeline, probe, PLAN, own, tmp_path / "work") if not now.kind]
    assert again.done == 1 and first.stat().st_mtime_ns == before
    made = study.gather(PLAN, "made", tmp_path / "work")
    assert [record.prompt for record in made] == [PROMPTS[3].prompt, PROMPTS[5].prompt]
    assert made[0].looks != made[1].looks and made[0].seconds == 10
    other = replace(own, weights="other")
    with pytest.raises(RunError, match="a study of other weights"):
        next(study.make(pipeline, probe, PLAN, other, tmp_path / "work"))


def test_renders_are_of_any_model_but_of_these_worlds(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "FLOORS", 0)
    pipeline = load(folders[0], place("cpu", "fp32"))
    probe, judge = study.load_probe(folders[1])
    own, work = identity(pipeline, folders[0], judge, PLAN.seconds), tmp_path / "work"
    assert len(study.undone(PLAN, render_kinds(), work)) == 4
    done = [n.done for n in study.make(pipeline, probe, PLAN, own, work, ("real",), "--renders")]
    assert done == [0, 1, 2] and len(study.undone(PLAN, render_kinds(), work)) == 2
    other = replace(own, weights="other", model="other")
    (again,) = study.make(pipeline, probe, PLAN, other, work, ("real",), "--renders")
    assert again.done == 2 and again.all == 2
    next(study.make(pipeline, probe, PLAN, other, work))  # a scorecard of it can begin there
    with pytest.raises(RunError, match="a study of other model, weights; give another --work"):
        next(study.make(pipeline, probe, PLAN, own, work))
    monkeypatch.setattr("pavdm_cli.training.worlds.code_hash", lambda: "changed")
    for changed, kinds, option in ((own, ("real",), "--renders"), (other, None, "--work")):
        with pytest.raises(RunError, match=f"renders of other worlds; give another {option}"):
            next(study.make(pipeline, probe, PLAN, changed, work, kinds, option))
    (work / "renders.json").unlink()
    with pytest.raises(RunError, match=r"renders without renders\.json"):
        next(study.make(pipeline, probe, PLAN, other, work))


def test_other_worlds_have_another_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = worlds.code_hash()
    copy = Path(shutil.copytree(Path(worlds.__file__).parent, tmp_path / "worlds"))
    monkeypatch.setattr(worlds, "__file__", str(copy / "__init__.py"))
    assert worlds.code_hash() == before
    (copy / "sea.py").write_text((copy / "sea.py").read_text() + "\nWAVES = 7\n")
    assert worlds.code_hash() != before


def test_renders_show_the_prompt_and_differ_by_seed() -> None:
    asked = [PROMPTS[0], PROMPTS[0], PROMPTS[4]]
    frames = np.concatenate(list(sources.real(asked, [1, 2, 1], 30, (32, 32))), 1)
    assert frames.shape == (3, 30, 32, 32, 3) and frames.dtype == np.uint8
    assert frames[0, 0, 2, 2].argmax() == 2, "the background is blue"
    assert np.abs(frames[0].astype(int) - frames[1]).mean() > 1
    alone = np.concatenate(list(sources.real(asked[1:2], [2], 30, (32, 32))), 1)
    assert np.abs(alone[0].astype(int) - frames[1]).max() <= 1


@pytest.mark.parametrize(
    ("changes", "said"),
    (
        ({"seconds": 15}, "multiple of 10"),
        ({"seeds": 0}, "at least 1"),
        ({"prompts": (1,), "seeds": 1}, "no set"),
    ),
)
def test_plans_that_cannot_be_are_refused(changes: dict[str, int], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Plan(**changes)  # type: ignore[arg-type]


def test_a_model_of_another_rate_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    pipeline = load(tiny_model, place("cpu", "fp32"))
    with pytest.raises(ConfigError, match="8 frames a second; the probe reads 24"):
        identity(pipeline, tiny_model, tmp_path, PLAN.seconds)


def test_without_plots_it_says_so_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study_command, "find_spec", lambda name: None)
    result = CliRunner().invoke(app, ["study", "scorecard", "--quick"])
    assert isinstance(result.exception, ConfigError) and "pip install matplotlib" in str(result.exception)


@pytest.mark.slow
def test_the_command_makes_the_page(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "QUICK", PLAN)
    arguments = ["study", "scorecard", "--quick", "--model", str(folders[0]), "--probe", str(folders[1])]
    arguments += ["--work", str(tmp_path / "work"), "-o", str(tmp_path / "page")]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "fails" in result.output and "index.html" in result.output
    against = [*arguments, "--against", str(tmp_path / "page/results.json")]
    assert CliRunner().invoke(app, against).exit_code == 0
    assert "the model before" in (tmp_path / "page/index.html").read_text()
