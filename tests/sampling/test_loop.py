"""The loop: with the exact velocity every schedule returns the clean video; what it holds; interruptions."""

import copy
from collections.abc import Callable, Iterator
from itertools import islice

import pytest
import torch
from hypothesis import given
from plans import Plan, plans
from torch import Tensor

from pavdm_cli.sampling import schedule
from pavdm_cli.sampling.loop import Window, denoise
from pavdm_cli.sampling.noise import Noise
from pavdm_cli.sampling.schedule import Ramp, Step

SHAPE = (2, 3, 3)
PLANS = {
    "plain": ("progressive", 11, Ramp(6, 6, 1, context=2), 0),
    "nothing beside": ("progressive", 9, Ramp(8, 4, 1, context=0), 0),
    "chunks": ("progressive", 13, Ramp(6, 6, 2, context=3), 0),
    "chunks, given": ("progressive", 14, Ramp(6, 6, 2, context=2), 3),
    "given": ("progressive", 12, Ramp(6, 3, 1, context=4), 5),
    "sink": ("progressive", 16, Ramp(4, 4, 2, context=2, sink=True), 0),
    "sink, given, noisy context": ("progressive", 16, Ramp(6, 3, 1, 2, True, context_level=0.1), 4),
    "noisy context": ("progressive", 12, Ramp(6, 6, 1, context=3, context_level=0.2), 0),
    "renoise": ("progressive", 12, Ramp(6, 3, 1, context=2, renoise_above=0), 0),
    "renoise, noisy context": ("progressive", 12, Ramp(6, 6, 2, 2, context_level=0.3, renoise_above=0), 2),
    "shift": ("progressive", 12, Ramp(6, 6, 1, context=2, shift=3.7), 0),
    "shift down": ("progressive", 12, Ramp(6, 6, 1, context=2, shift=0.1), 3),
    "curve": ("progressive", 12, Ramp(6, 6, 1, context=2, curve=1.7), 0),
    "rolling": ("rolling", 12, Ramp(6, 3, context=2), 0),
    "rolling, given, renoise": ("rolling", 12, Ramp(6, 3, context=2, renoise_above=0), 3),
    "queue": ("queue", 12, Ramp(6, 6, 2, context=3), 0),
    "queue, short": ("queue", 3, Ramp(6, 6, 2, context=3, shift=2), 0),
    "queue, given": ("queue", 14, Ramp(6, 6, 2, context=2, sink=True, context_level=0.1), 5),
    "queue, renoise": ("queue", 12, Ramp(6, 3, context=2, renoise_above=0), 0),
    "fifo": ("fifo", 14, Ramp(6, 2, context=2), 0),
    "fifo, sink, noisy context": ("fifo", 14, Ramp(6, 3, context=2, sink=True, context_level=0.2), 0),
    "fifo, no look-ahead": ("fifo", 14, Ramp(6, 3, context=0, shift=3), 0),
    "fifo, given": ("fifo", 14, Ramp(6, 2, context=2), 4),
    "fifo, renoise": ("fifo", 14, Ramp(6, 2, context=1, renoise_above=0), 1),
    "fifo, short": ("fifo", 2, Ramp(6, 3, context=1), 0),
    "pyramid": ("pyramid", 13, Ramp(5, 4, 2, context=4, context_level=0.02, lag=1), 1),
    "pyramid, steep": ("pyramid", 13, Ramp(5, 4, 1, context=2, lag=7, sink=True), 0),
    "pyramid, renoise": ("pyramid", 13, Ramp(5, 4, 1, context=2, lag=2, renoise_above=0), 3),
    "autoregressive": ("autoregressive", 12, Ramp(5, 4, 4, context=4), 0),
    "autoregressive, given": ("autoregressive", 12, Ramp(5, 4, 3, context=4, sink=True), 2),
    "replacement": ("replacement", 12, Ramp(5, 4, 2, context=3), 0),
    "replacement, given": ("replacement", 12, Ramp(5, 4, 2, context=3, context_level=0.1, sink=True), 5),
    "replacement-noised": ("replacement-noised", 12, Ramp(5, 4, 2, context=3), 0),
    "replacement-noised, given": ("replacement-noised", 12, Ramp(5, 4, context=3, renoise_above=0), 4),
    "full": ("full-sequence", 9, Ramp(8, 4), 0),
    "full, given": ("full-sequence", 9, Ramp(8, 4, context=2, context_level=0.1, shift=2), 3),
    "full, renoise": ("full-sequence", 9, Ramp(8, 4, renoise_above=0), 0),
}
every_plan = pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)


class DoubleNoise(Noise):
    """Noise in float64: the loop keeps to the format of its noise."""

    def __call__(self, latent: int, use: int = 0) -> Tensor:
        return super().__call__(latent, use).double()


def video(latents: int, seed: int = 100) -> dict[int, Tensor]:
    """Return clean latents, each (1, C, H, W) float64."""
    return {k: DoubleNoise([seed], SHAPE)(k) * 2 + 1 for k in range(latents)}


def exact(clean: dict[int, Tensor]) -> Callable[[Tensor, Step], Tensor]:
    """Return the model whose velocity leads straight to a clean video."""

    def velocity(latents: Tensor, step: Step) -> Tensor:
        target = torch.stack([clean[k] for k in step.latents], dim=1)
        level = torch.tensor(step.level, dtype=torch.float64)[:, None, None, None]
        return (latents - target) / torch.where(level > 0, level, 1)

    return velocity


def rough(latents: Tensor, step: Step) -> Tensor:
    """A model that is nobody's truth: mixes neighbours, levels and positions."""
    level = torch.tensor(step.level, dtype=latents.dtype)[:, None, None, None]
    place = torch.tensor(step.positions, dtype=latents.dtype)[:, None, None, None]
    return torch.sin(latents + place) * level + 0.3 * latents.roll(1, dims=1)


def run(
    plan: Plan, window: Window, seeds: tuple[int, ...] = (5,), first_row: int = 0
) -> Iterator[tuple[int, Tensor]]:
    name, latents, ramp, there = plan
    steps = schedule.make(name, latents, ramp, given=there, first_row=first_row)
    return denoise(rough, steps, Noise(seeds, SHAPE), window=window)


def start(plan: Plan, seeds: tuple[int, ...] = (5,)) -> Window:
    return Window.given({k: Noise([s + 50 for s in seeds], SHAPE)(k) for k in range(plan[3])})


@every_plan
def test_the_exact_velocity_returns_the_clean_video_in_order(plan: Plan) -> None:
    name, latents, ramp, there = plan
    clean = video(latents + ramp.window)  # a rolling window looks beyond the end
    window = Window.given({k: clean[k] for k in range(there)})
    steps = schedule.make(name, latents, ramp, given=there)
    made = list(denoise(exact(clean), steps, DoubleNoise([1], SHAPE), window=window))
    assert [k for k, _ in made] == list(range(there, latents))
    for k, latent in made:
        assert latent.dtype is torch.float64
        torch.testing.assert_close(latent, clean[k], atol=1e-10, rtol=0)


@given(plans())
def test_so_it_does_for_any_ramp(plan: Plan) -> None:
    test_the_exact_velocity_returns_the_clean_video_in_order(plan)


@every_plan
def test_given_and_finished_latents_stay_bit_for_bit_as_they_are(plan: Plan) -> None:
    window = start(plan)
    fixed = {k: v.clone() for k, v in window.latents.items()}
    for k, latent in run(plan, window):
        fixed[k] = latent.clone()
        for held in fixed.keys() & window.latents.keys():
            assert torch.equal(window.latents[held], fixed[held])


def test_a_clean_latent_shown_at_a_level_is_noised_anew_at_every_row_and_to_that_level() -> None:
    clean = torch.full((1, *SHAPE), 3.0)
    seen: list[Tensor] = []

    def velocity(latents: Tensor, step: Step) -> Tensor:
        seen.append(latents[:, 0].clone())
        return torch.ones_like(latents)

    steps = [Step((0,), (0,), (level,), (level,), keep=0) for level in (0.5, 0.5, 0.0)]
    window = Window.given({0: clean})
    assert not list(denoise(velocity, steps, Noise([1], SHAPE), window=window))
    for row, shown in enumerate(seen[:2]):
        torch.testing.assert_close(shown, 0.5 * clean + 0.5 * Noise([1], SHAPE)(0, row + 1))
    assert torch.equal(seen[2], clean) and torch.equal(window.latents[0], clean)


def test_a_given_latent_that_is_moved_starts_from_its_clean_value_at_that_level() -> None:
    clean = video(1)
    seen: list[Tensor] = []

    def velocity(latents: Tensor, step: Step) -> Tensor:
        seen.append(latents[:, 0])
        return exact(clean)(latents, step)

    steps = [Step((0,), (0,), (a,), (b,), keep=0) for a, b in ((0.6, 0.3), (0.3, 0.0))]
    noise = DoubleNoise([1], SHAPE)
    made = list(denoise(velocity, steps, noise, window=Window.given(clean)))
    torch.testing.assert_close(seen[0], 0.4 * clean[0] + 0.6 * noise(0), atol=1e-12, rtol=0)
    torch.testing.assert_close(seen[1], 0.7 * clean[0] + 0.3 * noise(0), atol=1e-12, rtol=0)
    torch.testing.assert_close(made[0][1], clean[0], atol=1e-12, rtol=0)


def test_a_renoised_move_takes_fresh_noise_and_an_euler_move_keeps_it() -> None:
    clean = video(1)
    noise = DoubleNoise([1], SHAPE)
    for above, use in ((1, 0), (0.5, 0), (0.4, 1), (0, 1)):
        window = Window()
        step = Step((0,), (0,), (1,), (0.5,), keep=0, renoise_above=above)
        assert not list(denoise(exact(clean), [step], noise, window=window))
        wanted = 0.5 * clean[0] + 0.5 * noise(0, use)
        torch.testing.assert_close(window.latents[0], wanted, atol=1e-12, rtol=0)


def test_a_latent_goes_up_only_by_noising_its_clean_value() -> None:
    clean, noise = video(1), DoubleNoise([1], SHAPE)
    window = Window()
    down, up = ((1.0,), (0.25,)), ((0.25,), (0.75,))
    steps = [Step((0,), (0,), *down, keep=0), Step((0,), (0,), *up, keep=0, renoise_above=0)]
    assert not list(denoise(exact(clean), steps, noise, window=window))
    torch.testing.assert_close(window.latents[0], 0.25 * clean[0] + 0.75 * noise(0, 2), atol=1e-12, rtol=0)
    assert window.level[0] == 0.75
    with pytest.raises(AssertionError, match="latent 0 goes from level"):
        list(denoise(exact(clean), [steps[0], Step((0,), (0,), *up, keep=0)], noise))


@pytest.mark.parametrize("levels", ((0.5,), (1.0, 0.4)))
def test_a_schedule_that_shows_a_level_a_latent_does_not_have_is_a_bug(levels: tuple[float, ...]) -> None:
    steps = [Step((0,), (0,), (level,), (level / 2,), keep=0) for level in levels]
    with pytest.raises(AssertionError, match="latent 0 "):
        list(denoise(rough, steps, Noise([1], SHAPE)))


@pytest.mark.parametrize(
    "name",
    (
        "plain",
        "chunks",
        "sink",
        "rolling",
        "queue",
        "fifo",
        "pyramid",
        "autoregressive",
        "replacement-noised",
    ),
)
def test_what_is_held_does_not_depend_on_the_length(name: str) -> None:
    schedule_name, latents, ramp, _ = PLANS[name]

    def most(length: int) -> int:
        window = Window()
        return max(len(window.latents) for _ in run((schedule_name, length, ramp, 0), window))

    queue = ramp.steps if schedule_name == "fifo" else 0
    assert most(4 * latents) == most(8 * latents) <= ramp.span + ramp.chunk + queue


@every_plan
def test_videos_made_together_equal_each_made_alone(plan: Plan) -> None:
    seeds = (5, 9, 5)
    together = list(run(plan, start(plan, seeds), seeds))
    for i, seed in enumerate(seeds):
        alone = run(plan, start(plan, (seed,)), (seed,))
        for (k, one), (j, all_of_them) in zip(alone, together, strict=True):
            assert k == j and torch.equal(one[0], all_of_them[i])


@every_plan
def test_interrupted_anywhere_and_continued_equals_uninterrupted(plan: Plan) -> None:
    whole = list(run(plan, start(plan)))
    for count in range(len(whole)):
        window = start(plan)
        made = list(islice(run(plan, window), count))
        kept = copy.deepcopy(window)
        # What the same call finished is in the window already, though it was not fetched.
        last = made[-1][0] if made else plan[3] - 1
        made += [(k, v) for k, v in sorted(kept.latents.items()) if kept.level[k] == 0 and k > last]
        made += run(plan, kept, first_row=kept.row)
        assert [k for k, _ in made] == [k for k, _ in whole]
        assert all(torch.equal(a, b) for (_, a), (_, b) in zip(made, whole, strict=True))
