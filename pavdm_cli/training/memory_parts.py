"""What every row of the memory study shares: the frame coder, the judge of places, the films.

Each is made when it is not in the folder yet, and goes on where it was stopped.
"""

from pathlib import Path

import torch
from tqdm import tqdm

from pavdm_cli.models import coder as coders
from pavdm_cli.models import judge as judges
from pavdm_cli.models.coder import Coder, CoderConfig
from pavdm_cli.models.judge import Judge
from pavdm_cli.models.quantised import fingerprint
from pavdm_cli.training import coder as coding
from pavdm_cli.training import judge as judging
from pavdm_cli.training.coder import CoderTraining
from pavdm_cli.training.fit import Budget
from pavdm_cli.training.judge import JudgeTraining
from pavdm_cli.training.mazes import films as filming
from pavdm_cli.training.mazes.films import Films
from pavdm_cli.training.memory import Preset
from pavdm_cli.training.state import progressed

CODER = Budget(steps=1400)
JUDGE = Budget(steps=2600)
FILMS_SEED = 61


def coder(folder: Path, device: torch.device) -> Coder:
    """Return the folder's frame coder, trained to its end; it works on the CPU."""
    if _unfinished(folder / "coder.state", CODER):
        coding.train(folder, CoderConfig(), CoderTraining(), CODER, device)
    return coders.load(folder)


def judge(folder: Path, coder: Coder, device: torch.device) -> Judge:
    """Return the folder's judge, trained to its end."""
    if _unfinished(folder / "judge.state", JUDGE):
        judging.train(folder, coder, JudgeTraining(), JUDGE, device)
    return judges.load(folder)


def films(folder: Path, coder: Coder, preset: Preset) -> Films:
    """Return the folder's films, as many as a preset has."""
    own = fingerprint(folder / "coder.safetensors")
    with tqdm(total=preset.films, desc="films", unit="film") as bar:
        for count in filming.make(folder / "films", coder, own, FILMS_SEED, preset.films):
            bar.update(count - bar.n)
    return filming.load(folder / "films", own, FILMS_SEED, preset.films)


def _unfinished(state: Path, budget: Budget) -> bool:
    return not state.exists() or progressed(state) < (budget.steps or 0)
