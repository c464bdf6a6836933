"""Flight through a starfield: large soft stars, a glowing nebula, sometimes a planet.

The stars of one flight live on N tracks that leave the vanishing point; every star that ends is followed by
another one in another direction. The nebula is two layers of noise that grow without end and fade into each
other.
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
    enlarge,
    fractal2,
    glows,
    grid,
    hashed,
    inside,
    mix,
    noise2,
    smoothstep,
    wrap,
)
from pavdm_cli.training.worlds.scene import Choices, Scene
from pavdm_cli.training.worlds.view import View
from pavdm_cli.training.worlds.words import article, listed, opening, pick, say

Nebula = Literal["blue", "green", "orange", "purple"]
Planet = Literal["no planet", "ringed planet", "red planet", "blue planet", "grey moon"]
Direction = Literal["forward", "backward"]

WAYS: dict[str, tuple[str, ...]] = {
    "forward": ("forward", "forward", "forwards", "ahead"),
    "backward": ("backward", "backward", "backwards", "in reverse"),
}

FLYING = ("flying", "gliding", "drifting", "travelling")
FLIGHTS = ("a flight", "a slow flight", "a journey", "a voyage")

DARK: Colour = (0.0, 0.0, 0.0)
TRACKS = 20
COARSE = 4

# The dark between, the cloud, and its bright heart.
GAS: dict[str, tuple[Colour, Colour, Colour]] = {
    "blue": ((0.00, 0.03, 0.13), (0.04, 0.32, 1.20), (0.35, 0.90, 1.20)),
    "green": ((0.00, 0.06, 0.06), (0.03, 0.75, 0.30), (0.75, 1.10, 0.25)),
    "orange": ((0.10, 0.03, 0.03), (1.10, 0.36, 0.04), (1.20, 0.85, 0.25)),
    "purple": ((0.06, 0.01, 0.13), (0.55, 0.10, 1.00), (1.30, 0.35, 0.95)),
}


@dataclass(frozen=True)
class Globe:
    """How one kind of planet looks: radii in picture heights, grain in cells of noise along and across it."""

    small: float
    large: float
    low: Colour
    high: Colour
    air: Colour
    along: float
    across: float
    cap: Colour = DARK
    caps: float = 0.0
    ring: float = 0.0


GLOBES: dict[str, Globe] = {
    "no planet": Globe(0.0, 0.0, DARK, DARK, DARK, 1, 1),
    "ringed planet": Globe(
        0.15, 0.19, (0.62, 0.42, 0.26), (0.98, 0.86, 0.62), (0.5, 0.4, 0.25), 0.5, 3.2, ring=1.0
    ),
    "red planet": Globe(
        0.19, 0.27, (0.52, 0.09, 0.06), (0.95, 0.32, 0.17), (0.7, 0.2, 0.1), 1.5, 2.0, (1.0, 0.88, 0.8), 1.0
    ),
    "blue planet": Globe(
        0.19, 0.27, (0.04, 0.22, 0.70), (0.22, 0.58, 0.95), (0.2, 0.55, 1.0), 1.3, 2.2, (0.97, 0.99, 1.0), 1.0
    ),
    "grey moon": Globe(0.17, 0.25, (0.38, 0.38, 0.40), (0.86, 0.85, 0.83), (0.2, 0.2, 0.22), 2.0, 2.0),
}


@dataclass(frozen=True)
class Stars(Scene):
    """A flight through space."""

    family: ClassVar[str] = "stars"
    knows: ClassVar[str] = (
        "a flight through stars, forward or backward; a blue, green, orange or purple nebula; "
        "no planet, a ringed, red or blue planet, a grey moon"
    )
    choices: ClassVar[Choices] = {
        "nebula": get_args(Nebula),
        "planet": get_args(Planet),
        "direction": get_args(Direction),
    }

    nebula: Nebula
    planet: Planet
    direction: Direction

    def pairs(self) -> list[tuple[str, str]]:
        """Combine the nebula's colour with the planet and with the direction."""
        return [(self.nebula, self.planet), (self.nebula, self.direction)]

    def caption(self, rng: np.random.Generator) -> str:
        """Say the scene; three captions in ten leave one fact out."""
        silent = pick(rng, list(self.choices)) if rng.random() < 0.3 else ""
        nebula = _say_nebula("" if silent == "nebula" else self.nebula, rng)
        planet = "" if silent == "planet" else _say_planet(self.planet, rng)
        lead = opening(rng)
        way = "" if silent == "direction" else self.direction
        flight = _say_flight(way, FLIGHTS if lead else FLYING, rng)
        flying = _say_flight(way, FLYING, rng)
        seen = listed([nebula, planet] if rng.random() < 0.6 else [planet, nebula])
        past = pick(rng, ("past", "in front of", "in the light of"))
        forms = (
            f"{lead}{flight}, with {seen}",
            f"{lead}{seen}, {flying}",
            f"{lead}{flight} {past} {nebula}{planet and ', ' + planet}",
        )
        return pick(rng, forms)

    @classmethod
    def render(cls, scenes: Sequence[Self], seeds: Sequence[int], frames: Tensor, size: Size) -> Tensor:
        """Draw flights; see `Scene.render`."""
        view = _View(scenes, seeds, frames, size)
        light = _gas(view)
        light = light + _field(view)
        picture = 1 - torch.exp(-1.35 * light)
        return _globe(view, picture).clamp(0, 1)


def _say_nebula(colour: str, rng: np.random.Generator) -> str:
    cloud = pick(rng, ("nebula", "nebula", "cloud of gas", "glowing nebula"))
    return article(f"{say(rng, colour)} {cloud}" if colour else cloud)


def _say_planet(planet: str, rng: np.random.Generator) -> str:
    if planet == "no planet":
        return pick(rng, ("no planet", "no planet in sight", "no planet anywhere"))
    if planet == "ringed planet":
        return pick(rng, ("a ringed planet", "a planet with rings", "a great ringed planet"))
    if planet == "grey moon":
        return pick(rng, ("a grey moon", "a large grey moon", "a grey cratered moon"))
    return pick(rng, (article(planet), f"a large {planet}", f"a slowly turning {planet}"))


def _say_flight(direction: str, words: Sequence[str], rng: np.random.Generator) -> str:
    flight = pick(rng, words)
    stars = pick(rng, ("through the stars", "through a starfield", "through space", "among bright stars"))
    return f"{flight} {pick(rng, WAYS[direction])} {stars}" if direction else f"{flight} {stars}"


class _View(View[Stars]):
    """What the brushes of one call share: also the clock of the flight and its swaying vanishing point."""

    def __init__(self, scenes: Sequence[Stars], seeds: Sequence[int], frames: Tensor, size: Size) -> None:
        super().__init__(scenes, seeds, frames, size)
        self.flown = self.time * self.number(lambda s: 1.0 if s.direction == "forward" else -1.0)
        phase = self.dice.many(4)
        period = self.dice.many(2, 22.0, 34.0)
        sway = [_turn(self.time / period[..., i] + phase[..., i]) for i in range(2)]
        self.centre_x = self.width / 2 + 0.12 * (phase[..., 2] - 0.5) + 0.10 * sway[0]
        self.centre_y = 0.5 + 0.12 * (phase[..., 3] - 0.5) + 0.07 * sway[1]

    def gas(self, part: int) -> Tensor:
        """Look one part of each scene's nebula up, (B, 1, 3, 1, 1)."""
        return self.colour(lambda s: GAS[s.nebula][part])

    def globe(self, name: str) -> Tensor:
        """Look one number of each scene's planet up, (B, 1, 1, 1)."""
        return self.number(lambda s: getattr(GLOBES[s.planet], name))

    def hue(self, name: str) -> Tensor:
        """Look one colour of each scene's planet up, (B, 1, 3, 1, 1)."""
        return self.colour(lambda s: getattr(GLOBES[s.planet], name))


def _gas(view: _View) -> Tensor:
    """Return the nebula's light, (B, F, 3, H, W); its mean and spread are the same in every frame."""
    dice, key, size = view.dice, view.key, view.size
    x, y = grid((size[0] // COARSE, size[1] // COARSE), view.device)
    x, y = x - view.centre_x, y - view.centre_y
    phase, turn = dice.uniform(), dice.uniform(0, math.tau)
    c, s = torch.cos(turn), torch.sin(turn)
    x, y = x * c - y * s, 1.5 * (x * s + y * c)
    cloud, heart = torch.zeros_like(x), torch.zeros_like(x)
    for layer in range(2):
        age = view.flown / 36.0 + phase + layer / 2
        cycle = torch.floor(age).long() * 2 + layer
        life = wrap(age, 1.0)
        zoom = 3.6 * torch.exp2(-1.6 * life)
        weight = torch.sin(math.pi * life) ** 2
        shift = 31.0 * hashed(cycle, key)
        cloud = cloud + weight * fractal2(x * zoom + shift, y * zoom + 7.3, key + 11 * cycle, octaves=3)
        heart = heart + weight * noise2(x * zoom * 1.3 - shift, y * zoom * 1.3, key + 11 * cycle + 5)
    dense = enlarge(smoothstep(-0.9, 1.9, _standard(cloud)), size)
    bright = enlarge(smoothstep(-0.3, 2.2, _standard(heart) + 0.7 * _standard(cloud)), size)
    dark, body, core = (view.gas(part) for part in range(3))
    return dark + body * (0.85 * dense.unsqueeze(2)) + core * (0.6 * bright * dense).unsqueeze(2)


def _turn(turns: Tensor) -> Tensor:
    """Return the sine of an angle given in turns (float64), float32."""
    return torch.sin(math.tau * wrap(turns, 1.0))


def _standard(noise: Tensor) -> Tensor:
    """Give each picture of noise the mean 0 and the spread 1, so that brightness never wanders."""
    centred = noise - noise.mean((2, 3), keepdim=True)
    return centred / centred.square().mean((2, 3), keepdim=True).sqrt().clamp(min=1e-4)


def _field(view: _View) -> Tensor:
    """Return the light of the stars, (B, F, 3, H, W): they grow from faint and far to large and near."""
    dice, seed = view.dice, view.key[..., 0]
    speed = dice.uniform(0.11, 0.15)[..., 0]
    track = torch.arange(TRACKS, device=view.device).view(1, 1, -1)
    age = view.flown[..., 0] * speed + track / TRACKS + dice.uniform()[..., 0]
    cycle, life = torch.floor(age).long(), wrap(age, 1.0)
    name = cycle * TRACKS + track
    angle = math.tau * (0.618034 * track + 0.25 * hashed(name, seed))
    reach = (0.07 + 0.16 * hashed(name, seed + 1)) * torch.exp(2.1 * life)
    x, y = view.centre_x[..., 0] + reach * torch.cos(angle), view.centre_y[..., 0] + reach * torch.sin(angle)
    radius = (0.011 + 0.012 * hashed(name, seed + 2)) * (0.55 + 1.0 * life)
    warm = hashed(name, seed + 3)
    tint = torch.stack([0.75 + 0.35 * warm, 0.85 + 0.1 * warm, 1.15 - 0.5 * warm], -1)
    fade = smoothstep(0.0, 0.25, life) * (1 - smoothstep(0.85, 1.0, life))
    light = tint * fade[..., None]
    core = glows((x, y), (radius, radius), 2.6 * light, view.size)
    return core + glows((x, y), (3.5 * radius, 3.5 * radius), 0.28 * light, view.size)


def _globe(view: _View, picture: Tensor) -> Tensor:
    """Lay the planet over the picture: a lit, turning ball with air, caps and perhaps a ring."""
    dice = view.dice
    where, sun, tilt = dice.many(2), dice.uniform(0.35, 0.9), dice.uniform(-0.5, 0.5)
    big = dice.uniform()
    small = view.globe("small")
    radius = small + big * (view.globe("large") - small)
    shown = view.number(lambda s: s.planet != "no planet")
    radius = radius.clamp(min=0.05) * (1 + 0.05 * _turn(view.time / 47.0 + big))
    side = torch.where(where[..., 0] < 0.5, -1.0, 1.0)
    u = view.x - view.width / 2 - side * 0.13 - 0.05 * _turn(view.time / 31.0 + where[..., 0])
    v = view.y - 0.36 - 0.24 * where[..., 1] - 0.04 * _turn(view.time / 23.0 + where[..., 1])
    u, v = u / radius, v / radius
    away = torch.sqrt(u * u + v * v)
    cover = inside((away - 1) * radius, view.height, 1.5) * shown
    depth = torch.sqrt((1 - away * away).clamp(min=0))
    lit = smoothstep(-0.25, 1.0, -side * sun * u - 0.5 * v + 0.62 * depth)
    along, across = u * torch.cos(tilt) + v * torch.sin(tilt), v * torch.cos(tilt) - u * torch.sin(tilt)
    skin = _skin(view, along, across, depth)
    air = view.hue("air")
    halo = torch.exp(-(away - 1).clamp(0, 3) * 9) * shown * (0.25 + 0.75 * lit) * (1 - cover)
    picture = picture + air * (0.8 * halo).unsqueeze(2)
    rim = (smoothstep(0.75, 1.0, away) * lit).unsqueeze(2) * air * 0.5
    ball = skin * (0.08 + 1.0 * lit).unsqueeze(2) + rim
    ring = _ring(along, across) * view.globe("ring")
    gold = view.plain((0.93, 0.82, 0.62))
    picture = mix(picture, gold, ring * (across < 0) * 0.85)
    picture = mix(picture, ball, cover)
    return mix(picture, gold, ring * (across >= 0) * 0.9)


def _skin(view: _View, along: Tensor, across: Tensor, depth: Tensor) -> Tensor:
    """Return the colour of the turning ball, (B, F, 3, H, W)."""
    half = (slice(None), slice(None), slice(None, None, 2), slice(None, None, 2))
    turn = wrap(view.time * 0.06, 4096.0)
    east = torch.atan2(along[half], depth[half] + 0.15) + turn
    rough = fractal2(
        east * view.globe("along"), across[half] * view.globe("across") + 50.0, view.key + 77, octaves=2
    )
    land = enlarge(smoothstep(0.32, 0.68, rough), view.size)
    skin = mix(view.hue("low"), view.hue("high"), land)
    icy = smoothstep(0.70, 0.82, across.abs() + 0.12 * land) * view.globe("caps")
    return mix(skin, view.hue("cap"), icy)


def _ring(along: Tensor, across: Tensor) -> Tensor:
    """Return the cover of a ring seen from a little above, with a dark gap."""
    far = torch.sqrt(along * along + (across / 0.3) ** 2)
    band = smoothstep(1.30, 1.42, far) * (1 - smoothstep(2.05, 2.2, far))
    gap = 0.65 * torch.exp(-(((far - 1.72) / 0.07) ** 2))
    return band * (1 - gap)
