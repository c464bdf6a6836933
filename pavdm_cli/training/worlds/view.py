"""What the brushes of one picture share: its grid, its clock, its dice, and look-ups for each scene."""

import math
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import torch
from torch import Tensor

from pavdm_cli.training.worlds.paint import Colour, Dice, Size, colours, grid, per_scene, seconds, wrap
from pavdm_cli.training.worlds.scene import Scene

Own = TypeVar("Own", bound=Scene, covariant=True)


class View(Generic[Own]):
    """A batch of scenes of one family, seen at some moments; lengths are in picture heights.

    width: of the picture.
    x, y: the pixels' centres, (1, 1, H, W); column and row: the same, (1, 1, 1, W) and (1, 1, H, 1).
    time: seconds, (B, F, 1, 1) float64.
    key: what each scene hashes with, (B, 1, 1, 1) int64.
    """

    def __init__(self, scenes: Sequence[Own], seeds: Sequence[int], frames: Tensor, size: Size) -> None:
        self.scenes, self.size, self.device = scenes, size, frames.device
        self.height, self.width = size[0], size[1] / size[0]
        self.x, self.y = grid(size, self.device)
        self.column, self.row = self.x[..., :1, :], self.y[..., :1]
        self.time = seconds(frames)
        self.dice = Dice(seeds, self.device)
        self.key = torch.tensor(list(seeds), dtype=torch.int64, device=self.device)[:, None, None, None]

    def number(self, of: Callable[[Own], float]) -> Tensor:
        """Look one number up for each scene, (B, 1, 1, 1)."""
        return per_scene([of(scene) for scene in self.scenes], self.device)

    def has(self, word: str) -> Tensor:
        """Return 1 where an attribute of the scene is this word and 0 elsewhere, (B, 1, 1, 1)."""
        return per_scene([word in scene.facts().values() for scene in self.scenes], self.device)

    def colour(self, of: Callable[[Own], Colour]) -> Tensor:
        """Look one colour up for each scene, (B, 1, 3, 1, 1)."""
        return colours([of(scene) for scene in self.scenes], self.device)

    def plain(self, colour: Colour) -> Tensor:
        """Return one colour for all scenes, (1, 1, 3, 1, 1)."""
        return colours([colour], self.device)

    def wave(self, period: Tensor | float) -> Tensor:
        """Return a sine of time with a period in seconds, (B, F, 1, 1) float32."""
        return torch.sin(wrap(self.time / period, 1.0) * math.tau)
