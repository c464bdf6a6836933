"""Runs that are stopped in every way, and gone on with: the film is always what it would have been."""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from places import ASKED, Place, frames, latents, playing, scarce
from typer.testing import CliRunner, Result

from pavdm_cli.cli.app import app
from pavdm_cli.errors import DeviceError, PavdmError, RunError, VideoError
from pavdm_cli.media import beginning, reader, writer
from pavdm_cli.media.encoder import command
from pavdm_cli.media.writer import partial_of
from pavdm_cli.models import quantised
from pavdm_cli.runs import store
from pavdm_cli.runs.film import Film
from pavdm_cli.runs.journal import Journal, unpacked
from pavdm_cli.runs.store import Run
from pavdm_cli.runs.stream import Chunk

Whole = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, tiny_weights: Path) -> Whole:
    """Return the frames and the latents of the film that nothing interrupted."""
    place = Place(tmp_path_factory.mktemp("films") / "whole", tiny_weights)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place.folder)
        patch.setenv("XDG_DATA_HOME", str(place.folder / "data"))
        assert pavdm(*ASKED, "-q").exit_code == 0
    return frames(place.film), latents(place.film)


@pytest.fixture
def place(tmp_path: Path, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Work in a folder with a tiny model."""
    found = Place(tmp_path / "place", tiny_weights)
    monkeypatch.chdir(found.folder)
    monkeypatch.setenv("XDG_DATA_HOME", str(found.folder / "data"))
    return found


def pavdm(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def assert_whole(place: Place, whole: Whole) -> None:
    assert np.array_equal(frames(place.film), whole[0])
    assert np.array_equal(latents(place.film), whole[1])
    assert not partial_of(place.film).exists()


def stopped(monkeypatch: pytest.MonkeyPatch, after: int, *arguments: str) -> Run:
    """Interrupt a command after so many chunks; return its run."""
    add, count = Film.add, iter(range(1000))

    def interrupted(self: Film, chunk: Chunk) -> None:
        if next(count) == after:
            raise KeyboardInterrupt
        add(self, chunk)

    with monkeypatch.context() as patch:
        patch.setattr(Film, "add", interrupted)
        result = pavdm(*(arguments or ASKED), "-q")
    assert result.exit_code == 130, result.exception
    root = store.place(None)
    run = store.last_stopped(root)
    assert result.stderr.splitlines()[-1] == f"pavdm resume {run.name}  goes on from there"
    return run


@pytest.mark.parametrize("after", [0, 13])
def test_an_interrupted_run_goes_on(
    place: Place, whole: Whole, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    run = stopped(monkeypatch, after)
    assert run.status == "stopped" and run.latents() == after + 1
    result = pavdm("resume")
    assert result.exit_code == 0, result.exception
    assert result.stdout.startswith(f"run     {run.name}, {after + 1} latents made\nmodel   tiny")
    assert_whole(place, whole)
    assert run.status == "finished"
    with pytest.raises(RunError, match="was stopped before its end"):
        _raise("resume")
    with pytest.raises(RunError, match=r"is finished already; its videos: film\.mp4"):
        _raise("resume", run.name)


def test_a_run_goes_on_from_another_folder(
    place: Place, whole: Whole, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stopped(monkeypatch, 9)
    monkeypatch.chdir(tmp_path)
    assert pavdm("resume", "-q").stdout == "place/film.mp4\n"
    assert_whole(place, whole)


def test_several_videos_go_on_where_they_stopped(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    several = ("generate", "a ball", "--count", "3", "--seed", "1", "--frames", "24", *ASKED[6:12])
    assert pavdm(*several, "-q", "-o", "whole/").exit_code == 0
    run = stopped(monkeypatch, 9, *several, "-o", "films/")
    assert (run.folder / "0" / "finished").exists() and not (run.folder / "1" / "finished").exists()
    assert pavdm("resume", "-q").exit_code == 0
    for number in (1, 2, 3):
        one, other = (frames(place.folder / folder / f"a-ball-{number}.mp4") for folder in ("whole", "films"))
        assert np.array_equal(one, other)


def test_extending_goes_on_too(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.film.with_name("old.mp4")
    assert pavdm("generate", "a ball", "--frames", "27", "-o", "old.mp4", *ASKED[6:12], "-q").exit_code == 0
    extend = ("extend", "old.mp4", "--frames", "40", "--prompt", "sea", *ASKED[6:8], *ASKED[10:14])
    assert pavdm(*extend, "-o", "whole.mp4", "-q").exit_code == 0
    for after in (0, 6):
        stopped(monkeypatch, after, *extend, "-o", f"{after}.mp4")
        if after:
            partial_of(place.folder / f"{after}.mp4").unlink()
        assert pavdm("resume", "-q").exit_code == 0
        assert np.array_equal(frames(place.folder / f"{after}.mp4"), frames(place.folder / "whole.mp4"))
    stopped(monkeypatch, 3, *extend, "-o", "gone.mp4")
    partial_of(place.folder / "gone.mp4").unlink()
    (place.folder / "old.mp4").unlink()
    with pytest.raises(RunError, match=r"old\.mp4: the video this run goes on from is gone"):
        _raise("resume")


DAMAGE: dict[str, Callable[[Run, Path], None]] = {
    "the growing file is gone": lambda run, film: partial_of(film).unlink(),
    "the growing file is another": lambda run, film: _flip(partial_of(film)) and None,
    "the growing file is cut": lambda run, film: os.truncate(partial_of(film), 3000),
    "the state is flipped": lambda run, film: _flip(run.folder / "0" / "state"),
    "no state is whole": lambda run, film: [_flip(path) for path in run.folder.glob("0/state*")] and None,
    "the log is cut": lambda run, film: os.truncate(run.folder / "0" / "latents", 100),
    "the log is flipped": lambda run, film: _flip(run.folder / "0" / "latents"),
    "all is gone but the record": lambda run, film: shutil.rmtree(run.folder / "0"),
}


def test_a_smaller_chunk_of_attention_is_gone_on_with(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory ends in the middle of the film; what is stopped then goes on as if it had not been stopped."""
    scarce(monkeypatch, 30)
    result = pavdm(*ASKED)
    assert result.exit_code == 0, result.exception
    assert result.stderr.count("too little free memory for a call; going on with --attention-chunk 16") == 1
    assert reader.tags(place.film)["attention_chunk"] == 16
    place.film.unlink()
    assert pavdm(*ASKED, "-q").exit_code == 0  # nothing is timed before, so the film itself meets the lack
    whole = frames(place.film), latents(place.film)
    assert reader.tags(place.film)["attention_chunk"] == 16
    place.film.unlink()
    for after in (1, 2, 9):  # the widest call comes first after the second latent
        for damage in ("none", "the state is flipped", "no state is whole"):
            run = stopped(monkeypatch, after)
            state = unpacked((run.folder / "0" / "state").read_bytes())
            assert state is not None and state.smaller == (16 if after > 1 else None)
            if damage != "none":
                DAMAGE[damage](run, place.film)
            assert pavdm("resume", "-q").exit_code == 0
            assert_whole(place, whole)
            place.film.unlink()


def test_lack_of_memory_that_halving_does_not_mend_is_one_line(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    scarce(monkeypatch, 1)
    with pytest.raises(DeviceError, match="too little free memory"):
        _raise(*ASKED, "-q")


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 16
    path.write_bytes(data)


QUICK = ("the growing file is gone", "the state is flipped", "the log is flipped")


@pytest.mark.parametrize(
    "damage", [one if one in QUICK else pytest.param(one, marks=pytest.mark.slow) for one in DAMAGE]
)
def test_what_was_damaged_is_made_again(
    place: Place, whole: Whole, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    run = stopped(monkeypatch, 17)
    DAMAGE[damage](run, place.film)
    assert pavdm("resume", "-q").exit_code == 0
    assert_whole(place, whole)


def test_a_film_encoded_otherwise_is_made_again(
    place: Place, whole: Whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frames of another encoder cannot follow in one file; they are made again from the latents."""
    with monkeypatch.context() as patch:
        patch.setattr(
            writer, "command", lambda *given: ["slow" if w == "superfast" else w for w in command(*given)]
        )
        stopped(patch, 17)
    assert not beginning.goes_on(partial_of(place.film), (32, 32), 8, 1, 18)
    assert pavdm("resume", "-q").exit_code == 0
    assert_whole(place, whole)


@pytest.mark.parametrize("grown", [False, True], ids=("alone", "beside what it grew in"))
def test_killed_between_the_file_and_the_mark(
    place: Place, monkeypatch: pytest.MonkeyPatch, grown: bool
) -> None:
    def dies(self: Journal) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "finish", dies)
        assert pavdm(*ASKED, "--at", "9s=a blue ball", "-q").exit_code == 130
    made = place.film.read_bytes()
    if grown:
        partial_of(place.film).write_bytes(made)
    monkeypatch.setattr("pavdm_cli.runs.make.stream", None)  # nothing is made again
    result = pavdm("resume")
    assert result.exit_code == 0, result.exception
    assert "all of it was made already" in result.stdout
    assert place.film.read_bytes() == made and not partial_of(place.film).exists()


def test_a_film_that_was_moved_to_its_place_is_left_alone(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pavdm("generate", "a ball", "--frames", "8", "-o", "other.mp4", *ASKED[6:12], "-q").exit_code == 0
    other = (place.folder / "other.mp4").read_bytes()
    stopped(monkeypatch, 9)
    (place.folder / "other.mp4").rename(place.film)  # which keeps the time at which it was written
    with pytest.raises(RunError, match=r"film\.mp4 is newer than run"):
        _raise("resume")
    assert place.film.read_bytes() == other


def test_what_fails_once_old_frames_are_copied_goes_on(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Journal, *_: object, **__: object) -> None:
        raise RunError("the disk is full")

    assert pavdm("generate", "a ball", "--frames", "16", "-o", "old.mp4", *ASKED[6:12], "-q").exit_code == 0
    extend = ("extend", "old.mp4", "--frames", "8", *ASKED[6:8], *ASKED[10:14])
    assert pavdm(*extend, "-o", "whole.mp4", "-q").exit_code == 0
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "save", full)
        result = pavdm(*extend, "-o", "new.mp4", "-q")
    assert "the disk is full" in str(result.exception)
    assert "goes on from where it stopped" in result.stderr
    assert partial_of(place.folder / "new.mp4").exists()
    assert pavdm("resume", "-q").exit_code == 0
    assert np.array_equal(frames(place.folder / "new.mp4"), frames(place.folder / "whole.mp4"))


def test_a_new_run_that_another_process_took_is_left_to_it(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = []
    create = store.create

    def seized(*arguments: Any) -> Run:
        run = create(*arguments)
        taken.append(run.locked())
        taken[-1].__enter__()
        return run

    monkeypatch.setattr(store, "create", seized)
    with pytest.raises(RunError, match="is being worked on by another process"):
        _raise(*ASKED, "-q")
    (run,) = store.all_runs(store.place(None))
    assert run.status == "running"
    taken[0].__exit__(None, None, None)


def test_other_weights_or_numbers_are_refused(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    run = stopped(monkeypatch, 9)
    record = run.folder / "machine.json"
    plain = record.read_text()
    for old, new, said in (
        ('"torch": "', '"torch": "0.1-', r"begun with torch 0\.1-.*, now 2.*: it would not go on exactly"),
        ('"threads": ', '"threads": "x', "machine.json: "),
    ):
        record.write_text(plain.replace(old, new))
        with pytest.raises(RunError, match=said):
            _raise("resume")
    record.write_text(plain)
    vae = Path("weights/tiny/vae.safetensors")
    shutil.copy(vae, "vae.safetensors")
    quantised.save(vae, {name: value * 1.01 for name, value in quantised.load(vae).items()})
    with pytest.raises(RunError, match=r"the model is not the one this run began with.*restore it"):
        _raise("resume")
    shutil.copy("vae.safetensors", vae)
    with run.locked(), pytest.raises(RunError, match="is being worked on by another process"):
        _raise("resume", run.name)
    with run.locked(), pytest.raises(RunError, match=f"{run.name} is being worked on by another"):
        _raise("resume")
    (run.folder / "run.json").write_text("{")
    with pytest.raises(RunError, match="its record is damaged"):
        _raise("resume")
    with pytest.raises(RunError, match="run 'none': not in"):
        _raise("resume", "none")
    with pytest.raises(RunError, match="not in"):
        _raise("resume", "../x")


def _raise(*arguments: str) -> None:
    result = pavdm(*arguments)
    assert result.exception is not None, result.output
    raise result.exception


def test_what_cannot_go_on_is_not_removed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a run another process has just begun, nor one whose film would go over a newer one."""
    run = stopped(monkeypatch, 9)
    shutil.rmtree(run.folder / "0")
    with run.locked(), pytest.raises(RunError, match="is being worked on"):
        _raise("resume", run.name)
    assert pavdm(*ASKED, "-q", "--force").exit_code == 0
    newer = frames(place.film)
    with pytest.raises(RunError, match=f"film.mp4 is newer than run {run.name}"):
        _raise("resume")
    assert run.status == "stopped" and np.array_equal(frames(place.film), newer)


def test_a_film_that_another_run_is_writing_is_left_alone(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = stopped(monkeypatch, 9)
    growing = partial_of(place.film).read_bytes()
    with run.taken(), pytest.raises(RunError, match=f"film.mp4 is being written by run {run.name}"):
        _raise(*ASKED, "-q", "--force")
    assert store.all_runs(run.folder.parent) == [run]
    assert partial_of(place.film).read_bytes() == growing


def test_what_is_no_film_can_be_written_over(place: Place, whole: Whole) -> None:
    place.film.write_text("no film")
    assert pavdm(*ASKED, "-q", "--force").exit_code == 0
    assert_whole(place, whole)


def test_what_fails_before_its_first_latent_leaves_no_run(place: Place) -> None:
    result = pavdm(*ASKED, "--schedule", "progressive:context=9")
    assert isinstance(result.exception, PavdmError)
    assert store.all_runs(store.place(None)) == []


def test_a_disk_that_fills_up_names_the_run(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    keep, count = Journal.keep, iter(range(100))

    def full(self: Journal, *arguments: object) -> None:
        if next(count) == 5:
            raise RunError("the disk is full")
        keep(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Journal, "keep", full)
    result = pavdm(*ASKED, "-q")
    assert isinstance(result.exception, RunError)
    (run,) = store.all_runs(store.place(None))
    assert result.stderr == f"pavdm resume {run.name}  goes on from where it stopped\n"


def test_a_kill(tmp_path: Path, tiny_weights: Path, whole: Whole) -> None:
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


@pytest.mark.slow
def test_thirty_kills(tmp_path: Path, tiny_weights: Path) -> None:
    """Killed at random moments from the start of the process on, once or several times in a row."""
    rng = random.Random(1)
    asked = (*ASKED, "--seconds", "60")
    timed = Place(tmp_path / "timed", tiny_weights)
    begun = time.monotonic()
    assert timed.run(*asked).returncode == 0
    length = time.monotonic() - begun
    film = frames(timed.film), latents(timed.film)
    counts = {"before the record": 0, "before the first frame": 0, "while it grew": 0, "when it was done": 0}
    kills = films = 0
    while kills < 30:
        place, arguments = Place(tmp_path / str(films), tiny_weights), asked
        while kills < 30:
            process = place.start(*arguments)
            time.sleep(rng.uniform(0, 1.05 * length))
            done = process.poll() == 0
            process.kill()
            process.communicate()
            kills += not done
            shown = playing(place.film)
            if shown:
                assert len(frames(partial_of(place.film))) == shown
            if done or place.film.exists():
                counts["when it was done"] += 1
                break
            if not place.runs():
                counts["before the record"] += 1
                continue
            counts["while it grew" if shown else "before the first frame"] += 1
            arguments = ("resume", "-q")
            if rng.random() < 0.5:
                break
        resumed = place.run("resume", "-q")
        assert resumed.returncode == 0 or "was stopped before its end" in resumed.stderr, resumed.stderr
        if place.film.exists():
            assert_whole(place, film)
            films += 1
    print({"kills": kills, **counts, "films, all equal to the whole": films})


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_signals(tmp_path: Path, tiny_weights: Path, whole: Whole, name: str) -> None:
    place, number = Place(tmp_path / name, tiny_weights), getattr(signal, name)
    process = place.start(*ASKED)
    place.wait_for(process, 40)
    process.send_signal(number)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 128 + number, err
    assert " plays: " in err and "pavdm resume " in err
    assert place.run("resume").returncode == 0
    assert_whole(place, whole)


@pytest.mark.slow
def test_ffmpeg_is_killed(tmp_path: Path, tiny_weights: Path, whole: Whole) -> None:
    place = Place(tmp_path / "place", tiny_weights)
    process = place.start(*ASKED)
    place.wait_for(process, 40)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for child in children:
        os.kill(int(child), signal.SIGKILL)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1 and "ffmpeg stopped (-9)" in err
    assert place.run("resume").returncode == 0
    assert_whole(place, whole)


@pytest.mark.slow
def test_the_output_folder_is_removed(tmp_path: Path, tiny_weights: Path, whole: Whole) -> None:
    place = Place(tmp_path / "place", tiny_weights)
    place.film = place.folder / "new" / "film.mp4"
    process = place.start(*ASKED[:-1], "new/film.mp4")
    place.wait_for(process, 40)
    shutil.rmtree(place.folder / "new")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1 and "could not be finished" in err, err
    assert place.run("resume").returncode == 0
    assert_whole(place, whole)


@pytest.mark.slow
@pytest.mark.parametrize("what", ["films", "runs"])
def test_the_disk_is_full(tmp_path: Path, tiny_weights: Path, whole: Whole, what: str) -> None:
    place = Place(tmp_path / "place", tiny_weights)
    small = place.folder / "small"
    small.mkdir()
    mount = ("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small))
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk needs the right to mount one")
    try:
        place.film = small / "film.mp4" if what == "films" else place.film
        asked = (*ASKED[:-1], str(place.film))
        if what == "runs":
            (small / "ballast").write_bytes(bytes(44 << 10))
            asked = (*asked, "--run-dir", "small")
        done = place.run(*asked)
        assert done.returncode == 1 and "the disk is full" in done.stderr, done.stderr
        assert "Traceback" not in done.stderr and "pavdm resume" in done.stderr
        (small / "ballast").unlink(missing_ok=True)
        subprocess.run(("mount", "-o", "remount,size=4m", str(small)), check=True)
        again = place.run("resume", *(("--run-dir", "small") if what == "runs" else ()))
        assert again.returncode == 0, again.stderr
        assert_whole(place, whole)
    finally:
        subprocess.run(("umount", "-l", str(small)), check=False)


@pytest.mark.slow
def test_two_processes_on_one_run(tmp_path: Path, tiny_weights: Path, whole: Whole) -> None:
    place = Place(tmp_path / "place", tiny_weights)
    process = place.start(*ASKED)
    place.wait_for(process, 8)
    (record,) = place.runs()
    process.send_signal(signal.SIGSTOP)
    second = place.run("resume", record.parent.name)
    assert second.returncode == 1 and "is being worked on by another process" in second.stderr
    process.send_signal(signal.SIGCONT)
    process.communicate(timeout=120)
    assert process.returncode == 0
    assert_whole(place, whole)


def test_an_error_while_writing_keeps_the_film(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A video error in the middle names the run, and the file that is there plays."""
    add, count = Film.add, iter(range(1000))

    def fails(self: Film, chunk: Chunk) -> None:
        if next(count) == 9:
            raise VideoError("no more")
        add(self, chunk)

    monkeypatch.setattr(Film, "add", fails)
    result = pavdm(*ASKED, "-q")
    assert isinstance(result.exception, VideoError) and "pavdm resume" in result.stderr
    assert len(frames(partial_of(place.film))) == 36
