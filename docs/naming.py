"""Make sheets for eyes that know no prompts: python docs/naming.py [FOLDER [SEED [OTHER]]].

Run it from the top. FOLDER holds a scorecard's records (outputs/scorecard by default). The strips of one
seed's films and of as many true renders, or of the films of another scorecard (OTHER), are shuffled into
naming-1.png and on, beside them, with nothing but a number to each row; which is which stands in naming.json.
Prompts whose films are not made in both are left out. Give the sheets to somebody who has not seen the
prompts, ask what each row shows, and hold the answers against naming.json.
"""

import json
import random
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from pavdm_cli.media.sheet import save_png
from pavdm_cli.studies.plan import record_path
from pavdm_cli.studies.prompts import PROMPTS

ROWS, MARGIN, GAP = 12, 60, 4


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "outputs/scorecard")
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    beside = (Path(sys.argv[3]), "made") if len(sys.argv) > 3 else (folder, "real")

    def strip(place: tuple[Path, str], prompt: int) -> Path:
        return record_path(*place, prompt, seed).with_suffix(".png")

    places = ((folder, "made"), beside)
    there = [i for i in range(len(PROMPTS)) if all(strip(place, i).exists() for place in places)]
    rows = [(place, i) for place in places for i in there]
    random.Random(seed).shuffle(rows)
    strips = [Image.open(strip(place, i)).convert("RGB") for place, i in rows]
    for page in range(-(-len(rows) // ROWS)):
        first = page * ROWS
        save_png(folder / f"naming-{page + 1}.png", sheet(strips[first : first + ROWS], first))
    key = [
        {"row": n, "folder": str(place), "kind": kind, "prompt": PROMPTS[i].prompt}
        for n, ((place, kind), i) in enumerate(rows, start=1)
    ]
    (folder / "naming.json").write_text(json.dumps(key, indent=1) + "\n")


def sheet(strips: list[Image.Image], first: int) -> np.ndarray:
    """Lay strips below each other, each behind its number."""
    width, height = max(strip.width for strip in strips), strips[0].height + GAP
    page = Image.new("RGB", (MARGIN + width, height * len(strips)), "white")
    for n, strip in enumerate(strips):
        page.paste(strip, (MARGIN, n * height))
        place, number = (10, n * height + height // 2), str(first + n + 1)
        ImageDraw.Draw(page).text(place, number, fill="black", font_size=28)
    return np.asarray(page)


if __name__ == "__main__":
    main()
