"""Fireworks at night over a city or a lake: large soft bursts that follow each other without end.

A scene has a few slots; each fires one rocket after the other, evenly staggered, so that the sky is never
empty and never fuller than before. Every spark is a short chain of soft lights.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self, get_args

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pavdm_cli.training.worlds.paint import (
    Colour,
    Size,
    fractal1,
    glow,
    glows,
    gradient,
    hashed,
    inside,
    mix,
    noise1,
    per_scene,
    smoothstep,
    wrap,
)
from pavdm_cli.training.worlds.scene import Choices, Scene
from pavdm_cli.training.worlds.view import View
from pavdm_cli.training.worlds.words import COLOURS, DAYLIGHT, opening, pick, say

Hue = Literal["red", "yellow", "green", "blue", "purple", "white"]
Place = Literal["city", "lake"]
Number = Literal["one", "several"]

SLOTS = 5
SPARKS = 34
TAIL = ((0.0, 1.0), (0.03, 0.7), (0.06, 0.45), (0.09, 0.25))
RISE = 0.2
SHORE = 0.64
WINDOW: Colour = (1.0, 0.76, 0.38)


@dataclass(frozen=True)
class Show:
    """How many slots fire, how large and bright their bursts are, and where, in picture heights."""

    slots: int
    radius: float
    spark: float
    light: float
    height: tuple[float, float]


SHOWS: dict[str, Show] = {
    "one": Show(2, 0.29, 0.0125, 1.25, (0.27, 0.36)),
    "several": Show(5, 0.155, 0.0105, 1.0, (0.13, 0.44)),
}


@dataclass(frozen=True)
class Fireworks(Scene):
    """Fireworks by night."""

    family: ClassVar[str] = "fireworks"
    knows: ClassVar[str] = (
        "red, yellow, green, blue, purple or white fireworks over a city or a lake, one at a time or several"
    )
    choices: ClassVar[Choices] = {
        "colour": get_args(Hue),
        "place": get_args(Place),
        "number": get_args(Number),
    }

    colour: Hue
    place: Place
    number: Number

    def pairs(self) -> list[tuple[str, str]]:
        """Combine the colour with the place and with the number."""
        return [(self.colour, self.place), (self.colour, self.number)]

    def caption(self, rng: np.random.Generator) -> str:
        """Say the scene; three captions in ten leave one fact out."""
        silent = pick(rng, list(self.choices)) if rng.random() < 0.3 else ""
        colour = "" if silent == "colour" else say(rng, self.colour) + " "
        bursts = _say_bursts(colour, "" if silent == "number" else self.number, rng)
        place = _say_place("" if silent == "place" else self.place, rng)
        if rng.random() < 0.7:
            return f"{opening(rng)}{bursts} {place}"
        return f"{place}, {bursts}"

    @classmethod
    def render(cls, scenes: Sequence[Self], seeds: Sequence[int], frames: Tensor, size: Size) -> Tensor:
        """Draw fireworks; see `Scene.render`."""
        view = _View(scenes, seeds, frames, size)
        light = 3 * (1 - torch.exp(-_bursts(view) / 3))
        hue = view.colour(lambda s: _hue(s.colour))
        lake = view.has("lake")
        sky = _sky(view, lake)
        rays = hue * light.unsqueeze(2) + 0.25 * (light - 1.2).clamp(min=0).unsqueeze(2)
        sky = glow(sky, 1 - torch.exp(-rays), torch.ones_like(light))
        shine = hue * light.mean((2, 3), keepdim=True).unsqueeze(2)
        shores = _shores(view, sky, shine)
        return torch.lerp(_city(view, sky, shine), shores, lake.unsqueeze(2)).clamp(0, 1)


def _say_bursts(colour: str, number: str, rng: np.random.Generator) -> str:
    if number == "one":
        return pick(
            rng,
            (
                f"one big {colour}firework at a time",
                f"single large {colour}fireworks, one after another",
                f"one huge burst of {colour}fireworks after another",
            ),
        )
    if number == "several":
        return pick(
            rng,
            (
                f"several {colour}fireworks at once",
                f"many small {colour}fireworks together",
                f"several bursts of {colour}fireworks at the same time",
            ),
        )
    return pick(
        rng, (f"{colour}fireworks", f"{colour}fireworks in the night sky", f"bursts of {colour}fireworks")
    )


def _say_place(place: str, rng: np.random.Generator) -> str:
    if place == "city":
        return pick(
            rng, ("over a city", "above the skyline of a city", "over the lights of a city", "above a town")
        )
    if place == "lake":
        return pick(
            rng, ("over a lake", "above a still lake", "mirrored in a lake", "over the water of a lake")
        )
    return pick(rng, ("at night", "in the night sky", "in the dark"))


def _hue(word: str) -> Colour:
    """Turn the colour of a thing into the colour of a light: as bright as can be, and purer."""
    red, green, blue = ((channel / max(COLOURS[word])) ** 2 for channel in COLOURS[word])
    return red, green, blue


class _View(View[Fireworks]):
    """What the brushes of one call share: also how bursts are shown, and how far the camera has panned."""

    def __init__(self, scenes: Sequence[Fireworks], seeds: Sequence[int], frames: Tensor, size: Size) -> None:
        super().__init__(scenes, seeds, frames, size)
        self.shows = [SHOWS[s.number] for s in scenes]
        self.pan = self.time * self.dice.uniform(0.012, 0.022) + self.dice.uniform(0, 500)

    def show(self, values: Sequence[float]) -> Tensor:
        """Return one number per scene for use beside slots, (B, 1, 1)."""
        return per_scene(values, self.device)[..., 0]


def _bursts(view: _View) -> Tensor:
    """Return the brightness of rockets, sparks and their glow in the sky, (B, F, H, W)."""
    slot = torch.arange(SLOTS, device=view.device).view(1, 1, -1)
    slots = view.show([s.slots for s in view.shows])
    period = view.dice.uniform(4.6, 5.4)[..., 0]
    age = view.time[..., 0] / period + view.dice.uniform()[..., 0] + slot / slots
    cycle, life = torch.floor(age).long() * SLOTS + slot, wrap(age, 1.0)
    key = view.key[..., 0]
    low, high = (view.show([s.height[i] for s in view.shows]) for i in range(2))
    x = view.width * (
        0.5
        + (1 - 1.2 / slots)
        * (torch.remainder(0.4 * slot + 0.5 * (slots < 3) + 0.2 * hashed(cycle, key), 1) - 0.5)
    )
    y = low + (high - low) * hashed(cycle, key + 1)
    power = (slot < slots) * view.show([s.light for s in view.shows])
    radius = view.show([s.radius for s in view.shows]) * (0.85 + 0.3 * hashed(cycle, key + 2))
    spark = view.show([s.spark for s in view.shows])
    burst = (life - RISE) / (1 - RISE)
    sparks = _sparks(view, cycle, burst, (x, y), radius, spark, power)
    return sparks + _rockets(view, life, burst, (x, y), radius, power)


def _sparks(
    view: _View,
    cycle: Tensor,
    burst: Tensor,
    at: tuple[Tensor, Tensor],
    radius: Tensor,
    spark: Tensor,
    power: Tensor,
) -> Tensor:
    """Return the brightness of the sparks: points of a sphere that opens, hangs, sinks and fades."""
    number = torch.arange(SPARKS, device=view.device) + 0.5
    turn = math.tau * hashed(cycle, view.key[..., 0] + 3)[..., None] + 2.39996 * number
    tall = 1 - 2 * number / SPARKS
    ring = torch.sqrt(1 - tall * tall)
    lean = 1.2 * hashed(cycle, view.key[..., 0] + 4)[..., None]
    east, north = ring * torch.cos(turn), torch.cos(lean) * tall + torch.sin(lean) * ring * torch.sin(turn)
    xs, ys, lights = [], [], []
    for late, part in TAIL:
        b = (burst - late).clamp(min=0)[..., None]
        reach = radius[..., None] * (1 - torch.exp(-4.0 * b))
        xs.append((at[0][..., None] + reach * east).flatten(2))
        ys.append((at[1][..., None] - reach * north + 0.45 * radius[..., None] * b * b).flatten(2))
        fade = smoothstep(0.0, 0.12, burst) * (1 - smoothstep(0.35, 0.98, burst)) * power * part
        lights.append(fade[..., None].expand(*fade.shape, SPARKS).flatten(2))
    light = torch.cat(lights, 2)[..., None]
    return glows((torch.cat(xs, 2), torch.cat(ys, 2)), (spark, spark), light, view.size)[:, :, 0]


def _rockets(
    view: _View, life: Tensor, burst: Tensor, at: tuple[Tensor, Tensor], radius: Tensor, power: Tensor
) -> Tensor:
    """Return the brightness of the rising rockets and of the glow around each burst."""
    rise = (life / RISE).clamp(max=1)
    height = 0.8 + (at[1] - 0.8) * (1 - (1 - rise) ** 2)
    rocket = smoothstep(0.0, 0.2, rise) * (1 - smoothstep(0.92, 1.0, rise)) * 0.6 * (power > 0)
    thin = torch.full_like(height, 0.011)
    tail = glows((at[0], height), (thin, 3.0 * thin), rocket[..., None], view.size)
    halo = smoothstep(0.0, 0.12, burst) * (1 - smoothstep(0.2, 1.0, burst)) * power * 0.22
    size = radius * 1.1
    return (tail + glows((at[0], at[1]), (size, size), halo[..., None], view.size))[:, :, 0]


def _sky(view: _View, lake: Tensor) -> Tensor:
    """Return the night sky with a few stars, warmer above a city, (B, F, 3, H, W)."""
    night = DAYLIGHT["night"]
    sky = gradient(view.y, *(view.plain(c) for c in (night.top, night.middle, night.horizon)))
    sky = sky.expand(*view.time.shape[:2], 3, *view.size)
    places = view.dice.many(16)[:, 0, 0].expand(-1, view.time.shape[1], -1)
    small = torch.full_like(places[..., :8], 0.012)
    at = (places[..., :8] * view.width, places[..., 8:] * 0.5)
    stars = glows(at, (small, small), 0.5 * torch.ones_like(small)[..., None], view.size)[:, :, 0]
    sky = glow(sky, view.plain(night.sun), stars)
    return glow(sky, view.plain((0.95, 0.45, 0.25)), 0.32 * (1 - lake) * smoothstep(0.25, 0.95, view.y))


def _city(view: _View, sky: Tensor, shine: Tensor) -> Tensor:
    """Lay two rows of houses with lit windows over the sky."""
    rows = ((0.5, 0.145, 0.60, 0.16, (0.10, 0.11, 0.22)), (1.0, 0.215, 0.74, 0.17, (0.035, 0.045, 0.10)))
    picture = sky
    for number, (pace, width, roof, range_, wall) in enumerate(rows):
        across = view.column.double() + pace * view.pan
        house = torch.floor(across / width).long()
        key = view.key + 50 + 10 * number
        top = roof + range_ * (hashed(house, key) - 0.5)
        inner = (across / width - house).float()
        gap = 0.02 + 0.05 * hashed(house, key + 1)
        side = torch.minimum(inner, 1 - inner) - gap
        cover = inside(torch.maximum(top - view.y, -side * width), view.height, 1.5)
        picture = mix(picture, view.plain(wall) + 0.35 * shine, cover)
        picture = glow(picture, view.plain(WINDOW), cover * _windows(view, inner, top, house, key, width))
    return picture


def _windows(view: _View, inner: Tensor, top: Tensor, house: Tensor, key: Tensor, width: float) -> Tensor:
    """Return the brightness of the windows, two beside each other; they go on and off slowly."""
    storey = width * 0.46
    column = inner * 2
    floor = (view.y - top - 0.03) / storey
    level, flat = torch.floor(floor), torch.floor(column)
    name = house * 1000 + flat.long() * 100 + level.long()
    lamp = smoothstep(0.42, 0.58, hashed(name, key + 2) + 0.25 * (noise1(view.time / 9, key + 4) - 0.5))
    box = torch.maximum(
        (column - flat - 0.5).abs() * width / 2 - 0.021, (floor - level - 0.5).abs() * storey - 0.019
    )
    return inside(box, view.height, 2.2) * lamp * (floor > 0) * 0.8


def _shores(view: _View, sky: Tensor, shine: Tensor) -> Tensor:
    """Lay hills and lamps on the far shore over the sky, and mirror it all in the rippling lake."""
    for number, (pace, high, wall) in enumerate(
        ((0.4, 0.52, (0.09, 0.12, 0.25)), (0.8, 0.575, (0.04, 0.06, 0.14)))
    ):
        place = (view.column.double() + pace * view.pan) / 0.5
        ridge = high + 0.11 * (fractal1(place, view.key + 30 + number, octaves=2) - 0.3)
        sky = mix(sky, view.plain(wall) + 0.25 * shine, inside(ridge - view.y, view.height, 2.0))
    lamps = torch.arange(6, device=view.device).view(1, 1, 6) + 0.6 * view.dice.many(6)[:, 0, 0]
    x = wrap(lamps * 0.24 - 0.8 * view.pan[..., 0], 1.44) - 0.2
    small = torch.full_like(x, 0.013)
    light = glows(
        (x, torch.full_like(x, SHORE - 0.025)), (small, small), 0.9 * torch.ones_like(x)[..., None], view.size
    )
    shore = glow(sky, view.plain(WINDOW), light[:, :, 0])
    return _mirror(view, shore)


def _mirror(view: _View, shore: Tensor) -> Tensor:
    """Replace what lies below the shore by its image in the water, bent by slow ripples."""
    first = round(SHORE * view.height)
    deep = view.y[:, :, first:] - SHORE
    near = torch.log(deep + 0.06)
    column = view.x[:, :, first:]
    slow = [wrap(view.time / period, 1.0) * math.tau for period in (3.1, 4.7)]
    wave = torch.sin(11 * near - slow[0] + 4 * column) + torch.sin(17 * near - slow[1] - 5 * column)
    bend = wave * (0.002 + 0.035 * deep)
    place = torch.stack([(column + bend) / view.width, SHORE - 1.7 * deep + 0.5 * bend], -1)
    images = functional.grid_sample(
        shore.flatten(0, 1), 2 * place.flatten(0, 1) - 1, padding_mode="reflection", align_corners=False
    ).reshape(*shore.shape[:3], -1, shore.shape[4])
    glint = (0.82 - 0.4 * deep + 0.08 * wave).unsqueeze(2)
    water = images * glint + view.plain((0.01, 0.025, 0.05))
    return torch.cat([shore[:, :, :, :first], water], 3)
