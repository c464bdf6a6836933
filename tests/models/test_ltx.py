"""LTX-Video against diffusers itself, on a tiny random checkpoint in its own format."""

from pathlib import Path
from typing import Any

import checkpoints
import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, LTXPipeline
from steps import call
from torch import Tensor

from pavdm_cli.models import library
from pavdm_cli.models.denoiser import Conditions
from pavdm_cli.models.device import place
from pavdm_cli.models.ltx import Adapter
from pavdm_cli.models.pipeline import load
from pavdm_cli.runs.guided import Guided
from pavdm_cli.runs.request import Request
from pavdm_cli.sampling import schedule
from pavdm_cli.sampling.loop import denoise
from pavdm_cli.sampling.noise import Noise
from pavdm_cli.sampling.schedule import Ramp

SIZE = (64, 96)
PROMPT = "a red ball bouncing"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkpoints.ltx(tmp_path_factory.mktemp("ltx"))


@pytest.fixture(scope="module")
def model(folder: Path) -> Adapter:
    config = library.config(folder).shaped(SIZE, 25)
    model = load(str(folder), place("cpu", "fp32"), config=config)
    assert isinstance(model, Adapter)
    return model


@pytest.fixture(scope="module")
def theirs(folder: Path) -> Any:
    pipeline = LTXPipeline.from_pretrained(folder, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def latents(model: Adapter, batch: int, count: int) -> Tensor:
    return torch.randn(batch, count, *model.latent_shape, generator=torch.Generator().manual_seed(5))


def test_velocity_is_a_call_of_the_transformer_with_a_level_for_each_token(
    model: Adapter, theirs: Any
) -> None:
    shown = latents(model, 1, 3)
    text = model.encode_text([PROMPT])
    bound = Conditions(text.tokens[None], text.mask[None], text.pooled[None], torch.ones(1, 3, 1))
    got = model.velocity(shown, call((0.0, 0.5, 1.0), (7, 8, 9)), bound)
    tokens, mask, _, _ = theirs.encode_prompt([PROMPT], None, False)
    each = shown.shape[-2] * shown.shape[-1]
    with torch.no_grad():
        out = theirs.transformer(
            theirs._pack_latents(shown.transpose(1, 2)), tokens,
            torch.tensor([0.0, 500.0, 1000.0]).repeat_interleave(each)[None], mask, 3, *shown.shape[-2:],
            rope_interpolation_scale=(8 / 25, 32, 32), return_dict=False,
        )[0]  # fmt: skip
    wanted = theirs._unpack_latents(out, 3, *shown.shape[-2:]).transpose(1, 2)
    torch.testing.assert_close(got, wanted, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("guidance", (1.0, 3.0))
def test_full_sequence_sampling_is_that_of_diffusers(model: Adapter, theirs: Any, guidance: float) -> None:
    steps, shift = 6, 2.0
    request = Request(
        (PROMPT,), (1,), 17, "full-sequence", Ramp(steps=steps, horizon=1, shift=shift), guidance
    )
    noise = Noise(request.seeds, model.latent_shape)
    moves = schedule.make(request.schedule, model.config.timing.latents(17), request.ramp)
    got = torch.stack([latent for _, latent in denoise(Guided(model, request), moves, noise)], dim=1)
    scheduler = FlowMatchEulerDiscreteScheduler(shift=shift)
    pipeline = LTXPipeline(**{**theirs.components, "scheduler": scheduler})
    pipeline.set_progress_bar_config(disable=True)
    begin = torch.stack([noise(k) for k in range(3)], dim=2)
    packed = pipeline(
        PROMPT, negative_prompt="", height=SIZE[0], width=SIZE[1], num_frames=17, frame_rate=25,
        num_inference_steps=steps, guidance_scale=guidance, latents=theirs._pack_latents(begin),
        output_type="latent", return_dict=False,
    )[0]  # fmt: skip
    wanted = theirs._unpack_latents(packed, 3, *begin.shape[-2:]).transpose(1, 2)
    assert (got - begin.transpose(1, 2)).abs().max() > 0.1
    torch.testing.assert_close(got, wanted, atol=2e-5, rtol=1e-4)


def test_decoding_among_enough_neighbours_is_decoding_the_whole(
    model: Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = latents(model, 1, 5)
    with torch.no_grad():
        raw = clip.transpose(1, 2)  # this VAE's mean is 0 and its deviation 1
        whole = model.vae.decode(raw, return_dict=False)[0]
    monkeypatch.setattr(model, "behind", 5)
    monkeypatch.setattr(model, "ahead", 5)
    chunks = list(model.decode_stream(clip.unbind(1)))
    assert [chunk.shape[1] for chunk in chunks] == [1, 8, 8, 8, 8]
    error = torch.cat(chunks, dim=1).permute(0, 4, 1, 2, 3) - ((whole + 1) * 127.5).clamp(0, 255)
    assert error.abs().max() <= 0.51


def test_decoding_goes_on_from_the_latents_before(model: Adapter) -> None:
    clip = list(latents(model, 2, 9).unbind(1))
    whole = list(model.decode_stream(clip))
    later = list(model.decode_stream(clip[5:], before=clip[5 - model.reach : 5]))
    assert all(torch.equal(a, b) for a, b in zip(whole[5:], later, strict=True))


def test_latents_are_those_of_the_whole_clip(model: Adapter) -> None:
    frames = torch.randint(0, 256, (17, *SIZE, 3), generator=torch.Generator().manual_seed(3)).to(torch.uint8)
    pictures = (frames / 127.5 - 1).permute(3, 0, 1, 2)[None]
    with torch.no_grad():
        wanted = model.vae.encode(pictures).latent_dist.mode()[0].transpose(0, 1)
    assert torch.equal(model.encode(frames), wanted)


def test_text_is_that_of_the_pipeline(model: Adapter, theirs: Any) -> None:
    tokens, mask, _, _ = theirs.encode_prompt([PROMPT], None, False)
    text = model.encode_text([PROMPT])
    torch.testing.assert_close(text.tokens, tokens, atol=1e-5, rtol=1e-4)
    assert torch.equal(text.mask, mask) and text.mask.sum() == 5


def test_the_adapter_is_one_short_file() -> None:
    from pavdm_cli.models import ltx

    assert len(Path(str(ltx.__file__)).read_text().splitlines()) < 150
