"""Runs that are stopped in every way, and gone on with: the film is always what it would have been."""

import random
import time
from pathlib import Path

import numpy as np
import pytest
from places import ASKED, Place, frames, latents, playing

from pavdm_cli.media.writer import partial_of


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, tiny_weights: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the frames and the latents of the film that nothing interrupted."""
    place = Place(tmp_path_factory.mktemp("films") / "whole", tiny_weights)
    done = place.run(*ASKED)
    assert done.returncode == 0, done.stderr
    return frames(place.film), latents(place.film)


def assert_whole(place: Place, whole: tuple[np.ndarray, np.ndarray]) -> None:
    assert np.array_equal(frames(place.film), whole[0])
    assert np.array_equal(latents(place.film), whole[1])
    assert not partial_of(place.film).exists()


@pytest.mark.slow
def test_thirty_kills(tmp_path: Path, tiny_weights: Path, whole: tuple[np.ndarray, np.ndarray]) -> None:
    """Killed at random moments from the start of the process on, once or several times in a row."""
    rng = random.Random(1)
    begun = time.monotonic()
    assert Place(tmp_path / "timed", tiny_weights).run(*ASKED).returncode == 0
    length = time.monotonic() - begun
    counts = {"before the record": 0, "before the first frame": 0, "while it grew": 0, "when it was done": 0}
    kills = 0
    for number in range(1000):
        place = Place(tmp_path / str(number), tiny_weights)
        arguments: tuple[str, ...] = ASKED
        while kills < 30:
            process = place.start(*arguments)
            time.sleep(rng.uniform(0, 1.1 * length))
            done = process.poll() == 0
            process.kill()
            process.communicate()
            kills += not done
            shown = playing(place.film)
            if shown:
                assert len(frames(partial_of(place.film))) == shown
            if done:
                counts["when it was done"] += 1
                break
            if not place.runs():
                counts["before the record"] += 1
                continue
            counts["while it grew" if shown else "before the first frame"] += 1
            arguments = ("resume", "-q")
            if rng.random() < 0.5:
                break
        if place.runs() and not place.film.exists():
            resumed = place.run("resume", "-q")
            assert resumed.returncode == 0, resumed.stderr
        if place.film.exists():
            assert_whole(place, whole)
        if kills == 30:
            break
    print({"kills": kills, **counts, "films, all equal to the whole": number + 1})


def test_a_kill(tmp_path: Path, tiny_weights: Path, whole: tuple[np.ndarray, np.ndarray]) -> None:
    place = Place(tmp_path / "killed", tiny_weights)
    process = place.start(*ASKED)
    place.wait_for(process, 50)
    process.kill()
    process.communicate()
    shown = frames(partial_of(place.film))
    assert np.array_equal(shown, whole[0][: len(shown)]) and len(shown) % 8 == 0
    resumed = place.run("resume")
    assert resumed.returncode == 0, resumed.stderr
    assert_whole(place, whole)
    assert place.run("resume").stderr.startswith("error: no run in ")
