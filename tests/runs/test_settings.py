"""Settings as they are stored in a film: read back as they were, strictly."""

import json
from dataclasses import replace

import pytest

from pavdm_cli.errors import ConfigError
from pavdm_cli.runs import settings
from pavdm_cli.runs.settings import Making, Settings
from pavdm_cli.runs.timeline import Cue

FILM = Settings(
    prompt="a red ball", cues=(Cue(20.0, "the sea"),), blend=0.5, seed=2**62, first=40, frames=96,
    schedule="progressive:steps=6", guidance=2.123456789, negative="fog", model="tiny", weights="a", vae="b",
    scale=4, quality=18, device="cpu", dtype="bf16", threads=2, attention_chunk=None, deterministic=True,
    torch="2", pavdm="0", run="r/0/0", hidden=3, shift=2, correction=((1.0, 0.5), (0.9, 0.0), (1.1, -2.0)),
    foreign="clip.mov", 
    earlier=(Making(prompt="a", seed=1, frames=60, schedule="progressive", guidance=2.0),),
)  # fmt: skip


def test_settings_come_back() -> None:
    found = json.loads(json.dumps(settings.stored(FILM)))
    assert settings.read(found) == FILM
    assert FILM.makings == (*FILM.earlier, FILM.making)
    plain = replace(
        FILM, cues=(), blend=0.0, first=0, hidden=0, shift=0, correction=(), foreign="", earlier=()
    )
    assert not {"cues", "earlier", "hidden"} & settings.stored(plain).keys()
    assert settings.read(json.loads(json.dumps(settings.stored(plain)))) == plain


@pytest.mark.parametrize(
    "change",
    [{"more": 1}, {"seed": "1"}, {"frames": 2}, {"scale": 0}, {"blend": float("nan")}, {"hidden": 99}],
)
def test_what_is_not_ours_is_none(change: dict[str, object]) -> None:
    assert settings.read(settings.stored(FILM) | change) is None
    assert settings.read({}) is None


def test_no_such_making() -> None:
    with pytest.raises(ConfigError, match="first 61 of 60 frames"):
        Making(prompt="a", seed=1, first=61, frames=60, schedule="progressive", guidance=2.0)
