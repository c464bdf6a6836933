"""Work done ahead of its use, in a thread of its own, so that two things that wait for each other overlap."""

import threading
from collections.abc import Generator, Iterator
from contextlib import suppress
from queue import Full, Queue
from typing import TypeVar

import torch

from pavdm_cli.models.device import compute_on

T = TypeVar("T")
PATIENCE = 0.1
"""Seconds between two looks at whether anybody still wants what was made."""


def ahead(items: Iterator[T], most: int) -> Generator[T]:
    """Yield what `items` yields, while a thread makes up to `most` more; close it to stop the thread.

    The thread runs torch with as many threads as the caller does. What `items` raises is raised here.
    """
    made: Queue[tuple[bool, T | BaseException | None]] = Queue(most)
    unwanted = threading.Event()
    threads = torch.get_num_threads()

    def put(more: bool, what: T | BaseException | None) -> None:
        while not unwanted.is_set():
            with suppress(Full):
                made.put((more, what), timeout=PATIENCE)
                return

    def make() -> None:
        compute_on(threads)
        try:
            while not unwanted.is_set():
                put(True, next(items))
        except StopIteration:
            put(False, None)
        except BaseException as error:
            put(False, error)

    worker = threading.Thread(target=make, name="ahead", daemon=True)
    worker.start()
    try:
        while True:
            more, what = made.get()
            if not more:
                if isinstance(what, BaseException):
                    raise what
                return
            yield what  # type: ignore[misc]
    finally:
        unwanted.set()
        worker.join()
