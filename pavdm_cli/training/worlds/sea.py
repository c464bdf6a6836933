"""The open sea: waves rolling in, a sun or moon with its glittering path, clouds, perhaps a sailboat."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self, get_args

import numpy as np
import torch
from torch import Tensor

from pavdm_cli.training.worlds.paint import Size, inside, mix, noise1, wrap
from pavdm_cli.training.worlds.scene import Choices, Scene
from pavdm_cli.training.worlds.seascape import AIRS, HOURS, Seascape, Time, Weather
from pavdm_cli.training.worlds.words import opening, pick, say, sentence

Boat = Literal["none", "sailboat"]


WEATHER_BEFORE: dict[Weather, tuple[str, ...]] = {
    "clear": ("clear", "calm", "cloudless"),
    "cloudy": ("cloudy", "overcast"),
    "stormy": ("stormy", "raging", "storm-tossed"),
}
WEATHER_AFTER: dict[Weather, tuple[str, ...]] = {
    "clear": ("under a clear sky", "in clear weather", "in fine weather"),
    "cloudy": ("under a cloudy sky", "in cloudy weather", "with drifting clouds"),
    "stormy": ("in a storm", "in stormy weather", "under dark storm clouds"),
}


@dataclass(frozen=True)
class Sea(Scene):
    """The sea at some time of day, in some weather, with or without a sailboat."""

    family: ClassVar[str] = "sea"
    knows: ClassVar[str] = (
        "the open sea at dawn, day, sunset or night, in clear, cloudy or stormy weather, "
        "with or without a sailboat"
    )
    choices: ClassVar[Choices] = {
        "time": get_args(Time),
        "weather": get_args(Weather),
        "boat": get_args(Boat),
    }

    time: Time
    weather: Weather
    boat: Boat

    def caption(self, rng: np.random.Generator) -> str:
        """Say the boat always, the time of day and the weather nine times in ten each."""
        left_out = rng.uniform()
        when = "" if left_out < 0.1 else say(rng, self.time)
        after = "" if 0.1 <= left_out < 0.2 else pick(rng, WEATHER_AFTER[self.weather])
        boat = self.boat == "sailboat"
        way = int(rng.integers(4))
        if way == 0 and when:
            seen = "a sailboat rocks on the waves" if boat else pick(rng, ("waves roll in", "the sea rolls"))
            return sentence(f"{when}, {seen} {after}")
        if way == 1 and after:
            sea = f"{pick(rng, WEATHER_BEFORE[self.weather])} {pick(rng, ('sea', 'ocean'))}"
            seen = f"a {pick(rng, ('sailboat', 'sailing boat'))} on a {sea}" if boat else f"a {sea}"
            return sentence(f"{opening(rng)}{seen} {when}")
        if boat:
            seen = pick(rng, ("a sailboat at sea", "a sailing boat on the waves", "a sailboat on the ocean"))
        else:
            seen = pick(rng, ("the sea", "the open sea", "the ocean", "waves rolling in", "the empty sea"))
        tail = [after, when] if rng.uniform() < 0.5 else [when, after]
        return sentence(opening(rng) + seen, *tail)

    def pairs(self) -> list[tuple[str, str]]:
        """Return the time of day with the weather."""
        return [(self.time, self.weather)]

    @classmethod
    def render(cls, scenes: Sequence[Self], seeds: Sequence[int], frames: Tensor, size: Size) -> Tensor:
        """Paint sky and water, then the boat of the scenes that have one."""
        hours, airs = [HOURS[s.time] for s in scenes], [AIRS[s.weather] for s in scenes]
        view = Seascape(scenes, seeds, frames, size, hours, airs)
        picture = view.water(view.sky())
        boats = view.has("sailboat")
        return _sail(picture, view, boats).clamp(0, 1)


def _sail(below: Tensor, view: Seascape[Sea], boats: Tensor) -> Tensor:
    """Lay a sailboat that rocks on the waves, and its reflection, over the water."""
    big = 0.44 + 0.08 * view.start
    ride = wrap(view.time * view.air("pace") * math.tau * 0.75 + 6.3 * view.side, math.tau)
    at_x = view.width * (0.25 + 0.5 * noise1(view.time * 0.06, view.key))
    at_y = view.horizon + 0.19 - 0.22 * view.air("waves") * torch.sin(ride)
    tilt = (0.03 + 1.1 * view.air("waves")) * torch.cos(ride)
    line = at_y + 0.085 * big + 0.008 * torch.sin(view.column * 30 + ride)

    px, py = (view.x - at_x) / big, (view.y - at_y) / big
    cos, sin = torch.cos(tilt), torch.sin(tilt)
    px, py = (px * cos + py * sin) * torch.where(view.side < 0.5, -1.0, 1.0), py * cos - px * sin
    hull = torch.maximum(
        torch.maximum(-py - 0.03 - 0.12 * px * px, py - 0.2), px.abs() - 0.46 + 1.1 * py * py
    )
    main = torch.maximum(torch.maximum(0.015 - px, py + 0.08), px - 0.02 - 0.46 * (py + 0.95))
    jib = torch.maximum(torch.maximum(px + 0.015, py + 0.08), -px - 0.48 * (py + 0.8))
    dry = inside(view.y - line, view.height, softness=2.0) * boats

    mirror = torch.exp(-((px / 0.38) ** 2)) * torch.exp(-(((view.y - line) / 0.07) ** 2)) * (1 - dry)
    picture = mix(below, below * 0.6, 0.7 * boats * mirror)
    height = view.height
    cloth = view.tone("ambient")
    canvas = inside(torch.minimum(main, jib) * big, height, softness=1.4) * dry
    picture = mix(picture, cloth * (1.0 - 0.22 * torch.sign(-px).clamp(0) - 0.1 * px).unsqueeze(2), canvas)
    wood = torch.tensor([0.62, 0.2, 0.14], device=below.device)[:, None, None]
    return mix(picture, cloth * wood, inside(hull * big, height, softness=1.4) * dry)
