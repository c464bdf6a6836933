"""What can be told from a picture: an attribute is visible if every other word for it would look different.

The renderer itself is asked: a scene is drawn again with each other value, from the same seed at the same
moments, small and coarse. What changes no patch of the picture cannot be seen, and is not to be asked about;
where a picture changes when one thing is another, there that thing is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from pavdm_cli.training.worlds.paint import Size
from pavdm_cli.training.worlds.scene import Scene

SIZE: Size = (32, 32)
PATCHES = 8
"""Patches along the side of a picture."""
SEEN = 0.03
"""Mean difference over a patch, of the full range, in its strongest channel: eight of 255 levels."""


@dataclass(frozen=True)
class Sight:
    """What can be seen of a scene. seen: by attribute, whether it can be told at all. where: by attribute and
    word, how much of the picture would change without it, (F, PATCHES, PATCHES); only of words in a set."""

    seen: dict[str, bool]
    where: dict[str, dict[str, Tensor]]


def visible(scenes: Sequence[Scene], seeds: Sequence[int], frames: Tensor) -> list[Sight]:
    """Tell for scenes of one family what of them can be seen in the frames (B, F)."""
    others = [scene.others() for scene in scenes]
    every = [(b, one) for b, own in enumerate(others) for several in own.values() for one in several]
    owner = torch.tensor([b for b, _ in every])
    drawn = type(scenes[0]).render(
        [*scenes, *(one for _, one in every)],
        [*seeds, *(seeds[b] for b, _ in every)],
        torch.cat((frames, frames[owner])),
        SIZE,
    )
    changes = iter(_changes(drawn[len(scenes) :], drawn[: len(scenes)][owner]))
    return [_sight(scene, own, changes) for scene, own in zip(scenes, others, strict=True)]


def _sight(scene: Scene, others: dict[str, list[Scene]], changes: Iterator[Tensor]) -> Sight:
    """Take the next changes, one for each other scene."""
    seen, where = {}, dict[str, dict[str, Tensor]]()
    for name, several in others.items():
        own = [next(changes) for _ in several]
        seen[name] = all(float(change.max()) > SEEN for change in own)
        for word in scene.facts()[name].split(" + ") if name in scene.sets else ():
            without = [
                c for c, s in zip(own, several, strict=True) if word not in s.facts()[name].split(" + ")
            ]
            where.setdefault(name, {})[word] = torch.stack(without).amax(0)
    return Sight(seen, where)


def _changes(first: Tensor, second: Tensor) -> Tensor:
    """Return how much each patch of pictures (N, F, 3, H, W) differs, (N, F, PATCHES, PATCHES)."""
    patches = functional.adaptive_avg_pool2d((first - second).abs().flatten(0, 1), PATCHES)
    return patches.amax(1).view(*first.shape[:2], PATCHES, PATCHES)
