"""The same random weights through diffusers' SkyReels-V2 windows and through ours.

    python benchmarks/peer.py [SECONDS ...] [--json FILE]

A SkyReels-V2 diffusion forcing checkpoint of reduced width, random in every number, is written to a temporary
folder in diffusers' format. Then each way makes videos from it (default about 10, 30 and 60 seconds), each in
a process of its own:

    sync    SkyReelsV2DiffusionForcingPipeline, all new latents of a window at one level
    async   the same, blocks of five latents a sixth of the steps apart, with causal attention
    ours    pavdm_cli, progressive: four chunks of five latents, each at a level of its own

Alike in all: 25 latents of 8x8 in a call, five of them clean context shown at level 0.02; 12 steps; guidance
6 in two calls of the transformer; prompt; float32; the threads that torch is given. Not alike: diffusers
moves latents by UniPC, ours by Euler steps; diffusers decodes all at the end and returns all frames, ours
decodes as it goes and lets each frame go. Lengths are rounded up to whole windows of diffusers: 25 latents
and 20 more for each.

Seconds are wall time from the prompt to the last frame, without loading and after one short video that is
not counted; CPU seconds are those of all threads, which other programs on the machine disturb less. Calls are
those of the transformer, two for a guided step; latent evaluations are the latents shown in them. Memory is
the most that the process held (Linux's VmHWM).
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "models")]

PROMPT, NEGATIVE, GUIDANCE, SEED = "a red ball bouncing", "people", 6.0, 1
SIZE, FPS, STEPS = (64, 64), 24, 12
SPAN, CONTEXT, CHUNK = 25, 5, 5  # latents
NOISED = 0.02  # level at which the context is shown
WAYS = ("sync", "async", "ours")
SIZES = {
    "num_attention_heads": 4,
    "attention_head_dim": 64,
    "ffn_dim": 1536,
    "num_layers": 4,
    "freq_dim": 256,
}
"""The transformer; SkyReels-V2 1.3B has 12 heads of 128, 8960 and 30."""

Count = dict[str, int]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("seconds", nargs="*", type=float, default=[10.0, 30.0, 60.0])
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument(
        "--one", nargs=2, metavar=("WAY", "FOLDER"), help="measure one way; for this script itself"
    )
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(measured(asked.one[0], Path(asked.one[1]), frames(asked.seconds[0]))))
        return
    found = []
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder))
        for seconds in asked.seconds:
            found.append({way: _child(way, folder, seconds) for way in WAYS})
            print(table(found[-1]), flush=True)
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=2) + "\n")


def frames(seconds: float) -> int:
    """Return the frames of at least so many seconds that fill whole windows."""
    wanted = -(-(round(seconds * FPS) - 1) // 4) + 1
    more = max(-(-(wanted - SPAN) // (SPAN - CONTEXT)), 0)
    return 4 * (SPAN + more * (SPAN - CONTEXT) - 1) + 1


def write(folder: Path) -> None:
    """Write the checkpoint."""
    import checkpoints

    checkpoints.skyreels(folder, **SIZES)


def measured(way: str, folder: Path, count: int) -> dict[str, float]:
    """Make a video of so many frames in this process; return what it took."""
    make, transformer = ours(folder) if way == "ours" else theirs(folder, way)
    make(17)
    work: Count = {"calls": 0, "latent_evaluations": 0}

    def shown(_: object, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        latents = given[0] if given else named["hidden_states"]
        work["calls"] += 1
        work["latent_evaluations"] += latents.shape[0] * latents.shape[2]

    transformer.register_forward_pre_hook(shown, with_kwargs=True)
    begun, worked = time.perf_counter(), time.process_time()
    made = make(count)
    wall, worked = time.perf_counter() - begun, time.process_time() - worked
    assert made == count, f"{way} made {made} of {count} frames"
    status = Path("/proc/self/status").read_text()
    peak = re.search(r"^VmHWM:\s*(\d+) kB$", status, flags=re.MULTILINE)
    assert peak
    return {
        "video_s": count / FPS,
        "wall_s": wall,
        "seconds_per_second": wall / (count / FPS),
        "cpu_seconds_per_second": worked / (count / FPS),
        **work,
        "peak_memory_mib": int(peak[1]) / 1024,
    }


def theirs(folder: Path, way: str) -> tuple[Callable[[int], int], Any]:
    """Return what makes so many frames with diffusers, and its transformer."""
    import torch
    from diffusers import SkyReelsV2DiffusionForcingPipeline

    pipeline = SkyReelsV2DiffusionForcingPipeline.from_pretrained(folder, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    turns = {"ar_step": STEPS // 6, "causal_block_size": CHUNK} if way == "async" else {}

    def make(count: int) -> int:
        return len(
            pipeline(
                PROMPT, NEGATIVE, *SIZE, count, STEPS, GUIDANCE, fps=FPS,
                generator=torch.Generator().manual_seed(SEED), base_num_frames=4 * (SPAN - 1) + 1,
                overlap_history=4 * (CONTEXT - 1) + 1, addnoise_condition=1000 * NOISED, **turns,
            ).frames[0]
        )  # fmt: skip

    return make, pipeline.transformer


def ours(folder: Path) -> tuple[Callable[[int], int], Any]:
    """Return what makes so many frames with this program, and its transformer."""
    from pavdm_cli.models import library
    from pavdm_cli.models.device import place
    from pavdm_cli.models.pipeline import load
    from pavdm_cli.runs.request import Request
    from pavdm_cli.runs.stream import stream
    from pavdm_cli.sampling.schedule import Ramp

    config = library.config(folder).shaped(SIZE, FPS)
    pipeline = load(str(folder), place("cpu", "fp32"), config=config)
    ramp = Ramp(
        steps=STEPS, window=SPAN - CONTEXT, chunk=CHUNK, context=CONTEXT, context_level=NOISED, shift=8.0
    )

    def make(count: int) -> int:
        request = Request((PROMPT,), (SEED,), count, "progressive", ramp, GUIDANCE, NEGATIVE)
        return sum(chunk.frames.shape[1] for chunk in stream(pipeline, request))

    return make, pipeline.denoiser


def table(found: dict[str, dict[str, float]]) -> str:
    """Lay the ways side by side, with ours over each of the others."""
    ours = found["ours"]
    rows = [
        f"{ours['video_s']:.1f} s of video" + "".join(f"{name:>12}" for name in (*WAYS, "/ sync", "/ async"))
    ]
    names = {
        "seconds_per_second": "seconds a second",
        "cpu_seconds_per_second": "CPU s a second",
        "calls": "calls",
        "latent_evaluations": "latents shown",
        "peak_memory_mib": "peak MiB",
    }
    width = len(rows[0]) - 12 * 5
    for key, name in names.items():
        values = [found[way][key] for way in WAYS]
        ratios = [ours[key] / found[way][key] for way in WAYS[:2]]
        whole = 3 if "seconds" in key else 0
        rows.append(
            f"{name:<{width}}"
            + "".join(f"{v:12.{whole}f}" for v in values)
            + "".join(f"{r:12.2f}" for r in ratios)
        )
    return "\n".join(rows)


def _child(way: str, folder: str, seconds: float) -> dict[str, float]:
    command = [sys.executable, __file__, str(seconds), "--one", way, folder]
    quiet = os.environ | {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "TQDM_DISABLE": "1"}
    done = subprocess.run(command, env=quiet, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
