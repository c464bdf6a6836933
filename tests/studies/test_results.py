"""What must hold, results as a file, and the page they make."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from films import record

from pavdm_cli.errors import RunError
from pavdm_cli.media.sheet import save_png, sheet
from pavdm_cli.studies import page, plots, records, results
from pavdm_cli.studies import scorecard as study
from pavdm_cli.studies.calibration import Calibration
from pavdm_cli.studies.claims import Identity
from pavdm_cli.studies.plan import Plan, floor_kinds
from pavdm_cli.studies.scorecard import Scores

PLAN = Plan(prompts=(0, 1, 2, 3, 5, 8), seeds=1, seconds=20)
IDENTITY = Identity("tiny", "0123", "4567", "progressive, 6 steps", 2.0, 20, (32, 32))


def written(folder: Path, wrong: int, plan: Plan = PLAN, of: Sequence[int] = PLAN.prompts) -> Scores:
    """Write records of every kind and score them; the model's of some prompts go wrong at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    for n, kind in enumerate(("made", "real", "other", "coded", *floor_kinds())):
        for i, seed in plan.of(kind):
            own = record(i, seed + n, wrong=wrong if kind == "made" and i in of else 0)
            strip = np.full((5, 32, 32, 3), 40 * n, np.uint8)
            records.write(folder / f"{kind}-{i:02}-{seed}.json", replace(own, seed=seed), strip)
    return study.score(plan, IDENTITY, folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of records, good and bad."""
    return tmp_path_factory.mktemp("records")


@pytest.fixture(scope="module")
def good(folder: Path) -> Scores:
    return written(folder / "good", 0)


@pytest.fixture(scope="module")
def bad(folder: Path) -> Scores:
    return written(folder / "bad", 3)


def test_good_videos_hold_and_bad_ones_do_not(good: Scores, bad: Scores) -> None:
    assert all(gate.passed for gate in results.gates(good)), results.gates(good)
    failed = {gate.name for gate in results.gates(bad) if not gate.passed}
    assert "adherence, last 4 s, low end of the interval" in failed
    assert "retrieval, last interval over first" in failed
    assert not any("first 4 s" in name for name in failed)


def test_results_of_before_a_measure_are_held_against_the_others(good: Scores) -> None:
    earlier = {name: row for name, row in good.by_interval.items() if name != "change over two seconds"}
    names = [gate.name for gate in results.gates(replace(good, by_interval=earlier))]
    assert len(names) == len(results.gates(good)) - 1 and not any("two seconds" in name for name in names)


def test_more_seeds_are_more_videos_but_of_the_vae_one_a_prompt(folder: Path) -> None:
    twice = replace(PLAN, seeds=2)
    assert [len(twice.of(kind)) for kind in ("made", "coded", "floor1")] == [12, 6, 12]
    scores = written(folder / "twice", 1, twice, of=(0, 1, 2))
    assert len(list((folder / "twice").glob("coded-*.json"))) == 6
    whole, parts = (
        scores.of_videos[f"adherence, last 4 s{by}"]["made"] for by in ("", ", resampled by prompt")
    )
    assert whole.value == pytest.approx(parts.value) == 0.5  # films of a prompt err together
    assert parts.high - parts.low > 1.2 * (whole.high - whole.low) > 0
    assert scores.videos == 12 and scores.by_interval["adherence"]["coded"][0].value == 1.0
    assert np.isfinite(scores.by_interval["kernel distance above floor"]["coded"][0].value)


def test_results_are_read_as_they_were_written(good: Scores, tmp_path: Path) -> None:
    results.write(tmp_path / "results.json", good)
    again = results.read(tmp_path / "results.json")
    assert again.identity == IDENTITY and again.videos == 6
    assert again.by_interval["adherence"]["made"] == good.by_interval["adherence"]["made"]
    assert json.loads((tmp_path / "results.json").read_text())["gates"]
    (tmp_path / "results.json").write_text('{"videos": 3}')
    with pytest.raises(RunError, match="not results of a scorecard"):
        results.read(tmp_path / "results.json")


def test_the_page_has_everything(
    folder: Path, bad: Scores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calibration = Calibration(6, 20, "4567", {"motion": {"freeze": 2.0, "blur": None}}, ["joints"])
    path = page.write(tmp_path / "page", PLAN, bad, folder / "bad", calibration, bad)
    html = path.read_text()
    for wanted in (
        "0123",
        "adherence of motion",
        "the model before",
        "courses.png",
        "sheet-1.webp",
        "joints",
    ):
        assert wanted in html, wanted
    assert "nan" not in html.replace("nance", "")
    assert (tmp_path / "page/courses.png").stat().st_size > 10_000
    assert (tmp_path / "page/sheet-1.webp").exists()
    monkeypatch.setattr(plots, "courses", lambda *given: None)
    plain = page.write(tmp_path / "plain", PLAN, bad, folder / "bad", None).read_text()
    assert "--calibrate" in plain and "before" not in plain


def test_strips_are_cut_at_their_frames(tmp_path: Path) -> None:
    frames = np.stack([np.full((32, 32, 3), 60 * n, np.uint8) for n in range(4)])
    save_png(tmp_path / "strip.png", sheet([frames]))
    small = page.shrunk(tmp_path / "strip.png")
    assert small.shape == (4, page.SHEET_SIDE, page.SHEET_SIDE, 3)
    assert [int(frame.mean()) for frame in small] == [0, 60, 120, 180]
