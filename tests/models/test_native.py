"""A model loaded from its folder: its limits, its parts put together, and strict refusals."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from steps import call

from pavdm_cli.errors import CheckpointError, ConfigError
from pavdm_cli.models import library, quantised
from pavdm_cli.models import pipeline as pipelines
from pavdm_cli.models.config import read, write
from pavdm_cli.models.denoiser import Conditions, Denoiser, DenoiserConfig
from pavdm_cli.models.device import place
from pavdm_cli.models.memory import MemoryConfig, Prepend
from pavdm_cli.models.native import Native, load

CPU = place("cpu", "fp32")
NOTHING_TOLD = {"readers": "[]", "words": "[]"}


@pytest.fixture
def pipeline(tiny_model: Path) -> Native:
    return load(tiny_model, CPU)


def conditions(pipeline: Native, batch: int, latents: int) -> Conditions:
    text = pipeline.encode_text(["a red ball"] * batch)
    shares = torch.ones(batch, latents, 1)
    return Conditions(text.tokens[:, None], text.mask[:, None], text.pooled[:, None], shares)


def test_a_loaded_model_knows_its_limits(pipeline: Native) -> None:
    assert pipeline.span == 8
    assert pipeline.latent_shape == (4, 2, 2)
    assert pipeline.config.name == "tiny"
    assert not any(network.training for network in (pipeline.text, pipeline.denoiser, pipeline.vae))


def test_networks_run_in_the_format_asked_for_and_answer_in_float32(tiny_model: Path) -> None:
    half = load(tiny_model, place("cpu", "bf16"))
    latents = torch.randn(2, 3, *half.latent_shape)
    with torch.no_grad():
        velocity = half.velocity(latents, call((0.0, 0.5, 1.0)), conditions(half, 2, 3))
    assert velocity.dtype is torch.float32 and velocity.shape == latents.shape
    assert {p.dtype for p in half.denoiser.parameters()} == {torch.bfloat16}
    assert {p.dtype for p in half.vae.parameters()} == {torch.bfloat16}


def test_the_chunk_of_attention_changes_nothing(tiny_model: Path, pipeline: Native) -> None:
    chunked = load(tiny_model, CPU, attention_chunk=5)
    latents = torch.randn(1, 6, *pipeline.latent_shape)
    step, words = call((0.0, 0.2, 0.4, 0.6, 0.8, 1.0)), conditions(pipeline, 1, 6)
    with torch.no_grad():
        one, other = (p.velocity(latents, step, words) for p in (pipeline, chunked))
    torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


def test_the_company_of_a_prompt_changes_nothing(pipeline: Native) -> None:
    alone = pipeline.encode_text(["a ball"])
    together = pipeline.encode_text(["the red sea at night on a background", "a ball"])
    assert alone.tokens.shape[1:] == together.tokens.shape[1:]
    torch.testing.assert_close(alone.tokens[0], together.tokens[1], atol=1e-5, rtol=0)


def test_frames_are_the_decoder_s_rounded_to_bytes(pipeline: Native) -> None:
    latents = torch.randn(2, 3, *pipeline.latent_shape)
    frames = torch.cat(list(pipeline.decode_stream(latents.unbind(1))), dim=1)
    assert frames.shape == (2, 12, 32, 32, 3) and frames.dtype is torch.uint8
    with torch.no_grad():
        whole, _ = pipeline.vae.decode(latents)
    wanted = (whole.permute(0, 1, 3, 4, 2) * 0.5 + 0.5).clamp(0, 1) * 255
    assert (frames - wanted).abs().max() <= 0.5 + 1e-3
    assert frames.float().std() > 1


def test_a_known_caption_is_nearest_to_itself_and_taken_as_it_is(pipeline: Native) -> None:
    best, second = pipeline.read(["stars at night", "a red ball"])
    assert best.nearest[0][0] == "stars at night" and second.nearest[0][0] == "a red ball"
    assert best.nearest[0][1] == pytest.approx(1, abs=1e-3) and best.nearest[0][1] > best.nearest[1][1]
    assert best.caption is None and len(best.nearest) == 3


@pytest.mark.parametrize("name", ("denoiser.safetensors", "vae.safetensors", "../text/model.safetensors"))
def test_truncated_weights_are_refused(tiny_model: Path, name: str) -> None:
    path = tiny_model / name
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=f"{path.name}: truncated"):
        load(tiny_model, CPU)


@pytest.mark.parametrize(
    "name", ("denoiser.safetensors", "vae.safetensors", "captions.safetensors", "../text/model.safetensors")
)
def test_missing_weights_are_named(tiny_model: Path, name: str) -> None:
    path = tiny_model / name
    path.unlink()
    with pytest.raises(CheckpointError, match=path.name):
        load(tiny_model, CPU)


def test_weights_of_another_shape_are_refused(tiny_model: Path) -> None:
    path = tiny_model / "denoiser.config.json"
    write(replace(read(DenoiserConfig, path), mlp=48), path)
    with pytest.raises(CheckpointError, match=r"denoiser\.safetensors: does not fit.*6 of another shape"):
        load(tiny_model, CPU)


@pytest.mark.parametrize("change", ({"channels": 3}, {"size": (4, 2)}))
def test_a_denoiser_of_other_latents_than_the_vae_s_is_refused(
    tiny_model: Path, change: dict[str, int]
) -> None:
    path = tiny_model / "denoiser.config.json"
    other = replace(read(DenoiserConfig, path), **change)  # type: ignore[arg-type]
    write(other, path)
    quantised.save(tiny_model / "denoiser.safetensors", Denoiser(other).state_dict())
    with pytest.raises(
        CheckpointError, match=r"the denoiser's latents .* do not fit the VAE's \(4 x \(2, 2\)\)"
    ):
        load(tiny_model, CPU)


def test_a_denoiser_that_wants_a_memory_is_refused(tiny_model: Path) -> None:
    path = tiny_model / "denoiser.config.json"
    config = replace(read(DenoiserConfig, path), memory=MemoryConfig(4, Prepend()), text_width=0)
    write(config, path)
    quantised.save(tiny_model / "denoiser.safetensors", Denoiser(config).state_dict())
    with pytest.raises(CheckpointError, match="has a memory"):
        load(tiny_model, CPU)


def test_another_picture_size_is_refused(tiny_model: Path) -> None:
    path = tiny_model / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"size": [64, 32]}))
    with pytest.raises(CheckpointError, match=r"do not fit the VAE's \(4 x \(4, 2\)\)"):
        load(tiny_model, CPU)


def test_a_text_encoder_of_another_width_is_refused(tiny_model: Path) -> None:
    path = tiny_model / "denoiser.config.json"
    other = replace(read(DenoiserConfig, path), text_width=16)
    write(other, path)
    quantised.save(tiny_model / "denoiser.safetensors", Denoiser(other).state_dict())
    with pytest.raises(CheckpointError, match=r"states are 32 wide, the denoiser reads 16 and .* holds 32"):
        load(tiny_model, CPU)


def test_captions_of_another_text_encoder_are_refused(tiny_model: Path, pipeline: Native) -> None:
    path = tiny_model / "captions.safetensors"
    save_file(
        {"vectors": torch.ones(1, 16).half()}, path, NOTHING_TOLD | {"scenes": '[["sea", [], "only one"]]'}
    )
    with pytest.raises(CheckpointError, match=r"states are 32 wide, the denoiser reads 32 and .* holds 16"):
        load(tiny_model, CPU)


@pytest.mark.parametrize(
    ("name", "key", "value", "said"),
    (
        ("config.json", "size", [32, 40], r"size is \(32, 40\); .* multiples of 16"),
        ("config.json", "size", [0, 32], r"multiples of 16"),
        ("config.json", "fps", 0, "fps is 0; must be at least 1"),
        ("vae.config.json", "encoder", [16, 24, 16], "widths multiples of 16"),
        ("vae.config.json", "decoder", [16, 0, 16], "widths multiples of 16"),
        ("vae.config.json", "channels", 0, "channels must be at least 1"),
        ("vae.config.json", "channels", 5, "5 channels must divide 16"),
        ("vae.config.json", "encoder", [16, 48, 16], "48 channels must divide 64"),
        ("vae.config.json", "decoder", [128, 128, 128], "128 channels must divide 192"),
        ("denoiser.config.json", "heads", 3, "heads must divide width"),
        ("denoiser.config.json", "heads", 32, "even parts"),
        ("denoiser.config.json", "patch", 3, "patch both sides of size"),
        ("denoiser.config.json", "cross_every", 0, "all must be at least 1"),
        ("denoiser.config.json", "size", [2, 0], "all must be at least 1"),
    ),
)
def test_sizes_that_no_network_has_are_refused(
    tiny_model: Path, name: str, key: str, value: object, said: str
) -> None:
    path = tiny_model / name
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(ConfigError, match=rf"{name}: .*{said}"):
        load(tiny_model, CPU)


def test_captions_without_their_vectors_are_refused(tiny_model: Path, pipeline: Native) -> None:
    path = tiny_model / "captions.safetensors"
    vectors = pipeline.scenes.vectors.half()
    save_file({"vectors": vectors}, path, NOTHING_TOLD | {"scenes": '[["sea", [], "only one"]]'})
    with pytest.raises(CheckpointError, match=r"captions\.safetensors: 1 captions for 4 vectors"):
        load(tiny_model, CPU)
    for scenes in (
        {},
        {"scenes": '[["sea", [], "one"]]', "readers": '[["sea", "boat", ["none"], "none"]]'},
        {"scenes": "["},
        {"scenes": "[" * 100000},
        {"scenes": '[["sea", "one"]]'},
        {"scenes": "[3]"},
        {"readers": '[[["sea"], "boat", ["none"], "none"]]'},
        {"words": "3"},
    ):
        save_file({"vectors": vectors}, path, NOTHING_TOLD | scenes)
        with pytest.raises(CheckpointError, match=r"captions\.safetensors: missing or damaged"):
            load(tiny_model, CPU)


@pytest.mark.parametrize(
    ("facts", "words", "rows", "usual"),
    (
        (("calm", "rough", "calm", "rough"), ["calm"], 2, "calm"),
        (("calm", "calm", "calm", "calm"), ["calm", "rough"], 3, "calm"),
        (("calm", "rough", "calm", "rough"), ["calm", "rough"], 2, "calm"),
        (("calm", "rough", "calm", "rough"), ["calm", "rough"], 3, "wild"),
    ),
)
def test_readers_of_scenes_that_are_not_there_are_refused(
    tiny_model: Path, pipeline: Native, facts: tuple[str, ...], words: list[str], rows: int, usual: str
) -> None:
    path = tiny_model / "captions.safetensors"
    stored = {"vectors": pipeline.scenes.vectors, "reader.0.weight": torch.ones(rows, 32)}
    about = {
        "scenes": json.dumps([["sea", [fact], f"a {fact} sea"] for fact in facts]),
        "readers": json.dumps([["sea", "weather", words, usual]]),
        "words": "[]",
    }
    save_file(quantised.pack(stored | {"reader.0.bias": torch.zeros(rows)}), path, about)
    with pytest.raises(CheckpointError, match="scenes and readers of sea do not fit"):
        load(tiny_model, CPU)


@pytest.mark.parametrize("name", ("config.json", "vae.config.json", "denoiser.config.json"))
def test_a_damaged_configuration_is_refused(tiny_model: Path, name: str) -> None:
    (tiny_model / name).write_text("{")
    with pytest.raises(ConfigError, match=f"{name}: not a JSON file"):
        load(tiny_model, CPU)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(CheckpointError, match="model 'nobody': neither a packaged model"):
        pipelines.load("nobody", CPU)
    assert "nobody" not in library.names()
