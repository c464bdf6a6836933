"""What a checkpoint's folder says of itself, and one clear line for each way in which it can be wrong."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import checkpoints
import pytest
import torch
from safetensors.torch import load_file, save_file

from pavdm_cli.errors import CheckpointError, ConfigError, ScheduleError
from pavdm_cli.models import kinds, library, pipeline
from pavdm_cli.models.device import place
from pavdm_cli.models.footprint import footprint
from pavdm_cli.models.pipeline import Fit, load
from pavdm_cli.runs.request import Request, check_span
from pavdm_cli.sampling.schedule import Ramp

CPU = place("cpu", "fp32")
DENOISER = "transformer/diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkpoints.skyreels(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "sky"))


def used(folder: Path) -> None:
    """Load every part."""
    model = load(str(folder), CPU)
    model.encode_text(["a ball"])
    assert model.denoiser is not None


def test_a_checkpoint_says_what_it_is(folder: Path) -> None:
    model = library.config(library.find(str(folder)))
    assert isinstance(model, kinds.DiffusersConfig)
    assert (model.name, model.size, model.fps, model.span) == ("sky", (544, 960), 24, 25)
    assert (model.timing.each, model.timing.missing) == (4, 3)
    files = library.weight_files(folder, model)
    assert [path.parent.name for path in files] == ["transformer", "vae", "text_encoder"]


@pytest.mark.parametrize("kind", kinds.KINDS.values(), ids=lambda kind: kind.adapter)
def test_the_usual_schedule_of_a_kind_fits_it(kind: kinds.Kind) -> None:
    assert kind.sampling.span <= kind.span and kind.sampling.context >= kind.ahead
    assert not any(side % kind.multiple for side in kind.size)


def test_sizes_and_rates_that_it_cannot_make_are_refused_with_the_nearest(folder: Path) -> None:
    model = library.config(folder)
    assert model.shaped((32, 48), 16).size == (32, 48) and model.shaped((32, 48), 16).fps == 16
    with pytest.raises(ConfigError, match=r"--size 965x540: .* multiples of 16 .* the nearest is 960x544"):
        model.shaped((540, 965), None)
    with pytest.raises(ConfigError, match=r"--size 9999x1: .* from 16 to 2048; the nearest is 2048x16"):
        model.shaped((1, 9999), None)
    with pytest.raises(ConfigError, match=r"--fps 20: .* 16, 24 frames a second; the nearest is 24"):
        model.shaped(None, 20)


def test_a_native_model_makes_its_own_size_alone(tiny_model: Path) -> None:
    model = library.config(tiny_model)
    assert model.shaped((32, 32), 8) == model
    with pytest.raises(ConfigError, match=r"--size 64x32: tiny makes 32x32 alone"):
        model.shaped((32, 64), None)
    with pytest.raises(ConfigError, match=r"--fps 9: tiny makes 8 alone"):
        model.shaped(None, 9)
    with pytest.raises(ConfigError, match="leave --offload and --vae-tiling out"):
        load(str(tiny_model), CPU, Fit(offload="text"))


def test_latents_that_are_decoded_later_must_stay_in_view(folder: Path) -> None:
    ltx = library.config(checkpoints_of(folder, "LTXPipeline"))
    request = Request(("a",), (1,), 90, "progressive", Ramp(steps=4, window=4, context=1), 1.0)
    with pytest.raises(
        ScheduleError, match="keeps 1 latents of context and sky decodes each with the 2 after"
    ):
        check_span(request, ltx, 33)


def checkpoints_of(folder: Path, name: str) -> Path:
    """Give a checkpoint's index another class."""
    (folder / kinds.INDEX).write_text(json.dumps({"_class_name": name}))
    return folder


def _no_key(folder: Path) -> None:
    state = load_file(folder / DENOISER)
    del state["proj_out.bias"]
    save_file(state, folder / DENOISER)


def _one_key_more(folder: Path) -> None:
    path = folder / "vae" / "diffusion_pytorch_model.safetensors"
    save_file(load_file(path) | {"another": torch.zeros(2)}, path)


def _other_shape(folder: Path) -> None:
    state = load_file(folder / DENOISER)
    save_file(state | {"proj_out.bias": torch.zeros(3)}, folder / DENOISER)


def _truncated(folder: Path) -> None:
    path = folder / "text_encoder" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def _class_of_vae(folder: Path) -> None:
    path = folder / "vae" / "config.json"
    path.write_text(path.read_text().replace("AutoencoderKLWan", "AutoencoderKL"))


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "class": (lambda f: checkpoints_of(f, "FluxPipeline"), "of class FluxPipeline, and only .* can be run"),
    "index": (lambda f: (f / kinds.INDEX).write_text("{"), r"model_index\.json: cannot be read"),
    "a part's class": (_class_of_vae, "vae: holds AutoencoderKL, and AutoencoderKLWan is needed"),
    "no weights": (lambda f: (f / DENOISER).unlink(), "transformer: cannot be loaded"),
    "a key missing": (_no_key, "do not fit SkyReelsV2Transformer3DModel .missing keys proj_out.bias"),
    "a key too many": (_one_key_more, "do not fit AutoencoderKLWan .unexpected keys another"),
    "a shape": (_other_shape, "transformer: (cannot be loaded|its weights do not fit).*proj_out.bias"),
    "truncated": (_truncated, "text_encoder: cannot be loaded"),
    "no configuration": (lambda f: (f / "transformer/config.json").unlink(), r"config\.json: cannot be read"),
    "no tokenizer": (lambda f: shutil.rmtree(f / "tokenizer"), "tokenizer: cannot be read"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_what_is_wrong_is_one_clear_line(folder: Path, name: str) -> None:
    damage, said = DAMAGES[name]
    damage(folder)
    with pytest.raises(CheckpointError, match=said) as caught:
        used(folder)
    assert len(str(caught.value)) < 500 and "\n" not in str(caught.value)


def test_a_shard_that_its_index_names_is_missed_before_it_is_loaded(folder: Path) -> None:
    index = {"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}
    (folder / "transformer" / "x.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(CheckpointError, match=r"one\.safetensors: missing; .*not whole.*pavdm models pull"):
        library.weight_files(folder, library.config(folder))


def test_one_file_of_weights_takes_the_denoiser_s_place(folder: Path) -> None:
    other = checkpoints.skyreels(folder.parent / "other", seed=9)
    path = folder / "tuned.safetensors"
    shutil.copy(other / DENOISER, path)
    model = load(str(path), CPU)
    assert model.config.name == "sky"
    assert library.weight_files(path, model.config)[0] == path
    for name, values in load_file(path).items():
        assert torch.equal(model.denoiser.state_dict()[name], values)
    save_file({"nothing": torch.zeros(1)}, path)
    with pytest.raises(CheckpointError, match=r"tuned\.safetensors: does not fit the denoiser"):
        used(path)


def test_one_file_outside_a_checkpoint_is_refused(folder: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(folder / DENOISER, tmp_path / "alone.safetensors"))
    with pytest.raises(CheckpointError, match="put it into the folder of a diffusers checkpoint"):
        library.config(library.find(str(path)))


def test_without_the_extra_it_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "find_spec", lambda name: None if name == "diffusers" else name)
    with pytest.raises(
        CheckpointError, match=r"diffusers is not installed; pip install 'pavdm-cli\[diffusers\]'"
    ):
        load(str(folder), CPU)


def test_libraries_too_old_are_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def old(name: str) -> object:
        raise ImportError(f"cannot import name 'SkyReelsV2Transformer3DModel' for {name}")

    monkeypatch.setattr(pipeline, "import_module", old)
    with pytest.raises(
        CheckpointError, match=r"cannot run it .* pip install --upgrade 'pavdm-cli\[diffusers\]'"
    ):
        load(str(folder), CPU)


def test_an_attention_chunk_is_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"--attention-chunk 5: .* leave it out"):
        load(str(folder), CPU, Fit(attention_chunk=5))


def test_memory_is_that_of_weights_and_calls(folder: Path) -> None:
    model = library.config(folder).shaped((32, 48), None)
    assert isinstance(model, kinds.DiffusersConfig)
    loaded = load(str(folder), CPU, config=model)
    held = sum(p.numel() * 4 for m in (loaded.denoiser, loaded.vae) for p in m.parameters())  # type: ignore[attr-defined]
    weights, working = footprint(model, folder, 4, 5, "none", False)
    assert weights == pytest.approx(held, rel=0.01)
    assert footprint(model, folder, 4, 50_000, "none", False)[1] > working
    assert footprint(model, folder, 4, 5, "model", False)[0] < weights
    large = model.shaped((544, 960), None)
    whole, tiles = (footprint(large, folder, 4, 5, "none", tiled)[1] for tiled in (False, True))
    assert whole == pytest.approx(9.46 * 2**30, rel=0.01) and tiles < whole / 4
