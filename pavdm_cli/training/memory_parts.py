"""What every row of the memory study shares: the domain, the frame coder, the judge of places, the films.

Each is made when it is not in the folder yet, and goes on where it was stopped.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from tqdm import tqdm

from pavdm_cli.errors import ConfigError
from pavdm_cli.models import coder as coders
from pavdm_cli.models import judge as judges
from pavdm_cli.models.coder import Coder, CoderConfig
from pavdm_cli.models.config import read, write
from pavdm_cli.models.judge import Judge
from pavdm_cli.models.names import DomainName
from pavdm_cli.models.quantised import fingerprint
from pavdm_cli.training import coder as coding
from pavdm_cli.training import judge as judging
from pavdm_cli.training.coder import CoderTraining
from pavdm_cli.training.domain import Domain, P
from pavdm_cli.training.fit import Budget
from pavdm_cli.training.judge import JudgeTraining
from pavdm_cli.training.mazes import films as filming
from pavdm_cli.training.mazes.films import Films
from pavdm_cli.training.memory import Preset
from pavdm_cli.training.state import progressed

CODER = Budget(steps=1400)
JUDGE = Budget(steps=2600)
FILMS_SEED = 61
OWNER = "domain.json"


@dataclass(frozen=True)
class Owner:
    """What a folder holds the networks of."""

    domain: DomainName


def claim(folder: Path, domain: Domain[P]) -> None:
    """Give a new folder to a domain.

    Raises:
        ConfigError: it holds another one's, or the domain needs something that is not installed.
    """
    held(folder, domain)
    domain.check()
    folder.mkdir(parents=True, exist_ok=True)
    write(Owner(domain.name), folder / OWNER)


def held(folder: Path, domain: Domain[P]) -> None:
    """Check that a folder does not hold another domain's networks; one that says nothing holds mazes'.

    Raises:
        ConfigError: it does.
    """
    if (folder / OWNER).exists():
        name = read(Owner, folder / OWNER).domain
    else:
        name = "mazes" if (folder / "coder.config.json").exists() else domain.name
    if name != domain.name:
        raise ConfigError(
            f"{folder}: holds networks of the domain {name}; give --domain {name}, or another folder"
        )


def coder(folder: Path, domain: Domain[P], device: torch.device) -> Coder:
    """Return the folder's frame coder, trained to its end; it works on the CPU."""
    if _unfinished(folder / "coder.state", CODER):
        coding.train(folder, domain, CoderConfig(), CoderTraining(), CODER, device)
    return coders.load(folder)


def judge(folder: Path, coder: Coder, device: torch.device) -> Judge:
    """Return the folder's judge, trained to its end."""
    if _unfinished(folder / "judge.state", JUDGE):
        judging.train(folder, coder, JudgeTraining(), JUDGE, device)
    return judges.load(folder)


def films(folder: Path, domain: Domain[P], coder: Coder, preset: Preset) -> Films:
    """Return the folder's films, as many as a preset has."""
    own = fingerprint(folder / "coder.safetensors")
    with tqdm(total=preset.films, desc="films", unit="film") as bar:
        for count in filming.make(folder / "films", domain, coder, own, FILMS_SEED, preset.films):
            bar.update(count - bar.n)
    return filming.load(folder / "films", own, FILMS_SEED, preset.films)


def _unfinished(state: Path, budget: Budget) -> bool:
    return not state.exists() or progressed(state) < (budget.steps or 0)
