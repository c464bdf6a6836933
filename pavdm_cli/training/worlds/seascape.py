"""Sky and water for the worlds by the sea, from small tables: the hour's colours and the weather's temper.

Sea and lighthouse stand before the same `Seascape`, so that an hour of the day looks alike in both.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from pavdm_cli.training.worlds import paint
from pavdm_cli.training.worlds.paint import (
    Colour,
    Size,
    grid,
    hashed,
    inside,
    mix,
    per_scene,
    smoothstep,
    wrap,
)
from pavdm_cli.training.worlds.view import Own, View

Time = Literal["dawn", "day", "sunset", "night"]
Weather = Literal["clear", "cloudy", "stormy"]


@dataclass(frozen=True)
class Hour:
    """The colours of an hour: sky, water, sun or moon, clouds, and of a white thing (`ambient`)."""

    top: Colour
    low: Colour
    far: Colour
    deep: Colour
    crest: Colour
    sun: Colour
    lit: Colour
    shade: Colour
    ambient: Colour
    height: float
    disc: float
    glow: float
    stars: float = 0.0


HOURS: dict[Time, Hour] = {
    "dawn": Hour(
        top=(0.50, 0.55, 0.82),
        low=(1.00, 0.80, 0.74),
        far=(0.80, 0.66, 0.72),
        deep=(0.27, 0.37, 0.54),
        crest=(0.98, 0.80, 0.80),
        sun=(1.00, 0.95, 0.80),
        lit=(1.00, 0.84, 0.84),
        shade=(0.68, 0.58, 0.76),
        ambient=(0.92, 0.80, 0.84),
        height=0.03,
        disc=0.075,
        glow=0.45,
    ),
    "day": Hour(
        top=(0.14, 0.45, 0.90),
        low=(0.70, 0.88, 0.98),
        far=(0.24, 0.60, 0.82),
        deep=(0.03, 0.27, 0.55),
        crest=(0.60, 0.88, 0.94),
        sun=(1.00, 0.98, 0.82),
        lit=(1.00, 1.00, 1.00),
        shade=(0.70, 0.78, 0.88),
        ambient=(1.00, 0.99, 0.96),
        height=0.35,
        disc=0.055,
        glow=0.35,
    ),
    "sunset": Hour(
        top=(0.34, 0.13, 0.40),
        low=(1.00, 0.48, 0.12),
        far=(0.86, 0.35, 0.16),
        deep=(0.17, 0.07, 0.21),
        crest=(1.00, 0.56, 0.27),
        sun=(1.00, 0.80, 0.34),
        lit=(1.00, 0.58, 0.34),
        shade=(0.44, 0.19, 0.36),
        ambient=(0.95, 0.62, 0.46),
        height=0.09,
        disc=0.1,
        glow=0.5,
    ),
    "night": Hour(
        top=(0.01, 0.02, 0.10),
        low=(0.09, 0.16, 0.36),
        far=(0.07, 0.13, 0.29),
        deep=(0.01, 0.03, 0.11),
        crest=(0.26, 0.37, 0.60),
        sun=(0.96, 0.96, 0.88),
        lit=(0.27, 0.33, 0.50),
        shade=(0.06, 0.09, 0.19),
        ambient=(0.50, 0.53, 0.64),
        height=0.32,
        disc=0.06,
        glow=0.22,
        stars=1.0,
    ),
}


@dataclass(frozen=True)
class Air:
    """A weather: how grey it makes the colours, the brightness it leaves, its clouds, sun, wind, waves.

    `gleam` is the brightness left to the strip above the horizon and to the crests, `dim` that of all else.
    """

    grey: float
    dim: float
    gleam: float
    cloud: float
    cover: float
    sun: float
    waves: float
    pace: float
    wind: float


AIRS: dict[Weather, Air] = {
    "clear": Air(
        grey=0.0, dim=1.0, gleam=1.0, cloud=0.66, cover=0.6, sun=1.0, waves=0.035, pace=0.36, wind=0.04
    ),
    "cloudy": Air(
        grey=0.3, dim=0.93, gleam=0.96, cloud=0.42, cover=0.95, sun=0.7, waves=0.045, pace=0.42, wind=0.07
    ),
    "stormy": Air(
        grey=0.22, dim=0.58, gleam=0.88, cloud=0.3, cover=0.93, sun=0.0, waves=0.12, pace=0.6, wind=0.16
    ),
}


class Seascape(View[Own]):
    """Sky and water for a batch: every attribute's effect is a number or a colour per scene."""

    def __init__(
        self,
        scenes: Sequence[Own],
        seeds: Sequence[int],
        frames: Tensor,
        size: Size,
        hours: Sequence[Hour],
        airs: Sequence[Air],
        level: float = 0.5,
    ) -> None:
        super().__init__(scenes, seeds, frames, size)
        self.hours, self.airs = hours, airs
        where, lift, self.start, self.side = self.dice.many(4).unbind(-1)
        swing = torch.sin(wrap(self.time * 0.5 + 6.3 * self.start, math.tau))
        self.horizon = level + 0.04 * (lift - 0.5) + 0.12 * self.air("waves") * swing
        pan = 0.05 * torch.sin(wrap(self.time * 0.11 + 6.3 * lift, math.tau))
        self.sun_x = self.width * (0.2 + 0.6 * where) + pan
        self.stars = self.dice.many(12).view(-1, 1, 1, 1, 6, 2)

    def air(self, name: str) -> Tensor:
        """Return a number of the weather per scene, (B, 1, 1, 1)."""
        return per_scene([getattr(air, name) for air in self.airs], self.device)

    def hour(self, name: str) -> Tensor:
        """Return a number of the hour per scene, (B, 1, 1, 1)."""
        return per_scene([getattr(hour, name) for hour in self.hours], self.device)

    def tone(self, name: str) -> Tensor:
        """Return a colour of the hour as the weather makes it, (B, 1, 3, 1, 1)."""
        pure = paint.colours([getattr(hour, name) for hour in self.hours], self.device)
        grey, dim = (
            self.air("grey").unsqueeze(2),
            self.air("gleam" if name in ("low", "crest") else "dim").unsqueeze(2),
        )
        plain = (
            pure.mean(2, keepdim=True) * torch.tensor([0.94, 1.0, 1.08], device=self.device)[:, None, None]
        )
        return (pure + (plain - pure) * grey) * dim

    def sky(self) -> Tensor:
        """Paint the gradient, stars, the sun or moon with its glow, and the clouds, (B, F, 3, H, W)."""
        sun_y = self.horizon - self.hour("height")
        up = ((self.horizon - self.y) / self.horizon).clamp(0, 1)
        picture = mix(self.tone("low"), self.tone("top"), up**0.8)
        away = torch.sqrt((self.x - self.sun_x) ** 2 + (self.y - sun_y) ** 2)
        seen = self.air("sun")
        shine = self.hour("glow") * (0.25 + 0.75 * seen) * torch.exp(-away * 5)
        if any(hour.stars for hour in self.hours):
            picture = picture + (self.hour("stars") * seen**3 * self._starlight()).unsqueeze(2)
        picture = mix(picture, self.tone("sun"), shine)
        disc = inside(away - self.hour("disc"), self.height, softness=2.0) * seen
        picture = mix(picture, self.tone("sun"), disc)
        thick, cover = self._clouds()
        hue = self.tone("lit") + (self.tone("shade") - self.tone("lit")) * thick.unsqueeze(2)
        return mix(picture, hue, cover)

    def water(self, sky: Tensor) -> Tensor:
        """Lay the water with its waves and the glittering path of the sun over the sky."""
        light = swells(
            self.x, self.y, self.horizon, self.time * self.air("pace"), self.air("waves"), self.key
        )
        near = ((self.y - self.horizon) / (1 - self.horizon)).clamp(0, 1)
        body = mix(self.tone("far"), self.tone("deep"), 1 - (1 - near) ** 2)
        body = mix(body, self.tone("crest"), 0.75 * light)
        path = torch.exp(-(((self.x - self.sun_x) / (0.07 + 0.22 * near)) ** 2))
        glitter = path * (0.25 + 1.1 * light - 0.3 * near) * self.air("sun") * (0.5 + self.hour("glow"))
        body = mix(body, self.tone("sun"), glitter.clamp(0, 0.95))
        return mix(sky, body, inside(self.horizon - self.y, self.height, softness=1.5))

    def _starlight(self) -> Tensor:
        """Six soft stars per scene, standing still."""
        total = torch.zeros_like(self.y)
        for x, y in (star.unbind(-1) for star in self.stars.unbind(-2)):
            across = torch.exp(-(((self.column - self.width * x) / 0.017) ** 2))
            total = total + across * torch.exp(-(((self.row - 0.36 * y - 0.03) / 0.017) ** 2))
        return 0.8 * total

    def _clouds(self) -> tuple[Tensor, Tensor]:
        """Return how thick the clouds are and how much sky they hide, on a ceiling seen in perspective."""
        coarse = (max(self.size[0] // 4, 8), max(self.size[1] // 4, 8))
        x, y = grid(coarse, self.device)
        high = (self.horizon - y).clamp(min=0)
        depth = 0.75 / (high + 0.22)
        drift = self.time * self.air("wind") * torch.where(self.side < 0.5, -1.0, 1.0)
        across = (x - self.width / 2) * depth * 1.3 + drift
        field = paint.fractal2(across, 1.7 * depth + 0.25 * self.time * self.air("wind"), self.key)
        field = paint.enlarge(field, self.size)
        low = self.air("cloud")
        cover = smoothstep(low, low + 0.16, field) * self.air("cover")
        return smoothstep(low + 0.08, low + 0.36, field), cover


def swells(x: Tensor, y: Tensor, horizon: Tensor, passed: Tensor, height: Tensor, seed: Tensor) -> Tensor:
    """Light on rows of waves coming towards the viewer: 1 on the crests, 0 in the troughs.

    Args:
        x, y: the picture's grid.
        horizon: (B, F, 1, 1), where the water begins.
        passed: (B, F, 1, 1) float64, how many waves have passed so far.
        height: (B, 1, 1, 1), the nearest waves' height.
        seed: (B, 1, 1, 1) int64.
    """
    rows = 6
    whole = torch.floor(passed)
    light = torch.zeros_like(y)
    for row in range(rows):
        near = (row + passed - whole).float() / rows
        born = row - whole.long()
        first, second, third = (math.tau * hashed(born, seed + 97 * n) for n in range(3))
        along = x[..., :1, :] / (0.08 + 0.5 * near)
        rise = torch.sin(1.7 * along + first) + 0.6 * torch.sin(2.9 * along + second)
        top = horizon + (1.12 - horizon) * near**1.6 - height * near * (rise + 0.5)
        below = y - top
        fade = 0.4 + 0.2 * torch.sin(1.1 * along + third) + 0.4 * rise.clamp(min=0)
        fade = fade * (3.5 * near).clamp(max=1)
        shade = fade * torch.exp(-below.clamp(min=0) / (0.015 + 0.11 * near))
        light = light + (shade - light) * (0.5 + below * y.shape[-2] * 0.7).clamp(0, 1)
    return light.clamp(0, 1)
