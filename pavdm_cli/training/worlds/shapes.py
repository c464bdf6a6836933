"""Solid shapes that bounce, drift, orbit or spin before a plain background: the world of the demo prompt.

Every shape is a regular polygon or star folded into one sector, so one formula with a few numbers per scene
draws them all; positions and angles of the five motions are computed together and each scene takes its own.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self, cast, get_args

import numpy as np
import torch
from torch import Tensor

from pavdm_cli.training.worlds.outline import OUTLINES, Form, edge_of, light_on
from pavdm_cli.training.worlds.paint import Size, bounce, colours, inside, mix, per_scene, smoothstep, wrap
from pavdm_cli.training.worlds.scene import Choices, Scene
from pavdm_cli.training.worlds.view import View
from pavdm_cli.training.worlds.words import COLOURS, article, listed, opening, pick, say

Hue = Literal["red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink", "white", "black"]
Motion = Literal["bouncing", "drifting left", "drifting right", "orbiting", "spinning"]
HUES: tuple[Hue, ...] = get_args(Hue)
FORMS: tuple[Form, ...] = get_args(Form)
MOTIONS: tuple[Motion, ...] = get_args(Motion)

MOST = 3
FLOOR = 0.91

NOUNS: dict[Form, tuple[str, ...]] = {
    "ball": ("ball", "ball", "sphere", "circle"),
    "square": ("square", "square", "box", "block"),
    "triangle": ("triangle",),
    "star": ("star",),
}
DOING: dict[Motion, tuple[str, ...]] = {
    "bouncing": ("bouncing", "bouncing", "bouncing up and down", "hopping up and down"),
    "drifting left": ("drifting left", "drifting to the left", "moving left", "gliding leftwards"),
    "drifting right": ("drifting right", "drifting to the right", "moving right", "gliding rightwards"),
    "orbiting": ("orbiting", "orbiting around the centre", "circling", "moving in a circle"),
    "spinning": ("spinning", "spinning in place", "rotating", "turning on the spot"),
}
VERBS: dict[Motion, str] = {
    "bouncing": "bounce{}",
    "drifting left": "drift{} left",
    "drifting right": "drift{} right",
    "orbiting": "orbit{} around the centre",
    "spinning": "spin{} in place",
}


@dataclass(frozen=True)
class Thing:
    """One object: a colour and a form."""

    colour: Hue
    form: Form

    def __str__(self) -> str:
        return f"{self.colour} {self.form}"


THINGS = tuple(Thing(hue, form) for hue in HUES for form in FORMS)


@dataclass(frozen=True)
class Shapes(Scene):
    """One to three coloured shapes sharing one motion before a coloured background."""

    family: ClassVar[str] = "shapes"
    knows: ClassVar[str] = (
        "one to three objects (ball, square, triangle, star) in ten colours, bouncing, drifting left or "
        "right, orbiting or spinning, on a background in any of the ten colours"
    )

    sets: ClassVar[tuple[str, ...]] = ("objects",)

    things: tuple[Thing, ...]
    motion: Motion
    background: Hue

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """Draw one, two or three different objects, a motion they can show and another background colour."""
        count = int(rng.choice([1, 2, 3], p=[0.5, 0.35, 0.15]))
        motion, background = pick(rng, MOTIONS), pick(rng, HUES)
        possible = [thing for thing in THINGS if cls((thing,), motion, background)._holds()]
        chosen = rng.choice(len(possible), count, replace=False)
        return cls(tuple(possible[int(i)] for i in chosen), motion, background)

    def change(self, rng: np.random.Generator) -> Self:
        """Change the background, the motion, or the colour or form of one object."""
        return pick(rng, pick(rng, [kind for kind in self._kinds() if kind]))

    def caption(self, rng: np.random.Generator) -> str:
        """Say the objects always, the motion and the background nine times in ten each."""
        left_out = rng.uniform()
        if left_out < 0.1:
            return f"{opening(rng)}{self._things(rng)}{_behind(rng, self.background)}"
        if left_out < 0.2:
            return f"{opening(rng)}{self._things(rng)} {pick(rng, DOING[self.motion])}"
        way = int(rng.integers(6))
        doing = pick(rng, DOING[self.motion])
        if way == 0:
            be = "is" if len(self.things) == 1 else "are"
            hue = article(say(rng, self.background))
            start = pick(rng, ("on", "against", "in front of"))
            return f"{start} {hue} background, {self._things(rng)} {be} {doing}"
        if way == 1:
            verb = VERBS[self.motion].format("s" if len(self.things) == 1 else "")
            return f"{self._things(rng)} {verb}{_behind(rng, self.background)}"
        if way == 2:
            names = ", ".join(_name(rng, thing) for thing in self.things)
            return f"{names}, {doing}, {say(rng, self.background)} {pick(rng, ('background', 'backdrop'))}"
        return f"{opening(rng)}{self._things(rng)} {doing}{_behind(rng, self.background)}"

    def facts(self) -> dict[str, str]:
        """Return objects, motion and background."""
        objects = " + ".join(sorted(map(str, self.things)))
        return {"objects": objects, "motion": self.motion, "background": self.background}

    @classmethod
    def answers(cls) -> Choices:
        """Return all objects, motions and backgrounds."""
        return {"objects": tuple(map(str, THINGS)), "motion": MOTIONS, "background": HUES}

    def having(self, facts: Mapping[str, str]) -> Self:
        """Return this scene with the facts given; objects are joined by ' + '."""
        all_ = {**self.facts(), **facts}
        things = tuple(thing for thing in THINGS if str(thing) in all_["objects"].split(" + "))
        return type(self)(things, cast(Motion, all_["motion"]), cast(Hue, all_["background"]))

    def others(self) -> dict[str, list[Self]]:
        """Return the scenes with another background, another motion, or one object of another colour or
        form."""
        backgrounds, motions, colours, forms = self._kinds()
        return {"objects": colours + forms, "motion": motions, "background": backgrounds}

    def pairs(self) -> list[tuple[str, str]]:
        """Return the colour and form of every object."""
        return [(thing.colour, thing.form) for thing in self.things]

    @classmethod
    def render(cls, scenes: Sequence[Self], seeds: Sequence[int], frames: Tensor, size: Size) -> Tensor:
        """Paint the background, then the objects one upon another, each with its shadow on the floor."""
        stage = _Stage(scenes, seeds, frames, size)
        picture = _backdrop(stage)
        for k in range(max(len(scene.things) for scene in scenes)):
            picture = _lay(picture, stage, k)
        return picture.clamp(0, 1)

    def _holds(self) -> bool:
        """Tell whether all objects differ, stand out from the background and can show the motion."""
        distinct = len(set(self.things)) == len(self.things)
        seen = all(thing.colour != self.background for thing in self.things)
        turns = self.motion != "spinning" or all(thing.form != "ball" for thing in self.things)
        return distinct and seen and turns

    def _kinds(self) -> list[list[Self]]:
        """Return what this scene can change into: background, motion, colour or form of an object."""
        kinds: list[list[Self]] = [
            [replace(self, background=hue) for hue in HUES],
            [replace(self, motion=motion) for motion in MOTIONS],
            [self._with(i, replace(old, colour=hue)) for i, old in enumerate(self.things) for hue in HUES],
            [self._with(i, replace(old, form=form)) for i, old in enumerate(self.things) for form in FORMS],
        ]
        return [[new for new in kind if new != self and new._holds()] for kind in kinds]

    def _with(self, i: int, thing: Thing) -> Self:
        return replace(self, things=(*self.things[:i], thing, *self.things[i + 1 :]))

    def _things(self, rng: np.random.Generator) -> str:
        return listed([article(_name(rng, thing)) for thing in self.things])


def _name(rng: np.random.Generator, thing: Thing) -> str:
    return f"{say(rng, thing.colour)} {pick(rng, NOUNS[thing.form])}"


def _behind(rng: np.random.Generator, hue: str) -> str:
    said = say(rng, hue)
    backdrop = pick(rng, ("background", "background", "backdrop"))
    if rng.uniform() < 0.2:
        return f", {said} {backdrop}"
    return f" {pick(rng, ('on', 'on', 'against', 'in front of'))} {article(said)} {backdrop}"


class _Stage(View[Shapes]):
    """Where every object is: seconds, radii, and the paths of all motions, made once for a batch."""

    def __init__(self, scenes: Sequence[Shapes], seeds: Sequence[int], frames: Tensor, size: Size) -> None:
        super().__init__(scenes, seeds, frames, size)
        self.count = self.number(lambda s: len(s.things))
        self.motion = torch.tensor([MOTIONS.index(scene.motion) for scene in scenes], device=self.device)
        self.pace, self.phase, self.sense, self.hover, self.ring, self.glow = self.dice.many(6).unbind(-1)
        self.sense = torch.where(self.sense < 0.5, -1.0, 1.0)
        few, many = self.dice.many(MOST, 0.15, 0.2), self.dice.many(MOST, 0.12, 0.15)
        self.radius = torch.where(self.count[..., None] == 1, few, many)
        self.each = self.dice.many(MOST * 4).view(-1, 1, 1, 1, MOST, 4)

    def place(self, k: int, foot: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return x, y and turn of object k, (B, F, 1, 1) each; `foot` is its reach below its centre."""
        paths = [self._bouncing(k, foot), *self._drifting(k), self._orbiting(k), self._spinning(k)]
        rows = torch.arange(len(self.motion), device=self.motion.device)
        x, y, turn = (torch.stack([path[i] for path in paths])[self.motion, rows] for i in range(3))
        return x, y, turn

    def _sway(self, k: int, much: float) -> Tensor:
        return much * torch.sin(wrap(self.time * 1.3 + 6.3 * self.each[..., k, 0], math.tau))

    def _lane(self, k: int, room: float) -> tuple[Tensor, Tensor]:
        """Return the left and right ends of object k's own stretch of the picture."""
        width = self.width / self.count
        reach = torch.minimum(self.radius[..., k] * room, width * 0.49)
        return k * width + reach, (k + 1) * width - reach

    def _bouncing(self, k: int, foot: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        low, high = self._lane(k, 1.05)
        start = self.each[..., k, 0] * 2 * (high - low)
        x = bounce(self.time * (0.06 + 0.07 * self.each[..., k, 1]) + start, low.double(), high.double())
        fall = wrap(self.time / (1.9 + 0.6 * self.each[..., k, 2]) + self.each[..., k, 3], 1.0)
        rise = (0.38 + 0.1 * self.pace) * 4 * fall * (1 - fall)
        return x, FLOOR - foot - rise, self._sway(k, 0.1)

    def _drifting(self, k: int) -> list[tuple[Tensor, Tensor, Tensor]]:
        room = self.radius.amax(-1) * 1.08
        loop = (self.width + 2 * room).double()
        start = (k / self.count + self.phase + 0.06 * self.each[..., k, 1]) * loop
        gone = torch.remainder(self.time * (0.16 + 0.1 * self.pace) + start, loop).float() - room
        y = 0.28 + 0.34 * self.each[..., k, 2] + self._sway(k, 0.035)
        turn = self._sway(k, 0.1)
        return [(self.width - gone, y, turn), (gone, y, turn)]

    def _orbiting(self, k: int) -> tuple[Tensor, Tensor, Tensor]:
        angle = self.sense * wrap(self.time * (0.75 + 0.4 * self.pace), math.tau)
        angle = angle + math.tau * (self.phase + k / self.count)
        far = 0.25 + 0.05 * self.ring
        return self.width / 2 + far * torch.cos(angle), 0.46 + far * torch.sin(angle), self._sway(k, 0.1)

    def _spinning(self, k: int) -> tuple[Tensor, Tensor, Tensor]:
        low, high = self._lane(k, 1.25)
        x = low + (high - low) * (0.25 + 0.5 * self.each[..., k, 0]) + 0 * self.time.float()
        y = 0.36 + 0.2 * self.each[..., k, 1] + self._sway(k, 0.03)
        turn = self.sense * wrap(self.time * (1.0 + 0.6 * self.pace), math.tau) + 6 * self.each[..., k, 3]
        return x, y, turn


def _backdrop(stage: _Stage) -> Tensor:
    """Paint the wall, a wandering pool of light on it, and the floor."""
    hue = stage.colour(lambda s: COLOURS[s.background])
    drift = torch.sin(wrap(stage.time * 0.21 + 6.3 * stage.glow, math.tau))
    across = torch.exp(-(((stage.column - stage.width * (0.5 + 0.3 * drift)) / 0.45) ** 2))
    down = torch.exp(-(((stage.row - 0.35) / 0.38) ** 2))
    floor = smoothstep(0.71, 0.82, stage.y) * (1 - 0.5 * smoothstep(0.8, 1.0, stage.y))
    light = 0.95 + 0.08 * across * down - 0.05 * stage.y - 0.16 * floor
    return hue * light.unsqueeze(2) + 0.05 * (across * down).unsqueeze(2)


def _lay(below: Tensor, stage: _Stage, k: int) -> Tensor:
    """Lay object k of every scene that has one over the picture, after its shadow."""
    things = [scene.things[min(k, len(scene.things) - 1)] for scene in stage.scenes]
    outline = {
        name: per_scene([getattr(OUTLINES[thing.form], name) for thing in things], stage.device)
        for name in ("points", "tip", "notch", "turn", "foot")
    }
    ball = per_scene([thing.form == "ball" for thing in things], stage.device)
    here = (stage.count > k).float()
    radius = stage.radius[..., k]
    at_x, at_y, turn = stage.place(k, radius * outline["foot"])
    below = below * (1 - here * _shadow(stage, radius, at_x, at_y)).unsqueeze(2)
    px, py = (stage.x - at_x) / radius, (stage.y - at_y) / radius
    edge, rho = edge_of(px, py, turn, outline, ball)
    cover = here * inside(edge * radius, stage.height)
    shade, shine = light_on(px, py, turn, edge, rho, ball)
    hue = colours([COLOURS[thing.colour] for thing in things], stage.device)
    return mix(below, hue * shade.unsqueeze(2) + shine.unsqueeze(2), cover)


def _shadow(stage: _Stage, radius: Tensor, at_x: Tensor, at_y: Tensor) -> Tensor:
    """Darken the floor below an object: narrow and dark near it, wide and faint when it is high."""
    high = ((FLOOR - at_y - radius) / 0.6).clamp(0, 1)
    across = torch.exp(-(((stage.column - at_x) / (radius * (0.85 + 0.3 * high))) ** 2))
    down = torch.exp(-(((stage.row - FLOOR - 0.005) / 0.035) ** 2))
    return (0.5 - 0.36 * high) * across * down
