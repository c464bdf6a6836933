"""Flight through a starfield: large soft stars, a glowing nebula, sometimes a planet.

The stars of one flight live on N tracks that leave the vanishing point; every star that ends is followed by
another one in another direction. The nebula is two layers of noise that grow without end and fade into each
other.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from pavdm_cli.training.worlds.paint import (
    Colour,
    Dice,
    colours,
    enlarge,
    fractal2,
    glows,
    grid,
    hashed,
    inside,
    mix,
    noise2,
    per_scene,
    pick,
    seconds,
    smoothstep,
    wrap,
)
from pavdm_cli.training.worlds.scene import Scene
from pavdm_cli.training.worlds.words import article, opening, say

Nebula = Literal["blue", "green", "orange", "purple"]
Planet = Literal["no planet", "ringed planet", "red planet", "blue planet", "grey moon"]
Direction = Literal["forward", "backward"]

VALUES: dict[str, tuple[Any, ...]] = {
    "nebula": get_args(Nebula),
    "planet": get_args(Planet),
    "direction": get_args(Direction),
}

WAYS: dict[str, tuple[str, ...]] = {
    "forward": ("forward", "forward", "forwards", "ahead"),
    "backward": ("backward", "backward", "backwards", "in reverse"),
}

FLYING = ("flying", "gliding", "drifting", "travelling")
FLIGHTS = ("a flight", "a slow flight", "a journey", "a voyage")

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
    """How one kind of planet looks; sizes in picture heights, grain in cells of noise along and across."""

    size: tuple[float, float]
    low: Colour
    high: Colour
    cap: Colour
    caps: float
    air: Colour
    grain: tuple[float, float]
    ring: float


GLOBES: dict[str, Globe] = {
    "no planet": Globe((0.0, 0.0), (0, 0, 0), (0, 0, 0), (0, 0, 0), 0.0, (0, 0, 0), (1, 1), 0.0),
    "ringed planet": Globe(
        (0.15, 0.19),
        (0.62, 0.42, 0.26),
        (0.98, 0.86, 0.62),
        (0.8, 0.7, 0.5),
        0.0,
        (0.5, 0.4, 0.25),
        (0.5, 3.2),
        1.0,
    ),
    "red planet": Globe(
        (0.19, 0.27),
        (0.52, 0.09, 0.06),
        (0.95, 0.32, 0.17),
        (1.0, 0.88, 0.8),
        1.0,
        (0.7, 0.2, 0.1),
        (1.5, 2.0),
        0.0,
    ),
    "blue planet": Globe(
        (0.19, 0.27),
        (0.04, 0.22, 0.70),
        (0.22, 0.58, 0.95),
        (0.97, 0.99, 1.0),
        1.0,
        (0.2, 0.55, 1.0),
        (1.3, 2.2),
        0.0,
    ),
    "grey moon": Globe(
        (0.17, 0.25),
        (0.38, 0.38, 0.40),
        (0.86, 0.85, 0.83),
        (0.8, 0.8, 0.8),
        0.0,
        (0.2, 0.2, 0.22),
        (2.0, 2.0),
        0.0,
    ),
}


@dataclass(frozen=True)
class Stars(Scene):
    """A flight through space."""

    family: ClassVar[str] = "stars"
    knows: ClassVar[str] = (
        "a flight through stars, forward or backward; a blue, green, orange or purple nebula; "
        "no planet, a ringed, red or blue planet, a grey moon"
    )

    nebula: Nebula
    planet: Planet
    direction: Direction

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Stars":
        """Draw nebula, planet and direction, each value equally often."""
        return cls(**{name: pick(rng, values) for name, values in VALUES.items()})  # type: ignore[arg-type]

    def change(self, rng: np.random.Generator) -> "Stars":
        """Give the nebula another colour, the sky another planet, or turn round."""
        name = pick(rng, list(VALUES))
        other: Any = pick(rng, [v for v in VALUES[name] if v != getattr(self, name)])
        return replace(self, **{name: other})

    def facts(self) -> dict[str, str]:
        """Return nebula, planet and direction."""
        return {"nebula": self.nebula, "planet": self.planet, "direction": self.direction}

    def pairs(self) -> list[tuple[str, str]]:
        """Combine the nebula's colour with the planet and with the direction."""
        return [(self.nebula, self.planet), (self.nebula, self.direction)]

    def caption(self, rng: np.random.Generator) -> str:
        """Say the scene; three captions in ten leave one fact out."""
        silent = pick(rng, list(VALUES)) if rng.random() < 0.3 else ""
        nebula = _say_nebula("" if silent == "nebula" else self.nebula, rng)
        planet = "" if silent == "planet" else _say_planet(self.planet, rng)
        lead = opening(rng)
        flight = _say_flight(
            "" if silent == "direction" else self.direction, FLIGHTS if lead else FLYING, rng
        )
        flying = _say_flight("" if silent == "direction" else self.direction, FLYING, rng)
        parts = [nebula, planet] if rng.random() < 0.6 else [planet, nebula]
        seen = " and ".join(p for p in parts if p)
        past = pick(rng, ("past", "in front of", "in the light of"))
        forms = (
            f"{lead}{flight}, with {seen}",
            f"{lead}{seen}, {flying}",
            f"{lead}{flight} {past} {nebula}{planet and ', ' + planet}",
        )
        return pick(rng, forms)

    @staticmethod
    def render(
        scenes: Sequence[Scene], seeds: Sequence[int], frames: Tensor, size: tuple[int, int]
    ) -> Tensor:
        """Draw flights; see `Scene.render`."""
        flights = [s for s in scenes if isinstance(s, Stars)]
        assert len(flights) == len(seeds)
        device = frames.device
        dice = Dice(seeds, device)
        key = torch.tensor(list(seeds), dtype=torch.int64, device=device)[:, None, None, None]
        t = seconds(frames)
        way = per_scene([1.0 if s.direction == "forward" else -1.0 for s in flights], device)
        centre = _look(dice, t, size)
        light = _gas(flights, dice, key, t * way, centre, size)
        light = light + _field(dice, key, t * way, centre, size)
        picture = 1 - torch.exp(-1.35 * light)
        return _globe(picture, flights, dice, key, t, size).clamp(0, 1)


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


def _look(dice: Dice, t: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Return the vanishing point, slowly swaying: x and y, each (B, F, 1, 1)."""
    phase = dice.many(4)
    period = dice.many(2, 22.0, 34.0)
    sway = [torch.sin(2 * math.pi * wrap(t / period[..., i] + phase[..., i], 1.0)) for i in range(2)]
    middle = size[1] / size[0] / 2
    return (
        middle + 0.12 * (phase[..., 2] - 0.5) + 0.10 * sway[0],
        0.5 + 0.12 * (phase[..., 3] - 0.5) + 0.07 * sway[1],
    )


def _gas(
    flights: list[Stars],
    dice: Dice,
    key: Tensor,
    t: Tensor,
    centre: tuple[Tensor, Tensor],
    size: tuple[int, int],
) -> Tensor:
    """Return the nebula's light, (B, F, 3, H, W); its mean and spread are the same in every frame."""
    device = key.device
    coarse = (size[0] // COARSE, size[1] // COARSE)
    x, y = grid(coarse, device)
    x, y = x - centre[0], y - centre[1]
    phase, turn = dice.uniform(), dice.uniform(0, 2 * math.pi)
    c, s = torch.cos(turn), torch.sin(turn)
    x, y = x * c - y * s, 1.5 * (x * s + y * c)
    cloud, heart = torch.zeros_like(x), torch.zeros_like(x)
    for layer in range(2):
        age = t / 36.0 + phase + layer / 2
        cycle = torch.floor(age).long() * 2 + layer
        life = wrap(age, 1.0)
        zoom = 3.6 * torch.exp2(-1.6 * life)
        weight = torch.sin(math.pi * life) ** 2
        shift = 31.0 * hashed(cycle, key)
        cloud = cloud + weight * fractal2(x * zoom + shift, y * zoom + 7.3, key + 11 * cycle, octaves=3)
        heart = heart + weight * noise2(x * zoom * 1.3 - shift, y * zoom * 1.3, key + 11 * cycle + 5)
    dense = enlarge(smoothstep(-0.9, 1.9, _standard(cloud)), size)
    bright = enlarge(smoothstep(-0.3, 2.2, _standard(heart) + 0.7 * _standard(cloud)), size)
    dark, body, core = (colours([GAS[f.nebula][i] for f in flights], device) for i in range(3))
    return dark + body * (0.85 * dense.unsqueeze(2)) + core * (0.6 * bright * dense).unsqueeze(2)


def _standard(noise: Tensor) -> Tensor:
    """Give each picture of noise the mean 0 and the spread 1, so that brightness never wanders."""
    centred = noise - noise.mean((2, 3), keepdim=True)
    return centred / centred.square().mean((2, 3), keepdim=True).sqrt().clamp(min=1e-4)


def _field(
    dice: Dice, key: Tensor, t: Tensor, centre: tuple[Tensor, Tensor], size: tuple[int, int]
) -> Tensor:
    """Return the light of the stars, (B, F, 3, H, W): they grow from faint and far to large and near."""
    device = key.device
    speed = dice.uniform(0.11, 0.15)[..., 0]
    track = torch.arange(TRACKS, device=device).view(1, 1, -1)
    age = t[..., 0] * speed + track / TRACKS + dice.uniform()[..., 0]
    cycle, life = torch.floor(age).long(), wrap(age, 1.0)
    name = cycle * TRACKS + track
    seed = key[..., 0]
    angle = 2 * math.pi * (0.618034 * track + 0.25 * hashed(name, seed))
    reach = (0.07 + 0.16 * hashed(name, seed + 1)) * torch.exp(2.1 * life)
    x, y = centre[0][..., 0] + reach * torch.cos(angle), centre[1][..., 0] + reach * torch.sin(angle)
    radius = (0.011 + 0.012 * hashed(name, seed + 2)) * (0.55 + 1.0 * life)
    warm = hashed(name, seed + 3)
    tint = torch.stack([0.75 + 0.35 * warm, 0.85 + 0.1 * warm, 1.15 - 0.5 * warm], -1)
    fade = smoothstep(0.0, 0.25, life) * (1 - smoothstep(0.85, 1.0, life))
    light = tint * fade[..., None]
    core = glows((x, y), (radius, radius), 2.6 * light, size)
    return core + glows((x, y), (3.5 * radius, 3.5 * radius), 0.28 * light, size)


def _globe(
    picture: Tensor, flights: list[Stars], dice: Dice, key: Tensor, t: Tensor, size: tuple[int, int]
) -> Tensor:
    """Lay the planet over the picture: a lit, turning ball with air, caps and perhaps a ring."""
    device = key.device
    kinds = [GLOBES[f.planet] for f in flights]
    where, sun, tilt = dice.many(2), dice.uniform(0.35, 0.9), dice.uniform(-0.5, 0.5)
    big = dice.uniform()
    small = per_scene([k.size[0] for k in kinds], device)
    radius = small + big * (per_scene([k.size[1] for k in kinds], device) - small)
    shown = per_scene([float(k.size[1] > 0) for k in kinds], device)
    radius = radius.clamp(min=0.05) * (1 + 0.05 * torch.sin(2 * math.pi * wrap(t / 47.0 + big, 1.0)))
    side = torch.where(where[..., 0] < 0.5, -1.0, 1.0)
    x, y = grid(size, device)
    u = (
        x
        - size[1] / size[0] / 2
        - side * 0.13
        - 0.05 * torch.sin(2 * math.pi * wrap(t / 31.0 + where[..., 0], 1.0))
    )
    v = y - 0.36 - 0.24 * where[..., 1] - 0.04 * torch.sin(2 * math.pi * wrap(t / 23.0 + where[..., 1], 1.0))
    u, v = u / radius, v / radius
    away = torch.sqrt(u * u + v * v)
    cover = inside((away - 1) * radius, size[0], 1.5) * shown
    depth = torch.sqrt((1 - away * away).clamp(min=0))
    lit = smoothstep(-0.25, 1.0, -side * sun * u - 0.5 * v + 0.62 * depth)
    along, across = u * torch.cos(tilt) + v * torch.sin(tilt), v * torch.cos(tilt) - u * torch.sin(tilt)
    skin = _skin(kinds, key, t, along, across, depth)
    air = colours([k.air for k in kinds], device)
    halo = torch.exp(-(away - 1).clamp(0, 3) * 9) * shown * (0.25 + 0.75 * lit) * (1 - cover)
    picture = picture + air * (0.8 * halo).unsqueeze(2)
    rim = (smoothstep(0.75, 1.0, away) * lit).unsqueeze(2) * air * 0.5
    ball = skin * (0.08 + 1.0 * lit).unsqueeze(2) + rim
    ring = _ring(along, across) * per_scene([k.ring for k in kinds], device)
    gold = colours([(0.93, 0.82, 0.62)] * len(kinds), device)
    picture = mix(picture, gold, ring * (across < 0) * 0.85)
    picture = mix(picture, ball, cover)
    return mix(picture, gold, ring * (across >= 0) * 0.9)


def _skin(kinds: list[Globe], key: Tensor, t: Tensor, along: Tensor, across: Tensor, depth: Tensor) -> Tensor:
    """Return the colour of the turning ball, (B, F, 3, H, W)."""
    device = key.device
    half = (slice(None), slice(None), slice(None, None, 2), slice(None, None, 2))
    grain = [per_scene([k.grain[i] for k in kinds], device) for i in range(2)]
    turn = wrap(t * 0.06, 4096.0)
    east = torch.atan2(along[half], depth[half] + 0.15) + turn
    rough = fractal2(east * grain[0], across[half] * grain[1] + 50.0, key + 77, octaves=2)
    land = enlarge(smoothstep(0.32, 0.68, rough), (along.shape[2], along.shape[3]))
    low, high, cap = (colours([getattr(k, n) for k in kinds], device) for n in ("low", "high", "cap"))
    skin = mix(low, high, land)
    icy = smoothstep(0.70, 0.82, across.abs() + 0.12 * land) * per_scene([k.caps for k in kinds], device)
    return mix(skin, cap, icy)


def _ring(along: Tensor, across: Tensor) -> Tensor:
    """Return the cover of a ring seen from a little above, with a dark gap."""
    far = torch.sqrt(along * along + (across / 0.3) ** 2)
    band = smoothstep(1.30, 1.42, far) * (1 - smoothstep(2.05, 2.2, far))
    gap = 0.65 * torch.exp(-(((far - 1.72) / 0.07) ** 2))
    return band * (1 - gap)
