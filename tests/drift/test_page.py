"""The page: whole, about what was found, and in need of nothing else."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scenes import FPS, pixels, scene

from pavdm_cli.drift.analysis import Analyser, Analysis
from pavdm_cli.drift.page import POINTS, Entry, page
from pavdm_cli.drift.statistics import FIGURES
from pavdm_cli.media.sheet import save_png

CLEAN = pixels(scene(6))
FACTS = {"found": "departs <here>", "again": "pavdm redo 'x & y.mp4' --from 3s", "cuts": "0:03"}


def analysis(frames: np.ndarray) -> Analysis:
    analyser = Analyser(FPS)
    analyser.add(frames)
    return analyser.result()


def bad() -> Analysis:
    frames = CLEAN.copy()
    frames[3 * FPS :] = frames[3 * FPS :, ::-1] // 3
    return analysis(frames)


def entry(tmp_path: Path, found: Analysis, good: bool = False) -> Entry:
    save_png(tmp_path / "strip.png", CLEAN[0])
    return Entry("x & y.mp4", FACTS, good, found, (tmp_path / "strip.png").read_bytes())


def test_it_needs_nothing_else_and_escapes_what_it_says(tmp_path: Path) -> None:
    text = page([entry(tmp_path, bad()), entry(tmp_path, analysis(CLEAN), good=True)])
    assert not re.search(r'(src|href)="(?!data:image/png;base64,)', text) and "<script" not in text
    assert "departs &lt;here&gt;" in text and "x &amp; y.mp4" in text
    assert "<code>pavdm redo" in text and 'class="bad"' in text and 'class="good"' in text


def test_every_figure_has_a_plot_and_what_is_wrong_is_marked(tmp_path: Path) -> None:
    found = bad()
    text = page([entry(tmp_path, found)])
    assert re.findall(r"<figcaption>([^<]*)", text) == [*FIGURES, "motion, frame by frame"]
    assert len(found.cuts) == 1 and len(found.faults) == 3
    assert text.count("#f6c9c5") == 7 * 3 and text.count("<line") == 7 + 1  # a cut in each, a limit in one
    for line in re.findall(r'points="([^"]*)"', text):
        numbers = np.array([[float(v) for v in point.split(",")] for point in line.split()])
        assert len(numbers) in (len(found.seconds), found.frames - 1)
        assert (numbers >= 0).all() and (numbers <= (460, 120)).all()


def test_long_lines_are_thinned_by_their_largest(tmp_path: Path) -> None:
    frames = np.repeat(CLEAN[:1], 3 * POINTS, axis=0)
    frames[700] = 255 - frames[700]
    text = page([entry(tmp_path, analysis(frames))])
    last = re.findall(r'points="([^"]*)"', text)[-1].split()
    heights = [float(point.split(",")[1]) for point in last]
    assert len(last) <= POINTS and min(heights) < 20 < max(heights)


def test_the_shortest_videos_have_a_page_too(tmp_path: Path) -> None:
    for count in (1, 2, 7, FPS):
        assert "<h2>" in page([entry(tmp_path, analysis(CLEAN[:count]))])


@pytest.mark.slow
def test_a_browser_shows_it(tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    assert browser, "this test opens the page in Chromium: apt-get install chromium"
    path, shot = tmp_path / "page.html", tmp_path / "shot.png"
    path.write_text(page([entry(tmp_path, bad())]))
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    seen = subprocess.run(
        [browser, *options, "--window-size=1000,1400", f"--screenshot={shot}", f"file://{path}"],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert shot.is_file(), seen.stderr
    picture = np.asarray(Image.open(shot).convert("RGB")).astype(int)
    assert picture.shape[0] >= 1000
    blue = (np.abs(picture - (0x24, 0x57, 0xA6)).max(-1) < 20).sum()  # the lines of the plots
    red = (np.abs(picture - (0xF6, 0xC9, 0xC5)).max(-1) < 6).sum()  # what is wrong
    assert blue > 500 and red > 5000
    dom = subprocess.run(
        [browser, *options, "--dump-dom", f"file://{path}"], capture_output=True, text=True, timeout=120
    ).stdout
    assert dom.count("<polyline") == 7 and dom.count("<svg") == 7
