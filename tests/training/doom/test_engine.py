"""Views by Doom's renderer: the same bytes for the same pose, and showing what the map says."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from pavdm_cli.errors import RunError
from pavdm_cli.models import ways
from pavdm_cli.training.domain import DOOM
from pavdm_cli.training.doom import engine, house, sight, wad
from pavdm_cli.training.doom.house import House
from pavdm_cli.training.doom.plan import REGIONS, ROOMS
from pavdm_cli.training.mazes import films, walk

FRAMES = 64


def drawn(number: int) -> tuple[House, ways.Trajectory]:
    there = house.draw(1, number)
    return there, walk.palindrome(there, FRAMES, 40, np.random.default_rng(number))


def see(there: House, trajectory: ways.Trajectory, size: int = 64) -> torch.Tensor:
    return DOOM.see([there], np.zeros(len(trajectory.poses), int), trajectory.poses, size)


def test_the_same_seed_gives_the_same_bytes() -> None:
    hashes = set()
    for _ in range(2):
        trajectory, frames = films.draw(DOOM, 1, 2, FRAMES)
        assert frames.shape == (FRAMES, 64, 64, 3) and frames.dtype is torch.uint8
        hashes.add(hashlib.sha256(frames.numpy().tobytes() + trajectory.poses.tobytes()).hexdigest())
    assert len(hashes) == 1
    assert not torch.equal(films.draw(DOOM, 1, 3, FRAMES)[1], frames)


def test_a_view_seen_again_is_the_same_to_the_byte() -> None:
    frames = see(*drawn(0))
    for k in range(1, FRAMES - 40):
        assert torch.equal(frames[40 + k], frames[40 - k])
    assert not torch.equal(frames[0], frames[20])


def test_many_houses_at_once_are_as_each_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "MOST", 2)
    pairs = [drawn(n) for n in range(3)]
    which, poses = np.array([2, 0, 1, 2]), np.stack([pairs[n][1].poses[n] for n in (2, 0, 1, 2)])
    together = DOOM.see([there for there, _ in pairs], which, poses, 32)
    for n, (number, pose) in enumerate(zip(which, poses, strict=True)):
        alone = DOOM.see([pairs[number][0]], np.zeros(1, int), pose[None], 32)
        assert torch.equal(together[n], alone[0])


def test_what_the_map_says_is_in_sight_is_seen() -> None:
    """The pixels that change with a region's paper are those that the map gives it."""
    there, trajectory = drawn(1)
    trajectory = ways.Trajectory(trajectory.poses[:41:2], trajectory.actions[:41:2])
    frames, shares = see(there, trajectory, engine.DOWN), sight.shares(trajectory.poses)
    new = next(paper for paper in house.PAPERS if paper not in there.papers)
    shown = [n for n in range(len(REGIONS)) if shares[:, n].mean() > 0.02]
    assert len(shown) >= 3
    for n in shown:
        papers = tuple(new if k == n else paper for k, paper in enumerate(there.papers))
        changed = (see(House(papers), trajectory, engine.DOWN) != frames).any(-1).float().mean((1, 2))
        torch.testing.assert_close(changed, shares[:, n], atol=0.03, rtol=0)
        assert (changed[shares[:, n] == 0] == 0).all()


def test_a_view_is_asked_after_its_one_room() -> None:
    there, trajectory = drawn(1)
    sights = DOOM.sights(there, trajectory.poses)
    for shares, room, facts in zip(sights.shares, sights.region, sights.facts, strict=True):
        if room is None:
            assert facts == {}
        else:
            assert int(shares.argmax()) == room < len(ROOMS) and facts == {"wall": there.papers[room]}
    assert 0 < sum(room is None for room in sights.region) < FRAMES


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    there, trajectory = drawn(0)
    see(there, ways.Trajectory(trajectory.poses[:1], trajectory.actions[:1]))
    assert not list(tmp_path.iterdir()) and Path.cwd() == tmp_path


def test_an_engine_that_stops_or_stands_elsewhere_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    there, trajectory = drawn(0)
    with monkeypatch.context() as patch, pytest.raises(RunError, match="Doom's engine stopped"):
        patch.setattr(wad, "write", lambda path, lumps: None)
        see(there, trajectory)
    monkeypatch.setattr(engine, "SKILL", 5)
    with pytest.raises(RunError, match="Doom's engine is at"):
        see(there, trajectory)
