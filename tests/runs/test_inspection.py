"""A file looked at: its joints, its strip, ours at its own size, and a reference."""

from pathlib import Path

import numpy as np
import pytest
from pictures import moving_frames

from pavdm_cli.drift.statistics import DriftMeter
from pavdm_cli.errors import ScheduleError, VideoError
from pavdm_cli.media import reader
from pavdm_cli.media.writer import VideoWriter
from pavdm_cli.runs import inspection
from pavdm_cli.runs.settings import Settings, stored
from pavdm_cli.runs.timeline import Cue

FRAMES = moving_frames(40)


def written(path: Path, frames: np.ndarray = FRAMES, *, times: int = 1, fps: int = 8, **tags: str) -> Path:
    with VideoWriter(path, frames.shape[1:3], fps, scale=times, quality=4, tags=tags) as writer:
        writer.write(frames)
    return path


def test_a_strip_is_evenly_spaced_and_any_video_will_do(tmp_path: Path) -> None:
    seen = inspection.inspect(written(tmp_path / "a.mp4"))
    assert not seen.ours and seen.analysis.joints is None and seen.analysis.frames == 40
    assert seen.strip.shape == (12, 64, 96, 3)
    gaps = np.diff(seen.at)
    assert gaps.min() >= 3 / 8 and gaps.max() <= 4 / 8
    for frame, at in zip(seen.strip, seen.at, strict=True):
        assert np.abs(frame.astype(int) - FRAMES[round(at * 8)]).mean() < 3
    short = inspection.inspect(written(tmp_path / "b.mp4", FRAMES[:5]))
    assert len(short.strip) == 5


def test_ours_is_measured_at_its_own_size_where_its_schedule_has_joints(tmp_path: Path) -> None:
    tags = {"schedule": "replacement:window=2,chunk=1", "scale": "3"}
    seen = inspection.inspect(written(tmp_path / "a.mp4", times=3, **tags))
    plain = inspection.inspect(written(tmp_path / "b.mp4"), every=8)
    assert seen.ours and seen.redone and seen.info.height == 3 * 64 and seen.strip.shape[1:3] == (64, 96)
    assert seen.analysis.joints and plain.analysis.joints and seen.analysis.joints.every == 8
    meter = DriftMeter(8)
    meter.add(FRAMES)
    for one, other in zip(seen.analysis.seconds, meter.seconds, strict=True):
        assert one.contrast == pytest.approx(other.contrast, rel=0.02)
    for every, among in ((5, 1), (12, 4), (16, 8), (8, 4), (4, 1)):
        joints = inspection.inspect(tmp_path / "a.mp4", every).analysis.joints
        assert joints and (joints.every, joints.among) == (every, among)


def test_joints_at_every_frame_are_none(tmp_path: Path) -> None:
    own = Settings(
        prompt="left", seed=1, frames=40, schedule="progressive:chunk=1", guidance=1, model="m", weights="",
        vae="", scale=1, quality=18, device="cpu", dtype="fp32", threads=1, attention_chunk=None,
        deterministic=False, torch="", pavdm="", run="", frames_per_latent=1,
    )  # fmt: skip
    path = tmp_path / "walk.mp4"
    with VideoWriter(path, FRAMES.shape[1:3], 8, tags=stored(own)) as writer:
        writer.write(FRAMES)
    assert inspection.inspect(path).analysis.joints is None


@pytest.mark.parametrize(
    ("facts", "begins"),
    [
        ({}, 0),
        ({"frames_per_latent": 4, "missing": 3}, -3),
        ({"hidden": 30, "first": 30}, 2),  # the latent that was half shown is shown to its end first
        ({"shift": 26, "first": 38}, 38),
        ({"first": 50}, 52),
    ],
)
def test_joints_stand_where_the_pieces_of_the_last_making_meet(
    tmp_path: Path, facts: dict[str, int], begins: int
) -> None:
    """Every twenty frames in the film's latents, whatever of them the file shows."""
    own = Settings(
        prompt="a", seed=1, frames=300, schedule="autoregressive:chunk=5", guidance=1, model="m", weights="",
        vae="", scale=1, quality=18, device="cpu", dtype="fp32", threads=1, attention_chunk=None,
        deterministic=False, torch="", pavdm="", run="", **facts,
    )  # fmt: skip
    assert inspection.joints_from(own) == begins
    frames = moving_frames(160).astype(int)
    for t in range(begins, 160, 20):
        if t > 0:
            frames[t:] += 12 if (t - begins) % 40 else -12
    path = tmp_path / "film.mp4"
    with VideoWriter(path, frames.shape[1:3], 24, quality=4, tags=stored(own)) as writer:
        writer.write(frames.clip(0, 255).astype(np.uint8))
    joints = inspection.inspect(path).analysis.joints
    assert joints and joints.every == 20 and joints.low > 1.5 and joints.since == max(begins, 0) / 24


def test_joints_of_single_latents_are_looked_at_from_the_start_and_where_old_meets_new(
    tmp_path: Path,
) -> None:
    own = Settings(
        prompt="a", seed=1, first=82, frames=120, schedule="progressive", guidance=1, model="m", weights="",
        vae="", scale=1, quality=18, device="cpu", dtype="fp32", threads=1, attention_chunk=None,
        deterministic=False, torch="", pavdm="", run="",
    )  # fmt: skip
    frames = moving_frames(120).astype(int)
    frames[84:] += 60
    path = tmp_path / "film.mp4"
    with VideoWriter(path, frames.shape[1:3], 24, quality=4, tags=stored(own)) as writer:
        writer.write(frames.clip(0, 255).astype(np.uint8))
    joints = inspection.inspect(path).analysis.joints
    assert joints and (joints.every, joints.count, joints.since) == (4, 29, 0)
    assert joints.worst > 5 and joints.worst_at == 84 / 24


def test_a_schedule_of_another_time_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScheduleError, match="'spiral': unknown"):
        inspection.inspect(written(tmp_path / "a.mp4", schedule="spiral"))


def test_a_reference_is_compared_as_far_as_both_go(tmp_path: Path) -> None:
    worn = FRAMES.copy()
    worn[20:] //= 2
    (one,) = inspection.compare(written(tmp_path / "a.mp4", worn[:30]), written(tmp_path / "b.mp4"))
    assert (one.start, one.end) == (0, 30 / 8) and 10 < one.psnr < 80 and 0.5 < one.ssim < 1
    with pytest.raises(VideoError, match="do not pair up: 96x64 at 8 a second against 96x64 at 12"):
        inspection.compare(tmp_path / "a.mp4", written(tmp_path / "c.mp4", fps=12))
    with pytest.raises(VideoError, match="too small for SSIM"):
        inspection.compare(*(written(tmp_path / f"{k}.mp4", FRAMES[:, :8, :8]) for k in "de"))


def test_clips_follow_each_other_and_leave_the_rest_out(tmp_path: Path) -> None:
    path = written(tmp_path / "a.mp4")
    found = list(inspection.clips(path, 16))
    assert [clip.shape for clip in found] == [(16, 64, 96, 3)] * 2
    assert np.abs(np.concatenate(found).astype(int) - FRAMES[:32]).mean() < 3


def test_a_film_of_ours_says_when_it_was_told_to_change(tmp_path: Path) -> None:
    own = Settings(
        prompt="a ball", seed=1, first=0, frames=40, schedule="progressive", guidance=2.0, negative="",
        model="worlds", weights="w", vae="v", scale=1, quality=18, device="cpu", dtype="fp32", threads=1,
        attention_chunk=None, deterministic=False, torch="2", pavdm="1", run="r",
        cues=(Cue(3.0, "the sea"),), blend=0.5, hidden=8,
    )  # fmt: skip
    path = tmp_path / "own.mp4"
    with VideoWriter(path, FRAMES.shape[1:3], 8, tags=stored(own)) as writer:
        writer.write(FRAMES)
    assert inspection.turns(reader.probe(path)) == [(2.0, 4.5)]
    parts = [second.part for second in inspection.inspect(path).analysis.seconds]
    assert parts[:2] == [0, 0] and parts[2] is None
    assert inspection.turns(reader.probe(written(tmp_path / "other.mp4"))) == []


def test_joints_are_counted_in_the_frames_that_a_film_has_to_a_latent() -> None:
    assert inspection.joint_frames("progressive:window=16,chunk=16") == 64
    assert inspection.joint_frames("progressive:window=16,chunk=16", each=1) == 16
