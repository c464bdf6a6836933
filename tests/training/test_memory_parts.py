"""What the rows share: of one domain in a folder, and made the same way in either."""

from pathlib import Path

import pytest
import torch

from pavdm_cli.errors import ConfigError
from pavdm_cli.models.coder import CoderConfig
from pavdm_cli.training import memory_parts as parts
from pavdm_cli.training.coder import CoderTraining
from pavdm_cli.training.domain import DOMAINS, DOOM, MAZES
from pavdm_cli.training.fit import Budget
from pavdm_cli.training.mazes import films
from pavdm_cli.training.memory import Preset

CPU = torch.device("cpu")
PRESET = Preset(films=2, steps=4, batch=2, width=32, depth=1, heads=2, rate=1e-3)


def test_a_folder_holds_one_domain(tmp_path: Path) -> None:
    parts.claim(tmp_path / "doom", DOOM)
    parts.claim(tmp_path / "doom", DOOM)
    with pytest.raises(ConfigError, match=r"holds networks of the domain doom; give --domain doom, or"):
        parts.claim(tmp_path / "doom", MAZES)
    (tmp_path / "coder.config.json").write_text("{}")  # begun before folders said so
    with pytest.raises(ConfigError, match="of the domain mazes"):
        parts.held(tmp_path, DOOM)
    parts.claim(tmp_path, MAZES)
    parts.held(tmp_path / "new", DOOM)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("domain", DOMAINS.values(), ids=DOMAINS)
def test_coder_and_films_are_made_in_either_domain(
    domain: parts.Domain[parts.P], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "CODER", Budget(steps=2))
    monkeypatch.setattr(parts, "CoderConfig", lambda: CoderConfig(channels=4, widths=(8, 8, 8)))
    monkeypatch.setattr(parts, "CoderTraining", lambda: CoderTraining(batch=4, places=2))
    monkeypatch.setattr(films, "LONG", 12)
    coder = parts.coder(tmp_path, domain, CPU)
    made = parts.films(tmp_path, domain, coder, PRESET)
    assert made.latents.shape == (2, 12, 4, 1, 4) and made.poses.shape == (2, 12, 3)
    assert torch.equal(parts.films(tmp_path, domain, coder, PRESET).latents, made.latents)
