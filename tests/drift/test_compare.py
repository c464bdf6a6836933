"""PSNR and SSIM: the values that a published implementation gives, and their data range."""

import numpy as np
import pytest
from scenes import FPS, pixels, scene

from pavdm_cli.drift.compare import EQUAL, Comparer, psnr, ssim


def pair() -> tuple[np.ndarray, np.ndarray]:
    """Return a smooth picture with a disc, (64, 96, 3), and the same with a fixed texture laid over it."""
    y, x = np.mgrid[:64, :96]
    disc = np.hypot(x - 10, y - 32) < 64 / 5
    clean = np.stack([x * 255 / 96, y * 255 / 64, 60 + 160 * disc], -1).astype(np.uint8)
    texture = ((x * 7 + y * 13) % 23 - 11)[..., None]
    return clean, np.clip(clean.astype(int) + texture, 0, 255).astype(np.uint8)


def test_values_are_those_of_scikit_image() -> None:
    """scikit-image 0.25's, with gaussian_weights, sigma 1.5, use_sample_covariance off, data_range 255."""
    clean, worn = pair()
    assert psnr(clean, worn) == pytest.approx(31.76508454851326, abs=1e-5)
    assert ssim(clean, worn) == pytest.approx(0.6909370669382608, abs=1e-9)


def test_the_data_range_is_255() -> None:
    black, grey = (np.full((16, 16, 3), level, np.uint8) for level in (0, 51))
    assert psnr(black, grey) == pytest.approx(20 * np.log10(5), abs=1e-4)


def test_equal_frames_are_as_alike_as_can_be_and_order_does_not_matter() -> None:
    clean, worn = pair()
    assert psnr(clean, clean) == EQUAL and ssim(clean, clean) == pytest.approx(1)
    assert psnr(clean, worn) == psnr(worn, clean) and ssim(clean, worn) == pytest.approx(ssim(worn, clean))


def test_intervals_are_means_over_their_frames() -> None:
    clean = pixels(scene(2.5))
    worn = clean.copy()
    worn[FPS:] //= 2
    comparer = Comparer(FPS, 1.0)
    for part in (slice(0, 5), slice(5, 30)):
        comparer.add(worn[part], clean[part])
    first, second, third = comparer.result()
    assert [(p.start, p.end) for p in (first, second, third)] == [(0, 1), (1, 2), (2, 2.5)]
    assert first.psnr == EQUAL and first.ssim == pytest.approx(1)
    by_hand = np.mean([psnr(a, b) for a, b in zip(worn[FPS : 2 * FPS], clean[FPS : 2 * FPS], strict=True)])
    assert second.psnr == pytest.approx(by_hand) and second.ssim < 0.95
