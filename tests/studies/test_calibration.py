"""Calibration: the smallest dose noticed is found, what is undamaged is not, and records are resumed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from films import falling, record

from pavdm_cli.errors import RunError
from pavdm_cli.models.probe import Probe
from pavdm_cli.studies import calibration, records
from pavdm_cli.studies.calibration import PLAIN
from pavdm_cli.studies.damage import Damage
from pavdm_cli.studies.plan import Plan
from pavdm_cli.training.probe import config

PLAN = Plan(prompts=(0, 1, 2, 3, 5, 8), seeds=1, seconds=20, batch=6)
DAMAGES = (Damage("dark", "brightness lost", (0.001, 0.3)), Damage("lost", "looks lost", (1, 4)))


def test_the_smallest_dose_noticed_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "DAMAGES", DAMAGES)
    for i, seed in PLAN.videos:
        films = {kind: record(i, seed + n) for n, kind in enumerate(PLAIN)}
        films |= {f"dark-{dose}": falling("brightness", dose, prompt=i, seed=9) for dose in DAMAGES[0].doses}
        films |= {f"lost-{dose}": record(i, 8, wrong=int(dose)) for dose in DAMAGES[1].doses}
        for kind, film in films.items():
            path = tmp_path / f"{kind}-{i:02}-{seed}.json"
            records.write(path, replace(film, seed=seed), np.zeros((4, 8, 8, 3), np.uint8))
    found = calibration.judge(PLAN, "0123", tmp_path)
    assert found.found["brightness, last less first"] == {"dark": 0.3, "lost": None}
    assert found.found["adherence"] == {"dark": None, "lost": 1}
    assert found.found["freezes"] == {"dark": None, "lost": None}
    assert "adherence" not in found.false
    calibration.write(tmp_path / "calibration.json", found)
    assert calibration.read(tmp_path / "calibration.json") == found
    (tmp_path / "calibration.json").write_text("[]")
    with pytest.raises(RunError, match="not a calibration"):
        calibration.read(tmp_path / "calibration.json")


def test_records_of_one_probe_are_no_other_s(tmp_path: Path) -> None:
    probe = Probe(config((4, 4, 8), 8, 4)).eval()
    next(calibration.make(probe, "one", PLAN, tmp_path))
    with pytest.raises(RunError, match="holds renders of other probe"):
        next(calibration.make(probe, "other", PLAN, tmp_path))


@pytest.mark.slow
def test_damaged_videos_are_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "SIZE", (32, 32))
    torch.manual_seed(0)
    probe = Probe(config((4, 4, 8), 8, 4)).eval()
    plan = Plan(prompts=(0, 4), seeds=1, seconds=10, batch=1)
    *_, last = calibration.make(probe, "one", plan, tmp_path)
    assert last.done == last.all == 2 * (len(PLAIN) + 1)
    dark, plain = (records.read(tmp_path / f"{kind}-00-1.json") for kind in ("gamma-0.4", "gamma-0.05"))
    assert dark.figures["brightness"][-1] < plain.figures["brightness"][-1] - 0.03
    assert records.read(tmp_path / "freeze-4.0-04-1.json").freezes == 1
    assert [now.kind for now in calibration.make(probe, "one", plan, tmp_path)] == [""]
