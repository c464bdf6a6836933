"""When a place counts as found again: by a judge that was taught its looks, or by what is more like it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pavdm_cli.models import judge as judges
from pavdm_cli.models import quantised
from pavdm_cli.models.ways import ACTIONS, STRIDE, UNIT, Pose, moved
from pavdm_cli.studies import revisits
from pavdm_cli.studies.revisits import Clip
from pavdm_cli.training import judge as judging
from pavdm_cli.training.domain import Domain
from pavdm_cli.training.mazes.view import SIZE
from pavdm_cli.training.mazes.walk import Ground

OTHERS = 9
"""Places that look otherwise, which the true one is held against."""
STRANGERS = 3
"""Their seed, after the clips'."""
SMALL = 8
"""Pixels along the side of the pictures that are compared."""
OFF = {"a quarter of a step off": 0.25, "half a step off": 0.5, "a step off": 1.0}
"""Steps from the true pose, in any direction, at which real views are to be told right."""
CHANCE = "of looks drawn anew"
"""Real views from the needle's pose of a place whose looks are chance: so many are taken for the true one."""
JUDGED = 3000


class Rule(Protocol):
    """Decides. about: how, for a page. own: what tells it from another, for records."""

    about: str
    own: str

    def check(self) -> dict[str, float]:
        """Return the shares of real views that it takes for the true place, by kind."""

    def right(self, clips: Sequence[Clip], views: Tensor) -> list[bool]:
        """Tell of views (N, H, W, 3) uint8 whether they show the places of the clips' needles."""


class Judged:
    """The judge answers what is known of the true place."""

    about = "the judge sees the wall and the floor of the true place, and its mark where it shows"

    def __init__(self, trained: Path, seed: int) -> None:
        self._judge, self._seed = judges.load(trained), seed
        self.own = quantised.fingerprint(trained / "judge.safetensors")

    def check(self) -> dict[str, float]:
        """Return the shares of questions after true views, drawn anew, that are answered right."""
        found = judging.measure(self._judge, self._seed + 2, JUDGED)
        return {name: right / all_ for name, (right, all_) in found.items()}

    def right(self, clips: Sequence[Clip], views: Tensor) -> list[bool]:
        """Tell of views whether all answers are right."""
        answers = self._judge.read(views)
        return [
            all(own[name] == word for name, word in clip.facts.items())
            for own, clip in zip(answers, clips, strict=True)
        ]


class Likest:
    """The true place is the likest of ten that are the same but for their looks.

    All are seen from where the needle is: a network that knows where it stands, but not what it looked like
    there, is right as often as by chance. A view is as near to a place as to the nearest of what is seen from
    the needle's pose and from one action away. Nearness is the mean absolute difference of small pictures.
    """

    about = (
        f"the view made is nearer to the true place than to {OTHERS} others of the same shape with other "
        f"looks, by mean absolute difference of pictures of {SMALL} x {SMALL} to what is seen from the "
        "needle's pose or one action away; chance is one in ten"
    )
    own = f"likest-of-{OTHERS + 1}-at-{SMALL}"

    def __init__(self, domain: Domain[Any], seed: int, clips: Sequence[Clip]) -> None:
        self._domain, self._seed, self._clips = domain, seed, clips
        self._kept: dict[int, Tensor] = {}

    def check(self) -> dict[str, float]:
        """Return the shares of real views that are told right, of the clips' places some way off their
        needles; and of places with looks drawn anew."""
        rng, found = np.random.default_rng(self._seed), dict[str, float]()
        needles = [self._needle(clip) for clip in self._clips]
        for name, steps in OFF.items():
            moves = [_beside(there, pose, steps, rng) for there, pose in needles]
            there = [n for n, pose in enumerate(moves) if pose is not None]
            found[name] = self._share(there, [needles[n][0] for n in there], [moves[n] for n in there])
        strangers = [self._domain.draw(self._seed + STRANGERS, clip.number) for clip in self._clips]
        poses = [pose for _, pose in needles]
        return found | {CHANCE: self._share(range(len(poses)), strangers, poses)}

    def right(self, clips: Sequence[Clip], views: Tensor) -> list[bool]:
        """Tell of views whether the true place is the likest."""
        self._keep([clip for clip in clips if clip.number not in self._kept])
        found = []
        for clip, view in zip(clips, small(views), strict=True):
            apart = (self._kept[clip.number] - view).abs().mean((2, 3, 4)).amin(1)
            found.append(bool(apart[0] < apart[1:].min()))
        return found

    def _share(self, which: Sequence[int], places: Sequence[Any], poses: Sequence[Pose | None]) -> float:
        """Return the share that is told right of views of places, one pose each, for some of the clips."""
        shown = self._domain.see(places, np.arange(len(places)), np.array(poses), SIZE)
        return float(np.mean(self.right([self._clips[n] for n in which], shown)))

    def _keep(self, clips: Sequence[Clip]) -> None:
        """Keep small pictures (places, poses, SMALL, SMALL, 3) of the true place of each clip, then of the
        others; all are seen at once."""
        if not clips:
            return
        places, which, poses, shapes = list[Any](), list[int](), list[Pose](), list[tuple[int, int]]()
        for clip in clips:
            there, pose = self._needle(clip)
            near = [moved(pose, action) for action in range(len(ACTIONS))]
            where = [pose, *(one for one in near if there.free(one))]
            for one in (there, *self._others(clip)):
                places.append(one)
                which += [len(places) - 1] * len(where)
                poses += where
            shapes.append((OTHERS + 1, len(where)))
        shown = small(self._domain.see(places, np.array(which), np.array(poses), SIZE))
        parts = torch.split(shown, [rows * columns for rows, columns in shapes])
        for clip, part, shape in zip(clips, parts, shapes, strict=True):
            self._kept[clip.number] = part.view(*shape, SMALL, SMALL, 3)

    def _others(self, clip: Clip) -> list[Any]:
        """Draw places in which what the needle shows looks otherwise, and in each otherwise again."""
        pose, looks, found = np.array([self._needle(clip)[1]]), [clip.facts], list[Any]()
        rng = np.random.default_rng([self._seed, clip.number, 3])
        while len(found) < OTHERS:
            there = self._domain.draw(self._seed + STRANGERS, int(rng.integers(2**31)))
            look = self._domain.sights(there, pose).facts[0]
            if look not in looks:
                looks.append(look)
                found.append(there)
        return found

    def _needle(self, clip: Clip) -> tuple[Any, Pose]:
        """Return the place of a clip and the pose of its needle."""
        there, trajectory = revisits.film(self._domain, self._seed, clip.number)
        x, y, heading = (int(value) for value in trajectory.poses[clip.needle])
        return there, (x, y, heading)


def _beside(there: Ground, pose: Pose, steps: float, rng: np.random.Generator) -> Pose | None:
    """Return a free pose so many steps off, in any direction; None where none is found."""
    reach = steps * STRIDE / UNIT
    for angle in rng.uniform(0, 2 * np.pi, size=20):
        x, y = pose[0] + round(reach * float(np.cos(angle))), pose[1] + round(reach * float(np.sin(angle)))
        if there.free((x, y, pose[2])):
            return x, y, pose[2]
    return None


def small(views: Tensor) -> Tensor:
    """Map views (N, H, W, 3) to pictures (N, SMALL, SMALL, 3) of their means."""
    return F.adaptive_avg_pool2d(views.permute(0, 3, 1, 2).float(), SMALL).permute(0, 2, 3, 1).contiguous()


def rule(domain: Domain[Any], trained: Path, seed: int, clips: Sequence[Clip]) -> Rule:
    """Return how a domain's places are told."""
    return Judged(trained, seed) if domain.named else Likest(domain, seed, clips)
