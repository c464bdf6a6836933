"""What a video VAE's frames lack of steadiness, mended: they shimmer within a latent and pulse with each.

Frames are (B, 4*T, 3, H, W), in [-1, 1], four to a latent.
"""

from itertools import combinations

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from pavdm_cli.models.library import FRAMES_PER_LATENT

STILL = 0.014
"""Difference of two frames, of the range from -1 to 1, up to which a place is rather still and decoded with
errors than moving."""
MENDED = 0.75
"""Share of a small jump from one latent's frames to the next's that is taken off."""
SMALL = 0.1
"""Jump, of the range from -1 to 1, of which half as much is taken off: larger ones are motion."""
FADING = (1.0, 2 / 3, 1 / 3, 0.0)
"""How much of what is taken off the first frame of a latent is taken off each of its frames."""


def stilled(frames: Tensor) -> Tensor:
    """Average each place of a latent's four frames, (B, 4*T, 3, H, W), over those that are alike there.

    A latent is decoded with errors that differ between its frames, so that a still picture would shimmer. It
    is the bilateral filter (Tomasi and Manduchi 1998) over time, the likeness taken over 3x3 pixels.
    """
    four = rearrange(frames, "b (t f) c h w -> f (b t) c h w", f=FRAMES_PER_LATENT)
    sums, shares = list(four), [torch.ones_like(four[0, :, :1]) for _ in four]
    for i, j in combinations(range(FRAMES_PER_LATENT), 2):
        apart = (four[i] - four[j]).square().mean(1, keepdim=True)
        differ = F.avg_pool2d(apart, 3, 1, 1, count_include_pad=False) / (2 * STILL**2)
        alike = torch.exp(-differ.clamp_max(60))  # less would be denormal numbers, which are slow
        for to, other in ((i, j), (j, i)):
            sums[to] = sums[to] + alike * four[other]
            shares[to] = shares[to] + alike
    mean = torch.stack([total / share for total, share in zip(sums, shares, strict=True)])
    return rearrange(mean, "f (b t) c h w -> b (t f) c h w", b=len(frames))


def mended(frames: Tensor, before: Tensor | None) -> Tensor:
    """Take most of each small jump off where a latent's frames (B, 4*T, 3, H, W) follow the one's before.

    A latent is decoded with errors of its own, alike in its four frames, so that a still picture would pulse
    with every latent. A jump is how far its first frame is from going on as the two frames before it did.
    """
    four = rearrange(frames, "b (t f) c h w -> b t f c h w", f=FRAMES_PER_LATENT)
    last = four[:, :, -2:]
    first = four[:, :1, :1].expand(-1, -1, 2, -1, -1, -1) if before is None else before[:, None]
    last = torch.cat((first, last[:, :-1]), dim=1)
    jump = 2 * last[:, :, 1] - last[:, :, 0] - four[:, :, 0]
    off = MENDED * jump / (1 + jump.square().mean(dim=2, keepdim=True) / SMALL**2)
    fading = torch.tensor(FADING, dtype=frames.dtype, device=frames.device)[:, None, None, None]
    return rearrange(four + off[:, :, None] * fading, "b t f c h w -> b (t f) c h w")
