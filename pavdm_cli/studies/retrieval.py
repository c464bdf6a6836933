"""How well networks with memory find a place again, for how long a roll-out holds, and what it costs.

Every row leaves a file in a folder, written after every batch, so that the study goes on where it was
stopped; the figures are worked out from these files alone.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pavdm_cli.drift.compare import psnr, ssim
from pavdm_cli.errors import CheckpointError, RunError
from pavdm_cli.models import coder as coders
from pavdm_cli.models import quantised
from pavdm_cli.models.coder import Coder
from pavdm_cli.models.config import read, write_json
from pavdm_cli.models.denoiser import Denoiser, DenoiserConfig
from pavdm_cli.models.device import seconds
from pavdm_cli.studies import found, revisits
from pavdm_cli.studies.found import Rule
from pavdm_cli.studies.revisits import BINS, Clip
from pavdm_cli.studies.rollout import roll
from pavdm_cli.training.domain import MAZES, Domain
from pavdm_cli.training.mazes.films import Films
from pavdm_cli.training.memory import FIRST, LONGEST, ROWS, WINDOW, finished
from pavdm_cli.training.memory_parts import held

SEED = 71
"""Of clips; no training draws from it."""
ROLLED = 64
INTERVALS = tuple((start, start + 16) for start in range(0, ROLLED, 16))
CEILING = "the coder"
"""The row of true views as the frame coder gives them back: no network can do better."""


@dataclass(frozen=True)
class Plan:
    """clips: of every bin. films: rolled out. batch: made at a time."""

    clips: int = 300
    films: int = 48
    batch: int = 20


QUICK = Plan(clips=20, films=8, batch=10)


@dataclass(frozen=True)
class Seen:
    """One clip made: whether the needle shows its place, and how near it is to the true view."""

    clip: int
    right: bool
    ssim: float
    psnr: float


@dataclass
class Record:
    """What was found of one row.

    weights: of the network, and of the judge. psnr: of each film rolled out, in each interval. seconds: to
    make a frame, one film at a time. held: bytes of the past that are held for a film. parameters: of the
    network.
    """

    row: str
    weights: str
    clips: list[Seen] = field(default_factory=list)
    psnr: list[list[float]] = field(default_factory=list)
    seconds: float = 0.0
    held: int = 0
    parameters: int = 0


@dataclass(frozen=True)
class Progress:
    """How far a row is: clips and films done, of so many."""

    row: str
    done: int
    all: int


@dataclass(frozen=True)
class About:
    """What a page says: of the places, and of the rule by which they count as found again."""

    places: str
    rule: str


class Study:
    """Trained networks of a folder and their coder, the clips they are tried on, and how they are judged."""

    def __init__(self, trained: Path, work: Path, plan: Plan, domain: Domain[Any] = MAZES) -> None:
        held(trained, domain)
        self.trained, self.work, self.plan, self.domain = trained, work, plan, domain
        self.coder: Coder = coders.load(trained)
        work.mkdir(parents=True, exist_ok=True)
        coder = quantised.fingerprint(trained / "coder.safetensors")
        path = work / "clips.safetensors"
        own = f"coder {coder}, {plan.clips} clips a bin"
        if not path.exists():
            there = list(revisits.search(domain, SEED, plan.clips, 60 * plan.clips))
            films = revisits.encoded(
                domain, SEED, [clip.number for clip in there], revisits.FRAMES, self.coder
            )
            revisits.write(path, there, films, own)
        self.clips, self.films = revisits.read(path, own)
        self.rule: Rule = found.rule(domain, trained, SEED, self.clips)

    @property
    def about(self) -> About:
        """Return what is said of it."""
        return About(self.domain.about, self.rule.about)

    def rows(self) -> list[str]:
        """Return the rows that are trained to their end, in the paper's order."""
        return [name for name in ROWS if finished(self.trained / name)]

    def run(self, row: str, device: torch.device) -> Iterator[Progress]:
        """Try one row, or the ceiling, on every clip; yield after every batch."""
        folder = self.trained / row
        weights = "none" if row == CEILING else quantised.fingerprint(folder / "denoiser.safetensors")
        weights = f"{weights}, judged by {self.rule.own}"
        record, path = self._begun(row, weights), self.work / f"{row}.json"
        network = None if row == CEILING else load(folder, device)
        rolled = ROLLED if network else 0
        total = len(self.clips) + (self.plan.films if rolled else 0)
        while len(record.clips) < len(self.clips):
            start = len(record.clips)
            numbers = range(start, min(start + self.plan.batch, len(self.clips)))
            record.clips += self._retrieved(network, numbers)
            write(path, record)
            yield Progress(row, len(record.clips) + len(record.psnr), total)
        while network and len(record.psnr) < self.plan.films:
            start = len(record.psnr)
            numbers = range(start, min(start + self.plan.batch, self.plan.films))
            record.psnr += self._rolled(network, numbers)
            write(path, record)
            yield Progress(row, len(record.clips) + len(record.psnr), total)
        if network and not record.seconds:
            record.seconds, record.held = self._cost(network)
            record.parameters = sum(values.numel() for values in network.parameters())
            write(path, record)

    def records(self) -> dict[str, Record]:
        """Return the records of all rows tried, the ceiling among them."""
        paths = {row: self.work / f"{row}.json" for row in (*self.rows(), CEILING)}
        return {row: read_record(path) for row, path in paths.items() if path.exists()}

    def shown(self, device: torch.device, each: int = 2) -> list[np.ndarray]:
        """Return for some clips of each bin the true window, then that of each of the first rows."""
        chosen = [n for name in BINS for n in self._of(name)[:each]]
        films, seeds = _part(self.films, chosen), [SEED + self.clips[n].number for n in chosen]
        made = []
        for row in [row for row in FIRST if row in self.rows()]:
            network = load(self.trained / row, device)
            made.append(torch.stack([x.cpu() for _, x in roll(network, films, LONGEST, WINDOW, seeds)], 1))
        rows = []
        for i, n in enumerate(chosen):
            numbers = range(LONGEST, LONGEST + WINDOW)
            (true,) = revisits.true_views(self.domain, SEED, [(self.clips[n].number, numbers)])
            rows.append(true.numpy())
            rows += [self.coder.frames(latents[i]).numpy() for latents in made]
        return rows

    def _of(self, name: str) -> list[int]:
        return [n for n, clip in enumerate(self.clips) if clip.bin == name]

    def check(self) -> dict[str, float]:
        """Return the shares of real views that are judged right, by kind."""
        path = self.work / f"judge-{self.rule.own}.json"
        if not path.exists():
            write_json(path, self.rule.check())
        shares: dict[str, float] = json.loads(path.read_text())
        return shares

    def _begun(self, row: str, weights: str) -> Record:
        path = self.work / f"{row}.json"
        record = read_record(path) if path.exists() else Record(row, weights)
        if record.weights != weights:
            raise RunError(
                f"{path}: of weights {record.weights}, now {weights}; remove it, or give another --work"
            )
        return record

    def _retrieved(self, network: Denoiser | None, numbers: range) -> list[Seen]:
        clips, films = [self.clips[n] for n in numbers], _part(self.films, list(numbers))
        if network is None:
            made = films.latents[:, LONGEST:].float()
        else:
            seeds = [SEED + clip.number for clip in clips]
            latents = [latent for _, latent in roll(network, films, LONGEST, WINDOW, seeds)]
            made = torch.stack(latents, dim=1).cpu()
        needles = torch.stack([made[i, clip.needle - LONGEST] for i, clip in enumerate(clips)])
        return self._seen(numbers, clips, self.coder.frames(needles))

    def _seen(self, numbers: range, clips: Sequence[Clip], views: Tensor) -> list[Seen]:
        true = revisits.true_views(self.domain, SEED, [(clip.number, [clip.needle]) for clip in clips])
        seen = []
        for n, (one,), view, right in zip(numbers, true, views, self.rule.right(clips, views), strict=True):
            own, wanted = view.numpy(), one.numpy()
            seen.append(Seen(n, right, ssim(own, wanted), psnr(own, wanted)))
        return seen

    def _rolled(self, network: Denoiser, numbers: range) -> list[list[float]]:
        frames = LONGEST + ROLLED
        own = revisits.rolled_out(numbers)
        films = revisits.encoded(self.domain, SEED, own, frames, self.coder)
        wanted = [(n, range(LONGEST, frames)) for n in own]
        true = revisits.true_views(self.domain, SEED, wanted, frames)
        values: list[list[float]] = [[] for _ in own]
        for k, latent in roll(network, films, LONGEST, ROLLED, own):
            for i, view in enumerate(self.coder.frames(latent.cpu())):
                values[i].append(psnr(view.numpy(), true[i][k - LONGEST].numpy()))
        return [[fmean(row[a:b]) for a, b in INTERVALS] for row in values]

    def _cost(self, network: Denoiser) -> tuple[float, int]:
        """Return seconds to make a frame of one film, the better of three windows, and bytes held."""
        films, device = _part(self.films, [0]), next(network.parameters()).device
        taken = [seconds(lambda: list(roll(network, films, LONGEST, WINDOW, [0])), device) for _ in range(3)]
        assert network.config.memory
        return min(taken) / WINDOW, network.config.memory.length * films.latents[0, 0].numel() * 4


def load(folder: Path, device: torch.device) -> Denoiser:
    """Load a row's network.

    Raises:
        CheckpointError: it is missing, damaged or does not fit its configuration.
        ConfigError: its configuration is wrong.
    """
    network = Denoiser(read(DenoiserConfig, folder / "denoiser.config.json"))
    quantised.fill(network, folder / "denoiser.safetensors")
    if network.config.memory is None:
        raise CheckpointError(f"{folder}: has no memory; train it with pavdm train memory")
    return network.to(device).eval().requires_grad_(False)


def write(path: Path, record: Record) -> None:
    """Write a record beside `path`, then rename."""
    write_json(path, asdict(record), indent=None)


def read_record(path: Path) -> Record:
    """Read what `write` wrote.

    Raises:
        RunError: it is not such a file.
    """
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return Record(**found | {"clips": [Seen(**seen) for seen in found["clips"]]})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise RunError(f"{path}: not a record of this version ({error!r}); delete it") from error


def _part(films: Films, numbers: list[int]) -> Films:
    return Films(films.latents[numbers], films.poses[numbers], films.actions[numbers])
