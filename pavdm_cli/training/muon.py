"""Muon (Jordan et al. 2024), which moves a matrix in the direction of its momentum made orthogonal.

torch's own works in bf16 whatever the processor: on one without instructions for it that takes most of a
training step. This one works in the format it is given, and in bf16 does what torch's does.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of Newton and Schulz's iteration, as the authors give them."""
ITERATIONS = 5
MATCHED = 0.2
"""Root mean square of an update, as AdamW's usually has it (Liu et al. 2025, arXiv 2502.16982)."""


class Muon(torch.optim.Optimizer):
    """For matrices alone. dtype: the format that they are made orthogonal in."""

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        dtype: torch.dtype,
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        self._dtype = dtype

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move every matrix that has a gradient."""
        assert closure is None
        for group in self.param_groups:
            for matrix in group["params"]:
                if matrix.grad is not None:
                    self._move(matrix, matrix.grad, group)

    def _move(self, matrix: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[matrix]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(matrix)
        buffer = state["momentum_buffer"].lerp_(gradient, 1 - group["momentum"])
        ahead = gradient.lerp(buffer, group["momentum"])
        matrix.mul_(1 - group["lr"] * group["weight_decay"])
        size = MATCHED * max(matrix.shape) ** 0.5
        matrix.add_(orthogonal(ahead.to(self._dtype)).to(matrix.dtype), alpha=-group["lr"] * size)


def orthogonal(matrix: Tensor) -> Tensor:
    """Return about the nearest matrix (M, N) with singular values of 1; they end between 0.5 and 1.3."""
    a, b, c = COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / x.norm().clamp_min(1e-7)
    for _ in range(ITERATIONS):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x
