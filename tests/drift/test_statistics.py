"""The figures: right on pictures whose figures are known, whatever the portions they arrive in."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scenes import FPS, pixels, scene

from pavdm_cli.drift.statistics import DriftMeter, SecondStats

FRAMES = pixels(scene(2.5))


def measured(frames: np.ndarray, fps: float = FPS) -> list[SecondStats]:
    meter = DriftMeter(fps)
    meter.add(frames)
    return meter.seconds


def flat(*levels: tuple[int, int, int]) -> np.ndarray:
    return np.array(levels, np.uint8)[:, None, None] * np.ones((8, 8, 1), np.uint8)


def test_flat_pictures_have_known_figures() -> None:
    first, second = measured(flat((255, 0, 0), (255, 0, 0), (51, 51, 51), (102, 102, 102)), fps=2)
    assert first.brightness == pytest.approx(0.2126, abs=1e-6)
    assert (first.contrast, first.sharpness, first.motion, first.histogram) == (0, 0, 0, 0)
    assert (first.saturation, second.saturation) == (1, 0)
    assert second.brightness == pytest.approx(0.3, abs=1e-6)
    assert second.motion == pytest.approx(((0.2126 - 0.2) + 0.2) / 2, abs=1e-6)
    assert second.histogram == pytest.approx((0.7 + 0.3 + 0.3) / 3)


def test_seconds_of_a_rate_that_is_no_whole_number_begin_where_they_do() -> None:
    found = measured(np.zeros((31, 8, 8, 3), np.uint8), fps=12.5)
    assert [one.at for one in found] == pytest.approx([0, 0.96, 1.92])
    assert [one.length for one in found] == pytest.approx([0.96, 0.96, 7 / 12.5])


def test_a_chequerboard_is_as_sharp_as_can_be() -> None:
    board = (np.indices((8, 8)).sum(0) % 2 * 255).astype(np.uint8)
    (second,) = measured(np.broadcast_to(board[None, ..., None], (2, 8, 8, 3)), fps=2)
    assert second.sharpness == pytest.approx(4, abs=1e-5)
    assert second.contrast == pytest.approx(0.5, abs=1e-6)


@given(cuts=st.lists(st.integers(0, len(FRAMES)), max_size=6))
def test_portions_do_not_matter(cuts: list[int]) -> None:
    meter = DriftMeter(FPS)
    for part in np.split(FRAMES, sorted(cuts)):
        meter.add(part)
    assert meter.seconds == measured(FRAMES)


@pytest.mark.parametrize(
    ("frames", "seconds"), [(0, []), (5, []), (6, [0.5]), (17, [1]), (18, [1, 0.5]), (24, [1, 1])]
)
def test_the_last_second_counts_from_half_on(frames: int, seconds: list[float]) -> None:
    assert [second.length for second in measured(FRAMES[:frames])] == seconds


def test_asking_in_between_changes_nothing() -> None:
    meter = DriftMeter(FPS)
    for frame in FRAMES:
        meter.add(frame[None])
        _ = meter.seconds
    assert meter.seconds == measured(FRAMES)


def test_memory_does_not_grow_with_the_frames() -> None:
    meter = DriftMeter(FPS)
    meter.add(FRAMES)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(20):
        meter.add(FRAMES)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 50 * 1000, f"{after - before} bytes for {20 * len(FRAMES) / FPS} seconds"
