"""The probe: what it is asked it answers, in words it knows, each clip for itself."""

from pathlib import Path

import pytest
import torch

from pavdm_cli.errors import CheckpointError, ConfigError
from pavdm_cli.models import quantised
from pavdm_cli.models.config import write
from pavdm_cli.models.probe import FRAMES, SIDE, Ask, Probe, ProbeConfig, load, small

ASKS = (
    Ask("things", "objects", ("red ball", "red star", "blue ball", "blue star"), several=True),
    Ask("things", "colour", ("red", "blue")),
    Ask("sea", "time", ("day", "night")),
    Ask("sea", "colour", ("green", "blue")),
)
CONFIG = ProbeConfig((4, 8, 8), 16, 5, ASKS)


def probe(seed: int = 0) -> Probe:
    torch.manual_seed(seed)
    return Probe(CONFIG).eval()


def clips(count: int) -> torch.Tensor:
    return torch.rand(count, FRAMES, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_questions_are_those_of_all_families() -> None:
    assert CONFIG.families == ("things", "sea")
    wanted = {"family": ("things", "sea"), "colour": ("red", "blue", "green"), "time": ("day", "night")}
    assert CONFIG.questions == wanted
    assert CONFIG.sets == {"objects": ASKS[0].words}


def test_shapes_of_what_is_told() -> None:
    told = probe()(clips(2))
    assert {name: values.shape for name, values in told.logits.items()} == {
        "family": (2, 2),
        "colour": (2, 3),
        "time": (2, 2),
        "objects": (2, 4),
    }
    assert told.where["objects"].shape == (2, FRAMES // 2, SIDE // 8, SIDE // 8, 4)
    assert told.features.shape == (2, 5)
    assert told.from_features.keys() == told.logits.keys()
    torch.testing.assert_close(told.features.mean(1), torch.zeros(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(told.features.square().mean(1), torch.ones(2), atol=1e-3, rtol=0)


@torch.no_grad()
def test_a_clip_is_read_for_itself() -> None:
    network, frames = probe(), clips(3)
    together, alone = network(frames), network(frames[1:2])
    torch.testing.assert_close(together.features[1:2], alone.features)
    torch.testing.assert_close(together.logits["objects"][1:2], alone.logits["objects"])


@torch.no_grad()
def test_order_and_brightness_matter() -> None:
    network, frames = probe(), clips(1)
    plain = network(frames).features
    assert (network(frames.flip(1)).features - plain).abs().max() > 1e-3
    assert (network(frames * 0.5 - 0.5).features - plain).abs().max() > 1e-3


def test_only_the_words_of_the_family_asked_about_are_answers() -> None:
    things, sea = probe().read(clips(2), ["things", "sea"])
    assert things.answers.keys() == {"objects", "colour"} and sea.answers.keys() == {"time", "colour"}
    assert things.answers["colour"] in ("red", "blue") and sea.answers["colour"] in ("green", "blue")
    assert set(things.answers["objects"].split(" + ")) <= set(ASKS[0].words)
    assert things.family in CONFIG.families and len(things.features) == 5


def test_a_set_is_told_sorted_and_never_empty() -> None:
    answer = probe()._answer
    assert answer(torch.tensor([2.0, -1.0, 1.6, -2.0]), ASKS[0]) == "blue ball + red ball"
    assert answer(torch.tensor([2.0, -1.0, 1.4, -2.0]), ASKS[0]) == "red ball"
    assert answer(torch.tensor([-3.0, -1.0, -2.0, -2.0]), ASKS[0]) == "red star"


def test_small_frames_are_means_of_blocks() -> None:
    frames = torch.randint(0, 256, (2, 3, 3, 2 * SIDE, 2 * SIDE), dtype=torch.uint8)
    out = small(frames)
    assert out.shape == (2, 3, 3, SIDE, SIDE) and out.dtype is torch.uint8
    assert (out[1, 2, 0, 5, 7].float() - frames[1, 2, 0, 10:12, 14:16].float().mean()).abs() <= 0.5


def test_it_is_loaded_as_it_was_saved(tmp_path: Path) -> None:
    network = probe()
    quantised.save(tmp_path / "probe.safetensors", network.state_dict())
    write(CONFIG, tmp_path / "probe.config.json")
    again = load(tmp_path)
    assert again.config == CONFIG
    with torch.no_grad():
        torch.testing.assert_close(again(clips(1)).features, network(clips(1)).features, atol=0.1, rtol=0)
    write(ProbeConfig((4, 8, 8), 8, 5, ASKS), tmp_path / "probe.config.json")
    with pytest.raises(CheckpointError, match="of another shape"):
        load(tmp_path)


def test_more_features_than_agreed_are_refused() -> None:
    with pytest.raises(ConfigError, match="features is 33"):
        ProbeConfig((4, 8, 8), 16, 33, ASKS)
    with pytest.raises(ConfigError, match="no probe has these sizes"):
        ProbeConfig((4, 8, 8), 16, 3, ())
