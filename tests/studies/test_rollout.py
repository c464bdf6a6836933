"""Roll-outs: the loop, the memory and what is told fit together; films side by side do not touch."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pavdm_cli.models.denoiser import Denoiser, DenoiserConfig
from pavdm_cli.models.memory import Cross, MemoryConfig, Past, Prepend
from pavdm_cli.models.told import WIDTH, told
from pavdm_cli.sampling.schedule import Ramp
from pavdm_cli.studies.rollout import WHOLE, roll
from pavdm_cli.training.mazes import place, walk
from pavdm_cli.training.mazes.films import Films

GIVEN = 40


def films(count: int = 2, frames: int = 80) -> Films:
    ways = [walk.draw(place.draw(1, n), frames, np.random.default_rng(n)) for n in range(count)]
    latents = torch.randn(count, frames, 3, 1, 2, generator=torch.Generator().manual_seed(0)).half()
    poses, actions = (torch.from_numpy(np.stack([getattr(w, n) for w in ways])) for n in ("poses", "actions"))
    return Films(latents, poses, actions)


class Watched(nn.Module):
    """A denoiser that keeps what it was shown, and predicts that all is clean already."""

    def __init__(self, memory: MemoryConfig) -> None:
        super().__init__()
        self.config = DenoiserConfig(3, (1, 2), 1, 32, 1, 2, 32, 0, 1, 16, WIDTH, memory)
        self.nothing = nn.Parameter(torch.zeros(1))
        self.pasts: list[Past] = []
        self.told: list[Tensor] = []

    def forward(
        self, latents: Tensor, level: Tensor, where: Tensor, words: None, actions: Tensor, past: Past
    ) -> Tensor:
        self.pasts.append(past)
        self.told.append(actions)
        return torch.zeros_like(latents)


def rolled(
    network: nn.Module, own: Films, count: int, seeds: Sequence[int] = (1, 2), **more: object
) -> Tensor:
    made = list(roll(network, own, GIVEN, count, seeds, **more))  # type: ignore[arg-type]
    assert [k for k, _ in made] == list(range(GIVEN, GIVEN + count))
    return torch.stack([latent for _, latent in made], dim=1)


def test_it_remembers_the_film_first_and_then_what_it_made() -> None:
    network, own = Watched(MemoryConfig(20, Prepend())), films()
    made = rolled(network, own, 32)
    first, last = network.pasts[0], network.pasts[-1]
    torch.testing.assert_close(first.latents, own.latents[:, 20:40].float())
    torch.testing.assert_close(last.latents, torch.cat((own.latents[:, 36:40].float(), made[:, :16]), 1))
    assert first.positions[0].tolist() == last.positions[0].tolist() == list(range(-20, 0))
    torch.testing.assert_close(
        network.told[-1], told(own.poses[:, 56:72], own.actions[:, 56:72], own.poses[:, 56])
    )
    assert last.actions is not None
    torch.testing.assert_close(
        last.actions, told(own.poses[:, 36:56], own.actions[:, 36:56], own.poses[:, 56])
    )


def test_a_rolling_window_remembers_what_left_it() -> None:
    network, own = Watched(MemoryConfig(8, Cross())), films()
    ramp = Ramp(steps=4, window=4, chunk=1, context=0)
    made = rolled(network, own, 12, schedule=("progressive", ramp))
    assert len(network.pasts) == 15
    torch.testing.assert_close(network.pasts[-1].latents, made[:, 3:11])


@pytest.mark.parametrize("schedule", (WHOLE, ("progressive", Ramp(steps=4, window=4, chunk=1, context=0))))
def test_films_together_equal_films_alone(schedule: tuple[str, Ramp]) -> None:
    torch.manual_seed(0)
    network = Denoiser(Watched(MemoryConfig(8, Prepend())).config)
    for values in network.parameters():
        if not values.any():
            nn.init.normal_(values, std=0.05)
    own = films()
    together = rolled(network.eval(), own, 16, schedule=schedule)
    for n in range(2):
        alone = Films(own.latents[n : n + 1], own.poses[n : n + 1], own.actions[n : n + 1])
        torch.testing.assert_close(
            rolled(network, alone, 16, (n + 1,), schedule=schedule), together[n : n + 1], atol=0.05, rtol=0
        )
