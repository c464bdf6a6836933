"""The analysis: each planted fault is found where it was planted, and a scene that only lives has none."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import moving_frames
from scenes import FPS, pixels, scene

from pavdm_cli.drift import analysis
from pavdm_cli.drift.analysis import Analyser, Analysis, Part
from pavdm_cli.errors import VideoError

CLEAN = pixels(scene(10))


def analysed(frames: np.ndarray, every: int | None = None, fps: float = FPS) -> Analysis:
    analyser = Analyser(fps)
    analyser.add(frames)
    return analyser.result(every)


def test_a_scene_that_only_lives_has_nothing() -> None:
    got = analysed(CLEAN, every=6)
    assert (got.frames, got.length, len(got.seconds)) == (120, 10, 10)
    assert got.faults == got.cuts == got.freezes == got.blanks == ()
    assert got.bad_from is None
    assert got.joints and got.joints.low < 1.05 < 1.2 and got.joints.times == pytest.approx(1, abs=0.05)


@settings(max_examples=15)
@given(parts=st.lists(st.integers(0, 36), max_size=5))
def test_portions_do_not_matter(parts: list[int]) -> None:
    analyser = Analyser(FPS)
    for part in np.split(CLEAN[:36], sorted(parts)):
        analyser.add(part)
    assert analyser.result(4) == analysed(CLEAN[:36], 4)


@pytest.mark.parametrize("place", (1, 2, 50, 118))
def test_a_cut_is_found_at_its_frame(place: int) -> None:
    frames = CLEAN.copy()
    frames[place:] = frames[place:, ::-1, ::-1]
    (cut,) = analysed(frames).cuts
    assert (cut.frame, cut.at) == (place, place / FPS)
    assert cut.times > analysis.CUT_TIMES


def test_a_flash_and_fast_motion_are_no_cuts() -> None:
    flash = CLEAN.copy()
    flash[60] = 255
    fast = np.stack([np.roll(CLEAN[0], 7 * t, axis=1) for t in range(60)])
    assert analysed(flash).cuts == analysed(fast).cuts == analysed(np.repeat(fast[:20], 3, axis=0)).cuts == ()


def test_a_freeze_is_found_however_little_it_flickers() -> None:
    frames = CLEAN.copy()
    noise = np.random.default_rng(0).integers(-1, 2, (30, *frames.shape[1:]))
    frames[40:70] = (frames[40].astype(int) + noise).clip(0, 255)
    (freeze,) = analysed(frames).freezes
    assert freeze.start == pytest.approx(40 / FPS) and freeze.end == pytest.approx(70 / FPS, abs=1 / FPS)
    assert analysed(frames).bad_from == pytest.approx(40 / FPS, abs=1)


def test_slow_change_is_no_freeze_and_a_freeze_at_the_end_counts() -> None:
    slow = np.clip(CLEAN[:1].astype(int) + np.arange(120)[:, None, None, None], 0, 255).astype(np.uint8)
    assert analysed(slow).freezes == ()
    held = np.concatenate([CLEAN[:60], np.repeat(CLEAN[60:61], 30, axis=0)])
    assert analysed(held).freezes == (Part(60 / FPS, 90 / FPS),)


def test_blank_frames_are_found_even_single_ones() -> None:
    frames = CLEAN.copy()
    frames[30], frames[50:53] = 0, 128
    assert analysed(frames).blanks == (Part(30 / FPS, 31 / FPS), Part(50 / FPS, 53 / FPS))


def test_joints_are_found_at_the_right_distance_only() -> None:
    frames = np.concatenate(
        [np.clip(CLEAN[i : i + 8].astype(int) + 4 * (i // 8 % 2), 0, 255) for i in range(0, 120, 8)]
    )
    right, wrong = (analysed(frames.astype(np.uint8), every).joints for every in (8, 5))
    assert right and wrong
    assert right.count == 14 and right.low > 1.5 and right.worst > right.times
    assert wrong.low < 1


def test_joints_of_pieces_are_told_from_those_of_what_pieces_are_made_of() -> None:
    only_latents = np.clip(CLEAN.astype(int) + (np.arange(120) // 4 % 2 * 4)[:, None, None, None], 0, 255)
    analyser = Analyser(FPS)
    analyser.add(only_latents.astype(np.uint8))
    apart, within = analyser.result(16).joints, analyser.result(16, among=4).joints
    assert apart and within and apart.low > 1.1 and within.times == pytest.approx(1, abs=0.05)


def test_joints_need_frames_between_them() -> None:
    with pytest.raises(VideoError, match="every 1 frames"):
        analysed(CLEAN, every=1)
    assert analysed(CLEAN[:4], every=8).joints is None


def test_a_loop_is_told_by_its_lag_and_a_slow_change_is_none() -> None:
    turn = round(3 * FPS)  # the disc's period
    got = analysed(np.concatenate([CLEAN[:turn]] * 5)).repetition
    assert got and got.lag == pytest.approx(3) and got.strength > 0.9
    away = np.stack([np.roll(CLEAN[0], t // 3, axis=1) for t in range(48 * 3)])
    slow = analysed(away).repetition
    assert slow and slow.strength < 0.4
    assert analysed(np.repeat(CLEAN[:1], 120, axis=0)).repetition is None


def test_thumbnails_do_not_grow_in_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysis, "MOMENTS", 8)
    turn = round(3 * FPS)
    analyser = Analyser(FPS)
    for _ in range(5):
        analyser.add(CLEAN[:turn])
        assert len(analyser._moments) <= 8
    assert analyser.result().repetition is not None


def test_it_is_json_and_short_videos_have_no_summary() -> None:
    got = analysed(CLEAN[:5], every=2)
    assert got.summary is None and got.seconds == ()
    assert json.loads(json.dumps(asdict(got)))["frames"] == 5
    assert json.loads(json.dumps(asdict(analysed(CLEAN))))["summary"]["seconds"] == 10
    with pytest.raises(VideoError, match="no frame"):
        Analyser(FPS).result()


def test_odd_rates_are_measured_at_their_own_seconds() -> None:
    frames = CLEAN.copy()
    frames[60:] = frames[60:, ::-1, ::-1]
    assert analysed(frames, fps=11.99).cuts[0].at == pytest.approx(60 / 11.99)


def test_a_small_fast_thing_is_no_cut() -> None:
    frames = np.repeat(CLEAN[:1], 48, axis=0)
    frames[:, 10:25, 5:20] = 255
    frames[24:, 10:25, 5:20] = CLEAN[0, 10:25, 5:20]
    frames[24:, 30:45, 40:55] = 255
    assert analysed(frames).cuts == ()


@pytest.mark.parametrize("fps", [1, 2, 3])
def test_few_frames_a_second_that_move_do_not_stand_still(fps: int) -> None:
    analyser = Analyser(fps)
    analyser.add(moving_frames(24, (48, 64)))
    seen = analyser.result()
    assert not seen.freezes and seen.bad_from is None, seen.faults
    still = Analyser(fps)
    still.add(np.repeat(moving_frames(1, (48, 64)), 12, axis=0))
    assert still.result().freezes
