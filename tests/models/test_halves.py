"""A batch in two halves at once is the batch."""

import threading
from pathlib import Path

import pytest
import torch
from steps import call

from pavdm_cli.models import halves
from pavdm_cli.models.denoiser import Conditions
from pavdm_cli.models.device import place
from pavdm_cli.models.halves import Halves
from pavdm_cli.models.native import load


@pytest.fixture(autouse=True)
def cores(own_threads: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four cores, two threads."""
    monkeypatch.setattr(halves, "allowed", lambda: 4)
    torch.set_num_threads(2)


def test_halves_are_computed_at_once() -> None:
    seen: list[tuple[int, bool]] = []
    meet = threading.Barrier(2, timeout=20)

    def part(rows: slice) -> torch.Tensor:
        meet.wait()  # both are under way
        seen.append((threading.get_ident(), torch.is_grad_enabled()))
        return torch.arange(6)[rows]

    made = Halves()
    for learns in (True, False):
        seen.clear()
        with torch.set_grad_enabled(learns):
            assert made(6, part).tolist() == list(range(6))
        threads = {one for one, _ in seen}
        assert len(threads) == 2 and threading.get_ident() not in threads
        assert {grad for _, grad in seen} == {learns}


def test_halves_keep_the_threads_they_were_made_with() -> None:
    """A thread takes torch's own number at its first question, whatever another has made of it by then."""
    made, meet = Halves(), threading.Barrier(2, timeout=20)
    torch.set_num_threads(1)
    seen = []

    def part(rows: slice) -> torch.Tensor:
        meet.wait()
        another = threading.Thread(target=torch.set_num_threads, args=(1,))
        another.start()
        another.join()
        seen.append(torch.get_num_threads())
        return torch.arange(2)[rows]

    made(2, part)
    assert seen == [2, 2] and torch.get_num_threads() == 1


@pytest.mark.parametrize(("threads", "batch", "parts"), ((3, 4, 2), (2, 3, 1), (4, 2, 2)))
def test_without_cores_or_halves_all_is_computed_here(threads: int, batch: int, parts: int) -> None:
    torch.set_num_threads(threads)
    calls = []

    def part(rows: slice) -> torch.Tensor:
        assert threading.current_thread() is threading.main_thread()
        calls.append(rows)
        return torch.arange(batch)[rows]

    assert Halves()(batch, part).tolist() == list(range(batch)) and len(calls) == parts


def test_a_thread_s_error_comes_out() -> None:
    def part(rows: slice) -> torch.Tensor:
        raise torch.OutOfMemoryError("no room")

    with pytest.raises(torch.OutOfMemoryError):
        Halves()(2, part)


@pytest.mark.parametrize("dtype", ("fp32", "bf16"))
@pytest.mark.parametrize("free", (4, 1), ids=("at once", "in turn"))
def test_the_model_in_halves_is_the_model(
    tiny_model: Path, dtype: str, free: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each half is what the video is alone, to the bit."""
    monkeypatch.setattr(halves, "allowed", lambda: free)
    model = load(tiny_model, place("cpu", dtype))  # type: ignore[arg-type]
    text = model.encode_text(["a red ball", "the sea at night"])
    words = Conditions(text.tokens[:, None], text.mask[:, None], text.pooled[:, None], torch.ones(2, 6, 1))
    shown = torch.randn(2, 6, *model.latent_shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        both = model.velocity(shown, call([n / 6 for n in range(6)]), words)
        for i, rows in enumerate((slice(0, 1), slice(1, 2))):
            alone = model.velocity(shown[rows], call([n / 6 for n in range(6)]), words.of(rows))
            assert torch.equal(both[i], alone[0])
