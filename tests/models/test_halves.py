"""A batch in two halves at once is the batch."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from pavdm_cli.models.denoiser import Conditions
from pavdm_cli.models.device import place
from pavdm_cli.models.halves import Halves
from pavdm_cli.models.native import load


@pytest.fixture(autouse=True)
def threads() -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield 4
    torch.set_num_threads(before)


def test_halves_have_threads_of_their_own(threads: int) -> None:
    seen: list[tuple[int, int, bool]] = []
    meet = threading.Barrier(2, timeout=20)

    def part(rows: slice) -> torch.Tensor:
        meet.wait()  # both are under way at once
        seen.append((threading.get_ident(), torch.get_num_threads(), torch.is_grad_enabled()))
        return torch.arange(6)[rows]

    halves = Halves(threads)
    for learns in (True, False):
        seen.clear()
        with torch.set_grad_enabled(learns):
            assert halves(6, part).tolist() == list(range(6))
        assert len({one for one, _, _ in seen}) == 2 and threading.get_ident() not in {
            one for one, _, _ in seen
        }
        assert {(count, grad) for _, count, grad in seen} == {(2, learns)}
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize(("count", "batch"), ((4, 3), (3, 4), (1, 2)))
def test_what_cannot_be_halved_is_computed_here(count: int, batch: int) -> None:
    torch.set_num_threads(count)

    def part(rows: slice) -> torch.Tensor:
        assert threading.current_thread() is threading.main_thread()
        return torch.arange(batch)[rows]

    assert Halves(count)(batch, part).tolist() == list(range(batch))


def test_a_thread_s_error_comes_out(threads: int) -> None:
    def part(rows: slice) -> torch.Tensor:
        raise torch.OutOfMemoryError("no room")

    with pytest.raises(torch.OutOfMemoryError):
        Halves(threads)(2, part)


@pytest.mark.parametrize("dtype", ("fp32", "bf16"))
def test_the_model_in_halves_is_the_model(tiny_model: Path, dtype: str) -> None:
    """Each half is what the video is alone, to the bit, as long as its threads are as many."""
    model = load(tiny_model, place("cpu", dtype))  # type: ignore[arg-type]
    text = model.encode_text(["a red ball", "the sea at night"])
    words = Conditions(text.tokens[:, None], text.mask[:, None], text.pooled[:, None], torch.ones(2, 6, 1))
    shown = torch.randn(2, 6, *model.latent_shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        both = model.velocity(shown, [n / 6 for n in range(6)], range(6), words)
        torch.set_num_threads(2)
        for i, rows in enumerate((slice(0, 1), slice(1, 2))):
            alone = model.velocity(shown[rows], [n / 6 for n in range(6)], range(6), words.of(rows))
            assert torch.equal(both[i], alone[0])
