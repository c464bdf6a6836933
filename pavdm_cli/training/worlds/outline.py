"""The forms of the shapes family: their outlines, and the light on them."""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from pavdm_cli.training.worlds.paint import smoothstep

Form = Literal["ball", "square", "triangle", "star"]


@dataclass(frozen=True)
class Outline:
    """How a form is drawn; lengths in units of the object's radius, angles in radians."""

    points: int
    tip: float
    notch: float
    turn: float
    foot: float


OUTLINES: dict[Form, Outline] = {
    "ball": Outline(points=4, tip=1.0, notch=1.0, turn=0.0, foot=1.0),
    "square": Outline(points=4, tip=1.2, notch=1.2 * math.cos(math.pi / 4), turn=math.pi / 4, foot=0.92),
    "triangle": Outline(points=3, tip=1.2, notch=0.6, turn=0.0, foot=0.7),
    "star": Outline(points=5, tip=1.15, notch=0.58, turn=0.0, foot=1.0),
}


def edge_of(
    px: Tensor, py: Tensor, turn: Tensor, outline: dict[str, Tensor], ball: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the signed distance to the outline and the distance to the centre, unit = the object's radius.

    A polygon or star is one straight edge from a tip to a notch, repeated and mirrored around the centre.
    """
    soft = 0.08
    rho = torch.sqrt(px * px + py * py + 1e-9)
    half = math.pi / outline["points"]
    folded = torch.remainder(torch.atan2(px, -py) - turn - outline["turn"] + half, 2 * half) - half
    folded = folded.abs()
    tip, notch = outline["tip"] - soft, outline["notch"] - soft
    ex, ey = notch * torch.cos(half) - tip, notch * torch.sin(half)
    qx, qy = rho * torch.cos(folded) - tip, rho * torch.sin(folded)
    along = ((qx * ex + qy * ey) / (ex * ex + ey * ey)).clamp(0, 1)
    away = torch.sqrt((qx - along * ex) ** 2 + (qy - along * ey) ** 2 + 1e-9)
    straight = torch.where(qx * ey - qy * ex > 0, away, -away) - soft
    return torch.where(ball > 0, rho - 1, straight), rho


def light_on(
    px: Tensor, py: Tensor, turn: Tensor, edge: Tensor, rho: Tensor, ball: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the factor on an object's colour and the white light added: a sphere, or a plate with a rim."""
    facing = torch.sqrt((1 - rho * rho).clamp(min=0))
    round_light = (-0.42 * px - 0.55 * py + 0.72 * facing).clamp(min=0)
    cos, sin = torch.cos(turn), torch.sin(turn)
    spot_x, spot_y = -0.34 * cos + 0.42 * sin, -0.34 * sin - 0.42 * cos
    spot = torch.exp(-((px - spot_x) ** 2 + (py - spot_y) ** 2) / 0.05)
    rim = smoothstep(-0.2, -0.06, edge)
    shade = torch.where(ball > 0, 0.58 + 0.5 * round_light, 0.95 - 0.1 * (px + py))
    shine = torch.where(ball > 0, 0.5 * spot, 0.16 * rim)
    return shade, shine
