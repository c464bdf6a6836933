"""The plan: memory, what goes side by side, and time."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor

from pavdm_cli.errors import CheckpointError, ScheduleError
from pavdm_cli.models import library
from pavdm_cli.models.device import Place
from pavdm_cli.models.pipeline import load
from pavdm_cli.models.walk import Walk
from pavdm_cli.runs import plan
from pavdm_cli.runs.guided import Guided
from pavdm_cli.runs.order import Order, Video
from pavdm_cli.sampling.schedule import Step

CPU = Place(torch.device("cpu"), torch.float32)
CUDA = Place(torch.device("cuda"), torch.float16)


def order(
    folder: Path, videos: int = 1, frames: int = 96, prompt: str = "a red ball", guidance: float = 2.0
) -> Order:
    model = library.config(folder)
    return Order(
        asked_model=str(folder),
        folder=folder,
        model=model,
        videos=tuple(Video(prompt, i, folder / f"{i}.mp4") for i in range(videos)),
        frames=frames,
        schedule="progressive",
        ramp=model.sampling,
        guidance=guidance,
        negative="",
        scale=1,
        quality=18,
        device="cpu",
        dtype="fp32",
        attention_chunk=None,
        deterministic=False,
    )


def test_numbers_of_a_plan(tiny_model: Path) -> None:
    made = plan.make(order(tiny_model, videos=2), CPU)
    assert (made.latents, made.calls, made.attention_chunk) == (24, 29, None)
    assert [len(group) for group in made.groups] == [1, 1]
    pipeline = load(str(tiny_model), CPU)
    held = sum(
        p.numel() * 4 for m in (pipeline.denoiser, pipeline.vae, pipeline.text) for p in m.parameters()
    )
    assert made.memory.weights == pytest.approx(held, rel=0.01)
    assert made.needed == plan.LIBRARIES + made.memory.weights + made.memory.video


def test_working_memory_grows_with_the_call(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "LIVE_MAPS", 0)  # the decoder of a model so small is its larger part
    one = order(tiny_model)
    wide = plan.make(one, CPU).memory.video
    assert wide > plan.make(replace(one, guidance=1.0, frames=4), CPU).memory.video
    assert wide == plan.make(replace(one, frames=96000), CPU).memory.video


def test_videos_share_calls_on_cuda_as_memory_allows(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = order(tiny_model, videos=20)
    memory = plan.make(one, CPU).memory

    def groups(free: float, deterministic: bool = False) -> list[int]:
        monkeypatch.setattr(plan, "free_memory", lambda _: int(free))
        made = plan.make(replace(one, deterministic=deterministic), CUDA)
        return [len(group) for group in made.groups]

    assert groups(1 << 40) == [16, 4]
    assert groups(1 << 40, deterministic=True) == [1] * 20
    assert groups(memory.needed(0) / 0.6) == groups(0) == [1] * 20


def test_a_chunk_is_chosen_when_scores_do_not_fit(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "free_memory", lambda _: 10_000)
    chosen = plan.make(order(tiny_model), CPU).attention_chunk
    assert chosen is not None and 1 <= chosen < 32
    assert plan.make(replace(order(tiny_model), attention_chunk=5), CPU).attention_chunk == 5


def test_what_does_not_fit_is_known_before_it_is_loaded(tiny_model: Path) -> None:
    wide = replace(order(tiny_model), ramp=replace(order(tiny_model).ramp, context=3))
    with pytest.raises(ScheduleError, match="shows 9 latents in a call and tiny takes 8"):
        plan.make(wide, CPU)
    (tiny_model / "vae.safetensors").write_bytes(b"no weights")
    with pytest.raises(CheckpointError, match=r"vae\.safetensors: truncated"):
        plan.make(order(tiny_model), CPU)


def test_numbers_of_a_walk(tiny_walk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = order(tiny_walk, videos=20, frames=21, prompt="left*20", guidance=1.0)
    made, pipeline = plan.make(one, CPU), load(str(tiny_walk), CPU)
    assert (made.latents, made.calls, made.abreast) == (21, 18, 1)
    assert isinstance(pipeline, Walk)
    held = sum(p.numel() * 4 for m in (pipeline.denoiser, pipeline.coder) for p in m.parameters())
    assert made.memory.weights == held
    monkeypatch.setattr(plan, "free_memory", lambda _: 1 << 40)
    assert [len(group) for group in plan.make(one, CUDA).groups] == [16, 4]


WRITTEN = 96 / plan.TRIAL


@pytest.mark.parametrize(
    ("halved", "spare", "expected"),
    (
        (True, 4, 29 + (24 + WRITTEN) / 4),
        (False, 4, max(29, 24 + WRITTEN)),
        (False, 0, 29 + 24 + WRITTEN),
    ),
)
def test_time_is_that_of_calls_latents_and_frames(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, halved: bool, spare: int, expected: float
) -> None:
    monkeypatch.setattr(plan, "at_once", lambda: halved)
    monkeypatch.setattr(plan, "allowed", lambda: 4 if halved else torch.get_num_threads() + spare)
    clock = [0.0]
    monkeypatch.setattr(plan, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    one, pipeline = order(tiny_model, videos=2, frames=96), load(str(tiny_model), CPU)
    call, decode, send = Guided.__call__, pipeline.decode_stream, plan.Encoder.send

    def called(self: Guided, latents: Tensor, step: Step) -> Tensor:
        clock[0] += 1
        return call(self, latents, step)

    def decoded(latents: Iterable[Tensor]) -> Iterator[Tensor]:
        for frames in decode(latents):
            clock[0] += 1
            yield frames

    def sent(self: plan.Encoder, frame: np.ndarray) -> None:
        clock[0] += 1 / plan.TRIAL
        send(self, frame)

    monkeypatch.setattr(Guided, "__call__", called)
    monkeypatch.setattr(pipeline, "decode_stream", decoded)
    monkeypatch.setattr(plan.Encoder, "send", sent)
    seconds, smaller = plan.estimate(one, plan.make(one, CPU), pipeline)  # a call and a latent take a second
    assert seconds == pytest.approx(2 * expected) and smaller is None
