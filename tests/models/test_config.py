import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from pavdm_cli.errors import ConfigError
from pavdm_cli.models.config import read, write, write_json


@dataclass(frozen=True)
class Part:
    width: int
    kind: Literal["flat", "round"] = "flat"


@dataclass(frozen=True)
class Whole:
    name: str
    rate: float
    causal: bool
    size: tuple[int, int]
    parts: tuple[Part, ...]
    main: Part

    def __post_init__(self) -> None:
        if self.rate <= 0:
            raise ConfigError(f"rate is {self.rate}; write a positive number")


GOOD = '"name": "a", "rate": 2, "causal": true, "size": [3, 4], "parts": [{"width": 1}], "main": {"width": 2}'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config.json"


def test_read_gives_the_dataclass_with_nested_ones_and_tuples(path: Path) -> None:
    path.write_text("{" + GOOD + "}")
    whole = read(Whole, path)
    assert whole == Whole("a", 2.0, True, (3, 4), (Part(1),), Part(2, "flat"))
    assert type(whole.rate) is float


def test_what_is_written_is_read_back(path: Path) -> None:
    whole = Whole("b", 0.5, False, (1, 2), (Part(1, "round"), Part(2)), Part(3))
    write(whole, path)
    assert read(Whole, path) == whole
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param('"name": "a", ', "", "missing key name", id="missing"),
        pytest.param('{"width": 2}', "{}", "missing key main.width", id="missing-inside"),
        pytest.param('"name": "a"', '"name": "a", "colour": 1', "unknown key colour", id="unknown"),
        pytest.param(
            '[{"width": 1}]', '[{"width": 1, "x": 1}]', r"unknown key parts\[0\].x", id="unknown-inside"
        ),
        pytest.param('"a"', '"a", "name": "b"', "key given twice: name", id="doubled"),
        pytest.param('"a"', "7", "name is 7; write a text", id="number-for-text"),
        pytest.param("true", "1", "causal is 1; write true or false", id="number-for-truth"),
        pytest.param(
            '"width": 2', '"width": true', "main.width is True; write a whole", id="truth-for-number"
        ),
        pytest.param('"width": 2', '"width": 2.0', "main.width is 2.0", id="float-for-whole"),
        pytest.param('"width": 2', '"width": null', "main.width is None", id="null"),
        pytest.param(
            '"width": 2', '"width": 2, "kind": "odd"', "'odd'; choose from 'flat', 'round'", id="choice"
        ),
        pytest.param("[3, 4]", "[3]", "size has 1 entries; write 2", id="short-tuple"),
        pytest.param("[3, 4]", '[3, "4"]', r"size\[1\] is '4'", id="wrong-in-tuple"),
        pytest.param("[3, 4]", "3", "size is 3; write a list", id="no-tuple"),
        pytest.param('{"width": 2}', "2", "main is 2; write an object", id="no-object"),
        pytest.param('"rate": 2', '"rate": -2', "rate is -2.0; write a positive", id="own-check"),
        pytest.param('"rate": 2', '"rate": ', "not a JSON file", id="no-json"),
    ],
)
def test_what_is_wrong_is_named_with_its_file(path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    path.write_text("{" + GOOD.replace(old, new) + "}")
    with pytest.raises(ConfigError, match=said) as caught:
        read(Whole, path)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize("text", ["[]", "3", "null"])
def test_a_file_that_holds_no_object_is_refused(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"the file is .* write an object"):
        read(Whole, path)


def test_a_missing_file_is_refused(path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read(Whole, path)


def test_json_is_written_whole_or_not_at_all(path: Path) -> None:
    write_json(path, {"figures": [1.5, None], "at": Path("a")})
    before = path.read_text()
    assert json.loads(before) == {"figures": [1.5, None], "at": "a"}
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"figures": float("nan")})
    assert path.read_text() == before and list(path.parent.iterdir()) == [path]
