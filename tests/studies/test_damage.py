"""Damage is what it says, by the dose it says, and begins with nothing."""

from collections.abc import Iterator

import numpy as np
import pytest

from pavdm_cli.studies.damage import DAMAGES, damaged
from pavdm_cli.studies.sources import Frames

COUNT = 96


def pieces(seed: int) -> Iterator[Frames]:
    rng = np.random.default_rng(seed)
    still = rng.integers(40, 216, (2, 1, 16, 16, 3))
    for start in range(0, COUNT, 24):
        at = np.arange(start, start + 24)[None, :, None, None, None]
        yield (still + at % 40).clip(0, 255).astype(np.uint8)


def done(name: str, dose: float) -> np.ndarray:
    return np.concatenate(list(damaged(pieces(0), pieces(1), name, dose, COUNT)), 1)


PLAIN = np.concatenate(list(pieces(0)), 1)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda one: one.name)
def test_larger_doses_change_more_and_the_beginning_is_kept(damage) -> None:  # type: ignore[no-untyped-def]
    changed = [np.abs(done(damage.name, dose).astype(int) - PLAIN).mean() for dose in damage.doses]
    assert changed == sorted(changed) and changed[0] > 0
    assert done(damage.name, damage.doses[-1]).shape == PLAIN.shape
    assert np.array_equal(done(damage.name, damage.doses[0])[:, 0], PLAIN[:, 0])


def test_gamma_and_saturation_at_the_end() -> None:
    wanted = 255 * (PLAIN[:, -1] / 255) ** 1.4
    assert np.abs(done("gamma", 0.4)[:, -1] - wanted).max() <= 1
    grey = done("saturation", 1.0)[:, -1].astype(int)
    assert (grey.max(-1) - grey.min(-1)).max() <= 1


def test_a_freeze_stands_still_in_the_middle_and_goes_on() -> None:
    frozen = done("freeze", 1.0)
    assert np.array_equal(frozen[:, 48:72], np.repeat(PLAIN[:, 48:49], 24, 1))
    assert np.array_equal(frozen[:, 72:], PLAIN[:, 72:]) and np.array_equal(frozen[:, :48], PLAIN[:, :48])


def test_a_loop_begins_again() -> None:
    looped = done("loop", 0.25)
    assert np.array_equal(looped, np.concatenate([PLAIN[:, :24]] * 4, 1))


def test_a_swap_ends_in_the_other_scene_and_a_collapse_in_its_colour() -> None:
    other = np.concatenate(list(pieces(1)), 1)
    assert np.abs(done("swap", 1.0)[:, -1].astype(int) - other[:, -1]).max() <= 1
    collapsed = done("collapse", 1.0)
    assert np.array_equal(collapsed[:, :48], PLAIN[:, :48])
    assert collapsed[:, -1].std((1, 2)).max() < 1
