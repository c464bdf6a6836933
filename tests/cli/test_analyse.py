"""`analyse` on files: what it says, to people and to programs, and what it leaves."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from pictures import moving_frames
from PIL import Image
from torch import Tensor, nn
from typer.testing import CliRunner, Result

from pavdm_cli.cli.app import app
from pavdm_cli.errors import ConfigError, VideoError
from pavdm_cli.media.writer import VideoWriter

FPS = 8
GOOD = moving_frames(6 * FPS)


def analyse(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["analyse", *map(str, arguments)])


def written(path: Path, frames: np.ndarray = GOOD, **tags: str) -> Path:
    with VideoWriter(path, frames.shape[1:3], FPS, scale=1, quality=4, tags=tags) as writer:
        writer.write(frames)
    return path


def frozen() -> np.ndarray:
    return np.concatenate([GOOD[:32], np.repeat(GOOD[32:33], 16, axis=0)])


def test_a_good_video(tmp_path: Path) -> None:
    path = written(tmp_path / "good.mp4")
    lines = analyse(path, "--every", "4").stdout.splitlines()
    assert lines[0] == f"video   {path}: 96x64, 8 frames a second, 6.0 s"
    assert lines[1:5] == ["found   nothing goes bad", "cuts    none", "freezes none", "blanks  none"]
    assert lines[6].startswith("joints  every 4 frames: ")
    assert [line.split()[0] for line in lines[9:15]] == [
        "brightness", "contrast", "saturation", "sharpness", "motion", "histogram",
    ]  # fmt: skip


def test_where_it_goes_bad_and_what_makes_it_again(tmp_path: Path) -> None:
    path = written(tmp_path / "my film.mp4", frozen(), schedule="progressive")
    lines = analyse(path).stdout.splitlines()
    assert lines[1] == "found   departs from its beginning at 0:04: freezes"
    assert lines[2] == f"again   pavdm redo '{path}' --from 4s"
    assert "freezes 0:04 to 0:06" in lines
    still = np.repeat(GOOD[:1], len(GOOD), axis=0)
    at_once = analyse(written(tmp_path / "still.mp4", still, schedule="progressive")).stdout
    assert "departs from its beginning at 0:00" in at_once and "pavdm redo" not in at_once
    foreign = analyse(written(tmp_path / "other.mp4", frozen())).stdout
    assert "pavdm redo" not in foreign


def test_a_cut_before_it_is_said(tmp_path: Path) -> None:
    frames = GOOD.copy()
    frames[28:] = frames[28:] // 4
    said = analyse(written(tmp_path / "cut.mp4", frames)).stdout
    assert "departs from its beginning at 0:03: colour" in said and ", after a cut at 0:03.5" in said
    assert "cuts    0:03.5" in said


def test_a_film_that_was_cut_off_is_said(tmp_path: Path) -> None:
    path = written(tmp_path / "whole.mp4")
    assert "cut off" not in analyse(path).stderr
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    cut = analyse(path, "--json")
    assert f"{path} is cut off or damaged; this is what plays of it" in cut.stderr
    assert json.loads(cut.stdout)["videos"][0]["cut"] is True


def test_json_sheet_and_page(tmp_path: Path) -> None:
    good, bad = written(tmp_path / "good.mp4"), written(tmp_path / "bad.mp4", frozen())
    sheet, page = tmp_path / "sheet.png", tmp_path / "page.html"
    result = analyse(good, bad, "--json", "--sheet", sheet, "--html", page, "--every", "6")
    first, second = json.loads(result.stdout)["videos"]
    assert (first["path"], first["bad_from"], second["bad_from"]) == (str(good), None, 4)
    assert first["frames"] == 48 and len(first["seconds"]) == 6 and first["joints"]["every"] == 6
    assert first["summary"]["verdict"]["word"] == "ok" and second["freezes"][0]["end"] == 6
    with Image.open(sheet) as picture:
        assert picture.size == (12 * 162 - 2, 2 * 122 - 2)
    text = page.read_text()
    assert text.count("<h2>") == 2 and "nothing goes bad" in text and "freezes" in text
    assert {p.name for p in tmp_path.iterdir()} == {"good.mp4", "bad.mp4", "sheet.png", "page.html"}


def test_a_reference_is_held_against(tmp_path: Path) -> None:
    path, real = written(tmp_path / "a.mp4", GOOD // 2), written(tmp_path / "real.mp4")
    assert "0:00 on PSNR " in analyse(path, "--reference", real).stdout
    both = json.loads(analyse(real, path, "--reference", real, "--json").stdout)["videos"]
    same, half = (one["likeness"][0] for one in both)
    assert same["psnr"] == 100 and same["ssim"] == pytest.approx(1) and half["psnr"] < 20


class Stand(nn.Module):
    def forward(self, x: Tensor, rescale: bool, resize: bool, return_features: bool) -> Tensor:
        return x.mean((3, 4)).flatten(1)[:, :4]


def test_fvd_with_a_network_of_the_user_s(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(Stand()).save(str(tmp_path / "net.pt"))
    good, dark = written(tmp_path / "good.mp4"), written(tmp_path / "dark.mp4", GOOD // 4)
    options = ("--fvd-model", tmp_path / "net.pt", "--reference", good)
    result = analyse(dark, *options, "--json")
    apart = json.loads(result.stdout)["fvd"]
    assert (apart["clips"], apart["reference_clips"], apart["frames"]) == (3, 3, 16)
    assert apart["distance"] > 0.1 and "needs more than 4 clips" in result.stderr
    same = json.loads(analyse(good, *options, "--json").stdout)["fvd"]
    assert same["distance"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("arguments", "kind", "said"),
    [
        (["none.mp4"], VideoError, "no such video file"),
        (["a.mp4", "--every", "1"], ConfigError, "--every 1: must be at least 2"),
        (["a.mp4", "--fvd-model", "x.pt"], ConfigError, "give them with --reference"),
        (["a.mp4", "a.mp4", "a.mp4", "--reference", "a.mp4", "--reference", "a.mp4"], ConfigError,
         "2 references for 3 videos"),
        (["a.mp4", "--sheet", "no/x.png"], ConfigError, "--sheet no/x.png: there is no folder"),
        (["a.mp4", "--html", "no/x.html"], ConfigError, "--html no/x.html: there is no folder"),
        (["a.mp4", "--sheet", "a.mp4"], ConfigError, "--sheet a.mp4: give it a name that ends in .png"),
        (["a.mp4", "--html", "a.mp4"], ConfigError, "--html a.mp4: give it a name that ends in .html"),
        (["a.mp4", "--html", "folder.html"], ConfigError, "--html folder.html: is a folder"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said(
    arguments: list[str], kind: type, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    written(Path("a.mp4"), GOOD[:8])
    Path("folder.html").mkdir()
    error = analyse(*arguments).exception
    assert isinstance(error, kind) and said in str(error)
