"""A campfire in the evening: slow flames, their light on the ground, and a wide sky behind.

The camera sways a little, near things more than far ones. Shapes of tensors are those of `paint`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self, get_args

import numpy as np
import torch
from torch import Tensor

from pavdm_cli.training.worlds.paint import (
    Colour,
    Size,
    fractal1,
    glow,
    gradient,
    hashed,
    inside,
    mix,
    noise1,
    smoothstep,
    wrap,
)
from pavdm_cli.training.worlds.scene import Choices, Scene
from pavdm_cli.training.worlds.view import View
from pavdm_cli.training.worlds.words import article, opening, pick, sentence

Place = Literal["forest", "beach", "desert"]
Sky = Literal["starry", "moonlit", "dusk"]
Flame = Literal["orange", "blue", "green"]

BASE = 0.90
"""Height of the foot of the fire in the picture."""
TONGUES = ((-0.085, 0.52), (0.085, 0.56), (-0.045, 0.76), (0.05, 0.80), (0.0, 1.0))
"""Where each flame stands beside the middle of the fire, and its height as a part of the tallest."""

PLACE_WORDS: dict[Place, tuple[str, ...]] = {
    "forest": ("in a forest", "in the forest", "in the woods", "among forest trees"),
    "beach": ("on a beach", "on the beach", "on a sandy beach by the sea", "on a beach by the sea"),
    "desert": ("in a desert", "in the desert", "on desert sand", "among desert cacti"),
}
SKY_WORDS: dict[Sky, tuple[str, ...]] = {
    "starry": ("under a starry sky", "under the stars", "on a starry night", "beneath many stars"),
    "moonlit": ("under a full moon", "in the moonlight", "on a moonlit night", "beneath the moon"),
    "dusk": ("at dusk", "at sunset", "under a dusk sky", "in the evening glow"),
}
FIRES = ("campfire", "campfire", "bonfire", "fire")

ZENITH = {"starry": (0.02, 0.02, 0.1), "moonlit": (0.05, 0.11, 0.28), "dusk": (0.3, 0.2, 0.5)}
MIDDLE = {"starry": (0.05, 0.06, 0.22), "moonlit": (0.12, 0.23, 0.45), "dusk": (0.88, 0.4, 0.46)}
LOW = {"starry": (0.13, 0.15, 0.36), "moonlit": (0.3, 0.44, 0.62), "dusk": (1.0, 0.72, 0.38)}
CLOUD = {"starry": (0.0, 0.0, 0.0), "moonlit": (0.42, 0.52, 0.68), "dusk": (1.0, 0.6, 0.5)}
CLOUDED: dict[Sky, float] = {"starry": 0.0, "moonlit": 0.45, "dusk": 0.75}
AMBIENT = {"starry": (0.22, 0.24, 0.42), "moonlit": (0.4, 0.5, 0.66), "dusk": (0.76, 0.52, 0.54)}

GROUND = {"forest": (0.34, 0.46, 0.18), "beach": (0.9, 0.78, 0.54), "desert": (0.86, 0.46, 0.2)}
BEHIND = {"forest": (0.16, 0.28, 0.14), "beach": (0.2, 0.52, 0.66), "desert": (0.7, 0.32, 0.17)}
RIDGE = {"forest": (0.1, 0.2, 0.17), "beach": (0.24, 0.34, 0.32), "desert": (0.5, 0.24, 0.24)}
PLANT = {"forest": (0.11, 0.3, 0.15), "beach": (0.15, 0.36, 0.14), "desert": (0.22, 0.42, 0.2)}
HORIZON: dict[Place, float] = {"forest": 0.68, "beach": 0.56, "desert": 0.66}
SHORE: dict[Place, float] = {"forest": 0.76, "beach": 0.74, "desert": 0.76}

EDGE = {"orange": (0.92, 0.24, 0.03), "blue": (0.06, 0.18, 0.9), "green": (0.02, 0.5, 0.14)}
HEART = {"orange": (1.0, 0.62, 0.12), "blue": (0.16, 0.56, 1.0), "green": (0.28, 0.92, 0.3)}
CORE = {"orange": (1.0, 0.95, 0.66), "blue": (0.82, 0.95, 1.0), "green": (0.88, 1.0, 0.74)}
WOOD = (0.30, 0.17, 0.10)
LIGHT = {"orange": (1.0, 0.5, 0.18), "blue": (0.18, 0.42, 1.0), "green": (0.22, 0.85, 0.32)}


@dataclass(frozen=True)
class Campfire(Scene):
    """A fire with flames of one colour, at a place, under a sky."""

    family: ClassVar[str] = "campfire"
    knows: ClassVar[str] = (
        "a campfire with orange, blue or green flames in a forest, on a beach or in a desert, "
        "under a starry or moonlit sky or at dusk"
    )
    choices: ClassVar[Choices] = {
        "flame": get_args(Flame),
        "place": get_args(Place),
        "sky": get_args(Sky),
    }

    flame: Flame
    place: Place
    sky: Sky

    def caption(self, rng: np.random.Generator) -> str:
        """Say the scene; three captions in ten leave one attribute out."""
        silent = pick(rng, (*[""] * 7, *self.choices))
        fire = pick(rng, FIRES) if silent == "flame" else self._fire(rng)
        place = "" if silent == "place" else pick(rng, PLACE_WORDS[self.place])
        sky = "" if silent == "sky" else pick(rng, SKY_WORDS[self.sky])
        burns = pick(rng, ("burns", "glows", "flickers softly", "burns slowly"))
        burning = pick(rng, ("", "", "burning", "glowing", "slowly burning"))
        shape = rng.integers(4)
        if shape == 0:
            return sentence(opening(rng) + article(fire), burning, place, sky)
        if shape == 1:
            return sentence(article(fire), burns, place, sky)
        if shape == 2:
            return sentence(f"{sentence(place, sky)},", article(fire), burns)
        return sentence(f"{sky or place},", opening(rng) + article(fire), burning, place if sky else "")

    def _fire(self, rng: np.random.Generator) -> str:
        fire = pick(rng, FIRES)
        flames = pick(rng, ("", "", "tall ", "bright ")) + f"{self.flame} flames"
        return pick(rng, (f"{self.flame} {fire}", f"{fire} with {flames}", f"{fire} of {self.flame} flames"))

    def pairs(self) -> list[tuple[str, str]]:
        """Return the flames with the place, the place with the sky, and the flames with the sky."""
        return [(self.flame, self.place), (self.place, self.sky), (self.flame, self.sky)]

    @classmethod
    def render(cls, scenes: Sequence[Self], seeds: Sequence[int], frames: Tensor, size: Size) -> Tensor:
        """Draw the sky, the land lit by the fire, and the fire."""
        view = _View(scenes, seeds, frames, size)
        return _fire(view, _land(view, _sky(view))).clamp(0, 1)


class _View(View[Campfire]):
    """What every layer needs: also the sway, the fire's spot and its light on things."""

    def __init__(self, scenes: Sequence[Campfire], seeds: Sequence[int], frames: Tensor, size: Size) -> None:
        super().__init__(scenes, seeds, frames, size)
        self.sway = 0.09 * (noise1(self.time * 0.09, self.key) - 0.5)
        self.fire = self.width * self.dice.uniform(0.40, 0.60) + self.sway
        self.moon_side = (self.dice.uniform() > 0.5).float()
        self.flicker = 0.90 + 0.20 * fractal1(self.time * 0.9, self.key + 3, 2)
        away = ((self.column - self.fire) / 0.40).square() + ((self.row - BASE + 0.10) / 0.27).square()
        self.shine = self.flicker / (1 + away)
        self.lit = self.tone(AMBIENT) + self.tone(LIGHT) * (1.15 * self.shine).unsqueeze(2)

    def tone(self, table: Mapping[str, Colour]) -> Tensor:
        """Look up each scene's colour in a table of flames, places or skies, (B, 1, 3, 1, 1)."""
        return self.colour(lambda s: next(table[word] for word in s.facts().values() if word in table))


def _sky(view: _View) -> Tensor:
    sky = gradient(view.y, view.tone(ZENITH), view.tone(MIDDLE), view.tone(LOW))
    moon_x = view.width * (0.36 + 0.28 * view.moon_side + view.dice.uniform(-0.04, 0.04))
    apart = ((view.x - moon_x).square() + (view.y - view.dice.uniform(0.15, 0.19)).square()).sqrt()
    halo = 0.55 * torch.exp(-(apart / 0.17)) + inside(apart - 0.105, view.height, 1.5)
    white = view.plain((1.0, 1.0, 1.0))
    sky = glow(sky, white * 0.95, (halo * view.has("moonlit")).clamp(0, 1))
    sky = glow(sky, white, _stars(view) * view.has("starry"))
    return mix(sky, view.tone(CLOUD), _clouds(view) * view.number(lambda s: CLOUDED[s.sky]))


def _stars(view: _View) -> Tensor:
    """Brightness of large soft stars, one in most cells of a grid, and of a pale band across the sky."""
    cell = 0.155
    i, j = torch.floor(view.x / cell), torch.floor(view.y / cell)
    spot = i.long() * 89 + j.long() * 7
    dx = view.x / cell - i - 0.3 - 0.4 * hashed(spot, view.key + 11)
    dy = view.y / cell - j - 0.3 - 0.4 * hashed(spot, view.key + 12)
    bright = hashed(spot, view.key + 13)
    star = torch.exp(-(dx.square() + dy.square()) / (0.006 + 0.010 * bright)) * smoothstep(0.15, 0.5, bright)
    across = view.y - 0.28 + view.dice.uniform(-0.7, 0.7) * (view.x - 0.5 * view.width)
    band = torch.exp(-(across / 0.12).square()) * (0.10 + 0.16 * fractal1(view.x * 5, view.key + 14, 2))
    twinkle = 0.8 + 0.2 * (wrap(view.time * 1.3, math.tau) + math.tau * hashed(spot, view.key + 15)).sin()
    return (star * twinkle + band).clamp(0, 1)


def _clouds(view: _View) -> Tensor:
    """Cover of three long clouds that drift slowly."""
    cover = torch.zeros((), device=view.device)
    for i, level in enumerate((0.14, 0.30, 0.44)):
        along = view.column * 1.6 - 0.3 * view.sway + view.time * view.dice.uniform(0.02, 0.045)
        thick = 0.085 * smoothstep(0.36, 0.85, fractal1(along, view.key + 21 + i, 2)) + 1e-3
        off = (view.row - level - view.dice.uniform(-0.04, 0.04)) / thick
        cover = torch.maximum(cover, (1 - off.square()).clamp(0, 1) * smoothstep(0.008, 0.04, thick))
    return cover


def _land(view: _View, sky: Tensor) -> Tensor:
    """Lay the far ridge, the sea or the far ground, what grows there, and the ground over the sky."""
    horizon, shore = view.number(lambda s: HORIZON[s.place]), view.number(lambda s: SHORE[s.place])
    beach, height = view.has("beach"), view.height
    across = view.column - 0.5 * view.sway
    ridge = horizon - _ridge(view, view.column - 0.3 * view.sway)
    far = view.tone(RIDGE) * view.tone(AMBIENT) + 0.14 * view.tone(LOW)
    picture = mix(sky, far, inside(ridge - view.row, height, 1.5))
    dune = 0.05 * (1 - beach) * (fractal1(across * 2.1, view.key + 32, 2) - 0.5)
    behind = torch.lerp(view.tone(BEHIND) * view.lit, view.tone(MIDDLE), 0.55 * beach.unsqueeze(2))
    behind = behind * (1 + beach * _ripples(view)).unsqueeze(2)
    picture = mix(picture, behind, inside(horizon + dune - view.row, height, 1.5))
    picture = mix(picture, view.tone(PLANT) * view.lit, _growth(view, across))
    wash = 0.012 * (wrap(view.time * 0.7, math.tau) + wrap(across * 5.0, math.tau)).sin()
    wash = wash + 0.014 * wrap(view.time * 0.45, math.tau).sin()
    edge = shore + beach * wash + (0.03 * (fractal1(view.column - view.sway, view.key + 33, 2) - 0.5))
    shade = (1.06 - 0.6 * (view.row - shore)).unsqueeze(2)
    picture = mix(picture, view.tone(GROUND) * view.lit * shade, inside(edge - view.row, height, 2.0))
    foam = (1 - ((view.row - edge) / 0.022).abs()).clamp(0, 1) * beach
    return mix(picture, 0.25 + 0.7 * view.tone(AMBIENT), 0.8 * foam)


def _ridge(view: _View, across: Tensor) -> Tensor:
    """Height over the horizon of tree tops, a headland or table mountains, (B, F, 1, W)."""
    tree = across * 9.0
    top = 0.10 + 0.10 * hashed(torch.floor(tree).long() + 50, view.key + 41)
    forest = 0.10 + top * (1 - 2 * (tree - torch.floor(tree) - 0.5).abs())
    headland = 0.16 * smoothstep(0.5, 0.95, noise1(across * 1.3 + 7, view.key + 42)) - 0.01
    mesa = 0.05 + 0.13 * smoothstep(0.46, 0.58, noise1(across * 2.6 + 7, view.key + 43))
    return view.has("forest") * forest + view.has("beach") * headland + view.has("desert") * mesa


def _ripples(view: _View) -> Tensor:
    """Light and dark of the waves of the sea, wider towards the shore."""
    near = 0.25 / (view.row - 0.46).clamp(min=0.08)
    slow = wrap(view.time * 0.9, math.tau)
    first = (view.row * 60 * near.sqrt() - slow + 1.5 * (view.column * 7).sin()).sin()
    return 0.16 * first * (view.column * 9 + view.row * 20 + 0.7 * slow.sin()).sin()


def _growth(view: _View, across: Tensor) -> Tensor:
    """Cover of the fir trees of a forest, the palm of a beach and the cacti of a desert."""
    dice, height = view.dice, view.height
    wind = wrap(view.time * 0.8, math.tau) + dice.uniform(0, math.tau)
    cover = torch.zeros((), device=view.device)
    for where in (0.02, 0.19, 0.81, 0.98):
        up = (0.80 - view.row) / dice.uniform(0.48, 0.72)
        lean = 0.012 * up * (wind + 9 * where).sin()
        half = 0.13 * (1.02 - up) * (1.15 - 0.5 * torch.remainder(up * 5 + 0.2, 1))
        aside = (across - where * view.width - dice.uniform(-0.06, 0.06) - lean).abs()
        fir = inside(aside - half, height, 1.5)
        cover = torch.maximum(cover, fir * (up > 0) * view.has("forest"))
    palm = _palm(view, across - view.width * (0.83 - 0.74 * view.moon_side), wind)
    cover = torch.maximum(cover, palm * view.has("beach"))
    for where in (0.14, 0.86):
        at = across - view.width * (where + dice.uniform(-0.05, 0.05))
        cover = torch.maximum(cover, _cactus(view, at, dice.uniform(0.32, 0.46)) * view.has("desert"))
    return cover


def _palm(view: _View, x: Tensor, wind: Tensor) -> Tensor:
    """Cover of a palm: a bowed trunk and three pairs of hanging leaves."""
    up = (0.80 - view.row) / 0.52
    trunk = (x - 0.05 * up.square() - 0.012 * up * wind.sin()).abs() - 0.026 + 0.010 * up
    trunk = torch.maximum(trunk, torch.maximum(up - 1, -up))
    beside = (x - 0.05 - 0.012 * wind.sin()).abs()
    leaf = torch.full((), 1.0, device=view.device)
    for rise, hang, long in ((1.5, 5.0, 0.20), (0.75, 3.9, 0.25), (-0.1, 5.0, 0.19)):
        out = (beside / long).clamp(0, 1.2)
        curve = 0.28 - (rise + 0.08 * (wind + 2).sin()) * beside + hang * beside.square()
        steep = (1 + (2 * hang * beside - rise).square()).sqrt()
        thin = 0.042 * (1.1 - out) * (out + 0.35).sqrt()
        leaf = torch.minimum(leaf, (view.row - curve).abs() / steep - thin)
    return inside(torch.minimum(trunk, leaf), view.height, 1.5)


def _cactus(view: _View, x: Tensor, tall: Tensor) -> Tensor:
    """Cover of a cactus of a given height: a stem and two raised arms."""
    x, y = x / tall, (0.80 - view.row) / tall
    stem = (x.square() + (y - y.clamp(0, 0.88)).square()).sqrt() - 0.11
    side = torch.where(x > 0, 0.42, 0.62)
    raised = torch.minimum(torch.maximum(y, side), side + 0.22)
    outer = ((x.abs() - 0.28).square() + (y - raised).square()).sqrt() - 0.075
    joint = ((x.abs() - x.abs().clamp(0, 0.28)).square() + (y - side).square()).sqrt() - 0.075
    return inside(torch.minimum(stem, torch.minimum(outer, joint)) * tall, view.height, 1.5)


def _fire(view: _View, picture: Tensor) -> Tensor:
    """Lay the wood, the flames, their halo and a few sparks over the picture."""
    x, y = view.column - view.fire, view.row - BASE
    picture = glow(picture, view.tone(LIGHT), 0.42 * (view.shine * view.flicker).square())
    picture = mix(picture, view.plain(WOOD) * (0.35 + 0.9 * view.lit), _logs(view, x, y))
    heat = _heat(view, x, y)
    picture = mix(picture, view.tone(EDGE), smoothstep(0.06, 0.40, heat))
    picture = mix(picture, view.tone(HEART), smoothstep(0.30, 0.72, heat))
    picture = mix(picture, view.tone(CORE), smoothstep(0.68, 1.12, heat))
    return glow(picture, view.tone(HEART), _sparks(view, x, y))


def _logs(view: _View, x: Tensor, y: Tensor) -> Tensor:
    cover = torch.zeros((), device=view.device)
    for lean in (0.38, -0.34, 0.04):
        along = x.clamp(-0.15, 0.15)
        log = ((x - along).square() + (y - 0.012 - lean * along).square()).sqrt() - 0.026
        cover = torch.maximum(cover, inside(log, view.height, 1.5))
    return cover


def _heat(view: _View, x: Tensor, y: Tensor) -> Tensor:
    """Heat of the flames, 0 outside and about 1 in the core: tongues that sway with air rising past them."""
    tallest = view.dice.uniform(0.40, 0.50)
    cold = torch.ones((), device=view.device)
    for i, (beside, part) in enumerate(TONGUES):
        pulse = 0.72 + 0.50 * noise1(view.time * 0.9 + i, view.key + 51 + i)
        up = (0.02 - y) / (tallest * part * pulse)
        air = noise1(2.2 * up.double() - view.time * 1.1, view.key + 61 + i) - 0.5
        middle = beside * (1 - 0.55 * up) + 0.15 * up.clamp(0, 1) * air
        rise = up.clamp(0, 1)
        half = 0.115 * (1 - rise).pow(0.9) * (rise + 0.16).sqrt() + 1e-3
        ends = smoothstep(-0.12, 0.08, up) * (12 - 12 * rise).clamp(0, 1)
        warm = (1 - (x - middle).abs() / half).clamp(0, 1) * ends
        cold = cold * (1 - warm * (0.95 - 0.40 * rise))
    return 1 - cold.square()


def _sparks(view: _View, x: Tensor, y: Tensor) -> Tensor:
    """Brightness of four soft sparks that rise, sway and fade."""
    bright = torch.zeros((), device=view.device)
    for i in range(4):
        risen = view.time * view.dice.uniform(0.13, 0.20) + i / 4 + view.dice.uniform(0, 0.2)
        life = wrap(risen, 1.0)
        luck = hashed(torch.floor(risen).long(), view.key + 71 + i) - 0.5
        dx = x - luck * (0.12 + 0.35 * life) - 0.03 * (math.tau * (life + luck)).sin()
        dy = y + 0.25 + 0.55 * life
        spark = torch.exp(-(dx.square() + dy.square()) / 0.014**2)
        bright = bright + spark * (4 * life * (1 - life)).clamp(0, 1)
    return bright.clamp(0, 0.9)
