"""diffusers checkpoints through the real commands: made, stopped, resumed, extended, redone, timed."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import checkpoints
import numpy as np
import pytest
from PIL import Image
from places import Place, frames, latents
from typer.testing import CliRunner, Result

from pavdm_cli.cli.app import app
from pavdm_cli.media import reader
from pavdm_cli.runs import make

KINDS = ("skyreels", "ltx")
RAMP = "progressive:window=4,chunk=2,context=2,context_level=0.02,shift=8"
QUICK = ("--size", "32x32", "--steps", "2", "--schedule", RAMP, "--guidance", "2")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a checkpoint of each kind into a folder called weights."""
    folder = tmp_path_factory.mktemp("checkpoints") / "weights"
    for kind in KINDS:
        getattr(checkpoints, kind)(folder / kind)
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path


def run(*words: object) -> Result:
    result = CliRunner().invoke(app, [*map(str, words), "--device", "cpu", "--dtype", "fp32"])
    assert result.exit_code in (0, 130), (result.output, result.exception)
    return result


def generate(model: Path, output: str, *words: object, seconds: float = 1.5) -> Result:
    asked = ("generate", "a red ball", "--seed", 1, "--seconds", seconds, "--model", model, "-o", output)
    return run(*asked, "--scale", 1, "-q", *QUICK, *words)


@pytest.mark.parametrize("kind", KINDS)
def test_a_film_is_made_stopped_resumed_and_extended(
    models: Path, here: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = generate(models / kind, "whole.mp4")
    assert ("experimental" in whole.stderr) == (kind == "ltx")
    info = reader.probe(Path("whole.mp4"))
    assert (info.width, info.height, info.frames, info.fps) == (32, 32, 36, 24)
    plain = make.stream

    def stopped(*given: Any, **named: Any) -> Iterator[Any]:
        for i, chunk in enumerate(plain(*given, **named)):
            if i == 3:
                raise KeyboardInterrupt
            yield chunk

    monkeypatch.setattr(make, "stream", stopped)
    assert generate(models / kind, "again.mp4").exit_code == 130
    monkeypatch.setattr(make, "stream", plain)
    assert CliRunner().invoke(app, ["resume"]).exit_code == 0
    assert np.array_equal(frames(Path("again.mp4")), frames(Path("whole.mp4")))
    assert np.array_equal(latents(Path("again.mp4")), latents(Path("whole.mp4")))
    run("extend", "whole.mp4", "-q", "--seconds", 1, "-o", "longer.mp4", "--model", models / kind)
    longer = frames(Path("longer.mp4"))
    assert longer.shape == (60, 32, 32, 3)
    assert np.array_equal(longer[:36], frames(Path("whole.mp4")))
    assert np.array_equal(latents(Path("longer.mp4"))[:4], latents(Path("whole.mp4"))[:4])


def test_another_ending(models: Path, here: Path) -> None:
    generate(models / "skyreels", "film.mp4")
    run(
        "redo",
        "film.mp4",
        "-q",
        "--from",
        "0.5s",
        "-o",
        "take.mp4",
        "--seed",
        2,
        "--model",
        models / "skyreels",
    )
    film, take = frames(Path("film.mp4")), frames(Path("take.mp4"))
    assert film.shape == take.shape
    assert np.array_equal(take[:13], film[:13])  # the first latent from 0.5 s on begins at frame 13
    assert not np.array_equal(latents(Path("take.mp4"))[4:], latents(Path("film.mp4"))[4:])


def test_a_film_begins_with_a_picture(models: Path, here: Path) -> None:
    Image.fromarray(np.full((90, 120, 3), (200, 40, 40), np.uint8)).save("red.png")
    generate(models / "skyreels", "film.mp4", "--image", "red.png")
    film = frames(Path("film.mp4"))
    assert len(film) == 37  # the picture, then what was asked for
    assert np.abs(film[0].reshape(-1, 3).mean(0) - (200, 40, 40)).max() < 3
    assert len(latents(Path("film.mp4"))) == 10


def test_a_video_of_another_source_goes_on(models: Path, here: Path) -> None:
    generate(models / "ltx", "other.mp4")
    said = run(
        "extend", "other.mp4", "-q", "--seconds", 0.5, "-o", "longer.mp4", "--model", models / "skyreels",
        "--prompt", "a ball", "--schedule", RAMP, "--steps", 2, "--scale", 1, "--size", "32x32",
    )  # fmt: skip
    assert "latents are of another VAE" in said.stderr
    assert len(frames(Path("longer.mp4"))) == 48


def test_a_picture_that_cannot_be_is_refused(models: Path, here: Path, tiny_weights: Path) -> None:
    generate(models / "skyreels", "film.mp4", seconds=0.5)
    words = ["generate", "a ball", "--image"]
    for given, said in (
        (["film.mp4", "--model", str(models / "skyreels")], "12 frames; 'pavdm extend' goes on with a video"),
        (["film.mp4", "--model", str(tiny_weights / "tiny")], "tiny cannot begin with a picture"),
    ):
        assert said in str(CliRunner().invoke(app, [*words, *given]).exception)


@pytest.mark.parametrize(
    ("words", "said"),
    (
        (("--size", "33x32"), "the nearest is 32x32"),
        (("--size", "big"), "write WIDTHxHEIGHT"),
        (("--fps", "30"), "the nearest is 24"),
        (("--offload", "all"), "choose from none, text, model"),
    ),
)
def test_values_that_cannot_be_are_refused(
    models: Path, here: Path, words: tuple[str, ...], said: str
) -> None:
    asked = ["generate", "a ball", "--model", str(models / "skyreels"), *words]
    assert said in str(CliRunner().invoke(app, asked).exception)


def test_fitting_a_small_device_changes_nothing_that_is_seen(models: Path, here: Path) -> None:
    """Tiles are larger than this picture, so that tiling has nothing to do."""
    generate(models / "skyreels", "plain.mp4", seconds=0.5)
    generate(models / "skyreels", "fitted.mp4", "--offload", "model", "--vae-tiling", seconds=0.5)
    assert np.array_equal(frames(Path("plain.mp4")), frames(Path("fitted.mp4")))


def test_bench(models: Path, here: Path) -> None:
    asked = (
        "bench",
        "--model",
        models / "skyreels",
        "--seconds",
        0.5,
        "--repeats",
        1,
        "--json",
        "bench.json",
    )
    run(*asked, "--json", "bench.json", "--size", "32x32", "--schedule", RAMP, "--steps", 2)
    found = json.loads(Path("bench.json").read_text())
    assert (found["frames"], found["model_calls"]) == (12, 3) and found["denoiser_tflops"] > 0


GROWTH = """
import resource, sys
from pavdm_cli.cli.app import main
try:
    main()
finally:
    print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""


@pytest.mark.slow
def test_a_minute_in_flat_memory_killed_and_resumed(models: Path, tmp_path: Path) -> None:
    """1440 frames in the memory of 120; killed twice, its frames are those of the film that was not."""

    def asked(seconds: int, name: str) -> tuple[str, ...]:
        words = ("generate", "a red ball", "--seed", "1", "--seconds", str(seconds), "-o", name)
        return (*words, "--model", "weights/skyreels", "--scale", "1", "--device", "cpu", *QUICK)

    peaks = {}
    for seconds in (5, 60):
        place = Place(tmp_path / str(seconds), models)
        process = place.start(*asked(seconds, "film.mp4"), program=(sys.executable, "-c", GROWTH))
        _, said = process.communicate(timeout=500)
        assert process.returncode == 0, said
        peaks[seconds] = int(said.rpartition("peak")[2]) / 1024
    print({f"peak MiB of {seconds} s": round(peak) for seconds, peak in peaks.items()})
    assert peaks[60] < peaks[5] + 20
    whole = frames(tmp_path / "60" / "film.mp4")
    assert len(whole) == 1440
    place = Place(tmp_path / "killed", models)
    process = place.start(*asked(60, "film.mp4"))
    for count in (200, 700):
        place.wait_for(process, count)
        process.kill()
        process.communicate()
        process = place.start("resume", "-q")
    assert process.communicate(timeout=500) and process.returncode == 0
    assert np.array_equal(frames(place.film), whole)
    done = place.run(
        "extend", "film.mp4", "--seconds", "2", "-o", "longer.mp4", "--model", "weights/skyreels"
    )
    assert done.returncode == 0, done.stderr
    assert np.array_equal(frames(place.folder / "longer.mp4")[:1440], whole)
    assert len(frames(place.folder / "longer.mp4")) == 1488
