"""The training loop: it ends, resumes to the bit, logs what happened, and its rate rises and falls."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pavdm_cli.errors import ConfigError
from pavdm_cli.training.fit import Budget, Reports, fit, optimizers
from pavdm_cli.training.state import State

STEPS = 6


class Interrupted(Exception):
    pass


def begun() -> State:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 1))
    return State(net, optimizers(net, 1e-2, {"0.weight"}), np.random.default_rng(0))


def lesson(state: State) -> Callable[[float], tuple[Tensor, Reports]]:
    def loss(progress: float) -> tuple[Tensor, Reports]:
        x = torch.randn(8, 6) + float(state.rng.normal()) * (1 - progress)
        value = (state.module(x) - x[:, :1]).square().mean()
        reports = {"loss": torch.stack((value.detach() * 8, torch.tensor(8.0))), "never": torch.zeros(2)}
        return value, reports

    return loss


def lines(path: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in path.with_suffix(".log").read_text().splitlines()]


def weights(state: State) -> list[Tensor]:
    return [*state.module.state_dict().values(), *state.average.values()]


@pytest.mark.parametrize("stop", (1, 3, 5))
def test_resumed_equals_uninterrupted_to_the_bit(tmp_path: Path, stop: int) -> None:
    budget = Budget(steps=STEPS, warmup=3)
    whole = begun()
    fit(whole, lesson(whole), budget, tmp_path / "whole.state")

    path, first = tmp_path / "parts.state", begun()

    def interrupt() -> None:
        if first.step == stop:
            raise Interrupted

    with pytest.raises(Interrupted):
        fit(first, lesson(first), budget, path, save_seconds=0, on_save=interrupt)
    second = begun()
    second.load(path)
    assert second.step == stop
    fit(second, lesson(second), budget, path)
    assert second.step == whole.step == STEPS
    assert all(torch.equal(a, b) for a, b in zip(weights(second), weights(whole), strict=True))


def test_a_budget_in_minutes_ends(tmp_path: Path) -> None:
    state, begin = begun(), time.monotonic()
    fit(state, lesson(state), Budget(minutes=0.005), tmp_path / "net.state")
    assert 0.3 <= time.monotonic() - begin < 5
    assert state.step > 1 and state.seconds >= 0.3


def test_whichever_end_comes_first(tmp_path: Path) -> None:
    state = begun()
    fit(state, lesson(state), Budget(steps=3, minutes=60), tmp_path / "net.state")
    assert state.step == 3
    fit(state, lesson(state), Budget(steps=10**9, minutes=1e-9), tmp_path / "net.state")
    assert state.step == 3


def test_log_lines_are_means_since_the_last(tmp_path: Path) -> None:
    state, path, seen = begun(), tmp_path / "net.state", list[float]()
    taught = lesson(state)

    def loss(progress: float) -> tuple[Tensor, Reports]:
        value, reports = taught(progress)
        seen.append(value.item())
        return value, reports

    fit(state, loss, Budget(steps=5), path, log_every=2)
    found = lines(path)
    assert [line["step"] for line in found] == [2, 4, 5]
    assert all(line.keys() == {"step", "seconds", "loss"} for line in found)
    wanted = [np.mean(seen[:2]), np.mean(seen[2:4]), seen[4]]
    assert [line["loss"] for line in found] == pytest.approx(wanted, abs=1e-5)


def test_saves_and_steps_are_told(tmp_path: Path) -> None:
    state, steps, saves = begun(), list[int](), list[int]()
    fit(
        state,
        lesson(state),
        Budget(steps=4),
        tmp_path / "net.state",
        save_seconds=0,
        on_save=lambda: saves.append(state.step),
        after_step=steps.append,
    )
    assert steps == [1, 2, 3, 4] and saves == [1, 2, 3, 4, 4]
    steps.clear()
    fit(state, lesson(state), Budget(steps=4), tmp_path / "net.state", after_step=steps.append)
    assert steps == []


def test_the_rate_rises_stays_and_falls_to_nothing() -> None:
    state, budget, rates = begun(), Budget(steps=100, warmup=10, cooldown=0.3), list[float]()
    for state.step in range(100):
        rates.append(budget.rate(state))
    assert rates[:10] == pytest.approx([(n + 1) / 10 for n in range(10)])
    assert set(rates[10:71]) == {1.0}
    assert rates[70:] == pytest.approx([n / 30 for n in range(30, 0, -1)])


def test_every_parameter_has_one_optimizer() -> None:
    net = begun().module
    adam, muon = optimizers(net, 1e-3, {"0.weight"})
    moved = [p for o in (adam, muon) for group in o.param_groups for p in group["params"]]
    assert len(moved) == len(list(net.parameters())) and set(moved) == set(net.parameters())
    assert [p.shape for p in muon.param_groups[0]["params"]] == [(6, 6)]
    assert len(optimizers(net, 1e-3, set())) == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    (
        ({}, "give --minutes or --steps"),
        ({"steps": 0}, "steps 0: must be above zero"),
        ({"minutes": 0.0}, "minutes 0.0: must be above zero"),
        ({"minutes": float("nan")}, "minutes nan: must be above zero"),
        ({"steps": 5, "warmup": 0}, "warmup 0"),
        ({"steps": 5, "cooldown": 0.0}, "cooldown 0.0"),
    ),
)
def test_a_budget_without_an_end_is_refused(wrong: dict[str, float], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Budget(**wrong)  # type: ignore[arg-type]
