"""The scorecard's prompts: two of every family with the facts each says, half with held-out pairs.

A paraphrase says its facts in words that no caption of training uses.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from pavdm_cli.errors import ConfigError
from pavdm_cli.training.worlds import FAMILIES
from pavdm_cli.training.worlds.scene import Scene, is_held_out

TRIES = 10_000
"""Scenes drawn in search of one with the facts of a prompt; a miss means that there is none."""


@dataclass(frozen=True)
class Asked:
    """A prompt, the family of scenes it means, the facts it says, and whether they hold a pair that training
    never saw."""

    prompt: str
    family: str
    facts: Mapping[str, str] = field(hash=False)
    held_out: bool = False
    paraphrase: bool = False

    def scene(self, rng: np.random.Generator) -> Scene:
        """Draw a scene with these facts; what the prompt does not say is drawn, and holds no pair kept out
        unless the prompt does.

        Raises:
            ConfigError: no scene has these facts.
        """
        for _ in range(TRIES):
            scene = FAMILIES[self.family].draw(rng).having(self.facts)
            if is_held_out(scene) == self.held_out:
                return scene
        raise ConfigError(f"prompt {self.prompt!r}: no scene of {self.family} has {dict(self.facts)}")


PROMPTS = (
    Asked(
        "a red ball bouncing on a blue background",
        "shapes",
        {"objects": "red ball", "motion": "bouncing", "background": "blue"},
    ),
    Asked(
        "a cyan star and a yellow ball orbiting on a black background",
        "shapes",
        {"objects": "cyan star + yellow ball", "motion": "orbiting", "background": "black"},
        held_out=True,
    ),
    Asked(
        "a lone yacht bobs on a gentle swell beneath puffy clouds while the sun goes down",
        "sea",
        {"boat": "sailboat", "weather": "cloudy", "time": "sunset"},
        paraphrase=True,
    ),
    Asked(
        "the empty sea at dawn in a storm",
        "sea",
        {"boat": "none", "weather": "stormy", "time": "dawn"},
        held_out=True,
    ),
    Asked(
        "snowy mountains at night, the camera gliding to the left",
        "hills",
        {"land": "mountains", "time": "night", "camera": "left"},
    ),
    Asked(
        "desert dunes at sunset, the camera gliding to the right",
        "hills",
        {"land": "dunes", "time": "sunset", "camera": "right"},
        held_out=True,
    ),
    Asked(
        "cruising without hurry along an avenue of glowing yellowish windows after midnight, no rain",
        "city",
        {"light": "warm", "weather": "dry", "speed": "slow"},
        paraphrase=True,
    ),
    Asked(
        "a fast drive through a city at night with pink lights in the rain",
        "city",
        {"light": "pink", "weather": "rain", "speed": "fast"},
        held_out=True,
    ),
    Asked(
        "a red and white striped lighthouse at sunset under a clear sky",
        "lighthouse",
        {"paint": "striped", "time": "sunset", "weather": "clear"},
    ),
    Asked(
        "a pale beacon tower above the shore, swallowed by haze at midnight",
        "lighthouse",
        {"paint": "white", "time": "night", "weather": "foggy"},
        paraphrase=True,
    ),
    Asked(
        "a striped green hot-air balloon drifting to the left at dawn",
        "balloons",
        {"colour": "green", "pattern": "striped", "time": "dawn", "drift": "left"},
    ),
    Asked(
        "a plain red balloon floating to the right over a valley by day",
        "balloons",
        {"colour": "red", "pattern": "plain", "time": "day", "drift": "right"},
        held_out=True,
    ),
    Asked(
        "a spaceship soars onward past a lilac cosmic veil and a giant world with rings",
        "stars",
        {"nebula": "purple", "planet": "ringed planet", "direction": "forward"},
        paraphrase=True,
    ),
    Asked(
        "flying backward through the stars, with a green nebula and a grey moon",
        "stars",
        {"nebula": "green", "planet": "grey moon", "direction": "backward"},
        held_out=True,
    ),
    Asked(
        "green pines in the rain at night",
        "pines",
        {"trees": "green", "weather": "rain", "time": "night"},
        held_out=True,
    ),
    Asked(
        "spruces laden white while flakes whirl in the last glow of evening",
        "pines",
        {"trees": "snowy", "weather": "snow", "time": "sunset"},
        held_out=True,
        paraphrase=True,
    ),
    Asked(
        "several red fireworks at once over a city",
        "fireworks",
        {"colour": "red", "number": "several", "place": "city"},
    ),
    Asked(
        "an enormous emerald rocket blooms, then the next, each with its twin on the lake",
        "fireworks",
        {"colour": "green", "number": "one", "place": "lake"},
        held_out=True,
        paraphrase=True,
    ),
    Asked(
        "one orange fish swimming to the left in green water",
        "aquarium",
        {"colour": "orange", "number": "one", "direction": "left", "water": "green"},
    ),
    Asked(
        "three red fish swimming to the right in blue water",
        "aquarium",
        {"colour": "red", "number": "three", "direction": "right", "water": "blue"},
        held_out=True,
    ),
    Asked(
        "a campfire with orange flames on a beach at dusk",
        "campfire",
        {"flame": "orange", "place": "beach", "sky": "dusk"},
    ),
    Asked(
        "an eerie green blaze between the trunks while the full moon shines",
        "campfire",
        {"flame": "green", "place": "forest", "sky": "moonlit"},
        held_out=True,
        paraphrase=True,
    ),
    Asked(
        "striding onward through a cobalt passage, checkerboard underfoot, sconces aglow",
        "corridor",
        {"walls": "blue", "floor": "tiles", "decor": "lamps", "direction": "forward"},
        paraphrase=True,
    ),
    Asked(
        "walking backward down a green corridor with a wooden floor and windows",
        "corridor",
        {"walls": "green", "floor": "wood", "decor": "windows", "direction": "backward"},
        held_out=True,
    ),
)
