"""The one loop: carry latents from noise to clean, as a schedule says.

Shapes are (B, T, C, H, W): videos side by side, latents in time, channels, height, width.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from pavdm_cli.sampling.noise import Noise, moved, noised
from pavdm_cli.sampling.schedule import Step

Velocity = Callable[[Tensor, Step], Tensor]
"""A model: latents (B, T, C, H, W) shown as a step says -> velocity = noise - clean, of the same shape."""


@dataclass
class Window:
    """What the loop holds between calls: everything needed to go on.

    latents: (B, C, H, W) float32 by index. level: the noise each has; 0 is finished or given. row: calls
    made.
    """

    latents: dict[int, Tensor] = field(default_factory=dict)
    level: dict[int, float] = field(default_factory=dict)
    row: int = 0

    @classmethod
    def given(cls, clean: dict[int, Tensor]) -> "Window":
        """Start from clean latents that are there already."""
        return cls(dict(clean), dict.fromkeys(clean, 0.0))

    def copy(self) -> "Window":
        """Return it as it is now; the loop goes on in this one and changes no latent in place."""
        return Window(dict(self.latents), dict(self.level), self.row)


@torch.no_grad()
def denoise(
    velocity: Velocity,
    steps: Iterable[Step],
    noise: Noise,
    *,
    window: Window | None = None,
    device: torch.device | str = "cpu",
) -> Iterator[tuple[int, Tensor]]:
    """Yield (index, latent) for each latent as it becomes clean, in order; latents are (B, C, H, W).

    Latents whose next level differs from their level are moved: down by an Euler step, or, above the step's
    `renoise_above`, down or up by "predict clean, then noise anew". A finished or given latent shown above
    level 0 is noised from its clean value and stays as it is. A given latent that a step moves starts from
    its clean value noised to its level. `window` is changed in place and is complete whenever a latent is
    yielded.
    """
    window = Window() if window is None else window
    for step in steps:
        shown = [_show(window, noise, k, now, to, device) for k, now, to in _each(step)]
        speed = velocity(torch.stack(shown, dim=1), step)
        finished = []
        for i, (k, now, to) in enumerate(_each(step)):
            if to != now:
                fresh = noise(k, window.row + 1).to(device) if to > step.renoise_above else None
                window.latents[k] = _move(shown[i], speed[:, i], now, to, fresh, k)
                window.level[k] = to
                finished += [k] if to == 0 else []
        window.row += 1
        needed = set(step.latents)
        for k in [k for k in window.latents if k < step.keep and k not in needed]:
            del window.latents[k], window.level[k]
        for k in finished:
            yield k, window.latents[k]


def _each(step: Step) -> Iterator[tuple[int, float, float]]:
    return zip(step.latents, step.level, step.next, strict=True)


def _show(window: Window, noise: Noise, k: int, now: float, to: float, device: torch.device | str) -> Tensor:
    """Return latent k as the step shows it."""
    if k not in window.latents:
        assert now == 1, f"latent {k} is first seen at level {now} and no clean latent was given"
        return noise(k).to(device)
    has = window.level[k]
    if has == 0 and now > 0:
        use = 0 if to != now else window.row + 1
        return noised(window.latents[k], noise(k, use).to(device), now)
    assert has == now, f"latent {k} has level {has} and the step shows it at {now}"
    return window.latents[k]


def _move(x: Tensor, velocity: Tensor, now: float, to: float, fresh: Tensor | None, k: int) -> Tensor:
    """Change one latent's level, by an Euler step or by noising its predicted clean value anew."""
    velocity = velocity.to(x.dtype)
    if fresh is not None:
        return noised(moved(x, velocity, now, 0.0), fresh, to)
    assert to < now, f"latent {k} goes from level {now} up to {to} by an Euler step"
    return moved(x, velocity, now, to)
