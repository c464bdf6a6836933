"""Error terms: zero where nothing is wrong, known where the wrong is known, and a page of them."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pavdm_cli.models.denoiser import DenoiserConfig
from pavdm_cli.models.memory import MemoryConfig, Past, Prepend
from pavdm_cli.models.told import WIDTH
from pavdm_cli.studies import error_page, error_terms
from pavdm_cli.studies.error_terms import SCHEDULES
from pavdm_cli.training.mazes import place, walk
from pavdm_cli.training.mazes.films import Films
from pavdm_cli.training.memory import LONGEST, WINDOW

COUNT = 2 * WINDOW
SHAPE = (3, 1, 2)


@pytest.fixture(scope="module")
def films() -> Films:
    frames = LONGEST + COUNT
    ways = [walk.draw(place.draw(1, n), frames, np.random.default_rng(n)) for n in range(2)]
    latents = torch.randn(2, frames, *SHAPE, generator=torch.Generator().manual_seed(0)).half()
    poses, actions = (torch.from_numpy(np.stack([getattr(w, n) for w in ways])) for n in ("poses", "actions"))
    return Films(latents, poses, actions)


class Wrong(nn.Module):
    """Knows the films, so its clean latents are wrong by exactly `off`; in velocity, by off / level."""

    def __init__(self, films: Films, off: float, length: int = 16) -> None:
        super().__init__()
        self.config = DenoiserConfig(
            3, (1, 2), 1, 32, 1, 2, 32, 0, 1, 16, WIDTH, MemoryConfig(length, Prepend())
        )
        self.nothing, self.films, self.off = nn.Parameter(torch.zeros(1)), films, off

    def forward(
        self, latents: Tensor, level: Tensor, where: Tensor, words: None, actions: Tensor, past: Past
    ) -> Tensor:
        first = self._first(past)
        clean = self.films.latents[:, first : first + latents.shape[1]].float()
        return (latents - clean - self.off) / level[:, :, None, None, None]

    def _first(self, past: Past) -> int:
        """Find the newest latent remembered in the films; the window begins after it."""
        apart = (self.films.latents[0].float() - past.latents[0, -1]).abs().amax((1, 2, 3))
        return int(apart.argmin()) + 1


def test_a_network_that_knows_has_no_error(films: Films) -> None:
    own = error_terms.score_error(Wrong(films, 0.0), films, SCHEDULES["whole windows, 6 calls"], COUNT)
    assert own.total.value == pytest.approx(0, abs=1e-9) and own.start.value == pytest.approx(0, abs=1e-9)
    for one in error_terms.discretisation(Wrong(films, 0.0), films, (3,)).values():
        assert one.value == pytest.approx(0, abs=1e-6)


def test_a_score_error_is_the_known_one(films: Films) -> None:
    """Velocity wrong by 0.1 / level, along the levels of six moves."""
    name, ramp = SCHEDULES["whole windows, 6 calls"]
    levels = [ramp.level(left) for left in range(6, -1, -1)]
    known = sum((0.1 / now) ** 2 * (now - to) for now, to in pairwise(levels))
    own = error_terms.score_error(Wrong(films, 0.1), films, (name, ramp), COUNT)
    assert own.total.value == pytest.approx(known, rel=1e-4) and abs(own.start.value) < 1e-5


def test_every_schedule_is_measured_at_its_own_rows(films: Films) -> None:
    found = {
        n: error_terms.score_error(Wrong(films, 0.1), films, s, COUNT).total.value
        for n, s in SCHEDULES.items()
    }
    assert len({round(value, 6) for value in found.values()}) >= 5


def test_the_memory_term_is_the_known_information(films: Films) -> None:
    """Errors of clean latents that differ alike at every level: half of that over the whole integral."""
    ends = [((1 - level) / level) ** 2 for level in (error_terms.LEVELS[0], error_terms.LEVELS[-1])]
    known = 0.5 * (0.3**2 - 0.1**2) * np.prod(SHAPE) * (ends[1] - ends[0])
    found = error_terms.memory_term(Wrong(films, 0.3), Wrong(films, 0.1, 112), films)
    assert found.value == pytest.approx(known, rel=1e-3)


def test_terms_make_a_page(films: Films, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(error_terms, "SCHEDULES", {name: SCHEDULES[name] for name in list(SCHEDULES)[:2]})
    terms = error_terms.measure(Wrong(films, 0.2), Wrong(films, 0.0, 112), films, COUNT)
    page = error_page.make(tmp_path, terms, 2, COUNT).read_text()
    assert "whole windows, 6 calls" in page and "3 calls" in page and "nats a frame" in page
    assert f"rank correlation {terms.agreement:+.2f} over 2 schedules; 1.000 of random orders" in page
    found = json.loads((tmp_path / "results.json").read_text())
    assert found["chance"] == 1 and abs(found["agreement"]) == pytest.approx(1)
