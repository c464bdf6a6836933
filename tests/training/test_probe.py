"""Training the probe: truth beside what is shown, hidden things not asked, learning, the same again."""

from pathlib import Path

import numpy as np
import pytest
import torch

from pavdm_cli.models.probe import FRAMES, SIDE, Probe, Told
from pavdm_cli.models.vae import Vae, VaeConfig
from pavdm_cli.training import probe as training
from pavdm_cli.training import probe_clips
from pavdm_cli.training.fit import Budget
from pavdm_cli.training.probe_clips import ProbePool, ProbeTraining
from pavdm_cli.training.worlds import FAMILIES
from pavdm_cli.training.worlds.visible import PATCHES, Sight

CPU = torch.device("cpu")
SIZE = (32, 32)
CONFIG = training.config((4, 4, 8), 8, 4)


def vae() -> Vae:
    torch.manual_seed(0)
    return Vae(VaeConfig(channels=4, encoder=(16,) * 3, decoder=(16,) * 3)).eval()


def settings(**changes: object) -> ProbeTraining:
    plain: dict[str, object] = {"batch": 4, "held": 6, "renew": 2, "every": 2, "families": ("sea", "shapes")}
    plain["size"] = SIZE
    return ProbeTraining(**(plain | changes))  # type: ignore[arg-type]


def test_every_family_is_asked_everything() -> None:
    assert CONFIG.families == tuple(FAMILIES)
    for name, family in FAMILIES.items():
        assert {ask.attribute for ask in CONFIG.asked(name)} == family.answers().keys()
    assert CONFIG.sets.keys() == {"objects"}


def test_what_is_drawn_is_known_by_its_number() -> None:
    drawn = [probe_clips.draw(1, n, list(FAMILIES)) for n in range(30)]
    assert drawn == [probe_clips.draw(1, n, list(FAMILIES)) for n in range(30)]
    assert len({type(one.scene) for one in drawn}) > 6 and probe_clips.draw(2, 0, list(FAMILIES)) != drawn[0]


def test_renders_are_small_and_differ_after_the_vae() -> None:
    shown = [probe_clips.draw(1, n, ["sea"]) for n in range(2)]
    plain = probe_clips.render(shown, CPU, size=SIZE)
    coded = probe_clips.render(shown, CPU, vae(), SIZE)
    assert plain.shape == coded.shape == (2, FRAMES, 3, SIDE, SIDE) and plain.dtype is torch.uint8
    assert (plain.int() - coded.int()).abs().float().mean() > 10
    alone = probe_clips.render(shown[1:], CPU, size=SIZE)
    assert (alone.int() - plain[1:].int()).abs().max() <= 1


def test_latents_are_led_astray_by_up_to_so_much_and_partly_for_the_whole_clip() -> None:
    clean = torch.zeros(40, 30, 4, 6, 6)
    off = probe_clips.strayed(clean, range(40), 0.4)
    deviations = off.flatten(1).std(1)
    assert 0.3 < deviations.max() < 0.42 and deviations.min() < 0.1
    stays = off.mean(1).flatten(1).var(1) / off.flatten(1).var(1)
    assert ((stays > 0.4) & (stays < 0.63)).all()
    assert torch.equal(probe_clips.strayed(clean[3:4], [3], 0.4)[0], off[3])
    assert probe_clips.strayed(clean, range(40), 0.0) is clean


def test_what_cannot_be_seen_is_not_asked() -> None:
    sea, shapes = probe_clips.draw(1, 0, ["sea"]), probe_clips.draw(1, 1, ["shapes"])
    facts = sea.scene.facts()
    truth = probe_clips.targets(CONFIG, [sea], [Sight({"time": False, "weather": True, "boat": True}, {})])
    assert truth["time"].tolist() == [-1]
    assert CONFIG.questions["weather"][int(truth["weather"])] == facts["weather"]
    assert truth["objects"].tolist() == [[-1.0] * 40] and truth["motion"].tolist() == [-1]
    (sight,) = probe_clips.seen([shapes], CPU)
    truth = probe_clips.targets(CONFIG, [shapes], [sight])
    words = CONFIG.sets["objects"]
    there = " + ".join(
        sorted(word for word, is_there in zip(words, truth["objects"][0], strict=True) if is_there)
    )
    assert there == shapes.scene.facts()["objects"]
    spots = truth["objects where"]
    assert spots.shape == (1, 4, PATCHES, PATCHES)
    wanted = {words.index(word) for word in there.split(" + ")} | {len(words)}
    assert set(spots.unique().tolist()) == wanted


def test_a_slowed_clip_shows_fewer_of_its_frames_in_order_and_is_asked_its_family_alone() -> None:
    numbers = torch.arange(FRAMES, dtype=torch.float32)[None, :, None, None, None].expand(400, -1, 3, 2, 2)
    truth = {"family": torch.ones(400).long(), "time": torch.ones(400).long(), "objects": torch.ones(400, 5)}
    shown, asked = training.slowed(numbers, truth, np.random.default_rng(0))
    moments = shown[:, :, 0, 0, 0].long()
    span = moments[:, -1] - moments[:, 0]
    slow = asked["time"] == -1
    assert (moments.diff(dim=1) >= 0).all() and (asked["family"] == 1).all()
    assert (span[~slow] == FRAMES - 1).all() and (span[slow] <= 6).all() and (span[slow] == 0).any()
    assert 0.12 < slow.float().mean() < 0.28 and ((asked["objects"] == -1).all(1) == slow).all()
    assert moments.max() == FRAMES - 1 and moments[slow].float().mean(1).std() > 2


def test_questions_not_asked_teach_nothing() -> None:
    torch.manual_seed(0)
    told = Probe(CONFIG)(torch.rand(1, FRAMES, 3, SIDE, SIDE))
    sea = probe_clips.draw(1, 0, ["sea"])
    truth = probe_clips.targets(CONFIG, [sea], probe_clips.seen([sea], CPU))
    loss, reports = training.judged(told, truth)
    other = Told(
        told.logits
        | {"motion": told.logits["motion"] + 9.0 * torch.arange(5), "objects": told.logits["objects"] + 9},
        told.where,
        told.features,
        told.from_features,
    )
    again, _ = training.judged(other, truth)
    torch.testing.assert_close(loss, again)
    assert reports["right"][1] == 4 and "objects" in reports and reports["objects"][1] == 0
    wrong, _ = training.judged(
        Told(
            told.logits | {"time": told.logits["time"].roll(1, -1)},
            told.where,
            told.features,
            told.from_features,
        ),
        truth,
    )
    assert wrong != loss


def test_a_pool_filled_late_equals_one_refilled_on_the_way() -> None:
    early = ProbePool(settings(), CONFIG, vae(), CPU)
    for number in range(2):
        early.refill(number)
    late = ProbePool(settings(), CONFIG, vae(), CPU, refills=2)
    assert (early.frames.int() - late.frames.int()).abs().max() <= 1
    assert all(torch.equal(values, late.truth[name]) for name, values in early.truth.items())


def test_the_same_settings_train_the_same_probe(tmp_path: Path) -> None:
    budget = Budget(steps=4, warmup=2)
    once = training.train(tmp_path / "a", CONFIG, settings(), budget, CPU, vae())
    training.train(tmp_path / "b", CONFIG, settings(), Budget(steps=4, warmup=2), CPU, vae())
    assert (tmp_path / "a/probe.safetensors").read_bytes() == (tmp_path / "b/probe.safetensors").read_bytes()
    assert once.config == CONFIG
    log = (tmp_path / "a/probe.log").read_text()
    assert '"right"' in log and '"family"' in log


@pytest.mark.slow
def test_it_learns_a_family_from_another(tmp_path: Path) -> None:
    """Sea and shapes are told apart after 60 steps of a tiny probe."""
    trained = training.train(
        tmp_path, CONFIG, settings(batch=8, held=48, rate=5e-3), Budget(steps=60, warmup=5), CPU, vae()
    )
    shown = [probe_clips.draw(9, n, ["sea", "shapes"]) for n in range(16)]
    frames = torch.cat([probe_clips.render([one], CPU, size=SIZE) for one in shown]).float() / 127.5 - 1
    read = trained.read(frames, [one.scene.family for one in shown])
    assert sum(a.family == b.scene.family for a, b in zip(read, shown, strict=True)) >= 14
