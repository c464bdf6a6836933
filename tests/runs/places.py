"""The real command, started in a folder of its own with a tiny model."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from pavdm_cli.media import reader
from pavdm_cli.media.fragments import Fragment, FragmentParser
from pavdm_cli.media.writer import partial_of
from pavdm_cli.models.native import Native
from pavdm_cli.runs.past import look

PROGRAM = (sys.executable, "-c", "from pavdm_cli.cli.app import main; main()")
ASKED = (
    *("generate", "a red ball", "--seed", "1", "--seconds", "20", "--model", "weights/tiny"),
    *("--scale", "1", "--dtype", "fp32", "--device", "cpu", "-o", "film.mp4"),
)


class Place:
    """A folder with a tiny model, in which the real command is started."""

    def __init__(self, folder: Path, weights: Path) -> None:
        self.folder = folder
        self.film = folder / "film.mp4"
        shutil.copytree(weights, folder / "weights")

    def start(self, *arguments: str, program: tuple[str, ...] = PROGRAM) -> subprocess.Popen[str]:
        environment = os.environ | {"OMP_NUM_THREADS": "1", "XDG_DATA_HOME": str(self.folder / "data")}
        return subprocess.Popen(
            [*program, *arguments],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=600)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def wait_for(self, process: subprocess.Popen[str], frames: int) -> None:
        """Wait until so many frames play from the growing file."""
        deadline = time.monotonic() + 60
        while playing(self.film) < frames:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def runs(self) -> list[Path]:
        return sorted((self.folder / "data" / "pavdm" / "runs").glob("*/run.json"))


def scarce(monkeypatch: pytest.MonkeyPatch, queries: int) -> None:
    """Let calls of the native model that attend to more queries at a time lack memory."""
    plain = Native.velocity

    def velocity(self: Native, latents: Tensor, *others: Any) -> Tensor:
        tokens = latents.shape[1] * self.denoiser.rows * self.denoiser.columns
        if min(self.denoiser.attention_chunk or tokens, tokens) > queries:
            raise torch.OutOfMemoryError("no room")
        return plain(self, latents, *others)

    monkeypatch.setattr(Native, "velocity", velocity)


def playing(film: Path) -> int:
    """Return how many frames are whole in a growing file now."""
    partial = partial_of(film)
    parts = FragmentParser().feed(partial.read_bytes()) if partial.exists() else ()
    return sum(part.frames for part in parts if isinstance(part, Fragment))


def frames(path: Path) -> np.ndarray:
    return np.concatenate(list(reader.read(path)))


def latents(film: Path) -> np.ndarray:
    """Return the latents stored in a film, (T, 1, C, h, w)."""
    log = look(film, film.parent).latents
    assert log is not None
    return np.stack([log.read(k) for k in range(log.count)])
