"""Downloads, against a server on this machine."""

import json
import os
import shutil
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_server import Hub
from typer.testing import CliRunner

from pavdm_cli.cli.app import app
from pavdm_cli.errors import CheckpointError
from pavdm_cli.models import hub, library
from pavdm_cli.whole import part_of

REPO = "Skywork/SkyReels-V2-DF-14B-720P-Diffusers"
NAME = "skyreels-v2-df-14b-720p"
TENSORS = "transformer/diffusion_pytorch_model.safetensors"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """Write a folder that looks like a checkpoint, with much beside it that is not wanted."""
    folder = tmp_path / "repository"
    files = {
        "model_index.json": json.dumps({"_class_name": "SkyReelsV2DiffusionForcingPipeline"}),
        "README.md": "words", "config.py": "import os", "ltx-13b.safetensors": "not a part",
        "scheduler/scheduler_config.json": "{}", "tokenizer/tokenizer.json": "{}", "vae/config.json": "{}",
        "transformer/config.json": "{}", "text_encoder/config.json": "{}",
        "vae/diffusion_pytorch_model.safetensors": "v" * 500,
        "vae/diffusion_pytorch_model.fp16.safetensors": "v" * 250,
        TENSORS: "t" * 5000, "text_encoder/model.safetensors": "x" * 100,
        "text_encoder/pytorch_model.bin": "b",
    }  # fmt: skip
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def server(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    found = Hub({REPO: checkpoint, "someone/else": checkpoint})
    monkeypatch.setenv("HF_ENDPOINT", found.address)
    monkeypatch.setattr(hub, "place", lambda: tmp_path / "cache")
    yield found
    found.close()


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_what_can_run_is_fetched_and_no_more(server: Hub, checkpoint: Path) -> None:
    seen = list(hub.pull(NAME))
    folder = library.find(NAME)
    unwanted = {"README.md", "config.py", "ltx-13b.safetensors", "text_encoder/pytorch_model.bin"}
    unwanted |= {"vae/diffusion_pytorch_model.fp16.safetensors"}
    assert names(folder) == (names(checkpoint) - unwanted) | {hub.MANIFEST}
    assert [one.done for one in seen] == sorted(one.done for one in seen)
    assert seen[-1].done == seen[-1].total == hub.manifest(folder).size
    assert [fault for _, fault in hub.verify(folder) if fault] == []


def test_a_name_brings_its_own_size_and_span(server: Hub) -> None:
    list(hub.pull(NAME))
    model = library.config(library.find(NAME))
    assert (model.size, model.sampling.window, model.sampling.span) == ((720, 1280), 25, 30)
    list(hub.pull("someone/else"))
    other = library.config(library.find("someone/else"))
    assert (other.size, other.sampling.window) == ((544, 960), 20)


def test_a_broken_download_goes_on_where_it_stopped(server: Hub) -> None:
    server.cut = 2000
    with pytest.raises(CheckpointError, match=r"cannot be reached .*it goes on where it stopped"):
        list(hub.pull(NAME))
    with pytest.raises(CheckpointError, match=f"go on with: pavdm models pull {NAME}"):
        library.find(NAME)
    assert "files to pull of 0.0 GiB" in CliRunner().invoke(app, ["models", "list"]).stdout
    server.cut, server.asked = None, []
    list(hub.pull(NAME))
    assert (TENSORS, "bytes=2000-") in server.asked
    assert [fault for _, fault in hub.verify(library.find(NAME)) if fault] == []
    server.asked = []
    list(hub.pull(NAME))
    assert [name for name, _ in server.asked] == ["model_index.json"]


def test_a_file_that_comes_damaged_is_refused_and_fetched_anew(server: Hub) -> None:
    server.broken = {TENSORS}
    with pytest.raises(CheckpointError, match=f"{TENSORS} came damaged; pull it again"):
        list(hub.pull(NAME))
    server.broken = set()
    list(hub.pull(NAME))
    assert hub.missing(library.find(NAME)) == ()


def test_weights_that_were_changed_since_are_fetched_anew(server: Hub, checkpoint: Path) -> None:
    """They are as large as those before; so is the part of one that was cut off."""
    list(hub.pull(NAME))
    folder = library.find(NAME)
    (checkpoint / TENSORS).write_text("n" * 5000)
    (checkpoint / "text_encoder/model.safetensors").write_text("y" * 100)
    (folder / TENSORS).rename(part_of(folder / TENSORS))
    os.truncate(part_of(folder / TENSORS), 3000)
    list(hub.pull(NAME))
    assert (folder / TENSORS).read_text() == "n" * 5000
    assert not any(wrong for _, wrong in hub.verify(folder))


def test_verify_names_what_is_damaged_and_the_command_that_mends_it(server: Hub) -> None:
    list(hub.pull(NAME))
    path = hub.local(NAME) / TENSORS
    path.write_text("u" * 5000)
    result = CliRunner().invoke(app, ["models", "verify", NAME])
    assert f"damaged{TENSORS}" in result.stdout.replace(" ", "")
    assert isinstance(result.exception, CheckpointError)
    assert str(result.exception).endswith(f"get them again: pavdm models pull {NAME}")
    assert not path.exists()
    assert CliRunner().invoke(app, ["models", "pull", NAME]).exit_code == 0
    assert CliRunner().invoke(app, ["models", "verify", NAME]).exit_code == 0


def test_remove(server: Hub) -> None:
    list(hub.pull(NAME))
    assert CliRunner().invoke(app, ["models", "remove", NAME]).exit_code == 0
    assert not hub.local(NAME).exists()
    with pytest.raises(CheckpointError, match=f"not downloaded; get it with: pavdm models pull {NAME}"):
        library.find(NAME)
    assert isinstance(CliRunner().invoke(app, ["models", "remove", NAME]).exception, CheckpointError)


def test_a_disk_too_small_is_known_before(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, hub.SPARE + 4000))
    with pytest.raises(CheckpointError, match=r"0\.0 GiB are to be fetched and .* has 0\.3 GiB free"):
        list(hub.pull(NAME))
    assert [name for name, _ in server.asked] == ["model_index.json"]


def test_a_class_that_cannot_run_is_refused_before_its_weights(server: Hub, checkpoint: Path) -> None:
    (checkpoint / "model_index.json").write_text('{"_class_name": "FluxPipeline"}')
    with pytest.raises(CheckpointError, match=r"of class FluxPipeline, and only SkyReelsV2.* can be run"):
        list(hub.pull(NAME))
    assert [name for name, _ in server.asked] == ["model_index.json"]


def test_other_formats_than_safetensors_are_refused(server: Hub, checkpoint: Path) -> None:
    (checkpoint / "text_encoder" / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match="no safetensors for its text_encoder"):
        list(hub.pull(NAME))


def test_no_repository_outside_its_folder(
    server: Hub, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = server.description(REPO)
    plain["siblings"].append({"rfilename": "vae/../../../evil.json", "size": 2, "blobId": "0" * 40})
    monkeypatch.setattr(server, "description", lambda _: plain)
    with pytest.raises(CheckpointError, match="would lie outside its folder"):
        list(hub.pull(NAME))


def test_gated(server: Hub) -> None:
    server.gated = {REPO}
    with pytest.raises(
        CheckpointError, match=f"accept their terms at {server.address}/{REPO}; .*hf auth login"
    ):
        list(hub.pull(NAME))


def test_an_unknown_repository(server: Hub) -> None:
    with pytest.raises(CheckpointError, match=r"no/body: not on .*check the name"):
        list(hub.pull("no/body"))


def test_no_repository_can_be_called_that(server: Hub) -> None:
    with pytest.raises(CheckpointError, match=r"owner/name.git: no repository can be called that"):
        list(hub.pull("owner/name.git"))


def test_an_empty_file_is_fetched_too(server: Hub, checkpoint: Path) -> None:
    (checkpoint / "tokenizer/merges.txt").write_text("")
    list(hub.pull(NAME))
    assert (library.find(NAME) / "tokenizer/merges.txt").read_bytes() == b""


def test_a_name_that_is_none(server: Hub) -> None:
    with pytest.raises(CheckpointError, match=f"'nobody': neither a known name .*{NAME}"):
        list(hub.pull("nobody"))


def test_no_server(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    server.close()
    with pytest.raises(CheckpointError, match=r"cannot be reached .*check the connection"):
        list(hub.pull(NAME))


def test_offline(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    from huggingface_hub.utils import close_session

    close_session()  # what it may do is decided when it is made
    with pytest.raises(CheckpointError, match="HF_HUB_OFFLINE is set; unset it"):
        list(hub.pull(NAME))
    monkeypatch.undo()
    close_session()


def test_a_damaged_manifest(server: Hub) -> None:
    list(hub.pull(NAME))
    (hub.local(NAME) / hub.MANIFEST).write_text("{")
    with pytest.raises(CheckpointError, match=r"not a JSON file.*pull the checkpoint again"):
        library.find(NAME)
    list(hub.pull(NAME))
    assert os.path.isdir(library.find(NAME))
