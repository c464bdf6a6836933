"""A pine forest: three rows of swaying trees pass a slow camera, in snow, rain, fog or clear air.

Every row is an endless line of cells with a tree in each, known by the number of its cell. The time of day
sets the light; the weather sets the grey of the sky, the haze, and what falls.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self, get_args

import numpy as np
import torch
from torch import Tensor

from pavdm_cli.training.worlds.paint import (
    Colour,
    Size,
    cumulus,
    enlarge,
    fractal1,
    fractal2,
    glow,
    glows,
    gradient,
    grid,
    hashed,
    inside,
    mix,
    noise1,
    smoothstep,
    wrap,
)
from pavdm_cli.training.worlds.scene import Choices, Scene
from pavdm_cli.training.worlds.view import View
from pavdm_cli.training.worlds.words import DAYLIGHT, opening, pick, say

Trees = Literal["green", "snowy"]
Weather = Literal["clear", "snow", "rain", "fog"]
Time = Literal["day", "sunset", "night"]

NEEDLES: Colour = (0.10, 0.40, 0.20)
SNOW: Colour = (0.92, 0.96, 1.00)
TIERS = 4
DROPS = 34
SUN_HEIGHT = {"day": 0.17, "sunset": 0.34, "night": 0.18}


@dataclass(frozen=True)
class Row:
    """A row of trees: its part of the camera's speed, and its measures in picture heights."""

    pace: float
    ground: float
    height: float
    spacing: float
    density: float


ROWS = (
    Row(0.22, 0.64, 0.25, 0.125, 1.0),
    Row(0.48, 0.76, 0.38, 0.22, 0.9),
    Row(1.0, 0.93, 0.66, 0.46, 0.75),
)


@dataclass(frozen=True)
class Air:
    """A weather: grey of the sky, haze before each row, speed and radii of what falls, in picture heights."""

    grey: float
    dim: float
    haze: tuple[float, float, float]
    fog: float
    amount: float
    fall: float
    wide: float
    long: float


AIRS: dict[str, Air] = {
    "clear": Air(0.0, 1.0, (0.42, 0.16, 0.0), 0.0, 0.0, 0.2, 0.02, 0.02),
    "snow": Air(0.55, 1.0, (0.60, 0.34, 0.06), 0.0, 1.0, 0.14, 0.017, 0.017),
    "rain": Air(0.85, 0.62, (0.62, 0.36, 0.12), 0.0, 0.55, 0.5, 0.0085, 0.05),
    "fog": Air(0.80, 1.05, (0.86, 0.60, 0.22), 1.0, 0.0, 0.2, 0.02, 0.02),
}


@dataclass(frozen=True)
class Pines(Scene):
    """A walk along a pine forest."""

    family: ClassVar[str] = "pines"
    knows: ClassVar[str] = (
        "a forest of green or snowy pines passing by; clear air, snowfall, rain or fog; day, sunset or night"
    )
    choices: ClassVar[Choices] = {
        "trees": get_args(Trees),
        "weather": get_args(Weather),
        "time": get_args(Time),
    }

    trees: Trees
    weather: Weather
    time: Time

    def pairs(self) -> list[tuple[str, str]]:
        """Combine the weather with the time of day and with the trees."""
        return [(self.weather, self.time), (self.trees, self.weather)]

    def caption(self, rng: np.random.Generator) -> str:
        """Say the scene; three captions in ten leave one fact out."""
        silent = pick(rng, list(self.choices)) if rng.random() < 0.3 else ""
        forest = _say_forest("" if silent == "trees" else self.trees, rng)
        when = "" if silent == "time" else say(rng, self.time)
        if silent == "weather":
            return pick(rng, (f"{opening(rng)}{forest} {when}", f"{when}, {forest}")).strip(" ,")
        weather = _say_weather(self.weather, rng)
        return (
            pick(
                rng,
                (
                    f"{opening(rng)}{forest} {when}, {weather}",
                    f"{opening(rng)}{forest}, {weather} {when}",
                    f"{weather} {when}, {forest}",
                    f"{when}, {forest}, {weather}",
                ),
            )
            .strip(" ,")
            .replace(" ,", ",")
        )

    @classmethod
    def render(cls, scenes: Sequence[Self], seeds: Sequence[int], frames: Tensor, size: Size) -> Tensor:
        """Draw forests; see `Scene.render`."""
        view = _View(scenes, seeds, frames, size)
        picture = _sky(view)
        picture = mix(picture, view.haze * 0.86, _hills(view))
        for number, row in enumerate(ROWS):
            cover, snow, shade = _row(view, row, number)
            picture = mix(picture, _lit(view, snow, shade, number), cover)
        picture = mix(picture, view.haze, _fog(view))
        return _fall(view, picture).clamp(0, 1)


def _say_forest(trees: str, rng: np.random.Generator) -> str:
    place = pick(rng, ("a pine forest", "a forest of pines", "pine trees", "tall pines", "swaying pines"))
    if trees == "green":
        return pick(
            rng, ("a green pine forest", "green pines", "a forest of green pines", "tall green pine trees")
        )
    if trees == "snowy":
        return pick(
            rng, ("a snowy pine forest", "snowy pines", "pines covered with snow", "snow-covered pine trees")
        )
    return place


def _say_weather(weather: str, rng: np.random.Generator) -> str:
    return pick(
        rng,
        {
            "clear": ("in clear weather", "under a clear sky", "in clear air", "with a clear sky"),
            "snow": ("in falling snow", "while it snows", "large snowflakes falling", "in a gentle snowfall"),
            "rain": ("in the rain", "while it rains", "rain falling", "in soft rain"),
            "fog": ("in the fog", "in thick mist", "fog drifting by", "wrapped in fog"),
        }[weather],
    )


class _View(View[Pines]):
    """What the brushes of one call share: also how far the camera has walked, and the colours of the air."""

    def __init__(self, scenes: Sequence[Pines], seeds: Sequence[int], frames: Tensor, size: Size) -> None:
        super().__init__(scenes, seeds, frames, size)
        self.walk = self.time * self.dice.uniform(0.035, 0.055) + self.dice.uniform(0, 500)
        self.grey = self.air("grey")
        tint = torch.tensor([0.97, 1.0, 1.05], device=self.device).view(1, 1, 3, 1, 1)
        middle, horizon = self.daylight("middle"), self.daylight("horizon")
        dim = self.air("dim").unsqueeze(2)
        murk = self.plain((0.03, 0.055, 0.10))
        self.overcast = (0.4 * middle + 0.6 * horizon).mean(2, keepdim=True) * tint * dim + murk
        self.haze = self.cloudy(0.35 * middle + 0.65 * horizon)
        self.light = self.daylight("light") * (0.5 + 0.5 * dim)

    def air(self, name: str) -> Tensor:
        """Look a property of the weather up, (B, 1, 1, 1)."""
        return self.number(lambda s: getattr(AIRS[s.weather], name))

    def daylight(self, name: str) -> Tensor:
        """Look a colour of the time of day up, (B, 1, 3, 1, 1)."""
        return self.colour(lambda s: getattr(DAYLIGHT[s.time], name))

    def cloudy(self, colour: Tensor) -> Tensor:
        """Turn a colour of the clear sky as grey as the weather."""
        return torch.lerp(colour, self.overcast, self.grey.unsqueeze(2))


def _sky(view: _View) -> Tensor:
    """Return sky, sun or moon, stars and clouds, (B, F, 3, H, W)."""
    dice, clear = view.dice, (1 - view.grey / 0.5).clamp(min=0)
    tones = [view.cloudy(view.daylight(n)) for n in ("top", "middle", "horizon")]
    picture = gradient(view.y, *tones).expand(*view.time.shape[:2], 3, *view.size)
    night = view.has("night")
    places = dice.many(16)[:, 0, 0].expand(-1, view.time.shape[1], -1)
    small = torch.full_like(places[..., :8], 0.012)
    stars = glows(
        (places[..., :8] * view.width, places[..., 8:] * 0.45),
        (small, small),
        torch.ones_like(small)[..., None],
        view.size,
    )
    picture = glow(picture, view.daylight("sun"), stars[:, :, 0] * night * clear * 0.9)
    sun_x = view.width * dice.uniform(0.25, 0.75) + 0.06 * view.wave(80)
    sun_y = view.number(lambda s: SUN_HEIGHT[s.time]) + dice.uniform(-0.03, 0.03)
    away = torch.sqrt((view.x - sun_x) ** 2 + (view.y - sun_y) ** 2)
    picture = glow(picture, view.daylight("sun"), clear * 0.55 * torch.exp(-away / 0.13))
    picture = mix(picture, view.daylight("sun"), clear * inside(away - 0.075, view.height, 2.0))
    along = (view.column.double() + 0.3 * view.walk + 0.012 * view.time) / 0.62
    heaps, top = cumulus(along, (view.row - 0.27) / 0.62, view.time, view.key)
    shade, cloud = view.daylight("shade"), view.daylight("cloud")
    return mix(picture, shade + (cloud - shade) * top.unsqueeze(2), heaps * clear * 0.85)


def _hills(view: _View) -> Tensor:
    """Return the cover of the far hills."""
    ridge = 0.40 + 0.16 * fractal1((view.column.double() + 0.1 * view.walk) / 0.45, view.key + 3, octaves=2)
    return inside(ridge - view.y, view.height, 2.0) * (1 - 0.75 * view.air("fog"))


def _row(view: _View, row: Row, number: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return cover, snow and shade of a row of trees on its ground, each (B, F, H, W)."""
    across = view.column.double() + row.pace * view.walk
    ground = _ground(across, view.key, row, number)
    depth = view.y - ground
    cover = inside(-depth, view.height, 2.0)
    snowy = view.has("snowy")
    shade = 1.06 - 0.8 * depth.clamp(min=0)
    snow = snowy.expand_as(cover)
    for half in range(2):
        tree, lying, lit = _trees(view, row, number, half, across)
        cover = cover + (1 - cover) * tree
        snow = torch.lerp(snow, snowy * lying, tree)
        shade = torch.lerp(shade, lit, tree)
    return cover, snow, shade


def _ground(across: Tensor, key: Tensor, row: Row, number: int) -> Tensor:
    return row.ground + 0.07 * (noise1(across / (1.4 * row.height + 0.2), key + 40 + number) - 0.5)


def _trees(view: _View, row: Row, number: int, half: int, across: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return cover, lying snow and light of every second tree of a row, each (B, F, H, W)."""
    place = across / row.spacing + 0.5 * half
    cell = torch.floor(place).long()
    key = view.key + 100 + 10 * number + half
    tall = row.height * (0.74 + 0.45 * hashed(cell, key + 200))
    middle = 0.5 + 0.16 * (hashed(cell, key + 400) - 0.5)
    root = (cell.double() + middle - 0.5 * half) * row.spacing
    foot = _ground(root, view.key, row, number) + 0.02
    down = (view.y - foot) / tall + 1
    swing = wrap(view.time * 1.1 + 6.0 * hashed(cell, key + 600), math.tau)
    gust = 0.03 * torch.sin(swing) * (1 - down)
    aside = (across - root).float() / tall - gust
    out = aside.abs()
    tier = torch.remainder((down - 0.30 * out) * TIERS, 1.0)
    edge = (1 - 1.5 * TIERS / (tall * view.height)).clamp(max=0.9)
    under = smoothstep(edge, 1.0, tier)
    flare = torch.minimum(tier, (1 - tier) * 5.0)
    slim = 0.25 + 0.05 * hashed(cell, key + 800)
    width = slim * (0.66 * down + 0.30 * flare * (0.25 + down.clamp(max=0.8)))
    cover = inside((out - width) * tall, view.height, 1.5) * ((1 - down) * tall * view.height).clamp(0, 1)
    present = (hashed(cell, key + 1000) < row.density).float()
    side = (aside / (width + 0.03)).clamp(-1, 1)
    return (
        cover * present,
        1 - smoothstep(0.25, 0.75, tier) + under,
        0.94 - 0.22 * side - 0.25 * tier * (1 - under),
    )


def _lit(view: _View, snow: Tensor, shade: Tensor, number: int) -> Tensor:
    """Return the colour of a row in the light of the day behind the haze, (B, F, 3, H, W)."""
    own = mix(view.plain(NEEDLES) * view.light, view.plain(SNOW) * view.light, snow)
    haze = view.number(lambda s: AIRS[s.weather].haze[number])
    return torch.lerp(own * shade.unsqueeze(2), view.haze, haze.unsqueeze(2))


def _fog(view: _View) -> Tensor:
    """Return the cover of the drifting banks of fog."""
    coarse = (view.height // 4, view.size[1] // 4)
    x, y = grid(coarse, view.device)
    drift = wrap(0.5 * view.walk + 0.05 * view.time, 4096.0)
    bank = enlarge(fractal2((x + drift) * 2.2, y * 4.5 + 9.0, view.key + 5, octaves=2), view.size)
    return view.air("fog") * (0.85 * smoothstep(0.25, 0.8, bank) * smoothstep(0.2, 0.6, view.y)).clamp(0, 1)


def _fall(view: _View, picture: Tensor) -> Tensor:
    """Lay what falls over the picture: flakes that sway or streaks of rain."""
    dice, time = view.dice, view.time[..., 0]
    fall, wide, long = (view.air(n)[..., 0] for n in ("fall", "wide", "long"))
    pace, big, jitter = (dice.many(DROPS)[:, 0, 0] for _ in range(3))
    number = torch.arange(DROPS, device=view.device) + 0.4 * jitter
    width = view.width + 0.2
    sway = 0.03 * torch.sin(wrap(time * 0.9 + 6.28 * big, math.tau)) * (wide / 0.017) ** 2
    x = wrap(0.7549 * number * width + 0.03 * time - view.walk[..., 0], width) - 0.1 + sway
    y = wrap(0.5698 * number * 1.3 + time * fall * (0.85 + 0.3 * pace), 1.3) - 0.15
    size = 0.75 + 0.5 * big
    drops = glows((x, y), (wide * size, long * size), torch.ones_like(x)[..., None], view.size)[:, :, 0]
    cover = (1 - torch.exp(-2.2 * drops)) * view.air("amount")
    pale = torch.lerp(view.light, torch.ones_like(view.light), 0.55) * 0.97
    return mix(picture, pale, cover)
