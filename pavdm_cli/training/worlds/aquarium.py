"""An aquarium: large fish swim past swaying plants while bubbles rise through rays of light.

The camera swims along with the fish, so they stay in the picture and the plants pass by. Shapes of tensors
are those of `paint`.
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
    fractal1,
    hashed,
    inside,
    mix,
    noise1,
    smoothstep,
    wrap,
)
from pavdm_cli.training.worlds.scene import Choices, Scene
from pavdm_cli.training.worlds.view import View
from pavdm_cli.training.worlds.words import COLOURS, article, opening, pick, say

Hue = Literal["red", "orange", "yellow", "cyan", "purple", "pink", "white", "black"]
Count = Literal["one", "three"]
Way = Literal["left", "right"]
Water = Literal["blue", "green"]

PLANTS = 5
BUBBLES = 5
SURFACE: dict[Water, Colour] = {"blue": (0.50, 0.84, 1.00), "green": (0.74, 0.95, 0.58)}
DEEP: dict[Water, Colour] = {"blue": (0.02, 0.20, 0.55), "green": (0.02, 0.33, 0.20)}
SAND: dict[Water, Colour] = {"blue": (0.62, 0.66, 0.72), "green": (0.70, 0.72, 0.46)}
PLANT: dict[Water, Colour] = {"blue": (0.08, 0.56, 0.40), "green": (0.10, 0.52, 0.12)}


@dataclass(frozen=True)
class Aquarium(Scene):
    """One fish or three of one colour, swimming left or right in blue or green water."""

    family: ClassVar[str] = "aquarium"
    knows: ClassVar[str] = (
        "one or three fish (red, orange, yellow, cyan, purple, pink, white, black) swimming left or right "
        "in blue or green water"
    )
    choices: ClassVar[Choices] = {
        "colour": get_args(Hue),
        "number": get_args(Count),
        "direction": get_args(Way),
        "water": get_args(Water),
    }

    colour: Hue
    number: Count
    direction: Way
    water: Water

    def caption(self, rng: np.random.Generator) -> str:
        """Say the scene; four captions in ten leave one attribute out."""
        silent = pick(rng, (*[""] * 6, *self.choices))
        fish = self._fish(rng, silent)
        where = "" if silent == "direction" else " " + say(rng, self.direction)
        water = "" if silent == "water" else self.water
        place = _place(rng, water)
        many = self.number == "three" or silent == "number"
        shape = rng.integers(4)
        if shape == 0:
            tank = f"{opening(rng)}{article(f'{water} aquarium'.strip())} with {fish}"
            return f"{tank} {pick(rng, ('swimming', 'moving', 'gliding'))}{where}"
        if shape == 1:
            return f"{place}, {fish} {_verb(rng, many)}{where}"
        if shape == 2:
            return f"{fish} {_verb(rng, many)}{where} {place}"
        return f"{opening(rng)}{fish} {pick(rng, ('swimming', 'gliding', 'swimming slowly'))}{where} {place}"

    def _fish(self, rng: np.random.Generator, silent: str) -> str:
        fish = "fish" if silent == "colour" else f"{say(rng, self.colour)} fish"
        fish = pick(rng, ("", "", "large ", "big ")) + fish
        if silent == "number":
            return fish
        if self.number == "three":
            return f"{pick(rng, ('three', 'three', 'a group of three', 'a school of three'))} {fish}"
        return pick(rng, (article(fish), f"one {fish}", f"a single {fish}"))

    def pairs(self) -> list[tuple[str, str]]:
        """Return the colour of the fish with their number, and with the water."""
        return [(self.colour, self.number), (self.colour, f"{self.water} water")]

    @classmethod
    def render(cls, scenes: Sequence[Self], seeds: Sequence[int], frames: Tensor, size: Size) -> Tensor:
        """Draw the water, then what lies in it from far to near."""
        view = _View(scenes, seeds, frames, size)
        picture = _water(view)
        picture = mix(picture, view.table(DEEP) * 0.55 + view.table(SURFACE) * 0.16, _hills(view))
        picture = mix(picture, view.table(PLANT) * 0.45 + view.table(DEEP) * 0.55, _plants(view, far=True))
        picture = _seabed(view, picture)
        tips = (1.75 - 1.15 * view.row).unsqueeze(2)
        picture = mix(picture, view.table(PLANT) * tips, _plants(view, far=False))
        picture = _bubbles(view, picture)
        return _fish(view, picture).clamp(0, 1)


def _verb(rng: np.random.Generator, many: bool) -> str:
    verb = pick(rng, ("swim", "glide", "move", "drift"))
    return verb if many else f"{verb}s"


def _place(rng: np.random.Generator, water: str) -> str:
    among = pick(rng, ("", "", "among swaying plants ", "past water plants "))
    if not water:
        return pick(rng, ("in an aquarium", "under water", "past swaying plants"))
    return among + pick(
        rng,
        (f"in {water} water", f"in clear {water} water", f"under {water} water", f"in {water}-tinted water"),
    )


class _View(View[Aquarium]):
    """What every layer needs: also which way the fish swim, and how far they have come."""

    def __init__(self, scenes: Sequence[Aquarium], seeds: Sequence[int], frames: Tensor, size: Size) -> None:
        super().__init__(scenes, seeds, frames, size)
        self.way = self.number(lambda s: 1.0 if s.direction == "right" else -1.0)
        self.swum = self.way * self.dice.uniform(0.09, 0.13) * self.time

    def table(self, by_water: dict[Water, Colour]) -> Tensor:
        """Look up each scene's colour by its water, (B, 1, 3, 1, 1)."""
        return self.colour(lambda s: by_water[s.water])


def _water(view: _View) -> Tensor:
    depth = smoothstep(-0.15, 0.95, view.row).unsqueeze(2)
    water = view.table(SURFACE) * (1 - depth) + view.table(DEEP) * depth
    rays = _rays(view) * (0.95 - 0.75 * view.row)
    return water + rays.unsqueeze(2) * (view.table(SURFACE) * 0.30 + 0.06)


def _rays(view: _View) -> Tensor:
    """Fan slow beams out from a point above the surface, brightness in [0, 1]."""
    fan = (view.column - view.dice.uniform(0.1, 0.9) * view.width) / (view.row + 0.8)
    sum_ = torch.zeros((), device=view.device)
    for wave, speed in ((9.0, 0.21), (15.0, -0.33), (23.0, 0.27)):
        turn = wrap(view.time * speed, math.tau) + view.dice.uniform(0, math.tau)
        angle = fan * wave
        sum_ = sum_ + angle.sin() * turn.cos() + angle.cos() * turn.sin()
    return smoothstep(-0.4, 2.6, sum_)


def _hills(view: _View) -> Tensor:
    across = view.column + view.swum * 0.35
    top = 0.80 - 0.34 * fractal1(across * 1.7, view.key + 101, 2)
    return inside(top - view.row, view.height, 3.0)


def _plants(view: _View, far: bool) -> Tensor:
    """Cover of the plants of one distance; each is a pair of blades that part and sway as one."""
    dice, near = view.dice, 0.55 if far else 1.0
    period = view.width + 0.6
    start = dice.uniform(0, period)
    cover = torch.zeros((), device=view.device)
    for i in range(PLANTS):
        at = start + (i + dice.uniform(0.15, 0.85)) * period / PLANTS - view.swum * near
        lap = torch.floor(at / period).long()
        luck = hashed(lap, view.key + 211 * (i + 1) + far)
        high = (0.26 + 0.30 * luck) if far else (0.20 + 0.36 * luck * luck)
        up = ((0.93 if far else 1.02) - view.row) / high
        sway = wrap(view.time * dice.uniform(0.5, 0.8), math.tau) + dice.uniform(0, math.tau)
        bend = 0.055 * up * (sway - 1.9 * up).sin() * up.clamp(0, 1)
        middle = wrap(at, period) - 0.3 + bend
        leaf = 1 + 0.35 * (up * dice.uniform(11, 17)).sin()
        half = dice.uniform(0.022, 0.034) * near**0.3 * leaf * (1 - up).clamp(0, 1).sqrt() - 0.012 * (up > 1)
        part = dice.uniform(0.05, 0.09) * up.clamp(0, 1)
        beside = ((view.column - middle).abs() - part).abs() - half
        cover = torch.maximum(cover, inside(beside, view.height, 2.0 if far else 1.4))
    return cover


def _seabed(view: _View, picture: Tensor) -> Tensor:
    across = view.column + view.swum
    top = 0.90 - 0.06 * noise1(across * 2.3, view.key + 307)
    cover = inside(top - view.row, view.height, 2.0)
    slow = wrap(view.time * 0.5, math.tau)
    ripple = (wrap(across * 13, math.tau) + view.row * 18 + slow).sin() * (
        wrap(across * 7, math.tau) - view.row * 31 - slow
    ).sin()
    light = 0.92 - 0.55 * (view.row - 0.84) + 0.09 * ripple
    return mix(picture, view.table(SAND) * light.unsqueeze(2), cover)


def _fish(view: _View, picture: Tensor) -> Tensor:
    """Lay the fish over the picture; three swim in a lane of rows each, one alone has all lanes."""
    x, y, beat = _swim(view)
    body = ((((x - 0.12) / 0.38) ** 2 + (y / 0.225) ** 2).sqrt() - 1) * 0.24
    tail = torch.maximum(y.abs() - 0.03 + 0.62 * (x + 0.19), -0.5 + 0.7 * (0.17 - y.abs()) - x)
    tail = torch.maximum(tail, x + 0.14)
    lean = x + 0.9 * (y + 0.2)
    fins = ((((lean - 0.10) / 0.22) ** 2 + ((y.abs() - 0.17) / 0.13) ** 2).sqrt() - 1) * 0.13
    size = view.height * _length(view)
    shape = torch.minimum(torch.minimum(body, tail), fins)
    on_body = (0.5 - body * size * 0.5).clamp(0, 1)
    flank = (((x - 0.10 + 0.3 * y) / 0.10) ** 2 + ((y - 0.05 - 0.02 * beat) / 0.055) ** 2).sqrt()
    scale = (0.5 + 0.5 * (x * view.dice.uniform(20, 26) + view.dice.uniform(0, math.tau)).sin()) * on_body
    shade = 0.72 + 0.26 * on_body - 0.75 * y * on_body - view.dice.uniform(0.05, 0.22) * scale
    shade = shade - 0.16 * (1.6 - 1.6 * flank).clamp(0, 1) * on_body
    paint = view.colour(lambda s: COLOURS[s.colour]) * 0.98 + 0.02
    gloss = (0.16 * on_body * (1 - ((x - 0.15) / 0.3) ** 2 - ((y + 0.11) / 0.07) ** 2).clamp(0, 1)).unsqueeze(
        2
    )
    picture = mix(picture, paint * shade.unsqueeze(2) + gloss, (0.5 - shape * size / 1.2).clamp(0, 1))
    eye = (((x - 0.335) ** 2 + (y + 0.045) ** 2).sqrt() - 0.058) * size
    white = torch.full((), 0.97, device=view.device)
    picture = mix(picture, white, (0.5 - eye).clamp(0, 1))
    return mix(picture, white * 0.04, (0.5 - eye - 0.024 * size).clamp(0, 1))


def _length(view: _View) -> Tensor:
    return view.number(lambda s: 0.60 if s.number == "one" else 0.35)


def _swim(view: _View) -> tuple[Tensor, Tensor, Tensor]:
    """Return each pixel's x (towards the nose) and y in lengths of its fish, and the beat of the fins."""
    dice, many = view.dice, view.has("three")
    spots = []
    turn = dice.uniform(0, math.tau)
    for i in range(3):
        drift = [
            noise1(view.time * 0.16 + dice.uniform(0, 9), view.key + 401 + 2 * i + j) - 0.5 for j in (0, 1)
        ]
        alone = (0.5 * view.width + 0.16 * drift[0], 0.42 + 0.22 * drift[1])
        stagger = 0.17 * (turn + i * math.tau / 3).sin()
        group = (0.5 * view.width + stagger + 0.10 * drift[0], 0.17 + 0.245 * i + 0.04 * drift[1])
        spots.append([alone[j] * (1 - many) + group[j] * many for j in (0, 1)])
        if i:
            spots[i] = [spots[0][j] * (1 - many) + spots[i][j] * many for j in (0, 1)]
    first = many * (view.row > (spots[0][1] + spots[1][1]) / 2)
    second = many * (view.row > (spots[1][1] + spots[2][1]) / 2)
    lane = [
        spots[0][j] + first * (spots[1][j] - spots[0][j]) + second * (spots[2][j] - spots[1][j])
        for j in (0, 1)
    ]
    beat = wrap(view.time * dice.uniform(4.2, 5.6), math.tau) + 1.9 * (first + second)
    x = (view.column - lane[0]) * view.way / _length(view)
    back = (0.5 - x).clamp(0, 1.2)
    y = (view.row - lane[1]) / _length(view) - 0.055 * back * back * (beat + 3.4 * x).sin()
    return x, y, beat.sin()


def _bubbles(view: _View, picture: Tensor) -> Tensor:
    """Lay large bubbles over the picture: a clear middle, a bright rim and a glint."""
    dice, milk = view.dice, torch.zeros((), device=view.device)
    for i in range(BUBBLES):
        risen = view.time * dice.uniform(0.10, 0.17) + (i + dice.uniform()) * 1.3 / BUBBLES
        lap = torch.floor(risen / 1.3).long()
        radius = 0.032 + 0.028 * hashed(lap, view.key + 503 * (i + 1))
        column = hashed(lap, view.key + 601 * (i + 1)) * view.width
        swing = wrap(view.time * 1.1, math.tau) + dice.uniform(0, math.tau)
        dx = view.column - column - 0.025 * swing.sin()
        dy = view.row - 1.15 + wrap(risen, 1.3)
        apart = (dx * dx + dy * dy).sqrt()
        rim = 0.18 + 0.5 * smoothstep(0.45, 0.95, apart / radius)
        glint = ((dx + 0.35 * radius) ** 2 + (dy + 0.35 * radius) ** 2).sqrt() - 0.3 * radius
        bubble = inside(apart - radius, view.height, 1.5) * rim + 0.6 * inside(glint, view.height, 1.5)
        milk = torch.maximum(milk, bubble)
    return mix(picture, view.table(SURFACE) * 0.3 + 0.7, milk)
