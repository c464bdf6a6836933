"""Clips that come back to a place: which, how long after it was last seen, and how to tell it.

After the pairs of Meta-ARVDM's DMLab test (arXiv 2503.10704, section 5): 112 true frames, then 16 that are to
be made. The needle is one of the 16 views, most of it one region that was last seen `gap` frames before the
window; so a memory of fewer frames cannot hold it. Of gap 1 it is in sight to the last.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from pavdm_cli import whole
from pavdm_cli.errors import RunError
from pavdm_cli.models.coder import Coder
from pavdm_cli.models.ways import Trajectory
from pavdm_cli.training.domain import Domain, P
from pavdm_cli.training.mazes import films as filming
from pavdm_cli.training.mazes import walk
from pavdm_cli.training.mazes.films import Films
from pavdm_cli.training.mazes.view import SIZE
from pavdm_cli.training.mazes.walk import WAYS
from pavdm_cli.training.memory import LONGEST, WINDOW

FRAMES = LONGEST + WINDOW
BINS = {"0-16": (0, 16), "16-48": (16, 48), "48-112": (48, 112)}
"""Gaps above the first number, up to the second."""
VISIBLE = 0.02
"""Share of a view's pixels from which a region counts as in sight."""
PALINDROMES = 2
"""One clip in so many is a palindrome; the others are loops and walks in turn."""


@dataclass(frozen=True)
class Clip:
    """number: of the film. needle: its frame. gap: how many frames before the window the needle's region was
    last in sight. facts: what the judge is to see in it."""

    number: int
    needle: int
    gap: int
    facts: dict[str, str]

    @property
    def bin(self) -> str:
        """Name of the gap's bin."""
        return next(name for name, (above, most) in BINS.items() if above < self.gap <= most)


def film(domain: Domain[P], seed: int, number: int, frames: int = FRAMES) -> tuple[P, Trajectory]:
    """Draw the place and the way of a clip's film, a pure function of seed and number."""
    there, rng = domain.draw(seed, number // 2), np.random.default_rng([seed, number, 2])
    if number % PALINDROMES == 0:
        return there, walk.palindrome(there, frames, int(rng.integers(frames // 2, frames - 6)), rng)
    others = [way for way in WAYS if way != "palindrome"]
    return there, walk.draw(there, frames, rng, others[number // PALINDROMES % len(others)])


def rolled_out(which: Sequence[int]) -> list[int]:
    """Return the numbers of the films rolled out, the same ones in every study; no clip is of one."""
    return [10**6 + n for n in which]


def find(domain: Domain[P], seed: int, number: int) -> Clip | None:
    """Return a film's clip: its needle is the frame, of those made, whose region was longest out of sight."""
    there, trajectory = film(domain, seed, number)
    sights = domain.sights(there, trajectory.poses)
    found: list[Clip] = []
    for needle in range(LONGEST, FRAMES):
        region = sights.region[needle]
        if region is not None:
            seen = sights.shares[:LONGEST, region] >= VISIBLE
            if seen.any():
                gap = LONGEST - int(seen.nonzero().max())
                found.append(Clip(number, needle, gap, sights.facts[needle]))
    return max(found, key=lambda clip: clip.gap, default=None)


def search(domain: Domain[P], seed: int, each: int, most: int) -> Iterator[Clip]:
    """Yield clips until every bin has `each` of them, or so many films were looked at."""
    left = dict.fromkeys(BINS, each)
    for number in range(most):
        if not any(left.values()):
            return
        clip = find(domain, seed, number)
        if clip is not None and left[clip.bin]:
            left[clip.bin] -= 1
            yield clip


def encoded(domain: Domain[P], seed: int, numbers: Sequence[int], frames: int, coder: Coder) -> Films:
    """Return the films of these numbers as latents with poses and actions."""
    films = []
    for number in numbers:
        there, trajectory = film(domain, seed, number, frames)
        shown = domain.see([there], np.zeros(frames, int), trajectory.poses, SIZE)
        films.append(filming.encoded(trajectory, shown, coder))
    return filming.stacked(films)


def true_views(
    domain: Domain[P], seed: int, wanted: Sequence[tuple[int, Sequence[int]]], length: int = FRAMES
) -> list[Tensor]:
    """Return for each film's number some of its frames, (n, H, W, 3) uint8; all are seen at once."""
    films = [film(domain, seed, number, length) for number, _ in wanted]
    counts = [len(frames) for _, frames in wanted]
    ways = zip(films, wanted, strict=True)
    poses = np.concatenate([own.poses[list(frames)] for (_, own), (_, frames) in ways])
    which = np.repeat(np.arange(len(films)), counts)
    return list(torch.split(domain.see([there for there, _ in films], which, poses, SIZE), counts))


def write(path: Path, clips: Sequence[Clip], films: Films, own: str) -> None:
    """Keep clips with their films beside `path`, then rename; `own` says what they were made with."""
    facts = {"own": own, "clips": [asdict(clip) for clip in clips]}
    parts = {"latents": films.latents, "poses": films.poses, "actions": films.actions}
    tensors = {name: values.contiguous() for name, values in parts.items()}
    whole.write(path, save(tensors, {"facts": json.dumps(facts)}))


def read(path: Path, own: str) -> tuple[list[Clip], Films]:
    """Read what `write` wrote.

    Raises:
        RunError: it is damaged, or was made with something else.
    """
    try:
        with safe_open(path, "pt") as file:
            facts = json.loads((file.metadata() or {})["facts"])
            films = Films(*(file.get_tensor(name) for name in ("latents", "poses", "actions")))
    except (SafetensorError, OSError, KeyError) as error:
        raise RunError(f"{path}: not clips of this version ({error}); remove it") from error
    if facts["own"] != own:
        raise RunError(f"{path}: clips of another study ({facts['own']}); give another --work, or remove it")
    return [Clip(**clip) for clip in facts["clips"]], films
