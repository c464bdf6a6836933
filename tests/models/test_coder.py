"""The frame coder: strips that stay beside each other, latents of one scale, frames one by one."""

from pathlib import Path

import pytest
import torch

from pavdm_cli.errors import ConfigError
from pavdm_cli.models import coder as coders
from pavdm_cli.models import quantised
from pavdm_cli.models.coder import Coder, CoderConfig
from pavdm_cli.models.config import write

CONFIG = CoderConfig(size=32, channels=6, widths=(8, 8, 16))


@pytest.fixture(scope="module")
def coder() -> Coder:
    torch.manual_seed(0)
    return Coder(CONFIG).eval().requires_grad_(False)


def frames(count: int) -> torch.Tensor:
    drawn = torch.randint(256, (count, 32, 32, 3), generator=torch.Generator().manual_seed(1))
    return drawn.to(torch.uint8)


def test_latents_have_one_scale(coder: Coder) -> None:
    latents = coder.latents(frames(3))
    assert latents.shape == (3, 6, 1, 2)
    torch.testing.assert_close(latents.square().mean(1), torch.ones(3, 1, 2), atol=1e-3, rtol=0)


def test_frames_alone_and_together_are_the_same(coder: Coder) -> None:
    together = coder.latents(frames(3))
    torch.testing.assert_close(coder.latents(frames(3)[1:2]), together[1:2], atol=1e-5, rtol=0)
    made = coder.frames(together)
    assert made.shape == (3, 32, 32, 3) and made.dtype is torch.uint8
    assert (coder.frames(together[1:2]).int() - made[1:2].int()).abs().max() <= 1


def test_a_coder_is_loaded_as_it_was_stored(coder: Coder, tmp_path: Path) -> None:
    write(CONFIG, tmp_path / "coder.config.json")
    quantised.save(tmp_path / "coder.safetensors", coder.state_dict())
    loaded = coders.load(tmp_path)
    torch.testing.assert_close(loaded.latents(frames(2)), coder.latents(frames(2)), atol=0.1, rtol=0)


def test_wrong_sizes_are_refused() -> None:
    with pytest.raises(ConfigError, match="multiple of 16"):
        CoderConfig(size=40)
