"""Where new frames follow old ones: how well they meet, and what is put on the new ones so that they do."""

import numpy as np
from numpy.typing import NDArray

from pavdm_cli.runs.settings import Correction

AROUND = 24  # frames on each side that a joint is held against
APART = 4  # between the changes it is held against: those from one latent to the next are larger than others
LARGEST_GAIN = 2.0  # a picture that would need more is not what the model has seen


def correction(originals: NDArray[np.uint8], rebuilt: NDArray[np.uint8]) -> Correction:
    """Return the gain and offset of each colour that bring rebuilt frames (T, H, W, 3) nearest to the
    originals.

    A colour that does not vary gets an offset alone.
    """
    out = []
    for colour in range(3):
        x, y = (frames[..., colour].astype(np.float64).ravel() for frames in (rebuilt, originals))
        spread = x.var()
        gain = float(((x - x.mean()) * (y - y.mean())).mean() / spread) if spread > 1 else 1.0
        gain = min(max(gain, 1 / LARGEST_GAIN), LARGEST_GAIN)
        out.append((gain, float(y.mean() - gain * x.mean())))
    return tuple(out)


def jump(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> float | None:
    """Return the change at the joint of two stretches (T, H, W, 3) over the mean of those every fourth frame
    beside it.

    None if nothing moves there, or too little stands on a side.
    """
    frames = np.concatenate((before[-AROUND:], after[:AROUND])).astype(np.float32)
    if min(len(before), len(after)) <= APART:
        return None
    changes = np.abs(np.diff(frames, axis=0)).mean((1, 2, 3))
    at = len(before[-AROUND:]) - 1
    beside = [i for i in range(at % APART, len(changes), APART) if i != at]
    mean = float(changes[beside].mean())
    return float(changes[at]) / mean if mean > 0 else None


def psnr(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Return the peak signal-to-noise ratio of two stretches of frames, in dB."""
    error = np.square(a.astype(np.float64) - b).mean()
    return float(10 * np.log10(255**2 / max(error, 1e-9)))
