"""City: a drive down a street at night, towards a vanishing point between lit houses.

Places on the street are measured in half its width: across (0 in the middle, 1 at the walls), up from the
eye, and ahead. A place ahead by z is seen at across / z and up / z from the vanishing point.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self, get_args

import numpy as np
import torch
from torch import Tensor

from pavdm_cli.training.worlds import paint
from pavdm_cli.training.worlds.paint import Colour, Size
from pavdm_cli.training.worlds.scene import Choices, Scene
from pavdm_cli.training.worlds.view import View
from pavdm_cli.training.worlds.words import article, opening, pick

Light = Literal["warm", "pink", "blue"]
Weather = Literal["dry", "rain"]
Speed = Literal["slow", "fast"]

SAID: dict[str, tuple[str, ...]] = {
    "warm": ("warm lights", "golden lights", "warm golden lights", "amber lights"),
    "pink": ("pink lights", "neon pink lights", "pink neon", "magenta lights"),
    "blue": ("blue lights", "cold blue lights", "icy blue lights", "blue neon"),
    "dry": ("on a dry road", "in dry weather", "under a clear sky", "on dry asphalt"),
    "rain": ("in the rain", "on a wet road", "in rainy weather", "while rain falls"),
    "slow": ("slowly", "at a slow pace", "gently", "unhurriedly"),
    "fast": ("fast", "quickly", "at high speed", "rapidly"),
}


@dataclass(frozen=True)
class Palette:
    """The colours of a city's light: windows of two kinds, lamps, the haze over the street, the sky."""

    window: Colour
    other: Colour
    lamp: Colour
    haze: Colour
    sky: Colour


PALETTES = {
    "warm": Palette(
        (1.0, 0.80, 0.42), (1.0, 0.62, 0.24), (1.0, 0.74, 0.36), (0.52, 0.29, 0.12), (0.07, 0.05, 0.10)
    ),
    "pink": Palette(
        (1.0, 0.45, 0.80), (0.80, 0.36, 1.0), (1.0, 0.38, 0.74), (0.50, 0.11, 0.42), (0.09, 0.02, 0.15)
    ),
    "blue": Palette(
        (0.60, 0.88, 1.0), (0.26, 0.60, 1.0), (0.46, 0.78, 1.0), (0.07, 0.28, 0.58), (0.01, 0.04, 0.13)
    ),
}
WALL: Colour = (0.13, 0.13, 0.19)
ASPHALT: Colour = (0.10, 0.10, 0.13)
TAIL: Colour = (1.0, 0.12, 0.10)

HORIZON = 0.46
EYE = 0.60
"""Height of the eye above the road."""
HOUSE = 4.0
"""Length of a house along the street; each has three columns of windows."""
FLOOR = 0.80
LAMP_GAP = 4.0
PACE = {"slow": 0.75, "fast": 2.3}
"""Half street widths a second."""


@dataclass(frozen=True)
class City(Scene):
    """A night drive in a city of one light, dry or in the rain, slow or fast."""

    light: Light
    weather: Weather
    speed: Speed

    family: ClassVar[str] = "city"
    knows: ClassVar[str] = (
        "a night drive through a city: warm, pink or blue lights; dry or in the rain; slow or fast"
    )
    choices: ClassVar[Choices] = {
        "light": get_args(Light),
        "weather": get_args(Weather),
        "speed": get_args(Speed),
    }

    def caption(self, rng: np.random.Generator) -> str:
        """Say the scene; any one attribute is left out of about one caption in sixteen."""
        omit = pick(rng, (*self.choices, *[""] * 13))
        light, weather, speed = (
            "" if name == omit else " " + pick(rng, SAID[value]) for name, value in self.facts().items()
        )
        lights = f" with{light}" if light else ""
        street = pick(rng, ("a city street", "a street in the city", "the city", "a big city"))
        adjective = "" if omit == "speed" else f"{self.speed} "
        start = opening(rng)
        return pick(
            rng,
            (
                f"{start}{article(f'{adjective}drive')} through {street} at night{lights}{weather}",
                f"{start}{article(f'{adjective}night drive')} down {street}{weather}{lights}",
                f"driving{speed} through {street} at night{weather}{lights}",
                f"driving{speed} down {street}{lights}{weather}, at night",
                f"at night{weather}, a car drives{speed} through {street}{lights}",
                f"{street}{lights} at night{weather}, driving{speed}",
            ),
        )

    def pairs(self) -> list[tuple[str, str]]:
        """Return (light, weather): it may rain in a city of any light."""
        return [(self.light, self.weather)]

    @classmethod
    def render(cls, scenes: Sequence[Self], seeds: Sequence[int], frames: Tensor, size: Size) -> Tensor:
        """Draw the sky, the houses, the lamps, the road with its reflections, the car ahead, the rain."""
        view = _View(scenes, seeds, frames, size)
        upper = view.lamps(view.houses(view.sky()))
        return view.rain(view.car(view.poles(view.road(upper)))).clamp(0, 1)


class _View(View[City]):
    """What the drawing steps of one batch share: also the way travelled, the wet, and each city's light."""

    def __init__(self, scenes: Sequence[City], seeds: Sequence[int], frames: Tensor, size: Size) -> None:
        super().__init__(scenes, seeds, frames, size)
        pace = self.number(lambda s: PACE[s.speed]) * self.dice.uniform(0.92, 1.08)
        self.travel = self.time * pace.double() + self.dice.uniform(0, 1000).double()
        self.wet = self.has("rain")
        self.across = self.column - 0.5 * self.width - 0.025 * self.wave(self.dice.uniform(15, 25).double())
        self.off = self.across.abs().clamp(min=2e-3)
        self.up = HORIZON - self.row
        self.haze = self.colour(lambda s: PALETTES[s.light].haze)
        self.lamp = self.colour(lambda s: PALETTES[s.light].lamp)
        self.window = self.colour(lambda s: PALETTES[s.light].window)

    def sky(self) -> Tensor:
        """Draw the night sky glowing above the street, and a moon, veiled when it rains."""
        top = self.colour(lambda s: PALETTES[s.light].sky)
        picture = paint.gradient(self.y * 1.5, top, 0.5 * (top + self.haze), self.haze * 1.15)
        dx = self.across - self.dice.uniform(-0.07, 0.07)
        away = torch.sqrt(dx.square() + (self.up - HORIZON + 0.13).square())
        moon = self.plain((0.96, 0.95, 0.88))
        clear = 1 - 0.8 * self.wet
        picture = paint.glow(picture, moon, clear * 0.5 * torch.exp(-away / 0.08))
        return paint.mix(picture, moon, clear * paint.inside(away - 0.065, self.height, 1.6))

    def houses(self, picture: Tensor) -> Tensor:
        """Lay the houses over the sky: two fronts further down the street, then the walls along it."""
        ahead = 1 / self.off
        house = torch.floor((self.travel + ahead) / HOUSE)
        side = self.key + 977 * (self.across > 0)
        fog = 1 - torch.exp(-ahead / 11)
        for further in (2, 1):
            front = ((house + further) * HOUSE - self.travel).float()
            roof = self.roof(house.long() + further, side) / front
            far = 1 - torch.exp(-front / 11)
            dark = self.plain(WALL) * 0.8
            face = torch.lerp(dark, self.haze, (0.25 + 0.75 * far).unsqueeze(2))
            picture = paint.mix(picture, face, paint.inside(self.up - roof, self.height, 1.5))
        to_next = ((house + 1) * HOUSE - self.travel - ahead).float() * self.height / ahead.square()
        high = torch.lerp(
            self.roof(house.long() + 1, side), self.roof(house.long(), side), (to_next / 1.5).clamp(0, 1)
        )
        roof = high / ahead
        glow_at_foot = 0.55 * torch.exp(-(self.up * ahead + EYE).clamp(min=0) / 0.9)
        wall = self.plain(WALL).expand_as(picture[:, :, :, :1, :1])
        face = paint.mix(wall, self.haze * 1.2, glow_at_foot)
        face = self.windows(face, ahead, house, side)
        face = paint.mix(face, self.haze, fog)
        edge = (self.up - roof) / torch.sqrt(1 + high.square())
        return paint.mix(picture, face, paint.inside(edge, self.height, 1.6))

    def roof(self, house: Tensor, side: Tensor) -> Tensor:
        """Return how high above the eye a house's roof is."""
        return 1.1 + 2.6 * paint.hashed(house, side + 5)

    def windows(self, face: Tensor, ahead: Tensor, house: Tensor, side: Tensor) -> Tensor:
        """Light the windows along the street; where they grow too small they melt into a glow."""
        pixel = 1 / self.height
        columns = (self.travel + ahead) / HOUSE * 3
        column = torch.floor(columns)
        u = ((columns - column).float() - 0.5).abs() * HOUSE / 3
        wide = ((0.42 - u) / (ahead.square() * pixel) + 0.5).clamp(0, 1)
        floors = self.up * ahead / FLOOR + 0.35
        floor = torch.floor(floors)
        v = ((floors - floor) - 0.5).abs() * FLOOR
        tall = ((0.25 - v) / (ahead * pixel) + 0.5).clamp(0, 1)
        chance = paint.hashed(column.long() + 7919 * floor.long(), side + 6)
        lit = torch.where(chance < 0.68, 0.55 + 0.6 * chance, 0.06)
        lit = lit * (0.85 + 0.6 * (floors - floor - 0.5))
        near = paint.smoothstep(8.0, 4.5, ahead)
        amount = torch.lerp(0.22 * torch.ones_like(wide), wide * tall * lit, near) * (floors > 0)
        kind = (paint.hashed(house.long(), side + 8) < 0.4).float()
        colour = torch.lerp(self.window, self.colour(lambda s: PALETTES[s.light].other), kind.unsqueeze(2))
        return paint.mix(face, colour, amount)

    def lamp_places(self) -> list[tuple[Tensor, Tensor]]:
        """Return how far ahead each pair of lamps is, near to far, and how visible, (B, F, 1, 1)."""
        passed = paint.wrap(self.travel, LAMP_GAP)
        places = [(k + 1) * LAMP_GAP - passed for k in range(5)]
        return [
            (z.clamp(min=0.5), paint.smoothstep(0.8, 1.5, z) * paint.smoothstep(20, 13, z)) for z in places
        ]

    def lamps(self, picture: Tensor) -> Tensor:
        """Add the lamps' heads and the light around them."""
        halo = torch.zeros(1, 1, 1, 1, device=self.device)
        for z, shown in self.lamp_places():
            dx, dy = self.off - 0.72 / z, self.up - 0.78 / z
            reach = (0.13 + 0.05 * self.wet) / z + 0.012
            away = dx.square() + (1.3 * dy).square()
            halo = (
                halo
                + shown * torch.exp(-away / (0.16 * reach.square()))
                + 0.45 * shown * torch.exp(-away / reach.square() * 0.5)
            )
        white = torch.lerp(self.lamp, torch.ones_like(picture[:, :, :, :1, :1]), 0.25)
        return paint.glow(picture, white, halo.clamp(max=1))

    def poles(self, picture: Tensor) -> Tensor:
        """Lay the lamps' dark poles over the road and the walls."""
        cover = torch.zeros(1, 1, 1, 1, device=self.device)
        for z, shown in self.lamp_places()[:3]:
            pole = torch.maximum(
                (self.off - 0.86 / z).abs() - 0.022 / z, (self.up - 0.10 / z).abs() - 0.68 / z
            )
            arm = torch.maximum((self.off - 0.80 / z).abs() - 0.08 / z, (self.up - 0.80 / z).abs() - 0.02 / z)
            solid = shown * paint.smoothstep(9, 5, z) * 0.9
            cover = torch.maximum(cover, solid * paint.inside(torch.minimum(pole, arm), self.height, 1.5))
        return paint.mix(picture, self.plain((0.05, 0.05, 0.07)), cover)

    def road(self, upper: Tensor) -> Tensor:
        """Lay the road: lanes, kerbs, pools of lamp light, and, in the rain, the street mirrored."""
        pixel = 1 / self.height
        below = (-self.up).clamp(min=0.5 * pixel)
        ahead = EYE / below
        place = self.off * ahead
        lane = paint.wrap(self.travel + ahead, 2.0)
        dash = ((0.55 - (lane - 1).abs()) / (ahead.square() * pixel / EYE) + 0.5).clamp(0, 1)
        dash = torch.lerp(0.5 * torch.ones_like(dash), dash, paint.smoothstep(7, 4, ahead))
        thin = ahead * pixel * 1.2
        lines = torch.maximum(
            dash * ((0.028 - (place - 0.26).abs()) / thin + 0.5).clamp(0, 1),
            0.7 * ((0.026 - (place - 0.76).abs()) / thin + 0.5).clamp(0, 1),
        )
        pool = (paint.wrap(self.travel + ahead + 0.5 * LAMP_GAP, LAMP_GAP) - 0.5 * LAMP_GAP).square()
        pool = torch.exp(-pool / 0.9) * torch.exp(-(place - 0.7).square() / 0.16)
        pool = torch.lerp(0.3 * torch.ones_like(pool), pool, paint.smoothstep(12, 6, ahead))
        asphalt = self.plain(ASPHALT) * (1 - 0.45 * self.wet).unsqueeze(2)
        kerb = 0.30 * paint.smoothstep(0.84, 0.84 + 0.04, place)
        ground = paint.mix(asphalt, self.haze, (kerb + 0.15).expand_as(pool))
        ground = paint.glow(ground, self.lamp, pool * (0.42 - 0.12 * self.wet))
        ground = paint.mix(ground, 0.5 * (self.lamp + 0.9), lines * 0.75)
        ground = paint.glow(
            ground, self.mirrored(upper), 0.62 * self.wet * paint.inside(place - 1, self.height, 20.0)
        )
        ground = paint.mix(ground, self.haze, (1 - torch.exp(-ahead / 14)) * torch.ones_like(place))
        return paint.mix(upper, ground, paint.inside(self.off + self.up / EYE, self.height, 1.5))

    def mirrored(self, upper: Tensor) -> Tensor:
        """Return the picture turned over at the horizon, smeared downwards as on a wet road."""
        height = self.height
        rows = torch.arange(height, device=self.device)
        source = (2 * HORIZON * height - rows).long()
        smear = [
            upper.index_select(3, (source + k * height // 32).clamp(0, height - 1)) for k in (-2, -1, 0, 1, 2)
        ]
        return torch.stack(smear).mean(0)

    def car(self, picture: Tensor) -> Tensor:
        """Draw the car ahead from behind: a dark body, a window, two tail lights and their reflection."""
        z = 2.35 + 0.35 * self.wave(19.0)
        u = (self.across - (0.10 * self.wave(11.0)) / z) * z
        v = -self.up * z - EYE
        body = torch.maximum(u.abs() - 0.25, (v + 0.15).abs() - 0.11) - 0.03
        cabin = torch.maximum(u.abs() - 0.21 - 0.35 * (v + 0.30), (v + 0.33).abs() - 0.12)
        shape = paint.inside(torch.minimum(body, cabin) / z, self.height, 1.6)
        shadow = torch.exp(-((u / 0.30).square() + ((v - 0.0) / 0.06).square()))
        picture = paint.mix(picture, torch.zeros(1, 1, 3, 1, 1, device=self.device), 0.7 * shadow)
        paintwork = paint.mix(
            self.haze * 0.10 + 0.02, self.haze * 0.75 + 0.12, paint.smoothstep(-0.10, -0.28, v)
        )
        picture = paint.mix(picture, paintwork, shape)
        window = torch.maximum(u.abs() - 0.16 - 0.35 * (v + 0.30), (v + 0.345).abs() - 0.07)
        picture = paint.mix(
            picture, self.haze * 0.35 + 0.02, 0.9 * paint.inside(window / z, self.height, 1.6)
        )
        red = self.plain(TAIL)
        side = u.abs() - 0.205
        lamp = torch.maximum(side.abs() - 0.055, (v + 0.185).abs() - 0.035)
        halo = torch.exp(-(side.square() + (v + 0.185).square()) / 0.014)
        streak = self.wet * torch.exp(-(side / 0.07).square() - ((v - 0.16) / 0.16).square())
        picture = paint.glow(picture, red, (0.7 * halo + 0.8 * streak).clamp(max=1))
        return paint.mix(
            picture, torch.lerp(red, torch.ones_like(red), 0.12), paint.inside(lamp / z, self.height, 1.6)
        )

    def rain(self, picture: Tensor) -> Tensor:
        """Let large soft streaks of rain fall slowly through the picture, in two layers."""
        streaks = torch.zeros(1, 1, 1, 1, device=self.device)
        for layer, count in enumerate((7, 10)):
            column = torch.floor(self.column * count)
            i = column.long()
            falls = self.time * (0.34 - 0.06 * layer) + paint.hashed(i, self.key + 70 + layer).double()
            turn = torch.floor(falls)
            x = (column + 0.25 + 0.5 * paint.hashed(i + 131 * turn.long(), self.key + 72 + layer)) / count
            y = (falls - turn).float() * 1.4 - 0.2
            dx = (self.column - x) / (0.012 - 0.002 * layer)
            dy = ((self.row - y) / 0.085).square()
            streaks = streaks + torch.exp(-dx.square()) * torch.exp(-dy) * (0.55 - 0.15 * layer)
        light = 0.5 * (self.window + 1.0)
        return paint.glow(picture, light, self.wet * streaks.clamp(max=1))
