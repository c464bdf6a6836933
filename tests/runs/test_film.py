"""Chunks become files with their settings, and figures of drift."""

from pathlib import Path

import numpy as np
import pytest
import torch
from pictures import moving_frames, psnr

from pavdm_cli.media import reader
from pavdm_cli.runs.film import Film, Look
from pavdm_cli.runs.stream import Chunk

LOOK = Look(size=(64, 96), fps=8, scale=1, quality=18)


def chunks(*videos: np.ndarray) -> list[Chunk]:
    """Cut videos (T, H, W, 3) of one length into chunks of four frames, side by side."""
    frames = np.stack(videos)
    parts = [frames[:, i : i + 4] for i in range(0, frames.shape[1], 4)]
    return [Chunk(part, 4 * i, torch.zeros(0), i, i, {}) for i, part in enumerate(parts)]


def test_videos_side_by_side_become_files(tmp_path: Path) -> None:
    forth = moving_frames(21)
    back = forth[::-1]
    paths = [tmp_path / "forth.mp4", tmp_path / "back.mp4"]
    with Film(paths, LOOK, [{"seed": "1"}, {"seed": "2"}]) as made:
        for chunk in chunks(forth, back):
            made.add(chunk)
    assert made.frames == 21
    for path, frames in zip(paths, (forth, back), strict=True):
        assert psnr(np.concatenate(list(reader.read(path))), frames) > 32
    assert [reader.tags(path) for path in paths] == [{"seed": "1"}, {"seed": "2"}]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["back.mp4", "forth.mp4"]


def test_figures_are_each_video_s_own(tmp_path: Path) -> None:
    lively = moving_frames(48)
    dying = lively.copy()
    dying[32:] = 0
    with Film([tmp_path / "dying.mp4", tmp_path / "lively.mp4"], LOOK, [{}, {}]) as made:
        said = []
        for chunk in chunks(dying, lively):
            made.add(chunk)
            now = made.verdict()
            said.append(now and now.word)
    assert said[0] == "short" and said[7] == "ok" and said[-1] == "blank"
    words = [summary.verdict.word for i in range(2) if (summary := made.summary(i))]
    assert words == ["blank", "ok"]
    assert [len(made.figures(i)) for i in range(2)] == [6, 6]


def test_too_short_to_tell(tmp_path: Path) -> None:
    with Film([tmp_path / "x.mp4"], LOOK, [{}]) as made:
        made.add(chunks(moving_frames(1))[0])
    assert made.verdict() is None and made.summary(0) is None


def test_an_error_keeps_what_plays_and_names_no_finished_file(tmp_path: Path) -> None:
    paths = [tmp_path / "a.mp4", tmp_path / "b.mp4"]
    with pytest.raises(KeyboardInterrupt), Film(paths, LOOK, [{}, {}]) as made:
        for chunk in chunks(moving_frames(20), moving_frames(20)):
            made.add(chunk)
        raise KeyboardInterrupt
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.partial.mp4", "b.partial.mp4"]
    assert reader.probe(tmp_path / "b.partial.mp4").frames == 20


def test_nothing_is_made_before_the_first_frame(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), Film([tmp_path / "new" / "x.mp4"], LOOK, [{}]):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_turns_are_those_of_the_film_whatever_part_of_it_is_measured(tmp_path: Path) -> None:
    with Film([tmp_path / "x.mp4"], LOOK, [{}], hidden=16, turns=[(3.0, 4.0)]) as made:
        for chunk in chunks(moving_frames(48)):
            made.add(chunk)
        parts = [second.part for second in made.figures(0)]
    assert parts == [0, None, 1, 1]
