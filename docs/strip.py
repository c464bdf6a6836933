"""Make strip.png, which the README opens with: python docs/strip.py [MODEL] (from the top of the checkout).

A minute of the prompt of `make demo`, seed 1, default settings: a frame every five seconds.
"""

import sys
from pathlib import Path

import numpy as np

from pavdm_cli.media.sheet import save_png, sheet
from pavdm_cli.models.device import place, share_cores
from pavdm_cli.models.pipeline import load
from pavdm_cli.runs.request import Request
from pavdm_cli.runs.stream import stream

PROMPT = "a red ball bouncing on a blue background"
SECONDS, EVERY = 60, 5


def main() -> None:
    share_cores(halved=True)  # as `pavdm generate` does
    pipeline = load(sys.argv[1] if len(sys.argv) > 1 else "worlds", place("auto", "auto"))
    settings, fps = pipeline.config, pipeline.config.fps
    request = Request((PROMPT,), (1,), SECONDS * fps, "progressive", settings.sampling, settings.guidance)
    kept = [
        frame
        for chunk in stream(pipeline, request)
        for i, frame in enumerate(chunk.frames[0], chunk.first)
        if i == 0 or (i + 1) % (EVERY * fps) == 0
    ]
    save_png(Path(__file__).with_name("strip.png"), sheet([np.stack(kept)]))


if __name__ == "__main__":
    main()
