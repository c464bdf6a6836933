"""The journal: every state can be gone on from exactly, whatever is damaged is found out."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pavdm_cli.errors import RunError
from pavdm_cli.media.encoder import Progress
from pavdm_cli.models.device import place
from pavdm_cli.models.pipeline import Pipeline, load
from pavdm_cli.runs.journal import Journal, State, packed, unpacked
from pavdm_cli.runs.request import Request
from pavdm_cli.runs.stream import Chunk, Position, stream
from pavdm_cli.runs.timeline import Cue
from pavdm_cli.sampling.loop import Window
from pavdm_cli.sampling.schedule import Ramp

SHAPE = (1, 4, 2, 2)
PLAIN = Ramp(steps=6, window=6, chunk=1, context=2)
PLANS = {
    "progressive": ("progressive", PLAIN),
    "chunks": ("progressive", Ramp(steps=6, window=4, chunk=2, context=2)),
    "noise again, noisy context, sink": (
        "progressive",
        Ramp(steps=4, window=4, chunk=1, context=2, sink=True, context_level=0.1, renoise_above=0.4),
    ),
    "full sequence": ("full-sequence", PLAIN),
    "fifo": ("fifo", Ramp(steps=6, window=3, chunk=1, context=2)),
    "queue": ("queue", Ramp(steps=6, window=3, chunk=1, context=2)),
    "rolling": ("rolling", Ramp(steps=6, window=3, chunk=1, context=2)),
    "pyramid": ("pyramid", Ramp(steps=4, window=4, chunk=1, context=2, lag=1, context_level=0.02)),
    "replacement, noised": ("replacement-noised", Ramp(steps=4, window=4, chunk=2, context=2)),
}


@pytest.fixture(scope="module")
def pipeline(tiny_weights: Path) -> Pipeline:
    return load(str(tiny_weights / "tiny"), place("cpu", "fp32"))


def ask(name: str, ramp: Ramp) -> Request:
    cues = (Cue(1.2, "the sea at night"),)
    return Request(("a red ball",), (1,), 31, name, ramp, 2.0, cues=cues, blend=0.7)


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_a_stream_goes_on_from_every_state_as_if_nothing_had_been(
    pipeline: Pipeline, tmp_path: Path, plan: tuple[str, Ramp]
) -> None:
    request, position, journal = ask(*plan), Position(), Journal(tmp_path / "0", SHAPE)
    whole, states = [], []
    for chunk in stream(pipeline, request, position=position):
        state = State(position.window, chunk.index + 1, ())
        journal.keep(state, chunk.latent, chunk.first // 8)
        whole.append(chunk)
        states.append(packed(state))
    for data in states:
        state = unpacked(data)
        assert state is not None
        for shown in {max(4 * state.done - 3, 0), 4 * max(state.done - 3, 0)}:
            rest = list(stream(pipeline, request, position=gone_on(journal, data, shown)))
            assert [chunk.index for chunk in rest] == [c.index for c in whole[shown // 4 :]]
            for one, other in zip(rest, whole[shown // 4 :], strict=True):
                assert same(one, other)


def gone_on(journal: Journal, data: bytes, shown: int) -> Position:
    state = unpacked(data)
    assert state is not None
    return Position(state.window, state.done, shown, lambda k: torch.from_numpy(journal.log.read(k)).float())


def same(one: Chunk, other: Chunk) -> bool:
    equal = np.array_equal(one.frames, other.frames) and torch.equal(one.latent, other.latent)
    return equal and one.first == other.first


def some(folder: Path, latents: int = 12) -> Journal:
    """Keep latents that are their own number, with a second of video for every three."""
    journal = Journal(folder, SHAPE)
    for k in range(latents):
        window = Window({k: torch.full((1, 4, 2, 2), float(k)), k + 1: torch.randn(1, 4, 2, 2)})
        window.level, window.row = {k: 0.0, k + 1: 0.1}, k + 6
        journal.keep(State(window, k + 1, (Progress(k, 1, k, k),)), torch.full(SHAPE, float(k)), k // 3)
    return journal


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    kept = some(tmp_path / "0")
    again = Journal(tmp_path / "0", SHAPE)
    assert again.state and kept.log.count == again.log.count == 12 and not again.finished
    assert (again.state.done, again.state.window.row) == (12, 17)
    assert again.state.videos == (Progress(11, 1, 11, 11),)
    assert again.state.window.level == {11: 0.0, 12: 0.1}
    assert torch.equal(again.state.window.latents[11], torch.full((1, 4, 2, 2), 11.0))
    assert [float(again.log.read(k).mean()) for k in range(12)] == list(range(12))
    again.finish()
    assert sorted(path.name for path in (tmp_path / "0").iterdir()) == ["finished", "latents"]


def test_the_state_stays_small(tmp_path: Path) -> None:
    some(tmp_path / "short", 3)
    some(tmp_path / "long", 60)
    short, long = ((tmp_path / name / "state").stat().st_size for name in ("short", "long"))
    assert abs(long - short) < 100
    assert len(list((tmp_path / "long").iterdir())) == 3


def test_a_record_cut_at_any_byte_is_found_out(tmp_path: Path) -> None:
    """The state before it is used: that of the last second; latents after it are made again."""
    some(tmp_path)
    state, log = ((tmp_path / name).read_bytes() for name in ("state", "latents"))
    assert not any(unpacked(state[:end]) for end in range(len(state)))
    for end in range(len(log) - 12 - 32, len(log)):
        (tmp_path / "latents").write_bytes(log[:end])
        found = Journal(tmp_path, SHAPE)
        assert found.state and found.state.done == 10 == found.log.count
    (tmp_path / "latents").write_bytes(log)
    (tmp_path / "state").write_bytes(state[:-1])
    cut = Journal(tmp_path, SHAPE)
    assert cut.state and cut.state.done == 10 == cut.log.count


@settings(max_examples=40)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_is_found_out(place: float, bit: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("flipped")
    some(folder, 4)
    data = (folder / "state").read_bytes()
    flipped = bytearray(data)
    flipped[int(place * len(data))] ^= 1 << bit
    assert unpacked(bytes(flipped)) is None
    log = bytearray((folder / "latents").read_bytes())
    at = int(place * len(log))
    log[at] ^= 1 << bit
    (folder / "latents").write_bytes(log)
    found = Journal(folder, SHAPE)
    whole = max(at - 24, 0) // 44
    assert found.log.count <= whole and (found.state is None or found.state.done <= whole)


def test_without_any_state_all_begins_anew(tmp_path: Path) -> None:
    some(tmp_path)
    (tmp_path / "state").write_bytes(b"")
    (tmp_path / "state.flushed").unlink()
    again = Journal(tmp_path, SHAPE)
    assert again.state is None and again.log.count == 0
    some(tmp_path)


def test_a_log_of_other_latents_is_none(tmp_path: Path) -> None:
    some(tmp_path)
    again = Journal(tmp_path, (2, 4, 2, 2))
    assert again.state is None and again.log.count == 0


def test_given_latents_count(tmp_path: Path) -> None:
    journal = Journal(tmp_path, SHAPE, given=5)
    journal.save(State(Window(row=0), 5, ()), flush=True)
    journal.keep(State(Window(row=6), 6, ()), torch.zeros(SHAPE), 0)
    again = Journal(tmp_path, SHAPE, given=5)
    assert again.state and again.state.done == 6 and again.log.count == 1


def test_a_folder_that_is_gone_is_said(tmp_path: Path) -> None:
    journal = some(tmp_path / "gone")
    for path in (tmp_path / "gone").iterdir():
        path.unlink()
    (tmp_path / "gone").rmdir()
    with pytest.raises(RunError, match="pavdm resume"):
        journal.keep(State(Window(), 13, ()), torch.zeros(SHAPE), 9)
    with pytest.raises(RunError, match="free some space"):
        journal.save(State(Window(), 13, ()), flush=False)
    (tmp_path / "file").touch()
    with pytest.raises(RunError):
        Journal(tmp_path / "file", SHAPE)
