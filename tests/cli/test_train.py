"""`train` hands on what was asked for, and refuses what cannot be."""

from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from pavdm_cli.cli.app import app
from pavdm_cli.errors import CheckpointError, ConfigError, DeviceError
from pavdm_cli.models import quantised, scenes
from pavdm_cli.training.fit import Budget
from pavdm_cli.training.lesson import DenoiserTraining
from pavdm_cli.training.vae import VaeTraining
from pavdm_cli.training.worlds import FAMILIES

Calls = list[tuple[tuple[Any, ...], dict[str, Any]]]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    made: Calls = []
    for network in ("vae", "denoiser"):
        monkeypatch.setattr(
            f"pavdm_cli.training.{network}.train", lambda *args, **named: made.append((args, named))
        )
    return made


def train(*arguments: str) -> BaseException | None:
    return CliRunner().invoke(app, ["train", *arguments]).exception


def test_vae(tiny_model: Path, calls: Calls, tmp_path: Path) -> None:
    options = ("--steps", "5", "--batch", "2", "--families", "sea, hills", "--device", "cpu")
    assert train("vae", "--folder", str(tmp_path), "--model", str(tiny_model), *options) is None
    ((folder, config, settings, budget, device), named) = calls[0]
    assert (folder, config.channels, device.type) == (tmp_path, 4, "cpu")
    assert settings == VaeTraining(batch=2, families=("sea", "hills"))
    assert budget == Budget(steps=5)
    assert named.pop("on_save") and named == {"start": None, "compiled": False}


def test_denoiser(tiny_model: Path, calls: Calls, tmp_path: Path) -> None:
    start = str(tiny_model / "denoiser.safetensors")
    options = (
        "--minutes",
        "1",
        "--start",
        start,
        "--rate",
        "1e-4",
        "--held",
        "9",
        "--device",
        "cpu",
        "--compile",
    )
    assert train("denoiser", "--folder", str(tmp_path), "--model", str(tiny_model), *options) is None
    ((folder, config, ramp, settings, budget, _, vae, text), named) = calls[0]
    assert (folder, config.span, ramp.window, vae.config.channels, text.config.width) == (
        tmp_path,
        8,
        6,
        4,
        32,
    )
    assert settings == DenoiserTraining(rate=1e-4, held=9)
    assert budget == Budget(minutes=1)
    assert named.pop("on_save") and named == {"start": Path(start), "compiled": True}
    assert set(scenes.load(tmp_path / "captions.safetensors").families) == set(FAMILIES)


def test_a_neutral_twin(tiny_model: Path, calls: Calls, tmp_path: Path) -> None:
    def twin(rows: str) -> BaseException | None:
        where = ("--folder", str(tmp_path), "--model", str(tiny_model), "--steps", "5", "--device", "cpu")
        return train("denoiser", *where, "--rows", rows)

    assert twin("neutral") is None and calls[0][0][3] == DenoiserTraining(rows="neutral")
    said = twin("any")
    names = "there are schedule, images, half-images, on-grid, steady, neutral"
    assert isinstance(said, ConfigError) and names in str(said)


def test_a_mean(tiny_model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Judge:
        def __init__(self, *given: object) -> None:
            pass

        def errors(self, weights: dict[str, torch.Tensor]) -> dict[str, float]:
            judged.append(weights)
            return {"unseen image": float(len(judged))}

    judged: list[dict[str, torch.Tensor]] = []
    monkeypatch.setattr("pavdm_cli.training.means.Judge", Judge)
    weights, other = tiny_model / "denoiser.safetensors", tmp_path / "other.safetensors"
    own = quantised.load(weights)
    quantised.save(other, {name: 3 * value for name, value in own.items()})
    out = ["-o", str(tmp_path / "mean.safetensors"), "--model", str(tiny_model), "--device", "cpu"]
    done = CliRunner().invoke(app, ["train", "mean", f"{weights}=3", str(other), *out])
    assert done.exit_code == 0, done.output
    for name, value in quantised.load(tmp_path / "mean.safetensors").items():
        torch.testing.assert_close(value, 1.5 * own[name], rtol=0.02, atol=0.02)
    stored = quantised.load(tmp_path / "mean.safetensors")
    assert all(torch.equal(judged[2][name], value) for name, value in stored.items())
    assert all(torch.equal(judged[0][name], value) for name, value in own.items())
    assert [f"unseen image {n}.0000" in done.output for n in (1, 2, 3)] == [True] * 3
    assert isinstance(train("mean", str(weights), "-o", str(tmp_path / "mean.state")), ConfigError)
    equal = tmp_path / "rate=1.safetensors"
    quantised.save(equal, own)
    assert train("mean", str(equal), *out) is None and train("mean", f"{equal}=2", *out) is None
    for part, about in (
        ("none.safetensors", "no such file"),
        (f"{weights}=x", "share"),
        (f"{weights}=0", "share"),
    ):
        said = train("mean", part, *out)
        assert isinstance(said, ConfigError) and about in str(said)


def test_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from pavdm_cli.models.coder import Coder, CoderConfig

    made: list[str] = []
    coder = Coder(CoderConfig(channels=4, widths=(8, 8, 8)))
    monkeypatch.setattr("pavdm_cli.training.memory_parts.coder", lambda folder, domain, device: coder)
    for part in ("judge", "films"):
        monkeypatch.setattr(f"pavdm_cli.training.memory_parts.{part}", lambda *given: None)
    monkeypatch.setattr("pavdm_cli.training.memory.expected", lambda *given: 0.5)
    monkeypatch.setattr("pavdm_cli.training.memory.train", lambda folder, *given: made.append(folder.name))
    rows = ["--rows", "cross-112,prepend-16", "--device", "cpu"]
    done = CliRunner().invoke(app, ["train", "memory", "--folder", str(tmp_path), *rows])
    assert done.exit_code == 0 and made == ["cross-112", "prepend-16"]
    assert "cross-112: 3000 steps left, about 25:00" in done.output
    assert isinstance(train("memory", "--folder", str(tmp_path), "--rows", "hope"), ConfigError)
    said = train("memory", "--folder", str(tmp_path), "--domain", "doom")
    assert isinstance(said, ConfigError) and "holds networks of the domain mazes" in str(said)
    monkeypatch.delattr("pavdm_cli.training.memory_parts.judge")  # no names are known in rooms
    own = ["--folder", str(tmp_path / "rooms"), "--domain", "doom", "--rows", "cross-112"]
    assert train("memory", *own) is None and made == ["cross-112", "prepend-16", "cross-112"]


def test_wrong_input_is_refused(tiny_model: Path, calls: Calls, tmp_path: Path) -> None:
    def vae(*options: str, model: Path = tiny_model) -> BaseException | None:
        return train("vae", "--folder", str(tmp_path / "new"), "--model", str(model), *options)

    for options in (["--families", "moon"], ["--batch", "0"], ["--rate", "nan"], ["--start", "none"], []):
        end = ["--steps", "5"] if options else []
        assert isinstance(vae(*options, *end), ConfigError), options
    assert isinstance(vae("--steps", "5", "--device", "tpu"), DeviceError)
    assert isinstance(vae("--steps", "5", model=tmp_path / "none"), CheckpointError)
    assert not calls and not (tmp_path / "new").exists()
