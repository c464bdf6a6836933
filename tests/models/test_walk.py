"""A model that walks: its memory is context, actions lead it, and it is a pipeline like any other."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from pavdm_cli.errors import CheckpointError, ConfigError
from pavdm_cli.models import library, quantised, ways
from pavdm_cli.models.config import read, write
from pavdm_cli.models.denoiser import Conditions, Denoiser, DenoiserConfig
from pavdm_cli.models.device import place
from pavdm_cli.models.memory import MemoryConfig, Past, Prepend
from pavdm_cli.models.pipeline import Fit
from pavdm_cli.models.pipeline import load as any_model
from pavdm_cli.models.told import told
from pavdm_cli.models.walk import Walk, load
from pavdm_cli.runs.request import Request
from pavdm_cli.runs.stream import generate, stream
from pavdm_cli.sampling.schedule import Step

CPU = place("cpu", "fp32")
WAY = "forward*3 left*4 back*2 right*6 forward*5"
SHOWN = Step(tuple(range(6, 18)), tuple(range(12)), (0.0,) * 8 + (0.5,) * 4, (0.0,) * 8 + (0.25,) * 4, keep=6)


@pytest.fixture
def pipeline(tiny_walk: Path) -> Walk:
    return load(tiny_walk, CPU)


def bound(pipeline: Walk, prompts: Sequence[str], count: int) -> Conditions:
    text = pipeline.encode_text(prompts)
    shares = torch.ones(len(prompts), count, 1)
    return Conditions(text.tokens[:, None], text.mask[:, None], text.pooled[:, None], shares)


def latents(pipeline: Walk, batch: int, count: int) -> Tensor:
    return torch.randn(batch, count, *pipeline.latent_shape, generator=torch.Generator().manual_seed(1))


def request(prompts: Sequence[str], seeds: Sequence[int], frames: int, pipeline: Walk) -> Request:
    return Request(tuple(prompts), tuple(seeds), frames, "progressive", pipeline.config.sampling, 1.0)


@torch.no_grad()
def test_context_is_a_memory_prepended_as_it_is(pipeline: Walk) -> None:
    """The network that was trained to remember is given its past, the same weights without are shown it."""
    remembers = Denoiser(replace(pipeline.denoiser.config, memory=MemoryConfig(8, Prepend()), span=4)).eval()
    remembers.load_state_dict(pipeline.denoiser.state_dict())
    shown, way = latents(pipeline, 1, 12), ways.along((0, 0, 0), ways.read(WAY))
    poses, actions = (torch.from_numpy(part)[None, 6:18] for part in (way.poses, way.actions))
    done = told(poses, actions, poses[:, 8])
    past = Past(shown[:, :8], torch.arange(-8.0, 0)[None], torch.ones(1, 8, dtype=torch.bool), done[:, :8])
    level, where = torch.full((1, 4), 0.5), torch.arange(4.0)[None]
    wanted = remembers(shown[:, 8:], level, where, None, actions=done[:, 8:], past=past)
    got = pipeline.velocity(shown, SHOWN, bound(pipeline, [WAY], 12))
    torch.testing.assert_close(got[:, 8:], wanted, atol=1e-5, rtol=0)
    forgot = remembers(shown[:, 8:], level, where, None, actions=done[:, 8:])
    assert (forgot - wanted).abs().max() > 1e-2


@torch.no_grad()
def test_what_is_done_at_the_frames_shown_matters_and_nothing_else(pipeline: Walk) -> None:
    """Another way to the same frames is told alike; another action among them, or before some, is not."""
    shown = latents(pipeline, 1, 12)
    one, same, other = (
        pipeline.velocity(shown, SHOWN, bound(pipeline, [way], 12))
        for way in (WAY, WAY.replace("forward*3", "left*3"), WAY.replace("right*6", "left*6"))
    )
    assert (one - other).abs().max() > 1e-2
    torch.testing.assert_close(one, same, atol=1e-3, rtol=0)


@torch.no_grad()
def test_walks_side_by_side_are_as_alone(pipeline: Walk) -> None:
    prompts = (WAY, "left*30")
    shown = latents(pipeline, 2, 12)
    both = pipeline.velocity(shown, SHOWN, bound(pipeline, prompts, 12))
    for i, prompt in enumerate(prompts):
        alone = pipeline.velocity(shown[i : i + 1], SHOWN, bound(pipeline, [prompt], 12))
        torch.testing.assert_close(both[i : i + 1], alone, atol=1e-5, rtol=0)
    assert (both[0] - both[1]).abs().max() > 1e-2


def test_a_longer_walk_begins_as_a_shorter_one(pipeline: Walk) -> None:
    """As far as whole windows go: the last one is only as wide as the film is long."""
    short = generate(pipeline, request([WAY], [1], 10, pipeline))
    longer = generate(pipeline, request([WAY], [1], 21, pipeline))
    assert np.array_equal(short[:, :8], longer[:, :8]) and not np.array_equal(short[:, 8:], longer[:, 8:10])


def test_a_frame_is_a_latent_decoded_alone(pipeline: Walk) -> None:
    chunks = list(stream(pipeline, request([WAY, "left*30"], [1, 2], 9, pipeline)))
    assert [chunk.frames.shape for chunk in chunks] == [(2, 1, 32, 32, 3)] * 9
    made = torch.stack([chunk.latent for chunk in chunks], dim=1)
    alone = pipeline.coder.frames(made[1])
    assert np.abs(alone.numpy().astype(int) - np.concatenate([c.frames[1] for c in chunks])).max() <= 1
    assert (pipeline.span, pipeline.reach, pipeline.latent_shape) == (12, 0, (4, 1, 2))


def test_frames_become_latents_again(pipeline: Walk) -> None:
    frames = torch.randint(0, 256, (3, 32, 32, 3), dtype=torch.uint8)
    found = pipeline.encode(frames)
    assert found.shape == (3, *pipeline.latent_shape) and torch.equal(found, pipeline.coder.latents(frames))


def test_the_chunk_of_attention_changes_nothing(tiny_walk: Path, pipeline: Walk) -> None:
    chunked = load(tiny_walk, CPU, attention_chunk=5)
    shown, words = latents(pipeline, 1, 12), bound(pipeline, [WAY], 12)
    with torch.no_grad():
        one, other = (p.velocity(shown, SHOWN, words) for p in (pipeline, chunked))
    torch.testing.assert_close(one, other, atol=1e-5, rtol=0)
    assert chunked.halve_attention(12) == 3
    chunked.attend(1)
    assert chunked.halve_attention(12) is None


def test_no_film_is_longer_than_its_actions_lead(pipeline: Walk) -> None:
    assert pipeline.config.led(WAY) == 21 and pipeline.config.led("") == 1
    with pytest.raises(ConfigError, match="22 frames were asked for and the actions lead through 21"):
        next(stream(pipeline, request([WAY], [1], 22, pipeline)))


def test_it_is_loaded_like_any_other(tiny_walk: Path) -> None:
    assert isinstance(any_model(str(tiny_walk), CPU), Walk)
    with pytest.raises(ConfigError, match="leave --offload and --vae-tiling out"):
        any_model(str(tiny_walk), CPU, Fit(vae_tiling=True))
    with pytest.raises(ConfigError, match="this needs one that reads words"):
        library.native(tiny_walk)


@pytest.mark.parametrize(
    ("change", "said"),
    (
        ({"memory": MemoryConfig(8, Prepend())}, "does not walk: it needs 32 actions, .* memory null"),
        ({"actions": 31}, "does not walk"),
        ({"text_width": 8}, "does not walk"),
        (
            {"channels": 3},
            r"\(3 x \(1, 2\)\) or the size .* do not fit the coder's \(4 x \(1, 2\), 32 pixels\)",
        ),
        ({"size": (1, 4)}, "do not fit the coder's"),
    ),
)
def test_a_denoiser_that_does_not_fit_is_refused(
    tiny_walk: Path, change: dict[str, object], said: str
) -> None:
    path = tiny_walk / "denoiser.config.json"
    other = replace(read(DenoiserConfig, path), **change)  # type: ignore[arg-type]
    write(other, path)
    quantised.save(tiny_walk / "denoiser.safetensors", Denoiser(other).state_dict())
    with pytest.raises(CheckpointError, match=said):
        load(tiny_walk, CPU)


@pytest.mark.parametrize(
    ("change", "error", "said"),
    (
        ({"size": (64, 64)}, CheckpointError, "do not fit the coder's"),
        ({"fps": 0}, ConfigError, "fps is 0"),
        ({"guidance": 2.0}, ConfigError, "guidance is 2.0"),
    ),
)
def test_a_configuration_that_no_walk_has_is_refused(
    tiny_walk: Path, change: dict[str, object], error: type[Exception], said: str
) -> None:
    path = tiny_walk / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(error, match=said):
        load(tiny_walk, CPU)


def test_missing_weights_are_named(tiny_walk: Path) -> None:
    config = library.config(tiny_walk)
    assert len(library.weight_files(tiny_walk, config)) == 2
    (tiny_walk / "coder.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"coder\.safetensors"):
        library.weights_hash(tiny_walk, config)
