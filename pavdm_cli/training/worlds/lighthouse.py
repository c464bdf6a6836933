"""A lighthouse on a rocky coast, its beam sweeping through dusk, night and fog, with waves at the foot."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self, get_args

import numpy as np
import torch
from torch import Tensor

from pavdm_cli.training.worlds.paint import (
    Colour,
    Size,
    enlarge,
    fractal1,
    fractal2,
    grid,
    inside,
    mix,
    smoothstep,
    wrap,
)
from pavdm_cli.training.worlds.scene import Choices, Scene
from pavdm_cli.training.worlds.seascape import AIRS, HOURS, Air, Seascape
from pavdm_cli.training.worlds.words import article, opening, pick, say, sentence

Time = Literal["day", "sunset", "night"]
Weather = Literal["clear", "foggy"]
Paint = Literal["white", "red", "striped"]

WHITE: Colour = (0.96, 0.95, 0.93)
RED: Colour = (0.86, 0.14, 0.12)
BEAMS: dict[Time, float] = {"day": 0.0, "sunset": 0.6, "night": 0.9}
SKIES: dict[Weather, Air] = {
    "clear": AIRS["clear"],
    "foggy": replace(AIRS["clear"], grey=0.42, cover=0.0, sun=0.5, waves=0.03),
}
TALL = 0.54

NAMES: dict[Paint, tuple[str, ...]] = {
    "white": ("white", "white", "whitewashed"),
    "red": ("red", "red", "crimson"),
    "striped": ("striped", "red and white striped", "red and white"),
}
WEATHER_AFTER: dict[Weather, tuple[str, ...]] = {
    "clear": ("in clear weather", "under a clear sky", "in clear air"),
    "foggy": ("in the fog", "in thick mist", "in foggy weather", "on a foggy coast"),
}
PLACES = ("", "", "on the rocks", "by the sea", "on a rocky coast", "above the waves")


@dataclass(frozen=True)
class Lighthouse(Scene):
    """A white, red or striped lighthouse at some time of day, in clear air or fog."""

    family: ClassVar[str] = "lighthouse"
    knows: ClassVar[str] = (
        "a white, red or striped lighthouse on a rocky coast by day, at sunset or at night, "
        "in clear or foggy weather"
    )
    choices: ClassVar[Choices] = {
        "paint": get_args(Paint),
        "time": get_args(Time),
        "weather": get_args(Weather),
    }

    paint: Paint
    time: Time
    weather: Weather

    def caption(self, rng: np.random.Generator) -> str:
        """Say all attributes in seven captions of ten; the others leave one of the three out."""
        left_out = rng.uniform()
        paint = "" if left_out < 0.1 else pick(rng, NAMES[self.paint])
        when = "" if 0.1 <= left_out < 0.2 else say(rng, self.time)
        air = "" if 0.2 <= left_out < 0.3 else pick(rng, WEATHER_AFTER[self.weather])
        tower = article(f"{paint} lighthouse".strip())
        place = pick(rng, PLACES) if air != "on a foggy coast" else ""
        way = int(rng.integers(5))
        if way == 0 and when:
            text = f"{when}, {tower} {pick(rng, ('stands', 'rises'))} {place or 'by the sea'} {air}"
        elif way == 1 and air:
            text = f"{air}, {tower} {place} {when}"
        elif way == 2:
            text = f"{opening(rng)}{tower} {when} {air} {place}"
        else:
            text = f"{opening(rng)}{tower} {place} {air} {when}"
        return sentence(text)

    def pairs(self) -> list[tuple[str, str]]:
        """Return the paint with the weather."""
        return [(f"{self.paint} lighthouse", self.weather)]

    @classmethod
    def render(cls, scenes: Sequence[Self], seeds: Sequence[int], frames: Tensor, size: Size) -> Tensor:
        """Paint sky and water, far fog, the beam, the rocks, the tower, and the near fog."""
        hours, airs = [HOURS[s.time] for s in scenes], [SKIES[s.weather] for s in scenes]
        view = Seascape(scenes, seeds, frames, size, hours, airs, level=0.66)
        site = _Site(view)
        haze, thick = _fog(view)
        picture = mix(view.water(view.sky()), haze, 0.92 * thick)
        power = view.number(lambda s: BEAMS[s.time])
        warm = torch.tensor([1.0, 0.93, 0.68], device=frames.device)[:, None, None]
        picture = mix(picture, warm, power * site.beam())
        picture = _rocks(picture, view, site)
        picture = _tower(picture, view, site, warm)
        low = smoothstep(0.35, 0.95, view.y)
        picture = mix(picture, haze, thick * (0.22 + 0.3 * low))
        return mix(picture, warm, (0.25 + 0.75 * power) * site.lamp()).clamp(0, 1)


class _Site:
    """Where the tower stands and where its light points."""

    def __init__(self, view: Seascape[Lighthouse]) -> None:
        where, tall, self.pace, self.phase = view.dice.many(4).unbind(-1)
        self.side = torch.where(view.side < 0.5, -1.0, 1.0)
        sway = 0.012 * torch.sin(wrap(view.time * 0.4 + 6.3 * self.phase, math.tau))
        self.base_x = view.width * (0.5 + self.side * (0.1 + 0.14 * where)) + sway
        self.base_y = 0.72 + 0.5 * sway
        self.tall = TALL * (0.94 + 0.14 * tall)
        self.dx = view.x - self.base_x
        self.dy = view.y - (self.base_y - 0.88 * self.tall)
        self.turn = wrap(view.time * (0.55 + 0.2 * self.pace) + 6.3 * self.phase, math.tau)

    def beam(self) -> Tensor:
        """Two opposite cones of light about the tower, wide and short when they point at the viewer."""
        across, toward = torch.cos(self.turn).abs(), torch.sin(self.turn)
        along = self.dx.abs()
        wide = 0.022 + along * 0.13 / (across + 0.15)
        level = self.dy - 0.12 * toward * self.dx
        cone = torch.exp(-((level / wide) ** 2)) * torch.exp(-along / (0.15 + 0.75 * across))
        return (0.3 + 0.55 * across) * cone

    def lamp(self) -> Tensor:
        """The glow about the lamp, strongest when a cone points at the viewer."""
        away = self.dx**2 + self.dy**2
        flash = torch.sin(self.turn) ** 4
        return 0.9 * torch.exp(-away / 0.0011) + (0.2 + 0.35 * flash) * torch.exp(
            -away / (0.012 + 0.02 * flash)
        )


def _fog(view: Seascape[Lighthouse]) -> tuple[Tensor, Tensor]:
    """Return the colour of the fog and where it lies, (B, F, H, W), in slow banks; nowhere in clear air."""
    coarse = (max(view.height // 4, 8), max(view.size[1] // 4, 8))
    x, y = grid(coarse, view.device)
    banks = fractal2(1.6 * x + 0.07 * view.time, 3.2 * y + 0.02 * view.time, view.key + 5, octaves=2)
    foggy = view.has("foggy")
    thick = foggy * (0.6 + 0.5 * enlarge(banks, view.size)).clamp(0, 1)
    pale = 0.35 * view.tone("low") + 0.4 * view.tone("lit") + 0.25 * view.tone("shade")
    return pale, thick * (0.62 + 0.38 * smoothstep(0.0, 0.6, view.y))


def _rocks(below: Tensor, view: Seascape[Lighthouse], site: _Site) -> Tensor:
    """Lay the headland under the tower, and foam where the waves wash it."""
    across = view.column - site.base_x
    rough = fractal1(4.5 * across + 40, view.key + 11)
    seaward = (-site.side * across - 0.12).clamp(min=0)
    landward = (site.side * across - 0.1).clamp(min=0)
    line = (
        site.base_y
        - 0.015
        + 0.55 * seaward
        - 0.1 * landward
        + 0.1 * (rough - 0.5) * smoothstep(0.03, 0.15, across.abs())
    )
    swash = torch.sin(wrap(view.time * 1.1 + 6.3 * site.phase, math.tau))
    foot = 0.9 + 0.022 * torch.sin(11 * across + 6.3 * site.phase) + 0.016 * swash - 0.16 * seaward

    bright = 0.55 + 0.5 * torch.exp(-(view.y - line).clamp(min=0) / 0.05) + 0.5 * (rough - 0.5)
    stone = torch.tensor([0.40, 0.34, 0.33], device=view.device)[:, None, None]
    cover = inside(line - view.y, view.height, 1.5) * inside(view.y - foot, view.height, 2.0)
    picture = mix(below, view.tone("ambient") * stone * bright.unsqueeze(2), cover)
    wash = torch.exp(-(((view.y - foot) / (0.022 + 0.006 * swash)) ** 2)) * smoothstep(
        -0.01, 0.03, foot - line
    )
    return mix(picture, view.tone("ambient"), 0.7 * wash)


def _tower(below: Tensor, view: Seascape[Lighthouse], site: _Site, warm: Tensor) -> Tensor:
    """Lay the tower, its gallery, lantern and roof; `v` is the height above the base, near 1 at the lamp."""
    height = view.height
    v = (site.base_y + 0.02 - view.y) / site.tall

    def block(low: float, high: float, wide: Tensor | float) -> Tensor:
        body = inside(site.dx.abs() - wide, height)
        return body * inside((low - v) * site.tall, height) * inside((v - high) * site.tall, height)

    wide = 0.098 - 0.038 * v
    base = view.colour(lambda s: RED if s.paint == "red" else WHITE)
    other = view.colour(lambda s: WHITE if s.paint == "white" else RED)
    bands = smoothstep(-0.2, 0.2, torch.sin(v * math.tau * 2.6 + 0.4))
    round_light = 1.04 - 0.5 * (site.dx / wide * 0.5 + 0.25) ** 2 - 0.16 * (site.dx / wide)
    light = view.tone("ambient")
    dark = torch.tensor([0.20, 0.20, 0.26], device=view.device)[:, None, None]
    body = (base + (other - base) * bands.unsqueeze(2)) * light * round_light.unsqueeze(2)
    picture = mix(below, body, block(0.0, 0.82, wide))
    picture = mix(picture, 0.3 * light + 0.7 * warm, block(0.82, 0.96, 0.042))
    iron = torch.maximum(block(0.79, 0.835, 0.088), block(0.94, 1.08, 0.06 * (1.09 - v) / 0.14))
    return mix(picture, (0.5 + 0.5 * light) * dark, iron)
