"""Make the sheets in this folder: python docs/sheets.py [MODEL] (from the top of the checkout).

Each prompt of prompts.txt becomes a minute of video with seed 1 and default settings; sheets.jpg has a row a
prompt and a frame every five seconds, strip.png the first prompt alone, sheets.json the drift figures.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
from PIL import Image

from pavdm_cli.drift.report import summary
from pavdm_cli.drift.statistics import DriftMeter
from pavdm_cli.media.sheet import save_png, sheet
from pavdm_cli.models.device import place, share_cores
from pavdm_cli.models.pipeline import load
from pavdm_cli.runs.request import Request
from pavdm_cli.runs.stream import stream

HERE = Path(__file__).parent
SECONDS, EVERY = 60, 5


def main() -> None:
    share_cores(halved=True)  # as `pavdm generate` does
    pipeline = load(sys.argv[1] if len(sys.argv) > 1 else "worlds", place("auto", "auto"))
    settings, fps = pipeline.config, pipeline.config.fps
    rows, report = [], {}
    for prompt in (HERE / "prompts.txt").read_text().splitlines():
        request = Request((prompt,), (1,), SECONDS * fps, "progressive", settings.sampling, settings.guidance)
        meter, kept = DriftMeter(fps), []
        for chunk in stream(pipeline, request):
            frames = chunk.frames[0]
            meter.add(frames)
            kept += [f for i, f in enumerate(frames, chunk.first) if (i + 1) % (EVERY * fps) == 0 or i == 0]
        rows.append(np.stack(kept))
        report[prompt] = asdict(summary(meter.seconds))
        print(f"{report[prompt]['verdict']['word']:7s} {prompt}", flush=True)
        Image.fromarray(sheet(rows)).save(HERE / "sheets.jpg", quality=88)
    save_png(HERE / "strip.png", sheet(rows[:1]))
    (HERE / "sheets.json").write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
