"""SkyReels-V2 against diffusers itself, on a tiny random checkpoint in its own format."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import checkpoints
import pytest
import torch
from diffusers import (
    FlowMatchEulerDiscreteScheduler,
    SkyReelsV2DiffusionForcingPipeline,
    SkyReelsV2Transformer3DModel,
)
from steps import call
from torch import Tensor

from pavdm_cli.errors import CheckpointError
from pavdm_cli.models import library
from pavdm_cli.models.denoiser import Conditions
from pavdm_cli.models.device import place
from pavdm_cli.models.pipeline import Fit, load
from pavdm_cli.models.skyreels import Adapter, placed, timestep
from pavdm_cli.models.skyreels_denoiser import per_latent
from pavdm_cli.runs.guided import Guided
from pavdm_cli.runs.request import Request
from pavdm_cli.sampling import schedule
from pavdm_cli.sampling.loop import denoise
from pavdm_cli.sampling.noise import Noise
from pavdm_cli.sampling.schedule import Ramp

CPU = place("cpu", "fp32")
SIZE = (32, 48)
PROMPTS = ["a red ball bouncing", "the sea at night"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkpoints.skyreels(tmp_path_factory.mktemp("skyreels"))


@pytest.fixture(scope="module")
def model(folder: Path) -> Adapter:
    return loaded(folder)


@pytest.fixture(scope="module")
def theirs(folder: Path) -> Any:
    pipeline = SkyReelsV2DiffusionForcingPipeline.from_pretrained(folder, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def loaded(folder: Path, fit: Fit | None = None, fps: int = 24) -> Adapter:
    config = library.config(folder).shaped(SIZE, fps)
    model = load(str(folder), CPU, fit, config)
    assert isinstance(model, Adapter)
    return model


def words(model: Adapter, weight: Tensor, prompts: list[str] = PROMPTS) -> Conditions:
    """Bind all prompts to each video."""
    text = model.encode_text(prompts)
    every = (part.expand(len(weight), *part.shape) for part in (text.tokens, text.mask, text.pooled))
    return Conditions(*every, weight)


def latents(model: Adapter, batch: int, count: int, seed: int = 5) -> Tensor:
    return torch.randn(batch, count, *model.latent_shape, generator=torch.Generator().manual_seed(seed))


def directly(theirs: Any, shown: Tensor, steps: list[int], prompt: str, fps: int = 24) -> Tensor:
    """Call diffusers' transformer, which cannot take two videos and a rate; latents (B, T, C, h, w)."""
    tokens, _ = theirs.encode_prompt([prompt], None, False, max_sequence_length=512)
    with torch.no_grad():
        out = [
            theirs.transformer(
                one[None].transpose(1, 2), torch.tensor([steps]), tokens, enable_diffusion_forcing=True,
                fps=[0 if fps == 16 else 1], return_dict=False,
            )[0].transpose(1, 2)
            for one in shown
        ]  # fmt: skip
    return torch.cat(out)


@pytest.mark.parametrize("fps", (24, 16))
def test_velocity_is_a_call_of_the_transformer(folder: Path, theirs: Any, fps: int) -> None:
    model = loaded(folder, fps=fps)
    shown = latents(model, 2, 3)
    weight = torch.ones(2, 3, 1)
    got = model.velocity(shown, call((0.02, 0.5, 1.0)), words(model, weight, PROMPTS[:1]))
    wanted = directly(theirs, shown, [20, 500, 1000], PROMPTS[0], fps)
    torch.testing.assert_close(got, wanted, atol=1e-6, rtol=1e-5)


def test_the_rate_of_frames_matters(folder: Path, model: Adapter) -> None:
    slow, shown, weight = loaded(folder, fps=16), latents(model, 1, 2), torch.tensor([[[1.0, 0.0]] * 2])
    both = [one.velocity(shown, call((0.5, 1.0)), words(one, weight)) for one in (model, slow)]
    assert (both[0] - both[1]).abs().max() > 1e-3


def test_each_latent_takes_its_share_of_each_text(model: Adapter, theirs: Any) -> None:
    shown = latents(model, 1, 3)
    weight = torch.tensor([[[1.0, 0.0], [0.25, 0.75], [0.0, 1.0]]])
    got = model.velocity(shown, call((0.1, 0.5, 1.0)), words(model, weight))
    one, two = (directly(theirs, shown, [100, 500, 1000], prompt) for prompt in PROMPTS)
    assert (one - two).abs().max() > 1e-3
    share = weight[0, :, :, None, None, None]
    torch.testing.assert_close(got, share[:, 0] * one + share[:, 1] * two, atol=1e-6, rtol=1e-5)


def test_a_text_that_no_latent_takes_is_not_read(model: Adapter, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Tensor] = []
    plain = model.call
    monkeypatch.setattr(model, "call", lambda *given: calls.append(given[3]) or plain(*given))
    weight = torch.zeros(2, 2, 2)
    weight[0, :, 0] = weight[1, :, 1] = 1
    model.velocity(latents(model, 2, 2), call((0.5, 0.5)), words(model, weight))
    tokens = model.encode_text(PROMPTS).tokens
    assert len(calls) == 2
    assert all(torch.equal(got[0], wanted) for got, wanted in zip(calls, tokens, strict=True))


def test_positions_count_from_the_first_of_them(model: Adapter) -> None:
    shown, weight = latents(model, 1, 3), torch.tensor([[[1.0, 0.0]] * 3])
    calls = [
        model.velocity(shown, call((0.0, 0.5, 1.0), positions), words(model, weight))
        for positions in ((0, 1, 2), (5000, 5001, 5002), (-1, 0, 2))
    ]
    assert torch.equal(calls[0], calls[1])
    assert (calls[0] - calls[2]).abs().max() > 1e-4


def test_a_latent_that_stands_apart_keeps_its_own_place(model: Adapter) -> None:
    rope = model.denoiser.rope
    whole = rope(torch.empty(1, 16, 4, 4, 6))
    with placed(rope, (2, 3, 5)):
        got = rope(torch.empty(1, 16, 3, 4, 6))
    for turn, all_turns in zip(got, whole, strict=True):
        assert torch.equal(turn.unflatten(1, (3, -1)), all_turns.unflatten(1, (4, -1))[:, [0, 1, 3]])
    assert rope(torch.empty(1, 16, 3, 4, 6))[0].shape == got[0].shape and not rope._forward_hooks


@pytest.mark.parametrize(("level", "step"), ((0.0, 0), (0.02, 20), (0.3, 300), (0.9999, 999), (1.0, 1000)))
def test_levels_become_whole_thousandths(level: float, step: int) -> None:
    assert timestep(level) == step


class Levels(FlowMatchEulerDiscreteScheduler):
    """diffusers' own Euler steps, at the levels of a ramp: its pipeline gives steps as whole numbers, which
    its scheduler refuses, so the time is read from the scheduler's own table."""

    def set_timesteps(self, steps: int, device: object = None) -> None:
        super().set_timesteps(sigmas=[n / steps for n in range(steps, 0, -1)], device=device)

    def step(self, out: Tensor, _: object, sample: Tensor, **given: Any) -> Any:
        return super().step(out, self.timesteps[self.step_index or 0], sample, **given)


class Started(SkyReelsV2DiffusionForcingPipeline):  # type: ignore[misc]
    """diffusers' pipeline, which cannot unpack the latents it is given."""

    def prepare_latents(self, *given: Any, **named: Any) -> Any:
        noise = super().prepare_latents(*given, **named)
        return (noise, noise.shape[2], None, 0)


@pytest.mark.parametrize("guidance", (1.0, 6.0))
def test_full_sequence_sampling_is_that_of_diffusers(model: Adapter, theirs: Any, guidance: float) -> None:
    steps, count, shift = 7, 4, 8.0
    ramp = Ramp(steps=steps, horizon=1, shift=shift)
    request = Request((PROMPTS[0],), (1,), 13, "full-sequence", ramp, guidance)
    noise = Noise(request.seeds, model.latent_shape)
    moves = schedule.make(request.schedule, model.config.timing.latents(13), request.ramp)
    got = torch.stack([latent for _, latent in denoise(Guided(model, request), moves, noise)], dim=1)
    pipeline = Started(**{**theirs.components, "scheduler": Levels(shift=shift)})
    pipeline.set_progress_bar_config(disable=True)
    begin = torch.stack([noise(k) for k in range(count)], dim=2)
    wanted = pipeline(
        PROMPTS[0], negative_prompt="", height=SIZE[0], width=SIZE[1], num_frames=13, guidance_scale=guidance,
        num_inference_steps=steps, latents=begin.clone(), output_type="latent", return_dict=False,
    )[0]  # fmt: skip
    assert (got - begin.transpose(1, 2)).abs().max() > 0.1
    torch.testing.assert_close(got, wanted.transpose(1, 2), atol=2e-5, rtol=1e-4)


@pytest.fixture(params=(False, True), ids=("whole", "tiled"))
def tiled(request: pytest.FixtureRequest, model: Adapter) -> Iterator[bool]:
    """Make tiles of 24 x 24 pixels at distances of 16 x 16, so that a frame of SIZE has six."""
    for vae in (model.vae,):
        vae.tile_sample_min_height = vae.tile_sample_min_width = 24
        vae.tile_sample_stride_height = vae.tile_sample_stride_width = 16
        vae.use_tiling = request.param
    model._video._tiled = request.param
    yield request.param
    model._video._tiled = model.vae.use_tiling = False


def test_streamed_pictures_are_those_of_the_whole_clip(model: Adapter, tiled: bool) -> None:
    clip = latents(model, 2, 6)
    caches: dict[int, list[Any]] = {}
    with torch.no_grad():
        got = torch.cat([model._video._decode(latent, caches) for latent in clip.unbind(1)], dim=2)
        wanted = model.vae.decode(denormalised(model, clip), return_dict=False)[0]
    assert len(caches) == (6 if tiled else 1)
    assert torch.equal(got, wanted)


def test_streamed_frames_are_the_pictures_in_bytes(model: Adapter) -> None:
    clip = latents(model, 1, 3)
    with torch.no_grad():
        whole = model.vae.decode(denormalised(model, clip), return_dict=False)[0]
    chunks = list(model.decode_stream(clip.unbind(1)))
    assert [chunk.shape[1] for chunk in chunks] == [1, 4, 4]
    error = torch.cat(chunks, dim=1).permute(0, 4, 1, 2, 3) - (whole + 1) * 127.5
    assert error.abs().max() <= 0.501


def test_streamed_latents_are_those_of_the_whole_clip(model: Adapter, tiled: bool) -> None:
    frames = torch.randint(0, 256, (13, *SIZE, 3), generator=torch.Generator().manual_seed(3)).to(torch.uint8)
    pictures = (frames / 127.5 - 1).permute(3, 0, 1, 2)[None]
    with torch.no_grad():
        raw = model.vae.encode(pictures).latent_dist.mode()
    torch.testing.assert_close(denormalised(model, model.encode(frames)[None]), raw, atol=1e-5, rtol=1e-5)


def denormalised(model: Adapter, clip: Tensor) -> Tensor:
    """Return latents (B, T, C, h, w) as diffusers' VAE knows them, (B, C, T, h, w)."""
    mean, deviation = (
        torch.tensor(found)[:, None, None, None]
        for found in (model.vae.config.latents_mean, model.vae.config.latents_std)
    )
    return clip.transpose(1, 2) * deviation + mean


def test_reach_latents_before_rebuild_the_decoder(folder: Path) -> None:
    """Larger weights, in double precision, keep what is far back from fading below what can be seen."""
    video = loaded(folder)._video
    video.vae.double()
    for values in video.vae.parameters():
        values.mul_(1.5)
    count = video.reach + 2
    clip = torch.randn(count, 1, 16, 2, 2, generator=torch.Generator().manual_seed(7)).double()

    def last(begin: int) -> Tensor:
        caches: dict[int, list[Any]] = {}
        return [video._decode(latent, caches) for latent in clip[begin:]][-1]

    assert video.reach == 30
    assert torch.equal(last(0), last(1))
    assert not torch.equal(last(0), last(2))


def test_text_is_that_of_the_pipeline(model: Adapter, theirs: Any) -> None:
    text = model.encode_text([*PROMPTS, ""])
    wanted, _ = theirs.encode_prompt([*PROMPTS, ""], None, False, max_sequence_length=512)
    torch.testing.assert_close(text.tokens, wanted, atol=1e-6, rtol=1e-6)
    assert text.truncated == () and text.mask.all()
    assert model.encode_text(["a " * 600]).truncated == (0,)


def test_the_text_encoder_is_freed_when_the_denoiser_is_called(folder: Path) -> None:
    model = loaded(folder)
    bound = words(model, torch.tensor([[[1.0, 0.0]]]))
    assert model._text is not None
    model.velocity(latents(model, 1, 1), call((1.0,)), bound)
    assert model._text is None
    model.encode_text(PROMPTS)
    assert model._text is None
    model.encode_text(["another one"])
    assert model._text is not None


def test_a_transformer_made_for_causal_attention_is_refused(folder: Path, theirs: Any) -> None:
    causal = SkyReelsV2Transformer3DModel.from_config({**theirs.transformer.config, "num_frame_per_block": 5})
    with pytest.raises(CheckpointError, match="attending in blocks of 5"):
        per_latent(causal)


@pytest.mark.parametrize("offload", ("text", "model"))
def test_offloading_changes_nothing(folder: Path, model: Adapter, offload: Any) -> None:
    shown, weight = latents(model, 1, 2), torch.tensor([[[1.0, 0.0]] * 2])
    both = [
        one.velocity(shown, call((0.5, 1.0)), words(one, weight))
        for one in (model, loaded(folder, Fit(offload=offload)))
    ]
    assert torch.equal(*both)
