"""Features of clips: what the user's network is given, and what is said when it is another."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pavdm_cli.errors import CheckpointError
from pavdm_cli.models.clips import FRAMES, ClipFeatures


class Stand(nn.Module):
    """Stands for the I3D: takes what it takes, and returns means, extremes and the shape as features."""

    def forward(self, x: Tensor, rescale: bool, resize: bool, return_features: bool) -> Tensor:
        assert return_features and not rescale and not resize
        shape = torch.tensor([x.shape[1], x.shape[2], x.shape[3], x.shape[4]]).float()
        return torch.cat((x.mean((0, 2, 3, 4)), x.min()[None], x.max()[None], shape))[None]


class Other(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x


def saved(path: Path, network: nn.Module) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(network).save(str(path))
    return path


def test_it_is_given_clips_as_the_field_gives_them(tmp_path: Path) -> None:
    clip = np.zeros((FRAMES, 32, 48, 3), np.uint8)
    clip[..., 1] = 255
    features = ClipFeatures(saved(tmp_path / "stand.pt", Stand()))(clip)
    np.testing.assert_allclose(features, [-1, 1, -1, -1, 1, 3, 16, 224, 224], atol=1e-6)
    assert features.dtype == np.float64


def test_what_is_no_such_network_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such file"):
        ClipFeatures(tmp_path / "none.pt")
    (tmp_path / "text.pt").write_text("not a network")
    with pytest.raises(CheckpointError, match="not TorchScript"):
        ClipFeatures(tmp_path / "text.pt")
    other = ClipFeatures(saved(tmp_path / "other.pt", Other()))
    with pytest.raises(CheckpointError, match="does not take"):
        other(np.zeros((FRAMES, 8, 8, 3), np.uint8))
