"""Measure what the README says of speed and memory: python docs/measure.py [SECONDS ...] (default 60 300).

For each length a video is made by `pavdm generate` in a process of its own, with default settings: wall time
of the whole command, time until the first second is on disk, and peak memory. Results go to measures.json.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pavdm_cli.media.fragments import Fragment, FragmentParser

PROMPT = "a red ball bouncing on a blue background"


def main() -> None:
    lengths = [int(word) for word in sys.argv[1:]] or [60, 300]
    found = {str(seconds): _measure(seconds) for seconds in lengths}
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
