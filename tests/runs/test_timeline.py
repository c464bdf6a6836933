"""Prompts along a film: when each is shown, how one goes over into the next, and files of them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavdm_cli.errors import ConfigError
from pavdm_cli.runs import timeline
from pavdm_cli.runs.timeline import Cue, Timeline

TWO = (Cue(10.0, "sea"), Cue(20.0, "hills"))


def test_a_cue_takes_over_in_equal_steps() -> None:
    assert timeline.weights((), 1.0, 5.0) == [1.0]
    times = (0.0, 10.0, 11.0, 12.0, 19.0, 22.0)
    found = [timeline.weights(TWO, 2.0, time) for time in times]
    assert found == [[1, 0, 0], [1, 0, 0], [0.5, 0.5, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1]]
    hard = [timeline.weights(TWO, 0.0, time) for time in (9.99, 10.0, 20.0)]
    assert hard == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


@given(at=st.lists(st.floats(0, 100), max_size=5), blend=st.floats(0, 50), time=st.floats(0, 200))
def test_weights_are_shares(at: list[float], blend: float, time: float) -> None:
    found = timeline.weights(tuple(Cue(one, "a") for one in sorted(at)), blend, time)
    assert len(found) == len(at) + 1 and min(found) >= 0
    assert sum(found) == pytest.approx(1)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("20s", 20),
        ("20", 20),
        ("1.5s", 1.5),
        ("1m30s", 90),
        ("2m", 120),
        ("1:30", 90),
        ("1:02:30", 3750),
        ("0", 0),
    ],
)
def test_times(text: str, found: float) -> None:
    assert timeline.seconds(text) == found


@pytest.mark.parametrize("text", ["", "s", "soon", "-3s", "1:2:3:4", "nan", "inf", "1e3", "٣s", "1.s.2"])
def test_no_such_time(text: str) -> None:
    with pytest.raises(ConfigError, match="is no time; write 20s, 1m30s or 1:30"):
        timeline.seconds(text)


def test_a_cue_as_it_is_typed() -> None:
    assert timeline.cue("20s=the sea = at night") == Cue(20.0, "the sea = at night")
    for text, said in (("the sea", "write a time and a prompt"), ("20s= ", "the prompt at 20 s is empty")):
        with pytest.raises(ConfigError, match=said):
            timeline.cue(text)
    with pytest.raises(ConfigError, match="two prompts at 3 s: 'a' and 'b'"):
        timeline.ordered([Cue(3, "a"), Cue(1, "c"), Cue(3, "b")])


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "film.toml"
    path.write_text(
        'prompt = "a ball"\nblend = 2\n[[at]]\ntime = "1:30"\nprompt = "hills"\n'
        '[[at]]\ntime = 20\nprompt = "sea"\n'
    )
    assert timeline.read(path) == Timeline("a ball", (Cue(20.0, "sea"), Cue(90.0, "hills")), 2.0)
    path.write_bytes(b"\xef\xbb\xbfblend = 1")  # some editors begin a file with a byte order mark
    assert timeline.read(path) == Timeline(None, (), 1.0)
    path.write_text("")
    assert timeline.read(path) == Timeline(None, (), None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prompt = 'a'\nblend = \n", r"line 2"),
        ("colour = 'a'", "unknown key 'colour'; known are at, blend, prompt"),
        ("[[at]]\ntime = 3\nprompt = 'a'\n[[at]]\nwhen = 3", r"\[\[at\]\] number 2, unknown key 'when'"),
        ("[[at]]\nprompt = 'a'", r"\[\[at\]\] number 1, time is None"),
        ("[[at]]\ntime = 3", r"\[\[at\]\] number 1, prompt is None"),
        ("[[at]]\ntime = true\nprompt = 'a'", "time is True"),
        ("[[at]]\ntime = 'x'\nprompt = 'a'", "'x' is no time"),
        ("[[at]]\ntime = nan\nprompt = 'a'", "'nan' is no time"),
        ("at = 3", r"at: write each prompt as a section \[\[at\]\]"),
        ("blend = -1", "blend -1: must be a number of seconds from 0 on"),
        ("blend = 'slow'", "blend is 'slow'; write seconds"),
        ("prompt = 3", "prompt is 3"),
    ],
)
def test_a_wrong_file_names_the_line_or_the_key(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "film.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=f"film.toml: .*{said}"):
        timeline.read(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        timeline.read(tmp_path / "none.toml")


def test_a_cue_changes_the_picture_until_it_has_taken_over_and_settled() -> None:
    cues = (Cue(4.0, "the sea"), Cue(9.0, "a city"))
    assert timeline.turns(cues, 1.5) == [(4.0, 7.5), (9.0, 12.5)]
    assert timeline.turns(cues, 0.0, before=3.0) == [(1.0, 3.0), (6.0, 8.0)]
    assert timeline.turns((), 1.0) == []
