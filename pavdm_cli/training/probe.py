"""Train the probe on renders of every family."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pavdm_cli.models import quantised
from pavdm_cli.models.config import write
from pavdm_cli.models.device import autocast
from pavdm_cli.models.probe import FRAMES, SURE, Ask, Probe, ProbeConfig, Told
from pavdm_cli.models.vae import Vae
from pavdm_cli.training import fit as fitting
from pavdm_cli.training.fit import Budget, Reports
from pavdm_cli.training.probe_clips import SEEN_AT, ProbePool, ProbeTraining, draw, render, seen
from pavdm_cli.training.state import State
from pavdm_cli.training.worlds import FAMILIES

PLACES_SHARE = 20.0
"""Weight of what is where; most places show nothing."""
FEATURES_SHARE = 0.5
"""Weight of the answers read from the features alone."""
MEASURED_AT_ONCE = 16
"""Clips rendered and read together when a probe is measured."""
SLOWED = 0.2
"""Share of clips shown slower than they are, or still: of them only the family is asked."""
_BODY = ("open", "quarter", "eighth", "block", "times")


def config(
    widths: tuple[int, int, int] = (24, 64, 128), hidden: int = 192, features: int = 32
) -> ProbeConfig:
    """Return a probe's configuration, with questions about all families."""
    asks = [
        Ask(name, attribute, tuple(words), several=attribute in family.sets)
        for name, family in FAMILIES.items()
        for attribute, words in family.answers().items()
    ]
    return ProbeConfig(widths, hidden, features, tuple(asks))


def train(
    folder: Path,
    config: ProbeConfig,
    settings: ProbeTraining,
    budget: Budget,
    device: torch.device,
    vae: Vae,
    *,
    start: Path | None = None,
) -> Probe:
    """Train a probe into `folder` (probe.state, .log, .safetensors, .config.json); resume if it was begun.

    `start` names weights to begin from. Returns the averaged probe.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(settings.seed)
    probe = Probe(config)
    if start is not None:
        quantised.fill(probe, start)
    probe.to(device)
    vae = vae.to(device).eval()
    hidden = {n for n, p in probe.named_parameters() if p.ndim == 2 and n.split(".")[0] in _BODY}
    optimizers = fitting.optimizers(probe, settings.rate, hidden)
    state = State(probe, optimizers, np.random.default_rng(settings.seed), decay=0.998)
    path = folder / "probe.state"
    fitting.begin(state, path, config=config, settings=settings, budget=budget)
    pool = ProbePool(settings, config, vae, device, state.step // settings.every)

    def loss(progress: float) -> tuple[Tensor, Reports]:
        picks = torch.from_numpy(state.rng.integers(settings.held, size=settings.batch)).to(device)
        truth = {name: values[picks] for name, values in pool.truth.items()}
        frames, truth = slowed(pool.frames[picks].float() / 127.5 - 1, truth, state.rng)
        with autocast(device):
            told = probe(roughened(frames, state.rng))
        return judged(told, truth)

    def after(step: int) -> None:
        if step % settings.every == 0:
            pool.refill(step // settings.every - 1)

    def save() -> None:
        quantised.save(folder / "probe.safetensors", state.average)
        write(config, folder / "probe.config.json")

    fitting.fit(state, loss, budget, path, on_save=save, after_step=after)
    probe.load_state_dict(state.average)
    return probe


@torch.no_grad()
def measure(
    probe: Probe,
    seed: int,
    count: int,
    device: torch.device,
    vae: Vae | None = None,
    families: Sequence[str] = (),
) -> dict[str, tuple[int, int]]:
    """Return how many answers are right, and of how many, by attribute, over fresh renders: `count` of every
    family, or of some, after a VAE's round trip if one is given. Sets count as right only as a whole."""
    found: dict[str, tuple[int, int]] = {}
    for family in families or probe.config.families:
        for start in range(0, count, MEASURED_AT_ONCE):
            shown = [draw(seed, n, [family]) for n in range(start, min(start + MEASURED_AT_ONCE, count))]
            frames = render(shown, device, vae).to(device).float() / 127.5 - 1
            read = probe.read(frames, [family] * len(shown))
            for one, sight, reading in zip(shown, seen(shown, device), read, strict=True):
                answers = {"family": reading.family} | reading.answers
                for name, word in ({"family": family} | one.scene.facts()).items():
                    if name == "family" or sight.seen[name]:
                        right, asked = found.get(name, (0, 0))
                        found[name] = right + (answers[name] == word), asked + 1
    return found


def slowed(
    frames: Tensor, truth: dict[str, Tensor], rng: np.random.Generator
) -> tuple[Tensor, dict[str, Tensor]]:
    """Show some clips (B, T, 3, H, W) at up to a third of their speed, from any moment on, and ask only what
    family they are of: what a video model makes may move too little, and shows the same world."""
    batch, count = frames.shape[:2]
    chosen = rng.uniform(size=batch) < SLOWED
    speed = np.where(chosen, rng.uniform(0, 1 / 3, batch), 1.0)
    first = rng.uniform(0, 1, batch) * (1 - speed) * (count - 1)
    moments = torch.from_numpy(np.rint(first[:, None] + speed[:, None] * np.arange(count)).astype(np.int64))
    shown = frames[torch.arange(batch)[:, None], moments.to(frames.device)]
    hidden = torch.from_numpy(chosen).to(frames.device)
    asked = {
        name: values
        if name == "family" or name.endswith(" where")
        else torch.where(hidden.view(-1, *(1,) * (values.ndim - 1)), -1, values)
        for name, values in truth.items()
    }
    return shown, asked


def roughened(frames: Tensor, rng: np.random.Generator) -> Tensor:
    """Make frames (B, T, 3, H, W) in [-1, 1] a little softer, noisier, brighter or darker, half of them."""
    batch = len(frames)

    def each(low: float, high: float) -> Tensor:
        amount = rng.uniform(low, high, batch) * (rng.uniform(size=batch) < 0.5)
        return torch.from_numpy(amount).float().to(frames.device)[:, None, None, None, None]

    soft = F.avg_pool2d(F.pad(frames.flatten(0, 1), (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    frames = torch.lerp(frames, soft.view_as(frames), each(0, 0.8))
    frames = frames + each(0, 0.08) * torch.randn_like(frames)
    return frames * (1 + each(-0.06, 0.06)) + each(-0.05, 0.05)


def judged(told: Told, truth: dict[str, Tensor]) -> tuple[Tensor, Reports]:
    """Return the loss summed over questions, and the shares answered rightly, over what was asked."""
    total = placed(told.where, truth)
    right, asked, reports = torch.zeros_like(total), torch.zeros_like(total), Reports()
    for name, values in told.logits.items():
        known = truth[name]
        alone = _loss(told.from_features[name], known)
        total = total + (_loss(values, known) + FEATURES_SHARE * alone).sum() / len(known)
        hit, there = _right(values, known)
        right, asked = right + hit, asked + there
        if name in ("family", "objects", "motion"):
            reports[name] = torch.stack((hit, there))
    one = torch.ones_like(total)
    return total, {"loss": torch.stack((total.detach(), one)), "right": torch.stack((right, asked))} | reports


def placed(where: dict[str, Tensor], truth: dict[str, Tensor]) -> Tensor:
    """Return the loss of what is where, a mean over places, of clips that were asked for a set."""
    total = torch.zeros((), device=next(iter(truth.values())).device)
    for name, values in where.items():
        clips = truth[name][:, 0] >= 0
        if clips.any():
            moments = [frame // 2 for frame in range(FRAMES)[SEEN_AT]]
            here = values[clips][:, moments]
            scores = torch.cat((here, torch.zeros_like(here[..., :1])), -1).flatten(0, -2)
            each = F.cross_entropy(scores, truth[f"{name} where"][clips].flatten())
            total = total + PLACES_SHARE * each * clips.float().mean()
    return total


def _loss(values: Tensor, known: Tensor) -> Tensor:
    """Return the loss of each clip (B,), 0 where it was not asked."""
    if known.ndim == 1:
        return F.cross_entropy(values, known, reduction="none", ignore_index=-1)
    each = F.binary_cross_entropy_with_logits(values, known.clamp(min=0), reduction="none").sum(-1)
    return each * (known[:, 0] >= 0)


def _right(values: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Return how many clips are answered rightly, and of how many that were asked."""
    there = known >= 0 if known.ndim == 1 else known[:, 0] >= 0
    hit = values.argmax(-1) == known if known.ndim == 1 else ((values > SURE) == (known > 0.5)).all(-1)
    return (hit & there).sum().float(), there.sum().float()
