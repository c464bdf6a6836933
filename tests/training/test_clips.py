"""Clips: known by their number, held-out scenes kept apart, captions where the change is; pools of them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pavdm_cli.errors import ConfigError
from pavdm_cli.training import clips
from pavdm_cli.training.clips import Clip
from pavdm_cli.training.pool import FramePool, Ring, Source
from pavdm_cli.training.worlds import FAMILIES
from pavdm_cli.training.worlds.scene import is_held_out

CPU = torch.device("cpu")
SIZE = (32, 32)


def some(count: int) -> list[Clip]:
    return [clips.draw(1, n, 96) for n in range(count)]


def test_a_clip_is_known_by_its_seed_and_number() -> None:
    forwards = some(40)
    backwards = [clips.draw(1, n, 96) for n in reversed(range(40))]
    assert forwards == backwards[::-1]
    assert len({repr(c) for c in forwards}) == 40
    assert clips.draw(2, 0, 96) != forwards[0]


def test_training_never_sees_what_is_held_out() -> None:
    for clip in some(1500):
        assert not is_held_out(clip.scene)
        assert clip.after is None or not is_held_out(clip.after)


def test_only_the_families_named_are_drawn_and_all_of_them() -> None:
    drawn = [clips.draw(1, n, 96, ["sea", "stars"]) for n in range(60)]
    scenes = {type(s) for c in drawn for s in (c.scene, c.after) if s is not None}
    assert scenes == {FAMILIES["sea"], FAMILIES["stars"]}
    assert {type(c.scene) for c in some(200)} == set(FAMILIES.values())


def test_about_the_share_asked_for_changes_within_the_clip() -> None:
    drawn = some(1500)
    changing = [c for c in drawn if c.after is not None]
    expected = clips.CHANGING * len(drawn)
    assert abs(len(changing) - expected) < 5 * (expected * (1 - clips.CHANGING)) ** 0.5
    for clip in changing:
        assert clip.after_caption
        assert clip.after != clip.scene or clip.after_seed != clip.seed
        assert 16 <= clip.change < 80


@given(st.integers(1, 30), st.integers(1, 8), st.integers(0, 2000))
def test_the_second_caption_holds_from_the_change_on(
    latents: int, frames_per_latent: int, number: int
) -> None:
    frames = latents * frames_per_latent
    clip = clips.draw(1, number, frames)
    shares = clips.shares(clip, latents, frames_per_latent)
    assert len(shares) == latents and list(shares) == sorted(shares)
    if clip.after is None:
        assert set(shares) == {0}
    else:
        assert abs(shares.count(0) * frames_per_latent - clip.change) <= frames_per_latent / 2


def test_a_change_fades_from_one_scene_to_the_other() -> None:
    clip = next(
        c for c in (clips.draw(1, n, 48) for n in range(100)) if c.after is not None and c.change < 30
    )
    assert clip.after is not None
    video = clips.render([clip], 48, SIZE, CPU)[0].int()
    plain = clips.render([replace(clip, after=None)], 48, SIZE, CPU)[0].int()
    other = clips.render([replace(clip, scene=clip.after, seed=clip.after_seed, after=None)], 48, SIZE, CPU)[
        0
    ].int()
    begin, end = clip.change - clips.DISSOLVE // 2, clip.change + clips.DISSOLVE // 2
    assert torch.equal(video[: max(begin, 0) + 1], plain[: max(begin, 0) + 1])
    assert (video[end:] - other[end:]).abs().max() <= 1
    middle = (plain[clip.change] + other[clip.change]) / 2
    assert (video[clip.change] - middle).abs().max() <= 1
    assert (plain[end:] - other[end:]).abs().max() > 20


def test_a_clip_does_not_depend_on_its_company() -> None:
    drawn = [clips.draw(1, n, 8) for n in range(12)]
    together = clips.render(drawn, 8, SIZE, CPU)
    assert together.shape == (12, 8, 3, *SIZE) and together.dtype is torch.uint8
    for i, clip in enumerate(drawn):
        assert (clips.render([clip], 8, SIZE, CPU)[0].int() - together[i].int()).abs().max() <= 1


@pytest.mark.parametrize("renew", (0, 6))
def test_a_ring_renews_some_of_what_it_holds(renew: int) -> None:
    with pytest.raises(ConfigError, match=f"{renew} renewed"):
        Ring(5, renew)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 50))
def test_what_a_ring_holds_is_what_its_refills_left(a: int, b: int, refills: int) -> None:
    size, renew = max(a, b), min(a, b)
    ring = Ring(size, renew)
    held = dict(enumerate(ring.held(0)))
    assert sorted(held.values()) == list(range(size))
    for refill in range(refills):
        oldest = sorted(held.values())[:renew]
        for place, number in ring.places(refill):
            held[place] = number
        assert not set(oldest) & set(held.values())
    assert held == dict(enumerate(ring.held(refills)))


def test_a_pool_filled_late_equals_one_refilled_on_the_way() -> None:
    source, ring = Source(3, 4, SIZE, families=("sea", "stars")), Ring(5, 2)
    early = FramePool(source, ring, CPU, batch=3)
    first = early.frames.clone()
    for number in range(3):
        early.refill(number)
    late = FramePool(source, ring, CPU, batch=2, refills=3)
    assert not torch.equal(first, early.frames)
    assert (early.frames.int() - late.frames.int()).abs().max() <= 1
    assert np.array_equal(ring.held(3), [10, 6, 7, 8, 9])
