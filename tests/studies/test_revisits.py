"""Clips that come back: the needle's place was seen, then not for as long as its gap says."""

from pathlib import Path

import numpy as np
import pytest
import torch

from pavdm_cli.errors import RunError
from pavdm_cli.models.coder import Coder, CoderConfig
from pavdm_cli.studies import revisits
from pavdm_cli.studies.revisits import BINS, FRAMES, VISIBLE, Clip
from pavdm_cli.training.domain import MAZES
from pavdm_cli.training.mazes import view
from pavdm_cli.training.memory import LONGEST

SEED = 3


@pytest.fixture(scope="module")
def clips() -> list[Clip]:
    return list(revisits.search(MAZES, SEED, 2, 80))


def test_every_bin_is_filled(clips: list[Clip]) -> None:
    assert [sum(clip.bin == name for clip in clips) for name in BINS] == [2, 2, 2]


def test_the_needle_was_out_of_sight_for_its_gap(clips: list[Clip]) -> None:
    for clip in clips:
        there, trajectory = revisits.film(MAZES, SEED, clip.number)
        views = view.cast([there], np.zeros(FRAMES, int), trajectory.poses)
        region = int(views.walls[clip.needle].argmax())
        seen = views.shares[:, region] >= VISIBLE
        assert (
            seen[clip.needle]
            and seen[LONGEST - clip.gap]
            and not seen[LONGEST - clip.gap + 1 : LONGEST].any()
        )
        assert (
            clip.facts["wall"] == there.looks[region].wall
            and clip.facts["floor"] == there.looks[region].floor
        )
        (true,) = revisits.true_views(MAZES, SEED, [(clip.number, [clip.needle])])
        assert torch.equal(true[0], views.frames[clip.needle])


def test_a_clip_is_known_by_its_number(clips: list[Clip]) -> None:
    assert revisits.find(MAZES, SEED, clips[0].number) == clips[0]
    assert revisits.find(MAZES, SEED + 1, clips[0].number) != clips[0]


def test_the_search_ends() -> None:
    assert list(revisits.search(MAZES, SEED, 5, 0)) == []


def test_clips_are_read_as_they_were_written(clips: list[Clip], tmp_path: Path) -> None:
    torch.manual_seed(0)
    coder = Coder(CoderConfig(channels=4, widths=(8, 8, 8))).eval()
    films = revisits.encoded(MAZES, SEED, [clips[0].number], FRAMES, coder)
    assert films.latents.shape == (1, FRAMES, 4, 1, 4)
    path = tmp_path / "clips.safetensors"
    revisits.write(path, clips[:1], films, "own")
    again, same = revisits.read(path, "own")
    assert again == clips[:1] and torch.equal(same.latents, films.latents)
    with pytest.raises(RunError, match="clips of another study"):
        revisits.read(path, "other")
    path.write_bytes(b"nothing")
    with pytest.raises(RunError, match="not clips of this version"):
        revisits.read(path, "own")
