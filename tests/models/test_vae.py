"""The video VAE: streamed equals whole, a finite reach, nothing gathered over time."""

import pytest
import torch
from torch import Tensor, nn

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
    out, state = vae.decode(vae.encode(frames()))
    assert same(state[-1][:, -1], out[:, -1])  # a latent's last frame is never brought nearer to another's
    torch.testing.assert_close(out[:, -1], vae.decoder(raw, [])[0][:, -1], atol=0.02, rtol=0)


def test_streamed_equals_whole(vae: Vae) -> None:
    whole, _ = vae.decode(latents())
    streamed = torch.cat(list(vae.decode_stream(latents().unbind(1))), dim=1)
    assert streamed.min() >= 0 and streamed.max() <= 1
    torch.testing.assert_close(streamed, (whole.float() * 0.5 + 0.5).clamp(0, 1), atol=1e-6, rtol=0)


def decoded(vae: Vae, pictures: Tensor, monkeypatch: pytest.MonkeyPatch) -> Tensor:
    """Return what the VAE makes of frames (T, 3, H, W) that its decoder gives."""
    monkeypatch.setattr(vae.decoder, "forward", lambda raw, seen: (pictures[None].double(), seen))
    return vae.decode(latents(batch=1))[0][0]


def test_steady_motion_stays_as_it_is_and_a_cut_nearly_so(vae: Vae, monkeypatch: pytest.MonkeyPatch) -> None:
    moving = torch.linspace(-1, 1, 4 * COUNT, dtype=torch.float64)[:, None, None, None].expand(-1, 3, 8, 8)
    assert (decoded(vae, moving, monkeypatch) - moving).abs().max() < 1e-8
    cut = torch.where(torch.arange(4 * COUNT) < 8, -0.8, 0.8)[:, None, None, None].expand(-1, 3, 8, 8)
    assert (decoded(vae, cut, monkeypatch) - cut).abs().max() < 0.005


def test_a_still_picture_shimmers_half_as_much_and_what_moves_in_it_stays(
    vae: Vae, monkeypatch: pytest.MonkeyPatch
) -> None:
    still = 0.005 * torch.randn(4 * COUNT, 3, 8, 24, generator=torch.Generator().manual_seed(0))
    passing = still + 0.5 * (torch.arange(24) > torch.arange(4 * COUNT)[:, None, None, None] % 8)
    out = decoded(vae, passing, monkeypatch)
    inside = torch.arange(1, 4 * COUNT) % 4 != 0
    before, after = (x.diff(dim=0)[inside].abs() for x in (passing, out))
    moving = before > 0.4
    assert after[~moving].mean() < 0.5 * before[~moving].mean()
    assert (after - before)[moving].abs().max() < 0.03 and moving.float().mean() > 0.03


def test_a_still_picture_that_pulses_with_its_latents_pulses_a_quarter_as_much(
    vae: Vae, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = 0.01 * torch.randn(COUNT, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    out = decoded(vae, errors.repeat_interleave(4, 0), monkeypatch)
    before, after = (x.diff(dim=0).abs().mean((1, 2, 3)) for x in (errors.repeat_interleave(4, 0), out))
    assert (after[3::4] < 0.3 * before[3::4]).all() and not before[0]
    assert after[4:].max() < 0.7 * before.max()
    assert same(out[3::4], errors.double())


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
