"""Two halves of a batch at once on a CPU, each on half of the threads."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import torch
from torch import Tensor

Part = Callable[[slice], Tensor]
"""Compute the rows of a batch that a slice names."""


def _settle(threads: int) -> None:
    torch.get_num_threads()  # at its first question a thread takes torch's own number; then it can be told
    torch.set_num_threads(threads)


class Halves:
    """Computes the halves of a batch side by side, where batch and threads can be halved.

    Torch splits every product and every sum over all threads and waits for the slowest; a small model's are
    over before that pays, and another program on one core holds up all. Two halves need not wait for each
    other. Each is computed as it would be alone, on half as many threads.
    """

    def __init__(self, threads: int) -> None:
        self._pool: ThreadPoolExecutor | None = None
        if threads % 2 == 0:
            half = (threads // 2,)
            self._pool = ThreadPoolExecutor(2, initializer=_settle, initargs=half)
            both = Barrier(2)
            list(self._pool.map(lambda _: both.wait(), range(2)))
            torch.set_num_threads(threads)  # new threads take the last that was set anywhere

    def __call__(self, batch: int, part: Part) -> Tensor:
        """Return all rows of the batch."""
        if self._pool is None or batch % 2:
            return part(slice(None))
        middle, learns = batch // 2, torch.is_grad_enabled()

        def one(rows: slice) -> Tensor:
            with torch.set_grad_enabled(learns):  # a thread's own
                return part(rows)

        return torch.cat(list(self._pool.map(one, (slice(0, middle), slice(middle, batch)))))
