"""What a denoiser is told of each frame: the action that led to it, and where the actions add up to.

A large network can count steps by itself. A small one is told the sum, which follows from the actions alone:
no map, no wall, nothing that was seen. It is relative to one frame, so it does not matter where a film began.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from pavdm_cli.models.ways import ACTIONS, HEADINGS, UNIT

WAVES = (1.5, 3.0, 6.0, 12.0, 24.0)
"""Cells in one turn of each pair that says how far along and how far aside a frame is."""
TURNS = (1, 2, 3, 4)
"""Multiples of the direction that are told."""
WIDTH = len(ACTIONS) + 4 * len(WAVES) + 2 * len(TURNS)
"""Numbers told of a frame."""


def told(poses: Tensor, actions: Tensor, reference: Tensor) -> Tensor:
    """Return (B, T, WIDTH) for frames at poses (B, T, 3) reached by actions (B, T); reference: a pose (B, 3).

    The poses may be of any start: sums of actions, or the true ones.
    """
    done = F.one_hot(actions.long() + 1, len(ACTIONS) + 1)[..., 1:].float()
    turn = 2 * math.pi / HEADINGS
    own = reference[:, 2].double() * turn
    apart = (poses[..., :2] - reference[:, None, :2]).double() * UNIT
    ahead = apart[..., 0] * own.cos()[:, None] + apart[..., 1] * own.sin()[:, None]
    aside = apart[..., 1] * own.cos()[:, None] - apart[..., 0] * own.sin()[:, None]
    place = torch.stack((ahead, aside), -1)[..., None] * (2 * math.pi / torch.tensor(WAVES).double())
    heading = (poses[..., 2] - reference[:, None, 2]).double() * turn
    facing = heading[..., None] * torch.tensor(TURNS)
    angles = torch.cat((place.flatten(-2), facing), -1)
    return torch.cat((done, angles.cos().float(), angles.sin().float()), -1)
