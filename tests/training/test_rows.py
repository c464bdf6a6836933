"""Levels to train on: moments of the sampler's own rows, of every kind, none wider than its span."""

import numpy as np
import pytest

from pavdm_cli.sampling import schedule
from pavdm_cli.sampling.schedule import Ramp
from pavdm_cli.training import rows
from pavdm_cli.training.rows import Rows, RowsOf

CLIP = 24
LATENTS = 256
EDGE = 2e-3
"""Rows stay this far from the moments at which a latent begins or ends."""

RAMPS = (
    Ramp(steps=24, window=12, chunk=1, context=4),
    Ramp(steps=6, window=6, chunk=1, context=0),
    Ramp(steps=30, window=10, chunk=1, context=1),
    Ramp(steps=12, window=6, chunk=2, context=4),
    Ramp(steps=12, window=12, chunk=4, context=4),
    Ramp(steps=5, window=5, chunk=5, context=5),
)
every_ramp = pytest.mark.parametrize("ramp", RAMPS, ids=str)


def batches(ramp: Ramp, count: int = 150, of: RowsOf = "schedule") -> list[Rows]:
    rng = np.random.default_rng(1)
    return [rows.draw(rng, LATENTS, CLIP, ramp, of=of) for _ in range(count)]


def shown_by_the_sampler(ramp: Ramp) -> set[tuple[int, tuple[int, ...]]]:
    """Return every window of a long video: how many stand beside, and the moves left of the others."""
    windows = set()
    for given in range(ramp.context + 1):
        for step in schedule.make("progressive", given + 5 * (ramp.window + ramp.context), ramp, given=given):
            left = tuple(round(level * ramp.steps) for level in step.level if level > 0)
            windows.add((len(step.level) - len(left), left))
    return windows


@every_ramp
def test_every_row_is_a_moment_of_the_sampler_s_schedule(ramp: Ramp) -> None:
    windows = shown_by_the_sampler(ramp)
    seen = set()
    for batch in batches(ramp):
        if batch.kind in ("image", "uniform"):
            continue
        seen.add(batch.kind)
        for left in batch.left:
            live = left[left > 0].astype(float)
            # Wind the clock back to the last whole row; at most one row, as moves left fall by one in each.
            whole = live + (max(np.ceil(live[0]), 1) - live[0])
            assert np.abs(whole - whole.round()).max() < EDGE
            assert (len(left) - len(live), tuple(whole.round().astype(int))) in windows
    assert seen == {"fill", "steady", "drain"}


@every_ramp
def test_rows_fit_the_span_and_the_clip(ramp: Ramp) -> None:
    for batch in batches(ramp):
        assert batch.latent.shape == batch.left.shape
        assert batch.latent.min() >= 0 and batch.latent.max() < CLIP
        if batch.kind != "image":
            assert batch.latent.shape[1] <= ramp.span
            assert (np.diff(batch.latent, axis=1) == 1).all()
        assert LATENTS - batch.latent.shape[1] < batch.latent.size <= LATENTS


@every_ramp
def test_levels_rise_within_their_range_and_context_is_finished(ramp: Ramp) -> None:
    for batch in batches(ramp):
        assert batch.left.dtype == np.float32 and batch.left.max() <= ramp.steps
        live = batch.left > 0
        assert live[:, -1].all()
        if batch.kind != "image":
            assert (np.diff(batch.left, axis=1) >= 0).all()
        assert batch.kind in ("fill", "steady", "drain") or live.all()
        assert (~live).sum(axis=1).max() <= ramp.context


def test_kinds_come_as_often_as_they_should() -> None:
    drawn = [batch.kind for batch in batches(RAMPS[0], 2000)]
    for kind, share in zip(rows.KINDS, rows.SHARES["schedule"], strict=True):
        assert abs(drawn.count(kind) / 2000 - share) <= 5 * (share * (1 - share) / 2000) ** 0.5


def test_moments_cover_the_whole_lag_evenly() -> None:
    front = np.concatenate([b.left[b.left > 0][:1] for b in batches(RAMPS[0], 3000) if b.kind == "steady"])
    counts, _ = np.histogram(front, bins=4, range=(0, RAMPS[0].endless().lag))
    assert counts.sum() == len(front) and counts.min() > 0.8 * counts.max()


def test_uniform_rows_have_one_level_and_images_each_their_own() -> None:
    for batch in batches(RAMPS[0], 400):
        if batch.kind == "uniform":
            assert (batch.left == batch.left[:, :1]).all()
        if batch.kind == "image":
            assert batch.latent.shape[1] == rows.IMAGES
            assert all(len(set(row)) == rows.IMAGES for row in batch.latent.tolist())
            assert len(np.unique(batch.left)) > 0.9 * batch.left.size


def test_only_images_come_first_and_of_many_clips() -> None:
    rng = np.random.default_rng(2)
    for _ in range(20):
        batch = rows.draw(rng, 64, 24, RAMPS[0], only_images=True)
        assert batch.kind == "image"
        assert batch.latent.shape == batch.left.shape == (64 // rows.IMAGES, rows.IMAGES)


@every_ramp
@pytest.mark.parametrize(("of", "share"), (("images", 0.75), ("half-images", 0.55)))
def test_mostly_images_are_the_same_rows_in_other_shares(ramp: Ramp, of: RowsOf, share: float) -> None:
    drawn = batches(ramp, 600, of=of)
    kinds = [batch.kind for batch in drawn]
    assert abs(kinds.count("image") / len(kinds) - share) < 0.07
    left = np.concatenate([batch.left.ravel() for batch in drawn if batch.kind == "image"]) / ramp.steps
    assert abs((left < rows.LAST).mean() - rows.LAST * rows.SELDOM) < 0.005
    assert set(kinds) == {batch.kind for batch in batches(ramp, 600)}


@every_ramp
def test_rows_on_the_grid_are_the_sampler_s_own(ramp: Ramp) -> None:
    windows, seen = shown_by_the_sampler(ramp), set()
    for batch in batches(ramp, of="on-grid"):
        live = batch.left[batch.left > 0]
        assert (live == live.round()).all() and live.max() <= ramp.steps
        if batch.kind not in ("image", "uniform"):
            seen.add(batch.kind)
            for left in batch.left:
                row = tuple(left[left > 0].astype(int))
                assert (len(left) - len(row), row) in windows
    assert seen == {"fill", "steady", "drain"}


@every_ramp
def test_steady_rows_have_no_short_windows(ramp: Ramp) -> None:
    for batch in batches(ramp, of="steady"):
        assert batch.kind in ("image", "uniform", "steady")
        if batch.kind != "image":
            assert (batch.left > 0).sum(axis=1).min() == ramp.window


@every_ramp
def test_neutral_rows_rise_anyhow_after_any_number_of_clean_latents(ramp: Ramp) -> None:
    found = batches(ramp, 600, of="neutral")
    widths, prefixes, fronts = set(), set(), []
    for batch in found:
        assert batch.latent.shape == batch.left.shape and batch.latent.max() < CLIP
        if batch.kind == "image":
            continue
        live = batch.left > 0
        assert live[:, -1].all() and (np.diff(batch.left, axis=1) >= 0).all()
        assert batch.left.max() <= ramp.steps and batch.left.shape[1] <= ramp.span
        widths.add(batch.left.shape[1])
        prefixes |= set((~live).sum(axis=1).tolist())
        if batch.kind == "uniform":
            assert all(len(set(row[row > 0])) == 1 for row in batch.left)
        fronts += [row[row > 0][0] for row in batch.left if batch.kind == "ramp" and (row > 0).sum() == 2]
    assert widths == set(range(1, ramp.span + 1)) and prefixes == set(range(ramp.span))
    assert {batch.kind for batch in found} == {"image", "uniform", "ramp"}
    assert max(fronts) > 0.8 * ramp.steps and min(fronts) < 0.1 * ramp.steps
