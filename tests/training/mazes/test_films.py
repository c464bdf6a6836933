"""Films on disk: made once, gone on with, refused where they are of something else."""

from pathlib import Path

import pytest
import torch

from pavdm_cli.errors import CheckpointError
from pavdm_cli.models.coder import Coder, CoderConfig
from pavdm_cli.training.domain import MAZES
from pavdm_cli.training.mazes import films


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(films, "LONG", 12)
    monkeypatch.setattr(films, "PART", 2)


def coder() -> Coder:
    torch.manual_seed(0)
    return Coder(CoderConfig(channels=4, widths=(8, 8, 8))).eval()


def make(folder: Path, count: int) -> list[int]:
    return list(films.make(folder, MAZES, coder(), "own", 1, count))


def test_films_are_made_in_parts_and_only_once(tmp_path: Path) -> None:
    assert make(tmp_path, 3) == [2, 3]
    first = tmp_path / "films-00000.safetensors"
    made = first.stat().st_mtime_ns
    (tmp_path / "films-00002.safetensors").unlink()
    assert make(tmp_path, 3) == [2, 3] and first.stat().st_mtime_ns == made
    found = films.load(tmp_path, "own", 1, 3)
    assert found.latents.shape == (3, 12, 4, 1, 4) and found.latents.dtype is torch.half
    assert found.poses.shape == (3, 12, 3) and found.actions[:, 0].tolist() == [-1] * 3


def test_a_film_is_what_its_number_says(tmp_path: Path) -> None:
    make(tmp_path, 2)
    trajectory, frames = films.draw(MAZES, 1, 1, 12)
    found = films.load(tmp_path, "own", 1, 2)
    assert torch.equal(found.poses[1], torch.from_numpy(trajectory.poses).int())
    assert torch.equal(found.latents[1], coder().latents(frames).half())


def test_films_of_something_else_are_refused(tmp_path: Path) -> None:
    make(tmp_path, 2)
    with pytest.raises(CheckpointError, match="use another --folder"):
        films.load(tmp_path, "other", 1, 2)
    with pytest.raises(CheckpointError, match="missing or damaged"):
        films.load(tmp_path, "own", 1, 4)
