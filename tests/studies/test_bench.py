"""`bench` times the whole of a generation, and what its parts alone would take."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from pavdm_cli.cli.app import app
from pavdm_cli.errors import ConfigError
from pavdm_cli.models.device import place
from pavdm_cli.models.pipeline import load
from pavdm_cli.runs.request import Request
from pavdm_cli.sampling import schedule
from pavdm_cli.sampling.schedule import Ramp
from pavdm_cli.studies import bare, bench
from pavdm_cli.studies.bench import Asked, Spread

RAMP = Ramp(steps=6, window=6, chunk=1, context=2)
REQUEST = Request(("a red ball",), (1,), 64, "progressive", RAMP, 2.0)


@pytest.fixture
def asked(tiny_model: Path) -> Asked:
    return Asked(
        folder=tiny_model, place=place("cpu", "fp32"), request=REQUEST, scale=1, quality=18,
        attention_chunk=None, compiled=False, repeats=2,
    )  # fmt: skip


def test_the_split_is_all_of_the_wall_time(asked: Asked) -> None:
    said: list[str] = []
    begun = time.perf_counter()
    found = bench.measure(asked, begun, said.append)
    assert set(found.split) == set(bench.PARTS) and min(found.split.values()) >= 0
    assert sum(found.split.values()) == pytest.approx(found.wall_s, rel=0.02)
    assert found.fps == pytest.approx(64 / found.wall_s)
    assert 0 < found.first_frame_s <= found.wall_s < time.perf_counter() - begun
    for part in ("load", "text", "denoise", "decode", "encode"):
        assert found.split[part] > 0, part
    assert found.split["other"] < 0.1 * found.wall_s
    assert found.steady_fps.least <= found.steady_fps.median <= found.steady_fps.greatest
    assert any("warm" in line for line in said)


def test_the_work_is_counted(asked: Asked) -> None:
    found = bench.measure(asked, time.perf_counter(), lambda _: None)
    steps = list(schedule.make("progressive", 16, RAMP))
    assert found.model_calls == len(steps)
    assert found.latent_evaluations == 2 * sum(len(step.latents) for step in steps)
    assert found.latent_evaluations_per_second_of_video == found.latent_evaluations / 8


@pytest.mark.parametrize("guidance", (2.0, 1.0), ids=("guided", "one side"))
def test_rates_are_above_nothing_and_below_any_machine(asked: Asked, guidance: float) -> None:
    for rate in bare.rates(load(str(asked.folder), asked.place), replace(REQUEST, guidance=guidance)):
        assert 1e-6 < rate < 1e4


def test_products_are_those_of_a_guided_call(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    model, operations = load(str(asked.folder), asked.place), [0]

    def count(layer: torch.nn.Linear, given: tuple[torch.Tensor], _: object) -> None:
        operations[0] += 2 * given[0].numel() * layer.out_features

    def once(call: Callable[[], object], _: object) -> float:
        operations[0] = 0
        call()
        return 1.0

    for layer in model.denoiser.modules():
        if isinstance(layer, torch.nn.Linear):
            layer.register_forward_hook(count)
    monkeypatch.setattr(bare, "_seconds", once)
    products, _ = bare.rates(model, REQUEST)
    assert products == pytest.approx(operations[0] / 1e12)  # of the last call, the whole one


def test_bare_calls_are_as_many_as_the_schedule_makes(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bare, "_seconds", lambda call, device: (call(), 1.0)[1])
    calls, latents = bare.bare(load(str(asked.folder), asked.place), REQUEST)
    assert (calls, latents) == (schedule.calls("progressive", 16, RAMP), 16)


def test_variants_change_one_thing_each_and_are_valid(asked: Asked) -> None:
    places = [place("cpu", "fp32"), place("cpu", "bf16")]
    found = dict(bench.variants(asked, places))
    assert found["dtype bfloat16"].place.dtype is torch.bfloat16 and "dtype float32" not in found
    assert {one.request.ramp.window for one in found.values()} == {6, 3}
    rows = list(bench.sweep(asked, [("window 3", found["window 3"])]))
    assert [name for name, _, _ in rows] == ["as asked", "window 3"]
    assert all(fps > 0 and peak > 0 for _, fps, peak in rows)


def test_a_sweep_writes_no_figures_to_a_file(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["bench", "--sweep", "--json", str(tmp_path / "bench.json")])
    assert isinstance(result.exception, ConfigError) and "leave --json and --compare out" in str(
        result.exception
    )


def test_figures_beside_earlier_ones() -> None:
    now = {"wall_s": 2.0, "fps": 12.0, "split": {"load": 1.0}, "machine": {"cores": "2"}}
    shared = bench.compared(now, {"wall_s": 1.0, "fps": 24, "split": {"load": 0.5, "new": 1}})
    assert shared == {"wall_s": (1.0, 2.0), "fps": (24.0, 12.0), "split.load": (0.5, 1.0)}


def test_a_spread() -> None:
    assert Spread.of([3, 1, 2]) == Spread(2, 1, 3)


def test_the_command(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "figures.json"
    words = [
        "bench",
        "--model",
        str(tiny_model),
        "--seconds",
        "8",
        "--repeats",
        "1",
        "--dtype",
        "fp32",
        "--device",
        "cpu",
    ]
    result = CliRunner().invoke(app, [*words, "--json", str(file)], catch_exceptions=False)
    assert result.exit_code == 0 and "x real time" in result.output
    found = json.loads(file.read_text())
    assert list(found)[:4] == ["wall_s", "frames", "fps", "split"] and found["frames"] == 64
    result = CliRunner().invoke(app, [*words, "--compare", str(file)], catch_exceptions=False)
    assert "split.denoise" in result.output
    other, deep = tmp_path / "other.json", tmp_path / "deep.json"
    other.write_text('{"speed": 1}')
    deep.write_text("[" * 100_000)
    for bad in (
        ["--guidance", "nan"],
        ["--guidance", "-3"],
        ["--compare", str(other)],
        ["--compare", str(deep)],
        ["--repeats", "0"],
        ["--json", "nowhere/x.json"],
        ["--compare", "nothing.json"],
        ["--seconds", "-1"],
    ):
        with monkeypatch.context() as patch, pytest.raises(ConfigError):
            if "--repeats" not in bad and "nowhere/x.json" not in bad:
                patch.setattr(bench, "measure", None)  # what is wrong is said before
            CliRunner().invoke(app, [*words, *bad], catch_exceptions=False)
