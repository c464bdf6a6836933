"""A folder as `train memory` leaves it, all of it tiny and untrained, and a study of it that is soon over."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from pavdm_cli.models import quantised
from pavdm_cli.models.coder import Coder, CoderConfig
from pavdm_cli.models.config import write
from pavdm_cli.models.denoiser import Denoiser
from pavdm_cli.models.judge import Judge
from pavdm_cli.studies import found, retrieval
from pavdm_cli.training import memory as training
from pavdm_cli.training.judge import CONFIG
from pavdm_cli.training.memory import ROWS, Preset

CODER = CoderConfig(channels=4, widths=(8, 8, 8))
PRESET = Preset(films=1, steps=3, batch=1, width=32, depth=1, heads=2, rate=1e-3)


def write_trained(folder: Path, rows: Sequence[str]) -> Path:
    """Write a coder, a judge and the rows' networks; return the folder."""
    torch.manual_seed(0)
    networks = {f"{row}/denoiser": Denoiser(training.config(ROWS[row], PRESET, CODER)) for row in rows}
    parts = {"coder": Coder(CODER), "judge": Judge(replace(CONFIG, widths=(8, 8, 8))), **networks}
    for name, part in parts.items():
        for values in part.parameters():
            if not values.any():
                nn.init.normal_(values, std=0.05)
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        quantised.save(folder / f"{name}.safetensors", part.state_dict())
        write(part.config, folder / f"{name}.config.json")
    return folder


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take untrained rows for trained ones, ask the judge little, and roll out 16 frames."""
    monkeypatch.setattr(retrieval, "finished", lambda folder: (folder / "denoiser.safetensors").exists())
    monkeypatch.setattr(found, "JUDGED", 64)
    monkeypatch.setattr(retrieval, "ROLLED", 16)
    for name in ("retrieval", "retrieval_page", "retrieval_plots"):
        monkeypatch.setattr(f"pavdm_cli.studies.{name}.INTERVALS", ((0, 8), (8, 16)))
