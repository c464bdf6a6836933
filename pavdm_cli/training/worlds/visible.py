"""What can be told from a picture: an attribute is visible if every other word for it would look different.

The renderer itself is asked: a scene is drawn again with each other value, from the same seed at the same
moments, small and coarse. What changes no patch of the picture cannot be seen, and is not to be asked about.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from pavdm_cli.training.worlds.paint import Size
from pavdm_cli.training.worlds.scene import Scene

SIZE: Size = (32, 32)
PATCH = 4
"""Pixels along the side of a patch, an eighth of the picture's height."""
SEEN = 0.03
"""Mean difference over a patch, of the full range, in its strongest channel: eight of 255 levels."""


def visible(scenes: Sequence[Scene], seeds: Sequence[int], frames: Tensor) -> list[dict[str, bool]]:
    """Tell for scenes of one family which of their attributes can be seen in the frames (B, F)."""
    others = [scene.others() for scene in scenes]
    every = [(b, one) for b, own in enumerate(others) for several in own.values() for one in several]
    owner = torch.tensor([b for b, _ in every])
    drawn = type(scenes[0]).render(
        [*scenes, *(one for _, one in every)],
        [*seeds, *(seeds[b] for b, _ in every)],
        torch.cat((frames, frames[owner])),
        SIZE,
    )
    apart = iter(_apart(drawn[len(scenes) :], drawn[: len(scenes)][owner]).tolist())
    return [
        {name: all([next(apart) > SEEN for _ in several]) for name, several in own.items()} for own in others
    ]


def _apart(first: Tensor, second: Tensor) -> Tensor:
    """Return how much pictures (N, F, 3, H, W) differ where and when they differ most, (N,)."""
    patches = functional.avg_pool2d((first - second).abs().flatten(0, 1), PATCH)
    return patches.view(len(first), -1).amax(1)
