"""The training loop both networks share: budget, learning rate, average, log, state."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from pavdm_cli import whole
from pavdm_cli.errors import ConfigError
from pavdm_cli.models.device import training_dtype
from pavdm_cli.training.muon import Muon
from pavdm_cli.training.state import State


@dataclass(frozen=True)
class Budget:
    """How long to train: steps in all, or minutes in all; with both, whichever ends first.

    The learning rate rises over `warmup` steps, stays, and falls to zero over the last `cooldown` of the
    budget. A budget in steps makes a resumed training equal an uninterrupted one, to the bit where its clips
    are rendered in the same company; one in minutes cannot.
    """

    steps: int | None = None
    minutes: float | None = None
    warmup: int = 30
    cooldown: float = 0.35

    def __post_init__(self) -> None:
        if self.steps is None and self.minutes is None:
            raise ConfigError("training needs an end: give --minutes or --steps")
        for name in ("steps", "minutes", "warmup", "cooldown"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigError(f"{name} {value}: must be above zero")

    def progress(self, state: State) -> float:
        """Return how much of the budget is used, from 0 to 1."""
        of_steps = state.step / self.steps if self.steps else 0.0
        of_minutes = state.seconds / (60 * self.minutes) if self.minutes else 0.0
        return min(max(of_steps, of_minutes), 1.0)

    def rate(self, state: State) -> float:
        """Return the learning rate as a share of its peak."""
        rise = min((state.step + 1) / self.warmup, 1.0)
        return rise * min((1 - self.progress(state)) / self.cooldown, 1.0)


Reports = dict[str, Tensor]
"""What a training step reports beside its loss: name -> (sum, count), kept on the device until it is
logged."""


def fit(
    state: State,
    loss: Callable[[float], tuple[Tensor, Reports]],
    budget: Budget,
    path: Path,
    *,
    log_every: int = 50,
    save_seconds: float = 120,
    on_save: Callable[[], None] | None = None,
    after_step: Callable[[int], None] | None = None,
    on_log: Callable[[], Reports] | None = None,
) -> None:
    """Train until the budget is spent, going on from where `state` is.

    `loss` is called with the progress and returns the loss to follow. Lines of JSON go to `path` with .log;
    the state is written every `save_seconds` and at the end, then `on_save` is called. `on_log` returns what
    is logged beside.
    """
    peaks = [[group["lr"] for group in o.param_groups] for o in state.optimizers]
    sums: Reports = {}
    begun = saved = time.monotonic()
    before = state.seconds
    bar = tqdm(initial=state.step, total=budget.steps, unit="step", mininterval=5)
    while budget.progress(state) < 1:
        _set_rates(state, peaks, budget.rate(state))
        value, reports = loss(budget.progress(state))
        _descend(state, value)
        for name, pair in reports.items():
            sums[name] = sums[name] + pair if name in sums else pair
        state.step += 1
        state.follow()
        if after_step is not None:
            after_step(state.step)
        if state.step % log_every == 0:
            _log(path.with_suffix(".log"), state, sums, bar, on_log)
            sums = {}
        state.seconds = before + time.monotonic() - begun
        bar.update()
        if time.monotonic() - saved > save_seconds:
            state.save(path)
            saved = time.monotonic()
            if on_save is not None:
                on_save()
    bar.close()
    if sums:
        _log(path.with_suffix(".log"), state, sums, bar, on_log)
    state.save(path)
    if on_save is not None:
        on_save()


def optimizers(module: nn.Module, rate: float, hidden: set[str]) -> list[torch.optim.Optimizer]:
    """Muon for the hidden matrices named, AdamW for all else."""
    named = dict(module.named_parameters())
    rest = [p for n, p in named.items() if n not in hidden and p.requires_grad]
    made: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(rest, lr=rate, betas=(0.9, 0.95), weight_decay=0.0, fused=rest[0].is_cuda)
    ]
    if hidden:
        matrices = [named[n] for n in sorted(hidden)]
        made.append(Muon(matrices, training_dtype(rest[0].device), rate))
    return made


def begin(state: State, path: Path, **settings: object) -> None:
    """Go on from the state at `path`, if there is one; then record beside it what it is trained with.

    Raises:
        CheckpointError: the state is damaged or of another network; what is recorded stays as it was.
    """
    if path.exists():
        state.load(path)
    plain = {k: asdict(v) if is_dataclass(v) and not isinstance(v, type) else v for k, v in settings.items()}
    whole.write(path.with_suffix(".json"), f"{json.dumps(plain, indent=2, default=str)}\n".encode())


def _set_rates(state: State, peaks: list[list[float]], share: float) -> None:
    for optimizer, rates in zip(state.optimizers, peaks, strict=True):
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * share


def _descend(state: State, value: Tensor) -> None:
    for optimizer in state.optimizers:
        optimizer.zero_grad(set_to_none=True)
    value.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(state.module.parameters(), 1.0)
    for optimizer in state.optimizers:
        optimizer.step()


def _log(
    path: Path, state: State, sums: Reports, bar: "tqdm[Any]", beside: Callable[[], Reports] | None
) -> None:
    sums = sums | (beside() if beside is not None else {})
    figures = {k: round(float(v[0] / v[1].clamp_min(1e-9)), 5) for k, v in sums.items() if float(v[1]) > 0}
    with path.open("a") as file:
        file.write(json.dumps({"step": state.step, "seconds": round(state.seconds, 1), **figures}) + "\n")
    bar.set_postfix({k: figures[k] for k in list(figures)[:3]}, refresh=False)
