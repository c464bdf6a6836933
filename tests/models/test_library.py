"""Models by name and by path; what is missing is said with what is there."""

import re
import shutil
from pathlib import Path

import pytest

from pavdm_cli.errors import CheckpointError, ConfigError
from pavdm_cli.models import library


@pytest.fixture
def shelf(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the folder of the tiny model the one of packaged weights, with a second model in it."""
    shutil.copytree(tiny_model, tiny_model.with_name("other"))
    monkeypatch.setattr(library, "packaged", lambda: tiny_model.parent)
    return tiny_model.parent


def test_names_are_those_of_models_and_not_of_text_encoders(shelf: Path) -> None:
    assert (shelf / "text" / "config.json").is_file()
    assert library.names() == ["other", "tiny"]


def test_a_model_is_found_by_name_and_by_path(shelf: Path, tmp_path: Path) -> None:
    assert library.find("tiny") == shelf / "tiny"
    elsewhere = shutil.copytree(shelf / "tiny", tmp_path / "elsewhere")
    assert library.find(str(elsewhere)) == elsewhere
    assert library.config(elsewhere).name == "tiny"


@pytest.mark.parametrize("name", ("huge", "", "text/none"))
def test_an_unknown_model_is_refused_with_the_names_there_are(
    shelf: Path, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError, match=rf"model '{name}'.*\(other, tiny\).*pavdm models list"):
        library.find(name)


def test_a_wrong_configuration_is_refused(tiny_model: Path) -> None:
    path = tiny_model / "config.json"
    path.write_text(path.read_text().replace('"fps"', '"pace"'))
    with pytest.raises(ConfigError, match=r"config\.json: unknown key pace"):
        library.config(tiny_model)


def test_the_text_encoder_lies_beside_the_model_or_inside(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = library.config(tiny_model)
    assert library.text_folder(tiny_model, config) == tiny_model.parent / "text"
    monkeypatch.chdir(tiny_model)
    assert library.text_folder(Path("."), config) == tiny_model.parent / "text"
    path = tiny_model / "config.json"
    path.write_text(path.read_text().replace('"text": "text"', '"text": "."'))
    assert library.text_folder(tiny_model, library.config(tiny_model)) == tiny_model


@pytest.mark.parametrize("missing", (0, 1, 2, 3))
def test_a_missing_file_of_weights_is_named(tiny_model: Path, missing: int) -> None:
    config = library.config(tiny_model)
    files = library.weight_files(tiny_model, config)
    names = ["denoiser.safetensors", "vae.safetensors", "model.safetensors", "captions.safetensors"]
    assert [f.name for f in files] == names
    files[missing].unlink()
    with pytest.raises(CheckpointError, match=f"{files[missing]}: no such file"):
        library.weight_files(tiny_model, config)


def test_a_fingerprint_follows_the_weights(tiny_model: Path) -> None:
    model = library.config(tiny_model)
    weights, vae = library.weights_hash(tiny_model, model), library.vae_hash(tiny_model, model)
    assert re.fullmatch("[0-9a-f]{16}", weights) and weights != vae
    (tiny_model / "denoiser.safetensors").write_bytes(b"others")
    assert library.weights_hash(tiny_model, model) != weights
    assert library.vae_hash(tiny_model, model) == vae
    (tiny_model / "vae.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"vae\.safetensors: no such file"):
        library.weights_hash(tiny_model, model)
