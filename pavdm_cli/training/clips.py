"""Clips to train on: scenes with captions, some of which change midway, drawn by number.

Clip n of a seed is always the same clip, so a pool of clips is known by the numbers in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pavdm_cli.training.worlds import FAMILIES
from pavdm_cli.training.worlds.scene import Scene, is_held_out

CHANGING = 0.18
"""Share of clips whose scene changes midway, so that a denoiser keeps listening to its text."""

DISSOLVE = 16
"""Frames a change takes."""

OTHER_SEED = 10**9
"""Seed of clips that no training draws."""

LATEST = 24 * 3600
"""Clips begin within the first hour of a scene, in frames."""


@dataclass(frozen=True)
class Clip:
    """A scene from a seed and a first frame, and what it changes into, if anything.

    change: the frame of the clip at the middle of the dissolve.
    """

    scene: Scene
    seed: int
    first: int
    caption: str
    after: Scene | None = None
    after_seed: int = 0
    after_caption: str = ""
    change: int = 0


def draw(
    seed: int,
    number: int,
    frames: int,
    families: Sequence[str] | None = None,
    changing: bool = True,
) -> Clip:
    """Draw clip `number` of a seed: any family, at any moment of its first hour.

    No scene has a pair of attribute values that is held out. Part of the clips change into something else, if
    `changing`.
    """
    rng = np.random.default_rng([seed, number, 0])
    names = list(families or FAMILIES)
    scene = _scene(rng, names)
    clip = Clip(scene, _seed(rng), int(rng.integers(LATEST)), scene.caption(rng))
    if rng.random() >= CHANGING or not changing:
        return clip
    if rng.random() < 0.6:
        after, after_seed = _changed(rng, scene), clip.seed
    else:
        after, after_seed = _scene(rng, names), _seed(rng)
    change = int(rng.integers(frames // 6, frames - frames // 6)) if frames >= 6 else frames // 2
    return Clip(
        clip.scene, clip.seed, clip.first, clip.caption, after, after_seed, after.caption(rng), change
    )


def shares(clip: Clip, latents: int, frames_per_latent: int) -> tuple[int, ...]:
    """Tell which caption each latent is shown with: 0 before the change, 1 from its middle on."""
    middle = [(k + 0.5) * frames_per_latent for k in range(latents)]
    return tuple(int(clip.after is not None and m >= clip.change) for m in middle)


def render(clips: Sequence[Clip], frames: int, size: tuple[int, int], device: torch.device) -> Tensor:
    """Draw clips, (B, frames, 3, H, W) uint8; scenes of one family are drawn together."""
    out = torch.empty(len(clips), frames, 3, *size, dtype=torch.uint8, device=device)
    _paint(out, [(i, c.scene, c.seed) for i, c in enumerate(clips)], clips, None)
    changing = [(i, c.after, c.after_seed) for i, c in enumerate(clips) if c.after is not None]
    moments = torch.arange(frames, device=device)
    middles = torch.tensor([c.change for c in clips], device=device)
    share = ((moments - middles[:, None]) / DISSOLVE + 0.5).clamp(0, 1)
    _paint(out, changing, clips, share)
    return out


def _paint(
    out: Tensor, items: Sequence[tuple[int, Scene, int]], clips: Sequence[Clip], share: Tensor | None
) -> None:
    """Draw scenes into their places in `out`, laid over what is there by `share` (B, frames) if given."""
    by_family: dict[type[Scene], list[tuple[int, Scene, int]]] = {}
    for item in items:
        by_family.setdefault(type(item[1]), []).append(item)
    moments = torch.arange(out.shape[1], device=out.device, dtype=torch.float64)
    for family, group in by_family.items():
        places = [i for i, _, _ in group]
        first = torch.tensor([clips[i].first for i in places], device=out.device, dtype=torch.float64)
        picture = family.render(
            [s for _, s, _ in group],
            [seed for _, _, seed in group],
            first[:, None] + moments,
            (out.shape[3], out.shape[4]),
        )
        if share is not None:
            over = share[places][:, :, None, None, None]
            picture = picture * over + out[places].float() / 255 * (1 - over)
        out[places] = (picture * 255 + 0.5).clamp(0, 255).to(torch.uint8)


def _scene(rng: np.random.Generator, names: Sequence[str]) -> Scene:
    family = names[int(rng.integers(len(names)))]
    while True:
        scene = FAMILIES[family].draw(rng)
        if not is_held_out(scene):
            return scene


def _changed(rng: np.random.Generator, scene: Scene) -> Scene:
    while True:
        after = scene.change(rng)
        if not is_held_out(after):
            return after


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**31 - 1))
