"""Records: stretches read where they are, written whole, read back."""

from pathlib import Path

import numpy as np
import pytest
import torch

from pavdm_cli.errors import RunError
from pavdm_cli.models.probe import Probe
from pavdm_cli.studies import records
from pavdm_cli.studies.records import Recorder
from pavdm_cli.training.probe import config

FPS = 24


def video(seconds: int) -> np.ndarray:
    """Noise that grows brighter."""
    rng = np.random.default_rng(0)
    at = np.arange(seconds * FPS)[:, None, None, None]
    return (rng.integers(0, 100, (seconds * FPS, 16, 16, 3)) + at).clip(0, 255).astype(np.uint8)


def probe() -> Probe:
    torch.manual_seed(0)
    return Probe(config((4, 4, 8), 8, 4)).eval()


def test_what_is_kept_does_not_depend_on_the_pieces(tmp_path: Path) -> None:
    frames, found = video(7), []
    for pieces in (np.array_split(frames, 5), [frames]):
        recorder = Recorder(FPS)
        for piece in pieces:
            recorder.add(piece)
        found.append(recorder.record("a prompt", 3, "sea", probe()))
        assert np.array_equal(recorder.strip(), frames[:: 5 * FPS])
    assert found[0] == found[1]
    assert [look.at for look in found[0].looks] == [0, 2]
    assert found[0].looks[0].answers.keys() == {"time", "weather", "boat"}
    assert found[0].seconds == 7 and len(found[0].figures["brightness"]) == 7
    assert found[0].figures["brightness"] == sorted(found[0].figures["brightness"])


def test_a_stretch_is_read_at_its_own_place() -> None:
    whole, late = Recorder(FPS), Recorder(FPS)
    whole.add(video(7))
    late.add(video(7)[2 * FPS :])
    second = whole.record("", 1, "sea", probe()).looks[1]
    first = late.record("", 1, "sea", probe()).looks[0]
    np.testing.assert_allclose(second.features, first.features, atol=1e-5)


def test_what_travels_changes_over_seconds_and_what_shimmers_does_not() -> None:
    rng = np.random.default_rng(0)
    shimmer = rng.integers(0, 60, (16, 3, 8, 8)).astype(np.uint8)
    strip = (
        rng.integers(0, 60, (3, 8, 40)).astype(np.uint8).repeat(4, axis=2)
    )  # soft, so that a step is small
    travel = np.stack([strip[:, :, 2 * t : 2 * t + 8] for t in range(16)])
    for frames, least, most in ((shimmer, 0.9, 1.1), (travel, 1.3, 4.0)):
        near = np.abs(frames[1:].astype(float) - frames[:-1]).mean() / 255
        assert least < records.change(frames) / near < most
    assert records.change(np.full((16, 3, 8, 8), 9, np.uint8)) == 0


def test_records_are_read_as_they_were_written(tmp_path: Path) -> None:
    recorder = Recorder(FPS)
    recorder.add(video(5))
    record = recorder.record("a prompt", 3, "hills", probe())
    records.write(tmp_path / "one.json", record, recorder.strip())
    assert records.read(tmp_path / "one.json") == record
    assert (tmp_path / "one.png").exists()
    (tmp_path / "one.json").write_text("{}")
    with pytest.raises(RunError, match=r"one\.json: not a record"):
        records.read(tmp_path / "one.json")
    assert records.features([record], 0).shape == (1, 4)
