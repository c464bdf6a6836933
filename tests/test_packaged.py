"""The packaged weights: they load strictly, are as small as promised, and make what they should."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from pavdm_cli.models import library, probe
from pavdm_cli.models.device import place
from pavdm_cli.models.native import Native, load
from pavdm_cli.models.pipeline import load as load_any
from pavdm_cli.models.scenes import phrases
from pavdm_cli.runs.request import Request
from pavdm_cli.runs.stream import stream
from pavdm_cli.training import clips
from pavdm_cli.training import probe as probe_training
from pavdm_cli.training.worlds import FAMILIES

LARGEST = 48_000_000  # bytes of all weights
LARGEST_TREE = 55_000_000  # bytes of all tracked files
KNOWN = ("shapes", "sea", "hills", "city")


@pytest.fixture(scope="module")
def pipeline() -> Native:
    return load(library.find(library.DEFAULT), place("cpu", "auto"))


def test_sizes() -> None:
    root = library.packaged()
    assert sum(path.stat().st_size for path in root.rglob("*") if path.is_file()) < LARGEST
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root.parent, capture_output=True, check=True
    ).stdout
    tracked = [root.parent / name for name in listed.decode().split("\0") if name]
    assert sum(path.stat().st_size for path in tracked if path.is_file()) < LARGEST_TREE


def test_known_prompts_are_near_and_strangers_far(pipeline: Native) -> None:
    far = pipeline.config.far
    ours = [known.prompt for known in pipeline.config.knows]
    assert all(taken.nearest[0][1] >= far and taken.caption is None for taken in pipeline.read(ours))
    strangers = ["a portrait of my grandmother", "quarterly sales of a bank", "two cats playing the piano"]
    assert all(taken.nearest[0][1] < far for taken in pipeline.read(strangers))


def test_prompts_in_other_words_are_read_as_what_they_say(pipeline: Native) -> None:
    """Six prompts of every family but shapes, written by somebody who had not seen the words learned from."""
    asked = json.loads(Path(__file__).with_name("other_words.json").read_text())
    known = zip(pipeline.scenes.families, pipeline.scenes.facts, strict=True)
    shown = dict(zip(pipeline.scenes.captions, known, strict=True))
    families, facts = [], []
    for one in asked:
        caption = pipeline.scenes.read(one["prompt"], pipeline.text.vectors, below=2.0).caption
        assert caption is not None
        family, values = shown[caption]
        told = dict(zip(FAMILIES[family].choices, values, strict=True))
        families.append(family == one["family"])
        facts += [told.get(name) == value for name, value in one["facts"].items()]
    print(f"families {sum(families)} of {len(families)}, facts {sum(facts)} of {len(facts)}")
    assert np.mean(families) > 0.95 and np.mean(facts) > 0.9


def test_captions_that_stand_for_scenes_say_all_that_these_show(pipeline: Native) -> None:
    known = pipeline.scenes
    held = [(known.captions[i], known.families[i], facts) for i, facts in enumerate(known.facts) if facts]
    vectors = [pipeline.text.vectors(phrases(caption)) for caption, _, _ in held[::4]]
    right = [
        tuple(r.tell(own) or r.usual for r in known.readers if r.family == family) == facts
        for (_, family, facts), own in zip(held[::4], vectors, strict=True)
    ]
    assert len(right) > 100 and np.mean(right) > 0.98


def test_the_colour_asked_for_is_there(pipeline: Native) -> None:
    """The background of a red and of a blue prompt differ as red and blue do."""
    ramp = pipeline.config.sampling
    prompts = ("a white ball bouncing on a red background", "a white ball bouncing on a blue background")
    request = Request(prompts, (1, 1), 24, "progressive", ramp, pipeline.config.guidance)
    frames = np.concatenate([chunk.frames for chunk in stream(pipeline, request)], axis=1)
    assert frames.shape == (2, 24, 128, 128, 3)
    red, blue = (np.median(video.reshape(-1, 3), axis=0) for video in frames)
    assert red[0] > red[2] + 60
    assert blue[2] > blue[0] + 60


def test_a_full_turn_in_the_maze_shows_the_first_view_again() -> None:
    """Frame 6 looks the way frame 24 does, and frame 15 the opposite way; of four mazes."""
    maze = load_any("maze", place("cpu", "fp32"))
    request = Request(("forward*6 left*18",) * 4, (1, 2, 3, 4), 25, "progressive", maze.config.sampling, 1.0)
    films = np.concatenate([chunk.frames for chunk in stream(maze, request)], axis=1).astype(float)
    same, opposite = (np.abs(films[:, 6] - films[:, k]).mean((1, 2, 3)) for k in (24, 15))
    print(f"apart by {same.round(1)} of 255, opposite views by {opposite.round(1)}")
    assert same.mean() < opposite.mean() / 3


@pytest.mark.slow
def test_the_vae_keeps_what_it_sees(pipeline: Native) -> None:
    """Held-out renders: the median clip and the worst family, in dB."""
    vae = load(library.find(library.DEFAULT), place("cpu", "fp32")).vae
    found = {family: [_psnr(vae, family, n) for n in range(8)] for family in KNOWN}
    print({family: round(float(np.median(values)), 1) for family, values in found.items()})
    assert np.median([value for values in found.values() for value in values]) >= 32
    assert min(float(np.median(values)) for values in found.values()) >= 29


def _psnr(vae: torch.nn.Module, family: str, number: int) -> float:
    clip = clips.draw(999, number, 32, [family])
    frames = clips.render([clip], 32, (128, 128), torch.device("cpu")).float() / 127.5 - 1
    with torch.no_grad():
        back, _ = vae.decode(vae.encode(frames))  # type: ignore[operator]
    return float(-10 * torch.log10((back.clamp(-1, 1) - frames).square().mean() / 4))


@pytest.mark.slow
def test_what_the_vae_gives_back_moves_as_much_as_it_saw(pipeline: Native) -> None:
    """Held-out renders of every family: motion through the VAE over motion, the mean of all, and PSNR."""
    vae = load(library.find(library.DEFAULT), place("cpu", "fp32")).vae
    moved, psnr = {}, []
    for family in FAMILIES:
        drawn = [clips.draw(999, number, 48, [family]) for number in range(2)]
        frames = clips.render(drawn, 48, (128, 128), torch.device("cpu")).float() / 127.5 - 1
        with torch.no_grad():
            back = vae.decode(vae.encode(frames))[0].clamp(-1, 1)
        moved[family] = float(back.diff(dim=1).abs().mean() / frames.diff(dim=1).abs().mean())
        psnr += (-10 * torch.log10((back - frames).square().mean((1, 2, 3, 4)) / 4)).tolist()
    print({family: round(value, 2) for family, value in moved.items()}, f"{np.mean(psnr):.2f} dB")
    assert 0.8 < np.mean(list(moved.values())) < 1.25


@pytest.mark.slow
@pytest.mark.parametrize("coded", (False, True), ids=("renders", "through the VAE"))
def test_the_probe_tells_what_it_sees(pipeline: Native, coded: bool) -> None:
    """Fresh renders, 32 of every family: the share told rightly, by attribute."""
    found = probe_training.measure(
        probe.load(), 999, 32, torch.device("cpu"), pipeline.vae.float() if coded else None
    )
    shares = {name: round(right / asked, 3) for name, (right, asked) in found.items()}
    print(dict(sorted(shares.items(), key=lambda item: item[1])))
    assert min(shares.values()) >= 0.97


def test_weights_are_where_the_readme_says() -> None:
    root = Path(library.packaged())
    for folder, config in (
        ("text", "config.json"),
        ("worlds", "config.json"),
        ("probe", "probe.config.json"),
        ("maze", "config.json"),
    ):
        assert {config, "README.md"} <= {path.name for path in (root / folder).iterdir()}
