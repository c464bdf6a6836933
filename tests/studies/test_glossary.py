"""Every measure that a page shows is explained there."""

import json
from pathlib import Path

import pytest

from pavdm_cli.studies.glossary import MEANT, meanings

SHIPPED = Path(__file__).parents[2] / "docs" / "studies" / "scorecard" / "results.json"


def test_every_measure_of_the_scorecard_is_explained_once() -> None:
    found = json.loads(SHIPPED.read_text())
    assert list(meanings([*found["by_interval"], *found["of_videos"]])) == list(MEANT)


def test_narrower_measures_are_those_they_narrow() -> None:
    assert list(meanings(["adherence of walls", "adherence, last 4 s", "motion, slope per minute"])) == [
        "adherence",
        "motion",
    ]
    with pytest.raises(KeyError):
        meanings(["beauty"])
