"""The model as the loop sees it: texts bound to latents, and classifier-free guidance (arXiv 2207.12598)."""

from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from pavdm_cli.models.denoiser import Conditions
from pavdm_cli.models.pipeline import Pipeline
from pavdm_cli.models.text import Text
from pavdm_cli.runs.request import Request
from pavdm_cli.runs.timeline import weights
from pavdm_cli.sampling.schedule import Step


class Guided:
    """A pipeline and a request as the velocity of latents at a step.

    mends: whether a lack of memory is mended by attending to fewer queries at a time. smaller: how many
    that came to, None while it was not needed.
    """

    def __init__(
        self, pipeline: Pipeline, request: Request, *, mends: bool = False, smaller: int | None = None
    ) -> None:
        self._pipeline, self._request = pipeline, request
        self._mends, self.smaller = mends and smaller is None, smaller
        texts = [*request.prompts, *(cue.text for cue in request.cues)]
        said = [taken.caption or text for text, taken in zip(texts, pipeline.read(texts), strict=True)]
        self.text = pipeline.encode_text([*said, request.negative])
        self._where = {text: i for i, text in reversed(list(enumerate(texts)))}

    def __call__(self, latents: Tensor, step: Step) -> Tensor:
        """Return the guided velocity of latents (B, T, C, H, W)."""
        guidance = self._request.guidance
        words = self._words(step)
        if guidance == 1:
            return self._velocity(latents, step, words)
        both = self._velocity(torch.cat((latents, latents)), step, self._beside(words))
        towards, away = both.chunk(2)
        return away + guidance * (towards - away)

    def _velocity(self, latents: Tensor, step: Step, words: Conditions) -> Tensor:
        """Call the model; where the device lacks memory, perhaps again with half the chunk of attention."""
        call = partial(self._pipeline.velocity, latents, step, words)
        try:
            return call()
        except torch.OutOfMemoryError:
            if self._mends:
                self.smaller = self._pipeline.halve_attention(len(step.latents))
            if not self._mends or self.smaller is None:
                raise
            self._mends = False
        return call()  # outside, where what the failed call held is free

    def _words(self, step: Step) -> Conditions:
        """Return the texts that the latents of a step take anything of, and how much each takes."""
        request, fps = self._request, self._pipeline.config.fps
        first = self._pipeline.config.timing.first
        times = [(request.shift + (first(k) + first(k + 1)) / 2) / fps for k in step.latents]
        shares = np.array([weights(request.cues, request.blend, time) for time in times], np.float32)
        active = np.flatnonzero(shares.any(axis=0))
        cues = [cue.text for cue in request.cues]
        rows = [[self._where[[prompt, *cues][i]] for i in active] for prompt in request.prompts]
        chosen = self._bound(torch.tensor(rows))
        share = torch.from_numpy(shares[:, active]).to(chosen.weight.device)
        return replace(chosen, weight=share.expand(len(rows), -1, -1))

    def _beside(self, words: Conditions) -> Conditions:
        """Put videos that see the negative text alone beside the videos themselves."""
        count, texts = words.mask.shape[:2]
        away = self._bound(torch.full((count, texts), len(self.text.mask) - 1))
        alone = torch.zeros_like(words.weight)
        alone[..., 0] = 1
        return Conditions(
            torch.cat((words.tokens, away.tokens)),
            torch.cat((words.mask, away.mask)),
            torch.cat((words.pooled, away.pooled)),
            torch.cat((words.weight, alone)),
        )

    def _bound(self, rows: Tensor) -> Conditions:
        """Return the texts with these numbers, (B, K), on the model's device; weights are still empty."""
        text: Text = self.text
        device = self._pipeline.place.device
        tokens, mask, pooled = (part[rows].to(device) for part in (text.tokens, text.mask, text.pooled))
        return Conditions(tokens, mask, pooled, torch.empty(0, device=device))
