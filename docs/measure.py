"""Measure what the README says of speed and memory: python docs/measure.py [SECONDS ...] (default 60 300).

For each length a video is made by `pavdm generate` in a process of its own, with default settings: wall time
of the whole command, time until the first second is on disk, and peak memory. Then the time of the lightest
commands, and of `pavdm generate` until its first model call is done: the median of five processes each, of
wall and of processor seconds, which other programs on the machine disturb less. Results go to measures.json.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pavdm_cli.media.fragments import Fragment, FragmentParser

PROMPT = "a red ball bouncing on a blue background"
PROGRAM = "from pavdm_cli.cli.app import main; main()"
UNTIL_FIRST_CALL = """
import os
from pavdm_cli.models.native import Native
plain = Native.velocity
def velocity(self, *given):
    plain(self, *given)
    os._exit(0)
Native.velocity = velocity
"""
STARTS = {
    "help": (PROGRAM, "--help"),
    "models_list": (PROGRAM, "models", "list"),
    "first_call": (UNTIL_FIRST_CALL + PROGRAM, "generate", PROMPT, "--seconds", "60", "-o", "video.mp4"),
}


def main() -> None:
    lengths = [int(word) for word in sys.argv[1:]] or [60, 300]
    found: dict[str, object] = {str(seconds): _measure(seconds) for seconds in lengths}
    found["start"] = {name: _start(*arguments) for name, arguments in STARTS.items()}
    found["cores"] = len(os.sched_getaffinity(0))
    path = Path(__file__).with_name("measures.json")
    path.write_text(json.dumps(found, indent=2) + "\n")
    print(path.read_text())


def _measure(seconds: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "video.mp4"
        command = ["pavdm", "generate", PROMPT, "--seconds", str(seconds), "--seed", "1", "-o", str(output)]
        begun = time.monotonic()
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        first = _first_second(output.with_name("video.partial.mp4"), begun)
        _, status, usage = os.wait4(child.pid, 0)
        assert status == 0, f"pavdm generate ended with {status}"
        return {
            "wall_s": round(time.monotonic() - begun, 1),
            "first_second_on_disk_s": round(first, 1),
            "peak_memory_mib": round(usage.ru_maxrss / 1024, 1),
        }


def _start(program: str, *arguments: str) -> dict[str, float]:
    walls, cpu = [], []
    for _ in range(5):
        with tempfile.TemporaryDirectory() as folder:
            begun = time.monotonic()
            child = subprocess.Popen(
                [sys.executable, "-c", program, *arguments],
                cwd=folder,
                env=os.environ | {"XDG_DATA_HOME": folder},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            _, status, usage = os.wait4(child.pid, 0)
            assert status == 0, f"{arguments} ended with {status}"
            walls.append(time.monotonic() - begun)
            cpu.append(usage.ru_utime + usage.ru_stime)
    return {"wall_s": round(statistics.median(walls), 2), "cpu_s": round(statistics.median(cpu), 2)}


def _first_second(partial: Path, begun: float) -> float:
    """Wait until a whole fragment, one second of video, is in the growing file."""
    while True:
        time.sleep(0.05)
        if partial.exists():
            whole = FragmentParser().feed(partial.read_bytes())
            if any(isinstance(part, Fragment) for part in whole):
                return time.monotonic() - begun


if __name__ == "__main__":
    main()
