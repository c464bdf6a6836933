"""The denoiser: each latent its own text, level and place; every shortcut equals the plain way."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pavdm_cli.models.denoiser import Conditions, Denoiser, DenoiserConfig

CONFIG = DenoiserConfig(
    channels=3, size=(4, 6), patch=2, width=32, depth=4, heads=2, mlp=64, text_width=8, cross_every=2, span=8
)
LATENTS = 5


@pytest.fixture(scope="module")
def denoiser() -> Denoiser:
    """A denoiser whose every part has an effect."""
    torch.manual_seed(0)
    made = Denoiser(CONFIG)
    for values in made.parameters():
        if not values.any():
            nn.init.normal_(values, std=0.2)
    return made.double().eval().requires_grad_(False)


def drawn(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def window(batch: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    """Return latents, levels and positions."""
    levels = torch.linspace(0, 1, LATENTS).repeat(batch, 1)
    return drawn(batch, LATENTS, 3, 4, 6, seed=1), levels, torch.arange(LATENTS).float().repeat(batch, 1)


def words(batch: int = 2, texts: int = 2, length: int = 7) -> Conditions:
    """Return texts of different lengths, the first for the first two latents."""
    sizes = torch.arange(batch * texts).view(batch, texts, 1) % 4 + 2
    second = (torch.arange(LATENTS) >= 2).long() * (texts - 1)
    return Conditions(
        tokens=drawn(batch, texts, length, 8, seed=2),
        mask=torch.arange(length) < sizes,
        pooled=F.normalize(drawn(batch, texts, 8, seed=3), dim=-1),
        weight=F.one_hot(second, texts).double().repeat(batch, 1, 1),
    )


def only(conditions: Conditions, text: int) -> Conditions:
    """Keep one text, for every latent."""
    part = slice(text, text + 1)
    weight = torch.ones_like(conditions.weight[:, :, :1])
    return Conditions(
        conditions.tokens[:, part], conditions.mask[:, part], conditions.pooled[:, part], weight
    )


def close(a: Tensor, b: Tensor, atol: float = 1e-9) -> None:
    torch.testing.assert_close(a, b, atol=atol, rtol=0)


def test_a_new_network_predicts_no_velocity() -> None:
    x, levels, positions = window()
    conditions = words()
    plain = Conditions(
        conditions.tokens.float(), conditions.mask, conditions.pooled.float(), conditions.weight.float()
    )
    out = Denoiser(CONFIG)(x.float(), levels, positions, plain)
    assert out.shape == x.shape and not out.any()


def test_latents_levels_positions_and_text_all_matter(denoiser: Denoiser) -> None:
    x, levels, positions = window()
    out = denoiser(x, levels, positions, words())
    assert out.shape == x.shape
    others = (
        denoiser(x.flip(1), levels, positions, words()).flip(1),
        denoiser(x, levels * 0.9, positions, words()),
        denoiser(x, levels, positions * 2, words()),
        denoiser(x, levels, positions, replace(words(), tokens=words().tokens.flip(-1))),
        denoiser(x, levels, positions, replace(words(), pooled=words().pooled.flip(-1))),
    )
    for other in others:
        assert (other - out).abs().amax() > 1e-4


@pytest.mark.parametrize("text", (0, 1))
def test_all_weight_on_one_text_equals_giving_that_one_alone(denoiser: Denoiser, text: int) -> None:
    both = words()
    weight = F.one_hot(torch.full((2, LATENTS), text), 2).double()
    close(denoiser(*window(), replace(both, weight=weight)), denoiser(*window(), only(both, text)))


def test_each_latent_takes_its_own_text(denoiser: Denoiser) -> None:
    """Apart, so that latents do not pass on what they read."""
    both = denoiser(*window(), words(), True)
    first, second = (denoiser(*window(), only(words(), text), True) for text in (0, 1))
    close(both[:, :2], first[:, :2])
    close(both[:, 2:], second[:, 2:])
    assert (first - second).abs().amax() > 1e-4


def test_shared_weight_lies_between_the_texts(denoiser: Denoiser) -> None:
    c, half = words(), torch.full((2, LATENTS, 2), 0.5, dtype=torch.float64)
    tokens, mask, pooled = (t[:, :1].repeat_interleave(2, dim=1) for t in (c.tokens, c.mask, c.pooled))
    close(denoiser(*window(), Conditions(tokens, mask, pooled, half)), denoiser(*window(), only(c, 0)))
    shared = denoiser(*window(), replace(c, weight=half))
    for text in (0, 1):
        assert (shared - denoiser(*window(), only(c, text))).abs().amax() > 1e-4


def test_padding_changes_nothing(denoiser: Denoiser) -> None:
    short, long = words(length=7), words(length=7)
    tokens = torch.cat((long.tokens, drawn(2, 2, 5, 8, seed=9) * 100), dim=2)
    long = replace(long, tokens=tokens, mask=F.pad(long.mask, (0, 5)))
    close(denoiser(*window(), short), denoiser(*window(), long))


def test_apart_equals_each_latent_alone(denoiser: Denoiser) -> None:
    x, levels, positions = window()
    conditions = words()
    together = denoiser(x, levels, positions, conditions, True)
    for k in range(LATENTS):
        part = slice(k, k + 1)
        alone = replace(conditions, weight=conditions.weight[:, part])
        close(together[:, part], denoiser(x[:, part], levels[:, part], positions[:, part], alone))
    assert (together - denoiser(x, levels, positions, conditions)).abs().amax() > 1e-4


def test_only_differences_of_positions_matter(denoiser: Denoiser) -> None:
    x, levels, positions = window()
    out = denoiser(x, levels, positions, words())
    close(out, denoiser(x, levels, positions + 40, words()), atol=1e-4)  # angles are float32


@pytest.mark.parametrize("chunk", (1, 7, 29, 1000))
def test_chunked_attention_equals_dense(denoiser: Denoiser, chunk: int) -> None:
    dense = denoiser(*window(), words())
    denoiser.set_attention_chunk(chunk)
    try:
        chunked = denoiser(*window(), words())
    finally:
        denoiser.set_attention_chunk(None)
    close(chunked, dense)


def test_batched_equals_single(denoiser: Denoiser) -> None:
    x, levels, positions = window()
    c = words()
    together = denoiser(x, levels, positions, c)
    for i in range(2):
        p = slice(i, i + 1)
        alone = Conditions(c.tokens[p], c.mask[p], c.pooled[p], c.weight[p])
        close(together[p], denoiser(x[p], levels[p], positions[p], alone))
