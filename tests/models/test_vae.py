"""The video VAE: streamed equals whole, a finite reach, nothing gathered over time."""

import pytest
import torch
from torch import Tensor, nn

from pavdm_cli.models.steady import mended, stilled
from pavdm_cli.models.vae import FRAMES_PER_LATENT, Vae, VaeConfig

COUNT = 6


@pytest.fixture(scope="module")
def vae() -> Vae:
    """A VAE in float64 whose every part has an effect, with statistics that are not trivial."""
    torch.manual_seed(0)
    made = Vae(VaeConfig(channels=4, encoder=(16, 16, 32), decoder=(16, 16, 32)))
    for values in made.parameters():
        if not values.any():
            nn.init.normal_(values, std=0.1)
    made.mean.copy_(torch.randn(4))
    made.deviation.copy_(torch.rand(4) + 0.5)
    return made.double().eval().requires_grad_(False)


def latents(seed: int = 1, batch: int = 2) -> Tensor:
    return torch.randn(
        batch, COUNT, 4, 2, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    )


def frames(seed: int = 1, batch: int = 2) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (
        torch.rand(batch, COUNT * FRAMES_PER_LATENT, 3, 32, 48, generator=generator, dtype=torch.float64) * 2
        - 1
    )


def of_latent(video: Tensor, k: int) -> Tensor:
    return video[:, k * FRAMES_PER_LATENT : (k + 1) * FRAMES_PER_LATENT]


def same(a: Tensor, b: Tensor) -> bool:
    return torch.allclose(a, b, atol=1e-10, rtol=0)


def test_four_frames_of_sixteen_pixels_are_one_latent(vae: Vae) -> None:
    coded = vae.encode(frames())
    assert coded.shape == (2, COUNT, 4, 2, 3)
    assert vae.decode(coded)[0].shape == frames().shape


def test_latents_are_normalised_by_the_statistics(vae: Vae) -> None:
    raw = vae.encoder(frames())
    undone = vae.encode(frames()) * vae.deviation[:, None, None] + vae.mean[:, None, None]
    assert same(raw, undone)
    calm = stilled(vae.decoder(raw, [])[0])
    out, state = vae.decode(vae.encode(frames()))
    assert same(out, mended(calm, None)) and same(state[-1], calm[:, -2:])


def test_streamed_equals_whole(vae: Vae) -> None:
    whole, _ = vae.decode(latents())
    streamed = torch.cat(list(vae.decode_stream(latents().unbind(1))), dim=1)
    assert streamed.min() >= 0 and streamed.max() <= 1
    torch.testing.assert_close(streamed, (whole.float() * 0.5 + 0.5).clamp(0, 1), atol=1e-6, rtol=0)


@pytest.mark.parametrize("cut", range(1, COUNT))
def test_decoding_in_two_parts_equals_whole(vae: Vae, cut: int) -> None:
    whole, _ = vae.decode(latents())
    first, state = vae.decode(latents()[:, :cut])
    second, _ = vae.decode(latents()[:, cut:], state)
    assert same(torch.cat((first, second), dim=1), whole)


def test_the_state_is_rebuilt_from_exactly_reach_latents(vae: Vae) -> None:
    z = latents()
    whole, _ = vae.decode(z)
    assert 1 <= vae.reach < COUNT - 1
    for before, enough in ((vae.reach, True), (vae.reach + 1, True), (vae.reach - 1, False)):
        rebuilt = next(vae.decode_stream(z[:, -1:].unbind(1), before=z[:, -1 - before : -1].unbind(1)))
        wanted = (of_latent(whole, COUNT - 1) * 0.5 + 0.5).clamp(0, 1).float()
        assert torch.allclose(rebuilt, wanted, atol=1e-6, rtol=0) == enough


@pytest.mark.parametrize("changed", range(COUNT))
def test_a_latent_changes_its_own_frames_and_those_within_reach(vae: Vae, changed: int) -> None:
    one, other = latents(), latents()
    other[:, changed] = latents(seed=2)[:, changed]
    whole, altered = vae.decode(one)[0], vae.decode(other)[0]
    differing = [k for k in range(COUNT) if not same(of_latent(whole, k), of_latent(altered, k))]
    assert differing == list(range(changed, min(changed + vae.reach, COUNT - 1) + 1))


@pytest.mark.parametrize("changed", range(COUNT))
def test_a_latent_is_encoded_from_its_own_frames_alone(vae: Vae, changed: int) -> None:
    other = frames()
    of_latent(other, changed)[:] = of_latent(frames(seed=2), changed)
    one, altered = vae.encode(frames()), vae.encode(other)
    assert [k for k in range(COUNT) if not same(one[:, k], altered[:, k])] == [changed]


def test_batched_equals_single(vae: Vae) -> None:
    coded, decoded = vae.encode(frames()), vae.decode(latents())[0]
    for i in range(2):
        assert same(vae.encode(frames()[i : i + 1])[0], coded[i])
        assert same(vae.decode(latents()[i : i + 1])[0][0], decoded[i])
