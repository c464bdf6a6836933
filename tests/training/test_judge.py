"""The judge: learns what can be told, and is measured on views of its own."""

from pathlib import Path

import pytest
import torch

from pavdm_cli.errors import CheckpointError
from pavdm_cli.models import judge as judges
from pavdm_cli.models.coder import Coder, CoderConfig
from pavdm_cli.training import coder as training_of_coder
from pavdm_cli.training import judge as training
from pavdm_cli.training.coder import CoderTraining
from pavdm_cli.training.domain import MAZES
from pavdm_cli.training.fit import Budget
from pavdm_cli.training.judge import JudgeTraining

CPU = torch.device("cpu")


def test_a_judge_learns_and_is_loaded_as_it_was_stored(tmp_path: Path) -> None:
    torch.manual_seed(0)
    coder = Coder(CoderConfig(channels=8, widths=(8, 8, 8))).eval().requires_grad_(False)
    settings = JudgeTraining(batch=16, places=8)
    judge = training.train(tmp_path, coder, settings, Budget(steps=3, warmup=1), CPU)
    loaded = judges.load(tmp_path)
    frames, _ = training.drawn(settings, 5)
    for name, scores in loaded(frames.permute(0, 3, 1, 2) / 127.5 - 1).items():
        torch.testing.assert_close(
            scores, judge(frames.permute(0, 3, 1, 2) / 127.5 - 1)[name], atol=0.05, rtol=0
        )
    found = training.measure(loaded, 9, 20)
    assert set(found) == {"wall", "floor", "mark"}
    assert all(0 <= right <= all_ <= 64 for right, all_ in found.values()) and found["wall"][1] > 20
    assert training.measure(loaded, 9, 20) == found


def test_settings_are_written_once_the_state_is_taken(tmp_path: Path) -> None:
    coder = Coder(CoderConfig(channels=8, widths=(8, 8, 8)))
    (tmp_path / "judge.state").write_bytes(b"damaged")
    (tmp_path / "coder.state").write_bytes(b"damaged")
    with pytest.raises(CheckpointError):
        training.train(tmp_path, coder, JudgeTraining(), Budget(steps=1), CPU)
    with pytest.raises(CheckpointError):
        training_of_coder.train(tmp_path, MAZES, coder.config, CoderTraining(), Budget(steps=1), CPU)
    assert {path.name for path in tmp_path.iterdir()} == {"judge.state", "coder.state"}
