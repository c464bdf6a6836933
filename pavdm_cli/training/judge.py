"""Train the judge of places on views, half of them as the frame coder gives them back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pavdm_cli.models import quantised
from pavdm_cli.models.coder import Coder
from pavdm_cli.models.config import write
from pavdm_cli.models.device import autocast
from pavdm_cli.models.judge import Judge, JudgeConfig
from pavdm_cli.training import fit as fitting
from pavdm_cli.training.coder import anywhere
from pavdm_cli.training.domain import MAZES
from pavdm_cli.training.fit import Budget, Reports
from pavdm_cli.training.mazes import view
from pavdm_cli.training.mazes.facts import LEAST, asked
from pavdm_cli.training.mazes.place import FLOORS, MARKS, WALLS
from pavdm_cli.training.state import State

CONFIG = JudgeConfig((32, 64, 96), tuple(WALLS), tuple(FLOORS), MARKS)
LEARNT = LEAST | {"mark": 0.03}
"""Those from which they are taught: smaller marks than are asked for."""


@dataclass(frozen=True)
class JudgeTraining:
    """Settings of a training run. batch: views a step. places: that they are of."""

    batch: int = 64
    places: int = 16
    rate: float = 2e-3
    seed: int = 51


def train(folder: Path, coder: Coder, settings: JudgeTraining, budget: Budget, device: torch.device) -> Judge:
    """Train a judge into `folder` (judge.state, .log, .safetensors, .config.json); resume if it was begun.

    Returns the averaged judge.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(settings.seed)
    judge = Judge(CONFIG).to(device)
    rng = np.random.default_rng(settings.seed)
    state = State(judge, fitting.optimizers(judge, settings.rate, set()), rng, decay=0.998)
    path = folder / "judge.state"
    fitting.begin(state, path, config=CONFIG, settings=settings, budget=budget)

    def loss(progress: float) -> tuple[Tensor, Reports]:
        frames, facts = drawn(settings, state.step, LEARNT)
        half = len(frames) // 2
        with autocast(device):
            coded = coder.frames(coder.latents(frames[:half]))
            shown = torch.cat((coded, frames[half:])).to(device).permute(0, 3, 1, 2).float() / 127.5 - 1
            amount = 0.05 * torch.rand(len(shown), 1, 1, 1, device=device)
            scores = judge(shown + amount * torch.randn_like(shown))
        return _judged(scores, facts)

    def save() -> None:
        quantised.save(folder / "judge.safetensors", state.average)
        write(CONFIG, folder / "judge.config.json")

    fitting.fit(state, loss, budget, path, on_save=save)
    judge.load_state_dict(state.average)
    return judge.eval()


def drawn(
    settings: JudgeTraining, step: int, least: Mapping[str, float] = LEAST
) -> tuple[Tensor, list[dict[str, str]]]:
    """Return views (N, H, W, 3) in no order and what can be told of each."""
    each = settings.batch // settings.places
    places, which, poses = anywhere(MAZES, settings.seed, step, settings.places, each)
    shown = view.cast(places, which, poses)
    facts = asked(shown, [places[n].looks for n in which], least)
    order = np.random.default_rng([settings.seed, step, 1]).permutation(len(facts))
    return shown.frames[torch.from_numpy(order)], [facts[i] for i in order]


@torch.no_grad()
def measure(judge: Judge, seed: int, count: int) -> dict[str, tuple[int, int]]:
    """Return how many answers are right, and of how many, by question, on `count` fresh views."""
    settings, found = JudgeTraining(seed=seed), dict[str, tuple[int, int]]()
    for step in range(-(-count // settings.batch)):
        frames, facts = drawn(settings, step)
        for answers, fact in zip(judge.read(frames), facts, strict=True):
            for name, word in fact.items():
                right, all_ = found.get(name, (0, 0))
                found[name] = right + (answers[name] == word), all_ + 1
    return found


def _judged(scores: dict[str, Tensor], facts: Sequence[dict[str, str]]) -> tuple[Tensor, Reports]:
    total, reports = torch.zeros(()), Reports()
    for name, words in CONFIG.questions.items():
        known = torch.tensor([words.index(fact[name]) if name in fact else -1 for fact in facts])
        known = known.to(scores[name].device)
        total = total.to(known.device) + F.cross_entropy(scores[name].float(), known, ignore_index=-1)
        there = known >= 0
        hit = (scores[name].argmax(-1) == known) & there
        reports[name] = torch.stack((hit.sum().float(), there.sum().float()))
    return total, reports
