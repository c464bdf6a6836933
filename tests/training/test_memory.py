"""Training rows of memory: the paper's rows, the same data for all, learning, going on to the bit."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pavdm_cli.errors import CheckpointError, ConfigError
from pavdm_cli.models.coder import CoderConfig
from pavdm_cli.models.memory import Channel, Joint, MemoryConfig, Prepend
from pavdm_cli.studies import meta_arvdm
from pavdm_cli.training import memory as training
from pavdm_cli.training.mazes import place, walk
from pavdm_cli.training.mazes.films import LONG, Films
from pavdm_cli.training.memory import LONGEST, ROWS, WINDOW, Lesson, Preset

CPU = torch.device("cpu")
CODER = CoderConfig(size=32, channels=3)
PRESET = Preset(films=2, steps=4, batch=2, width=32, depth=1, heads=2, rate=1e-3)


@pytest.fixture(scope="module")
def films() -> Films:
    """Two walks whose latents tell where they are."""
    ways = [walk.draw(place.draw(1, n), LONG, np.random.default_rng(n)) for n in range(2)]
    poses = torch.from_numpy(np.stack([way.poses for way in ways]))
    turn = poses[..., 2:].float() / 9 * torch.pi
    latents = torch.cat((turn.cos(), turn.sin(), torch.ones_like(turn)), -1)[..., None, None].repeat(
        1, 1, 1, 1, 2
    )
    return Films(latents.half(), poses.int(), torch.from_numpy(np.stack([w.actions for w in ways])))


def config(memory: MemoryConfig) -> training.DenoiserConfig:
    return training.config(memory, PRESET, CODER)


def test_the_rows_are_the_papers() -> None:
    assert set(ROWS) == set(meta_arvdm.RATE) and len(ROWS) == 15
    for name, memory in ROWS.items():
        said = [memory.reading.kind, str(memory.length)]
        said += [memory.compression.kind, str(memory.compression.budget)] if memory.compression else []
        assert name == "-".join(said)
    assert training.chosen("all")[:4] == training.chosen("first") and len(training.chosen("all")) == 15
    assert training.chosen("cross-112, channel-16") == ["cross-112", "channel-16"]
    with pytest.raises(ConfigError, match="prepend-99: unknown"):
        training.chosen("prepend-99")


def test_windows_and_their_past_are_cut_from_one_film(films: Films) -> None:
    picks, first = torch.tensor([1, 0]), torch.tensor([LONGEST, LONG - WINDOW])
    latents, past, actions = training.cut(films, picks, first, 5, CPU)
    assert latents.shape == (2, WINDOW, 3, 1, 2) and past.latents.shape == (2, 5, 3, 1, 2)
    torch.testing.assert_close(latents[1], films.latents[0, LONG - WINDOW :].float())
    torch.testing.assert_close(past.latents[0], films.latents[1, LONGEST - 5 : LONGEST].float())
    assert past.positions[0].tolist() == [-5, -4, -3, -2, -1] and past.actions is not None
    torch.testing.assert_close(actions[:, 0, 4:18], torch.ones(2, 14))  # the first frame is where it is


def test_every_row_sees_the_same_windows(films: Films, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = []
    for memory in (MemoryConfig(5, Prepend()), MemoryConfig(9, Channel(), Joint(3))):
        network = training.Denoiser(config(memory))
        network.register_forward_pre_hook(lambda _, given: shown.append(given[0]))
        Lesson(network, films, 2, CPU).loss(np.random.default_rng(3))
    assert torch.equal(shown[0], shown[1])


def test_levels_are_of_whole_windows_or_rise() -> None:
    drawn = [training.levels(np.random.default_rng(n), 3) for n in range(40)]
    whole = [level for level in drawn if torch.equal(level, level[:, :1].expand_as(level))]
    rising = [level for level in drawn if (level.diff(dim=1) > 0).all()]
    assert len(whole) + len(rising) == 40 and 4 <= len(rising) <= 18
    assert all(level.min() >= 0 and level.max() <= 1 for level in drawn)


@pytest.mark.parametrize("name", ("prepend-16", "channel-48-modulated-8", "cross-112"))
def test_a_stopped_training_goes_on_to_the_bit(name: str, films: Films, tmp_path: Path) -> None:
    own = config(ROWS[name])
    whole = training.train(tmp_path / "a", own, PRESET, films, CPU)
    with pytest.MonkeyPatch.context() as patch:
        calls = []

        def stop(*given: object) -> object:
            calls.append(1)
            if len(calls) == 3:
                raise KeyboardInterrupt
            return loss(*given)  # type: ignore[arg-type]

        loss = Lesson.loss
        patch.setattr(Lesson, "loss", stop)
        patch.setattr(
            training.fitting.fit, "__kwdefaults__", training.fitting.fit.__kwdefaults__ | {"save_seconds": 0}
        )
        with pytest.raises(KeyboardInterrupt):
            training.train(tmp_path / "b", own, PRESET, films, CPU)
    assert training.left(tmp_path / "b", PRESET) == 2 and not training.finished(tmp_path / "b")
    parts = training.train(tmp_path / "b", own, PRESET, films, CPU)
    assert training.finished(tmp_path / "b")
    for one, other in zip(whole.state_dict().values(), parts.state_dict().values(), strict=True):
        assert torch.equal(one, other)


def test_a_refused_preset_leaves_the_row_as_it_was(films: Films, tmp_path: Path) -> None:
    memory = ROWS["prepend-16"]
    training.train(tmp_path, config(memory), PRESET, films, CPU)
    written = {path: path.read_bytes() for path in tmp_path.iterdir()}
    other = replace(PRESET, width=64, steps=9)
    with pytest.raises(CheckpointError, match="not a training state of this network"):
        training.train(tmp_path, training.config(memory, other, CODER), other, films, CPU)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == written
    assert training.finished(tmp_path)


def test_it_learns(films: Films) -> None:
    torch.manual_seed(0)
    network = training.Denoiser(config(MemoryConfig(4, Prepend())))
    optimizer = torch.optim.AdamW(network.parameters(), 3e-3)
    lesson, rng = Lesson(network, films, 8, CPU), np.random.default_rng(0)
    losses = []
    for _ in range(60):
        loss, reports = lesson.loss(rng)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
    assert np.mean(losses[-10:]) < 0.7 * np.mean(losses[:5]) and set(reports) == {"loss", "noisy"}


def test_what_a_step_takes_is_measured(films: Films) -> None:
    assert (
        0 < training.expected(config(MemoryConfig(4, Prepend())), replace(PRESET, steps=1), films, CPU) < 60
    )
