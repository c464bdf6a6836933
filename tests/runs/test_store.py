"""Runs on disk: named, listed, locked, and cleared away."""

import errno
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock
from typer.testing import CliRunner

from pavdm_cli.cli.app import app
from pavdm_cli.errors import RunError
from pavdm_cli.models.config import write
from pavdm_cli.runs import store
from pavdm_cli.runs.order import Asked, Source, Video
from pavdm_cli.runs.store import Run
from pavdm_cli.runs.timeline import Cue
from pavdm_cli.sampling.schedule import Ramp

ASKED = Asked(
    asked_model="tiny", folder=Path("weights/tiny"), videos=(Video("a ball", 2**62, Path("out/a.mp4")),),
    frames=40, schedule="progressive", ramp=Ramp(horizon=3), guidance=2.5, negative="", scale=1, quality=18,
    device="auto", dtype="fp32", attention_chunk=None, deterministic=False, blend=0.5,
    cues=(Cue(1.5, "sea"),),
    source=Source(path=Path("old.mp4"), size=3, frames=None, leftover=2, only_new=True, encode=True),
)  # fmt: skip


def test_a_record_comes_back_with_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = store.create(tmp_path / "runs", ASKED, "a-ball")
    assert run.name.endswith("-a-ball") and ASKED.source
    assert run.asked() == replace(
        ASKED,
        folder=tmp_path / "weights" / "tiny",
        videos=(replace(ASKED.videos[0], path=tmp_path / "out" / "a.mp4"),),
        source=replace(ASKED.source, path=tmp_path / "old.mp4"),
    )


def made(root: Path, *, size: int = 0, finished: bool = False) -> Run:
    run = store.create(root, ASKED, "run")
    (run.folder / "ballast").write_bytes(bytes(size))
    if finished:
        run.finish()
    return run


def test_what_another_process_removes_meanwhile_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, plain = [made(tmp_path, size=5, finished=True) for _ in range(2)], Path.stat
    seen: set[Path] = set()

    def stat(path: Path, **options: bool) -> os.stat_result:
        if path in seen and path.is_relative_to(runs[0].folder):
            raise FileNotFoundError(errno.ENOENT, "gone", path)
        seen.add(path)
        return plain(path, **options)

    monkeypatch.setattr(Path, "stat", stat)
    assert store.all_runs(tmp_path) == runs[1:]
    assert runs[0].size() == 0 and runs[1].size() > 5
    store.prune(tmp_path, most=0)
    assert not runs[1].folder.exists()


def test_runs_stand_in_the_order_they_were_begun(tmp_path: Path) -> None:
    runs = [made(tmp_path) for _ in range(3)]
    assert store.all_runs(tmp_path) == runs and len({run.name for run in runs}) == 3
    assert store.last_stopped(tmp_path) == runs[2] == store.find(tmp_path, runs[2].name)
    runs[2].finish()
    with runs[1].locked():
        assert [run.status for run in runs] == ["stopped", "running", "finished"]
        assert store.last_stopped(tmp_path) == runs[0]
        with runs[0].locked(), pytest.raises(RunError, match="is being worked on by another process"):
            store.last_stopped(tmp_path)


def to(run: Run, path: Path) -> Run:
    write(replace(run.asked(), videos=(Video("a ball", 1, path),)), run.folder / "run.json")
    return run


def test_two_runs_do_not_write_one_file_at_once(tmp_path: Path) -> None:
    one, same, other = (to(made(tmp_path), tmp_path / name) for name in ("a.mp4", "x/../a.MP4", "b.mp4"))
    with one.taken():
        refused = pytest.raises(RunError, match=rf"a\.MP4 is being written by run {one.name}; .* --output")
        with refused, same.taken():
            pass
        assert same.status == "stopped"
        with other.taken():
            assert [run.status for run in (one, same, other)] == ["running", "stopped", "running"]
    (other.folder / "run.json").write_text("{")  # a damaged record stops no other run
    with other.locked(), same.taken():
        assert one.status == "stopped"


def test_runs_that_begin_at_once_wait_for_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "BEGINNING", 0.1)
    run = made(tmp_path)
    with FileLock(tmp_path / "lock"), pytest.raises(RunError, match="beginning a run"), run.taken():
        pass
    (tmp_path / "lock").unlink()
    (tmp_path / "lock").mkdir()
    with pytest.raises(RunError, match="choose another place with --run-dir"), run.taken():
        pass


def test_a_dead_process_holds_no_lock(tmp_path: Path) -> None:
    run = made(tmp_path)
    script = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom pavdm_cli.runs.store import Run\n"
        "with Run(Path(sys.argv[1])).locked():\n    os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(run.folder)], check=False)
    assert done.returncode == -9 and (run.folder / "lock").exists()
    assert run.status == "stopped"


def test_the_oldest_finished_runs_go_first(tmp_path: Path) -> None:
    kept = [made(tmp_path, size=1000, finished=i != 1) for i in range(4)]
    store.prune(tmp_path, most=2 * kept[3].size())
    assert store.all_runs(tmp_path) == kept[1:]
    store.prune(tmp_path, most=0)
    assert store.all_runs(tmp_path) == [kept[1]]


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="choose another place with --run-dir"):
        store.create(tmp_path / "file" / "runs", ASKED, "x")
    assert store.place(None).name == "runs" and store.place(tmp_path) == tmp_path
    with pytest.raises(RunError, match="no run in"):
        store.last_stopped(tmp_path / "none")


def test_the_list_tells_and_clears(own_runs: Path) -> None:
    def said(*arguments: str) -> str:
        result = CliRunner().invoke(app, ["runs", *arguments])
        assert result.exit_code == 0, result.exception
        return result.stdout

    one, two, three = made(own_runs, finished=True), made(own_runs), made(own_runs)
    (three.folder / "run.json").write_text("no record")
    lines = said("list").splitlines()
    assert lines[0].split() == ["name", "status", "frames", "latents", "megabytes", "seed", "video"]
    video = ASKED.videos[0]
    facts = [one.name, "finished", ASKED.frames, 0, 0.0, video.seed, video.path.absolute()]
    assert lines[1].split() == [str(fact) for fact in facts]
    assert [line.split()[1] for line in lines[2:4]] == ["stopped", "stopped"]
    assert lines[3].endswith("its record is damaged")
    assert lines[4] == f"3 in {own_runs}; of finished ones, the newest 1 GiB are kept"
    assert '"status": "finished"' in said("list", "--json")
    shown = said("show", two.name).splitlines()
    assert shown[0].startswith(f"run     {two.name}, stopped, 0 latents") and "from 1.5 s: sea" in shown[2]
    assert shown[-1] == f"next    pavdm resume {two.name}"
    with two.locked():
        assert said("clean", "--all").splitlines()[:2] == [f"removed {one.name}", f"removed {three.name}"]
        result = CliRunner().invoke(app, ["runs", "clean", two.name])
        assert isinstance(result.exception, RunError)
    assert said("clean").startswith("0.0 MB freed")
    assert store.all_runs(own_runs) == [two]
    said("clean", two.name)
    assert os.listdir(own_runs) == []
