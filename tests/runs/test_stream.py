"""Prompt in, frames out: exactly the frames asked for, the same in any company and any chunking."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from places import scarce
from torch import Tensor

from pavdm_cli.errors import ConfigError, ScheduleError
from pavdm_cli.models.denoiser import Conditions
from pavdm_cli.models.device import place
from pavdm_cli.models.native import Native, load
from pavdm_cli.runs.request import Request
from pavdm_cli.runs.stream import Chunk, Clock, Position, generate, stream
from pavdm_cli.runs.timeline import Cue, weights
from pavdm_cli.sampling import schedule
from pavdm_cli.sampling.schedule import Ramp, Step

RAMP = Ramp(steps=6, window=6, chunk=1, context=2)


@pytest.fixture
def pipeline(tiny_model: Path) -> Native:
    return load(tiny_model, place("cpu", "fp32"))


def ask(
    *seeds: int,
    frames: int = 20,
    prompts: Sequence[str] | None = None,
    name: str = "progressive",
    ramp: Ramp = RAMP,
    guidance: float = 2.0,
    negative: str = "",
) -> Request:
    words = tuple(prompts or ["a red ball"] * len(seeds))
    return Request(words, seeds, frames, name, ramp, guidance, negative)


def joined(chunks: Sequence[Chunk]) -> np.ndarray:
    return np.concatenate([chunk.frames for chunk in chunks], axis=1)


def far(a: np.ndarray, b: np.ndarray) -> int:
    """Return the largest difference of two videos, in steps of 1 / 255."""
    return int(np.abs(a.astype(int) - b.astype(int)).max())


@pytest.mark.parametrize("frames", (1, 3, 4, 5, 22, 24))
@pytest.mark.parametrize("name", schedule.SCHEDULES)
def test_exactly_the_frames_asked_for(pipeline: Native, frames: int, name: str) -> None:
    chunks = list(stream(pipeline, ask(1, frames=frames, name=name)))
    video = joined(chunks)
    assert video.shape == (1, frames, 32, 32, 3) and video.dtype == np.uint8
    assert [c.first for c in chunks] == list(range(0, frames, 4))
    assert {c.frames.shape[1] for c in chunks[:-1]} <= {4}
    assert chunks[-1].calls == schedule.calls(name, len(chunks), RAMP)
    assert all(c.latent.shape == (1, 4, 2, 2) for c in chunks)


def test_the_first_chunk_comes_after_the_steps_of_one_latent(pipeline: Native) -> None:
    chunks = stream(pipeline, ask(1, frames=4000))
    assert [next(chunks).calls for _ in range(3)] == [RAMP.steps, RAMP.steps + 1, RAMP.steps + 2]


def test_a_video_is_made_again_by_its_seed_and_another_seed_makes_another(pipeline: Native) -> None:
    one, again, other = (joined(list(stream(pipeline, ask(seed)))) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert far(one, other) > 20


def test_a_video_does_not_depend_on_its_company(pipeline: Native) -> None:
    prompts = ("a red ball", "the sea at night", "a red ball")
    together = list(stream(pipeline, ask(1, 2, 3, prompts=prompts)))
    for i, seed in enumerate((1, 2, 3)):
        alone = list(stream(pipeline, ask(seed, prompts=[prompts[i]])))
        assert far(joined(alone)[0], joined(together)[i]) <= 1
        for a, b in zip(alone, together, strict=True):
            torch.testing.assert_close(a.latent[0], b.latent[i], atol=1e-4, rtol=0)


def test_chunks_joined_equal_their_latents_decoded_at_once(pipeline: Native) -> None:
    chunks = list(stream(pipeline, ask(1, 2, frames=22)))
    latents = torch.stack([chunk.latent for chunk in chunks], dim=1)
    with torch.no_grad():
        whole, _ = pipeline.vae.decode(latents)
    wanted = ((whole * 0.5 + 0.5).clamp(0, 1) * 255 + 0.5).to(torch.uint8).permute(0, 1, 3, 4, 2)
    assert far(joined(chunks), wanted[:, :22].numpy()) <= 1


@pytest.mark.parametrize("chunk", (1, 7))
def test_the_chunk_of_attention_changes_nothing(pipeline: Native, chunk: int) -> None:
    dense = joined(list(stream(pipeline, ask(1))))
    pipeline.denoiser.set_attention_chunk(chunk)
    assert far(dense, joined(list(stream(pipeline, ask(1))))) <= 1


def test_lack_of_memory_is_mended_once(pipeline: Native, monkeypatch: pytest.MonkeyPatch) -> None:
    """The widest call here has 8 latents of 4 tokens; the first that is too wide has 5."""
    dense = joined(list(stream(pipeline, ask(1, frames=40))))
    scarce(monkeypatch, 16)
    at = Position(mends=True)
    chunks = []
    for chunk in stream(pipeline, ask(1, frames=40), position=at):
        chunks.append(chunk)
        assert at.smaller == (10 if chunk.calls >= 5 else None)  # a latent a call; the fifth shows five
    less = joined(chunks)
    assert pipeline.denoiser.attention_chunk == 10
    assert far(dense, less) <= 1
    pipeline.denoiser.set_attention_chunk(None)
    with pytest.raises(torch.OutOfMemoryError):
        list(stream(pipeline, ask(1)))
    assert pipeline.denoiser.attention_chunk is None
    scarce(monkeypatch, 1)
    with pytest.raises(torch.OutOfMemoryError):
        list(stream(pipeline, ask(1), position=Position(mends=True)))
    assert pipeline.denoiser.attention_chunk == 2


def test_attention_is_halved_down_to_one_query(pipeline: Native) -> None:
    pipeline.denoiser.set_attention_chunk(100)
    assert [pipeline.halve_attention(2) for _ in range(5)] == [4, 2, 1, None, None]
    assert {block.attention.chunk for block in pipeline.denoiser.blocks} == {1}


def test_words_and_guidance_matter(pipeline: Native) -> None:
    one = joined(list(stream(pipeline, ask(1, guidance=2))))
    for other in (
        ask(1, guidance=1),
        ask(1, guidance=2, prompts=["the sea at night"]),
        ask(1, guidance=2, negative="stars"),
    ):
        assert far(one, joined(list(stream(pipeline, other)))) > 5


def test_guidance_away_from_the_prompt_itself_is_none(pipeline: Native) -> None:
    plain = list(stream(pipeline, ask(1, guidance=1)))
    pushed = list(stream(pipeline, ask(1, guidance=3, negative="a red ball")))
    for a, b in zip(plain, pushed, strict=True):
        torch.testing.assert_close(a.latent, b.latent, atol=1e-4, rtol=0)


def test_no_guidance_is_half_the_work(pipeline: Native, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[int] = []
    plain_velocity = Native.velocity

    def counted(self: Native, latents: Tensor, *given: object) -> Tensor:
        shown.append(latents.shape[0] * latents.shape[1])
        return plain_velocity(self, latents, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(Native, "velocity", counted)
    work = []
    for guidance in (1.0, 2.0):
        shown.clear()
        list(stream(pipeline, ask(1, 2, guidance=guidance)))
        work.append((len(shown), sum(shown)))
    (calls, plain), (guided_calls, guided) = work
    assert calls == guided_calls == schedule.calls("progressive", 5, RAMP)
    assert guided == 2 * plain


def test_a_schedule_wider_than_the_model_is_refused_with_both_numbers(pipeline: Native) -> None:
    wide = Ramp(steps=12, window=12, context=3)
    with pytest.raises(ScheduleError, match="'progressive' shows 15 latents in a call and tiny takes 8"):
        next(stream(pipeline, ask(1, frames=400, ramp=wide)))
    with pytest.raises(ScheduleError, match="'full-sequence' shows 9 latents in a call and tiny takes 8"):
        next(stream(pipeline, ask(1, frames=33, name="full-sequence")))
    assert next(stream(pipeline, ask(1, frames=32, name="full-sequence"))).first == 0
    assert next(stream(pipeline, ask(1, frames=32, ramp=wide))).first == 0


def test_time_is_told_by_what_it_went_to(pipeline: Native) -> None:
    clock = Clock()
    *_, last = stream(pipeline, ask(1), clock)
    assert {"text", "denoise", "decode"} <= last.seconds.keys() <= clock.seconds.keys()
    assert all(seconds >= 0 for seconds in last.seconds.values())


@pytest.mark.parametrize(
    ("prompts", "seeds", "frames", "said"),
    (
        ((), (), 8, "0 prompts for 0 seeds"),
        (("a", "b"), (1,), 8, "2 prompts for 1 seeds"),
        (("a", "  "), (1, 2), 8, "the prompt is empty"),
        (("a",), (1,), 0, "0 frames: a video has at least one"),
    ),
)
def test_a_request_that_makes_no_sense_is_refused(
    prompts: tuple[str, ...], seeds: tuple[int, ...], frames: int, said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        Request(prompts, seeds, frames, "progressive", RAMP, 2.0)


def test_collected_is_streamed(pipeline: Native) -> None:
    assert np.array_equal(generate(pipeline, ask(1, 2)), joined(list(stream(pipeline, ask(1, 2)))))


def test_a_cue_from_the_start_on_is_the_prompt(pipeline: Native) -> None:
    sea = generate(pipeline, ask(1, prompts=["the sea at night"]))
    cued = generate(pipeline, replace(ask(1), cues=(Cue(0.0, "the sea at night"),)))
    assert np.array_equal(sea, cued)
    later = generate(pipeline, replace(ask(1), cues=(Cue(60.0, "the sea at night"),), blend=2.0))
    assert np.array_equal(later, generate(pipeline, ask(1)))


@pytest.mark.parametrize("guidance", (1.0, 2.0))
def test_every_latent_takes_its_share_of_each_text(
    pipeline: Native, guidance: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At 8 frames a second latent k stands at (4 k + 2) / 8 s; texts nobody takes are left out."""
    cues = (Cue(1.0, "the sea at night"), Cue(2.0, "stars"))
    request = replace(ask(1, 2, frames=40, guidance=guidance), cues=cues, blend=1.0)
    seen: dict[tuple[float, ...], Tensor] = {}
    plain = Native.velocity

    def watched(self: Native, latents: Tensor, step: Step, words: Conditions) -> Tensor:
        assert words.weight.shape[:2] == latents.shape[:2]
        torch.testing.assert_close(words.weight.sum(-1), torch.ones(latents.shape[:2]))
        seen[tuple(words.weight[0, :, -1].tolist())] = words.weight
        return plain(self, latents, step, words)

    monkeypatch.setattr(Native, "velocity", watched)
    list(stream(pipeline, request))
    kinds = {weight.shape[2] for weight in seen.values()}
    assert kinds == {1, 2, 3}
    whole = torch.tensor([weights(cues, 1.0, (4 * k + 2) / 8) for k in range(10)])
    (full,) = [weight for weight in seen.values() if weight.shape[1] == 6 and weight.shape[2] == 3][:1]
    rows = [tuple(row.tolist()) for row in whole]
    assert all(tuple(row.tolist()) in rows for row in full[0])
    if guidance != 1:
        assert torch.equal(full[2:], torch.tensor([1.0, 0.0, 0.0]).expand(2, 6, 3))
