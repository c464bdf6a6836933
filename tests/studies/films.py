"""Records made up for tests: videos whose every figure is known."""

from dataclasses import replace

import numpy as np

from pavdm_cli.drift.statistics import FIGURES
from pavdm_cli.studies.prompts import PROMPTS
from pavdm_cli.studies.records import Look, Record

SECONDS = 20


def record(prompt: int = 0, seed: int = 1, noise: float = 0.1, wrong: int = 0) -> Record:
    """A video that shows what its prompt says but for its last `wrong` looks, which show the next prompt."""
    rng = np.random.default_rng([prompt, seed])
    looks = []
    starts = range(0, SECONDS - 3, 2)
    for n, at in enumerate(starts):
        shown = PROMPTS[(prompt + 2) % len(PROMPTS) if n >= len(starts) - wrong else prompt]
        answers = dict(PROMPTS[prompt].facts)
        if shown is not PROMPTS[prompt]:
            answers = dict.fromkeys(answers, "another")
        middle = np.random.default_rng(PROMPTS.index(shown)).normal(size=4)
        looks.append(Look(float(at), shown.family, answers, list(middle + noise * rng.normal(size=4)), 0.1))
    figures = {name: [0.5 + 0.01 * rng.normal() for _ in range(SECONDS)] for name in FIGURES}
    return Record(PROMPTS[prompt].prompt, seed, SECONDS, figures, looks, 1.0, 0, 0, 0, 0.0)


def falling(figure: str, by: float, **named: int) -> Record:
    """A video one of whose figures falls by so much, evenly, from 0.5."""
    plain = record(**named)
    course = [0.5 - by * t / (SECONDS - 1) for t in range(SECONDS)]
    return replace(plain, figures=plain.figures | {figure: course})
