"""Memory: every way to read with every compression; nothing remembered equals no memory; streamed, batched
and uncompressed equal whole, single and raw."""

from dataclasses import asdict, replace
from itertools import product

import pytest
import torch
from torch import Tensor, nn

from pavdm_cli.errors import ConfigError
from pavdm_cli.models import config as configs
from pavdm_cli.models.denoiser import Denoiser, DenoiserConfig
from pavdm_cli.models.memory import Channel, Cross, Joint, MemoryConfig, Modulated, Past, Prepend, Recent

WINDOW, LENGTH, ACTIONS = 3, 5, 4
PLAIN = DenoiserConfig(
    channels=3, size=(1, 4), patch=1, width=32, depth=3, heads=2, mlp=48, text_width=0, cross_every=1,
    span=16, actions=ACTIONS,
)  # fmt: skip
READINGS = (Prepend(), Channel(width=6), Cross())
COMPRESSIONS = (None, Joint(3, layers=1), Modulated(3, layers=2))
PAIRS = list(product(READINGS, COMPRESSIONS))


def made(memory: MemoryConfig | None, stir: str = "") -> Denoiser:
    """Return a denoiser whose every part named has an effect; the same weights where the names are."""
    network = Denoiser(replace(PLAIN, memory=memory))
    for name, values in network.named_parameters():
        generator = torch.Generator().manual_seed(sum(map(ord, name)))
        if stir in name or not name.startswith("memory.layers"):
            nn.init.normal_(values, std=0.2, generator=generator)
    return network.double().eval().requires_grad_(False)


def drawn(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def films(batch: int = 2) -> tuple[Tensor, Tensor]:
    """Return latents (B, LENGTH + WINDOW, ...) and actions."""
    frames = LENGTH + WINDOW
    return drawn(batch, frames, 3, 1, 4, seed=1), drawn(batch, frames, ACTIONS, seed=2)


def past(count: int = LENGTH, batch: int = 2, missing: int = 0) -> Past:
    latents, actions = (values[:, LENGTH - count : LENGTH] for values in films(batch))
    there = torch.arange(count).expand(batch, -1) >= missing
    return Past(latents, torch.arange(-count, 0).float().expand(batch, -1), there, actions)


def run(network: Denoiser, given: Past | None, batch: int = 2) -> Tensor:
    latents, actions = (values[:, LENGTH:] for values in films(batch))
    levels = torch.linspace(0.2, 1, WINDOW).repeat(batch, 1)
    positions = torch.arange(WINDOW).float().repeat(batch, 1)
    out: Tensor = network(latents, levels, positions, None, actions=actions, past=given)
    return out


def close(a: Tensor, b: Tensor) -> None:
    torch.testing.assert_close(a, b, atol=1e-9, rtol=0)


@pytest.mark.parametrize(("reading", "compression"), PAIRS)
def test_every_pair_reads_what_was(reading: Channel, compression: Joint) -> None:
    """All of it matters: each latent that is kept, its action, and how long ago it was."""
    network = made(MemoryConfig(LENGTH, reading, compression))
    plain, full = run(network, None), past()
    out = run(network, full)
    assert out.shape == plain.shape and (out - plain).abs().amax() > 1e-4
    assert full.actions is not None
    last = torch.zeros(1, LENGTH, 1, 1, 1, dtype=torch.float64)
    last[:, -1] = 1
    others = [
        replace(full, latents=full.latents + last),
        replace(full, latents=full.latents.flip(1)),
        replace(full, actions=full.actions + last[..., 0, 0]),
    ]
    if not isinstance(reading, Channel):
        others.append(replace(full, positions=full.positions * 2))
    for other in others:
        assert (run(network, other) - out).abs().amax() > 1e-5


@pytest.mark.parametrize(("reading", "compression"), PAIRS)
def test_nothing_remembered_equals_no_memory(reading: Channel, compression: Joint) -> None:
    network = made(MemoryConfig(LENGTH, reading, compression))
    without = run(made(None), None)
    close(run(network, None), without)
    close(run(network, past(0)), without)
    close(run(network, past(missing=LENGTH)), without)


@pytest.mark.parametrize(("reading", "compression"), PAIRS)
def test_what_is_missing_has_no_effect(reading: Channel, compression: Joint) -> None:
    network = made(MemoryConfig(LENGTH, reading, compression))
    some = past(missing=2)
    spoilt = replace(some, latents=torch.where(some.there[..., None, None, None], some.latents, 1e3))
    close(run(network, spoilt), run(network, some))
    close(run(network, past(LENGTH - 2)), run(network, some))
    assert (run(network, some) - run(network, past())).abs().amax() > 1e-5


@pytest.mark.parametrize(("reading", "compression"), PAIRS)
def test_streamed_equals_whole(reading: Channel, compression: Joint) -> None:
    network = made(MemoryConfig(LENGTH, reading, compression))
    latents, actions = films()
    recent = Recent(LENGTH)
    older = drawn(2, 4, 3, 1, 4, seed=9).unbind(1)
    for k, latent in enumerate((*older, *latents[:, :LENGTH].unbind(1))):
        recent.add(k, latent)
    first = LENGTH + len(older)
    asked: list[int] = []

    def done(indices: list[int]) -> Tensor:
        asked.extend(indices)
        return actions[:, : len(indices)]

    close(run(network, recent.past(first, done)), run(network, past()))  # type: ignore[arg-type]
    assert asked == list(range(first - LENGTH, first))


def test_the_stream_gives_what_there_is() -> None:
    recent = Recent(2)
    assert recent.past(0) is None
    recent.add(0, drawn(1, 3, 1, 4, seed=1))
    there = recent.past(1)
    assert there is not None and there.positions.tolist() == [[-1.0]] and there.actions is None
    recent.add(1, drawn(1, 3, 1, 4, seed=2))
    recent.add(2, drawn(1, 3, 1, 4, seed=3))
    there = recent.past(3)
    assert there is not None and there.positions.tolist() == [[-2.0, -1.0]]


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("compress", (Joint, Modulated))
def test_as_many_slots_as_latents_and_new_layers_equal_raw(reading: Channel, compress: type[Joint]) -> None:
    """New layers change nothing, so their slots are what they were given."""
    raw = made(MemoryConfig(LENGTH, reading))
    same = Denoiser(replace(PLAIN, memory=MemoryConfig(LENGTH, reading, compress(LENGTH)))).double().eval()
    own = {name: value for name, value in same.state_dict().items() if name.startswith("memory.layers")}
    assert own
    same.load_state_dict(raw.state_dict() | own)
    close(run(same, past()), run(raw, past()))
    stirred = made(MemoryConfig(LENGTH, reading, compress(LENGTH)), "memory.layers")
    assert (run(stirred, past()) - run(raw, past())).abs().amax() > 1e-5


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("compress", (Joint, Modulated))
def test_layers_bring_old_latents_into_the_slots(reading: Channel, compress: type[Joint]) -> None:
    network = made(MemoryConfig(LENGTH, reading, compress(2)))
    changed = past()
    latents = changed.latents.clone()
    latents[:, 0] += 1  # not among the last two
    assert (run(network, replace(changed, latents=latents)) - run(network, changed)).abs().amax() > 1e-7


@pytest.mark.parametrize(("reading", "compression"), PAIRS)
def test_batched_equals_single(reading: Channel, compression: Joint) -> None:
    network = made(MemoryConfig(LENGTH, reading, compression))
    given = past(missing=1)
    there = given.there.clone()
    there[0] = False  # one film has begun, the other not
    given = replace(given, there=there)
    together = run(network, given)
    latents, actions = films()
    levels, positions = torch.linspace(0.2, 1, WINDOW)[None], torch.arange(WINDOW).float()[None]
    for i in range(2):
        p = slice(i, i + 1)
        assert given.actions is not None
        own = Past(given.latents[p], given.positions[p], given.there[p], given.actions[p])
        x, done = latents[p, LENGTH:], actions[p, LENGTH:]
        close(together[p], network(x, levels, positions, None, actions=done, past=own))


@pytest.mark.parametrize(("reading", "compression"), PAIRS)
def test_a_memory_is_part_of_the_configuration(
    reading: Channel, compression: Joint, tmp_path: object
) -> None:
    config = replace(PLAIN, memory=MemoryConfig(LENGTH, reading, compression))
    assert configs.parse(DenoiserConfig, asdict(config) | {"size": [1, 4]}) == config


def test_wrong_memories_are_refused() -> None:
    with pytest.raises(ConfigError, match="6 slots for a memory of 5"):
        MemoryConfig(5, Prepend(), Joint(6))
    found = asdict(PLAIN) | {"size": [1, 4], "memory": {"length": 5, "reading": {"kind": "hope"}}}
    with pytest.raises(ConfigError, match=r"memory.reading.kind is 'hope'; choose from 'prepend'"):
        configs.parse(DenoiserConfig, found)
    with pytest.raises(ConfigError, match=r"reading\.kind is None; choose from 'prepend'"):
        configs.parse(MemoryConfig, {"length": 5, "reading": None})
    found = {"length": 5, "reading": {"kind": "prepend"}, "compression": None}
    assert configs.parse(MemoryConfig, found) == MemoryConfig(5, Prepend())
    with pytest.raises(ConfigError, match="text_width 8: a denoiser with a memory reads no texts"):
        replace(PLAIN, text_width=8, memory=MemoryConfig(5, Prepend()))
