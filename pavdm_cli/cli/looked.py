"""What `analyse` leaves to look at: a sheet of frames, and a page."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pavdm_cli import whole
from pavdm_cli.drift.page import Entry, page
from pavdm_cli.errors import ConfigError
from pavdm_cli.media.sheet import packed, save_png, sheet
from pavdm_cli.runs.inspection import Inspection

BOX = (160, 120)  # pixels that a frame on the sheet fits in, width and height


def save_sheet(path: Path, found: Sequence[Inspection]) -> None:
    """Write the strips of several videos, one below the other.

    Raises:
        VideoError: it cannot be written there.
    """
    save_png(path, sheet([_row(one.strip) for one in found]))


def save_page(path: Path, found: Sequence[tuple[Inspection, dict[str, str]]]) -> None:
    """Write the page: of each video what is said of it, its strip and its plots.

    Raises:
        ConfigError: it cannot be written there.
    """
    entries = [
        Entry(
            one.path.name, said, one.analysis.bad_from is None, one.analysis, packed(sheet([_row(one.strip)]))
        )
        for one, said in found
    ]
    try:
        whole.write(path, page(entries).encode(errors="backslashreplace"))  # a name may be no text
    except OSError as error:
        raise ConfigError(
            f"--html {path}: cannot be written ({error.strerror}); give another place"
        ) from error


def _row(strip: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Fit frames into boxes of one size, white around them."""
    out = np.full((len(strip), BOX[1], BOX[0], 3), 255, np.uint8)
    for i, frame in enumerate(strip):
        share = min(BOX[0] / frame.shape[1], BOX[1] / frame.shape[0])
        size = (max(round(frame.shape[1] * share), 1), max(round(frame.shape[0] * share), 1))
        small = np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.LANCZOS))
        y, x = (BOX[1] - size[1]) // 2, (BOX[0] - size[0]) // 2
        out[i, y : y + size[1], x : x + size[0]] = small
    return out
