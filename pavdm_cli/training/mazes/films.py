"""Films of walks, as latents with poses and actions: drawn once, kept in files, the same for every training.

Files hold films in parts, so that making them goes on where it was stopped.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from pavdm_cli import whole
from pavdm_cli.errors import CheckpointError
from pavdm_cli.models.coder import Coder
from pavdm_cli.models.ways import Trajectory
from pavdm_cli.training.domain import Domain, P
from pavdm_cli.training.mazes import walk
from pavdm_cli.training.mazes.view import SIZE
from pavdm_cli.training.mazes.walk import Way

LONG = 300
"""Frames of a film to train on."""
PART = 50
"""Films in a file."""
NAMES = ("latents", "poses", "actions")


@dataclass(frozen=True)
class Films:
    """latents: (N, T, C, 1, S) half. poses: (N, T, 3). actions: (N, T)."""

    latents: Tensor
    poses: Tensor
    actions: Tensor


def draw(
    domain: Domain[P], seed: int, number: int, frames: int, way: Way | None = None
) -> tuple[Trajectory, Tensor]:
    """Draw a film, a pure function of seed and number: the way through a place, and frames (T, H, W, 3)."""
    there = domain.draw(seed, number)
    trajectory = walk.draw(there, frames, np.random.default_rng([seed, number, 1]), way)
    return trajectory, domain.see([there], np.zeros(frames, int), trajectory.poses, SIZE)


def make(folder: Path, domain: Domain[P], coder: Coder, own: str, seed: int, count: int) -> Iterator[int]:
    """Write films that are not in the folder yet; yield how many there are after each file.

    own: a fingerprint of the coder, written with them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for start in range(0, count, PART):
        path = _path(folder, start)
        if not path.exists():
            numbers = range(start, min(start + PART, count))
            films = [encoded(*draw(domain, seed, number, LONG), coder) for number in numbers]
            tensors = {name: values.contiguous() for name, values in vars(stacked(films)).items()}
            whole.write(path, save(tensors, {"facts": json.dumps(_facts(own, seed))}))
        yield min(start + PART, count)


def load(folder: Path, own: str, seed: int, count: int) -> Films:
    """Read the films that `make` wrote.

    Raises:
        CheckpointError: a file is damaged, or of another coder or seed.
    """
    found = [_read(_path(folder, start), _facts(own, seed)) for start in range(0, count, PART)]
    return Films(*(torch.cat([part[name] for part in found])[:count] for name in NAMES))


def encoded(trajectory: Trajectory, frames: Tensor, coder: Coder) -> Films:
    """Return one film, without the N of its shapes."""
    poses, actions = torch.from_numpy(trajectory.poses), torch.from_numpy(trajectory.actions)
    return Films(coder.latents(frames).half(), poses.int(), actions.to(torch.int8))


def stacked(films: Sequence[Films]) -> Films:
    """Return single films as the N of their shapes."""
    return Films(*(torch.stack([getattr(film, name) for film in films]) for name in NAMES))


def _read(path: Path, facts: dict[str, object]) -> dict[str, Tensor]:
    try:
        with safe_open(path, "pt") as file:
            said = json.loads((file.metadata() or {})["facts"])
            tensors = {name: file.get_tensor(name) for name in NAMES}
    except (SafetensorError, OSError, KeyError) as error:
        raise CheckpointError(
            f"{path}: missing or damaged ({error}); remove it, and it is made again"
        ) from error
    if said != facts:
        raise CheckpointError(f"{path}: films of {said}, wanted {facts}; use another --folder")
    return tensors


def _facts(own: str, seed: int) -> dict[str, object]:
    return {"coder": own, "seed": seed, "frames": LONG}


def _path(folder: Path, start: int) -> Path:
    return folder / f"films-{start:05}.safetensors"
