"""Work ahead: the same items in order, no more than asked for ahead, errors carried over, the thread gone."""

import threading
import time
from collections.abc import Iterator

import pytest
import torch

from pavdm_cli.runs.ahead import ahead


def _named() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "ahead"]


def test_items_come_in_order_and_the_thread_ends() -> None:
    assert list(ahead(iter(range(100)), 3)) == list(range(100))
    assert not _named()


def test_it_works_ahead_but_not_further_than_asked() -> None:
    made = []

    def items() -> Iterator[int]:
        for i in range(100):
            made.append(i)
            yield i

    coming = ahead(items(), 3)
    next(coming)
    deadline = time.monotonic() + 60
    while len(made) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.3)
    assert made == [0, 1, 2, 3, 4]  # one taken, three waiting, one in hand
    coming.close()
    assert len(made) <= 6
    assert not _named()


def test_an_error_comes_after_what_was_made_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    coming = ahead(items(), 3)
    assert next(coming) == 1
    with pytest.raises(ValueError, match="broken"):
        next(coming)
    assert not _named()


def test_the_thread_computes_with_the_callers_number_of_threads() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        assert list(ahead((torch.get_num_threads() for _ in range(2)), 1)) == [3, 3]
    finally:
        torch.set_num_threads(before)
