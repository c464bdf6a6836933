"""Sheets of frames as PNG, for looking at videos side by side."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from pavdm_cli import whole
from pavdm_cli.errors import VideoError

GAP = 2


def sheet(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Lay out rows of frames, each (T, H, W, 3) uint8 of one size, as one picture; short rows end in
    white."""
    height, width = rows[0].shape[1:3]
    most = max(len(row) for row in rows)
    out = np.full((len(rows) * (height + GAP) - GAP, most * (width + GAP) - GAP, 3), 255, np.uint8)
    for r, row in enumerate(rows):
        for t, frame in enumerate(row):
            y, x = r * (height + GAP), t * (width + GAP)
            out[y : y + height, x : x + width] = frame
    return out


def save_png(path: Path, picture: np.ndarray) -> None:
    """Write a picture (H, W, 3) uint8.

    Raises:
        VideoError: it cannot be written there.
    """
    try:
        whole.write(path, packed(picture))
    except OSError as error:
        raise VideoError(f"{path}: cannot be written ({error.strerror}); give another place") from error


def packed(picture: np.ndarray, kind: str = "png", **options: int) -> bytes:
    """Return a picture (H, W, 3) uint8 as the content of a file of a kind (png, jpeg, webp)."""
    data = io.BytesIO()
    Image.fromarray(picture).save(data, kind, **options)
    return data.getvalue()
