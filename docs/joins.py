"""Measure what docs/runs.md says of films that go on: python docs/joins.py. Results go to joins.json.

Twenty seconds made longer twice by `pavdm extend`, another ending by `pavdm redo --from 37s`, and films with
a timeline of three prompts, read by the probe once each prompt has taken over. The change where old and new
meet, over that where latents meet beside it, is held against the same figure at the middle of every second
elsewhere in the same films: what it strays by where nothing was joined (and no picture is encoded by itself).
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from pavdm_cli.media.reader import read
from pavdm_cli.models import probe
from pavdm_cli.runs.joint import jump
from pavdm_cli.studies import measures
from pavdm_cli.studies.prompts import Asked
from pavdm_cli.studies.records import Recorder

FPS, TAKE, BLEND = 24, 8, 1
FILMS = (
    "a sailboat on the sea at night under a clear sky",
    "a slow drive through a city at night in the rain, pink lights",
    "snowy mountains at sunset, the camera gliding to the right",
    "a red balloon with white stripes drifts right over a valley by day",
    "three orange fish swim to the left in clear blue water",
    "a campfire with orange flames on a beach under a starry sky",
)
SCENES = (
    Asked(
        "a sailboat on the sea at night under a clear sky",
        "sea",
        {"boat": "sailboat", "time": "night", "weather": "clear"},
    ),
    Asked(
        "a red ball bouncing on a blue background",
        "shapes",
        {"objects": "red ball", "motion": "bouncing", "background": "blue"},
    ),
    Asked(
        "snowy mountains at sunset, the camera gliding to the right",
        "hills",
        {"land": "mountains", "time": "sunset", "camera": "right"},
    ),
)
ORDERS = ((0, 1, 2), (1, 2, 0), (2, 0, 1))


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = {
            "extended": [_extended(folder / str(i), prompt) for i, prompt in enumerate(FILMS)],
            "timelines": [_timeline(folder / f"t{i}.mp4", order) for i, order in enumerate(ORDERS)],
        }
    for name in ("joints", "elsewhere"):
        values = np.log([value for film in found["extended"] for value in film[name]])
        found[f"all {name}"] = {
            "count": len(values),
            "geometric mean": round(float(np.exp(values.mean())), 3),
            "of its logarithm, standard error": round(float(values.std(ddof=1) / len(values) ** 0.5), 3),
            "95 % lie within": [round(float(x), 3) for x in np.exp(np.quantile(values, (0.025, 0.975)))],
        }
    shares = [share for film in found["timelines"] for share in film["adherence"]]
    found["adherence after each blend"] = round(float(np.mean(shares)), 3)
    path = Path(__file__).with_name("joins.json")
    path.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(path.read_text(encoding="utf-8"))


def _pavdm(*arguments: object) -> dict[str, Any]:
    command = ["pavdm", *map(str, arguments), "--json"]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    made: dict[str, Any] = json.loads(said)
    return made


def _extended(stem: Path, prompt: str) -> dict[str, Any]:
    """Make 20 + 20 + 20 seconds, and another ending; say how they meet and that the old part is the same."""
    first, second, third, ending = (stem.with_name(f"{stem.name}-{i}.mp4") for i in range(4))
    _pavdm("generate", prompt, "--seconds", 20, "--seed", 1, "--scale", 1, "-o", first)
    joints = [
        _pavdm("extend", a, "--seconds", 20, "-o", b)["videos"][0]["joint"]
        for a, b in ((first, second), (second, third))
    ]
    _pavdm("redo", third, "--from", "37s", "--seed", 2, "-o", ending)
    films = {seconds: _frames(path) for seconds, path in ((20, first), (40, second), (60, third))}
    same = [bool(np.array_equal(films[n], films[60][: n * FPS])) for n in (20, 40)]
    redone = _frames(ending)
    seen = _pavdm("analyse", third, "--every", 20 * FPS)
    return {
        "prompt": prompt,
        "joints": [round(value, 3) for value in joints],
        "elsewhere": _elsewhere(films[60]),
        "joints, as analyse sees them": seen["videos"][0]["joints"],
        "first 20 and 40 seconds equal": same,
        "redone: first 37 seconds equal": bool(np.array_equal(redone[: 37 * FPS], films[60][: 37 * FPS])),
        "redone: the rest differs": not np.array_equal(redone[37 * FPS :], films[60][37 * FPS :]),
    }


def _elsewhere(frames: np.ndarray) -> list[float]:
    """Return what `extend` says of a joint, at the middle of every second, where there is none."""
    places = range(2 * FPS + FPS // 2, len(frames) - FPS, FPS)
    found = [jump(frames[:t], frames[t:]) for t in places]
    return [round(value, 3) for value in found if value is not None]


def _timeline(path: Path, order: tuple[int, ...]) -> dict[str, Any]:
    """Make three prompts in a row; say what share of each one's facts the probe reads after its blend."""
    scenes = [SCENES[i] for i in order]
    cues = [word for i in (1, 2) for word in ("--at", f"{i * TAKE}s={scenes[i].prompt}")]
    _pavdm(
        "generate",
        scenes[0].prompt,
        *cues,
        "--blend",
        BLEND,
        "--seconds",
        3 * TAKE,
        "--seed",
        1,
        "--scale",
        1,
        "-o",
        path,
    )
    frames, judge, shares = _frames(path), probe.load(), []
    for i, scene in enumerate(scenes):
        recorder = Recorder(FPS)
        recorder.add(frames[(i * TAKE + BLEND) * FPS : (i + 1) * TAKE * FPS])
        looks = recorder.record(scene.prompt, 1, scene.family, judge).looks
        shares.append(round(float(np.mean([measures.adherence(look, scene) for look in looks])), 3))
    return {"prompts": [scene.prompt for scene in scenes], "adherence": shares}


def _frames(path: Path) -> np.ndarray:
    return np.concatenate(list(read(path)))


if __name__ == "__main__":
    sys.exit(main())
