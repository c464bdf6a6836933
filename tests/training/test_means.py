"""Means of weights: shares count, states give what was not rounded yet, and all are judged alike."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pavdm_cli.errors import CheckpointError
from pavdm_cli.models import quantised, text
from pavdm_cli.models.denoiser import Denoiser, DenoiserConfig
from pavdm_cli.models.vae import Vae, VaeConfig
from pavdm_cli.sampling.schedule import Ramp
from pavdm_cli.training import denoiser, means
from pavdm_cli.training.state import State

TEXT = Path(__file__).parents[2] / "weights" / "text"
SHAPES = DenoiserConfig(
    channels=4, size=(8, 8), patch=2, width=32, depth=2, heads=2, mlp=64, text_width=384, cross_every=2,
    span=8,
)  # fmt: skip


def network(seed: int) -> Denoiser:
    torch.manual_seed(seed)
    made = Denoiser(SHAPES)
    for parameter in made.parameters():  # some begin at zero
        torch.nn.init.normal_(parameter, std=0.1)
    return made


def test_shares_count() -> None:
    first, second = network(1).state_dict(), network(2).state_dict()
    for name, value in means.mean([(first, 3.0), (second, 1.0)]).items():
        torch.testing.assert_close(value, 0.75 * first[name] + 0.25 * second[name])
    for name, value in means.mean([(first, 0.2)]).items():
        torch.testing.assert_close(value, first[name])


def test_of_a_state_the_average_is_read_before_it_is_rounded(tmp_path: Path) -> None:
    state = State(network(1), [], np.random.default_rng(0))
    state.average = network(2).state_dict()
    state.save(tmp_path / "denoiser.state")
    quantised.save(tmp_path / "denoiser.safetensors", state.average)
    exact = means.read(tmp_path / "denoiser.state", SHAPES)
    stored = means.read(tmp_path / "denoiser.safetensors", SHAPES)
    assert exact.keys() == stored.keys() == state.average.keys()
    assert all(torch.equal(exact[name], value) for name, value in state.average.items())
    assert any(not torch.equal(stored[name], value) for name, value in state.average.items())
    with pytest.raises(CheckpointError, match=r"denoiser\.state: does not fit"):
        means.read(tmp_path / "denoiser.state", replace(SHAPES, width=16))
    (tmp_path / "torn.state").write_bytes((tmp_path / "denoiser.state").read_bytes()[:999])
    for name in ("torn.state", "none.state"):
        with pytest.raises(CheckpointError, match=f"{name}: not a training state"):
            means.read(tmp_path / name, SHAPES)


def test_all_are_judged_by_the_same_clips_and_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(denoiser, "UNSEEN", 1)
    torch.manual_seed(0)
    vae = Vae(VaeConfig(channels=4, encoder=(16, 16, 16), decoder=(16, 16, 16))).eval().requires_grad_(False)
    ramp = Ramp(steps=4, window=4, context=2, shift=2.0)
    judge = means.Judge(SHAPES, ramp, vae, text.load(TEXT), torch.device("cpu"))
    good = network(1).state_dict()
    wild = good | {name: value * 9 for name, value in good.items() if name.startswith("last.")}
    first = judge.errors(good)
    assert first.keys() == {"unseen image", "unseen windows"}
    assert all(worse > 2 * first[kind] for kind, worse in judge.errors(wild).items())
    assert judge.errors(good) == first
