"""Balloons: a large hot-air balloon floating over a misty valley, with others far away."""

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
from pavdm_cli.training.worlds.words import COLOURS, DAYLIGHT, article, opening, pick, say

Hue = Literal["red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink", "black"]
"""Every shared colour but white, on which white stripes would not show."""
Pattern = Literal["plain", "striped"]
Time = Literal["dawn", "day", "sunset"]
Direction = Literal["left", "right"]

CREAM: Colour = (0.97, 0.90, 0.78)
WICKER: Colour = (0.42, 0.25, 0.13)
FLAME: Colour = (1.00, 0.72, 0.30)
RIDGES: tuple[tuple[float, float, float, Colour], ...] = (
    (0.76, 0.15, 0.15, (0.34, 0.56, 0.56)),
    (0.88, 0.40, 0.18, (0.38, 0.68, 0.32)),
    (1.02, 0.85, 0.20, (0.22, 0.50, 0.18)),
)
"""Foot, nearness, height and colour of each ridge of the valley, from far to near."""


@dataclass(frozen=True)
class Balloons(Scene):
    """A hot-air balloon of one colour, plain or striped with white, drifting left or right."""

    colour: Hue
    pattern: Pattern
    time: Time
    drift: Direction

    family: ClassVar[str] = "balloons"
    knows: ClassVar[str] = (
        "a large hot-air balloon: red, orange, yellow, green, cyan, blue, purple, pink or black; "
        "plain or striped; dawn, day or sunset; drifting left or right"
    )
    choices: ClassVar[Choices] = {
        "colour": get_args(Hue),
        "pattern": get_args(Pattern),
        "time": get_args(Time),
        "drift": get_args(Direction),
    }

    def caption(self, rng: np.random.Generator) -> str:
        """Say the scene; any one attribute is left out of about one caption in eighteen."""
        omit = pick(rng, (*self.choices, *[""] * 14))
        colour = "" if omit == "colour" else say(rng, self.colour)
        time = "" if omit == "time" else say(rng, self.time)
        move = "" if omit == "drift" else say(rng, self.drift)
        noun = pick(rng, ("hot-air balloon", "balloon", "hot air balloon"))
        thing = _balloon(rng, colour, "" if omit == "pattern" else self.pattern, noun)
        verb = pick(rng, ("drifting", "floating", "flying", "gliding"))
        place = pick(
            rng, ("", "", " over a valley", " above misty hills", " over green hills", " in the sky")
        )
        motion = f" {verb} {move}" if move else f" {verb}"
        if not time:
            return f"{opening(rng)}{thing}{motion}{place}"
        start = opening(rng)
        return pick(
            rng,
            (
                f"{start}{thing}{motion}{place} {time}",
                f"{start}{thing}{place} {time}{',' if place else ''}{motion}",
                f"{time}, {thing}{motion}{place}",
                f"{time}, {thing} floats{' ' + move if move else ''}{place}",
            ),
        )

    def pairs(self) -> list[tuple[str, str]]:
        """Return (colour, pattern) and (colour, time): balloons of any colour come both ways at any time."""
        return [(self.colour, self.pattern), (self.colour, self.time)]

    @classmethod
    def render(cls, scenes: Sequence[Self], seeds: Sequence[int], frames: Tensor, size: Size) -> Tensor:
        """Draw the sky, the clouds, the valley, the far balloons and the near one."""
        view = _View(scenes, seeds, frames, size)
        picture = view.clouds(view.sky(), row=0)
        picture = view.far_balloon(picture, 0)
        picture = view.clouds(picture, row=1)
        for number in range(len(RIDGES)):
            picture = view.ridge(picture, number)
        return view.near_balloon(view.far_balloon(picture, 1)).clamp(0, 1)


def _balloon(rng: np.random.Generator, colour: str, pattern: str, noun: str) -> str:
    """Name the balloon: its colour and pattern before or after the noun."""
    tint = f"{colour} " if colour else ""
    if pattern == "striped":
        stripes = pick(rng, ("{}striped ", "striped {}", "{}and white striped " if colour else "striped "))
        if colour and rng.uniform() < 0.3:
            return f"{article(tint + noun)} with white stripes"
        return article(stripes.format(tint) + noun)
    plain = f"plain {tint}" if pattern == "plain" and rng.uniform() < 0.95 else tint
    return article(plain + noun)


class _View(View[Balloons]):
    """What the drawing steps of one batch share: also the way travelled and the light."""

    def __init__(self, scenes: Sequence[Balloons], seeds: Sequence[int], frames: Tensor, size: Size) -> None:
        super().__init__(scenes, seeds, frames, size)
        way = self.number(lambda s: 1.0 if s.drift == "right" else -1.0)
        self.travel = self.time * way.double() * self.dice.uniform(0.22, 0.30).double()
        self.side = torch.where(self.dice.uniform() < 0.5, -1.0, 1.0)
        self.light = self.colour(lambda s: DAYLIGHT[s.time].light)
        self.horizon = self.colour(lambda s: DAYLIGHT[s.time].horizon)
        self.haze = 0.5 * self.horizon + 0.5 * self.colour(lambda s: DAYLIGHT[s.time].shade)
        self.striped = self.has("striped")

    def sky(self) -> Tensor:
        """Draw the sky with a low or high sun at one side."""
        top = self.colour(lambda s: DAYLIGHT[s.time].top)
        picture = paint.gradient(self.y, top, self.colour(lambda s: DAYLIGHT[s.time].middle), self.horizon)
        sun = self.colour(lambda s: DAYLIGHT[s.time].sun)
        height = self.number(lambda s: 0.14 if s.time == "day" else 0.56)
        x = self.width * (0.5 + self.side * self.dice.uniform(0.30, 0.38)) + 0.02 * self.wave(41.0)
        away = torch.sqrt((self.x - x).square() + (self.y - height).square())
        picture = paint.glow(picture, sun, (0.5 + 0.05 * self.wave(17.0)) * torch.exp(-away / 0.22))
        return paint.mix(picture, sun, paint.inside(away - 0.08, self.height, 1.6))

    def clouds(self, picture: Tensor, row: int) -> Tensor:
        """Lay one row of clouds: a far one behind the far balloon, a near one low over the valley."""
        scale, height, speed = ((0.9, 0.28, 0.20), (1.3, 0.62, 0.45))[row]
        lit, shaded = (
            self.colour(lambda s: DAYLIGHT[s.time].cloud),
            self.colour(lambda s: DAYLIGHT[s.time].shade),
        )
        along = (self.column + speed * self.travel) / scale + self.dice.uniform(0, 100).double()
        y = self.row - height
        cover, light = paint.cumulus(along, y, self.time, self.key + 500 * (row + 1), scale)
        return paint.mix(picture, paint.mix(shaded, lit, light), cover * 0.92)

    def ridge(self, picture: Tensor, number: int) -> Tensor:
        """Lay one ridge of the valley, lit in soft folds, with mist at its foot."""
        foot, near, rise, colour = RIDGES[number]
        seed = self.key + 1000 * (number + 1)
        u = (self.column + near * self.travel) / (0.7 + 0.3 * near) + self.dice.uniform(0, 100).double()
        wave = paint.fractal1(u, seed, 2)
        depth = self.y - (foot - rise * wave)
        fold = paint.smoothstep(-0.5, 0.5, self.side * (paint.fractal1(u + 0.25, seed, 2) - wave) * 1.6)
        ground = torch.lerp(self.haze, self.plain(colour) * self.light, 0.5 + 0.5 * near)
        surface = paint.mix(ground * 0.82, ground * 1.12, fold)
        mist = 0.6 * (1 - near) * paint.smoothstep(0.0, 0.16, depth)
        return paint.mix(
            picture, paint.mix(surface, self.horizon, mist), paint.inside(-depth, self.height, 1.6)
        )

    def near_balloon(self, picture: Tensor) -> Tensor:
        """Draw the balloon the scene is about, swaying slowly about the middle."""
        radius = self.dice.uniform(0.225, 0.265) + 0.012 * self.wave(23.0)
        x = self.width * (0.5 - self.side * self.dice.uniform(0.02, 0.12))
        x = x + 0.05 * self.wave(self.dice.uniform(17, 23).double())
        y = self.dice.uniform(0.36, 0.42) + 0.035 * self.wave(self.dice.uniform(9, 13).double())
        return self.balloon(
            picture, self.colour(lambda s: COLOURS[s.colour]), self.striped, x, y, radius, 0.0
        )

    def far_balloon(self, picture: Tensor, number: int) -> Tensor:
        """Draw a cream-coloured balloon far away, at the sun's side of the picture."""
        radius = self.dice.uniform(0.05, 0.06) + 0.03 * number
        x = self.width * (0.5 + self.side * (0.30 - 0.60 * number) * self.dice.uniform(0.9, 1.2))
        x = x + 0.04 * self.wave(31.0 + 6 * number)
        y = self.dice.uniform(0.20, 0.40) + 0.30 * number + 0.02 * self.wave(11.0 + number)
        cream = self.plain(CREAM)
        return self.balloon(picture, cream, torch.zeros_like(self.striped), x, y, radius, 0.45 - 0.2 * number)

    def balloon(
        self,
        picture: Tensor,
        colour: Tensor,
        striped: Tensor,
        x: Tensor,
        y: Tensor,
        radius: Tensor,
        haze: float,
    ) -> Tensor:
        """Draw one balloon: envelope, skirt and basket; x and y are the middle of its widest part."""
        u, v = (self.x - x - 0.03 * radius * self.wave(7.0)) / radius, (self.y - y) / radius
        waist = torch.where(
            v < 0, torch.sqrt((1 - v.square()).clamp(min=1e-4)), 0.24 + 0.76 * torch.cos(1.16 * v)
        )
        lower = torch.maximum((u.abs() - waist) * 0.85, v - 1.25)
        envelope = torch.where(v < 0, torch.sqrt(u.square() + v.square()) - 1, lower)
        turn = (u / waist.clamp(min=0.1)).clamp(-0.995, 0.995)
        around = torch.asin(turn) + self.wave(37.0) * 0.5
        rim = torch.maximum(paint.smoothstep(0.86, 0.99, turn.abs()), paint.smoothstep(-0.86, -1.0, v))
        stripe = torch.lerp(
            paint.smoothstep(-0.28, 0.28, torch.sin(6 * around)), 0.5 * torch.ones_like(rim), rim
        )
        cloth = paint.mix(colour, self.plain((0.97, 0.96, 0.93)), stripe * striped)
        towards = self.side * u * 0.75 - v * 0.55 + 0.25
        shade = 0.90 + 0.20 * towards - 0.10 * u.square() + 0.04 * torch.sin(12 * around) * (1 - striped)
        lifted = 0.65 + 0.35 * self.light
        cloth = cloth * lifted * shade.clamp(0.45, 1.15).unsqueeze(2)
        shine = 0.28 * torch.exp(-((u - 0.38 * self.side).square() + (v + 0.42).square()) / 0.10)
        cloth = paint.glow(cloth, self.colour(lambda s: DAYLIGHT[s.time].sun), shine)
        burn = (0.45 + 0.25 * self.wave(6.0)) * torch.exp(-(u.square() + (v - 1.2).square()) / 0.12)
        cloth = paint.glow(cloth, self.plain(FLAME), burn)
        basket = torch.maximum(u.abs() - 0.17, (v - 1.66).abs() - 0.14)
        ropes = torch.maximum((u.abs() - 0.20 + 0.08 * (v - 1.3)).abs() - 0.035, (v - 1.40).abs() - 0.16)
        wicker = torch.lerp(self.haze, self.plain(WICKER) * lifted, 1.0 - haze)
        cover = paint.inside(torch.minimum(basket - 0.02, ropes) * radius, self.height, 1.6)
        picture = paint.mix(picture, wicker, cover)
        return paint.mix(
            picture, torch.lerp(cloth, self.haze, haze), paint.inside(envelope * radius, self.height, 1.6)
        )
