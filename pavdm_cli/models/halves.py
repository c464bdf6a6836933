"""Two halves of a batch on a CPU, at once where there are cores for it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from pavdm_cli.models.device import allowed, compute_on

Part = Callable[[slice], Tensor]
"""Compute the rows of a batch that a slice names."""


def at_once() -> bool:
    """Whether there are cores for two halves, each on as many threads as torch has here."""
    return 2 * torch.get_num_threads() <= allowed()


class Halves:
    """Computes the two halves of a batch, each as it would be alone, at once where there are cores for both.

    Torch splits every product and every sum over all its threads and waits for the slowest; a small model's
    are over before that pays, and another program on one core holds up all. Two halves do not wait for each
    other. What comes out does not depend on whether they run at once.
    """

    def __init__(self) -> None:
        threads = (torch.get_num_threads(),)
        self._pool = (
            ThreadPoolExecutor(2, initializer=compute_on, initargs=threads, thread_name_prefix="half")
            if at_once()
            else None
        )

    def __call__(self, batch: int, part: Part) -> Tensor:
        """Return all rows of the batch."""
        if batch % 2:
            return part(slice(None))
        learns = torch.is_grad_enabled()

        def one(rows: slice) -> Tensor:
            with torch.set_grad_enabled(learns):  # a thread's own
                return part(rows)

        halves = (slice(0, batch // 2), slice(batch // 2, batch))
        return torch.cat(list(self._pool.map(one, halves) if self._pool else map(one, halves)))
