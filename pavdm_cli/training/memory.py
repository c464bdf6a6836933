"""Train the rows of Meta-ARVDM's table 1: one small denoiser for each way to remember, all on the same films.

Every row has the same films, steps and seed; they differ in their memory alone. A window of 16 frames is
learned as flow matching (see `denoiser`): three quarters of the steps at one level for the whole window, as
it is made when frames come window by window, a quarter at the rising levels of a rolling window.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pavdm_cli.errors import ConfigError
from pavdm_cli.models import quantised
from pavdm_cli.models.coder import CoderConfig
from pavdm_cli.models.config import write
from pavdm_cli.models.denoiser import Denoiser, DenoiserConfig
from pavdm_cli.models.device import autocast, seconds
from pavdm_cli.models.memory import Channel, Cross, Joint, MemoryConfig, Modulated, Past, Prepend
from pavdm_cli.models.names import PresetName
from pavdm_cli.models.told import WIDTH, told
from pavdm_cli.sampling.noise import noised
from pavdm_cli.training import fit as fitting
from pavdm_cli.training.fit import Budget, Reports
from pavdm_cli.training.mazes.films import LONG, Films
from pavdm_cli.training.state import State, progressed

WINDOW = 16
"""Frames made together."""
LONGEST = 112
"""Frames of the longest memory. Every row starts its windows after so many, so that all see the same."""
ROLLING = 0.25
"""Share of steps on windows of rising levels."""
SHIFT = 2.0
"""How far levels are bent towards noise, where it is decided what a frame shows."""
SEED = 41
BUDGETS = (8, 16, 32, 48)

ROWS = {
    **{f"prepend-{m}": MemoryConfig(m, Prepend()) for m in (16, 48, 112)},
    **{f"prepend-48-joint-{b}": MemoryConfig(48, Prepend(), Joint(b)) for b in BUDGETS},
    **{f"channel-{m}": MemoryConfig(m, Channel()) for m in (16, 48, 112)},
    **{f"channel-48-modulated-{b}": MemoryConfig(48, Channel(), Modulated(b)) for b in BUDGETS},
    "cross-112": MemoryConfig(112, Cross()),
}
"""The rows of the paper's table 1."""
FIRST = ("prepend-16", "prepend-112", "channel-112", "cross-112")
"""Those that carry the findings."""


@dataclass(frozen=True)
class Preset:
    """What a row costs. small: two cores. large: an accelerator."""

    films: int
    steps: int
    batch: int
    width: int
    depth: int
    heads: int
    rate: float


PRESETS: dict[PresetName, Preset] = {
    "small": Preset(films=600, steps=3000, batch=8, width=192, depth=4, heads=3, rate=1.5e-3),
    "large": Preset(films=20000, steps=40000, batch=64, width=384, depth=8, heads=6, rate=1e-3),
}


def config(memory: MemoryConfig, preset: Preset, coder: CoderConfig) -> DenoiserConfig:
    """Return a row's denoiser."""
    return DenoiserConfig(
        channels=coder.channels,
        size=(1, coder.strips),
        patch=1,
        width=preset.width,
        depth=preset.depth,
        heads=preset.heads,
        mlp=4 * preset.width,
        text_width=0,
        cross_every=1,
        span=WINDOW,
        actions=WIDTH,
        memory=memory,
    )


def train(
    folder: Path, config: DenoiserConfig, preset: Preset, films: Films, device: torch.device
) -> Denoiser:
    """Train one row into `folder` (denoiser.state, .log, .safetensors, .config.json); resume if it was begun.

    Returns the averaged denoiser.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(SEED)
    network = Denoiser(config).to(device)
    rng = np.random.default_rng(SEED)
    state = State(network, fitting.optimizers(network, preset.rate, _hidden(network)), rng, decay=0.999)
    path, budget = folder / "denoiser.state", Budget(steps=preset.steps, warmup=100)
    fitting.begin(state, path, config=config, preset=preset, budget=budget)

    def save() -> None:
        quantised.save(folder / "denoiser.safetensors", state.average)
        write(config, folder / "denoiser.config.json")

    lesson = Lesson(network, films, preset.batch, device)
    fitting.fit(state, lambda progress: lesson.loss(rng), budget, path, on_save=save)
    network.load_state_dict(state.average)
    return network.eval()


def chosen(names: str) -> list[str]:
    """Return the rows named, separated by commas; `first` and `all` stand for several.

    Raises:
        ConfigError: there is no such row.
    """
    if names in ("first", "all"):
        return list(FIRST if names == "first" else dict.fromkeys((*FIRST, *ROWS)))
    found = [name.strip() for name in names.split(",")]
    unknown = [name for name in found if name not in ROWS]
    if unknown:
        raise ConfigError(f"--rows {', '.join(unknown)}: unknown; there are first, all, {', '.join(ROWS)}")
    return found


def left(folder: Path, preset: Preset) -> int:
    """Return the steps that a row's training still has to make."""
    path = folder / "denoiser.state"
    return preset.steps - (progressed(path) if path.exists() else 0)


def finished(folder: Path) -> bool:
    """Tell whether a row was trained to the end of its budget."""
    settings, state = folder / "denoiser.json", folder / "denoiser.state"
    if not settings.exists() or not state.exists():
        return False
    steps: int = json.loads(settings.read_text())["budget"]["steps"]
    return progressed(state) >= steps


def expected(config: DenoiserConfig, preset: Preset, films: Films, device: torch.device) -> float:
    """Return the seconds that a step of a row's training takes, from one step of it."""
    network = Denoiser(config).to(device)
    lesson, rng = Lesson(network, films, preset.batch, device), np.random.default_rng(0)
    optimizers = fitting.optimizers(network, preset.rate, _hidden(network))

    def step() -> None:
        lesson.loss(rng)[0].backward()  # type: ignore[no-untyped-call]
        for optimizer in optimizers:
            optimizer.step()

    step()  # the first one is slow
    return seconds(step, device)


class Lesson:
    """Turns films into a loss."""

    def __init__(self, network: Denoiser, films: Films, batch: int, device: torch.device) -> None:
        self._network, self._films, self._batch, self._device = network, films, batch, device
        assert network.config.memory
        self._length = network.config.memory.length

    def loss(self, rng: np.random.Generator) -> tuple[Tensor, Reports]:
        """Draw windows and levels and return the mean squared error of velocity, by level in the report."""
        batch = self._batch
        picks = torch.from_numpy(rng.integers(len(self._films.latents), size=batch))
        first = torch.from_numpy(rng.integers(LONGEST, LONG - WINDOW + 1, size=batch))
        clean, past, actions = cut(self._films, picks, first, self._length, self._device)
        level = levels(rng, batch).to(self._device)
        noise = torch.from_numpy(rng.standard_normal(clean.shape, dtype=np.float32)).to(self._device)
        shown = noised(clean, noise, level[:, :, None, None, None])
        positions = torch.arange(WINDOW, device=self._device).float().expand(batch, -1)
        with autocast(self._device):
            velocity = self._network(shown, level, positions, None, actions=actions, past=past)
        error = (velocity.float() - (noise - clean)).square().mean((2, 3, 4))
        return error.mean(), _report(error.detach(), level)


def cut(
    films: Films, picks: Tensor, first: Tensor, length: int, device: torch.device
) -> tuple[Tensor, Past, Tensor]:
    """Cut windows out of films: latents (B, WINDOW, C, 1, S), the past before them, what is told of them."""
    frames = first[:, None] + torch.arange(-length, WINDOW)
    rows = picks[:, None]
    latents = films.latents[rows, frames].float().to(device)
    poses, actions = films.poses[rows, frames], films.actions[rows, frames]
    done = told(poses, actions, poses[:, length]).to(device)
    positions = torch.arange(-length, 0, device=device).float().expand(len(picks), -1)
    there = torch.ones_like(positions, dtype=torch.bool)
    past = Past(latents[:, :length], positions, there, done[:, :length])
    return latents[:, length:], past, done[:, length:]


def levels(rng: np.random.Generator, batch: int) -> Tensor:
    """Draw levels (batch, WINDOW): one for a whole window, or those of a rolling one at some moment."""
    if rng.random() < ROLLING:
        share = (np.arange(WINDOW) + 1 - rng.random((batch, 1))) / WINDOW
    else:
        share = np.repeat(rng.random((batch, 1)), WINDOW, axis=1)
    return torch.from_numpy(SHIFT * share / (1 + (SHIFT - 1) * share)).float()


def _hidden(network: Denoiser) -> set[str]:
    """Name the matrices inside blocks and memory, which Muon moves; the rest is AdamW's."""
    return {
        name
        for name, values in network.named_parameters()
        if name.startswith(("blocks.", "memory.layers", "memory.readers"))
        and name.endswith("weight")
        and values.ndim == 2
    }


def _report(error: Tensor, level: Tensor) -> Reports:
    noisy = level > 0.75
    parts = {"loss": torch.ones_like(noisy), "noisy": noisy}
    return {name: torch.stack(((error * here).sum(), here.sum())) for name, here in parts.items()}
