"""Every reader of files, fed damaged ones: nothing but a PavdmError comes out, soon and in little memory."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pictures import moving_frames

from pavdm_cli.errors import PavdmError
from pavdm_cli.media import attachment, beginning, reader
from pavdm_cli.media.fragments import Fragment, FragmentParser, Header
from pavdm_cli.media.writer import VideoWriter
from pavdm_cli.models import config, quantised
from pavdm_cli.models.library import ModelConfig
from pavdm_cli.runs import settings as texts
from pavdm_cli.runs import timeline
from pavdm_cli.runs.journal import State, packed, unpacked
from pavdm_cli.runs.latents import LatentLog, head, record
from pavdm_cli.runs.order import Asked
from pavdm_cli.runs.past import Past, look
from pavdm_cli.sampling.loop import Window

LONGEST = 20.0  # seconds for one file, on a loaded machine


class Damage:
    """A way to spoil bytes: cut out, put in, and flip at places that are shares of the whole."""

    def __init__(self, cuts: list[tuple[float, bytes]], end: float) -> None:
        self._cuts, self._end = cuts, end

    def __call__(self, data: bytes) -> bytes:
        out = bytearray(data)
        for share, new in self._cuts:
            at = int(share * len(out))
            out[at : at + len(new)] = new
        return bytes(out[: int(self._end * len(out)) + 1])


places = st.floats(0, 1, exclude_max=True)
damages = st.builds(
    Damage, st.lists(st.tuples(places, st.binary(min_size=1, max_size=8)), max_size=4), st.just(1.0) | places
)
unhurried = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
few = settings(unhurried, max_examples=8)


def survives(read: Callable[[], object]) -> None:
    begun = time.monotonic()
    try:
        read()
    except PavdmError as error:
        assert str(error)
    assert time.monotonic() - begun < LONGEST


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    stored = [head((1, 2, 2, 2)), *(record(k, bytes(16)) for k in range(3))]
    with VideoWriter(path, (32, 32), 8, tags={"prompt": "a"}, attached=lambda: stored) as video:
        video.write(moving_frames(12, (32, 32)))
    return path.read_bytes()


@few
@given(damage=damages)
def test_videos(tmp_path: Path, film: bytes, damage: Damage) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(damage(film))
    survives(lambda: reader.tags(path))
    survives(lambda: look(path, tmp_path))
    survives(lambda: list(reader.fitted(path, (32, 32), 8)))
    survives(lambda: beginning.copy(path, tmp_path / "x.partial.mp4", 8))


@unhurried
@given(damage=damages)
def test_what_is_stored_behind_a_film(tmp_path: Path, film: bytes, damage: Damage) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(damage(film))
    place = attachment.find(path)
    log = LatentLog.open(path, *place) if place else None
    survives(lambda: [log.read(k) for k in range(log.count)] if log else None)


@unhurried
@given(damage=damages)
def test_logs(tmp_path: Path, damage: Damage) -> None:
    path = tmp_path / "latents"
    path.write_bytes(damage(head((1, 2, 2, 2)) + b"".join(record(k, bytes(16)) for k in range(3))))
    log = LatentLog.open(path)
    assert log is None or log.count <= 3
    LatentLog.entries(path)


@unhurried
@given(damage=damages, raw=st.binary(max_size=200))
def test_states(damage: Damage, raw: bytes) -> None:
    import torch

    window = Window({0: torch.zeros(1, 2, 2, 2)}, {0: 0.5}, 3)
    unpacked(damage(packed(State(window, 0, ()))))
    unpacked(raw)


@unhurried
@given(damage=damages)
def test_growing_files(film: bytes, damage: Damage) -> None:
    def read() -> None:
        for part in FragmentParser().feed(damage(film)):
            if isinstance(part, Header):
                _ = part.decoding
            if isinstance(part, Fragment):
                _ = part.moved(2, 3), part.duration

    survives(read)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
TAGS = ("prompt", "cues", "blend", "seed", "first", "frames", "earlier", "correction", "attention_chunk")


@unhurried
@given(tags=st.dictionaries(st.sampled_from(TAGS) | st.text(max_size=8), JSON))
def test_settings(tags: dict[str, object]) -> None:
    assert texts.read(tags) is None  # there are always some missing


@unhurried
@given(raw=st.binary(max_size=60) | JSON.map(lambda found: json.dumps(found).encode()))
@pytest.mark.parametrize("kind", [ModelConfig, Asked, Past])
def test_json_files(tmp_path: Path, kind: type, raw: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(raw)
    survives(lambda: config.read(kind, path))
    path.write_bytes(b"[" * 100_000)
    survives(lambda: config.read(kind, path))


@unhurried
@given(raw=st.binary(max_size=40) | st.text("[]at=\n\"'1.:prompteimbln{}, #", max_size=60).map(str.encode))
def test_timelines(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(raw)
    survives(lambda: timeline.read(path))


@unhurried
@given(damage=damages)
def test_weights(tmp_path: Path, tiny_weights: Path, damage: Damage) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(damage((tiny_weights / "tiny" / "vae.safetensors").read_bytes()))
    survives(lambda: quantised.load(path))


def test_no_pickle_is_ever_loaded() -> None:
    package = Path(__file__).parents[1] / "pavdm_cli"
    for path in package.rglob("*.py"):
        text = path.read_text()
        assert "import pickle" not in text and "pickle.load" not in text, path
        for line in text.splitlines():
            assert "torch.load(" not in line or "weights_only=True" in line, f"{path}: {line}"
