"""Muon: in bf16 it is torch's; in single precision its updates are as nearly orthogonal."""

import pytest
import torch
from torch import nn

from pavdm_cli.training.muon import MATCHED, Muon, orthogonal

SHAPES = ((6, 10), (10, 6), (8, 8))


def _moved(make: type[torch.optim.Optimizer], **options: object) -> list[torch.Tensor]:
    torch.manual_seed(0)
    matrices = [nn.Parameter(torch.randn(shape)) for shape in SHAPES]
    optimizer = make(matrices, **options)  # type: ignore[arg-type]
    for _ in range(3):
        for matrix in matrices:
            matrix.grad = torch.randn_like(matrix)
        optimizer.step()
    return [matrix.detach() for matrix in matrices]


def test_in_bf16_it_is_torchs() -> None:
    ours = _moved(Muon, dtype=torch.bfloat16, lr=0.1)
    theirs = _moved(torch.optim.Muon, lr=0.1, weight_decay=0.01, adjust_lr_fn="match_rms_adamw")
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("shape", SHAPES)
def test_singular_values_end_near_one(shape: tuple[int, int]) -> None:
    values = torch.linalg.svdvals(orthogonal(torch.randn(shape, generator=torch.Generator().manual_seed(1))))
    assert values.min() > 0.5 and values.max() < 1.3


def test_a_matrix_without_a_gradient_stays_and_others_move_as_far_as_adamw_moves_them() -> None:
    still, moving = nn.Parameter(torch.ones(4, 6)), nn.Parameter(torch.zeros(32, 48))
    moving.grad = torch.randn(32, 48, generator=torch.Generator().manual_seed(2))
    Muon([still, moving], torch.float32, lr=0.1).step()
    assert (still == 1).all()
    assert 0.1 * MATCHED * 0.7 < moving.detach().square().mean().sqrt() < 0.1 * MATCHED * 1.2
