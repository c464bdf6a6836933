"""What only a CUDA device can show: half precision is close to full, chunked attention equals dense."""

from pathlib import Path

import numpy as np
import pytest
import torch

from pavdm_cli.models import library
from pavdm_cli.models.device import place
from pavdm_cli.models.pipeline import Fit, load
from pavdm_cli.runs.request import Request
from pavdm_cli.runs.stream import Chunk, stream

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device"),
]


def first_chunk(model: str, dtype: str, attention_chunk: int | None = None) -> Chunk:
    """Return the first latent of a video made on CUDA, and its frames."""
    pipeline = load(model, place("cuda", dtype), Fit(attention_chunk=attention_chunk))  # type: ignore[arg-type]
    config = pipeline.config
    prompt = config.knows[0].prompt
    request = Request((prompt,), (1,), 24, "progressive", config.sampling, config.guidance)
    return next(stream(pipeline, request))


def psnr(one: Chunk, other: Chunk) -> float:
    error = np.square(one.frames.astype(float) - other.frames.astype(float)).mean()
    return float(10 * np.log10(255**2 / max(error, 1e-12)))


def test_half_precision_is_close_to_full() -> None:
    full, half = (first_chunk(library.DEFAULT, dtype) for dtype in ("fp32", "fp16"))
    assert full.frames.std() > 5
    assert psnr(full, half) >= 40


def test_chunked_attention_is_dense_attention(tiny_model: Path) -> None:
    """Another kernel may round differently, and no more."""
    dense, chunked = (first_chunk(str(tiny_model), "fp32", chunk) for chunk in (None, 5))
    torch.testing.assert_close(chunked.latent, dense.latent, atol=1e-3, rtol=0)
