"""Hills: a landscape gliding by under a moving camera, ridge behind ridge, in four lights."""

import math
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
from pavdm_cli.training.worlds.words import DAYLIGHT, article, opening, pick, say

Land = Literal["hills", "dunes", "mountains"]
Time = Literal["dawn", "day", "sunset", "night"]
Direction = Literal["left", "right"]

NAMES = {
    "hills": ("green hills", "rolling hills", "hills", "rolling green hills"),
    "dunes": ("desert dunes", "sand dunes", "dunes", "dunes in the desert"),
    "mountains": ("snowy mountains", "mountains with snow", "mountains", "snow-capped mountains"),
}


@dataclass(frozen=True)
class Layer:
    """One ridge: where it stands, how far it is, and its size for hills, dunes and mountains."""

    foot: float
    near: float
    """0 at the horizon, 1 at the camera: sets the parallax and how little haze lies before it."""
    rise: tuple[float, float, float]
    width: tuple[float, float, float]
    peaked: float
    """1 where the ridge of a mountain scene is rock and snow, 0 where it is a dark wooded hill."""


LAYERS = (
    Layer(0.66, 0.05, (0.17, 0.13, 0.44), (0.60, 0.60, 0.74), 1.0),
    Layer(0.72, 0.20, (0.18, 0.15, 0.34), (0.62, 0.75, 0.66), 1.0),
    Layer(0.80, 0.42, (0.18, 0.19, 0.17), (0.66, 0.95, 0.55), 0.0),
    Layer(0.90, 0.68, (0.17, 0.21, 0.16), (0.80, 1.20, 0.70), 0.0),
    Layer(1.03, 1.00, (0.20, 0.23, 0.19), (1.00, 1.60, 0.95), 0.0),
)
GROUND: dict[str, tuple[Colour, Colour]] = {
    "hills": ((0.48, 0.74, 0.24), (0.17, 0.44, 0.17)),
    "dunes": ((0.98, 0.78, 0.46), (0.72, 0.44, 0.24)),
    "mountains": ((0.36, 0.52, 0.44), (0.13, 0.27, 0.29)),
}
ROCK: tuple[Colour, Colour] = ((0.46, 0.46, 0.54), (0.22, 0.25, 0.38))
SNOW: tuple[Colour, Colour] = ((1.00, 1.00, 1.00), (0.62, 0.72, 0.90))
SUN_HEIGHT = {"dawn": 0.42, "day": 0.17, "sunset": 0.40, "night": 0.20}
LOW = ("dawn", "sunset")
MIST = {"dawn": 0.75, "day": 0.35, "sunset": 0.45, "night": 0.45}


@dataclass(frozen=True)
class Hills(Scene):
    """A landscape of one kind at one time of day, under a camera that travels left or right."""

    land: Land
    time: Time
    camera: Direction

    family: ClassVar[str] = "hills"
    knows: ClassVar[str] = (
        "a gliding landscape: hills, dunes or snowy mountains; dawn, day, sunset or night; "
        "the camera moves left or right"
    )
    choices: ClassVar[Choices] = {
        "land": get_args(Land),
        "time": get_args(Time),
        "camera": get_args(Direction),
    }

    def caption(self, rng: np.random.Generator) -> str:
        """Say the scene; each of the time and the camera is left out of about one caption in twelve."""
        land = pick(rng, NAMES[self.land])
        omit = rng.uniform()
        time = "" if omit < 0.08 else " " + say(rng, self.time)
        move = "" if omit > 0.92 else say(rng, self.camera)
        if rng.uniform() < 0.3:
            return _short(rng, land, time, move)
        verb = pick(rng, ("moving", "panning", "gliding", "travelling"))
        seen = pick(rng, ("", "", "", " under drifting clouds", ", one ridge behind another"))
        if not move:
            return f"{opening(rng)}{land}{seen}{time}"
        camera = pick(
            rng,
            (
                f"the camera {verb} {move}",
                f"a camera {verb} {move}",
                f"{verb} {move}",
                f"we are {verb} {move}",
            ),
        )
        if time and rng.uniform() < 0.3:
            return f"{time.strip()}, {land}{seen}, {camera}"
        return f"{opening(rng)}{land}{time}{seen}, {camera}"

    def pairs(self) -> list[tuple[str, str]]:
        """Return (land, time): any land may be seen at any time."""
        return [(self.land, self.time)]

    @classmethod
    def render(cls, scenes: Sequence[Self], seeds: Sequence[int], frames: Tensor, size: Size) -> Tensor:
        """Draw the sky, the sun or moon, two rows of clouds, then five ridges from far to near."""
        view = _View(scenes, seeds, frames, size)
        picture = view.sky()
        picture = view.clouds(picture, row=0)
        picture = view.clouds(picture, row=1)
        for number, layer in enumerate(LAYERS):
            picture = view.ridge(picture, number, layer)
        return picture.clamp(0, 1)


def _short(rng: np.random.Generator, land: str, time: str, move: str) -> str:
    if not move:
        return f"{land}{time} seen from a moving camera"
    noun = pick(rng, ("pan", "ride", "flight"))
    return f"{article(noun)} {move} over {land}{time}"


class _View(View[Hills]):
    """What the drawing steps of one batch share: also the way travelled, the land, and the light."""

    def __init__(self, scenes: Sequence[Hills], seeds: Sequence[int], frames: Tensor, size: Size) -> None:
        super().__init__(scenes, seeds, frames, size)
        way = self.number(lambda s: 1.0 if s.camera == "right" else -1.0)
        self.travel = self.time * way.double() * self.dice.uniform(0.24, 0.32).double()
        self.bob = 0.012 * self.wave(self.dice.uniform(13, 19).double())
        self.is_kind = [self.has(kind) for kind in get_args(Land)]
        self.light = self.colour(lambda s: DAYLIGHT[s.time].light)
        self.horizon = self.colour(lambda s: DAYLIGHT[s.time].horizon)
        self.haze = 0.5 * self.horizon + 0.5 * self.colour(lambda s: DAYLIGHT[s.time].shade)
        self.mist = self.number(lambda s: MIST[s.time])
        self.night = self.has("night")
        self.sun_x = self.dice.uniform(0.22, 0.78) * self.width + 0.05 * self.wave(47.0)

    def by_kind(self, values: Sequence[float] | Sequence[Tensor]) -> Tensor:
        """Choose each scene's value among those for hills, dunes and mountains."""
        return self.is_kind[0] * values[0] + self.is_kind[1] * values[1] + self.is_kind[2] * values[2]

    def sky(self) -> Tensor:
        """Draw the sky with stars at night, the sun or a moon, and the light around it."""
        top, middle = (
            self.colour(lambda s: DAYLIGHT[s.time].top),
            self.colour(lambda s: DAYLIGHT[s.time].middle),
        )
        sun = self.colour(lambda s: DAYLIGHT[s.time].sun)
        picture = paint.gradient(self.y, top, middle, self.horizon)
        height = self.number(
            lambda s: SUN_HEIGHT[s.time] - 0.14 * (s.land == "mountains" and s.time in LOW)
        ) + self.dice.uniform(-0.03, 0.03)
        dx, dy = self.x - self.sun_x, self.y - height - self.bob * 0.3
        away = torch.sqrt(dx.square() + dy.square())
        breath = 0.9 + 0.1 * self.wave(17.0)
        picture = paint.glow(picture, sun, breath * (0.55 - 0.2 * self.night) * torch.exp(-away / 0.2))
        picture = paint.glow(picture, sun, self.night * self._stars())
        radius = self.number(lambda s: 0.09 if s.time in LOW else 0.075)
        disc = paint.inside(away - radius, self.height, 1.6)
        bite = paint.inside(
            radius * 0.92 - torch.sqrt((dx - 0.04).square() + (dy + 0.025).square()), self.height, 2.0
        )
        return paint.mix(picture, sun, disc * (1 - self.night * (1 - bite)))

    def _stars(self) -> Tensor:
        """Return the light of a few large soft stars, twinkling slowly."""
        light = torch.zeros(1, 1, 1, 1, device=self.device)
        for k, (place, height) in enumerate(
            zip((0.06, 0.3, 0.52, 0.74, 0.95), (0.1, 0.3, 0.07, 0.27, 0.12), strict=True)
        ):
            dx = self.column - (place + self.dice.uniform(-0.05, 0.05)) * self.width
            dy = self.row - height - self.dice.uniform(-0.04, 0.04)
            twinkle = 0.65 + 0.35 * self.wave(5.0 + k)
            light = light + twinkle * torch.exp(-dx.square() / 2.2e-4) * torch.exp(-dy.square() / 2.2e-4)
        return light

    def clouds(self, picture: Tensor, row: int) -> Tensor:
        """Lay one row of clouds over the sky: the far row small and low, the near row large and high."""
        scale, height, speed = ((0.8, 0.36, 0.10), (1.25, 0.20, 0.22))[row]
        lit, shaded = (
            self.colour(lambda s: DAYLIGHT[s.time].cloud),
            self.colour(lambda s: DAYLIGHT[s.time].shade),
        )
        wind = self.time * 0.008 * (1 + row)
        along = (self.column + speed * self.travel + wind) / scale + self.dice.uniform(0, 100).double()
        y = self.row - height - self.bob * speed
        cover, light = paint.cumulus(along, y, self.time, self.key + 500 * (row + 1), scale)
        return paint.mix(picture, paint.mix(shaded, lit, light), cover * 0.92)

    def ridge(self, picture: Tensor, number: int, layer: Layer) -> Tensor:
        """Lay one ridge over the picture: ground lit from one side, snow, mist at its foot, trees."""
        seed = self.key + 1000 * (number + 1)
        width = self.by_kind(layer.width)
        start = self.dice.uniform(0, 100).double()
        u = (self.column.double() + self.travel * (0.02 + 0.98 * layer.near**1.5)) / width + start
        rise, facing = self.profile(u, seed, layer)
        scale = self.by_kind(layer.rise)
        crest = layer.foot - scale * rise + self.bob * (0.3 + layer.near)
        depth = self.y - crest
        light = self.shading(u, depth, facing, seed, layer)
        ground = self.ground(depth, light, u, seed, scale * rise, layer)
        cover = paint.inside(-depth, self.height, 1.5)
        if layer.near in (0.42, 0.68):
            trees, crown = self.trees(u, width, scale, seed, layer)
            cover = torch.maximum(cover, trees)
            ground = paint.mix(ground, self.tinted(self.ground_colour(1) * 0.72, layer), trees * crown)
        return paint.mix(picture, ground, cover)

    def profile(self, u: Tensor, seed: Tensor, layer: Layer) -> tuple[Tensor, Tensor]:
        """Return a ridge's height in [0, 1] and which way it faces (right is positive), (B, F, 1, W)."""
        wave = paint.fractal1(u, seed, 2)
        slope = (wave - paint.fractal1(u + 0.25, seed, 2)) * 1.6
        dune = _dunes(u, seed)
        peak = _peaks(u, seed)
        far = layer.peaked
        rise = self.by_kind((wave, dune[0], far * peak[0] + (1 - far) * wave))
        return rise, self.by_kind((slope, dune[1], far * peak[1] + (1 - far) * slope))

    def shading(self, u: Tensor, depth: Tensor, facing: Tensor, seed: Tensor, layer: Layer) -> Tensor:
        """Return how much of the sun each point gets: faces turned to it are bright, down to soft folds."""
        bend = (paint.noise1(u * 2.2, seed + 5) - 0.5) * depth * 1.2
        towards = torch.where(self.sun_x > 0.5 * self.width, 1.0, -1.0)
        edge = self.by_kind((0.55, 0.13, 0.10 + 0.45 * (1 - layer.peaked)))
        return paint.smoothstep(-edge, edge, (facing / (1 + (depth / 0.14).square()) + bend) * towards)

    def ground_colour(self, shade: int) -> Tensor:
        """Return the colour of near ground in the sun (0) or in the shade (1)."""
        return self.colour(lambda s: GROUND[s.land][shade])

    def tinted(self, colour: Tensor, layer: Layer) -> Tensor:
        """Put a colour under the light of the day and behind the haze of its distance."""
        return torch.lerp(
            self.haze,
            colour * self.light,
            0.30 + 0.25 * layer.peaked + 0.70 * layer.near**0.7 * (1 - 0.6 * layer.peaked),
        )

    def ground(
        self, depth: Tensor, light: Tensor, u: Tensor, seed: Tensor, rise: Tensor, layer: Layer
    ) -> Tensor:
        """Return the picture of one ridge's surface, snow and mist included."""
        rocky = self.is_kind[2][..., None] * layer.peaked
        bright, dark = (torch.lerp(self.ground_colour(k), self.plain(ROCK[k]), rocky) for k in (0, 1))
        surface = paint.mix(self.tinted(dark, layer), self.tinted(bright, layer), light)
        if layer.peaked:
            line = rise * (0.25 + 0.45 * paint.noise1(u * 5, seed + 6))
            bright, dark = (self.plain(c) * self.light**-0.5 for c in SNOW)
            snow = paint.mix(self.tinted(dark, layer), self.tinted(bright, layer), light).clamp(max=1)
            surface = paint.mix(surface, snow, self.is_kind[2] * paint.smoothstep(0.02, -0.02, depth - line))
        return paint.mix(
            surface,
            0.5 * (self.horizon + self.haze),
            self.mist * (1 - 0.75 * layer.near) * paint.smoothstep(0.02, 0.26, depth),
        )

    def trees(
        self, u: Tensor, width: Tensor, scale: Tensor, seed: Tensor, layer: Layer
    ) -> tuple[Tensor, Tensor]:
        """Return the cover of trees and how dark they are: round on hills, firs below mountains."""
        grove = 2.0
        cell = torch.floor(u * grove)
        i = cell.long()
        stand = (cell + 0.35 + 0.3 * paint.hashed(i, seed + 11).double()) / grove
        root = layer.foot - scale * self.profile(stand, seed, layer)[0] + self.bob * (0.3 + layer.near)
        size = (0.10 + 0.08 * layer.near) * (0.8 + 0.4 * paint.hashed(i, seed + 12))
        size = size * (paint.hashed(i, seed + 13) < 0.6)
        sway = 0.05 * torch.sin(paint.wrap(self.time / 4.0 + i * 0.37, 1.0) * math.tau)
        h = (root + 0.01 - self.y) / size.clamp(min=1e-3)
        v = (u - stand).float() * width / size.clamp(min=1e-3) + sway * h
        round_crown = torch.sqrt((v / 0.85).square() + (h - 0.62).square()) - 0.40
        fir = torch.maximum(v.abs() - 0.34 * (1 - h), 0.12 - h) * 0.9
        trunk = torch.maximum(v.abs() - 0.07, (h - 0.3).abs() - 0.3)
        shape = torch.minimum(self.by_kind((round_crown, round_crown, fir)), trunk)
        cover = paint.inside(shape * size, self.height, 1.8) * (size > 0) * (1 - self.is_kind[1])
        return cover, (0.95 - 0.35 * (h - 0.4).clamp(0, 1) - 0.2 * v.clamp(-0.5, 0.5))


def _dunes(u: Tensor, seed: Tensor) -> tuple[Tensor, Tensor]:
    """Return height and facing of dunes: a long windward rise and a short lee under a sharp crest."""
    cell = torch.floor(u)
    i = cell.long()
    t = (u - cell).float()
    top = 0.52 + 0.24 * paint.hashed(i, seed + 3)
    up = paint.smoothstep(-0.25, 1.25, t / top) * 1.1 - 0.06
    down = ((1 - t) / (1 - top)).clamp(0, 1)
    shape = torch.minimum(up, down * (0.55 + 0.45 * down)).clamp(min=0)
    height = (0.55 + 0.45 * paint.hashed(i, seed + 4)) * shape
    facing = torch.minimum((t - top).clamp(min=-0.2), 1.5 * (1 - t) - 0.2)
    return 0.8 * height + 0.2 * paint.noise1(u * 0.7, seed + 8), facing


def _peaks(u: Tensor, seed: Tensor) -> tuple[Tensor, Tensor]:
    """Return height and facing of a mountain chain: the higher of two rows of jagged triangles."""
    rows = []
    for row in (0, 1):
        shifted = u + 0.5 * row
        cell = torch.floor(shifted)
        i = cell.long()
        side = (shifted - cell).float() - (0.38 + 0.24 * paint.hashed(i, seed + 40 + row))
        height = (0.62 + 0.38 * paint.hashed(i, seed + 50 + row)) * (1 - 1.55 * side.abs())
        rows.append((height, side))
    (first, one), (second, two) = rows
    jag = 0.10 * (paint.noise1(u * 5, seed + 60) - 0.5)
    return torch.maximum(first, second) + jag, torch.lerp(
        two, one, paint.smoothstep(-0.25, 0.25, first - second)
    )
