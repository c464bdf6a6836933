"""Joints: figures that are known."""

import numpy as np
import pytest

from pavdm_cli.runs import joint
from pavdm_cli.runs.stream import corrected


def test_a_correction_finds_gain_and_offset() -> None:
    rng = np.random.default_rng(1)
    rebuilt = rng.integers(40, 200, (8, 16, 16, 3), dtype=np.uint8)
    wanted = ((0.9, 12.0), (1.1, -8.0), (1.0, 3.0))
    originals = corrected(rebuilt, wanted)
    found = joint.correction(originals, rebuilt)
    np.testing.assert_allclose(found, wanted, atol=0.15)
    assert joint.psnr(originals, corrected(rebuilt, found)) > 50 > joint.psnr(originals, rebuilt)
    assert joint.psnr(rebuilt, rebuilt) > 100


def test_a_plain_colour_gets_an_offset_alone() -> None:
    plain = np.full((4, 8, 8, 3), 100, np.uint8)
    assert joint.correction(plain + 20, plain) == ((1.0, 20.0),) * 3


def test_a_gain_is_bounded() -> None:
    faint = np.tile(np.arange(100, 116, dtype=np.uint8)[:, None, None, None], (1, 4, 4, 3))
    strong = ((faint.astype(int) - 100) * 10).astype(np.uint8)
    gain, offset = joint.correction(strong, faint)[0]
    assert gain == joint.LARGEST_GAIN and offset == pytest.approx(strong.mean() - 2 * faint.mean())


def ramp(steps: list[int]) -> np.ndarray:
    """Return frames that change by so much from each to the next."""
    levels = np.cumsum([0, *steps]).astype(np.uint8)
    return np.broadcast_to(levels[:, None, None, None], (len(levels), 4, 4, 3))


def test_a_jump_is_held_against_those_of_its_place() -> None:
    """Changes from latent to latent are three times the others; the joint is twice as large as they are."""
    frames = ramp([1, 1, 1, 3] * 3 + [1, 1, 1, 6] + [1, 1, 1, 3] * 3)
    assert joint.jump(frames[:16], frames[16:]) == pytest.approx(2.0)
    assert joint.jump(frames[:4], frames[4:]) is None
    assert joint.jump(frames[:12] * 0, frames[12:] * 0) is None
