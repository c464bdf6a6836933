"""Attention in chunks equals dense; rotary embedding turns by differences; the chunk fits the memory."""

import subprocess
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pavdm_cli.models.attention import attention, auto_chunk, rotate, rotations, scores_bytes

AXES = (4, 6, 6)


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("chunk", (1, 3, 7, 12, 13, 50))
@pytest.mark.parametrize("bias", (None, (2, 1, 13, 11), (1, 3, 1, 11), (1, 1, 13, 1)))
def test_chunked_equals_dense(chunk: int, bias: tuple[int, ...] | None) -> None:
    q, k, v = drawn(2, 3, 13, 8), drawn(2, 3, 11, 8, seed=1), drawn(2, 3, 11, 8, seed=2)
    added = None if bias is None else drawn(*bias, seed=3)
    dense = attention(q, k, v, added)
    scores = q @ k.transpose(-1, -2) / 8**0.5 + (0 if added is None else added)
    torch.testing.assert_close(dense, scores.softmax(-1) @ v, atol=1e-12, rtol=0)
    torch.testing.assert_close(attention(q, k, v, added, chunk), dense, atol=1e-12, rtol=0)


@pytest.mark.parametrize("bias", (None, (2, 1, 13, 11)))
def test_bf16_products_are_attention_too(bias: tuple[int, ...] | None) -> None:
    """On the CPU bf16 takes a path of its own, and keeps to bf16's three digits."""
    q, k, v = drawn(2, 3, 13, 8), drawn(2, 3, 11, 8, seed=1), drawn(2, 3, 11, 8, seed=2)
    added = None if bias is None else drawn(*bias, seed=3)
    dense = attention(q, k, v, added)
    half = [t.bfloat16() for t in (q, k, v)]
    rounded = attention(*half, None if added is None else added.bfloat16())
    assert rounded.dtype is torch.bfloat16
    torch.testing.assert_close(rounded.double(), dense, atol=0.03, rtol=0)
    chunked = attention(*half, None if added is None else added.bfloat16(), 5)
    torch.testing.assert_close(chunked, rounded, atol=0.01, rtol=0)


def test_a_key_whose_bias_is_minus_infinity_is_not_seen() -> None:
    q, k, v = drawn(1, 1, 5, 8), drawn(1, 1, 4, 8, seed=1), drawn(1, 1, 4, 8, seed=2)
    bias = torch.zeros(1, 1, 5, 4, dtype=torch.float64)
    bias[..., 3] = -torch.inf
    for chunk in (None, 2):
        torch.testing.assert_close(attention(q, k, v, bias, chunk), attention(q, k[:, :, :3], v[:, :, :3]))


def test_rotating_keeps_lengths() -> None:
    x = drawn(3, 10, sum(AXES)).float()
    turned = rotate(x, *rotations(drawn(3, 10, 3, seed=1).float() * 20, AXES))
    torch.testing.assert_close(turned.norm(dim=-1), x.norm(dim=-1))
    assert (turned - x).abs().max() > 0.5


def test_products_of_rotated_vectors_depend_on_differences_alone() -> None:
    q, k = drawn(1, sum(AXES)).float(), drawn(1, sum(AXES), seed=1).float()
    here, there, moved = (
        torch.tensor([[3.0, 1, 2]]),
        torch.tensor([[1.0, 4, 0]]),
        torch.tensor([[7.0, -2, 5]]),
    )

    def product(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return (rotate(q, *rotations(a, AXES)) * rotate(k, *rotations(b, AXES))).sum()

    torch.testing.assert_close(product(here, there), product(here + moved, there + moved), atol=1e-5, rtol=0)
    for axis in range(3):
        other = there + torch.eye(3)[axis]
        assert (product(here, there) - product(here, other)).abs() > 1e-3


def test_no_turn_at_position_zero() -> None:
    x = drawn(2, sum(AXES)).float()
    assert torch.equal(rotate(x, *rotations(torch.zeros(2, 3), AXES)), x)


@given(
    queries=st.integers(1, 5000),
    keys=st.integers(1, 5000),
    heads=st.integers(1, 32),
    batch=st.integers(1, 8),
    itemsize=st.sampled_from((2, 4)),
    free=st.integers(0, 2**36),
)
def test_the_chosen_chunk_is_the_largest_that_fits_a_quarter(
    queries: int, keys: int, heads: int, batch: int, itemsize: int, free: int
) -> None:
    chunk = auto_chunk(queries, keys, heads, batch, itemsize, free)

    def fits(count: int) -> bool:
        return scores_bytes(count, keys, heads, batch, itemsize) <= free / 4

    if chunk is None:
        assert fits(queries) or queries == 1
    else:
        assert 1 <= chunk < queries
        assert fits(chunk) or chunk == 1
        assert not fits(chunk + 1)


GROWTH = """
import re, sys, torch
from pavdm_cli.models.attention import attention
def held(name):
    return int(re.search(name + r":\\s*(\\d+) kB", open("/proc/self/status").read())[1]) << 10
queries, keys, chunk = map(int, sys.argv[1:])
q, k, v = (torch.randn(1, 2, n, 32, dtype=torch.bfloat16) for n in (queries, keys, keys))
attention(q[:, :, :8], k, v)
before = held("VmRSS")
attention(q, k, v, None, chunk)
print(held("VmHWM") - before)
"""


@pytest.mark.parametrize("queries", (1024, pytest.param(50_000, marks=pytest.mark.slow)))
@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's figures")
def test_fifty_thousand_keys_take_no_more_than_foretold(queries: int) -> None:
    """The scores of one chunk, and the output; what all queries at once would take is 14 GB."""
    command = [sys.executable, "-c", GROWTH, str(queries), "50000", "256"]
    grown = int(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    output = queries * 2 * 32 * 2
    assert grown <= scores_bytes(256, 50_000, 2, 1, 2) + output
    assert grown > scores_bytes(256, 50_000, 2, 1, 2) / 6  # the measure sees the scores
