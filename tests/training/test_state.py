"""The state of a training: saved and loaded it goes on to the bit; damage is refused."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from pavdm_cli.errors import CheckpointError
from pavdm_cli.training.fit import optimizers
from pavdm_cli.training.state import State


class Net(nn.Module):
    def __init__(self, width: int = 6) -> None:
        super().__init__()
        self.hidden = nn.Linear(width, width)
        self.out = nn.Linear(width, 1)
        self.seen: torch.Tensor
        self.register_buffer("seen", torch.zeros(()))


def begun(seed: int = 0, width: int = 6) -> State:
    torch.manual_seed(seed)
    net = Net(width)
    return State(net, optimizers(net, 1e-2, {"hidden.weight"}), np.random.default_rng(seed))


def advance(state: State, steps: int) -> None:
    net = state.module
    assert isinstance(net, Net)
    for _ in range(steps):
        x = torch.randn(4, 6) + float(state.rng.normal())
        loss = (net.out(torch.tanh(net.hidden(x))) - 1).square().mean()
        for optimizer in state.optimizers:
            optimizer.zero_grad()
        loss.backward()
        for optimizer in state.optimizers:
            optimizer.step()
        net.seen += 1
        state.step += 1
        state.follow()


def check_same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> None:
    assert a.keys() == b.keys()
    assert [k for k in a if not torch.equal(a[k], b[k])] == []


def test_a_loaded_state_goes_on_to_the_bit(tmp_path: Path) -> None:
    whole = begun()
    advance(whole, 3)
    whole.seconds = 7.5
    whole.save(tmp_path / "net.state")
    advance(whole, 3)

    other = begun(seed=9)
    advance(other, 1)
    other.load(tmp_path / "net.state")
    assert (other.step, other.seconds) == (3, 7.5)
    advance(other, 3)
    assert other.step == whole.step == 6
    check_same(other.module.state_dict(), whole.module.state_dict())
    check_same(other.average, whole.average)


def test_saving_changes_nothing_and_leaves_one_file(tmp_path: Path) -> None:
    quiet, saving = begun(), begun()
    torch.manual_seed(1)
    advance(quiet, 4)
    torch.manual_seed(1)
    for _ in range(4):
        advance(saving, 1)
        saving.save(tmp_path / "net.state")
    check_same(quiet.average, saving.average)
    assert [path.name for path in tmp_path.iterdir()] == ["net.state"]


def test_the_average_moves_towards_the_network_and_keeps_buffers() -> None:
    state = begun()
    before = {k: v.clone() for k, v in state.average.items()}
    with torch.no_grad():
        for values in state.module.parameters():
            values.add_(1)
    assert isinstance(state.module, Net)
    state.module.seen.fill_(5)
    state.step = 90
    state.follow()
    decay = 91 / 100
    for name, value in state.average.items():
        wanted = torch.tensor(5.0) if name == "seen" else before[name] + (1 - decay)
        torch.testing.assert_close(value, wanted)
    state.step = 10**9
    state.follow()
    torch.testing.assert_close(
        state.average["out.bias"], before["out.bias"] + 1 - decay * state.decay, atol=1e-6, rtol=0
    )


def test_a_damaged_state_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.state"
    begun().save(path)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(CheckpointError, match=r"net\.state: not a training state.*--folder"):
        begun().load(path)


def test_a_state_of_another_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.state"
    begun(width=5).save(path)
    with pytest.raises(CheckpointError, match=r"net\.state: not a training state of this network"):
        begun().load(path)
