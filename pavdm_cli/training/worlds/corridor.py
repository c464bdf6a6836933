"""A walk down an endless corridor, seen through the walker's eyes in one-point perspective.

Every pixel is traced to the wall, floor or ceiling it sees; lengths are metres, `along` is the way down the
corridor and `far` the depth in front of the eye. Shapes of tensors are those of `paint`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self, get_args

import numpy as np
import torch
from torch import Tensor

from pavdm_cli.training.worlds.paint import Colour, Size, glow, mix, noise1, smoothstep, wrap
from pavdm_cli.training.worlds.scene import Choices, Scene
from pavdm_cli.training.worlds.view import View
from pavdm_cli.training.worlds.words import article, listed, opening, pick, say

Paint = Literal["red", "yellow", "green", "blue", "purple", "white"]
Floor = Literal["tiles", "wood", "carpet"]
Decor = Literal["doors", "windows", "lamps"]
Way = Literal["forward", "backward"]

LENS = 0.62
"""Picture heights at depth 1 m that 1 m covers."""
CEILING, EYE = 2.75, 1.45
"""The height of the corridor and of the eye, in metres."""
BAY = 3.2
"""Metres from one door, window or lamp to the next, before a scene stretches its corridor."""

WALL: dict[Paint, Colour] = {
    "red": (0.80, 0.20, 0.18),
    "yellow": (0.95, 0.80, 0.30),
    "green": (0.28, 0.62, 0.34),
    "blue": (0.24, 0.42, 0.82),
    "purple": (0.56, 0.30, 0.70),
    "white": (0.98, 0.97, 0.94),
}
FLOOR_WORDS: dict[Floor, tuple[str, ...]] = {
    "tiles": ("tiled floor", "floor of tiles", "chequered tile floor"),
    "wood": ("wooden floor", "wood floor", "floor of wooden planks"),
    "carpet": ("carpet", "carpeted floor", "long carpet", "carpet on the floor"),
}
DECOR_WORDS: dict[Decor, tuple[str, ...]] = {
    "doors": ("doors", "wooden doors", "doors on both sides", "rows of doors"),
    "windows": ("windows", "bright windows", "windows on both sides", "rows of windows"),
    "lamps": ("lamps", "glowing lamps", "wall lamps", "lamps on both sides"),
}
WAY_WORDS: dict[Way, tuple[str, ...]] = {
    "forward": ("forward", "forwards", "ahead", "straight ahead"),
    "backward": ("backward", "backwards", "back", "in reverse"),
}
WALKERS = ("we walk", "we move", "the camera moves", "someone walks")
SUN: Colour = (0.80, 0.92, 1.00)
LAMP: Colour = (1.00, 0.82, 0.50)


@dataclass(frozen=True)
class Corridor(Scene):
    """Walls of one colour, a floor, things on the walls, and the way one walks."""

    family: ClassVar[str] = "corridor"
    knows: ClassVar[str] = (
        "a walk forward or backward down a corridor with red, yellow, green, blue, purple or white walls, "
        "a floor of tiles, wood or carpet, and doors, windows or lamps"
    )
    choices: ClassVar[Choices] = {
        "walls": get_args(Paint),
        "floor": get_args(Floor),
        "decor": get_args(Decor),
        "direction": get_args(Way),
    }

    walls: Paint
    floor: Floor
    decor: Decor
    direction: Way

    def caption(self, rng: np.random.Generator) -> str:
        """Say the scene; four captions in ten leave one attribute out."""
        silent = pick(rng, (*[""] * 6, *self.choices))
        hall = pick(rng, ("corridor", "corridor", "hallway"))
        colour = "" if silent == "walls" else say(rng, self.walls)
        with_ = [
            "" if silent == "floor" else _floor(rng, self.floor),
            "" if silent == "decor" else pick(rng, DECOR_WORDS[self.decor]),
        ]
        if colour and rng.integers(2):
            with_.append(f"{colour} walls")
        elif colour:
            hall = f"{colour} {hall}"
        hall = pick(rng, ("", "", "", "long ", "endless ")) + hall
        way = "" if silent == "direction" else " " + pick(rng, WAY_WORDS[self.direction])
        things = listed([with_[i] for i in rng.permutation(len(with_))])
        place = article(hall) + (f" with {things}" if things else "")
        walk = pick(rng, ("walking", "moving", "strolling", "slowly walking"))
        shape = rng.integers(4)
        if shape == 0:
            return f"{walk}{way} {pick(rng, ('down', 'through', 'along'))} {place}"
        if shape == 1:
            return f"{place}, {walk}{way}"
        if shape == 2:
            return f"{opening(rng)}{place}, {pick(rng, WALKERS)}{way}"
        return f"{pick(rng, WALKERS)}{way} {pick(rng, ('down', 'along'))} {place}"

    def pairs(self) -> list[tuple[str, str]]:
        """Return the walls with the floor, and the walls with what is on them."""
        return [(self.walls, self.floor), (self.walls, self.decor)]

    @classmethod
    def render(cls, scenes: Sequence[Self], seeds: Sequence[int], frames: Tensor, size: Size) -> Tensor:
        """Trace the corridor, paint its surfaces, light it, and let its far end fade into light."""
        view = _View(scenes, seeds, frames, size)
        picture = mix(_level(view), _walls(view), view.on_wall)
        light = _light(view)
        picture = picture * light
        picture = _shining(view, picture)
        haze = view.plain((1.0, 0.95, 0.86)) * 0.96
        return mix(picture, haze, 1 - torch.exp(-((view.far - 1.5) / 13).clamp(min=0).pow(1.3))).clamp(0, 1)


def _floor(rng: np.random.Generator, floor: Floor) -> str:
    return article(pick(rng, FLOOR_WORDS[floor]))


class _View(View[Corridor]):
    """Where each pixel's ray ends, and how many metres a pixel covers there."""

    def __init__(self, scenes: Sequence[Corridor], seeds: Sequence[int], frames: Tensor, size: Size) -> None:
        super().__init__(scenes, seeds, frames, size)
        time, dice, key = self.time, self.dice, self.key
        pace = dice.uniform(0.85, 1.25) * self.number(lambda s: 1.0 if s.direction == "forward" else -1.0)
        self.half, stretch = dice.uniform(1.22, 1.55), dice.uniform(0.88, 1.15)
        step = wrap(time * 0.8, 1.0) * math.tau
        turn = 0.14 * (noise1(time * 0.16, key + 1) - 0.5) + 0.012 * step.sin()
        nod = 0.06 * (noise1(time * 0.13, key + 2) - 0.5) + 0.010 * (2 * step).sin()
        aside = 0.5 * (noise1(time * 0.11, key + 3) - 0.5)
        right = self.column - 0.5 * self.width + turn
        down = self.row - 0.47 + nod
        self.side = right >= 0
        to_wall = (
            torch.where(self.side, self.half - aside, self.half + aside) * LENS / right.abs().clamp(min=1e-3)
        )
        to_level = torch.where(down > 0, EYE, CEILING - EYE) * LENS / down.abs().clamp(min=1e-3)
        self.far = torch.minimum(to_wall, to_level).clamp(max=60.0)
        self.blur = self.far / (LENS * size[0])
        self.long_blur = self.far * self.blur / (1.3 * stretch)
        edge = (to_level - to_wall) / (self.long_blur * 1.5)
        self.on_wall = (0.5 + edge).clamp(0, 1)
        self.below = (down > 0).float()
        self.along = self.far / stretch + wrap(time * pace + dice.uniform(0, 8 * BAY), 8 * BAY)
        self.high = EYE - down * self.far / LENS
        self.across = right * self.far / LENS + aside
        staggered = (dice.uniform() > 0.5).float()
        stagger = 0.5 * staggered * self.side
        shift = 1 - 2 * staggered * (0.5 + 0.5 * self.across / self.half).clamp(0, 1)
        self.pool = (0.5 - 0.5 * shift * (self.along * (math.tau / BAY)).cos()).square()
        cell = torch.floor(self.along / BAY + stagger)
        self.bay = (self.along / BAY + stagger - cell - 0.5) * BAY
        self.tone = (cell * (math.tau * 3 / 8) + 2.0 * self.side + dice.uniform(0, math.tau)).sin()

    def soft(self, distance: Tensor, blur: Tensor) -> Tensor:
        """Cover from a signed distance in metres (negative inside), softened over `blur` metres."""
        return (0.5 - distance / (1.3 * blur)).clamp(0, 1)

    def box(self, half: float, low: float, high: float) -> Tensor:
        """Cover of an upright rectangle in the middle of each bay."""
        wide = self.soft(self.bay.abs() - half, self.long_blur)
        return wide * self.soft((self.high - 0.5 * (low + high)).abs() - 0.5 * (high - low), self.blur)


def _walls(view: _View) -> Tensor:
    """Paint the walls: a darker panel below a rail, white skirting and cornice, and doors or windows."""
    wall = view.colour(lambda s: WALL[s.walls])
    panel = view.soft(view.high - 0.85, view.blur)
    picture = mix(wall, wall * 0.62, panel)
    trim = view.soft((view.high - 0.88).abs() - 0.05, view.blur)
    trim = torch.maximum(trim, view.soft(view.high - 0.16, view.blur))
    trim = torch.maximum(trim, view.soft(CEILING - 0.14 - view.high, view.blur))
    white = view.plain((0.95, 0.93, 0.88))
    picture = mix(picture, white, trim)
    doors, windows = view.has("doors"), view.has("windows")
    frame = doors * view.box(0.66, -0.1, 2.28) + windows * view.box(0.86, 0.72, 2.40)
    picture = mix(picture, white * 0.97, frame)
    picture = mix(picture, _leaf(view), doors * view.box(0.53, -0.1, 2.14))
    return picture


def _leaf(view: _View) -> Tensor:
    """Paint a door: warm wood with two sunk panels and a brass knob, each door a little different."""
    wood = view.plain((0.50, 0.29, 0.15)) * (1 + 0.18 * view.tone).unsqueeze(2)
    sunk = torch.maximum(view.box(0.34, 0.25, 0.95), view.box(0.34, 1.15, 1.92))
    knob = ((view.bay - 0.42).square() + (view.high - 1.04).square()).sqrt() - 0.075
    wood = mix(wood, wood * 0.68, sunk)
    return mix(wood, view.plain((0.98, 0.80, 0.35)), view.soft(knob, view.long_blur))


def _level(view: _View) -> Tensor:
    """Paint the floor and the ceiling with its beams."""
    beam = view.soft((torch.remainder(view.along, BAY / 2) - BAY / 4).abs() - 0.13, view.long_blur)
    ceiling = mix(view.plain((0.93, 0.91, 0.87)), view.plain((0.66, 0.58, 0.50)), beam)
    picture = view.has("tiles").unsqueeze(2) * _tiles(view)
    picture = picture + view.has("wood").unsqueeze(2) * _planks(view)
    picture = picture + view.has("carpet").unsqueeze(2) * _carpet(view)
    return mix(ceiling, picture, view.below)


def _tiles(view: _View) -> Tensor:
    """Paint a chequered floor of light and dark tiles."""
    side = 0.64

    def wave(x: Tensor, blur: Tensor) -> Tensor:
        saw = (torch.remainder(x / side + 0.5, 2) - 1).abs() - 0.5
        return (saw * side / blur).clamp(-1, 1)

    fade = (1.1 - view.far / 14).clamp(0, 1)
    check = 0.5 + 0.5 * fade * wave(view.across, view.blur) * wave(view.along, view.long_blur)
    return mix(view.plain((0.22, 0.26, 0.32)), view.plain((0.92, 0.90, 0.84)), check)


def _planks(view: _View) -> Tensor:
    """Paint boards that run down the corridor, in different browns."""
    board = view.across / 0.30
    row = torch.floor(board)
    tone = 0.80 + 0.16 * (row * 2.4).sin() + 0.06 * (row * 1.1 + view.along * (math.tau * 2 / BAY)).sin()
    seam = view.soft(0.12 - (board - row - 0.5).abs() * 0.30, view.blur)
    wood = view.plain((0.72, 0.44, 0.21))
    return wood * (tone * (1 - 0.45 * seam)).unsqueeze(2)


def _carpet(view: _View) -> Tensor:
    """Paint a crimson carpet with golden borders and lozenges on a dark floor."""
    off = view.across.abs()
    lozenge = (torch.remainder(view.along, BAY / 2) - BAY / 4).abs() * 0.6 + off - 0.26
    gold = torch.maximum(view.soft((off - 0.82).abs() - 0.055, view.blur), view.soft(lozenge, view.blur * 2))
    picture = mix(
        view.plain((0.30, 0.24, 0.22)), view.plain((0.62, 0.08, 0.14)), view.soft(off - 1.0, view.blur)
    )
    return mix(picture, view.plain((0.90, 0.68, 0.26)), gold)


def _light(view: _View) -> Tensor:
    """Light on every surface, (B, F, 3, H, W): even for doors, cool pools by windows, warm ones by lamps."""
    lamps, windows = view.has("lamps"), view.has("windows")
    up = torch.exp(-((view.high - 1.75) / 1.1).square())
    even = 1.0 - 0.05 * windows - 0.34 * lamps
    warm = (lamps * 0.66 * view.pool * (0.45 + 0.55 * up)).unsqueeze(2)
    cool = (windows * 0.20 * view.pool * (1 - view.on_wall)).unsqueeze(2)
    corner = 1 - 0.22 * torch.exp(-(view.half - view.across.abs()).abs() / 0.35) * (1 - view.on_wall)
    shade = (even * corner * (1 - 0.08 * view.on_wall)).unsqueeze(2)
    return shade + warm * view.plain(LAMP) + cool * view.plain(SUN)


def _shining(view: _View, picture: Tensor) -> Tensor:
    """Lay what gives light over the lit picture: window panes with a landscape, lamps with their halo."""
    wall = view.on_wall
    sky = smoothstep(1.1, 2.3, view.high).unsqueeze(2)
    outside = view.plain((0.96, 0.98, 1.0)) * (1 - sky) + view.plain((0.45, 0.74, 1.0)) * sky
    hill = 1.18 + 0.10 * (view.along * (math.tau * 3 / BAY / 2)).sin()
    outside = mix(outside, view.plain((0.42, 0.72, 0.36)), view.soft(view.high - hill, view.blur))
    bars = torch.maximum(
        view.soft(view.bay.abs() - 0.05, view.long_blur),
        view.soft((view.high - 1.58).abs() - 0.045, view.blur),
    )
    pane = view.box(0.74, 0.84, 2.28) * (1 - bars) * view.has("windows") * wall
    picture = mix(picture, outside, pane)
    apart = (view.bay.square() + (view.high - 1.75).square()).sqrt()
    lamps = view.has("lamps") * wall
    holder = view.box(0.06, 1.28, 1.55) * lamps
    picture = mix(picture, view.plain((0.35, 0.22, 0.10)), holder)
    picture = glow(picture, view.plain(LAMP), 0.65 * torch.exp(-(apart / 0.42).square()) * lamps)
    picture = mix(picture, view.plain((0.98, 0.62, 0.16)), view.soft(apart - 0.29, view.long_blur) * lamps)
    return mix(picture, view.plain((1.0, 0.97, 0.84)), view.soft(apart - 0.20, view.long_blur * 2) * lamps)
